"""An agent for hwgym in the standard library alone: random designs, then small changes of the best one."""
import json
import random
import sys

parameters, best = [], None


def draw(parameter):
    if parameter["values"]:
        return random.choice(parameter["values"])
    real = parameter["domain"]["Real"]
    return random.uniform(real["low"], real["high"])


def propose():
    if best is None or random.random() < 0.2:
        return {p["name"]: draw(p) for p in parameters}
    changed = random.choice(parameters)
    return {**best["design"], changed["name"]: draw(changed)}


for line in sys.stdin:
    message = json.loads(line)
    if message["type"] == "start":
        random.seed(message["seed"])
        parameters = message["parameters"]
    elif message["type"] == "ask":
        print(json.dumps({"designs": [propose() for _ in range(message["count"])]}), flush=True)
    elif message["type"] == "tell":
        for result in message["results"]:
            if result["violation"] == 0 and (best is None or result["rewards"][0] > best["rewards"][0]):
                best = result
