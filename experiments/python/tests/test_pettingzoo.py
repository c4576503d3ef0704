"""PettingZoo: its own tests, on groups and on parameters."""

import hwgym
import numpy as np
import pytest
from pettingzoo.test import api_test, parallel_api_test, parallel_seed_test, seed_test

CASES = [
    ("dram-controller-v0", {"workload": "random:requests=300"}, "group"),
    ("dram-controller-v0", {"workload": "random:requests=300"}, "parameter"),
    ("synthetic/ackley-v0", {}, "group"),
]


def made(id, options, by, **settings):
    return hwgym.parallel_env(id, by=by, horizon=20, **options, **settings)


@pytest.mark.parametrize(("id", "options", "by"), CASES)
def test_the_parallel_form(id, options, by):
    parallel_api_test(made(id, options, by), num_cycles=100)
    parallel_seed_test(lambda: made(id, options, by), num_cycles=50)


@pytest.mark.parametrize(("id", "options", "by"), CASES[:1])
def test_the_form_with_turns(id, options, by):
    api_test(hwgym.aec_env(id, by=by, horizon=20, **options), num_cycles=100)
    seed_test(lambda: hwgym.aec_env(id, by=by, horizon=20, **options), num_cycles=50)


def test_agents_make_one_design_together():
    env = made(*CASES[1])
    env.reset(seed=1)
    actions = {agent: env.action_space(agent).sample() for agent in env.agents}
    observations, rewards, _, _, infos = env.step(actions)
    levels = np.array([action[0] for action in actions.values()], dtype=float)
    assert infos[env.agents[0]]["design"] == env.env.space.decode(levels, "index")
    assert len(set(rewards.values())) == 1
    assert (env.state() == observations[env.agents[0]]).all()
    with pytest.raises(ValueError, match="has no action"):
        env.step({})


def test_one_agent_per_parameter_or_per_group():
    names = hwgym.make("dram-controller-v0").space.names
    assert made(*CASES[1]).possible_agents == names
    groups = made(*CASES[0]).possible_agents
    assert groups == list(hwgym.make("dram-controller-v0").space.groups)
    with pytest.raises(ValueError, match="expected group or parameter"):
        made("synthetic/ackley-v0", {}, "team")
