"""Registers hwgym's environments with Gymnasium as soon as both are loaded, in either order, without loading Gymnasium itself."""

from __future__ import annotations

import importlib.abc
import importlib.util
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


class _Afterwards(importlib.abc.Loader):
    """Loads Gymnasium by its own loader, then registers."""

    def __init__(self, loader: Any, finder: _Finder) -> None:
        self.loader, self.finder = loader, finder

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        # From here on it is a module as any other.
        module.__loader__ = module.__spec__.loader = self.loader  # type: ignore[union-attr]
        self.loader.exec_module(module)
        if self.finder in sys.meta_path:
            sys.meta_path.remove(self.finder)
        _register()


class _Finder(importlib.abc.MetaPathFinder):
    """Finds Gymnasium where others find it."""

    asking = False

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name != "gymnasium" or self.asking:
            return None
        self.asking = True
        try:
            spec = importlib.util.find_spec(name)
        finally:
            self.asking = False
        if spec is not None and spec.loader is not None:
            spec.loader = _Afterwards(spec.loader, self)
        return spec


def _register() -> None:
    from . import gymnasium

    gymnasium.register_all()


def register_with_gymnasium() -> None:
    """Registers now if Gymnasium is loaded, otherwise when it is."""
    if "gymnasium" in sys.modules:
        _register()
    else:
        sys.meta_path.insert(0, _Finder())
