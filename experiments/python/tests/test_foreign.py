"""Python classes as environments and agents: registered, in studies, and broken in every way."""

import subprocess
import sys
import textwrap

import hwgym
import pytest

MODEL = '''
"""A small cache."""
import hwgym


class Cache:
    """A cache whose misses fall with its size."""

    space = hwgym.Space(sets=[64, 128, 256], ways=range(1, 9), policy=["lru", "fifo"], constraints=["sets * ways <= 1024"])
    metrics = {"miss_rate": "minimize", "area_mm2": ("minimize", "mm2", "tags and data")}
    objectives = {"small": hwgym.objective("area_mm2", name="small")}

    def __init__(self, scale=1.0):
        self.scale = scale

    def evaluate(self, design):
        print("what a class prints is no answer")
        if design["ways"] == 7:
            raise RuntimeError("out of cheese")
        if design["ways"] == 6:
            raise hwgym.Infeasible("ways are few", 1.5)
        if design["ways"] == 5:
            return {"miss_rate": float("nan"), "area_mm2": 1.0}
        size = design["sets"] * design["ways"]
        return {"miss_rate": 1.0 / size, "area_mm2": self.scale * size / 100.0}
'''

AGENT = '''
import random


class Mine:
    """Random designs; counts what it is told."""

    def __init__(self, space, seed, budget, spread=1.0):
        self.space, self.seed, self.told, self.spread = space, seed, 0, spread

    def ask(self, count):
        if self.told >= 12:
            return []
        self.seed += 1
        return self.space.sample(count, seed=self.seed)

    def tell(self, results):
        self.told += len(results)
        assert all({"design", "status", "rewards", "violation"} <= set(result) for result in results)


class Broken(Mine):
    def ask(self, count):
        raise RuntimeError("no idea")
'''


@pytest.fixture
def model(tmp_path):
    (tmp_path / "my_model.py").write_text(MODEL)
    (tmp_path / "my_agent.py").write_text(AGENT)
    return tmp_path


def test_a_class_is_an_environment(model):
    env = hwgym.make("python", module="my_model:Cache", scale=2.0)
    assert [metric.unit for metric in env.metrics] == ["1", "mm2"]
    assert "small" in env.objectives
    good = env.evaluate({"sets": 64, "ways": 2, "policy": "lru"})
    assert good.metrics == {"miss_rate": 1 / 128, "area_mm2": 2 * 1.28}
    failed = env.evaluate({"sets": 64, "ways": 7, "policy": "lru"})
    assert failed.outcome == "failed"
    for words in ("RuntimeError: out of cheese", "Traceback", "my_model.py", "in evaluate"):
        assert words in failed.reason
    broken = env.evaluate({"sets": 64, "ways": 6, "policy": "lru"})
    assert (broken.outcome, broken.reason, broken.amount) == ("infeasible", "ways are few", 1.5)
    assert "`miss_rate` is nan" in env.evaluate({"sets": 64, "ways": 5, "policy": "lru"}).reason
    refused = env.evaluate({"sets": 256, "ways": 8, "policy": "lru"})
    assert refused.reason == "sets * ways <= 1024"
    table = env.evaluate(env.space.sample(40, seed=1))
    assert set(table["outcome"]) >= {"feasible", "failed"}


def test_mistakes_are_named(model):
    with pytest.raises(ValueError, match="say which class"):
        hwgym.make("python")
    with pytest.raises(ValueError, match="no_model"):
        hwgym.make("python", module="no_model:Cache")
    with pytest.raises(ValueError, match="Cash"):
        hwgym.make("python", module="my_model:Cash")
    with pytest.raises(ValueError, match="has no `space`"):
        hwgym.make("python", module="collections:OrderedDict")
    with pytest.raises(ValueError, match="unexpected keyword argument"):
        hwgym.make("python", module="my_model:Cache", scales=1)


STUDY = {
    "name": "caches",
    "environments": [{"id": "python", "label": "cache", "options": {"module": "my_model:Cache", "scale": 2.0}, "objectives": ["small"]}],
    "agents": [{"id": "random"}, {"id": "python", "label": "mine", "hyperparameters": {"module": "my_agent:Mine"}}],
    "seeds": 2,
    "budget": 20,
}


def test_classes_in_a_study(model):
    study = hwgym.run_study(STUDY, out="out", jobs=2)
    assert study.complete
    table = study.trials_dataframe()
    assert table.groupby("agent")["evaluation"].max().to_dict() == {"random": 20, "mine": 12}
    failed = table[table["outcome"] == "failed"]
    assert failed["reason"].str.contains("Traceback").any()
    again = hwgym.run_study(STUDY, out="again", jobs=1)
    names = ["agent", "seed", "evaluation", "sets", "ways", "policy", "miss_rate", "outcome"]
    assert again.trials_dataframe()[names].equals(table[names])
    assert "my_model.py" in str(study.manifest["inputs"])


def test_an_agent_that_breaks_says_why(model):
    study = {**STUDY, "agents": [{"id": "python", "hyperparameters": {"module": "my_agent:Broken"}}]}
    with pytest.raises(RuntimeError, match="no idea"):
        hwgym.run_study(study, out="out")


def test_a_script_registers_its_own_classes(model):
    script = (
        MODEL
        + AGENT
        + textwrap.dedent("""
        hwgym.register("cache-v0", Cache)
        hwgym.register_agent("mine", Mine)

        if __name__ == "__main__":
            import gymnasium

            env = hwgym.make("cache-v0", scale=3.0)
            print(env.evaluate({"sets": 64, "ways": 2, "policy": "lru"})["area_mm2"])
            study = {"name": "s", "environments": [{"id": "cache-v0"}], "agents": [{"id": "mine"}], "seeds": 1, "budget": 5}
            print(len(hwgym.run_study(study, out="out", progress=False).trials_dataframe()))
            game = gymnasium.make("hwgym/Cache-v0")
            game.reset(seed=1)
            print(sorted(game.step(game.action_space.sample())[4])[0])
    """)
    )
    (model / "script.py").write_text(script)
    done = subprocess.run([sys.executable, "script.py"], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["3.84", "5", "design"]


def test_a_class_without_a_file_cannot_be_registered():
    class Local:
        pass

    with pytest.raises(ValueError, match="inside a function"):
        hwgym.register("local-v0", Local)
    with pytest.raises(ValueError, match="another environment is called"):
        hwgym.register("dram-controller-v0", "my_model:Cache")
    assert "dram-controller-v0" in hwgym.environments()
