"""Optuna: its own tests of samplers, environments as objectives, studies in its storages."""

from wsgiref.util import setup_testing_defaults

import hwgym
import optuna
import pytest
from hwgym.optuna import HwgymSampler
from optuna.testing.pytest_samplers import (
    BasicSamplerTestCase,
    MultiObjectiveSamplerTestCase,
    RelativeSamplerTestCase,
    SingleOnlySamplerTestCase,
)

optuna.logging.set_verbosity(optuna.logging.WARNING)


class TestGenetic(BasicSamplerTestCase, RelativeSamplerTestCase, MultiObjectiveSamplerTestCase):
    """An agent for one goal or several."""

    @pytest.fixture
    def sampler(self):
        return lambda: HwgymSampler("genetic", seed=1)


class TestBayesian(BasicSamplerTestCase, RelativeSamplerTestCase):
    """The default."""

    @pytest.fixture
    def sampler(self):
        return lambda: HwgymSampler(seed=1)


class TestAnAgentForOneGoal(BasicSamplerTestCase, RelativeSamplerTestCase, SingleOnlySamplerTestCase):
    @pytest.fixture
    def sampler(self):
        return lambda: HwgymSampler("differential-evolution", seed=1)


class TestBayesianPareto(MultiObjectiveSamplerTestCase):
    @pytest.fixture
    def sampler(self):
        return lambda: HwgymSampler("bayesian-pareto", seed=1)


def bowl(trial):
    x = trial.suggest_float("x", -1.0, 1.0)
    kind = trial.suggest_categorical("kind", ["a", None, 3])
    steps = trial.suggest_int("steps", 0, 10, step=5)
    return (x - 0.3) ** 2 + (0.0 if kind == 3 else 1.0) + steps


def test_a_sampler_searches_and_repeats_itself():
    def run():
        study = optuna.create_study(sampler=HwgymSampler("bayesian", seed=4))
        study.optimize(bowl, n_trials=30)
        return study

    first = run()
    assert [t.params for t in first.trials] == [t.params for t in run().trials]
    assert first.best_params["kind"] == 3 and first.best_params["steps"] == 0
    assert first.best_value < 0.05


def test_several_goals_need_an_agent_that_keeps_them_apart():
    study = optuna.create_study(directions=["minimize", "maximize"], sampler=HwgymSampler("cma-es", seed=1))
    with pytest.raises(ValueError, match="searches for one objective"):
        study.optimize(lambda trial: (trial.suggest_float("x", 0, 1), 1.0), n_trials=1)
    study = optuna.create_study(directions=["minimize", "maximize"], sampler=HwgymSampler("nsga2", seed=1, population=8))

    def both(trial):
        x = trial.suggest_float("x", 0.0, 2.0)
        return x**2, -((x - 1.0) ** 2)

    study.optimize(both, n_trials=60)
    assert len(study.best_trials) > 5
    assert all(0 <= trial.params["x"] <= 1.1 for trial in study.best_trials)


def test_constraints_are_learned():
    def function(trial):
        x, y = trial.suggest_float("x", 0.0, 1.0), trial.suggest_float("y", 0.0, 1.0)
        trial.set_user_attr("sum", x + y)
        return -x - 2 * y

    sampler = HwgymSampler("bayesian", seed=2, constraints_func=lambda trial: (trial.user_attrs["sum"] - 1.0,))
    study = optuna.create_study(sampler=sampler)
    study.optimize(function, n_trials=40)
    kept = [trial for trial in study.trials if trial.user_attrs["sum"] <= 1.0]
    late = [trial.user_attrs["sum"] <= 1.05 for trial in study.trials[20:]]
    assert min(trial.value for trial in kept) < -1.6
    assert sum(late) >= len(late) / 2, "proposals come near what is allowed"


def test_failed_and_foreign_trials_are_learned():
    study = optuna.create_study(sampler=HwgymSampler("bayesian", seed=1))
    study.enqueue_trial({"x": 0.3, "kind": 3, "steps": 0})

    def rough(trial):
        value = bowl(trial)
        return float("nan") if trial.params["x"] < -0.5 else value

    study.optimize(rough, n_trials=25)
    assert study.best_value == 0.0
    other = optuna.create_study(sampler=HwgymSampler("genetic", seed=1))
    other.add_trials(study.trials)
    other.optimize(rough, n_trials=5)
    assert len(other.trials) == 30


def test_an_environment_is_an_objective():
    env = hwgym.make("dram-controller-v0", workload="random:requests=300")
    goal = hwgym.optuna.objective(env, "energy-and-time")
    assert goal.directions == ["minimize", "minimize"]
    study = optuna.create_study(directions=goal.directions, sampler=HwgymSampler("genetic", seed=1))
    study.optimize(goal, n_trials=15)
    trial = study.trials[-1]
    evaluation = env.evaluate(trial.params)
    assert trial.values == [evaluation[name] for name in goal.metrics]
    assert all(trial.user_attrs[name] == value for name, value in evaluation.metrics.items())


def test_distributions_of_spaces():
    space = hwgym.Space(n=range(2, 11, 4), x=hwgym.Space.log(1e-3, 1.0), c=["a", "b"], o=[1, 2, 4], b=bool)
    assert space.optuna_distributions() == {
        "n": optuna.distributions.IntDistribution(2, 10, step=4),
        "x": optuna.distributions.FloatDistribution(1e-3, 1.0, log=True),
        "c": optuna.distributions.CategoricalDistribution(("a", "b")),
        "o": optuna.distributions.CategoricalDistribution((1, 2, 4)),
        "b": optuna.distributions.CategoricalDistribution((False, True)),
    }
    many = hwgym.Space(o=hwgym.Space.permutation("abcdefgh"))
    with pytest.raises(ValueError, match="more than Optuna can list"):
        many.optuna_distributions()


def test_a_study_is_exported(tmp_path):
    study = hwgym.run_study(
        {
            "name": "small",
            "environments": [
                {
                    "id": "dram-controller-v0",
                    "options": {"workload": "random:requests=200"},
                    "objectives": ["energy-and-time", "low-energy"],
                }
            ],
            "agents": [{"id": "random"}, {"id": "genetic"}],
            "seeds": 2,
            "budget": 10,
        },
        out=tmp_path / "out",
    )
    storage = f"sqlite:///{tmp_path}/study.db"
    names = hwgym.optuna.export(study.directory, storage)
    assert len(names) == 4 == len(optuna.get_all_study_names(storage))
    loaded = optuna.load_study(study_name=names[0], storage=storage)
    assert len(loaded.trials) == 20 and {t.user_attrs["seed"] for t in loaded.trials} == {1, 2}
    table = study.trials_dataframe()
    task = names[0].split("/")
    same = table[(table["objective"] == task[1]) & (table["agent"] == task[2])]
    assert [t.values[0] for t in loaded.trials] == (-same["reward_1"]).tolist()
    assert loaded.best_trials
    with pytest.raises(optuna.exceptions.DuplicatedStudyError):
        hwgym.optuna.export(study.directory, storage)
    dashboard = pytest.importorskip("optuna_dashboard")
    application = dashboard.wsgi(optuna.storages.RDBStorage(storage))
    request, answer = {"PATH_INFO": "/api/studies"}, {}
    setup_testing_defaults(request)
    body = b"".join(application(request, lambda status, headers, error=None: answer.update(status=status)))
    assert answer["status"].startswith("200") and names[0].encode() in body
