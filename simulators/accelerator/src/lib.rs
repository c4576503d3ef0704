//! Analytical models of DNN accelerators.
