"""Environments: pure functions from a design to metrics."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from . import _native
from ._html import table
from ._native import Evaluation
from ._ron import objective_text, pairs
from .space import Design, Space, _listed

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class Metric:
    """A quantity that an environment measures."""

    name: str
    #: As on an axis; `1` for a ratio.
    unit: str
    #: `minimize` or `maximize`.
    direction: str
    definition: str


@dataclass(frozen=True)
class Optimum:
    """A design that is provably best, or on the Pareto front."""

    design: Design
    metrics: dict[str, float]
    #: One per goal, higher is better.
    rewards: tuple[float, ...]
    #: Evaluated designs with the same rewards, this one included.
    ties: int


class Env(_native.Env):
    """An environment. `hwgym.make` makes one; `hwgym.environments()` lists them."""

    def __new__(cls, id: str, **options: Any) -> Env:
        env = super().__new__(cls, id, pairs(options))
        env.options = options
        return env

    #: The options that it was made with.
    options: dict[str, Any]

    @property
    def space(self) -> Space:
        """The designs there are."""
        if not hasattr(self, "_space"):
            self._space = Space._of(self.native_space())
        return self._space

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """What is measured, with units and directions."""
        return tuple(Metric(*each) for each in self.native_metrics())

    @property
    def units(self) -> dict[str, str]:
        """Units of the metrics by name."""
        return {metric.name: metric.unit for metric in self.metrics}

    @property
    def objectives(self) -> dict[str, str]:
        """What users of this environment search for by name, in words; the default first."""
        return {each["name"]: each["words"] for each in json.loads(self.native_objectives())}

    @property
    def fidelities(self) -> dict[str, float]:
        """Levels of fidelity with their costs relative to the full one, which comes first."""
        return dict(self.native_fidelities())

    @property
    def provenance(self) -> dict[str, str]:
        """What records remember of this instance: workload, versions, device."""
        return dict(self.native_provenance())

    @property
    def default_design(self) -> Design | None:
        """The design that people use who do not search, where there is one."""
        return self.native_default()

    @overload
    def evaluate(self, designs: Mapping[str, Any], *, fidelity: str | None = None) -> Evaluation: ...
    @overload
    def evaluate(self, designs: Sequence[Mapping[str, Any]] | pandas.DataFrame, *, fidelity: str | None = None) -> pandas.DataFrame: ...

    def evaluate(self, designs: Any, *, fidelity: str | None = None) -> Any:
        """Evaluates designs; many of them on all cores.

        One design gives an `Evaluation`: `evaluation["energy_pj"]`, `.metrics`, `.outcome`, `.reason`. A list of designs, or a table with a
        column per parameter, gives a table with a row per design: a column per metric in its unit (not a number where there are none), then
        `outcome` (`feasible`, `infeasible`, `timed-out`, `failed`) and `reason`. The index of a table is kept.

        `fidelity` names one of `fidelities`. Errors: `ValueError` for unknown names and values outside their domains; what goes wrong in
        a simulation is an outcome.
        """
        level = 0 if fidelity is None else self._level(fidelity)
        if type(designs) is dict or isinstance(designs, Mapping):
            return self.evaluate_one(designs, level)
        import pandas

        buffer, outcomes, reasons = self.evaluate_many(_listed(designs), level)
        names = [metric[0] for metric in self.native_metrics()]
        values = np.frombuffer(buffer).reshape(len(outcomes), len(names))
        index = designs.index if hasattr(designs, "columns") else None
        frame = pandas.DataFrame(values, columns=names, index=index, copy=True)
        frame["outcome"] = outcomes
        frame["reason"] = reasons
        return frame

    def _level(self, name: str) -> int:
        names = [level[0] for level in self.native_fidelities()]
        if name not in names:
            raise ValueError(f"no level of fidelity is called `{name}` (known: {', '.join(names)})")
        return names.index(name)

    def known_optima(self, objective: str | None = None) -> list[Optimum] | None:
        """The truth about an objective that the environment names: its best design, or its Pareto front; None where it is not known.

        Errors: `ValueError` for an objective that the environment does not name.
        """
        named = list(self.objectives)
        name = named[0] if objective is None else objective
        if name not in named:
            raise ValueError(f"`{self.id}` names no objective `{name}` (known: {', '.join(named)})")
        text = self.native_known_optima(name)
        if text is None:
            return None
        names = [metric.name for metric in self.metrics]
        return [
            Optimum(each["design"], dict(zip(names, each["metrics"], strict=True)), tuple(each["rewards"]), each["ties"])
            for each in json.loads(text)["front"]
        ]

    def gymnasium(self, **settings: Any) -> Any:
        """This environment for Gymnasium: see `hwgym.gymnasium.HwgymEnv`."""
        from .gymnasium import HwgymEnv

        return HwgymEnv(self, **settings)

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (self.id, self.options)

    def __repr__(self) -> str:
        options = "".join(f", {name}={value!r}" for name, value in self.options.items())
        return f"hwgym.make({self.id!r}{options})"

    def _repr_html_(self) -> str:
        metrics = [(m.name, "" if m.unit == "1" else m.unit, m.direction, m.definition) for m in self.metrics]
        objectives = list(self.objectives.items())
        return (
            self.space._repr_html_()
            + table(("metric", "unit", "better", "definition"), metrics)
            + table(("objective", "in words"), objectives)
        )


def _again(id: str, options: dict[str, Any]) -> Env:
    return Env(id, **options)


def make(id: str, **options: Any) -> Env:
    """The environment of this id, such as `dram-controller-v0`, or of the RON file of a program of your own.

    Options are those of the command line (`hwgym env show ID`): ``hwgym.make("dram-controller-v0", workload="sort")``. Relative paths
    are meant against the current folder. Errors: `ValueError` for an unknown id, and for options that do not fit.
    """
    return Env(id, **options)


def objective_or_default(given: Any) -> str | None:
    """An objective for the native module: a name, a definition, or None for the default."""
    return objective_text(given)
