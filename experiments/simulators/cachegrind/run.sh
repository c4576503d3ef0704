#!/bin/sh
# run.sh NUMBERS I1 D1 LL
set -e
sh measure.sh "$@" 2> cachegrind.log || { cat cachegrind.log >&2; exit 1; }
shift
python3 model.py cachegrind.log "$@" > out.csv
