"""Gymnasium: checkers, formulations, vectors; Stable-Baselines3; MO-Gymnasium."""

import functools
import importlib
import importlib.util
import os
import sys
import types
import warnings
from unittest import mock

import gymnasium
import hwgym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from hwgym.gymnasium import gymnasium_id

TORCH = importlib.util.find_spec("torch") is not None

CASES = [
    ("hwgym/DramController-v0", {"workload": "random:requests=300"}, "joint"),
    ("hwgym/DramController-v0", {"workload": "random:requests=300"}, "sequential"),
    ("hwgym/SyntheticAckley-v0", {}, "joint"),
    ("hwgym/SyntheticAckley-v0", {}, "sequential"),
    ("hwgym/OpampAutockt-v0", {}, "walk"),
]


def made(name, options, formulation, **settings):
    return gymnasium.make(name, formulation=formulation, **options, **settings)


def test_every_environment_is_registered_under_a_name_of_its_own():
    names = [gymnasium_id(id) for id in hwgym.environments()]
    assert len(set(names)) == len(names)
    assert set(names) <= set(gymnasium.registry)
    assert gymnasium_id("soc-limited-v0") == "hwgym/SocLimited-v0"


@pytest.mark.parametrize(("name", "options", "formulation"), CASES)
def test_gymnasiums_checker_passes(name, options, formulation):
    env = made(name, options, formulation)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # Pictures are looked at below.
        check_env(env.unwrapped, skip_render_check=True)


@functools.cache
def sb3_checker():
    """`check_env` of Stable-Baselines3. Without torch its package does not load, but the checker's own files need nothing of it."""
    found = importlib.util.find_spec("stable_baselines3")
    if found is None:
        pytest.skip("stable-baselines3 is not installed")
    if not TORCH:
        for name in ("torch", "torch.nn", "torch.nn.functional"):
            sys.modules.setdefault(name, mock.MagicMock())
        for name, folder in (("stable_baselines3", ""), ("stable_baselines3.common", "common")):
            package = types.ModuleType(name)
            package.__path__ = [os.path.join(found.submodule_search_locations[0], folder)]
            sys.modules.setdefault(name, package)
    return importlib.import_module("stable_baselines3.common.env_checker").check_env


@pytest.mark.parametrize(("name", "options", "formulation"), CASES)
def test_stable_baselines_checker_passes_without_a_warning(name, options, formulation):
    check = sb3_checker()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check(made(name, options, formulation).unwrapped, warn=True, skip_render_check=True)


def test_a_stable_baselines_agent_trains():
    if not TORCH:
        pytest.skip("torch is not installed")
    stable_baselines3 = pytest.importorskip("stable_baselines3")
    env = made(*CASES[0])
    model = stable_baselines3.PPO("MlpPolicy", env, n_steps=50, batch_size=25, seed=1).learn(200)
    assert model.num_timesteps >= 200


def test_a_joint_step_is_an_evaluation():
    env = made(*CASES[0], objective="low-power").unwrapped
    env.action_space.seed(1)
    env.reset(seed=1)
    action = env.action_space.sample()
    observation, reward, terminated, truncated, info = env.step(action)
    assert info["outcome"] == "feasible" and not terminated and not truncated
    assert env.observation_space.contains(observation)
    assert info["metrics"] == env.env.evaluate(info["design"]).metrics
    assert info["design"] == env.env.space.decode(action.astype(float), "index")
    assert info["units"] == env.env.units
    for _ in range(98):
        assert not env.step(action)[3]
    assert env.step(action)[3], "an episode is cut after 100 steps"


def test_a_sequential_episode_chooses_one_parameter_after_the_other():
    env = made(*CASES[1]).unwrapped
    env.reset(seed=1)
    design = {}
    for parameter in env.env.space.parameters:
        mask = env.action_masks()
        assert mask.sum() == parameter.levels
        choice = int(np.flatnonzero(mask)[-1])
        design[parameter.name] = parameter.values[choice]
        *_, terminated, _, info = env.step(choice)
    assert terminated
    assert info["design"] == env.env.space.complete(design)


def test_a_walk_reaches_for_targets():
    env = made(*CASES[4]).unwrapped
    first, _ = env.reset(seed=1)
    other, _ = env.reset(seed=2)
    again, _ = env.reset(seed=1)
    assert (first == again).all() and (first != other).any(), "a reset draws targets"
    assert env.action_masks().sum() == env.action_space.nvec.sum()
    _, reward, *_ = env.step(env.action_space.sample())
    assert np.isfinite(reward)


def test_pictures_and_words():
    env = made(*CASES[0], render_mode="rgb_array")
    env.reset(seed=1)
    for _ in range(5):
        env.step(env.action_space.sample())
    picture = env.render()
    assert picture.shape == (480, 640, 3) and picture.dtype == np.uint8
    assert 10 < len(np.unique(picture)), "something is drawn"
    env = made(*CASES[0], render_mode="ansi")
    env.reset(seed=1)
    *_, info = env.step(env.action_space.sample())
    text = env.render()
    for name, value in info["design"].items():
        assert f"{name} = {value}" in text


def test_the_mode_of_autoreset_is_stated():
    from gymnasium.vector import AutoresetMode

    env = gymnasium.make_vec("hwgym/SyntheticAckley-v0", num_envs=2)
    assert env.metadata["autoreset_mode"] == AutoresetMode.NEXT_STEP


@pytest.mark.parametrize(("name", "options", "formulation"), CASES)
def test_a_vector_does_what_single_environments_do(name, options, formulation):
    count, horizon = 5, 7
    many = gymnasium.make_vec(name, num_envs=count, formulation=formulation, horizon=horizon, **options)
    single = [made(name, options, formulation, horizon=horizon).unwrapped for _ in range(count)]
    observations, _ = many.reset(seed=10)
    expected = [env.reset(seed=10 + index)[0] for index, env in enumerate(single)]
    assert (observations == np.array(expected)).all()
    many.action_space.seed(3)
    over = [False] * count
    for _ in range(25):
        actions = many.action_space.sample()
        observations, rewards, terminated, truncated, infos = many.step(actions)
        assert many.observation_space.contains(observations)
        for index, env in enumerate(single):
            if over[index]:
                observation, _ = env.reset()
                reward, ended, cut = 0.0, False, False
            else:
                observation, reward, ended, cut, info = env.step(actions[index])
                for metric, value in info.get("metrics", {}).items():
                    assert infos["metrics"][metric][index] == value
            assert (observations[index] == observation).all()
            assert (rewards[index], terminated[index], truncated[index]) == (reward, ended, cut)
            over[index] = ended or cut


def test_same_step_resets_in_the_same_step():
    env = gymnasium.make_vec("hwgym/SyntheticAckley-v0", num_envs=3, horizon=2, autoreset_mode="SameStep")
    env.reset(seed=1)
    env.step(env.action_space.sample())
    observations, _, _, truncated, infos = env.step(env.action_space.sample())
    assert truncated.all()
    assert (observations == 0).all(), "a fresh episode has seen nothing"
    assert all((final != 0).any() for final in infos["final_obs"])


def test_an_objective_of_ones_own_and_a_program():
    objective = hwgym.objective("average_power_mw", bounds={"mean_latency_ns": (None, 1e9)})
    env = made(*CASES[0], objective=objective)
    env.reset(seed=1)
    _, reward, *_, info = env.step(env.action_space.sample())
    assert reward == -info["metrics"]["average_power_mw"]
    with pytest.raises(ValueError, match="names no objective"):
        made(*CASES[0], objective="beauty")
    with pytest.raises(ValueError, match="no formulation"):
        made(*CASES[0][:2], "jointly")


def test_mo_gymnasium_has_a_reward_per_goal():
    mo_gymnasium = pytest.importorskip("mo_gymnasium")
    env = mo_gymnasium.make("hwgym/MoDramController-v0", workload="random:requests=300", objective="energy-and-time")
    base = env.unwrapped
    assert base.reward_space.shape == (2,) and base.reward_dim == 2
    env.reset(seed=1)
    _, reward, *_, info = env.step(env.action_space.sample())
    assert reward.shape == (2,) and base.reward_space.contains(reward)
    assert reward == pytest.approx(np.array(info["rewards"]), rel=1e-6)
