"""Environments: the same design gives the same numbers as the command line; tables; honest outcomes."""

import json
import pickle
import signal
import threading
import time

import hwgym
import numpy as np
import pandas
import pytest
from conftest import OPTIONS
from hwgym import _native


def words(options):
    return [word for name, value in options.items() for word in ("-o", f"{name}={value}")]


def made(id):
    """The environment, or nothing where it needs options (a table, a surrogate)."""
    try:
        return hwgym.make(id, **OPTIONS.get(id, {}))
    except ValueError as error:
        assert id in ("table-v0", "surrogate-env-v0", "python", "circuit-netlist-v0"), f"{id}: {error}"
        return None


@pytest.mark.parametrize("id", hwgym.environments())
def test_numbers_are_those_of_the_command_line(id):
    env = made(id)
    if env is None:
        pytest.skip("it needs options")
    options = OPTIONS.get(id, {})
    try:
        output, _, _ = _native.command(["evaluate", id, "--random", "3", "--json", *words(options)])
    except RuntimeError as error:
        pytest.fail(str(error))
    expected = json.loads(output)
    [design] = env.space.sample(1, seed=3)
    assert design == expected["design"]
    one = env.evaluate(design)
    assert one.outcome == expected["status"]
    assert one.metrics == expected.get("metrics", {})
    table = env.evaluate([design, design])
    for row in (0, 1):
        assert table["outcome"][row] == one.outcome
        for name, value in one.metrics.items():
            assert table[name][row] == value
    again = env.evaluate(pandas.DataFrame([design], index=["a"]))
    assert list(again.index) == ["a"] and again["outcome"]["a"] == one.outcome


def test_a_table_has_metrics_outcome_and_reason():
    env = hwgym.make("synthetic/ackley-v0")
    designs = env.space.sample(50, seed=2)
    table = env.evaluate(designs)
    assert list(table.columns) == [*(metric.name for metric in env.metrics), "outcome", "reason"]
    single = [env.evaluate(design)[env.metrics[0].name] for design in designs]
    assert table[env.metrics[0].name].tolist() == single
    assert table["reason"].isna().all()
    assert env.evaluate([]).empty


def test_what_is_wrong_is_said():
    env = hwgym.make("dram-controller-v0", **OPTIONS["dram-controller-v0"])
    [design] = env.space.sample(1)
    with pytest.raises(ValueError, match="did you mean `PagePolicy`"):
        env.evaluate({**design, "PagePolicz": "Open"})
    with pytest.raises(ValueError, match="expected one of"):
        env.evaluate({**design, "PagePolicy": "Ajar"})
    design.pop("PagePolicy")
    with pytest.raises(ValueError, match="`PagePolicy` has no value"):
        env.evaluate(design)
    with pytest.raises(ValueError, match="did you mean `dram-controller-v0`"):
        hwgym.make("dram-controler-v0")
    with pytest.raises(ValueError, match="workload"):
        hwgym.make("dram-controller-v0", worklod="sort")
    with pytest.raises(ValueError, match="level of fidelity"):
        env.evaluate(env.space.sample(1)[0], fidelity="poor")
    with pytest.raises(KeyError, match="no metric is called"):
        env.evaluate(env.space.sample(1)[0])["beauty"]


def test_known_optima_are_the_truth():
    env = hwgym.make("dram-controller-v0", workload="sort")
    name = next(iter(env.objectives))
    optima = env.known_optima(name)
    assert optima, "the shipped workloads are enumerated"
    assert env.evaluate(optima[0].design).metrics == pytest.approx(optima[0].metrics)
    assert hwgym.make("synthetic/ackley-v0").known_optima() is None
    with pytest.raises(ValueError, match="names no objective"):
        env.known_optima("beauty")


def test_spaces_convert_both_ways():
    env = hwgym.make("dram-controller-v0", **OPTIONS["dram-controller-v0"])
    designs = env.space.sample(20, seed=4)
    for encoding in ("unit", "index", "one-hot"):
        rows = env.space.encode(designs, encoding)
        assert rows.shape[0] == 20
        assert env.space.decode(rows, encoding) == designs
        assert env.space.decode(rows[0], encoding) == designs[0]
    last = env.space.names[-1]
    assert env.space.at(1) == {**env.space.at(0), last: env.space[last].values[1]}
    with pytest.raises(IndexError, match="442368"):
        env.space.at(442368)
    with pytest.raises(ValueError, match="no encoding"):
        env.space.encode(designs, "one-hat")
    assert "<table>" in env._repr_html_()


def test_a_space_of_ones_own():
    space = hwgym.Space(
        rows=range(1, 17),
        vdd=(0.6, 1.2),
        ways=[1, 2, 4, 8],
        policy=["lru", "fifo"],
        prefetch=bool,
        distance=range(1, 9),
        width=hwgym.Space.log(1e-6, 1e-3),
        order=hwgym.Space.permutation(["M", "N", "K"]),
        constraints=["rows * ways <= 64"],
        conditions={"distance": ("prefetch", [True])},
        units={"vdd": "V"},
    )
    kinds = [parameter.kind for parameter in space.parameters]
    assert kinds == ["integer", "real", "ordinal", "categorical", "boolean", "integer", "real", "permutation"]
    assert space.size is None and space["rows"].levels == 16 and space["vdd"].unit == "V"
    assert space["width"].log and space["distance"].condition.parameter == "prefetch"
    for design in space.sample(100, seed=5):
        assert design["rows"] * design["ways"] <= 64
        assert space.complete(design) == design
        assert ("distance" in space.active(design)) == design["prefetch"]
    broken = {**space.sample(1)[0], "rows": 16, "ways": 8}
    [(meaning, amount, relative)] = space.violations(broken)
    assert (meaning, amount, relative) == ("rows * ways <= 64", 64.0, 0.5)
    with pytest.raises(ValueError, match="is no domain"):
        hwgym.Space(x={"a": 1})
    with pytest.raises(ValueError, match="no parameter is called `y`"):
        hwgym.Space(x=(0.0, 1.0), units={"y": "m"})


def test_numpy_values_are_values():
    space = hwgym.Space(n=range(5), x=(0.0, 1.0), b=bool, c=["a", "b"])
    design = space.complete({"n": np.int64(3), "x": np.float32(0.5), "b": np.bool_(True), "c": np.str_("b")})
    assert design == {"n": 3, "x": 0.5, "b": True, "c": "b"}
    with pytest.raises(TypeError, match="not list"):
        space.complete({**design, "n": [1]})


def test_environments_travel_between_processes():
    env = hwgym.make("synthetic/ackley-v0")
    again = pickle.loads(pickle.dumps(env))
    [design] = env.space.sample(1)
    assert again.evaluate(design).metrics == env.evaluate(design).metrics


def test_ctrl_c_ends_a_batch():
    env = hwgym.make("dram-controller-v0", workload="random:requests=20000")
    designs = env.space.sample(100_000, seed=1)
    timer = threading.Timer(0.5, signal.raise_signal, [signal.SIGINT])
    timer.start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        env.evaluate(designs)
    # All designs together take minutes; how long one of them takes is the machine's affair.
    assert time.monotonic() - began < 120
