//! The `hwgym` command with what the project ships. A program with environments, agents and surrogates of its own hands down other registries.

fn main() -> std::process::ExitCode {
    hwgym::main(hwgym::registries)
}
