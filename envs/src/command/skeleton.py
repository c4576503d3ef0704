"""A model to start from: prints a latency, writes an area, and says by its exit code what does not fit."""

import argparse
import json
import sys

parser = argparse.ArgumentParser()
parser.add_argument("--rows", type=int, required=True)
parser.add_argument("--columns", type=int, required=True)
parser.add_argument("--buffer", type=int, required=True, help="KiB")
parser.add_argument("--tiles", type=int, required=True)
parser.add_argument("--prefetch", type=int, default=0)
a = parser.parse_args()

if a.buffer * 1024 < 512 * a.rows * (1 + a.prefetch):
    print("a tile does not fit", file=sys.stderr)
    sys.exit(3)

compute = 65536 / (a.rows * a.columns)
fetch = 4096 / (1 + a.prefetch) * (1 + 64 / a.buffer)
print(f"latency: {a.tiles * (compute + fetch) / 1e6:.6f} ms")
with open("out.json", "w") as out:
    json.dump({"area": {"total": 0.004 * a.rows * a.columns + 0.002 * a.buffer}}, out)
