"""Other optimisers on the synthetic problems for reporting: rows of `peers.csv`, in the form of that file.

    pip install hwgym optuna pymoo cma          # and torch, for Optuna's Gaussian processes; botorch
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


def botorch_peer(problem, seed):
    """BoTorch's qLogNEHVI as its tutorials have it: a Gaussian process per metric, a Sobol start of 2 (d + 1), alternating search of mixed spaces."""
    import torch
    from botorch.acquisition.multi_objective.logei import qLogNoisyExpectedHypervolumeImprovement
    from botorch.acquisition.multi_objective.objective import IdentityMCMultiOutputObjective
    from botorch.fit import fit_gpytorch_mll
    from botorch.models import MixedSingleTaskGP, ModelListGP, SingleTaskGP
    from botorch.models.transforms import Normalize, Standardize
    from botorch.optim.optimize_mixed import optimize_acqf_mixed_alternating
    from gpytorch.mlls import SumMarginalLogLikelihood

    torch.manual_seed(seed)
    torch.set_default_dtype(torch.double)
    distributions = problem.env.space.optuna_distributions()
    choices = {}  # Of a category or a switch: what its number stands for.
    ends, discrete, categories = [], {}, {}
    for place, (name, d) in enumerate(distributions.items()):
        kind = type(d).__name__
        if kind == "CategoricalDistribution":
            numeric = all(isinstance(c, (int, float)) and not isinstance(c, bool) for c in d.choices)
            choices[name] = sorted(d.choices) if numeric else list(d.choices)
            places = [float(i) for i in range(len(d.choices))]
            (discrete if numeric else categories)[place] = places
            ends.append((0.0, len(d.choices) - 1.0))
        elif kind == "IntDistribution":
            discrete[place] = [float(v) for v in range(d.low, d.high + 1, d.step)]
            ends.append((float(d.low), float(d.high)))
        else:
            ends.append((d.low, d.high))
    bounds = torch.tensor(ends).T
    width = len(ends)

    def ask(x):
        design = {}
        for value, (name, d) in zip(x.tolist(), distributions.items()):
            if name in choices:
                design[name] = choices[name][round(value)]
            else:
                design[name] = round(value) if type(d).__name__ == "IntDistribution" else value
        values, broken = problem.ask(design)
        return [-v for v in values] + list(broken)

    def snapped(x):
        for place, values in {**discrete, **categories}.items():
            grid = torch.tensor(values)
            x[:, place] = grid[(x[:, place, None] - grid).abs().argmin(dim=1)]
        return x

    start = min(2 * (width + 1), problem.budget)
    unit = torch.quasirandom.SobolEngine(width, scramble=True, seed=seed).draw(start, dtype=torch.double)
    x = snapped(bounds[0] + unit * (bounds[1] - bounds[0]))
    y = torch.tensor([ask(row) for row in x])
    reference = torch.tensor([-float(r) for r in REFERENCES[problem.name]])
    real = [place for place in range(width) if place not in categories]
    while len(problem.seen) < problem.budget:
        models = []
        for metric in range(y.shape[1]):
            target = y[:, metric : metric + 1]
            about = {"outcome_transform": Standardize(1), "input_transform": Normalize(width, indices=real, bounds=bounds[:, real])}
            models.append(
                MixedSingleTaskGP(x, target, cat_dims=list(categories), **about) if categories else SingleTaskGP(x, target, **about)
            )
        model = ModelListGP(*models)
        fit_gpytorch_mll(SumMarginalLogLikelihood(model.likelihood, model))
        limits = [(lambda z, k=k: z[..., k]) for k in range(2, y.shape[1])]
        improvement = qLogNoisyExpectedHypervolumeImprovement(
            model, reference, x, prune_baseline=True, constraints=limits or None, objective=IdentityMCMultiOutputObjective(outcomes=[0, 1])
        )
        found, _ = optimize_acqf_mixed_alternating(
            improvement, bounds, discrete_dims=discrete, cat_dims=categories, q=1, raw_samples=256, num_restarts=8
        )
        x = torch.cat([x, snapped(found.clone())])
        y = torch.cat([y, torch.tensor([ask(x[-1])])])


PEERS = {
    "optuna-tpe": (optuna_peer("TPESampler"), lambda p: True),
    "optuna-gp": (optuna_peer("GPSampler"), lambda p: True),
    "pymoo-ga": (pymoo_peer, lambda p: p.goals == 1),
    "pymoo-nsga2": (pymoo_peer, lambda p: p.goals == 2),
    "botorch": (botorch_peer, lambda p: p.goals == 2),
    "pycma": (pycma_peer, lambda p: p.goals == 1 and numbers(p) is not None),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--budget", type=int, default=50)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--peers", default=",".join(peer for peer in PEERS if peer != "botorch"))
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
