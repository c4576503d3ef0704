"""The guide: every block of Python in README.md is run, and prints what stands below it."""

import contextlib
import io
import os
import re
from pathlib import Path

GUIDE = Path(__file__).parent.parent / "README.md"


def blocks(text):
    """Pairs of a block of Python and what it prints, with the line of the block."""
    pattern = re.compile(r"```python\n(.*?)```\n(?:\n```text\n(.*?)```)?", re.DOTALL)
    return [(text[: m.start()].count("\n") + 2, m.group(1), m.group(2) or "") for m in pattern.finditer(text)]


def run(text):
    """What each block prints."""
    names = {"__name__": "guide"}
    printed = []
    for line, code, expected in blocks(text):
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            exec(compile("\n" * (line - 1) + code, str(GUIDE), "exec"), names)
        printed.append((line, output.getvalue(), expected))
    return printed


def test_the_guide_prints_what_it_says():
    pytest = __import__("pytest")
    for needed in ("mo_gymnasium", "pettingzoo", "optuna", "pandas"):
        pytest.importorskip(needed)
    printed = run(GUIDE.read_text())
    assert len(printed) >= 20
    for line, output, expected in printed:
        assert output == expected, f"README.md:{line}"


def write():
    """Writes the guide anew with what its blocks print: `python test_guide.py` in an empty folder."""
    text = GUIDE.read_text()
    outputs = iter([output for _, output, _ in run(text)])

    def filled(match):
        output = next(outputs)
        return f"```python\n{match.group(1)}```\n" + (f"\n```text\n{output}```" if output else "")

    GUIDE.write_text(re.sub(r"```python\n(.*?)```\n(?:\n```text\n(.*?)```)?", filled, text, flags=re.DOTALL))


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        write()
