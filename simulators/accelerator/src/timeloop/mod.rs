//! The loop-nest model (Timeloop-equivalent).
