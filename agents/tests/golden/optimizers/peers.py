"""Other optimisers on the synthetic problems for reporting: rows of `peers.csv`, in the form of that file.

    pip install hwgym optuna pymoo cma          # and torch, for Optuna's Gaussian processes
    python agents/tests/golden/optimizers/peers.py --budget 50 --seeds 10 >> agents/tests/golden/optimizers/peers.csv
    python agents/tests/golden/optimizers/peers.py --budget 50 --seeds 10 --peers optuna-gp --problems repeaters,caches

The problems are evaluated by hwgym itself. A peer is asked with its defaults, knows the constraints where it takes any, and else minimises
the value plus a penalty of 1000 per unit of violation. One goal: the least feasible value. Two goals: hypervolume to the problem's
reference point. The median counts seeds that found nothing feasible as infinite (empty in the table).
"""

import argparse
import math
import statistics
import warnings

import hwgym
import numpy as np

SINGLE = [
    "speed-reducer", "tubular-column", "himmelblau", "hollow-cantilever", "corrugated-bulkhead", "heat-exchangers",
    "i-beam", "hartmann", "repeaters", "caches", "logic-path",
]
SEVERAL = ["four-bar-truss", "disc-brake", "gear-train", "speed-reducer-pareto", "repeaters-pareto", "caches-pareto", "logic-path-pareto"]
REFERENCES = {
    "four-bar-truss": [3000, 0.04], "disc-brake": [5, 25], "gear-train": [3.5, 60], "speed-reducer-pareto": [6500, 1500],
    "repeaters-pareto": [3, 2], "caches-pareto": [8, 150], "logic-path-pareto": [800, 400],
}


class Problem:
    """A problem that remembers what was asked of it."""

    def __init__(self, name, budget):
        self.name, self.budget = name, budget
        self.env = hwgym.make(f"synthetic/{name}-v0")
        self.goals = 2 if name in SEVERAL else 1
        self.constraints = len(self.env.metrics) - self.goals
        self.seen = []

    def ask(self, design):
        row = list(self.env.evaluate(design).metrics.values())
        values, broken = row[: self.goals], row[self.goals :]
        if len(self.seen) < self.budget:
            self.seen.append((values, broken))
        return values, broken

    def penalised(self, design):
        values, broken = self.ask(design)
        return values[0] + 1000 * sum(max(0.0, g) for g in broken)

    def result(self):
        good = [values for values, broken in self.seen if all(g <= 0 for g in broken)]
        if self.goals == 1:
            return min((v[0] for v in good), default=math.inf)
        reference = REFERENCES[self.name]
        area, height = 0.0, reference[1]
        for x, y in sorted(v for v in good if v[0] < reference[0] and v[1] < reference[1]):
            if y < height:
                area += (reference[0] - x) * (height - y)
                height = y
        return area


def numbers(problem):
    """The real parameters by name with their ends, or None where some are not real."""
    distributions = problem.env.space.optuna_distributions()
    if all(type(d).__name__ == "FloatDistribution" and d.step is None for d in distributions.values()):
        return {name: (d.low, d.high) for name, d in distributions.items()}
    return None


def optuna_peer(sampler):
    def run(problem, seed):
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        distributions = problem.env.space.optuna_distributions()

        def objective(trial):
            design = {name: trial._suggest(name, d) for name, d in distributions.items()}
            values, broken = problem.ask(design)
            trial.set_user_attr("broken", broken)
            return values[0] if problem.goals == 1 else tuple(values)

        limits = (lambda trial: trial.user_attrs["broken"]) if problem.constraints else None
        made = getattr(optuna.samplers, sampler)(seed=seed, constraints_func=limits)
        optuna.create_study(directions=["minimize"] * problem.goals, sampler=made).optimize(objective, problem.budget)

    return run


def pymoo_peer(problem, seed):
    from pymoo.algorithms.moo.nsga2 import NSGA2, RankAndCrowdingSurvival
    from pymoo.core.mixed import MixedVariableGA
    from pymoo.algorithms.soo.nonconvex.ga import GA
    from pymoo.core.problem import ElementwiseProblem
    from pymoo.core.variable import Choice, Integer, Real
    from pymoo.optimize import minimize

    ends = numbers(problem)
    names = list(problem.env.space.names)

    class Task(ElementwiseProblem):
        def __init__(self):
            shape = {"n_obj": problem.goals, "n_ieq_constr": problem.constraints}
            if ends:
                super().__init__(n_var=len(ends), xl=[e[0] for e in ends.values()], xu=[e[1] for e in ends.values()], **shape)
            else:
                super().__init__(vars={name: variable(d) for name, d in problem.env.space.optuna_distributions().items()}, **shape)

        def _evaluate(self, x, out, *args, **kwargs):
            plain = lambda v: v.item() if hasattr(v, "item") else v
            design = {name: float(v) for name, v in zip(names, x)} if ends else {name: plain(v) for name, v in x.items()}
            out["F"], broken = problem.ask(design)
            if broken:
                out["G"] = broken

    def variable(d):
        kind = type(d).__name__
        if kind == "FloatDistribution":
            return Real(bounds=(d.low, d.high))
        if kind == "IntDistribution":
            return Integer(bounds=(d.low, d.high))
        return Choice(options=list(d.choices))

    if not ends:
        survival = {"survival": RankAndCrowdingSurvival()} if problem.goals > 1 else {}
        algorithm = MixedVariableGA(pop_size=20, **survival)
    else:
        algorithm = NSGA2(pop_size=20) if problem.goals > 1 else GA(pop_size=20)
    minimize(Task(), algorithm, ("n_eval", problem.budget), seed=seed, verbose=False)


def pycma_peer(problem, seed):
    import cma

    ends = numbers(problem)
    low, high = np.array(list(ends.values())).T
    names = list(ends)

    def f(x):
        at = np.clip(low + np.clip(x, 0, 1) * (high - low), low, high)
        return problem.penalised(dict(zip(names, map(float, at))))

    options = {"bounds": [0, 1], "seed": seed + 1, "verbose": -9, "maxfevals": problem.budget}
    while len(problem.seen) < problem.budget:
        options["seed"] += 100
        cma.fmin(f, np.random.default_rng(options["seed"]).random(len(names)), 0.3, options)


PEERS = {
    "optuna-tpe": (optuna_peer("TPESampler"), lambda p: True),
    "optuna-gp": (optuna_peer("GPSampler"), lambda p: True),
    "pymoo-ga": (pymoo_peer, lambda p: p.goals == 1),
    "pymoo-nsga2": (pymoo_peer, lambda p: p.goals == 2),
    "pycma": (pycma_peer, lambda p: p.goals == 1 and numbers(p) is not None),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--budget", type=int, default=50)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--peers", default=",".join(PEERS))
    parser.add_argument("--problems", default=",".join(SINGLE + SEVERAL))
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    for name in arguments.problems.split(","):
        for peer in arguments.peers.split(","):
            run, serves = PEERS[peer]
            if not serves(Problem(name, 1)):
                continue
            found = []
            for seed in range(arguments.seeds):
                problem = Problem(name, arguments.budget)
                run(problem, seed)
                found.append(problem.result())
            median = statistics.median(found)
            print(f"{name},{arguments.budget},{peer},{median if math.isfinite(median) else ''},{arguments.seeds}", flush=True)


if __name__ == "__main__":
    main()
