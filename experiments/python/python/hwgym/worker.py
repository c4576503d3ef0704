"""Runs Python classes for hwgym in processes of their own: `python -m hwgym.worker TASK PLACE FOLDER ARGUMENTS`.

An environment is a class with `space`, `metrics` and `evaluate`:

    class Cache:
        space = hwgym.Space(sets=[64, 128, 256], ways=[1, 2, 4, 8])
        metrics = {"miss_rate": "minimize", "area_mm2": ("minimize", "mm2", "area of tags and data")}

        def evaluate(self, design):
            return {"miss_rate": ..., "area_mm2": ...}

It may have `objectives` (`{"small": hwgym.objective("area_mm2")}`) and `files`, further files that its answers depend on. An agent is a
class with `ask` and `tell`:

    class Mine:
        def __init__(self, space, seed, goals, budget, **hyperparameters): ...
        def ask(self, count): return [design, ...]
        def tell(self, results): ...    # {"design", "status", "rewards", "slacks", "violation"} each

PLACE is `module:Class` or `file.py:Class`; FOLDER is looked into first, and ARGUMENTS are those of the class, as JSON. hwgym starts all of
it.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import inspect
import json
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TextIO

from . import _native
from ._ron import Ron, dumps
from .search import Infeasible, outcome_of
from .space import Space


def load(place: str, folder: str) -> tuple[Any, Path | None]:
    """The class at a place, and the file that it stands in. Errors: `ImportError`, `AttributeError`."""
    module_name, colon, name = place.rpartition(":")
    if not colon or not name:
        raise ImportError(f"`{place}` names no class; expected `module:Class` or `file.py:Class`")
    sys.path.insert(0, folder)
    if module_name.endswith(".py"):
        path = Path(folder, module_name)
        sys.path.insert(0, str(path.parent))
        # As in multiprocessing: what stands under `if __name__ == "__main__"` is not run.
        spec = importlib.util.spec_from_file_location("__hwgym__", path)
        if spec is None or spec.loader is None or not path.is_file():
            raise ImportError(f"there is no file {path}")
        module = importlib.util.module_from_spec(spec)
        sys.modules["__hwgym__"] = module
        spec.loader.exec_module(module)
    else:
        module = importlib.import_module(module_name)
    found: Any = module
    for part in name.split("."):
        found = getattr(found, part)
    file = getattr(module, "__file__", None)
    return found, Path(file).absolute() if file else None


def metrics_of(instance: Any) -> list[dict[str, Any]]:
    """Metrics of an environment, as hwgym names them. Errors: `TypeError`, `ValueError`."""
    given = instance.metrics
    if not isinstance(given, Mapping):
        given = {name: "minimize" for name in given}
    listed = []
    for name, about in given.items():
        about = (about,) if isinstance(about, str) else tuple(about)
        direction, unit, definition = about + ("minimize", "1", "")[len(about) :]
        kinds = {"minimize": "Minimise", "maximize": "Maximise"}
        if direction not in kinds:
            raise ValueError(f"metric `{name}`: `{direction}` is no direction; expected minimize or maximize")
        listed.append({"name": name, "unit": unit, "direction": Ron(kinds[direction]), "definition": definition})
    if not listed:
        raise ValueError("`metrics` names none")
    return listed


def describe(place: str, folder: str, arguments: str) -> dict[str, Any]:
    """The environment as a definition of `command-v0`."""
    cls, file = load(place, folder)
    instance = _instance(cls, arguments)
    for needed in ("space", "metrics", "evaluate"):
        if not hasattr(instance, needed):
            raise AttributeError(f"`{place}` has no `{needed}`; an environment has `space`, `metrics` and `evaluate`")
    space = instance.space if isinstance(instance.space, Space) else Space(instance.space)
    parameters, constraints, groups = map(Ron, space._native.ron())
    files = [str(Path(folder, each).absolute()) for each in getattr(instance, "files", ())]
    files += [str(file)] if file else []
    objectives = getattr(instance, "objectives", {})
    named = objectives.values() if isinstance(objectives, Mapping) else objectives
    definition = {
        "name": place,
        "description": inspect.getdoc(cls) or "",
        "parameters": parameters,
        "constraints": constraints,
        "groups": groups,
        "metrics": metrics_of(instance),
        "objectives": list(named),
        "protocol": Ron("JsonLines"),
        "command": [sys.executable, "-m", "hwgym.worker", "evaluate", place, folder, arguments],
        "reads": files,
    }
    return {"definition": dumps(definition), "files": files}


def _instance(cls: Any, arguments: str) -> Any:
    return cls(**json.loads(arguments)) if callable(cls) else cls


def evaluate(place: str, folder: str, arguments: str, answers: TextIO) -> None:
    """Answers designs line by line."""
    instance = _instance(load(place, folder)[0], arguments)
    names = [metric["name"] for metric in metrics_of(instance)]
    for line in sys.stdin:
        answers.write(json.dumps(answer(instance.evaluate, json.loads(line)["design"], names)) + "\n")
        answers.flush()


def answer(function: Callable[[dict[str, Any]], Any], design: dict[str, Any], names: list[str]) -> dict[str, Any]:
    """What became of a design, in the protocol of programs that stay."""
    try:
        outcome = outcome_of(function(design), names)
    except Infeasible as broken:
        outcome = outcome_of(broken, names)
    except Exception as error:  # noqa: BLE001 - whatever the class raises is recorded
        outcome = ("failed", f"{type(error).__name__}: {error}\n{traceback.format_exc()}")
    if outcome[0] == "feasible":
        return {"metrics": dict(zip(names, outcome[1], strict=True))}
    if outcome[0] == "infeasible":
        return {"infeasible": outcome[1], "amount": outcome[2]}
    return {"failed": outcome[1]}


def search(place: str, folder: str, arguments: str, answers: TextIO) -> None:
    """Speaks the protocol of agents in programs of their own."""
    cls, _ = load(place, folder)
    agent = None
    for line in sys.stdin:
        message = json.loads(line)
        if message["type"] == "start":
            fields = ("name", "domain", "condition")
            parameters = [{name: each[name] for name in fields if name in each} for each in message["parameters"]]
            space = Space._of(_native.Space.from_json(json.dumps({"parameters": parameters})))
            told = {name: message[name] for name in ("seed", "goals", "budget")}
            agent = cls(space=space, **_accepted(cls, told), **json.loads(arguments))
        elif message["type"] == "ask":
            designs = [dict(design) for design in agent.ask(message["count"])]
            answers.write(json.dumps({"designs": designs}, default=_plain) + "\n")
            answers.flush()
        elif message["type"] == "tell":
            agent.tell(message["results"])


def _accepted(cls: Any, told: dict[str, Any]) -> dict[str, Any]:
    """Those of the arguments that the class takes."""
    parameters = inspect.signature(cls).parameters.values()
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return told
    names = {parameter.name for parameter in parameters}
    return {name: value for name, value in told.items() if name in names}


def _plain(value: Any) -> Any:
    """A number of numpy as one of Python."""
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"{value!r} is no value of a parameter")


def main(task: str, place: str, folder: str, arguments: str) -> None:
    """Does one task."""
    # What the class prints is no answer.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        if task == "describe":
            answers.write(json.dumps(describe(place, folder, arguments)) + "\n")
            answers.flush()
        elif task == "evaluate":
            evaluate(place, folder, arguments, answers)
        elif task == "agent":
            search(place, folder, arguments, answers)
        else:
            sys.exit(f"there is no task `{task}`; expected describe, evaluate or agent")


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit("expected TASK PLACE FOLDER ARGUMENTS")
    main(*sys.argv[1:])
