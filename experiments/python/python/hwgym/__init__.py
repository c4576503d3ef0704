"""hwgym: a gym for hardware design-space exploration.

Environments, agents, surrogates, simulators and studies of hwgym for Python, and Python classes for hwgym's studies.

>>> import hwgym
>>> env = hwgym.make("dram-controller-v0", workload="sort")
>>> table = env.evaluate(env.space.sample(1, seed=7))

=========================  ============================================================================================
`hwgym.make`               an environment: `evaluate`, `space`, `metrics`, `objectives`, `known_optima`
`hwgym.Space`              a design space of one's own: `sample`, `encode`, `decode`, `to_gymnasium`, `optuna_distributions`
`hwgym.minimize`           hwgym's agents for any function; `hwgym.Agent` asks and tells
`hwgym.run_study`, `load`  studies
`hwgym.surrogate`          learned models, in the manner of scikit-learn
`hwgym.simulate`           the simulators without a design space; `hwgym.map_layer` searches a mapping
`hwgym.register`           classes of one's own as environments and agents
`hwgym.gymnasium`          `gymnasium.make("hwgym/DramController-v0", workload="sort")`
`hwgym.mo_gymnasium`       the same with a vector of rewards
`hwgym.pettingzoo`         `hwgym.parallel_env("dram-controller-v0")`, `hwgym.aec_env`
`hwgym.optuna`             `HwgymSampler`, `objective`, `export`
=========================  ============================================================================================

Only numpy is required. What needs another library imports it when it is used.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

from . import _guard, _hook, _native
from ._ron import Ron, objective

_native.start(sys.executable or "python3", _guard.command(_native.__file__))

__version__: str = _native.__version__

#: Where each public name is defined; a module is loaded when one of its names is first used.
_PLACES = {
    "Env": "environment",
    "Evaluation": "_native",
    "Space": "space",
    "Agent": "search",
    "Infeasible": "search",
    "Result": "search",
    "minimize": "search",
    "agents": "catalogue",
    "environments": "catalogue",
    "surrogates": "catalogue",
    "make": "environment",
    "register": "registration",
    "register_agent": "registration",
    "Study": "studies",
    "load": "studies",
    "resume": "studies",
    "run_study": "studies",
    "Surrogate": "surrogate_models",
    "surrogate": "surrogate_models",
    "map_layer": "simulate",
    "parallel_env": "pettingzoo",
    "aec_env": "pettingzoo",
}
_MODULES = ("gymnasium", "mo_gymnasium", "optuna", "pettingzoo", "simulate")

__all__ = sorted([*(name for name in _PLACES), *_MODULES, "Ron", "objective"])


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _PLACES:
        value = getattr(importlib.import_module(f"{__name__}.{_PLACES[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


_hook.register_with_gymnasium()

if TYPE_CHECKING:
    from . import gymnasium, mo_gymnasium, optuna, pettingzoo, simulate
    from ._native import Evaluation
    from .catalogue import agents, environments, surrogates
    from .environment import Env, make
    from .pettingzoo import aec_env, parallel_env
    from .registration import register, register_agent
    from .search import Agent, Infeasible, Result, minimize
    from .simulate import map_layer
    from .space import Space
    from .studies import Study, load, resume, run_study
    from .surrogate_models import Surrogate, surrogate
