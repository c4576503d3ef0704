"""Simulators and surrogates."""

import hwgym
import numpy as np
import pytest
from conftest import root
from hwgym import simulate


def test_dram():
    open_ = simulate.dram("random:requests=500", set={"PagePolicy": "Open"})
    closed = simulate.dram("random:requests=500", set={"PagePolicy": "Closed"})
    assert open_["requests"] == closed["requests"] == 500
    assert open_["commands"] != closed["commands"]
    with pytest.raises(ValueError, match="PagePolicy"):
        simulate.dram("random:requests=5", set={"PagePolicy": "Ajar"})
    with pytest.raises(ValueError, match="unexpected argument"):
        simulate.dram("random:requests=5", devise="x")
    assert "--max-time-ns" in simulate.options("dram")


LOW_PASS = """* low pass
.param r=1k
v1 in 0 dc 0 pulse(0 1 0 1n 1n 1 2)
r1 in out {r}
c1 out 0 1u
.tran 10u 5m
.measure tran half when v(out)=0.5
.end
"""


def test_circuit(tmp_path):
    (tmp_path / "rc.cir").write_text(LOW_PASS)
    result = simulate.circuit("rc.cir")
    table = result.dataframe(next(iter(result.tables)))
    assert table["time"].iloc[-1] == pytest.approx(5e-3)
    assert result.measures["half"] == pytest.approx(1e-3 * np.log(2), rel=1e-2)
    faster = simulate.circuit("rc.cir", param={"r": "100"})
    assert faster.measures["half"] == pytest.approx(1e-4 * np.log(2), rel=5e-2)
    with pytest.raises(ValueError, match="is not a number"):
        simulate.circuit("rc.cir", param={"r": "many"})


def test_systolic():
    answer = simulate.systolic(gemm=(64, 64, 64), array=(8, 8), dataflow="ws")
    assert answer["macs"] == 64**3
    with pytest.raises(ValueError):
        simulate.systolic(array=(8, 8))


MAESTRO = """Network net {
  Layer first {
    Type: CONV
    Dimensions { K: 8, C: 4, R: 3, S: 3, Y: 10, X: 10 }
    Dataflow {
      SpatialMap(1,1) K;
      TemporalMap(4,4) C;
      TemporalMap(3,1) Y;
      TemporalMap(3,1) X;
      TemporalMap(3,3) R;
      TemporalMap(3,3) S;
      Cluster(4,P);
      SpatialMap(1,1) C;
      TemporalMap(3,3) R;
      TemporalMap(3,3) S;
    }
  }
}
"""


def test_maestro(tmp_path):
    (tmp_path / "net.m").write_text(MAESTRO)
    [layer] = simulate.maestro("net.m", num_pes=32, noc_bw=16)["layers"]
    assert layer["layer"] == "first" and layer["true_macs"] == 8 * 4 * 3 * 3 * 8 * 8
    [narrow] = simulate.maestro("net.m", num_pes=32, noc_bw=1)["layers"]
    assert narrow["runtime_cycles"] > layer["runtime_cycles"]
    with pytest.raises(ValueError, match="no.m"):
        simulate.maestro("no.m")


def test_soc():
    answer = simulate.soc(workload="audio_decoder")
    assert any("latency" in name for name in answer), list(answer)


def test_timeloop_and_its_mapper(tmp_path):
    examples = root() + "/simulators/accelerator/examples/"
    arch, problem = examples + "eyeriss168/arch.yaml", examples + "problems/resnet18_l1.yaml"
    given = simulate.timeloop(arch, problem, examples + "eyeriss168/mapping_resnet18_l1.yaml")
    assert given["cycles"] > 0 and given["violations"] == []
    best = hwgym.map_layer(arch, problem, examples + "eyeriss168/row_stationary.yaml", method="random", evaluations=300, seed=1)
    (tmp_path / "best.yaml").write_text(best["mapping_yaml"])
    again = simulate.timeloop(arch, problem, "best.yaml")
    assert again["cycles"] == best["cycles"] and again["energy_pj"] == best["energy_pj"]
    with pytest.raises(ValueError, match="mapping"):
        simulate.timeloop(arch, problem)


@pytest.mark.parametrize("id", hwgym.surrogates())
def test_surrogates_learn_a_line(id):
    rows = np.linspace(0.0, 1.0, 60).reshape(-1, 1)
    targets = 3.0 * rows[:, 0] + 1.0
    model = hwgym.surrogate(id).fit(rows, targets)
    mean, std = model.predict(rows, return_std=True)
    assert mean.shape == std.shape == (60,) and (std >= 0).all()
    assert model.score(rows, targets) > 0.9
    both = hwgym.surrogate(id, seed=2).fit(rows, np.stack([targets, -targets], axis=1)).predict(rows[:5])
    assert both.shape == (5, 2)


def test_surrogates_refuse_nonsense():
    model = hwgym.surrogate("gaussian-process")
    with pytest.raises(ValueError, match="call fit first"):
        model.predict([[0.0]])
    with pytest.raises(ValueError, match="no surrogate is called"):
        hwgym.surrogate("oracle")
    with pytest.raises(ValueError, match="not finite"):
        model.fit([[0.0], [np.nan]], [1.0, 2.0])
    with pytest.raises(ValueError, match="2 targets for 3 rows"):
        model.fit([[0.0], [1.0], [2.0]], [1.0, 2.0])
    assert hwgym.surrogate("nearest-neighbours", seed=3).get_params()["seed"] == 3


def test_a_surrogate_of_an_environment():
    env = hwgym.make("synthetic/ackley-v0")
    designs = env.space.sample(150, seed=1)
    table = env.evaluate(designs)
    rows, targets = env.space.encode(designs, "one-hot"), table[env.metrics[0].name].to_numpy()
    model = hwgym.surrogate("gaussian-process").fit(rows[:100], targets[:100])
    assert model.score(rows[100:], targets[100:]) > 0.3
