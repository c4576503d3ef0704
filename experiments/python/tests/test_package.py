"""The package itself: what it needs, what it says of itself."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import hwgym
import pytest
from hwgym import _native, _ron


def test_only_numpy_is_needed():
    """Nothing else is loaded before it is used."""
    script = (
        "import sys, hwgym; e = hwgym.make('synthetic/ackley-v0'); e.evaluate(e.space.sample()[0]); "
        "print(sorted({'gymnasium', 'optuna', 'pandas', 'pettingzoo', 'tqdm', 'mo_gymnasium'} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


@pytest.mark.parametrize("order", ["import hwgym, gymnasium", "import gymnasium, hwgym"])
def test_gymnasium_knows_the_environments_in_either_order(order):
    script = f"{order}; print('hwgym/DramController-v0' in gymnasium.registry)"
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "True" and shown.stderr == ""


def test_the_stub_says_what_there_is():
    folder = Path(hwgym.__file__).parent
    assert (folder / "py.typed").is_file()
    stub = ast.parse((folder / "_native.pyi").read_text())
    names = {node.name for node in stub.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    there = {name for name in dir(_native) if not name.startswith("_")}
    assert names == there
    for node in stub.body:
        if isinstance(node, ast.ClassDef):
            methods = {inner.name for inner in node.body if isinstance(inner, ast.FunctionDef)}
            assert methods <= set(dir(getattr(_native, node.name))), node.name


def test_every_public_name_is_documented():
    for name in hwgym.__all__:
        value = getattr(hwgym, name)
        assert inspect.getdoc(value), name
        if inspect.isclass(value):
            for inner, member in vars(value).items():
                if not inner.startswith("_") and (callable(member) or isinstance(member, property)):
                    assert inspect.getdoc(member), f"{name}.{inner}"


def test_names_that_are_not_there():
    with pytest.raises(AttributeError, match="no attribute 'beauty'"):
        _ = hwgym.beauty
    assert set(hwgym.__all__) <= set(dir(hwgym))
    assert hwgym.__version__


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "None"),
        (True, "true"),
        (3, "3"),
        (0.5, "0.5"),
        (1e-9, "1e-09"),
        ('a "word"', '"a \\"word\\""'),
        ([1, "b"], '[1, "b"]'),
        ((1.0, 2.0), "(1.0, 2.0)"),
        ({"a": 1, "b": {"c": [True]}}, "(a: 1, b: (c: [true]))"),
        ({"constants": {"cycles": 5}}, '(constants: {"cycles": 5})'),
        ({"not a word": 1}, '{"not a word": 1}'),
        (hwgym.Ron("Random(5, 1)"), "Random(5, 1)"),
        (float("inf"), "inf"),
    ],
)
def test_values_as_ron(value, text):
    assert _ron.dumps(value) == text


def test_what_has_no_ron_is_refused():
    with pytest.raises(TypeError, match="has no RON"):
        _ron.dumps({"a": object()})


def test_examples_in_docstrings():
    import doctest

    pytest.importorskip("pandas")
    from hwgym import search, space, surrogate_models

    names = {"hwgym": hwgym, **{name: getattr(hwgym, name) for name in ("Space", "Agent", "minimize", "surrogate", "objective")}}
    tried = 0
    for module in (_ron, search, space, surrogate_models, hwgym):
        results = doctest.testmod(module, extraglobs=names, optionflags=doctest.ELLIPSIS)
        assert results.failed == 0, module.__name__
        tried += results.attempted
    assert tried >= 10
