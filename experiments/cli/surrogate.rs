//! `hwgym surrogate`: train, evaluate and compare learned stand-ins for simulators.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use crate::surrogates::model::Training;
use crate::surrogates::{Accuracy, Dataset, Parity, Registry, SurrogateModel, Transform};
use comfy_table::{Table, presets};

use crate::Registries;
use crate::arguments::{options, pair};
use crate::env::plain_table;

/// Train, evaluate and compare surrogates
#[derive(clap::Args)]
pub struct SurrogateArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// List the surrogates with their hyperparameters
    List,
    /// Train one on a data set and save it
    Train {
        /// Data set, made by `hwgym dataset build`
        data: PathBuf,
        #[command(flatten)]
        learner: LearnerArgs,
        /// File to write
        #[arg(long, value_name = "FILE.json")]
        out: PathBuf,
    },
    /// Measure a saved one on a data set
    Evaluate {
        /// Saved surrogate
        model: PathBuf,
        /// Data set that it did not see
        data: PathBuf,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Train all of them on a part of a data set and measure them on the rest
    Compare {
        /// Data set, made by `hwgym dataset build`
        data: PathBuf,
        /// Rows to train on; the rest is for the test
        #[arg(long, default_value_t = 2000)]
        train_rows: usize,
        /// Seeds of split and training
        #[arg(long, default_value_t = 5)]
        seeds: u64,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// What is to be trained.
#[derive(clap::Args)]
struct LearnerArgs {
    /// Id of the surrogate; `hwgym surrogate list` shows them all
    #[arg(long = "model", default_value = "gradient-boosting")]
    id: String,
    /// A hyperparameter; may be repeated
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = pair)]
    hyperparameters: Vec<(String, String)>,
    /// Do not take the logarithm of metrics that span ratios
    #[arg(long)]
    no_log: bool,
    /// Seed of the training
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(clap::Args)]
struct OutputArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Draw true against predicted values into files of this name, as PNG and SVG
    #[arg(long, value_name = "FILE")]
    parity: Option<PathBuf>,
}

impl LearnerArgs {
    fn training(&self) -> Training {
        Training {
            hyperparameters: options(&self.hyperparameters),
            transform: if self.no_log { Transform::Standard } else { Transform::Auto },
            seed: self.seed,
            ..Training::new(&self.id)
        }
    }
}

impl SurrogateArgs {
    pub fn run(self, registries: &Registries) -> anyhow::Result<ExitCode> {
        let registry = registries.surrogates();
        match self.action {
            Action::List => list(registry),
            Action::Train { data, learner, out } => {
                let data = Dataset::read(&data)?;
                let start = Instant::now();
                let model = SurrogateModel::train(registry, &learner.training(), &data)?;
                model.save(&out)?;
                println!(
                    "{}: {} on {} rows of {}, trained in {:.2} s",
                    out.display(),
                    learner.id,
                    data.len(),
                    data.origin.environment,
                    start.elapsed().as_secs_f64()
                );
            }
            Action::Evaluate { model, data, output } => {
                let model = SurrogateModel::load(registry, &model)?;
                let rows = Dataset::read(&data)?;
                if rows.hash() == model.header().training_hash {
                    eprintln!(
                        "{}: the model was trained on these very rows; what follows is how well it remembers, not how well it predicts. Build \
                         another data set (`hwgym dataset build --seed`)",
                        data.display()
                    );
                }
                let measured = Accuracy::measure(&model, &rows)?;
                print_accuracy(&measured, &output)?;
            }
            Action::Compare { data, train_rows, seeds, json } => {
                compare(registry, &Dataset::read(&data)?, train_rows, seeds, json)?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn list(registry: &Registry) {
    let mut table = plain_table();
    for entry in registry.entries() {
        table.add_row([entry.id.as_str(), &entry.summary, ""]);
        for h in &entry.hyperparameters {
            table.add_row([&format!("  {} = {}", h.name, h.default), h.description, h.range]);
        }
    }
    println!("{table}");
}

fn print_accuracy(measured: &[(Accuracy, Parity)], output: &OutputArgs) -> anyhow::Result<()> {
    if let Some(path) = &output.parity {
        let parity: Vec<&Parity> = measured.iter().map(|(_, parity)| parity).collect();
        for file in crate::experiments::plot::parity(path, &parity)? {
            eprintln!("{}", file.display());
        }
    }
    let accuracies: Vec<&Accuracy> = measured.iter().map(|(accuracy, _)| accuracy).collect();
    if output.json {
        println!("{}", serde_json::to_string_pretty(&accuracies)?);
        return Ok(());
    }
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN).set_header([
        "metric",
        "RMSE",
        "% of mean",
        "R2",
        "Kendall tau",
        "in 2 sd",
        "us",
    ]);
    for a in accuracies {
        table.add_row([
            a.metric.clone(),
            format!("{:.4}", a.rmse),
            format!("{:.2}", a.rmse_percent_of_mean),
            number(a.r2),
            number(a.kendall_tau),
            format!("{:.2}", a.within_two_sd),
            format!("{:.2}", a.predict_us),
        ]);
    }
    println!("{table}");
    Ok(())
}

/// One metric of one surrogate, over the seeds.
#[derive(serde::Serialize)]
struct Comparison {
    surrogate: String,
    metric: String,
    rmse_percent_of_mean: Spread,
    r2: Option<f64>,
    kendall_tau: Option<f64>,
    fit_s: f64,
    predict_us: f64,
}

/// Median with smallest and largest.
#[derive(serde::Serialize)]
struct Spread {
    median: f64,
    low: f64,
    high: f64,
}

impl Spread {
    fn of(mut numbers: Vec<f64>) -> Self {
        numbers.sort_by(f64::total_cmp);
        let at = |index: usize| numbers.get(index).copied().unwrap_or(f64::NAN);
        Self { median: at(numbers.len() / 2), low: at(0), high: at(numbers.len().saturating_sub(1)) }
    }
}

fn compare(
    registry: &Registry,
    data: &Dataset,
    train_rows: usize,
    seeds: u64,
    json: bool,
) -> anyhow::Result<()> {
    let share = train_rows as f64 / data.len().max(1) as f64;
    if share >= 1.0 || seeds == 0 {
        return Err(crate::failure::bad_input(format!(
            "{} rows leave none for a test after {train_rows} for training; build a larger data set or lower --train-rows",
            data.len()
        )));
    }
    let mut rows: Vec<Comparison> = Vec::new();
    for entry in registry.entries() {
        let (mut fit_s, mut runs) = (0.0, Vec::new());
        for seed in 1..=seeds {
            let (train, test) = data.split(share, seed);
            let start = Instant::now();
            let model =
                SurrogateModel::train(registry, &Training { seed, ..Training::new(&entry.id) }, &train)?;
            fit_s += start.elapsed().as_secs_f64() / seeds as f64;
            runs.push(Accuracy::measure(&model, &test)?);
        }
        for (index, metric) in data.origin.metrics.iter().enumerate() {
            let pick = |value: &dyn Fn(&Accuracy) -> f64| {
                Spread::of(runs.iter().map(|run| value(&run[index].0)).collect())
            };
            let median =
                |value: &dyn Fn(&Accuracy) -> f64| Some(pick(value).median).filter(|m| m.is_finite());
            rows.push(Comparison {
                surrogate: entry.id.clone(),
                metric: metric.name.clone(),
                rmse_percent_of_mean: pick(&|a| a.rmse_percent_of_mean),
                r2: median(&|a| a.r2.unwrap_or(f64::NAN)),
                kendall_tau: median(&|a| a.kendall_tau.unwrap_or(f64::NAN)),
                fit_s,
                predict_us: pick(&|a| a.predict_us).median,
            });
        }
    }
    if json {
        println!("{}", serde_json::to_string_pretty(&rows)?);
        return Ok(());
    }
    let mut table = Table::new();
    let header = [
        "surrogate",
        "metric",
        "RMSE % of mean (lowest to highest)",
        "R2",
        "Kendall tau",
        "fit s",
        "predict us",
    ];
    table.load_style(presets::ASCII_MARKDOWN).set_header(header);
    for row in rows {
        let Spread { median, low, high } = row.rmse_percent_of_mean;
        table.add_row([
            row.surrogate,
            row.metric,
            format!("{median:.2} ({low:.2} to {high:.2})"),
            number(row.r2),
            number(row.kendall_tau),
            format!("{:.2}", row.fit_s),
            format!("{:.2}", row.predict_us),
        ]);
    }
    println!("{table}");
    Ok(())
}

fn number(value: Option<f64>) -> String {
    value.map_or("-".into(), |v| format!("{v:.4}"))
}
