"""From what cachegrind counts to time and energy per access: model.py LOG I1 D1 LL, each cache as SIZE,WAYS,LINE."""
import csv
import math
import re
import sys

log = open(sys.argv[1]).read()
caches = [tuple(int(x) for x in word.split(",")) for word in sys.argv[2:5]]
rows = [r for r in csv.DictReader(x for x in open("sram.csv") if not x.startswith("#"))]
points = [(math.log(float(r["depth"])), math.log(float(r["read_pj"]))) for r in rows]


def sram_pj(depth):
    """Energy of one read of 64 bits: linear between the logarithms of the table, and on along its last slope."""
    x = math.log(depth)
    pairs = list(zip(points, points[1:]))
    (x0, y0), (x1, y1) = next((p for p in pairs if x <= p[1][0]), pairs[-1])
    return math.exp(y0 + (x - x0) * (y1 - y0) / (x1 - x0))


def count(name):
    found = re.search(rf"{name}:\s+([\d,]+)", log)
    if not found:
        sys.exit(f"cachegrind counted no `{name}`")
    return int(found.group(1).replace(",", ""))


def first_level(cache):
    """Cycles and picojoules of an access: all ways are read at once. A cycle more for each doubling past 16 KiB."""
    size, ways, _ = cache
    return 1 + max(0.0, math.log2(size / 16384)), ways * sram_pj(max(size / 8 / ways, 16))


def last_level(cache):
    """Tags first, then the line of one way, 64 bits at a time. A cycle and a half more for each doubling past 256 KiB."""
    size, ways, line = cache
    return 10 + 1.5 * max(0.0, math.log2(size / 262144)), 0.1 * ways * sram_pj(size / 8 / ways / 8) + line / 8 * sram_pj(size / 8)


MEMORY_CYCLES, MEMORY_PJ_PER_BYTE = 120, 20.0
(i_cycles, i_pj), (d_cycles, d_pj), (l_cycles, l_pj) = first_level(caches[0]), first_level(caches[1]), last_level(caches[2])
line = caches[2][2]
refs = count("I   refs"), count("D   refs")
misses = count("I1  misses"), count("D1  misses")
memory = count("LLi misses") + count("LLd misses")
accesses = sum(refs)
cycles = refs[0] * i_cycles + refs[1] * d_cycles + sum(misses) * l_cycles + memory * MEMORY_CYCLES
energy = refs[0] * i_pj + refs[1] * d_pj + sum(misses) * l_pj + memory * MEMORY_PJ_PER_BYTE * line
print("metric,value")
print(f"amat,{cycles / accesses}")
print(f"energy,{energy / accesses}")
print(f"i1_miss_rate,{misses[0] / refs[0]}")
print(f"d1_miss_rate,{misses[1] / refs[1]}")
print(f"ll_miss_rate,{memory / max(1, sum(misses))}")
