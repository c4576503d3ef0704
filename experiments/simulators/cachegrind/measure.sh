#!/bin/sh
# A real program, `sort`, on numbers that are always the same, under cachegrind: measure.sh NUMBERS I1 D1 LL
awk -v n="$1" 'BEGIN { x = 12345; for (i = 0; i < n; i++) { x = (x * 1103515245 + 12345) % 2147483648; print x } }' > numbers.txt
exec valgrind --tool=cachegrind --cache-sim=yes --cachegrind-out-file=/dev/null --I1="$2" --D1="$3" --LL="$4" \
    sort -n --parallel=1 -S 4M -o sorted.txt numbers.txt
