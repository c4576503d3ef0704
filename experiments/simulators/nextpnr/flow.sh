#!/bin/sh
# Synthesis, packing, placement and routing: flow.sh PRODUCTS SEED PLACER TARGET_MHZ [options of synth_ice40]
set -e
products=$1 seed=$2 placer=$3 target=$4
shift 4
device="--lp384 --package cm49 --json mac_array.json --pcf-allow-unconstrained"
yosys -q -l yosys.log -p "read_verilog mac_array.v; synth_ice40 $* -top mac_array -json mac_array.json" 2>&1

# What does not fit is known once it is packed; placement would look for room for minutes.
nextpnr-ice40 $device --pack-only --log pack.log --quiet > pack.out 2>&1
over=$(awk '/ICESTORM_LC:/ { split($3, n, "/"); if (n[1] + 0 > $4 + 0) print n[1] - $4 }' pack.log)
if [ -n "$over" ]; then
    echo "over by $over logic cells" >&2
    exit 1
fi

nextpnr-ice40 $device --seed "$seed" --placer "$placer" --freq "$target" --timing-allow-fail --log nextpnr.log --quiet > nextpnr.out 2>&1 || {
    tail -n 5 nextpnr.log >&2
    exit 1
}
# What a clock and an array are worth together: single-bit products per second.
awk -v products="$products" '/Max frequency for clock/ { for (i = 2; i <= NF; i++) if ($i == "MHz") { mhz = $(i - 1); break } }
    END { printf "throughput: %.6f\n", products * mhz / 1000 }' nextpnr.log
