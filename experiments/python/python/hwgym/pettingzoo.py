"""hwgym's environments for PettingZoo: one agent per group of parameters, or per parameter.

>>> import hwgym
>>> env = hwgym.parallel_env("dram-controller-v0", workload="sort", objective="low-power")
>>> env.possible_agents[:2]   # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces
from pettingzoo import AECEnv, ParallelEnv
from pettingzoo.utils.conversions import parallel_to_aec

from . import _native
from ._ron import objective_text
from .environment import Env
from .gymnasium import HORIZON, Actions, info_of, observation_box, plot_of, text_of


class HwgymParallelEnv(ParallelEnv[str, np.ndarray, Any]):
    """All agents act at once, each deciding its own parameters; every step evaluates the design that they make together.

    Every agent observes the metrics of the last design, squashed into [-1, 1], and gets the same reward. `by` is `group` or `parameter`.
    An episode is cut after `horizon` steps (0: never).
    """

    def __init__(
        self,
        env: Env | str,
        *,
        objective: str | Mapping[str, Any] | None = None,
        by: str = "group",
        horizon: int = HORIZON,
        actions: str = "auto",
        render_mode: str | None = None,
        **options: Any,
    ) -> None:
        if by not in ("group", "parameter"):
            raise ValueError(f"by: there is no `{by}`; expected group or parameter")
        if isinstance(env, Env) and options:
            raise ValueError(f"options {', '.join(options)}: the environment is made already")
        self.env = env if isinstance(env, Env) else Env(env, **options)
        self.metadata = {
            "name": self.env.id,
            "render_modes": ["ansi", "human", "rgb_array"],
            "render_fps": 4,
            "is_parallelizable": True,
        }
        if render_mode is not None and render_mode not in self.metadata["render_modes"]:
            raise ValueError(f"render_mode: there is no `{render_mode}`; expected one of {self.metadata['render_modes']}")
        self.render_mode = render_mode
        self.horizon = horizon
        self._team = _native.Team(self.env, objective_text(objective), by == "parameter")
        self.possible_agents: list[str] = self._team.agents()
        self.agents: list[str] = []
        own = [Actions(self._team.action_space(index).levels(), actions) for index in range(len(self.possible_agents))]
        self._actions = dict(zip(self.possible_agents, own, strict=True))
        box = self._team.bounds()
        self.observation_spaces = {agent: observation_box(box) for agent in self.possible_agents}
        self.action_spaces = {agent: actions.space for agent, actions in self._actions.items()}
        self.state_space = observation_box(box)
        self._generator = np.random.default_rng()
        self._observed = np.zeros(self.state_space.shape, dtype=np.float32)
        self._history: list[_native.Evaluation] = []
        self._steps = 0

    def observation_space(self, agent: str) -> spaces.Box:
        """What an agent sees."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Space[Any]:
        """What an agent decides."""
        return self.action_spaces[agent]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, np.ndarray], dict[str, dict[str, Any]]]:
        """Starts an episode. There are no `options`."""
        if seed is not None:
            self._generator = np.random.default_rng(seed)
        self.agents = list(self.possible_agents)
        self._history, self._steps = [], 0
        observations = self._rows(self._team.reset(int(self._generator.integers(2**63))))
        return observations, {agent: {} for agent in self.agents}

    def _rows(self, observations: bytes) -> dict[str, np.ndarray]:
        rows = np.frombuffer(observations).reshape(len(self.possible_agents), -1).astype(np.float32)
        self._observed = rows[0]
        return dict(zip(self.possible_agents, rows, strict=True))

    def step(self, actions: dict[str, Any]) -> tuple[dict[str, Any], ...]:
        """All agents act: observations, rewards, terminations, truncations, infos by agent."""
        if not self.agents:
            return {}, {}, {}, {}, {}
        missing = [agent for agent in self.possible_agents if agent not in actions]
        if missing:
            raise ValueError(f"agent `{missing[0]}` has no action; every agent acts in every step")
        numbers = b"".join(self._actions[agent].numbers(actions[agent]) for agent in self.possible_agents)
        units = [self._actions[agent].unit for agent in self.possible_agents]
        observed, rewards, terminated, truncated, evaluation = self._team.step(numbers, units)
        self._steps += 1
        truncated = truncated or (0 < self.horizon <= self._steps)
        if evaluation is not None:
            self._history.append(evaluation)
        agents = self.agents
        if terminated or truncated:
            self.agents = []
        if self.render_mode == "human":
            print(text_of(evaluation))
        return (
            self._rows(observed),
            dict(zip(agents, rewards, strict=True)),
            dict.fromkeys(agents, terminated),
            dict.fromkeys(agents, truncated),
            {agent: info_of(evaluation) for agent in agents},
        )

    def state(self) -> np.ndarray:
        """What all agents know together: the metrics of the last design."""
        return self._observed.copy()

    def render(self) -> Any:
        """The last design and its metrics as text (`ansi`), or a plot of the episode (`rgb_array`)."""
        if self.render_mode == "ansi":
            return text_of(self._history[-1] if self._history else None)
        if self.render_mode == "rgb_array":
            return plot_of(self._history, self.env)
        return None

    def close(self) -> None:
        """Nothing is held open."""


def parallel_env(env: Env | str, **settings: Any) -> HwgymParallelEnv:
    """An environment in PettingZoo's parallel form: see `HwgymParallelEnv`."""
    return HwgymParallelEnv(env, **settings)


def aec_env(env: Env | str, **settings: Any) -> AECEnv[str, np.ndarray, Any]:
    """The same in the form in which agents act one after the other."""
    return parallel_to_aec(parallel_env(env, **settings))
