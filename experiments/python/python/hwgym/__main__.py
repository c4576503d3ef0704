"""The program `hwgym`: `python -m hwgym`."""

from __future__ import annotations

import signal
import sys

from . import _native


def main() -> int:
    """Runs the command line; returns its exit code."""
    # Ctrl-C is the program's own.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return _native.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
