"""hwgym's agents for anybody's function."""

import math
import os
import random
from concurrent.futures import ThreadPoolExecutor

import hwgym
import pytest


def bowl(design):
    return (design["x"] - 0.3) ** 2 + (0.0 if design["kind"] == "b" else 1.0)


SPACE = {"x": (-1.0, 1.0), "kind": ["a", "b"]}

#: Agents that are made for any space, with one goal.
GENERAL = ["random", "genetic", "bayesian", "tpe", "differential-evolution", "hill-climber", "simulated-annealing", "sobol"]


@pytest.mark.parametrize("agent", GENERAL)
def test_every_agent_minimizes_and_repeats_itself(agent):
    first = hwgym.minimize(bowl, SPACE, agent=agent, budget=40, seed=3)
    again = hwgym.minimize(bowl, SPACE, agent=agent, budget=40, seed=3)
    assert [t.design for t in first.trials] == [t.design for t in again.trials]
    assert len(first.trials) == 40
    assert first.design["kind"] == "b" and first.value < 0.3
    assert first.value == min(t.values["value"] for t in first.trials)
    assert first.value == bowl(first.design)


def test_asking_and_telling_is_the_same_search():
    searched = hwgym.minimize(bowl, SPACE, agent="bayesian", budget=20, seed=5)
    agent = hwgym.Agent("bayesian", hwgym.Space(SPACE), budget=20, seed=5)
    designs = []
    for _ in range(20):
        [design] = agent.ask()
        designs.append(design)
        evaluation = agent.tell(design, bowl(design))
        assert evaluation["value"] == bowl(design)
    assert designs == [trial.design for trial in searched.trials]


def test_answers_may_come_in_any_order():
    def search(order):
        agent = hwgym.Agent("genetic", hwgym.Space(SPACE), seed=2, population=8)
        seen = []
        for _ in range(5):
            designs = agent.ask(8)
            seen += designs
            for index in order(list(range(len(designs)))):
                agent.tell(designs[index], bowl(designs[index]))
        return seen

    shuffled = random.Random(1)
    assert search(lambda indices: indices) == search(lambda indices: shuffled.sample(indices, len(indices)))


def test_what_goes_wrong_is_a_recorded_failure():
    def rough(design):
        if design["x"] < -0.5:
            raise RuntimeError("out of cheese")
        if design["x"] < 0.0:
            return math.nan
        if design["x"] < 0.1:
            return None
        if design["kind"] == "a":
            raise hwgym.Infeasible("kind is b", 2.0)
        return bowl(design)

    result = hwgym.minimize(rough, SPACE, agent="random", budget=80, seed=1)
    reasons = "\n".join(trial.evaluation.reason for trial in result.failures)
    for words in ("Traceback", "RuntimeError: out of cheese", "`value` is nan", "answered None"):
        assert words in reasons
    infeasible = [t.evaluation for t in result.trials if t.evaluation.outcome == "infeasible"]
    assert infeasible and all((e.reason, e.amount) == ("kind is b", 2.0) for e in infeasible)
    assert result.design["x"] >= 0.1 and result.design["kind"] == "b"
    table = result.trials_dataframe()
    assert len(table) == 80 and set(table["outcome"]) == {"feasible", "infeasible", "failed"}
    assert "<table>" in result._repr_html_()


def test_ctrl_c_and_exits_are_no_failures():
    for stop in (KeyboardInterrupt, SystemExit):

        def function(design, stop=stop):
            raise stop

        with pytest.raises(stop):
            hwgym.minimize(function, SPACE, agent="random", budget=5)


def test_several_goals_and_bounds():
    def both(design):
        return {"cost": design["x"] ** 2, "speed": -((design["x"] - 1.0) ** 2), "heat": design["x"]}

    goals = {"cost": "minimize", "speed": "maximize"}
    result = hwgym.minimize(both, {"x": (0.0, 2.0)}, agent="nsga2", goals=goals, bounds={"heat": (None, 0.5)}, budget=100)
    front = result.front
    assert len(front) > 3
    assert all(trial.design["x"] <= 0.5 for trial in front), "the bound is kept"
    for a in front:
        for b in front:
            assert not (a.values["cost"] < b.values["cost"] and a.values["speed"] > b.values["speed"])
    with pytest.raises(ValueError, match="look at `front`"):
        result.best
    with pytest.raises(ValueError, match="searches for one goal"):
        hwgym.minimize(both, {"x": (0.0, 2.0)}, agent="cma-es", goals=goals)


def test_constraints_are_kept_before_the_function_is_called():
    seen = []

    def function(design):
        seen.append(design)
        return -design["rows"] * design["ways"]

    space = {"rows": range(1, 17), "ways": [1, 2, 4, 8]}

    def even(design):
        return design["rows"] % 2

    result = hwgym.minimize(function, space, agent="genetic", constraints=["rows * ways <= 40", even], budget=60)
    assert seen and all(d["rows"] * d["ways"] <= 40 and d["rows"] % 2 == 0 for d in seen)
    assert result.value <= -32
    assert {t.evaluation.reason for t in result.trials if t.evaluation.outcome == "infeasible"} <= {"rows * ways <= 40", "even"}


def test_batches_and_pools_change_nothing():
    plain = hwgym.minimize(bowl, SPACE, agent="genetic", budget=32, batch=4, seed=1)
    with ThreadPoolExecutor(4) as pool:
        spread = hwgym.minimize(bowl, SPACE, agent="genetic", budget=32, batch=4, seed=1, map=pool.map)
    assert [t.design for t in plain.trials] == [t.design for t in spread.trials]


def test_a_callback_ends_the_search():
    result = hwgym.minimize(bowl, SPACE, agent="random", budget=50, callback=lambda trial: trial.values["value"] < 0.5)
    assert result.value < 0.5 and len(result.trials) < 50


def test_agents_of_environments_are_told_evaluations():
    env = hwgym.make("synthetic/ackley-v0")
    agent = hwgym.Agent("bayesian", env, budget=15, seed=1)
    values = []
    for _ in range(15):
        [design] = agent.ask()
        scored = agent.tell(design, env.evaluate(design))
        values.append(-scored.rewards[0])
    assert min(values) < values[0]


def test_mistakes_are_named():
    with pytest.raises(ValueError, match="did you mean `bayesian`"):
        hwgym.minimize(bowl, SPACE, agent="bayesien")
    with pytest.raises(ValueError, match="population"):
        hwgym.minimize(bowl, SPACE, agent="genetic", poplation=3)
    with pytest.raises(ValueError, match="is no direction"):
        hwgym.minimize(bowl, SPACE, goals={"value": "smaller"})
    with pytest.raises(ValueError, match="expected 1 or more"):
        hwgym.minimize(bowl, SPACE, budget=0)


def test_a_forked_process_has_threads_of_its_own():
    env = hwgym.make("synthetic/ackley-v0")
    designs = env.space.sample(200)
    expected = env.evaluate(designs)[env.metrics[0].name].tolist()
    child = os.fork()
    if child == 0:
        # A child that hangs is ended by the alarm.
        import signal

        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(60)
        same = env.evaluate(designs)[env.metrics[0].name].tolist() == expected
        os._exit(0 if same else 1)
    assert os.waitpid(child, 0)[1] == 0
