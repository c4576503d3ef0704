"""Python classes as environments and agents of hwgym, under ids of their own."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable
from typing import Any

from . import _native


def register(id: str, cls: Any = None) -> Any:
    """Gives a class that is an environment an id: `hwgym.make(id)`, studies and Gymnasium then know it.

    >>> @hwgym.register("cache-v0")        # doctest: +SKIP
    ... class Cache:
    ...     space = hwgym.Space(sets=[64, 128, 256], ways=[1, 2, 4, 8])
    ...     metrics = {"miss_rate": "minimize"}
    ...     def evaluate(self, design): ...

    The class is evaluated in processes of its own, on all cores; options are its arguments. So it has to stand in a file: a module, or the
    script that is run. `cls` may also be `"module:Class"`. Errors: `ValueError` for an id that is taken, or a class without a file.
    """
    return _register(_native.register_env, id, cls)


def register_agent(id: str, cls: Any = None) -> Any:
    """Gives a class that is an agent an id; hyperparameters are its arguments. See `register`."""
    return _register(_native.register_agent, id, cls)


def _register(known: Callable[[str, str], None], id: str, cls: Any) -> Any:
    if cls is None:
        return lambda decorated: _register(known, id, decorated)
    known(id, cls if isinstance(cls, str) else place_of(cls))
    if known is _native.register_env and "gymnasium" in sys.modules:
        from .gymnasium import register_all

        register_all()
    return cls


def place_of(cls: type) -> str:
    """Where a class is found by another process: `module:Class`, or `file.py:Class`."""
    name = cls.__qualname__
    if "<locals>" in name:
        raise ValueError(f"`{name}` is defined inside a function, where no other process finds it; define it in a module")
    module = sys.modules.get(cls.__module__)
    package = getattr(module, "__package__", "")
    if package:
        return f"{cls.__module__}:{name}"
    try:
        file = inspect.getsourcefile(cls)
    except TypeError:
        file = None
    if file is None or file.startswith("<"):
        raise ValueError(f"`{name}` stands in no file, where other processes could read it; write it into one and import it")
    return f"{os.path.abspath(file)}:{name}"
