"""Values of Python as RON, the notation of hwgym's options, objectives and studies."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

#: Fields of studies and definitions that are maps with names of the user's own, not structs with fields.
_MAPS = {"constants", "derived", "env", "set"}


class Ron(str):
    """A piece of RON that stands as it is, for what Python has no value for: ``Ron('Random(5, 1)')``."""

    def __repr__(self) -> str:
        return f"Ron({super().__repr__()})"


def dumps(value: Any, key: str = "") -> str:
    """The value as RON. Mappings become structs, or maps where a key is no identifier. Errors: `TypeError` for what has no RON."""
    if isinstance(value, Ron):
        return str(value)
    if value is None:
        return "None"
    if isinstance(value, (bool,)) or type(value).__name__ in ("bool_", "bool"):
        return "true" if value else "false"
    if isinstance(value, (str, Path)):
        return json.dumps(str(value), ensure_ascii=False)
    if isinstance(value, Mapping):
        if key not in _MAPS and all(isinstance(name, str) and name.isidentifier() for name in value):
            fields = (f"{name}: {dumps(inner, name)}" for name, inner in value.items())
            return f"({', '.join(fields)})"
        fields = (f"{dumps(name)}: {dumps(inner)}" for name, inner in value.items())
        return "{" + ", ".join(fields) + "}"
    if isinstance(value, tuple):
        return f"({', '.join(map(dumps, value))})"
    if isinstance(value, Sequence) or hasattr(value, "tolist") and getattr(value, "ndim", 0):
        return f"[{', '.join(dumps(inner) for inner in value)}]"
    if hasattr(value, "__index__"):
        return str(int(value))
    if hasattr(value, "__float__"):
        number = float(value)
        if math.isfinite(number):
            return repr(number)
        return "NaN" if math.isnan(number) else ("inf" if number > 0 else "-inf")
    raise TypeError(f"{type(value).__name__} has no RON; give a number, a text, a list, a mapping, or hwgym.Ron(...)")


def pairs(options: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Options by name, as on the command line: a text that is no RON by itself is taken as a text."""
    return [(name, value if isinstance(value, str) else dumps(value, name)) for name, value in options.items()]


def objective(
    minimize: str | Sequence[str] = (),
    maximize: str | Sequence[str] = (),
    *,
    bounds: Mapping[str, tuple[float | None, float | None]] | None = None,
    reference: Sequence[float] = (),
    name: str = "own",
) -> Ron:
    """An objective over metrics of an environment.

    `bounds` gives the smallest and largest value of a metric, None for no limit, in its unit. `reference` is the reference point of the
    hypervolume, one value per goal in its unit.

    >>> objective("energy_pj", bounds={"total_time_ns": (None, 1e5)})
    Ron('(name: "own", goals: [Minimise("energy_pj")], bounds: [(metric: "total_time_ns", at_most: 100000.0)], reference: [])')
    """
    named = {"Minimise": minimize, "Maximise": maximize}
    goals = [
        Ron(f"{kind}({dumps(metric)})")
        for kind, metrics in named.items()
        for metric in ([metrics] if isinstance(metrics, str) else metrics)
    ]
    limits = [
        {"metric": metric} | ({} if low is None else {"at_least": float(low)}) | ({} if high is None else {"at_most": float(high)})
        for metric, (low, high) in (bounds or {}).items()
    ]
    return Ron(dumps({"name": name, "goals": goals, "bounds": limits, "reference": [float(r) for r in reference]}))


def objective_text(given: str | Mapping[str, Any] | None) -> str | None:
    """An objective for the native module: the name of one, or its definition."""
    return dumps(given) if isinstance(given, Mapping) else given
