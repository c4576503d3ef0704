//! `hwgym policy`: look at trained policies, and measure them where they were not trained.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use comfy_table::{Table, presets};
use rayon::prelude::*;
use serde_json::json;

use crate::Registries;
use crate::agents::neural::transfer::checkpoint::{Checkpoint, Stored};
use crate::arguments::{options, pair};
use crate::env::plain_table;
use crate::envs::random::derive_seed;
use crate::envs::wrappers::Caching;
use crate::envs::{Env, Options};
use crate::experiments::training::TrainingError;
use crate::experiments::training::evaluation::{self, Curve, Judged};
use crate::failure::{BadInput, bad_input};
use crate::train::failed;

/// Show a trained policy, or measure it on instances that it has never seen
#[derive(clap::Args)]
pub struct PolicyArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// What a policy is for, and what it was trained on
    Show {
        /// The policy, made by `hwgym train`
        policy: PathBuf,
    },
    /// Regret after so many simulations, or share of target sets reached
    Evaluate(EvaluateArgs),
}

#[derive(clap::Args)]
struct EvaluateArgs {
    /// The policy, made by `hwgym train`
    policy: PathBuf,
    /// Options of an instance, such as '(workload: "bfs")'; may be repeated. For policies over designs
    #[arg(long = "instance", value_name = "OPTIONS")]
    instances: Vec<String>,
    /// An objective; may be repeated. All that the policy was trained for, if left out
    #[arg(long = "objective")]
    objectives: Vec<String>,
    /// Simulations per search, that of the default design counted
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..))]
    budget: u16,
    /// Seeds per task, each with draws of its own
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..))]
    seeds: u16,
    /// An agent to compare with, such as bayesian; may be repeated
    #[arg(long, value_name = "AGENT")]
    against: Vec<String>,
    /// Evaluations of the genetic search that finds the best known design, where the optimum is not known
    #[arg(long, default_value_t = 1200)]
    best_of: usize,
    /// Option of the environment, for policies that walk; may be repeated
    #[arg(short, long = "option", value_name = "NAME=VALUE", value_parser = pair)]
    options: Vec<(String, String)>,
    /// Target sets, for policies that walk
    #[arg(long, default_value_t = 500)]
    sets: usize,
    /// Seed of the target sets and searches
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl PolicyArgs {
    pub fn run(self, registries: &Registries) -> anyhow::Result<ExitCode> {
        match self.action {
            Action::Show { policy } => show(&policy),
            Action::Evaluate(args) => args.run(registries),
        }
    }
}

fn show(path: &Path) -> anyhow::Result<ExitCode> {
    let checkpoint = Checkpoint::load(path).bad_input()?;
    println!("{}: a policy for {}", checkpoint.name, checkpoint.env);
    let mut table = plain_table();
    let mut row = |name: &str, value: String| {
        table.add_row([name.to_owned(), value]);
    };
    match &checkpoint.policy {
        Stored::Design { features, objectives, networks, list, .. } => {
            let names: Vec<&str> = objectives.iter().map(|objective| objective.name.as_str()).collect();
            row("kind", "proposes designs, after one simulation of the default one".into());
            row("objectives", names.join(", "));
            row("features", features.join(", "));
            row("networks", format!("{}, one per decision", networks.len()));
            row("list", format!("{} designs to compare with", list.len()));
        }
        Stored::Walk { specifications, steps, networks, .. } => {
            row("kind", "walks towards targets".into());
            row("specifications", specifications.join(", "));
            row("steps", format!("{steps:?}"));
            row("networks", networks.len().to_string());
        }
    }
    let training = &checkpoint.training;
    row(
        "trained on",
        format!(
            "{} instances, {} simulations, seed {}",
            training.instances.len(),
            training.simulations,
            training.seed
        ),
    );
    row("hash", training.hash.clone());
    row("size", format!("{:.0} kB", std::fs::metadata(path)?.len() as f64 / 1e3));
    println!("{table}\n\nParameters:");
    let mut parameters = plain_table();
    for parameter in checkpoint.space.parameters() {
        parameters.add_row([parameter.name.clone(), parameter.domain.describe()]);
    }
    println!("{parameters}\n\nTrained on:");
    for instance in &training.instances {
        println!("  {instance}");
    }
    Ok(ExitCode::SUCCESS)
}

impl EvaluateArgs {
    fn run(self, registries: &Registries) -> anyhow::Result<ExitCode> {
        let checkpoint = Checkpoint::load(&self.policy).bad_input()?;
        match &checkpoint.policy {
            Stored::Design { .. } => self.designs(registries, &checkpoint),
            Stored::Walk { .. } => self.walks(registries, &checkpoint),
        }
    }

    fn walks(&self, registries: &Registries, checkpoint: &Checkpoint) -> anyhow::Result<ExitCode> {
        let env = registries.envs().make(&checkpoint.env, &options(&self.options))?;
        let policy = evaluation::walker(checkpoint, &env).map_err(failed)?;
        let measured: Vec<_> = [("most probable", true), ("drawn", false)]
            .into_iter()
            .map(|(name, greedy)| Ok((name, evaluation::walk(&env, &policy, self.sets, self.seed, greedy)?)))
            .collect::<anyhow::Result<_>>()?;
        for (name, walked) in measured {
            if self.json {
                let line = json!({"steps": name, "sets": walked.sets, "reached": walked.reached, "mean_steps": walked.steps});
                println!("{line}");
                continue;
            }
            println!(
                "{name} steps: {} of {} target sets reached ({:.1} %), in {:.1} steps on average",
                walked.reached,
                walked.sets,
                100.0 * walked.reached as f64 / walked.sets.max(1) as f64,
                walked.steps
            );
        }
        Ok(ExitCode::SUCCESS)
    }

    fn designs(&self, registries: &Registries, checkpoint: &Checkpoint) -> anyhow::Result<ExitCode> {
        if self.instances.is_empty() {
            return Err(bad_input("name instances to measure on, such as --instance '(workload: \"bfs\")'"));
        }
        let trained = &checkpoint.training.instances;
        let mut tasks: Vec<Judged> = Vec::new();
        for instance in &self.instances {
            if trained.contains(instance) {
                eprintln!("warning: the policy was trained on {instance}");
            }
            let env = registries.envs().make(&checkpoint.env, &Options::ron(instance.clone()))?;
            let env: Arc<dyn Env> = Arc::new(Caching::new(env, 1 << 17));
            for objective in self.objectives_of(checkpoint, env.as_ref())? {
                let (best, exact) =
                    evaluation::best_known(registries, &env, &objective, self.best_of).map_err(failed)?;
                if !exact {
                    eprintln!(
                        "{instance} {}: no optimum is known; regret is against the best of {} evaluations",
                        objective.name, self.best_of
                    );
                }
                tasks.push(Judged {
                    name: format!("{instance} {}", objective.name),
                    env: env.clone(),
                    objective,
                    best,
                });
            }
        }
        let budget = usize::from(self.budget);
        let mut contestants: Vec<(String, Vec<Vec<Curve>>)> = Vec::new();
        let mut agents = vec![("policy".to_owned(), evaluation::options_of(&self.policy))];
        agents.extend(self.against.iter().map(|id| (id.clone(), Options::none())));
        for (id, options) in agents {
            let jobs: Vec<(usize, u64)> = (0..tasks.len())
                .flat_map(|task| (0..u64::from(self.seeds)).map(move |seed| (task, seed)))
                .collect();
            let curves: Vec<Curve> = jobs
                .par_iter()
                .with_max_len(1)
                .map(|(task, seed)| {
                    let seed = derive_seed(self.seed, &format!("{task}-{seed}"));
                    let mut agent = tasks[*task].agent(registries, &id, &options, budget, seed)?;
                    tasks[*task].run(agent.as_mut(), budget)
                })
                .collect::<Result<_, _>>()
                .map_err(failed)?;
            let seeds = usize::from(self.seeds);
            contestants.push((id, curves.chunks(seeds).map(<[Curve]>::to_vec).collect()));
        }
        let list = evaluation::list(checkpoint);
        if !list.is_empty() {
            let curves = tasks
                .iter()
                .map(|task| -> Result<Vec<Curve>, TrainingError> { Ok(vec![task.run_list(list, budget)?]) });
            contestants.push(("list".into(), curves.collect::<Result<_, _>>().map_err(failed)?));
        }
        self.print(&tasks, &contestants, budget)
    }

    fn objectives_of(
        &self,
        checkpoint: &Checkpoint,
        env: &dyn Env,
    ) -> anyhow::Result<Vec<crate::envs::Objective>> {
        let known = env.objectives();
        let named = |name: &String| {
            let found = known.iter().find(|objective| objective.name == *name).cloned();
            found.ok_or_else(|| bad_input(format!("`{}` has no objective `{name}`", env.id())))
        };
        match (&checkpoint.policy, self.objectives.is_empty()) {
            (Stored::Design { objectives, .. }, true) => objectives.iter().map(|o| named(&o.name)).collect(),
            _ => self.objectives.iter().map(named).collect(),
        }
    }

    fn print(
        &self,
        tasks: &[Judged],
        contestants: &[(String, Vec<Vec<Curve>>)],
        budget: usize,
    ) -> anyhow::Result<ExitCode> {
        let points: Vec<usize> =
            [1, 2, 5, 10, 20, 50, 100, 200, 500].into_iter().filter(|n| *n <= budget).collect();
        if self.json {
            for (label, by_task) in contestants {
                for (task, curves) in tasks.iter().zip(by_task) {
                    println!("{}", json!({"agent": label, "task": task.name, "regret": curves}));
                }
            }
            return Ok(ExitCode::SUCCESS);
        }
        let header = |first: &str| {
            std::iter::once(first.to_owned())
                .chain(points.iter().map(|n| format!("@{n}")))
                .collect::<Vec<_>>()
        };
        let cell = |curves: &[&Curve], n: usize| {
            let mut regrets: Vec<f64> = curves.iter().map(|curve| curve[n - 1]).collect();
            regrets.sort_by(f64::total_cmp);
            let near = regrets.iter().filter(|regret| **regret <= 0.01).count();
            let median = crate::experiments::statistics::quantile(&regrets, 0.5);
            format!("{:.2} % / {:.2}", 100.0 * median, near as f64 / regrets.len().max(1) as f64)
        };
        println!(
            "Median regret / share within 1 %, after so many simulations; {} tasks, {} seeds\n",
            tasks.len(),
            self.seeds
        );
        let mut table = Table::new();
        table.load_style(presets::ASCII_MARKDOWN).set_header(header("agent"));
        for (label, by_task) in contestants {
            let curves: Vec<&Curve> = by_task.iter().flatten().collect();
            table.add_row(std::iter::once(label.clone()).chain(points.iter().map(|n| cell(&curves, *n))));
        }
        println!("{table}\n");
        let mut table = Table::new();
        table.load_style(presets::ASCII_MARKDOWN).set_header(header("task (policy)"));
        if let Some((_, by_task)) = contestants.first() {
            for (task, curves) in tasks.iter().zip(by_task) {
                let curves: Vec<&Curve> = curves.iter().collect();
                table.add_row(
                    std::iter::once(task.name.clone()).chain(points.iter().map(|n| cell(&curves, *n))),
                );
            }
        }
        println!("{table}");
        Ok(ExitCode::SUCCESS)
    }
}
