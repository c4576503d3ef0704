//! The `hwgym` command. One file per command; each has a struct of arguments with a method `run`.
//!
//! Exit codes: 0 fine, 1 something failed, 2 the input is wrong. Results go to standard output, messages and errors to standard error.

mod agent;
mod arguments;
mod dataset;
mod enumerate;
mod env;
mod evaluate;
mod extend;
mod failure;
mod map;
mod play;
mod report;
mod resimulate;
mod resume;
mod run;
mod simulate;
mod surrogate;
mod trace;
mod worker;

use std::process::ExitCode;

use clap::Parser;

/// A gym for hardware design-space exploration: run studies, look at environments and agents, call simulators.
#[derive(Parser)]
#[command(name = "hwgym", version, arg_required_else_help = true, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Run(run::RunArgs),
    Resume(resume::ResumeArgs),
    Extend(extend::ExtendArgs),
    Worker(worker::WorkerArgs),
    Resimulate(resimulate::ResimulateArgs),
    Report(report::ReportArgs),
    Env(env::EnvArgs),
    Agent(agent::AgentArgs),
    Evaluate(evaluate::EvaluateArgs),
    Play(play::PlayArgs),
    Simulate(simulate::SimulateArgs),
    Dataset(dataset::DatasetArgs),
    Surrogate(surrogate::SurrogateArgs),
    Map(map::MapArgs),
    Trace(trace::TraceArgs),
}

impl Command {
    fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Run(args) => args.run(),
            Self::Resume(args) => args.run(),
            Self::Extend(args) => args.run(),
            Self::Worker(args) => args.run(),
            Self::Resimulate(args) => args.run(),
            Self::Report(args) => args.run(),
            Self::Env(args) => args.run(),
            Self::Agent(args) => args.run(),
            Self::Evaluate(args) => args.run(),
            Self::Play(args) => args.run(),
            Self::Simulate(args) => args.run(),
            Self::Dataset(args) => args.run(),
            Self::Surrogate(args) => args.run(),
            Self::Map(args) => args.run(),
            Self::Trace(args) => args.run(),
        }
    }
}

fn main() -> ExitCode {
    match Cli::parse().command.run() {
        Ok(code) => code,
        Err(error) => failure::report(&error),
    }
}
