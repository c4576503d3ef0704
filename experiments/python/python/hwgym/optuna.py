"""hwgym and Optuna: hwgym's agents as samplers, its environments as objectives, its studies in Optuna's storages.

>>> import hwgym, optuna
>>> env = hwgym.make("dram-controller-v0", workload="sort")
>>> goal = hwgym.optuna.objective(env, "low-power")
>>> study = optuna.create_study(directions=goal.directions, sampler=hwgym.optuna.HwgymSampler("bayesian", seed=1))
>>> study.optimize(goal, n_trials=20)   # doctest: +SKIP
"""

from __future__ import annotations

import json
import math
import os
import threading
import warnings
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import BaseSampler, RandomSampler
from optuna.search_space import IntersectionSearchSpace
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, Trial, TrialState

from . import _native
from ._ron import Ron, dumps, objective_text
from .catalogue import agents
from .environment import Env
from .search import Agent, outcome_of
from .space import Parameter, Space

#: Values of a parameter that Optuna can list as choices.
_MOST_CHOICES = 1000


def distributions(space: Space) -> dict[str, BaseDistribution]:
    """Optuna's distributions of the parameters by name. Errors: `ValueError` for one with more values than Optuna can list."""
    return {parameter.name: _distribution(parameter) for parameter in space.parameters}


def _distribution(parameter: Parameter) -> BaseDistribution:
    if parameter.kind == "real":
        return FloatDistribution(parameter.low, parameter.high, log=parameter.log)
    if parameter.kind == "integer":
        if parameter.log and parameter.step == 1:
            return IntDistribution(int(parameter.low), int(parameter.high), log=True)
        return IntDistribution(int(parameter.low), int(parameter.high), step=parameter.step)
    if parameter.levels is None or parameter.levels > _MOST_CHOICES:
        raise ValueError(
            f"parameter `{parameter.name}` has {parameter.levels} values, more than Optuna can list ({_MOST_CHOICES}); "
            "use hwgym.minimize, or a space with several parameters in its place"
        )
    return CategoricalDistribution(parameter.values)


class HwgymSampler(BaseSampler):
    """One of hwgym's agents (`hwgym.agents()`) as a sampler of Optuna.

    Parameters that all trials so far have in common are sampled together by the agent, others at random. The agent learns every finished
    trial of the study, also those of other processes; `constraints_func` answers by how much a trial breaks each constraint, at most 0
    where it is kept, and constraints that a trial has set itself count, too. Several objectives need an agent that keeps goals apart
    (`bayesian-pareto`, `nsga2`, `genetic`, `tpe`). The same seed gives the same study if its trials run one after the other. Further
    arguments are the agent's hyperparameters.
    """

    def __init__(
        self,
        agent: str = "bayesian",
        *,
        seed: int | None = None,
        constraints_func: Callable[[FrozenTrial], Sequence[float]] | None = None,
        budget: int | None = None,
        **hyperparameters: Any,
    ) -> None:
        self._agent_id = agent
        known = agents().get(agent)
        if known is None:
            raise ValueError(f"no agent is called `{agent}` (known: {', '.join(agents())})")
        self._serves_one = known["goals"] == "one"
        self._hyperparameters = hyperparameters
        self._constraints_func = constraints_func
        self._budget = budget
        self._seed = int(np.random.SeedSequence(seed).generate_state(1)[0])
        self._random = RandomSampler(seed=self._seed)
        self._intersection = IntersectionSearchSpace()
        self._lock = threading.RLock()
        self._forget()

    def _forget(self) -> None:
        self._agent: Agent | None = None
        self._space: dict[str, BaseDistribution] = {}
        self._told: set[int] = set()
        self._constraints = 0

    def __getstate__(self) -> dict[str, Any]:
        # An agent does not travel; it learns the finished trials again.
        state = self.__dict__.copy()
        state.update(_agent=None, _space={}, _told=set())
        del state["_lock"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.RLock()

    def reseed_rng(self) -> None:
        """Takes another seed, for a copy of this sampler."""
        with self._lock:
            self._seed = int.from_bytes(os.urandom(4), "little")
            self._random.reseed_rng()
            self._forget()

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """The parameters that all finished trials have in common."""
        common = self._intersection.calculate(study)
        return {name: distribution for name, distribution in common.items() if not distribution.single()}

    def sample_relative(self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]) -> dict[str, Any]:
        """Values that the agent proposes; random ones where it has nothing left to propose."""
        self._refuse_several(study)
        if not search_space:
            return {}
        with self._lock:
            return self._propose(study, trial, search_space)

    def _propose(self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]) -> dict[str, Any]:
        finished = [
            other
            for other in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.FAIL, TrialState.PRUNED))
            if all(search_space.get(name) == other.distributions.get(name) for name in search_space)
        ]
        constraints = max((len(_constraints(other)) for other in finished), default=0)
        if self._agent is None or self._space != search_space or self._constraints != constraints:
            self._forget()
            self._space, self._constraints = dict(search_space), constraints
            self._agent = self._make(study, search_space, constraints)
        new = [other for other in finished if other.number not in self._told]
        if new:
            # As they finished: a trial that never does is waited for by nobody.
            names = self._agent.names
            told = [(self._design(other), outcome_of(self._answer(study, other), names)) for other in new]
            self._agent._native.tell(told)
            self._told |= {other.number for other in new}
        designs = self._agent.ask(1)
        if not designs:
            # Every design was proposed; what is sampled now repeats one.
            return {name: self._random.sample_independent(study, trial, name, search_space[name]) for name in search_space}
        return {name: _value(search_space[name], designs[0][name]) for name in search_space}

    def _make(self, study: Study, search_space: dict[str, BaseDistribution], constraints: int) -> Agent:
        space = Space({name: _domain(distribution) for name, distribution in search_space.items()})
        words = {StudyDirection.MINIMIZE: "minimize", StudyDirection.MAXIMIZE: "maximize"}
        goals = {f"value_{index}": words[direction] for index, direction in enumerate(study.directions)}
        bounds = {f"constraint_{index}": (None, 0.0) for index in range(constraints)}
        return Agent(self._agent_id, space, goals=goals, bounds=bounds, budget=self._budget, seed=self._seed, **self._hyperparameters)

    def _design(self, trial: FrozenTrial) -> dict[str, Any]:
        return {name: _level(distribution, trial.params[name]) for name, distribution in self._space.items()}

    def _answer(self, study: Study, trial: FrozenTrial) -> Any:
        values = trial.values
        if trial.state == TrialState.PRUNED and len(study.directions) == 1 and trial.intermediate_values:
            # The last value before it was pruned is all that is known of it.
            values = [trial.intermediate_values[max(trial.intermediate_values)]]
        if trial.state == TrialState.FAIL or not values or any(map(math.isnan, values)):
            return None
        broken = list(_constraints(trial))
        broken += [0.0] * (self._constraints - len(broken))
        return [*values, *broken]

    def sample_independent(self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution) -> Any:
        """A random value."""
        self._refuse_several(study)
        return self._random.sample_independent(study, trial, param_name, param_distribution)

    def _refuse_several(self, study: Study) -> None:
        """Errors: `ValueError` for several objectives where the agent serves one."""
        if len(study.directions) > 1 and self._serves_one:
            raise ValueError(
                f"agent `{self._agent_id}` searches for one objective, and the study has {len(study.directions)}; "
                "use bayesian-pareto, nsga2, nsga3, genetic or tpe"
            )

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        """Keeps by how much the trial breaks its constraints."""
        if self._constraints_func is None or state not in (TrialState.COMPLETE, TrialState.PRUNED):
            return
        broken = [float(amount) for amount in self._constraints_func(trial)]
        if any(map(math.isnan, broken)):
            raise ValueError("constraint values cannot be NaN")
        study._storage.set_trial_system_attr(trial._trial_id, "constraints", tuple(broken))


def _constraints(trial: FrozenTrial) -> tuple[float, ...]:
    """By how much the trial breaks its constraints, in their order."""
    own = getattr(trial, "constraints", None)
    if own:
        return tuple(own.values())
    return tuple(trial.system_attrs.get("constraints") or ())


def _domain(distribution: BaseDistribution) -> Ron:
    """hwgym's domain of a distribution. Choices are named by their places, since they may be anything."""
    if isinstance(distribution, CategoricalDistribution):
        return Ron(f"Categorical({dumps([str(index) for index in range(len(distribution.choices))])})")
    if isinstance(distribution, FloatDistribution):
        if distribution.step is not None:
            steps = round((distribution.high - distribution.low) / distribution.step)
            return Ron(f"Integer(low: 0, high: {steps})")
        scale = "Log" if distribution.log else "Linear"
        return Ron(f"Real(low: {float(distribution.low)!r}, high: {float(distribution.high)!r}, scale: {scale})")
    if isinstance(distribution, IntDistribution):
        scale = "Log" if distribution.log else "Linear"
        return Ron(f"Integer(low: {distribution.low}, high: {distribution.high}, step: {distribution.step}, scale: {scale})")
    raise ValueError(f"{distribution} is a distribution that hwgym does not know")


def _value(distribution: BaseDistribution, value: Any) -> Any:
    """The value of Optuna that one of hwgym means."""
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices[int(value)]
    if isinstance(distribution, FloatDistribution) and distribution.step is not None:
        return min(distribution.low + int(value) * distribution.step, distribution.high)
    return value


def _level(distribution: BaseDistribution, value: Any) -> Any:
    """The value of hwgym that one of Optuna means."""
    if isinstance(distribution, CategoricalDistribution):
        return str(int(distribution.to_internal_repr(value)))
    if isinstance(distribution, FloatDistribution):
        if distribution.step is not None:
            return round((value - distribution.low) / distribution.step)
        return min(max(float(value), distribution.low), distribution.high)
    return int(value)


class Objective:
    """An environment as an objective of Optuna: called with a trial, it answers a value per goal, in the goal's own unit and direction."""

    def __init__(self, env: Env, objective: str | Mapping[str, Any] | None = None) -> None:
        self.env = env
        self._distributions = distributions(env.space)
        self._scored = Agent("random", env, objective=objective, seed=1)
        definition = _definition(env, objective)
        metrics = {metric.name: metric for metric in env.metrics}
        #: Names of the goals' metrics.
        self.metrics: list[str] = []
        #: `minimize` or `maximize` per goal, for `optuna.create_study`.
        self.directions: list[str] = []
        for goal in definition["goals"]:
            kind, name = next(iter(goal.items()))
            if kind not in ("Optimise", "Minimise", "Maximise"):
                # Any other goal is known by its reward, which is to be high.
                self.metrics.append("reward")
                self.directions.append("maximize")
                continue
            self.metrics.append(name)
            self.directions.append({"Minimise": "minimize", "Maximise": "maximize"}.get(kind, metrics[name].direction))

    def __call__(self, trial: Trial) -> Any:
        """Evaluates the design of a trial. One that breaks a constraint is pruned, one that fails is a failure; metrics are
        `user_attrs`."""
        design: dict[str, Any] = {}
        for parameter in self.env.space.parameters:
            condition = parameter.condition
            if condition is not None and design.get(condition.parameter) not in condition.is_one_of:
                continue
            design[parameter.name] = _suggest(trial, parameter.name, self._distributions[parameter.name])
        evaluation = self.env.evaluate(design)
        trial.set_user_attr("outcome", evaluation.outcome)
        for name, value in evaluation.metrics.items():
            trial.set_user_attr(name, value)
        if evaluation.reason is not None:
            trial.set_user_attr("reason", evaluation.reason)
        if evaluation.outcome == "infeasible":
            raise optuna.TrialPruned(evaluation.reason)
        if not evaluation.feasible:
            raise RuntimeError(f"{evaluation.outcome}: {evaluation.reason}")
        scored = self._scored._native.score(design, ("feasible", list(evaluation.metrics.values())))
        trial.set_user_attr("violation", scored.violation)
        values = [reward if name == "reward" else evaluation[name] for name, reward in zip(self.metrics, scored.rewards, strict=True)]
        return values[0] if len(values) == 1 else tuple(values)

    def constraints_func(self, trial: FrozenTrial) -> tuple[float]:
        """By how much the trial breaks the objective's bounds, for samplers."""
        return (float(trial.user_attrs.get("violation", 1.0)),)


def objective(env: Env, objective: str | Mapping[str, Any] | None = None) -> Objective:
    """An environment as an objective of Optuna, with its `directions` and its `constraints_func`."""
    return Objective(env, objective)


def _definition(env: Env, objective: str | Mapping[str, Any] | None) -> dict[str, Any]:
    return json.loads(env.native_objective(objective_text(objective)))


def _suggest(trial: Trial, name: str, distribution: BaseDistribution) -> Any:
    if isinstance(distribution, CategoricalDistribution):
        return trial.suggest_categorical(name, distribution.choices)
    if isinstance(distribution, IntDistribution):
        return trial.suggest_int(name, distribution.low, distribution.high, step=distribution.step, log=distribution.log)
    return trial.suggest_float(name, distribution.low, distribution.high, log=distribution.log)


def export(directory: str | os.PathLike[str], storage: Any) -> list[str]:
    """Writes the records of a study's directory into a storage of Optuna, for `optuna-dashboard` and Optuna's plots; returns their names.

    `storage` is a URL such as ``"sqlite:///study.db"``, or a storage. Each task with each agent becomes a study called
    `environment/objective/agent`; its trials have the seed, the number of the evaluation, metrics and outcome as `user_attrs`. A design
    that breaks a constraint is a pruned trial, one that failed a failed one. Errors: `optuna.exceptions.DuplicatedStudyError` where one is
    there already.
    """
    manifest = json.loads(_native.read_study(os.fspath(directory), True))["manifest"]
    trials = json.loads(_native.study_records(os.fspath(directory)))
    metrics = {each["label"]: {m["name"]: m for m in each["metrics"]} for each in manifest["environments"]}
    spaces = {
        each["label"]: Space._of(_native.env_space(each["id"], each["options"], manifest["study_file"]))
        for each in manifest["environments"]
    }
    begun = datetime.fromtimestamp(manifest["started_unix_s"])
    names = []
    for task in manifest["tasks"]:
        of_task = metrics[task["environment"]]
        goals = task["objective"]["goals"]
        directions = ["minimize" if _sign(goal, of_task) < 0 else "maximize" for goal in goals]
        for contestant in manifest["contestants"]:
            name = f"{task['environment']}/{task['objective']['name']}/{contestant['label']}"
            study = optuna.create_study(storage=storage, study_name=name, directions=directions)
            with warnings.catch_warnings():
                # Names of metrics are what Optuna calls experimental.
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                study.set_metric_names([_goal_name(goal) for goal in goals])
            study.set_user_attr("hwgym", manifest["name"])
            listed = []
            for trial in trials:
                if (trial["environment"], trial["objective"], trial["agent"]) == (
                    task["environment"],
                    task["objective"]["name"],
                    contestant["label"],
                ):
                    space = spaces[task["environment"]]
                    listed += [_frozen(record, trial["seed"], goals, of_task, begun, space) for record in trial["records"]]
            study.add_trials(listed)
            names.append(name)
    return names


def _sign(goal: Mapping[str, Any], metrics: Mapping[str, Any]) -> int:
    """The sign between a goal's value and its reward."""
    kind, content = next(iter(goal.items()))
    if kind == "Optimise":
        return 1 if metrics[content]["direction"] == "Maximise" else -1
    return -1 if kind in ("Minimise", "WeightedSum", "Product") else 1


def _goal_name(goal: Mapping[str, Any]) -> str:
    kind, content = next(iter(goal.items()))
    return content if isinstance(content, str) else kind.lower()


def _frozen(
    record: Mapping[str, Any],
    seed: int,
    goals: Sequence[Mapping[str, Any]],
    metrics: Mapping[str, Any],
    begun: datetime,
    space: Space,
) -> FrozenTrial:
    outcome = record["outcome"]
    status = outcome["status"]
    end = begun + timedelta(seconds=record["wall"]["at_s"])
    measured = outcome.get("metrics", {})
    attrs = {"seed": seed, "evaluation": record["evaluation"], "outcome": status, "violation": record["violation"]} | measured
    reason = outcome.get("constraint") or outcome.get("reason")
    if reason:
        attrs["reason"] = reason
    state = {"feasible": TrialState.COMPLETE, "infeasible": TrialState.PRUNED}.get(status, TrialState.FAIL)
    values = [_sign(goal, metrics) * reward for goal, reward in zip(goals, record["rewards"])] or None
    active = space.active(record["design"]) if record["design"] else []
    known = {}
    for name in active:
        try:
            known[name] = _distribution(space[name])
        except ValueError:
            # An order or an assignment with more values than Optuna lists.
            attrs[name] = record["design"][name]
    kept = {name: record["design"][name] for name in known}
    frozen = optuna.trial.create_trial(
        state=state,
        values=values if state == TrialState.COMPLETE else None,
        params=kept,
        distributions=known,
        user_attrs=attrs,
        system_attrs={"constraints": [record["violation"]]} if state == TrialState.COMPLETE else {},
    )
    frozen.datetime_start = end - timedelta(seconds=record["wall"]["evaluation_s"])
    frozen.datetime_complete = end
    return frozen
