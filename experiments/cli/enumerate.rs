//! `hwgym env enumerate`: the truth about a design space.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};

use crate::Registries;
use crate::envs::Env;
use crate::envs::enumerate::Enumeration;
use crate::envs::known_optima::KnownOptima;
use crate::envs::number::significant;

use crate::arguments::EnvironmentArgs;

/// Evaluate every design of an environment and find its exact optima
///
/// Designs that provably behave alike are evaluated once. Finished chunks are kept in the output folder: the same command goes on where
/// it was stopped.
#[derive(clap::Args)]
pub struct EnumerateArgs {
    #[command(flatten)]
    environment: EnvironmentArgs,
    /// The workload; short for `--option workload=W`
    #[arg(long)]
    workload: Option<String>,
    /// Folder of the results; `out/enumerate/ENV[-WORKLOAD]` by default
    #[arg(long)]
    out: Option<PathBuf>,
    /// Threads; all processors by default
    #[arg(long)]
    jobs: Option<usize>,
    /// Only say how many designs would be evaluated
    #[arg(long)]
    plan: bool,
    #[command(flatten)]
    cache: crate::arguments::CacheFolderArgs,
}

impl EnumerateArgs {
    pub fn run(mut self, registries: &Registries) -> anyhow::Result<ExitCode> {
        let label = self.workload.as_deref().map(file_name);
        if let Some(workload) = self.workload.take() {
            self.environment.options.push(("workload".into(), workload));
        }
        let env = self.cache.remember(self.environment.make(registries)?)?;
        let plan = Enumeration::plan(&env)?;
        eprintln!(
            "{} designs: {} to evaluate, {} skipped (each provably equal to one of those){}",
            plan.size(),
            plan.evaluations(),
            plan.skipped(),
            match plan.refused() {
                0 => String::new(),
                refused => format!(", {refused} refused by constraints"),
            }
        );
        if self.plan {
            return Ok(ExitCode::SUCCESS);
        }
        let folder = self.out.unwrap_or_else(|| {
            let name = label.map_or(env.id().to_owned(), |label| format!("{}-{label}", env.id()));
            PathBuf::from("out/enumerate").join(name)
        });
        let threads = rayon::ThreadPoolBuilder::new().num_threads(self.jobs.unwrap_or(0)).build()?;
        let stop = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&stop);
        // A second handler cannot be set; the command then simply stops at once, and resumes as well.
        let _ = ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed));
        let bar = ProgressBar::new(plan.evaluations());
        if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} designs, {eta} left") {
            bar.set_style(style);
        }
        let table = threads.install(|| {
            plan.run_in(&folder, |progress| {
                bar.set_position(progress.done);
                !stop.load(Ordering::Relaxed)
            })
        })?;
        bar.finish_and_clear();
        let Some(table) = table else {
            eprintln!("stopped; the same command goes on from here ({})", folder.display());
            return Ok(ExitCode::FAILURE);
        };
        let optima = plan.optima(&table)?;
        let path = folder.join("optima.json.gz");
        optima.save(&path).with_context(|| path.display().to_string())?;
        print(env.as_ref(), &optima);
        eprintln!("wrote {} and {}", folder.join("table.csv.gz").display(), path.display());
        Ok(ExitCode::SUCCESS)
    }
}

/// A summary for people.
pub(crate) fn print(env: &dyn Env, optima: &KnownOptima) {
    println!("{} different outcomes of {} evaluated designs", optima.distinct, optima.evaluated);
    let mut ranges = crate::env::plain_table();
    ranges.add_row(["metric", "best", "worst", "unit"]);
    for range in &optima.metrics {
        let number = |value: f64| significant(value, 6);
        ranges.add_row([&range.metric, &number(range.best), &number(range.worst), &range.unit]);
    }
    println!("\n{ranges}");
    let mut table = crate::env::plain_table();
    table.add_row(["objective", "best", "ties", "one such design"]);
    for known in &optima.objectives {
        let best = match known.front.as_slice() {
            [] => "no design keeps the bounds".to_owned(),
            [only] if only.rewards.len() == 1 => format!("reward {}", only.rewards[0]),
            front => format!("Pareto front of {} points", front.len()),
        };
        let first = known.front.first();
        let design = first.and_then(|optimum| env.space().design_at(u128::from(optimum.index)));
        let values = design.map_or(String::new(), |design| {
            let pairs = env.space().values(&design);
            pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
        });
        let ties = first.map_or(0, |optimum| optimum.ties).to_string();
        table.add_row([known.objective.name.clone(), best, ties, values]);
    }
    println!("\n{table}");
}

/// A workload as part of a folder's name.
fn file_name(workload: &str) -> String {
    let name = workload.rsplit(std::path::is_separator).next().unwrap_or(workload);
    name.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' }).collect()
}
