//! The command line. One file per command; each has a struct of arguments with a method `run`, which is handed the registries it needs.

use std::process::ExitCode;

use crate::{
    Registries, agent, bench, cache, collect, compare, dataset, doctor, env, evaluate, export, extend, map,
    play, report, resimulate, resume, run, shell, simulate, status, study, submit, surrogate, trace, worker,
};
#[cfg(feature = "neural")]
use crate::{policy, train};

/// A gym for hardware design-space exploration: run studies, look at environments and agents, call simulators.
#[derive(clap::Parser)]
#[command(name = "hwgym", version, arg_required_else_help = true, disable_help_subcommand = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Run(run::RunArgs),
    Resume(resume::ResumeArgs),
    Extend(extend::ExtendArgs),
    Study(study::StudyArgs),
    Worker(worker::WorkerArgs),
    Submit(submit::SubmitArgs),
    Status(status::StatusArgs),
    Collect(collect::CollectArgs),
    Resimulate(resimulate::ResimulateArgs),
    Report(report::ReportArgs),
    Compare(compare::CompareArgs),
    Export(export::ExportArgs),
    Bench(bench::BenchArgs),
    Env(env::EnvArgs),
    Agent(agent::AgentArgs),
    #[cfg(feature = "neural")]
    Train(train::TrainArgs),
    #[cfg(feature = "neural")]
    Policy(policy::PolicyArgs),
    Evaluate(evaluate::EvaluateArgs),
    Play(play::PlayArgs),
    Simulate(simulate::SimulateArgs),
    Dataset(dataset::DatasetArgs),
    Surrogate(surrogate::SurrogateArgs),
    Map(map::MapArgs),
    Trace(trace::TraceArgs),
    Cache(cache::CacheArgs),
    Doctor(doctor::DoctorArgs),
    Completions(shell::CompletionsArgs),
    Man(shell::ManArgs),
}

impl Cli {
    pub fn run(self, registries: &Registries) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Run(args) => args.run(registries),
            Command::Resume(args) => args.run(registries),
            Command::Extend(args) => args.run(registries),
            Command::Study(args) => args.run(registries),
            Command::Worker(args) => args.run(registries),
            Command::Submit(args) => args.run(registries),
            Command::Status(args) => args.run(),
            Command::Collect(args) => args.run(),
            Command::Resimulate(args) => args.run(registries),
            Command::Report(args) => args.run(),
            Command::Compare(args) => args.run(),
            Command::Export(args) => args.run(),
            Command::Bench(args) => args.run(registries),
            Command::Env(args) => args.run(registries),
            Command::Agent(args) => args.run(registries),
            #[cfg(feature = "neural")]
            Command::Train(args) => args.run(registries),
            #[cfg(feature = "neural")]
            Command::Policy(args) => args.run(registries),
            Command::Evaluate(args) => args.run(registries),
            Command::Play(args) => args.run(registries),
            Command::Simulate(args) => args.run(),
            Command::Dataset(args) => args.run(registries),
            Command::Surrogate(args) => args.run(registries),
            Command::Map(args) => args.run(),
            Command::Trace(args) => args.run(),
            Command::Cache(args) => args.run(),
            Command::Doctor(args) => args.run(),
            Command::Completions(args) => args.run(),
            Command::Man(args) => args.run(),
        }
    }
}
