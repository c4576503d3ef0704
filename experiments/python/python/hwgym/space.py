"""Design spaces."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _native
from ._html import table
from ._ron import Ron, dumps

if TYPE_CHECKING:
    import gymnasium
    import optuna

#: A design: the value of every parameter by name. Parameters that mean nothing in it may be left out.
Design = dict[str, Any]

_KINDS = {
    "Categorical": "categorical",
    "Boolean": "boolean",
    "Ordinal": "ordinal",
    "Integer": "integer",
    "Real": "real",
    "Permutation": "permutation",
    "Assignment": "assignment",
}


@dataclass(frozen=True)
class Condition:
    """A parameter means something only where an earlier one has one of these values."""

    parameter: str
    is_one_of: tuple[Any, ...]


@dataclass(frozen=True)
class Parameter:
    """A parameter of a design space."""

    name: str
    #: `categorical`, `boolean`, `ordinal`, `integer`, `real`, `permutation` or `assignment`.
    kind: str
    #: Number of values; None for a real parameter.
    levels: int | None
    #: The values of a discrete parameter, 1,000 at most; empty for a real one.
    values: tuple[Any, ...]
    #: Smallest and largest value of a numeric parameter, in its unit.
    low: float | None
    high: float | None
    #: Distance of neighbouring integers.
    step: int | None
    #: True where half way is meant by ratio.
    log: bool
    #: Unit of the value, empty if it has none.
    unit: str
    #: The domain in words.
    domain: str
    description: str
    condition: Condition | None


class Space:
    """A design space: ordered, named, typed parameters with conditions and constraints.

    A parameter of one's own is given by what it may be:

    >>> space = Space(rows=range(1, 17), vdd=(0.6, 1.2), ways=[1, 2, 4, 8], policy=["lru", "fifo"], prefetch=bool,
    ...               constraints=["rows * ways <= 64"])
    >>> space.size is None   # `vdd` is a real number
    True

    A `range` is an integer with its step, a pair of floats an interval, a list of numbers an ordinal, a list of texts a category, `bool` a
    boolean; `hwgym.Space.log(1e-6, 1e-3)`, `.permutation(items)` and `.assignment(items, places)` are the others. `conditions` names
    parameters that mean something under a condition only: ``conditions={"distance": ("prefetch", [True])}``.
    """

    def __init__(
        self,
        parameters: Mapping[str, Any] | None = None,
        *,
        constraints: Sequence[str] = (),
        conditions: Mapping[str, tuple[str, Sequence[Any]]] | None = None,
        units: Mapping[str, str] | None = None,
        groups: Mapping[str, Sequence[str]] | None = None,
        **more: Any,
    ) -> None:
        given = {**(parameters or {}), **more}
        conditions, units = conditions or {}, units or {}
        for known, names in (("conditions", conditions), ("units", units)):
            for name in names:
                if name not in given:
                    raise ValueError(f"{known}: no parameter is called `{name}`")
        listed = []
        for name, domain in given.items():
            fields: dict[str, Any] = {"name": name, "domain": _domain(name, domain), "unit": units.get(name, "")}
            if name in conditions:
                parent, values = conditions[name]
                fields["condition"] = {"parameter": parent, "is_one_of": list(values)}
            listed.append(fields)
        definition: dict[str, Any] = {"parameters": listed}
        if constraints:
            definition["constraints"] = [_expression(text) for text in constraints]
        if groups:
            definition["groups"] = [{"name": name, "parameters": list(own)} for name, own in groups.items()]
        self._native = _native.Space.from_ron(dumps(definition))

    @classmethod
    def _of(cls, native: _native.Space) -> Space:
        space = object.__new__(cls)
        space._native = native
        return space

    @staticmethod
    def log(low: float, high: float) -> Ron:
        """A real number, spread by ratio; of two integers an integer spread by ratio."""
        if isinstance(low, int) and isinstance(high, int):
            return Ron(f"Integer(low: {low}, high: {high}, scale: Log)")
        return Ron(f"Real(low: {float(low)!r}, high: {float(high)!r}, scale: Log)")

    @staticmethod
    def permutation(items: Iterable[str]) -> Ron:
        """An order of these items, 17 at most; a value is written `M,R,C`."""
        return Ron(f"Permutation({dumps(list(items))})")

    @staticmethod
    def assignment(items: Iterable[str], places: Iterable[str]) -> Ron:
        """A place for every item; a value is written `filter:cpu,sort:dsp`."""
        return Ron(f"Assignment(items: {dumps(list(items))}, places: {dumps(list(places))})")

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters, in order."""
        if not hasattr(self, "_parameters"):
            definition = json.loads(self._native.json())["parameters"]
            domains, levels = self._native.domains(), self._native.levels()
            values = self._native.values(1000)
            self._parameters = tuple(_parameter(*each) for each in zip(definition, domains, levels, values, strict=True))
        return self._parameters

    @property
    def names(self) -> list[str]:
        """Names of the parameters, in order."""
        return [parameter.name for parameter in self.parameters]

    @property
    def size(self) -> int | None:
        """Number of designs, with parameters that mean nothing counted; None where there are infinitely many."""
        return self._native.size()

    @property
    def groups(self) -> dict[str, list[str]]:
        """Named sub-systems with their parameters; where none were named, one per parameter."""
        return dict(self._native.groups())

    def __len__(self) -> int:
        return len(self.parameters)

    def __getitem__(self, name: str) -> Parameter:
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter
        raise KeyError(f"no parameter is called `{name}` (known: {', '.join(self.names)})")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Space) and self._native.json() == other._native.json()

    __hash__ = None  # type: ignore[assignment]

    def constrained(self, constraints: Sequence[str]) -> Space:
        """The same space with further constraints: expressions over parameters that are true, such as ``"rows * ways <= 64"``."""
        return Space._of(self._native.constrained(dumps([_expression(text) for text in constraints])))

    def sample(self, count: int = 1, seed: int = 1) -> list[Design]:
        """Random designs that keep the constraints; the same seed gives the same designs."""
        return self._native.sample(seed, count)

    def complete(self, design: Mapping[str, Any]) -> Design:
        """The design with a value for every parameter. Errors: `ValueError` for unknown names and values outside their domains."""
        return self._native.complete(design)

    def at(self, index: int) -> Design:
        """The design with this index, the last parameter running fastest. Errors: `IndexError`; infinitely many designs have none."""
        design = self._native.design_at(index) if index >= 0 else None
        if design is None:
            raise IndexError(f"there is no design {index}: the space has {self.size or 'infinitely many'}")
        return design

    def active(self, design: Mapping[str, Any]) -> list[str]:
        """Names of the parameters that mean something in this design."""
        return self._native.active(design)

    def violations(self, design: Mapping[str, Any]) -> list[tuple[str, float, float]]:
        """Broken constraints: what each means, the amount in its own units, the amount relative to its limit."""
        return self._native.violations(design)

    def encode(self, designs: Any, encoding: str = "unit") -> np.ndarray:
        """Designs as numbers, one row each; one design gives one row without the outer axis.

        `unit`: one place in [0, 1] per parameter. `index`: levels, and reals themselves. `one-hot`: a column per category.
        """
        one = isinstance(designs, Mapping)
        listed = [designs] if one else _listed(designs)
        rows = np.frombuffer(self._native.encode(listed, encoding)).reshape(-1, self._native.width(encoding)).copy()
        return rows[0] if one else rows

    def decode(self, rows: Any, encoding: str = "unit") -> Any:
        """The designs nearest to rows of numbers; one row gives one design."""
        array = np.ascontiguousarray(rows, dtype=np.float64)
        width = self._native.width(encoding)
        if array.shape[-1:] != (width,):
            raise ValueError(f"rows of {array.shape[-1:]} numbers, where {width} are expected")
        designs = self._native.decode(array.tobytes(), encoding)
        return designs[0] if array.ndim == 1 else designs

    def to_gymnasium(self) -> gymnasium.spaces.Dict:
        """Gymnasium's space of designs: `Discrete` (indices of `values`) and `Box` by name."""
        from .gymnasium import dict_space

        return dict_space(self)

    def optuna_distributions(self) -> dict[str, optuna.distributions.BaseDistribution]:
        """Optuna's distributions by name; orders and assignments of more than 1,000 values have none (`ValueError`)."""
        from .optuna import distributions

        return distributions(self)

    def __repr__(self) -> str:
        return f"<Space of {len(self)} parameters, {self.size or 'infinitely many'} designs>"

    def _repr_html_(self) -> str:
        rows = [(p.name, p.domain, "" if p.unit == "1" else p.unit, p.description, _words(p.condition)) for p in self.parameters]
        size = f"{self.size:,}" if self.size is not None else "infinitely many"
        return table(("parameter", "values", "unit", "description", "condition"), rows, f"{size} designs")


def _expression(text: str) -> Ron:
    return Ron(f"Expression(meaning: {dumps(text)}, holds: {dumps(text)})")


def _words(condition: Condition | None) -> str:
    if condition is None:
        return ""
    return f"{condition.parameter} is {' or '.join(map(str, condition.is_one_of))}"


def _listed(designs: Any) -> Any:
    """Designs for the native module: a list of mappings, or columns."""
    if hasattr(designs, "columns") and hasattr(designs, "to_dict"):
        return {str(name): designs[name].tolist() for name in designs.columns}
    return designs if isinstance(designs, list) else list(designs)


def _domain(name: str, given: Any) -> Ron:
    """The domain that a value of Python means."""
    if isinstance(given, Ron):
        return given
    if given is bool:
        return Ron("Boolean")
    if isinstance(given, range):
        if len(given) == 0 or given.step < 1:
            raise ValueError(f"parameter `{name}`: {given!r} is no ascending range")
        return Ron(f"Integer(low: {given[0]}, high: {given[-1]}, step: {given.step})")
    if isinstance(given, tuple) and len(given) == 2 and all(isinstance(end, (int, float)) for end in given):
        return Ron(f"Real(low: {float(given[0])!r}, high: {float(given[1])!r})")
    if isinstance(given, (list, tuple)) and given:
        if all(isinstance(value, str) for value in given):
            return Ron(f"Categorical({dumps(list(given))})")
        if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in given):
            return Ron(f"Ordinal({dumps([float(value) for value in given])})")
    raise ValueError(
        f"parameter `{name}`: {given!r} is no domain; give a range (integers), a pair of numbers (an interval), a list of numbers, "
        "a list of texts, bool, or one of hwgym.Space.log, .permutation, .assignment"
    )


def _parameter(definition: dict[str, Any], domain: str, levels: int, values: list[Any]) -> Parameter:
    form = definition["domain"]
    kind, content = (form, None) if isinstance(form, str) else next(iter(form.items()))
    numbers = values if kind in ("Ordinal", "Integer") else []
    low = numbers[0] if numbers else None
    high = content[-1] if kind == "Ordinal" else None
    if kind in ("Integer", "Real"):
        low, high = content["low"], content["high"]
    if kind == "Integer":
        high = low + (levels - 1) * content["step"]
    condition = definition.get("condition")
    return Parameter(
        name=definition["name"],
        kind=_KINDS[kind],
        levels=levels or None,
        values=tuple(values),
        low=low,
        high=high,
        step=content["step"] if kind == "Integer" else None,
        log=isinstance(content, dict) and content.get("scale") == "Log",
        unit=definition["unit"],
        domain=domain,
        description=definition["description"],
        condition=condition and Condition(condition["parameter"], tuple(condition["is_one_of"])),
    )
