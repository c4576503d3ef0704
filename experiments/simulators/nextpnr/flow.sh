#!/bin/sh
# Synthesis, placement and routing: flow.sh PRODUCTS SEED PLACER TARGET_MHZ [options of synth_ice40]
set -e
products=$1 seed=$2 placer=$3 target=$4
shift 4
yosys -q -l yosys.log -p "read_verilog mac_array.v; synth_ice40 $* -top mac_array -json mac_array.json" 2>&1
nextpnr-ice40 --hx1k --package vq100 --json mac_array.json --seed "$seed" --placer "$placer" --freq "$target" \
    --timing-allow-fail --pcf-allow-unconstrained --log nextpnr.log --quiet > nextpnr.out 2>&1 || {
    # By how many cells it does not fit, if that is why.
    awk '/ICESTORM_LC:/ { split($3, n, "/"); if (n[1] + 0 > 1280) print "over by " n[1] - 1280 " logic cells" }' nextpnr.log >&2
    tail -n 5 nextpnr.log >&2
    exit 1
}
# What a clock and an array are worth together: single-bit products per second.
awk -v products="$products" '/Max frequency for clock/ { for (i = 2; i <= NF; i++) if ($i == "MHz") { mhz = $(i - 1); break } }
    END { printf "throughput: %.6f\n", products * mhz / 1000 }' nextpnr.log
