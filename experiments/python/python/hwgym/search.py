"""hwgym's agents for any function, and one that asks and tells."""

from __future__ import annotations

import math
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from . import _native
from ._native import Evaluation
from ._ron import Ron, dumps, objective_text, pairs
from .environment import Env
from .space import Design, Space

if TYPE_CHECKING:
    import pandas


class Infeasible(Exception):
    """Raised by a function or an environment for a design that breaks a constraint.

    `constraint` says what it means; `amount` by how much it is broken, above 0, in its own units. Agents go by the amount.
    """

    def __init__(self, constraint: str, amount: float = 1.0) -> None:
        super().__init__(constraint, amount)
        self.constraint, self.amount = constraint, float(amount)

    def __str__(self) -> str:
        return f"{self.constraint} (by {self.amount:g})"


def _directions(goals: int | Sequence[str] | Mapping[str, str]) -> dict[str, str]:
    """Directions of the goals by name."""
    if isinstance(goals, int):
        if goals < 1:
            raise ValueError(f"goals: {goals}; expected 1 or more")
        return {"value": "minimize"} if goals == 1 else {f"value_{index + 1}": "minimize" for index in range(goals)}
    directions = dict(goals) if isinstance(goals, Mapping) else {name: "minimize" for name in goals}
    for name, direction in directions.items():
        if direction not in ("minimize", "maximize"):
            raise ValueError(f"goal `{name}`: `{direction}` is no direction; expected minimize or maximize")
    if not directions:
        raise ValueError("goals: give one at least")
    return directions


def outcome_of(told: Any, names: Sequence[str]) -> tuple[Any, ...]:
    """What a function answered, as the native module takes it. Whatever is no measurement is a failure that says why."""
    if isinstance(told, Evaluation):
        if told.feasible:
            return outcome_of(told.metrics, names)
        if told.outcome == "infeasible":
            return ("infeasible", told.reason, told.amount)
        return ("failed", told.reason)
    if isinstance(told, Infeasible):
        return ("infeasible", told.constraint, told.amount)
    if isinstance(told, _Broken):
        return ("failed", str(told).strip())
    if isinstance(told, BaseException):
        return ("failed", "".join(traceback.format_exception(told)).strip())
    if told is None:
        return ("failed", "the function answered None")
    try:
        if isinstance(told, Mapping):
            missing = [name for name in names if name not in told]
            if missing:
                return ("failed", f"the answer has no `{missing[0]}`")
            values = [float(told[name]) for name in names]
        elif isinstance(told, Sequence) and not isinstance(told, str) or getattr(told, "ndim", 0) == 1:
            values = [float(value) for value in told]
        else:
            values = [float(told)]
    except (TypeError, ValueError) as error:
        return ("failed", f"the answer {told!r} is no number: {error}")
    if len(values) != len(names):
        return ("failed", f"{len(values)} numbers, where {len(names)} are expected ({', '.join(names)})")
    for name, value in zip(names, values, strict=True):
        if not math.isfinite(value):
            return ("failed", f"`{name}` is {value}")
    return ("feasible", values)


class Agent:
    """One of hwgym's agents (`hwgym.agents()` lists them): `ask` proposes designs, `tell` says what became of them.

    >>> space = Space(x=(-1.0, 1.0))
    >>> agent = Agent("bayesian", space, budget=20, seed=1)
    >>> for _ in range(20):
    ...     [design] = agent.ask()
    ...     evaluation = agent.tell(design, design["x"] ** 2)

    `space` may be an environment, with `objective` one of its objectives or `hwgym.objective(...)`; the agent then also knows what the
    environment knows of its designs, and is told evaluations.

    `goals` is the number of values, all minimised; their names; or names with `minimize` or `maximize`. `bounds` are limits on values by
    name, `(smallest, largest)` with None for no limit; a bound may be on a value that is no goal. `budget` is the number of evaluations
    that are planned, if that is known. The same seed and the same answers give the same proposals. Further arguments are the agent's
    hyperparameters.
    """

    def __init__(
        self,
        agent: str,
        space: Space | Env,
        *,
        goals: int | Sequence[str] | Mapping[str, str] = 1,
        bounds: Mapping[str, tuple[float | None, float | None]] | None = None,
        objective: str | Mapping[str, Any] | None = None,
        budget: int | None = None,
        seed: int = 1,
        **hyperparameters: Any,
    ) -> None:
        given = pairs(hyperparameters)
        if isinstance(space, Env):
            if goals != 1 or bounds:
                raise ValueError("goals and bounds of an environment are in its objective; give `objective=hwgym.objective(...)`")
            self.space = space.space
            self.names = [metric.name for metric in space.metrics]
            self._native = _native.Agent.of_env(agent, given, space, objective_text(objective), budget, seed)
        else:
            if objective is not None:
                raise ValueError("`objective` is for environments; give `goals` and `bounds`")
            self.space = space
            directions, bounds = _directions(goals), bounds or {}
            self.names = list(dict.fromkeys([*directions, *bounds]))
            metrics = [_metric(name, directions.get(name, "minimize")) for name in self.names]
            aims = [Ron(f"Optimise({dumps(name)})") for name in directions]
            limits = [_limits(name, *ends) for name, ends in bounds.items()]
            definition = dumps({"name": "own", "goals": aims, "bounds": limits})
            self._native = _native.Agent(agent, given, space._native, dumps(metrics), definition, budget, seed)
        #: Proposals that were not told yet, in order: key, and what was told of it.
        self._pending: list[list[Any]] = []

    def ask(self, count: int = 1) -> list[Design]:
        """Up to `count` designs; none when the agent has nothing left to propose."""
        designs = self._native.ask(count)
        self._pending += [[_key(design), None] for design in designs]
        return designs

    def tell(self, designs: Any, values: Any) -> Any:
        """Tells what became of one design, or of a list of them; returns how each counts (`Evaluation`).

        A value is a number, a sequence or a mapping of them; `None`, NaN and exceptions are failures, `Infeasible` is a broken constraint.
        Proposals may be told in any order: the agent learns them in the order in which it proposed them, others at once.
        """
        if isinstance(designs, Mapping):
            return self.tell([designs], [values])[0]
        told = [(design, outcome_of(value, self.names)) for design, value in zip(designs, values, strict=True)]
        evaluations = [self._native.score(design, outcome) for design, outcome in told]
        foreign = []
        for design, outcome in told:
            key = _key(self.space.complete(design))
            own = next((entry for entry in self._pending if entry[1] is None and entry[0] == key), None)
            if own is None:
                foreign.append((design, outcome))
            else:
                own[1] = (design, outcome)
        ready = []
        while self._pending and self._pending[0][1] is not None:
            ready.append(self._pending.pop(0)[1])
        if foreign or ready:
            self._native.tell(foreign + ready)
        return evaluations


def _key(design: Design) -> tuple[Any, ...]:
    return tuple(design.items())


def _metric(name: str, direction: str) -> dict[str, Any]:
    kind = Ron("Maximise" if direction == "maximize" else "Minimise")
    return {"name": name, "unit": "1", "direction": kind, "definition": ""}


def _limits(name: str, low: float | None, high: float | None) -> dict[str, Any]:
    limits: dict[str, Any] = {"metric": name}
    if low is not None:
        limits["at_least"] = float(low)
    if high is not None:
        limits["at_most"] = float(high)
    return limits


@dataclass(frozen=True)
class Trial:
    """One evaluation of a search."""

    design: Design
    evaluation: Evaluation

    @property
    def values(self) -> dict[str, float]:
        """Values by name; empty where there are none."""
        return self.evaluation.metrics


@dataclass
class Result:
    """What a search found."""

    goals: dict[str, str]
    #: Every evaluation, in order.
    trials: list[Trial] = field(default_factory=list)

    @property
    def front(self) -> list[Trial]:
        """The solutions that no other one dominates; with one goal the best one."""
        best: list[Trial] = []
        for trial in self.trials:
            rewards = trial.evaluation.rewards
            if not rewards or trial.evaluation.violation:
                continue
            if any(all(a >= b for a, b in zip(other.evaluation.rewards, rewards)) for other in best):
                continue
            best = [o for o in best if not all(a >= b for a, b in zip(rewards, o.evaluation.rewards))] + [trial]
        return best

    @property
    def best(self) -> Trial | None:
        """The best solution of a search for one goal; None if there is none. Errors: `ValueError` with several goals."""
        if len(self.goals) > 1:
            raise ValueError("several goals have no one best design; look at `front`")
        front = self.front
        return front[0] if front else None

    @property
    def design(self) -> Design | None:
        """The best design."""
        return None if self.best is None else self.best.design

    @property
    def value(self) -> float | None:
        """The value of the best design."""
        return None if self.best is None else self.best.values[next(iter(self.goals))]

    @property
    def failures(self) -> list[Trial]:
        """Evaluations that failed."""
        return [trial for trial in self.trials if trial.evaluation.outcome == "failed"]

    def trials_dataframe(self) -> pandas.DataFrame:
        """A row per evaluation: parameters, values, `outcome`, `reason`."""
        import pandas

        rows = [
            trial.design | trial.values | {"outcome": trial.evaluation.outcome, "reason": trial.evaluation.reason} for trial in self.trials
        ]
        return pandas.DataFrame(rows)

    def __repr__(self) -> str:
        found = f"front of {len(self.front)}" if len(self.goals) > 1 else f"value={self.value}, design={self.design}"
        return f"<Result of {len(self.trials)} evaluations: {found}>"

    def _repr_html_(self) -> str:
        from ._html import table

        front = self.front
        names = list(front[0].design) if front else []
        rows = [[*trial.values.values(), *trial.design.values()] for trial in front]
        header = [*(front[0].values if front else self.goals), *names]
        return table(header, rows, f"{len(self.trials)} evaluations")


def _measure(function: Callable[[Design], Any], design: Design) -> Any:
    """What the function answers, its exceptions included."""
    try:
        return function(design)
    except Exception as error:  # noqa: BLE001 - whatever the user's code raises is recorded
        # A traceback does not travel between processes, its text does.
        if isinstance(error, Infeasible):
            return error
        return _Broken(traceback.format_exc())


class _Broken(Exception):
    """A failure with its traceback as text."""

    def __init__(self, text: str) -> None:
        super().__init__(text)


def minimize(
    function: Callable[[Design], Any],
    space: Space | Mapping[str, Any],
    *,
    agent: str = "bayesian",
    budget: int = 100,
    seed: int = 1,
    goals: int | Sequence[str] | Mapping[str, str] = 1,
    bounds: Mapping[str, tuple[float | None, float | None]] | None = None,
    constraints: Iterable[str | Callable[[Design], float]] = (),
    batch: int = 1,
    map: Callable[..., Iterable[Any]] = map,  # noqa: A002 - as in multiprocessing
    callback: Callable[[Trial], Any] | None = None,
    **hyperparameters: Any,
) -> Result:
    """Searches the designs with the smallest value of a function.

    >>> result = minimize(lambda design: (design["x"] - 0.3) ** 2, {"x": (0.0, 1.0)}, budget=30)
    >>> round(result.design["x"], 1)
    0.3

    `function` is given a design (a dict) and answers a number, or several goals as a sequence or a mapping. `None`, NaN and exceptions are
    failed evaluations, which are recorded with their traceback; `hwgym.Infeasible` is a broken constraint. `goals` and `bounds` as for
    `hwgym.Agent`: ``goals={"energy": "minimize", "speed": "maximize"}``.

    `constraints` are texts over parameters (``"rows * ways <= 64"``), or functions of a design that answer by how much it is broken, at
    most 0 where it is kept; designs that break one are not evaluated. `batch` designs are asked for at a time, and evaluated by `map`, for
    example that of a process pool. `callback` is called after every evaluation; a true answer ends the search. The same seed gives the same
    search.
    """
    if budget < 1 or batch < 1:
        raise ValueError(f"budget {budget}, batch {batch}: expected 1 or more")
    searched = space if isinstance(space, Space) else Space(space)
    rules = list(constraints)
    texts = [rule for rule in rules if isinstance(rule, str)]
    checks = [rule for rule in rules if not isinstance(rule, str)]
    if texts:
        searched = searched.constrained(texts)
    directions = _directions(goals)
    searcher = Agent(agent, searched, goals=directions, bounds=bounds, budget=budget, seed=seed, **hyperparameters)
    result = Result(directions)
    while len(result.trials) < budget:
        designs = searcher.ask(min(batch, budget - len(result.trials)))
        if not designs:
            break
        answers: list[Any] = [_refused(searcher, design, checks) for design in designs]
        open_ = [index for index, answer in enumerate(answers) if answer is None]
        measured = map(partial(_measure, function), [designs[index] for index in open_])
        for index, answer in zip(open_, measured, strict=True):
            answers[index] = answer
        evaluations = searcher.tell(designs, answers)
        finished = [Trial(design, evaluation) for design, evaluation in zip(designs, evaluations, strict=True)]
        result.trials += finished
        if callback is not None and any([callback(trial) for trial in finished]):
            break
    return result


def _refused(agent: Agent, design: Design, checks: Sequence[Callable[[Design], float]]) -> Infeasible | None:
    """The constraint that the design breaks, if it breaks one."""
    refused = agent._native.refuse(design)
    if refused is not None:
        return Infeasible(refused[1], refused[2])
    for check in checks:
        amount = float(check(design))
        if amount > 0 or math.isnan(amount):
            name = getattr(check, "__name__", "constraint")
            return Infeasible(name, amount if math.isfinite(amount) else 1.0)
    return None
