"""The simulators, without a design space. Each answers what `hwgym simulate NAME --json` prints.

A keyword is an option of the command line, with `_` for `-`: ``simulate.dram("my.stl", device="ddr4_2400_brc", max_time_ns=1e6)``. A
mapping is an option that may be repeated, such as `set`. `hwgym.simulate.options("dram")` lists them. Errors: `ValueError` for input that
does not read, with file, line, column and the remedy.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _native

if TYPE_CHECKING:
    import pandas

PathLike = str | os.PathLike[str]


def words(options: Mapping[str, Any]) -> list[str]:
    """Options as words of a command line."""
    given: list[str] = []
    for name, value in options.items():
        flag = "--" + name.replace("_", "-")
        if value is None or value is False:
            continue
        if value is True:
            given.append(flag)
        elif isinstance(value, Mapping):
            for key, inner in value.items():
                given += [flag, f"{key}={_text(inner)}"]
        elif isinstance(value, Sequence) and not isinstance(value, str):
            for inner in value:
                given += [flag, _text(inner)]
        else:
            given += [flag, _text(value)]
    return given


def _text(value: Any) -> str:
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    return os.fspath(value) if isinstance(value, os.PathLike) else str(value)


def _call(*arguments: str) -> Any:
    """Runs a command and reads its JSON; what it notes on the side becomes warnings."""
    output, notes, _ = _native.command([*arguments, "--json"])
    for line in notes.splitlines():
        warnings.warn(line.removeprefix("warning: "), stacklevel=3)
    return json.loads(output)


def options(name: str) -> str:
    """The options of a simulator, as `hwgym simulate NAME --help` prints them."""
    try:
        output, _, _ = _native.command(["simulate", name, "--help"])
    except ValueError as help_text:
        return str(help_text)
    return output


def dram(trace: PathLike, *, set: Mapping[str, Any] | None = None, **options: Any) -> dict[str, Any]:  # noqa: A002
    """A trace through a memory controller: times in ns, bandwidth in Gb/s, energies in pJ, power in mW.

    `trace` is a file (`.stl`, `.stl.gz`), a shipped trace (`"sort"`) or a generator (`"random:requests=1000,seed=3"`); `set` are parameters
    of the controller. Further options: `device`, `clock_mhz`, `config`, `commands`, `max_time_ns`, `strict`.
    """
    return _call("simulate", "dram", "--trace", _text(trace), *words({"set": set or {}, **options}))


@dataclass(frozen=True)
class CircuitResult:
    """What a deck's analyses gave."""

    #: Tables by name of the analysis (`tran`, `ac`, ...), each a mapping from columns (`time`, `v(out)`) to arrays, in SI units.
    tables: dict[str, dict[str, np.ndarray]]
    #: Results of `.measure` by name; a text says why there is none.
    measures: dict[str, float | str]
    #: What the deck's control block printed.
    output: list[str]

    def dataframe(self, name: str) -> pandas.DataFrame:
        """One of the tables."""
        import pandas

        return pandas.DataFrame(self.tables[name])


def circuit(deck: PathLike, *, param: Mapping[str, Any] | None = None, allow_include: Sequence[PathLike] = ()) -> CircuitResult:
    """A SPICE deck on the embedded engine. `param` replaces top-level `.param` (numbers, or texts such as `"10u"`)."""
    given = [(name, _text(value)) for name, value in (param or {}).items()]
    tables, measures, output, notes = _native.circuit(os.fspath(deck), given, [os.fspath(path) for path in allow_include])
    for note in notes:
        warnings.warn(note, stacklevel=2)
    read = {}
    for name, (columns, numbers) in tables.items():
        rows = np.frombuffer(numbers).reshape(-1, max(len(columns), 1))
        read[name] = {column: rows[:, index].copy() for index, column in enumerate(columns)}
    return CircuitResult(read, measures, output)


def timeloop(*files: PathLike, **options: Any) -> dict[str, Any]:
    """One mapping of one layer on one architecture, from Timeloop's YAML files: cycles, energy in pJ, area in um2, accesses by level.

    What does not fit stands in `violations`. Options: `counting` (`exact`, `timeloop`), `explain`, `exact_rounding`, `link_transfers`.
    """
    return _call("simulate", "timeloop", *map(_text, files), *words(options))


def maestro(mapping: PathLike, **options: Any) -> dict[str, Any]:
    """The layers of a file in MAESTRO's language: runtime in cycles, energy in nJ, area in um2, power in mW.

    Options: `hw_file`, `num_pes`, `noc_bw`, `noc_hops`, `noc_hop_latency`, `offchip_bw`, `num_simd_lanes`, `l1_size`, `l2_size`,
    `maestro_compat`.
    """
    return _call("simulate", "maestro", "--mapping", _text(mapping), *words(options))


def systolic(**options: Any) -> dict[str, Any]:
    """A layer or a network on a systolic array: cycles, utilisation in percent, words from and to memory.

    One of `layer=(h, w, r, s, c, k, stride)`, `gemm=(m, k, n)`, `network="resnet18"`, `topology`; further `array=(rows, columns)`,
    `dataflow` (`os`, `ws`, `is`), `bandwidth`, `ifmap_sram`, `filter_sram`, `ofmap_sram` (kB), `config`, `reference`, `dram`, `explain`.
    """
    given = dict(options)
    for name, between in (("layer", ","), ("gemm", ","), ("array", "x")):
        if isinstance(given.get(name), (tuple, list)):
            given[name] = between.join(map(str, given[name]))
    return _call("simulate", "systolic", *words(given))


def soc(design: PathLike | None = None, **options: Any) -> dict[str, Any]:
    """A task graph on a system of processors, accelerators, memories and buses: latency, power, energy, area.

    Options: `workload`, `library`, `farsi_compat`, `plot`.
    """
    first = [] if design is None else [_text(design)]
    return _call("simulate", "soc", *first, *words(options))


def map_layer(*files: PathLike, **options: Any) -> dict[str, Any]:
    """Searches the mapping of a layer onto an architecture, from Timeloop's YAML files: `mapping`, `cycles`, `energy_pj`, `report`; with
    method `exact` also `proof`.

    Options: `metric` (`edp`, `energy`, `delay`, `pareto`), `method` (`exact`, `evolutionary`, `random`, `exhaustive`), and those of
    `hwgym map timeloop --help`.
    """
    return _call("map", "timeloop", *map(_text, files), *words(options))
