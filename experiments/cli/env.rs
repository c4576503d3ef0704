//! `hwgym env`: the environments by name.

use std::path::Path;
use std::process::ExitCode;

use crate::Registries;
use crate::envs::command;
use crate::envs::conformance::{check_env, check_formulations};
use crate::envs::number::significant;
use comfy_table::{Table, presets};

use crate::arguments::EnvironmentArgs;
use crate::failure::bad_input;

/// List, show and check environments
#[derive(clap::Args)]
pub struct EnvArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// List all environments
    List,
    /// Show an environment: options, parameters, metrics, objectives
    Show(EnvironmentArgs),
    /// Check that an environment keeps its promises; a program is run a few times, and what is found said in words
    Check {
        #[command(flatten)]
        environment: EnvironmentArgs,
        /// Seed of the designs that are tried; has no effect for a program, whose ranges are tried at their ends
        #[arg(long)]
        seed: Option<u64>,
    },
    New(crate::env_new::NewArgs),
    Enumerate(crate::enumerate::EnumerateArgs),
    Difficulty(crate::difficulty::DifficultyArgs),
}

impl EnvArgs {
    pub fn run(self, registries: &Registries) -> anyhow::Result<ExitCode> {
        match self.action {
            Action::List => list(registries),
            Action::Show(environment) => show(&environment, registries),
            Action::Check { environment, seed } => check(&environment, seed, registries),
            Action::New(args) => args.run(),
            Action::Enumerate(args) => args.run(registries),
            Action::Difficulty(args) => args.run(registries),
        }
    }
}

fn list(registries: &Registries) -> anyhow::Result<ExitCode> {
    let mut table = plain_table();
    for entry in registries.envs().entries() {
        table.add_row([&entry.id, &entry.summary]);
    }
    println!("{table}");
    Ok(ExitCode::SUCCESS)
}

fn show(args: &EnvironmentArgs, registries: &Registries) -> anyhow::Result<ExitCode> {
    let entry = registries.envs().find(&args.id)?;
    let of_a_file = command::is_path(&args.id);
    if of_a_file {
        // A file that does not read is the whole answer.
        entry.make(&args.options())?;
    }
    println!("{}: {}", entry.id, entry.summary);
    if !entry.options.is_empty() {
        let mut table = plain_table();
        for option in &entry.options {
            table.add_row([option.name, option.default, option.description]);
        }
        println!("\nOptions (name, default):\n{table}");
    }
    let env = match entry.make(&args.options()) {
        Ok(env) => env,
        Err(error) if args.options.is_empty() => {
            println!("\nIt needs options before it can be shown: {error}");
            return Ok(ExitCode::SUCCESS);
        }
        Err(error) => return Err(error.into()),
    };
    let mut table = plain_table();
    for parameter in env.space().parameters() {
        let condition = parameter.condition.as_ref().map_or(String::new(), |c| {
            let values: Vec<_> = c.is_one_of.iter().map(ToString::to_string).collect();
            format!(" (where {} is {})", c.parameter, values.join(" or "))
        });
        let domain = format!("{} {}", parameter.domain.describe(), parameter.unit);
        table.add_row([
            parameter.name.clone(),
            domain.trim().into(),
            format!("{}{condition}", parameter.description),
        ]);
    }
    let size = env.space().size().map_or("infinitely many".into(), |size| size.to_string());
    println!("\nParameters ({size} designs):\n{table}");
    for constraint in env.space().constraints() {
        println!("  constraint: {}", constraint.meaning());
    }
    let mut table = plain_table();
    for metric in env.metrics() {
        let direction = format!("{:?}", metric.direction).to_lowercase();
        table.add_row([&metric.name, &metric.unit, &direction, &metric.definition]);
    }
    println!("\nMetrics:\n{table}");
    let mut table = plain_table();
    for objective in env.objectives() {
        table.add_row([objective.name.clone(), objective.describe(env.metrics())]);
    }
    println!("\nObjectives, the default first:\n{table}");
    if let Some(walk) = env.walk() {
        let mut table = plain_table();
        for s in &walk.specifications {
            table.add_row([
                s.metric.clone(),
                format!("{} to {}", significant(s.low, 4), significant(s.high, 4)),
                significant(s.reference, 4),
            ]);
        }
        println!(
            "\nAs a walk (`TargetWalk`): steps {:?}, {} steps per episode, {} at {} or better.\nSpecifications (target range, reference of the observation):\n{table}",
            walk.steps, walk.horizon, walk.success_reward, walk.success
        );
    }
    for (name, value) in env.provenance() {
        println!("  {name}: {value}");
    }
    Ok(ExitCode::SUCCESS)
}

fn check(args: &EnvironmentArgs, seed: Option<u64>, registries: &Registries) -> anyhow::Result<ExitCode> {
    let file = args.options.iter().find(|(name, _)| name == "file" && args.id == command::ID);
    if let Some(path) = file.map(|(_, path)| path).or(command::is_path(&args.id).then_some(&args.id)) {
        if seed.is_some() {
            return Err(bad_input(
                "--seed has no effect for a program, whose ranges are tried at their ends",
            ));
        }
        return probe(path, args);
    }
    let seed = seed.unwrap_or(1);
    let env = args.make(registries)?;
    let mut report = check_env(env.as_ref(), seed);
    let episodes = check_formulations(&env, seed);
    report.passed.extend(episodes.passed);
    report.failed.extend(episodes.failed);
    print!("{report}");
    Ok(if report.passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs a program a few times, and says what was found as it goes.
fn probe(path: &str, args: &EnvironmentArgs) -> anyhow::Result<ExitCode> {
    let good = command::probe(Path::new(path), &args.options(), &mut |kind, text| {
        let mark = match kind {
            command::Kind::Good => "ok  ",
            command::Kind::Note => "note",
            command::Kind::Bad => "BAD ",
        };
        println!("{mark} {text}");
    })?;
    println!(
        "{}",
        if good {
            "\nnothing has to be mended"
        } else {
            "\nwhat is marked BAD should be mended before a study"
        }
    );
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A table without lines, for lists.
pub fn plain_table() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table
}
