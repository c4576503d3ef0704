"""hwgym's environments for MO-Gymnasium: a reward per goal.

>>> import hwgym, mo_gymnasium
>>> env = mo_gymnasium.make("hwgym/MoDramController-v0", workload="sort", objective="both")
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces

from . import _native
from .environment import Env
from .gymnasium import HwgymEnv


class MoHwgymEnv(HwgymEnv):
    """An environment with a vector of rewards, one per goal of the objective, higher is better.

    The default objective is the first with several goals. A design without metrics, or one that breaks a bound, gets the same number for
    every goal: minus (1 + violation), or `infeasible_reward`.
    """

    def __init__(self, env: Env | str, *, objective: str | Mapping[str, Any] | None = None, **settings: Any) -> None:
        named = {"formulation", "horizon", "actions", "infeasible_reward", "render_mode"}
        options = {name: value for name, value in settings.items() if name not in named}
        made = env if isinstance(env, Env) else Env(env, **options)
        if objective is None:
            objective = _several(made)
        kept = {name: value for name, value in settings.items() if name in named}
        super().__init__(made, objective=objective, **kept)
        goals = self._settings.episodes.goals
        self.reward_space = spaces.Box(-np.inf, np.inf, (goals,), np.float32)
        self.reward_dim = goals

    def _reward(self, reward: float, evaluation: _native.Evaluation | None) -> np.ndarray:
        goals = self.reward_space.shape[0]
        if evaluation is None:
            return np.zeros(goals, dtype=np.float32)
        if evaluation.violation == 0 and evaluation.rewards:
            return np.array(evaluation.rewards, dtype=np.float32)
        return np.full(goals, reward, dtype=np.float32)


def _several(env: Env) -> str:
    """The first objective with several goals."""
    for each in json.loads(env.native_objectives()):
        if len(each["definition"]["goals"]) > 1:
            return each["name"]
    raise ValueError(f"`{env.id}` names no objective with several goals; give one: objective=hwgym.objective([...])")
