//! Workloads as dense einsums.
