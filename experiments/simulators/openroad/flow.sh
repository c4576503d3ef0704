#!/bin/sh
# One run of OpenROAD-flow-scripts under a variant of its own, which is removed afterwards.
set -e
. ./design.sh
: "${FLOW:?names the folder flow of OpenROAD-flow-scripts}"
variant=hwgym-$$
trap 'rm -rf "$FLOW"/*/sky130hd/gcd/"$variant"' EXIT
make -C "$FLOW" DESIGN_CONFIG=designs/sky130hd/gcd/config.mk FLOW_VARIANT="$variant" SDC_FILE="$PWD/constraint.sdc" \
    CORE_UTILIZATION="$UTILISATION" CORE_ASPECT_RATIO="$ASPECT" PLACE_DENSITY_LB_ADDON="$DENSITY" SYNTH_HIERARCHICAL="$HIERARCHICAL" finish
cp "$FLOW/logs/sky130hd/gcd/$variant/6_report.json" report.json
