//! How far any search can come in a table that cannot be predicted within classes of designs.
//!
//! `cargo run --release -p hwgym-agents --example table_limit -- contest.csv.gz c2 200 24`: the BOOM table, the column that tells the
//! classes apart, evaluations, seeds.
//!
//! First: how much of each metric's variance inside a class its best parameter explains, beside what the best of as many parameters
//! explains by chance. Where the two agree, nothing can be learned from one row of a class about another. Then: the share of the table's
//! hypervolume found by a search that is told how the metrics are distributed in each class, and always draws a row of the class with the
//! largest mean improvement.

use hwgym_envs::table::{Table, TableSettings};
use hwgym_envs::{Direction, Env, Options, Random, pareto};

type Failure = Box<dyn std::error::Error>;

/// Rows per class that stand for its distribution.
const SAMPLE: usize = 200;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, class, evaluations, seeds] = &arguments[..] else {
        return Err("expected: table, column of the classes, evaluations, seeds".into());
    };
    let metric = |column: &str, direction: &str| {
        format!("(column: \"{column}\", direction: {direction}, standardise: true)")
    };
    let options = Options::ron(format!(
        "(file: {file:?}, header: false, ignore: [\"c33\"], metrics: [{}, {}, {}])",
        metric("c30", "Maximise"),
        metric("c31", "Minimise"),
        metric("c32", "Minimise")
    ));
    let table = Table::load(options.parse::<TableSettings>()?, &options.folder())?;
    let rows = Rows::of(&table, class)?;
    rows.print_explained(&table);
    let (evaluations, seeds): (usize, u64) = (evaluations.parse()?, seeds.parse()?);
    let mut shares: Vec<f64> =
        (0..seeds).map(|seed| rows.search(evaluations, seed) / table.hypervolume()).collect();
    shares.sort_by(f64::total_cmp);
    let at = |share: f64| shares[((shares.len() - 1) as f64 * share).round() as usize];
    println!(
        "\nshare of the hypervolume after {evaluations} draws: median {:.4}, quartiles {:.4} and {:.4}, best {:.4}",
        at(0.5),
        at(0.25),
        at(0.75),
        at(1.0)
    );
    Ok(())
}

struct Rows {
    /// Rewards of the rows.
    rewards: Vec<Vec<f64>>,
    /// Levels of the parameters of the rows.
    levels: Vec<Vec<usize>>,
    /// Rows of each class.
    classes: Vec<Vec<usize>>,
    reference: Vec<f64>,
}

impl Rows {
    fn of(table: &Table, class: &str) -> Result<Self, Failure> {
        let space = table.space();
        let column =
            space.parameters().iter().position(|p| p.name == class).ok_or("no such column varies")?;
        let signs: Vec<f64> = table
            .metrics()
            .iter()
            .map(|m| if m.direction == Direction::Maximise { 1.0 } else { -1.0 })
            .collect();
        let signed = |values: &[f64]| -> Vec<f64> { values.iter().zip(&signs).map(|(v, s)| v * s).collect() };
        let designs = space.listing().ok_or("the table has no rows")?.designs();
        let mut classes = vec![Vec::new(); space.parameters()[column].domain.cardinality().unwrap_or(0)];
        let (mut rewards, mut levels) = (Vec::new(), Vec::new());
        for (index, design) in designs.iter().enumerate() {
            let outcome = table.evaluate(design, hwgym_envs::Fidelity::FULL);
            rewards.push(signed(outcome.metrics().ok_or("a row without metrics")?));
            levels.push((0..design.len()).map(|j| design.level(j)).collect());
            classes[design.level(column)].push(index);
        }
        Ok(Self { rewards, levels, classes, reference: signed(table.reference()) })
    }

    fn print_explained(&self, table: &Table) {
        println!(
            "| class | rows | metric | deviation | explained by its best parameter | best of as many shuffled |"
        );
        println!("|---|---|---|---|---|---|");
        let mut random = Random::new(0);
        for (class, rows) in self.classes.iter().enumerate() {
            for (k, metric) in table.metrics().iter().enumerate() {
                let values: Vec<f64> = rows.iter().map(|row| self.rewards[*row][k]).collect();
                let mean = values.iter().sum::<f64>() / values.len() as f64;
                let deviation =
                    (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64).sqrt();
                let mut shuffled = values.clone();
                random.shuffle(&mut shuffled);
                let name = &metric.name;
                let (found, chance) = (self.explained(rows, &values), self.explained(rows, &shuffled));
                println!("| {class} | {} | {name} | {deviation:.3} | {found:.4} | {chance:.4} |", rows.len());
            }
        }
    }

    /// The largest part of the variance of `values` that lies between the levels of one parameter.
    fn explained(&self, rows: &[usize], values: &[f64]) -> f64 {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let total: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
        let width = self.levels.first().map_or(0, Vec::len);
        let mut best = 0.0f64;
        for parameter in 0..width {
            let mut sums = std::collections::BTreeMap::<usize, (f64, f64)>::new();
            for (row, value) in rows.iter().zip(values) {
                let sum = sums.entry(self.levels[*row][parameter]).or_default();
                *sum = (sum.0 + value - mean, sum.1 + 1.0);
            }
            let between: f64 = sums.values().map(|(sum, count)| sum * sum / count).sum();
            best = best.max(between / total);
        }
        best
    }

    fn search(&self, evaluations: usize, seed: u64) -> f64 {
        let mut random = Random::new(seed);
        let mut order = self.classes.clone();
        order.iter_mut().for_each(|rows| random.shuffle(rows));
        let samples: Vec<Vec<usize>> =
            order.iter().map(|rows| rows.iter().take(SAMPLE).copied().collect()).collect();
        // Draws come from the other end of the same order, so that the samples stay unseen until a class is used up.
        let mut front: Vec<Vec<f64>> = Vec::new();
        for _ in 0..evaluations {
            let promise = |rows: &Vec<usize>| {
                rows.iter().map(|row| self.improvement(&front, *row)).sum::<f64>() / rows.len().max(1) as f64
            };
            let best = (0..order.len())
                .filter(|class| !order[*class].is_empty())
                .map(|class| (promise(&samples[class]), class))
                .max_by(|a, b| a.0.total_cmp(&b.0));
            let Some(row) = best.and_then(|(_, class)| order[class].pop()) else { break };
            front.push(self.rewards[row].clone());
            front = pareto::front(&front).into_iter().map(|i| front[i].clone()).collect();
        }
        pareto::hypervolume(&front, &self.reference)
    }

    fn improvement(&self, front: &[Vec<f64>], row: usize) -> f64 {
        let reward = &self.rewards[row];
        if front.iter().any(|other| other.iter().zip(reward).all(|(o, r)| o >= r)) {
            return 0.0;
        }
        // What the row covers alone, less the part that the front covers of that: the front cut off at the row.
        let cut: Vec<Vec<f64>> =
            front.iter().map(|other| other.iter().zip(reward).map(|(o, r)| o.min(*r)).collect()).collect();
        let cut: Vec<Vec<f64>> = pareto::front(&cut).into_iter().map(|i| cut[i].clone()).collect();
        let alone: f64 = reward.iter().zip(&self.reference).map(|(r, z)| (r - z).max(0.0)).product();
        alone - pareto::hypervolume(&cut, &self.reference)
    }
}
