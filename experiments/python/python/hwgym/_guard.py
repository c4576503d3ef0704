"""How a guard of other programs is started: a small interpreter that loads the native module alone."""

from __future__ import annotations

import sys

_CODE = (
    "import importlib.util as u, sys; s = u.spec_from_file_location('_native', sys.argv[1]); "
    "m = u.module_from_spec(s); s.loader.exec_module(m); sys.exit(m.serve_guard())"
)


def command(native: str) -> list[str]:
    """The words that start a guard; none where there is no interpreter to start."""
    return [sys.executable, "-I", "-S", "-c", _CODE, native] if sys.executable else []
