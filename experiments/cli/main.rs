//! The `hwgym` command.
fn main() {}
