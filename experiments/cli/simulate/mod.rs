//! `hwgym simulate`: calls a simulator directly, without a design space. One file per simulator.

mod circuit;
pub mod counting;
mod dram;
mod maestro;
mod soc;
mod systolic;
pub mod timeloop;

use std::process::ExitCode;

/// Call a simulator directly, without a design space
#[derive(clap::Args)]
pub struct SimulateArgs {
    #[command(subcommand)]
    simulator: Simulator,
}

/// The simulators: one line here, one in `run`.
#[derive(clap::Subcommand)]
enum Simulator {
    Circuit(circuit::CircuitArgs),
    Dram(dram::DramArgs),
    Maestro(maestro::MaestroArgs),
    Soc(soc::SocArgs),
    Systolic(systolic::SystolicArgs),
    Timeloop(timeloop::TimeloopArgs),
}

impl SimulateArgs {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self.simulator {
            Simulator::Circuit(args) => args.run(),
            Simulator::Dram(args) => args.run(),
            Simulator::Maestro(args) => args.run(),
            Simulator::Soc(args) => args.run(),
            Simulator::Systolic(args) => args.run(),
            Simulator::Timeloop(args) => args.run(),
        }
    }
}
