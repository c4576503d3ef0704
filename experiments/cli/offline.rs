//! `hwgym surrogate offline`: the designs that a data set promises, simulated, with promise and truth side by side.

use std::path::PathBuf;

use crate::envs::enumerate::Table;
use crate::envs::number::significant;
use crate::envs::pareto::{front, hypervolume};
use crate::envs::{Env, Outcome, Scorer};
use crate::surrogates::Dataset;
use crate::surrogates::dataset::Source;
use crate::surrogates::offline::{OfflineSearch, Proposal};
use indicatif::{ProgressBar, ProgressStyle};

use crate::Registries;
use crate::arguments::objective;
use crate::env::plain_table;
use crate::failure::bad_input;
use crate::surrogate::truth;

/// Find designs by a data set alone, and simulate only the most promising.
#[derive(clap::Args)]
pub struct OfflineArgs {
    /// Data set, made by `hwgym dataset build`
    data: PathBuf,
    /// A named objective of the environment, or one in RON: `(name: "mine", goals: [Optimise("energy_pj")])`; its default if left out
    #[arg(long)]
    objective: Option<String>,
    /// Simulations at the end
    #[arg(long, default_value_t = 100)]
    simulate: usize,
    /// Rounds of simulation; the models learn between them
    #[arg(long, default_value_t = 1)]
    rounds: usize,
    /// Models of every metric; what they disagree on is not trusted
    #[arg(long, default_value_t = 4)]
    bag: usize,
    /// Deviations of the bag by which a prediction is taken for worse
    #[arg(long, default_value_t = 1.0)]
    pessimism: f64,
    /// Seed of the models
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// `table.csv.gz` of `hwgym env enumerate`: compares with the true front
    #[arg(long, value_name = "FILE")]
    truth: Option<PathBuf>,
    /// Write what was simulated as a data set, to merge with the other
    #[arg(long, value_name = "FILE.csv")]
    out: Option<PathBuf>,
}

impl OfflineArgs {
    pub fn run(self, registries: &Registries) -> anyhow::Result<()> {
        let data = Dataset::read(&self.data)?;
        let env = truth(registries, &data.origin)?;
        let objective = objective(env.as_ref(), self.objective.as_deref())?;
        let scorer = objective.scorer(env.metrics())?;
        let truth = self.truth.as_ref().map(|path| true_rewards(env.as_ref(), &scorer, path)).transpose()?;
        let search = OfflineSearch {
            members: self.bag,
            pessimism: self.pessimism,
            simulations: self.simulate,
            rounds: self.rounds,
            seed: self.seed,
        };
        let bar = ProgressBar::new(self.simulate as u64)
            .with_style(ProgressStyle::with_template("{bar:40} {pos}/{len} simulations, {eta} left")?);
        let found = search.run(&env, &scorer, &data, &|| bar.inc(1))?;
        bar.finish_and_clear();
        println!(
            "{} designs of {}, {} with metrics; {}; {} simulations in {} round(s)\n",
            data.evaluated(),
            env.id(),
            data.len(),
            objective.describe(env.metrics()),
            found.len(),
            self.rounds
        );
        compare(env.as_ref(), &scorer, &data, &found, truth.as_deref());
        if let Some(out) = &self.out {
            let source = Source::new(env.as_ref(), "surrogate offline", Some(self.seed));
            let results = found.into_iter().map(|proposal| (proposal.design, proposal.outcome));
            let found = Dataset::from_outcomes(env.as_ref(), &data.origin.options, source, results);
            found.write(out)?;
            println!("\n{}: what was simulated; `hwgym dataset merge` joins it with the data", out.display());
        }
        Ok(())
    }
}

/// Rewards of all feasible designs of an enumerated space.
fn true_rewards(env: &dyn Env, scorer: &Scorer, path: &std::path::Path) -> anyhow::Result<Vec<Vec<f64>>> {
    let table = Table::load(path)?;
    let names: Vec<&str> = env.metrics().iter().map(|metric| metric.name.as_str()).collect();
    if table.metrics() != names {
        return Err(bad_input(format!("{}: it is of other metrics than the data", path.display())));
    }
    let rows = (0..table.len()).filter_map(|row| table.row(row));
    Ok(rewards(scorer, rows.map(<[f64]>::to_vec)))
}

/// Rewards of those that keep the bounds.
fn rewards(scorer: &Scorer, rows: impl Iterator<Item = Vec<f64>>) -> Vec<Vec<f64>> {
    let scores = rows.map(|row| scorer.score(&Outcome::feasible(row)));
    scores.filter(|score| score.is_feasible()).map(|score| score.rewards).collect()
}

/// What the data alone, the promises and the simulations are worth: the best reward of one goal, the hypervolume of several.
fn compare(env: &dyn Env, scorer: &Scorer, data: &Dataset, found: &[Proposal], truth: Option<&[Vec<f64>]>) {
    let known = rewards(scorer, data.metrics.iter().cloned());
    let promised = rewards(scorer, found.iter().map(|p| p.promised.clone()).filter(|p| !p.is_empty()));
    let simulated = rewards(scorer, found.iter().filter_map(|p| p.outcome.metrics()).map(<[f64]>::to_vec));
    let with_data = |points: &[Vec<f64>]| [known.clone(), points.to_vec()].concat();
    let reference = match scorer.reference() {
        [] => nadir(truth.unwrap_or(&with_data(&simulated))),
        given => given.to_vec(),
    };
    let worth = |points: &[Vec<f64>]| match scorer.goal_count() {
        1 => points.iter().map(|point| point[0]).fold(f64::NEG_INFINITY, f64::max),
        _ => hypervolume(points, &reference),
    };
    let whole = truth.map(worth);
    let mut rows = plain_table();
    let measure = if scorer.goal_count() == 1 { "best reward" } else { "hypervolume" };
    rows.add_row(["", measure, if whole.is_some() { "of the true one" } else { "" }]);
    for (name, points) in [
        ("the data alone", known.clone()),
        ("the proposals as promised", promised.clone()),
        ("the proposals as simulated", simulated.clone()),
        ("data and proposals, as promised", with_data(&promised)),
        ("data and proposals, as simulated", with_data(&simulated)),
    ] {
        let worth = worth(&points);
        let share = whole.map_or(String::new(), |whole| format!("{:.2} %", 100.0 * worth / whole));
        let worth = if worth.is_finite() { significant(worth, 5) } else { "nothing feasible".into() };
        rows.add_row([name.into(), worth, share]);
    }
    println!("{rows}");
    let without = found.iter().filter(|p| p.outcome.metrics().is_none()).count();
    if without > 0 {
        println!("{without} of the proposals have no metrics");
    }
    for (index, metric) in env.metrics().iter().enumerate() {
        let mut off: Vec<f64> = found
            .iter()
            .filter_map(|p| Some((p.promised.get(index)?, p.outcome.metrics()?[index])))
            .map(|(promised, truth)| 100.0 * (promised - truth).abs() / truth.abs().max(f64::MIN_POSITIVE))
            .collect();
        off.sort_by(f64::total_cmp);
        if let (Some(median), Some(most)) = (off.get(off.len() / 2), off.last()) {
            println!("{}: promise off by {median:.2} % in the median, {most:.2} % at most", metric.name);
        }
    }
}

/// The worst rewards on the front, and a tenth of its extent below them.
fn nadir(points: &[Vec<f64>]) -> Vec<f64> {
    let front: Vec<&Vec<f64>> = front(points).into_iter().map(|place| &points[place]).collect();
    let goals = front.first().map_or(0, |point| point.len());
    let span = |goal: usize| {
        let values = || front.iter().map(|point| point[goal]);
        let (low, high) =
            (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
        low - 0.1 * (high - low)
    };
    (0..goals).map(span).collect()
}
