"""hwgym's environments for Gymnasium.

>>> import gymnasium, hwgym
>>> env = gymnasium.make("hwgym/DramController-v0", workload="sort", objective="low-power")
>>> many = gymnasium.make_vec("hwgym/DramController-v0", num_envs=64, workload="sort")

A formulation says what an action is:

============  ==========================================  =======================================================
`joint`       one action is one whole design              every step evaluates; cut after `horizon` steps
`sequential`  one parameter per step                      the last step evaluates and ends the episode
`walk`        small steps of every parameter              towards targets that the reset draws (AutoCkt, DATE 2020)
============  ==========================================  =======================================================
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv

from . import _native
from ._html import number
from ._ron import objective_text
from .environment import Env
from .space import Space

#: A parameter with more values than this is an interval for a policy, not a list of choices.
MOST_CHOICES = 1024

#: Steps after which an episode of whole designs is cut, unless `horizon` says otherwise.
HORIZON = 100


def gymnasium_id(id: str, prefix: str = "") -> str:
    """The name of an environment in Gymnasium: `dram-controller-v0` is `hwgym/DramController-v0`."""
    stem, dash, version = id.rpartition("-v")
    name, version = (stem, f"-v{version}") if dash and version.isdigit() else (id, "")
    words = "".join(word[:1].upper() + word[1:] for word in name.replace("/", "-").replace("_", "-").split("-"))
    return f"hwgym/{prefix}{words}{version}"


def register_all() -> None:
    """Registers every environment with Gymnasium, those that are not registered yet. `import hwgym` does it."""
    from .catalogue import environments

    for id in environments():
        for prefix, place in (("", "hwgym.gymnasium:HwgymEnv"), ("Mo", "hwgym.mo_gymnasium:MoHwgymEnv")):
            name = gymnasium_id(id, prefix)
            if name not in gymnasium.registry:
                vector = None if prefix else "hwgym.gymnasium:HwgymVectorEnv"
                # A vector of rewards is no reward for Gymnasium's checker.
                gymnasium.register(name, entry_point=place, vector_entry_point=vector, kwargs={"env": id}, disable_env_checker=bool(prefix))


def dict_space(space: Space) -> spaces.Dict:
    """`Box` for real parameters, `Discrete` for all others (indices of `values`), by name."""
    named: dict[str, spaces.Space[Any]] = {}
    for parameter in space.parameters:
        if parameter.levels is None:
            named[parameter.name] = spaces.Box(parameter.low, parameter.high, (), dtype=np.float64)
        else:
            named[parameter.name] = spaces.Discrete(parameter.levels)
    return spaces.Dict(named)


class Actions:
    """A space of actions for policies, and what an action of it means to hwgym.

    `auto` takes choices where every parameter has at most 1,024 values and [-1, 1] for each parameter otherwise; `discrete` and `box` ask
    for one of them.
    """

    def __init__(self, levels: Sequence[int], kind: str = "auto", single: bool = False) -> None:
        if kind not in ("auto", "discrete", "box"):
            raise ValueError(f"actions: there is no `{kind}`; expected auto, discrete or box")
        choices = all(0 < count <= MOST_CHOICES for count in levels)
        if kind == "discrete" and not choices:
            raise ValueError(f"actions: a parameter is real, or has more than {MOST_CHOICES} values; use box or auto")
        #: True where an action is a place in the unit interval.
        self.unit = kind == "box" or not choices
        self.width = 1 if single else len(levels)
        self.space: spaces.Space[Any]
        if self.unit:
            self.space = spaces.Box(-1.0, 1.0, (self.width,), np.float32)
        elif single:
            self.space = spaces.Discrete(max(levels))
        else:
            self.space = spaces.MultiDiscrete(list(levels))

    def numbers(self, actions: Any) -> bytes:
        """Actions, one or many, for the native module."""
        array = np.asarray(actions, dtype=np.float64)
        return ((array + 1.0) / 2.0 if self.unit else array).tobytes()

    def mask(self, levels: Sequence[int]) -> np.ndarray:
        """Which choices there are, of parameters with so many levels."""
        if isinstance(self.space, spaces.Discrete):
            return np.arange(self.space.n) < levels[0]
        if isinstance(self.space, spaces.MultiDiscrete):
            return np.ones(int(self.space.nvec.sum()), dtype=bool)
        raise TypeError("actions of [-1, 1] have no mask")


def observation_box(bounds: Sequence[tuple[float, float]]) -> spaces.Box:
    """The space of observations with these bounds."""
    low, high = np.array(bounds, dtype=np.float32).reshape(-1, 2).T
    return spaces.Box(low, high, dtype=np.float32)


def info_of(evaluation: _native.Evaluation | None) -> dict[str, Any]:
    """What a step says of its evaluation; nothing where it made none."""
    if evaluation is None:
        return {}
    return {
        "design": evaluation.design,
        "outcome": evaluation.outcome,
        "metrics": evaluation.metrics,
        "units": evaluation.units,
        "reason": evaluation.reason or "",
        "rewards": evaluation.rewards,
        "violation": evaluation.violation,
        "violations": {meaning: amount for meaning, amount, _ in evaluation.violations},
    }


class _Settings:
    """What the environment for one agent and the vector of them have in common."""

    def __init__(
        self,
        env: Env | str,
        objective: str | Mapping[str, Any] | None,
        formulation: str,
        horizon: int,
        actions: str,
        infeasible_reward: float | None,
        count: int,
        options: Mapping[str, Any],
    ) -> None:
        if isinstance(env, Env) and options:
            raise ValueError(f"options {', '.join(options)}: the environment is made already")
        if horizon < 0:
            raise ValueError(f"horizon: {horizon}; expected a number of steps, or 0 for no end")
        self.env = env if isinstance(env, Env) else Env(env, **options)
        limit = horizon if formulation == "joint" else 0
        self.episodes = _native.Episodes(self.env, objective_text(objective), formulation, count, limit)
        sequential = formulation == "sequential"
        levels = self.env.space._native.levels() if sequential else self.episodes.action_space(0).levels()
        self.actions = Actions(levels, actions, sequential)
        self.observation_space = observation_box(self.episodes.bounds())
        self.infeasible_reward = infeasible_reward

    def reset(self, which: list[int], generators: Sequence[np.random.Generator]) -> np.ndarray:
        seeds = [int(generator.integers(2**63)) for generator in generators]
        return self._rows(self.episodes.reset(which, seeds))

    def step(self, which: list[int], actions: Any) -> tuple[Any, ...]:
        answer = self.episodes.step(which, self.actions.numbers(actions), self.actions.width, self.actions.unit)
        observations, rewards, terminated, truncated, evaluations = answer
        if self.infeasible_reward is not None:
            rewards = [
                reward if evaluation is None or evaluation.violation == 0 else self.infeasible_reward
                for reward, evaluation in zip(rewards, evaluations, strict=True)
            ]
        return self._rows(observations), rewards, terminated, truncated, evaluations

    def _rows(self, observations: bytes) -> np.ndarray:
        return np.frombuffer(observations).reshape(-1, *self.observation_space.shape).astype(np.float32)


class HwgymEnv(gymnasium.Env[np.ndarray, Any]):
    """An environment of hwgym for Gymnasium.

    The observation of `joint` holds the metrics of the last design, squashed into [-1, 1]; that of `sequential` the choices so far and
    whose turn it is; that of `walk` normalised values, targets and places. The reward is the objective's, higher is better. A design
    that breaks a bound or a constraint gets minus (1 + violation), which is more than a feasible one where rewards are large negative
    numbers, such as an energy in pJ; give `infeasible_reward` there. `horizon` cuts episodes of `joint` (0: never). Further arguments are
    options of the environment.
    """

    metadata = {"render_modes": ["ansi", "human", "rgb_array"], "render_fps": 4}

    def __init__(
        self,
        env: Env | str,
        *,
        objective: str | Mapping[str, Any] | None = None,
        formulation: str = "joint",
        horizon: int = HORIZON,
        actions: str = "auto",
        infeasible_reward: float | None = None,
        render_mode: str | None = None,
        **options: Any,
    ) -> None:
        if render_mode is not None and render_mode not in self.metadata["render_modes"]:
            raise ValueError(f"render_mode: there is no `{render_mode}`; expected one of {self.metadata['render_modes']}")
        self._settings = _Settings(env, objective, formulation, horizon, actions, infeasible_reward, 1, options)
        self.env = self._settings.env
        self.formulation = formulation
        self.observation_space = self._settings.observation_space
        self.action_space = self._settings.actions.space
        self.render_mode = render_mode
        self._history: list[_native.Evaluation] = []

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        """Starts an episode; the same seed starts the same one. There are no `options`."""
        if options:
            raise ValueError(f"options {', '.join(options)}: a reset has none")
        super().reset(seed=seed)
        self._history = []
        return self._settings.reset([0], [self.np_random])[0], {}

    def step(self, action: Any) -> tuple[np.ndarray, Any, bool, bool, dict[str, Any]]:
        """Acts: observation, reward, terminated, truncated, and what is known of the design."""
        observations, rewards, terminated, truncated, [evaluation] = self._settings.step([0], action)
        if evaluation is not None:
            self._history.append(evaluation)
        if self.render_mode == "human":
            print(self._text())
        reward = self._reward(rewards[0], evaluation)
        return observations[0], reward, terminated[0], truncated[0], info_of(evaluation)

    def _reward(self, reward: float, evaluation: _native.Evaluation | None) -> Any:
        return reward

    def action_masks(self) -> np.ndarray:
        """Which choices there are now, for `sb3_contrib.MaskablePPO`. Errors: `TypeError` for actions of [-1, 1]."""
        return self._settings.actions.mask(self._settings.episodes.action_space(0).levels())

    def render(self) -> Any:
        """The last design and its metrics as text (`ansi`), or a plot of the episode (`rgb_array`: height, width, 3)."""
        if self.render_mode == "ansi":
            return self._text()
        if self.render_mode == "rgb_array":
            return plot_of(self._history, self.env)
        return None

    def _text(self) -> str:
        return text_of(self._history[-1] if self._history else None)


def text_of(evaluation: _native.Evaluation | None) -> str:
    """A design and its metrics, a line each."""
    if evaluation is None:
        return "nothing was evaluated yet"
    lines = [f"{name} = {value}" for name, value in evaluation.design.items()]
    lines.append(evaluation.outcome + (f": {evaluation.reason}" if evaluation.reason else ""))
    units = evaluation.units
    lines += [
        f"  {name} = {number(value)} {'' if units[name] == '1' else units[name]}".rstrip() for name, value in evaluation.metrics.items()
    ]
    return "\n".join(lines)


def plot_of(history: Sequence[_native.Evaluation], env: Env, size: tuple[int, int] = (640, 480)) -> np.ndarray:
    """The rewards of an episode as pixels: over the steps, or the first two goals against each other."""
    solved = [evaluation.rewards for evaluation in history if evaluation.rewards]
    goals = min(len(solved[0]), 2) if solved else 1
    rows = [[rewards[goal] for rewards in solved] for goal in range(goals)]
    labels = ["reward"] if goals == 1 else ["reward 1", "reward 2"]
    pixels = _native.plot(rows, labels, env.id, size)
    return np.frombuffer(pixels, dtype=np.uint8).reshape(size[1], size[0], 3).copy()


class HwgymVectorEnv(VectorEnv[np.ndarray, Any, np.ndarray]):
    """Many episodes of one environment, evaluated on all cores with the interpreter released.

    Episodes that ended start again with the next step (`AutoresetMode.NEXT_STEP`), or in the same one (`AutoresetMode.SAME_STEP`, with
    `final_obs` and `final_info`). `infos` holds arrays: `outcome`, `evaluation` (`Evaluation`) and `metrics` by name, not a number where
    there are none.
    """

    metadata = {"autoreset_mode": AutoresetMode.NEXT_STEP, "render_modes": []}

    def __init__(
        self,
        env: Env | str,
        num_envs: int = 1,
        *,
        objective: str | Mapping[str, Any] | None = None,
        formulation: str = "joint",
        horizon: int = HORIZON,
        actions: str = "auto",
        infeasible_reward: float | None = None,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        render_mode: str | None = None,
        **options: Any,
    ) -> None:
        mode = AutoresetMode(autoreset_mode)
        if mode not in (AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP):
            raise ValueError(f"autoreset_mode: {mode}; expected NEXT_STEP or SAME_STEP")
        if render_mode is not None:
            raise ValueError("render_mode: many episodes have no picture; render one environment")
        self.metadata = {**self.metadata, "autoreset_mode": mode}
        self.num_envs = num_envs
        self.render_mode = None
        self._same_step = mode == AutoresetMode.SAME_STEP
        self._settings = _Settings(env, objective, formulation, horizon, actions, infeasible_reward, num_envs, options)
        self.env = self._settings.env
        self.single_observation_space = self._settings.observation_space
        self.single_action_space = self._settings.actions.space
        self.observation_space = gymnasium.vector.utils.batch_space(self.single_observation_space, num_envs)
        self.action_space = gymnasium.vector.utils.batch_space(self.single_action_space, num_envs)
        self._generators = [np.random.default_rng() for _ in range(num_envs)]
        self._over = np.zeros(num_envs, dtype=bool)
        self._observations = np.zeros((num_envs, *self.single_observation_space.shape), dtype=np.float32)
        self._names = [metric.name for metric in self.env.metrics]

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Starts all episodes, or those of `options["reset_mask"]`. One seed counts up from episode to episode."""
        options = dict(options or {})
        mask = np.asarray(options.pop("reset_mask", np.ones(self.num_envs)), dtype=bool)
        if options:
            raise ValueError(f"options {', '.join(options)}: expected `reset_mask`")
        seeds = [None] * self.num_envs if seed is None else seed
        if isinstance(seeds, (int, np.integer)):
            seeds = [int(seeds) + index for index in range(self.num_envs)]
        for index in np.flatnonzero(mask):
            if seeds[index] is not None:
                self._generators[index] = np.random.default_rng(seeds[index])
        self._restart(mask)
        return self._observations.copy(), {}

    def _restart(self, mask: np.ndarray) -> None:
        which = np.flatnonzero(mask).tolist()
        if which:
            self._observations[which] = self._settings.reset(which, [self._generators[index] for index in which])
        self._over[mask] = False

    def step(self, actions: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """All episodes take a step; those that were over start again instead, with a reward of 0."""
        stepped = ~self._over
        self._restart(self._over.copy())
        which = np.flatnonzero(stepped).tolist()
        rewards = np.zeros(self.num_envs)
        terminated, truncated = np.zeros(self.num_envs, dtype=bool), np.zeros(self.num_envs, dtype=bool)
        evaluations: list[_native.Evaluation | None] = [None] * self.num_envs
        if which:
            chosen = np.asarray(actions)[stepped]
            self._observations[which], rewards[which], terminated[which], truncated[which], made = self._settings.step(which, chosen)
            for index, evaluation in zip(which, made, strict=True):
                evaluations[index] = evaluation
        self._over = terminated | truncated
        infos = self._infos(evaluations)
        if self._same_step and self._over.any():
            infos["final_obs"] = np.array([None] * self.num_envs, dtype=object)
            for index in np.flatnonzero(self._over):
                infos["final_obs"][index] = self._observations[index].copy()
            infos["_final_obs"] = self._over.copy()
            infos["final_info"], infos["_final_info"] = self._infos(evaluations), self._over.copy()
            self._restart(self._over.copy())
        return self._observations.copy(), rewards, terminated, truncated, infos

    def _infos(self, evaluations: Sequence[_native.Evaluation | None]) -> dict[str, Any]:
        made = np.array([evaluation is not None for evaluation in evaluations])
        if not made.any():
            return {}
        metrics = {name: np.full(self.num_envs, np.nan) for name in self._names}
        for index, evaluation in enumerate(evaluations):
            for name, value in (evaluation.metrics if evaluation is not None else {}).items():
                metrics[name][index] = value
        outcomes = [evaluation.outcome if evaluation is not None else None for evaluation in evaluations]
        kept = np.empty(self.num_envs, dtype=object)
        kept[:] = evaluations
        return {
            "outcome": np.array(outcomes, dtype=object),
            "_outcome": made,
            "evaluation": kept,
            "_evaluation": made,
            "metrics": metrics | {f"_{name}": made for name in metrics},
            "_metrics": made,
        }
