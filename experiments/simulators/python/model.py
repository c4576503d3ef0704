"""A model of a tiled matrix product on an array with a buffer: once per process, or as a worker that stays."""
import json
import sys


def model(d):
    """Seconds and picojoules for a product of two 1024 x 1024 matrices of bytes."""
    n, clock_hz = 1024, 1e9
    tile = min(n, int((d["buffer_kib"] * 1024 / 3) ** 0.5))
    compute = n**3 / (d["rows"] * d["columns"]) / clock_hz
    traffic = 2 * n**3 / tile + 2 * n**2
    fetch = traffic / (d["bandwidth_gbs"] * 1e9)
    latency = max(compute, fetch) if d["double_buffer"] else compute + fetch
    energy = n**3 * (0.3 + 0.05 * d["buffer_kib"] ** 0.5) + 60.0 * traffic + latency * d["rows"] * d["columns"] * 2e7
    return {"latency_s": latency, "energy_pj": energy}


if len(sys.argv) > 1:
    print(json.dumps(model(json.load(open(sys.argv[1]))["design"])))
else:
    for line in sys.stdin:
        print(json.dumps({"metrics": model(json.loads(line)["design"])}), flush=True)
