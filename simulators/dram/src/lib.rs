//! Event-driven DRAM controller simulator.
