//! `hwgym env difficulty`: how hard a task is.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;

use crate::Registries;
use crate::arguments::EnvironmentArgs;
use crate::envs::enumerate::Table;
use crate::envs::number::significant;
use crate::envs::suggest::suggestion;
use crate::experiments::difficulty::{Difficulty, Effort, difficulty};
use crate::experiments::report::GoalView;
use crate::failure::bad_input;

/// Say how hard an environment is: what random search finds, local optima, plateaus, cost of a step
///
/// Every objective with one goal, or those that are named. With the table of `hwgym env enumerate` outcomes are looked up and the optimum is
/// the true one; otherwise designs are evaluated, and the answer says what is only estimated.
#[derive(clap::Args)]
pub struct DifficultyArgs {
    #[command(flatten)]
    environment: EnvironmentArgs,
    /// Objectives; may be repeated [default: all with one goal]
    #[arg(long)]
    objective: Vec<String>,
    /// The table of an enumeration (`table.csv.gz`)
    #[arg(long, value_name = "FILE")]
    enumerated: Option<PathBuf>,
    /// Random designs [default: 2,000, and 200,000 with a table]
    #[arg(long)]
    samples: Option<usize>,
    /// Climbs to local optima [default: 10, and 500 with a table]
    #[arg(long)]
    climbs: Option<usize>,
    /// Seed of both
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    cache: crate::arguments::CacheFolderArgs,
}

impl DifficultyArgs {
    pub fn run(self, registries: &Registries) -> anyhow::Result<ExitCode> {
        let env = self.cache.remember(self.environment.make(registries)?)?;
        let table = match &self.enumerated {
            Some(path) => Some(Table::load(path).with_context(|| path.display().to_string())?),
            None => None,
        };
        if let Some(table) = &table {
            let names: Vec<&str> = env.metrics().iter().map(|metric| metric.name.as_str()).collect();
            if table.metrics() != names {
                return Err(bad_input(
                    "the table is of another environment: its metrics are others; enumerate this one",
                ));
            }
        }
        let known = env.objectives();
        let names: Vec<&str> = known.iter().map(|objective| objective.name.as_str()).collect();
        for name in &self.objective {
            if !names.contains(&name.as_str()) {
                return Err(bad_input(format!(
                    "`{}` names no objective `{name}`{}",
                    env.id(),
                    suggestion(name, &names)
                )));
            }
        }
        let looked_up = table.is_some();
        let effort = Effort {
            samples: self.samples.unwrap_or(if looked_up { 200_000 } else { 2_000 }).max(1),
            climbs: self.climbs.unwrap_or(if looked_up { 500 } else { 10 }),
            seed: self.seed,
        };
        let mut all = Vec::new();
        for objective in &known {
            let wanted = if self.objective.is_empty() {
                objective.goals.len() == 1
            } else {
                self.objective.contains(&objective.name)
            };
            if wanted {
                let found = difficulty(&env, objective, table.as_ref(), effort)?;
                let view = GoalView::new(&objective.goals[0], env.metrics());
                if !self.json {
                    print(&found, &view);
                }
                all.push(found);
            }
        }
        if self.json {
            println!("{}", serde_json::to_string_pretty(&all)?);
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn print(found: &Difficulty, goal: &GoalView) {
    let percent = |share: f64| format!("{} %", significant(100.0 * share, 3));
    let mut table = crate::env::plain_table();
    let designs = found.designs.map_or("infinitely many".into(), |designs| designs.to_string());
    table.add_row(["designs", &designs]);
    table.add_row([
        &format!("best {}", goal.label()),
        &format!("{} ({})", significant(goal.value(found.best), 6), found.best_origin),
    ]);
    let source = if found.is_exact { "looked up in the enumeration" } else { "evaluated" };
    table.add_row(["random designs", &format!("{}, {source}", found.samples)]);
    table.add_row(["within all bounds", &percent(found.feasible)]);
    for (index, what) in
        ["at the best value", "within 0.1 % of it", "within 1 % of it"].into_iter().enumerate()
    {
        let needed = match found.random_search[index] {
            Some(n) => format!("half of all random searches are there after {n} evaluations"),
            None => format!("no random search of {} evaluations was there", found.samples),
        };
        table.add_row([what, &format!("{}; {needed}", percent(found.shares[index]))]);
    }
    let land = &found.landscape;
    table.add_row([
        "climbs by one-parameter moves",
        &format!(
            "{} of {} end at the best value, at {} different ones in all",
            (land.climbs_at_the_best * land.climbs as f64).round(),
            land.climbs,
            land.local_optima
        ),
    ]);
    table.add_row(["moves that change nothing", &percent(land.flat_moves)]);
    let correlation = land.distance_correlation.map_or("nothing varies".into(), |c| format!("{c:.2}"));
    table.add_row(["fitness-distance correlation", &correlation]);
    if let Some(seconds) = found.step_s {
        table.add_row(["an evaluation takes", &format!("{} ms (median)", significant(1e3 * seconds, 3))]);
    }
    println!("{}\n{table}\n", found.objective);
}
