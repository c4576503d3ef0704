"""What hwgym knows by name."""

from __future__ import annotations

import json
from typing import Any

from . import _native


class Catalogue(dict[str, dict[str, Any]]):
    """Entries by id, each with its summary and what it takes."""

    def _repr_html_(self) -> str:
        from ._html import table

        return table(("id", "what it is"), [(id, entry["summary"]) for id, entry in self.items()])


def _of(kind: str) -> Catalogue:
    return Catalogue({entry["id"]: entry for entry in json.loads(_native.catalogue())[kind]})


def environments() -> Catalogue:
    """Every environment by id: `summary`, `options`."""
    return _of("environments")


def agents() -> Catalogue:
    """Every agent by id: `summary`, `goals` it searches for, `hyperparameters`."""
    return _of("agents")


def surrogates() -> Catalogue:
    """Every surrogate by id: `summary`, `hyperparameters`."""
    return _of("surrogates")
