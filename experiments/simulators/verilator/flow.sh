#!/bin/sh
# Area by synthesis, then a simulation cycle by cycle.
set -e
yosys -q -l yosys.log -p "read_verilog router.v; synth -flatten -top router; abc -g simple; tee -o stat.txt stat"
verilator --cc --exe --build -Wno-fatal -Wno-WIDTH --top-module router -CFLAGS "-O1 -I.." -Mdir obj router.v traffic.cpp > verilator.log 2>&1 ||
    { tail -n 20 verilator.log >&2; exit 1; }
./obj/Vrouter
