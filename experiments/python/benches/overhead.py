"""What Python costs beside the simulators: the time per design of hwgym called from Python, less that of the simulators themselves.

    python experiments/python/benches/overhead.py

Needs a release wheel (`pip install ./experiments/python`), pandas and gymnasium. Each figure is the difference between the fastest of 30
rounds through Python and the fastest of 30 without it, in turns. The vector environment is measured on `dram-controller-v0`, whose
evaluations take long enough to be worth a core.
"""

import os
import statistics
import time

import gymnasium
import hwgym
import numpy as np
import pandas

ROUNDS = 30


def best_of(rounds, work):
    """Seconds of the fastest call, which others disturbed least."""
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)


def main():
    id = "synthetic/ackley-v0"
    env = hwgym.make(id)
    designs = env.space.sample(1000, seed=1)
    table = pandas.DataFrame(designs)
    print(f"{id}: {len(env.space)} parameters, {len(env.metrics)} metrics, {os.cpu_count()} processors")

    def each():
        for design in designs:
            env.evaluate(design)

    for name, work, together in (
        ("one design", each, False),
        ("1,000 in a list", lambda: env.evaluate(designs), True),
        ("1,000 in a table", lambda: env.evaluate(table), True),
    ):
        work()
        # In turns, so that both have the same machine.
        pairs = [(best_of(1, work), env.native_seconds(designs, together)) for _ in range(ROUNDS)]
        python, native = (min(pair[part] for pair in pairs) for part in (0, 1))
        print(f"{name:18} {(python - native) * 1e3:7.2f} us per design beside {native * 1e3:.2f} us of evaluation")

    settings = {"workload": "random:requests=2000", "horizon": 0}
    count, steps = 64, 6
    many = gymnasium.make_vec("hwgym/DramController-v0", num_envs=count, **settings)
    single_env = gymnasium.make("hwgym/DramController-v0", **settings).unwrapped
    many.action_space.seed(1)
    actions = [many.action_space.sample() for _ in range(steps)]
    many.reset(seed=1)
    single_env.reset(seed=1)
    ratios = []
    for action in actions:
        began = time.perf_counter()
        for each in action:
            single_env.step(each)
        between = time.perf_counter()
        many.step(action)
        ended = time.perf_counter()
        ratios.append((between - began) / (ended - between))
    print(f"{count} episodes at a time are {statistics.median(ratios):.2f} times as fast as one after the other (dram-controller-v0)")
    print(f"numpy {np.__version__}, pandas {pandas.__version__}, gymnasium {gymnasium.__version__}")


if __name__ == "__main__":
    main()
