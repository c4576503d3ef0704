//! hwgym with an environment, an agent and a surrogate of one's own. Every command of `hwgym` works, on these as on the built-in ones:
//!
//! ```sh
//! cargo run -- env check repeated-wire-v0
//! cargo run -- run study.ron
//! ```

mod mean;
mod tinkerer;
mod wire;

use hwgym::prelude::*;

fn main() -> std::process::ExitCode {
    hwgym::main(registries)
}

/// What hwgym knows, and three entries more.
fn registries() -> Result<Registries, EnvError> {
    let mut registries = hwgym::registries()?;
    registries.add_env(wire::entry())?;
    registries.add_agent(tinkerer::entry())?;
    registries.add_surrogate(mean::entry())?;
    Ok(registries)
}
