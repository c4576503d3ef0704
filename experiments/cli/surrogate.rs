//! `hwgym surrogate`: train, evaluate and compare learned stand-ins for simulators.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use crate::envs::known_optima::KnownOptima;
use crate::envs::number::significant;
use crate::envs::{Design, Env, Options, Outcome, enumerate};
use crate::surrogates::class_table::recipe::{self, Built, Recipe};
use crate::surrogates::dataset::{Origin, Source};
use crate::surrogates::model::Training;
use crate::surrogates::{Accuracy, Dataset, Parity, Registry, SurrogateModel, Transform};
use comfy_table::{Table, presets};
use indicatif::{ProgressBar, ProgressStyle};

use crate::Registries;
use crate::arguments::{CacheFolderArgs, EnvironmentArgs, options, pair};
use crate::env::plain_table;
use crate::failure::bad_input;
use crate::offline::OfflineArgs;

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
    ///
    /// `transformer` also learns from several data sets at once, of several corners or circuits: the file then answers for each of them.
    Train {
        /// Data set, made by `hwgym dataset build`; several for `transformer`
        #[arg(required = true)]
        data: Vec<PathBuf>,
        #[command(flatten)]
        learner: LearnerArgs,
        /// File to write
        #[arg(long, value_name = "FILE.json")]
        out: PathBuf,
    },
    /// Make a table of all designs of a discrete space from a budget of simulations
    ///
    /// Designs that provably behave alike count as one; where the environment names anchors (relatives that many designs share), they are
    /// simulated first, and the ratio to them is learned. The file answers any design by looking it up.
    Build {
        #[command(flatten)]
        environment: EnvironmentArgs,
        /// Simulations at most
        #[arg(long)]
        budget: usize,
        /// Seed of the sample and of the training
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// File to write
        #[arg(long, value_name = "FILE.json")]
        out: PathBuf,
        #[command(flatten)]
        cache: CacheFolderArgs,
    },
    /// Find the best designs of a whole space by a table that `surrogate build` made
    Search {
        /// Saved table
        model: PathBuf,
    },
    /// Find designs by a data set alone, and simulate only the most promising
    Offline(OfflineArgs),
    /// Measure a saved one on a data set, or on a whole space
    Evaluate {
        /// Saved surrogate
        model: PathBuf,
        /// Data set that it did not see; or `table.csv.gz` of `hwgym env enumerate`, then over all designs of the space
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
    /// A saved model of the same space and metrics (another corner, another workload): only its errors are learned
    #[arg(long, value_name = "FILE.json")]
    base: Option<PathBuf>,
    /// A saved `transformer` of any corner or circuit: training goes on with it, best on little data of another
    #[arg(long, value_name = "FILE.json", conflicts_with = "base")]
    finetune: Option<PathBuf>,
    /// Also train on all but one of so many parts, in turn: prints the accuracy on the parts held out, and scales deviations by it
    #[arg(long, default_value_t = 0)]
    folds: usize,
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
    fn training(&self, registry: &Registry) -> anyhow::Result<Training> {
        let load = |path: &Option<PathBuf>| {
            path.as_ref().map(|path| SurrogateModel::load(registry, path).map(Arc::new)).transpose()
        };
        Ok(Training {
            base: load(&self.base)?,
            start: load(&self.finetune)?,
            hyperparameters: options(&self.hyperparameters),
            transform: if self.no_log { Transform::Standard } else { Transform::Auto },
            seed: self.seed,
            ..Training::new(&self.id)
        })
    }
}

impl SurrogateArgs {
    pub fn run(self, registries: &Registries) -> anyhow::Result<ExitCode> {
        let registry = registries.surrogates();
        match self.action {
            Action::List => list(registry),
            Action::Train { data, learner, out } => {
                let sets = data.iter().map(|path| Dataset::read(path)).collect::<Result<Vec<_>, _>>()?;
                let start = Instant::now();
                let training = learner.training(registry)?;
                let mut model =
                    SurrogateModel::train_several(registry, &training, &sets.iter().collect::<Vec<_>>())?;
                let trained_s = start.elapsed().as_secs_f64();
                if learner.folds > 0 {
                    let training = Training { folds: learner.folds, ..training };
                    let [data] = sets.as_slice() else {
                        return Err(bad_input("--folds cross-validates one data set; give one"));
                    };
                    let held_out = SurrogateModel::cross_validate(registry, &training, data)?;
                    model.scale_deviations(&held_out);
                    let output = OutputArgs { json: false, parity: None };
                    print_accuracy(&Accuracy::held_out(&held_out, &model), &output)?;
                    print_gate(held_out.gate_right(), data.evaluated());
                }
                model.save(&out)?;
                let mut environments: Vec<&str> =
                    sets.iter().map(|data| data.origin.environment.as_str()).collect();
                environments.dedup();
                println!(
                    "{}: {} on {} rows of {}, trained in {:.2} s",
                    out.display(),
                    learner.id,
                    sets.iter().map(Dataset::len).sum::<usize>(),
                    environments.join(", "),
                    trained_s
                );
            }
            Action::Build { environment, budget, seed, out, cache } => {
                build(registries, &environment, &Recipe { budget, seed }, &out, &cache)?;
            }
            Action::Search { model } => search(registries, &model)?,
            Action::Offline(offline) => offline.run(registries)?,
            Action::Evaluate { model, data, output } if data.extension().is_some_and(|e| e == "gz") => {
                let model = SurrogateModel::load(registry, &model)?;
                whole_space(registries, &model, &data, &output)?;
            }
            Action::Evaluate { model, data, output } => {
                let rows = Dataset::read(&data)?;
                let model = SurrogateModel::load(registry, &model)?.for_origin(&rows.origin);
                if rows.hash() == model.header().training_hash {
                    eprintln!(
                        "{}: the model was trained on these very rows; what follows is how well it remembers, not how well it predicts. Build \
                         another data set (`hwgym dataset build --seed`)",
                        data.display()
                    );
                }
                let measured = Accuracy::measure(&model, &rows)?;
                print_accuracy(&measured, &output)?;
                if !output.json {
                    print_gate(model.gate_right(&rows), rows.evaluated());
                    let likely: f64 = model.log_likelihood(&rows).iter().sum();
                    println!(
                        "log-likelihood: {} per design, all metrics together, as learned",
                        significant(likely / rows.len() as f64, 4)
                    );
                }
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

fn build(
    registries: &Registries,
    environment: &EnvironmentArgs,
    recipe: &Recipe,
    out: &Path,
    cache: &CacheFolderArgs,
) -> anyhow::Result<()> {
    let env = cache.remember(environment.make(registries)?)?;
    let bar = ProgressBar::new(recipe.budget as u64)
        .with_style(ProgressStyle::with_template("{bar:40} {pos}/{len} simulations, {eta} left")?);
    let start = Instant::now();
    let Built { table, simulated, anchors, expected_rmse_percent } =
        recipe::build(&env, recipe, &|| bar.inc(1))?;
    bar.finish_and_clear();
    let simulations = simulated.len();
    let source = Source::new(env.as_ref(), "surrogate build", Some(recipe.seed));
    let data = Dataset::from_outcomes(env.as_ref(), environment.options().text(), source, simulated);
    let (designs, classes) = (table.class_of().len(), table.classes());
    let model = SurrogateModel::of_table(table, &data);
    model.save(out)?;
    println!(
        "{}: {designs} designs in {classes} classes of {}, from {simulations} simulations ({anchors} anchors), made in {:.1} s, {} kB",
        out.display(),
        env.id(),
        start.elapsed().as_secs_f64(),
        std::fs::metadata(out)?.len() / 1000
    );
    let mut rows = plain_table();
    rows.add_row(["metric", "expected RMSE, % of the mean"]);
    for (metric, expected) in env.metrics().iter().zip(expected_rmse_percent) {
        let expected = expected.map_or("-".into(), |percent| format!("{percent:.3}"));
        rows.add_row([metric.name.clone(), expected]);
    }
    println!("{rows}");
    Ok(())
}

/// The environment that a model imitates, or a data set is of.
pub fn truth(registries: &Registries, origin: &Origin) -> anyhow::Result<Arc<dyn Env>> {
    let env = registries.envs().make(&origin.environment, &Options::ron(origin.options.clone()))?;
    if env.space() != &origin.space || env.metrics() != origin.metrics.as_slice() {
        return Err(bad_input(format!(
            "`{}` had another space or other metrics when this file was made than this program has; make it again",
            origin.environment
        )));
    }
    Ok(env)
}

/// Every class of the table, as an enumeration would have found it.
fn search(registries: &Registries, path: &Path) -> anyhow::Result<()> {
    let model = SurrogateModel::load(registries.surrogates(), path)?;
    let Some(classes) = model.table() else {
        return Err(bad_input(format!(
            "{}: not a table of a whole space; make one with `hwgym surrogate build`, or search with agents on `surrogate-env-v0`",
            path.display()
        )));
    };
    let env = truth(registries, &model.header().origin)?;
    let start = Instant::now();
    let mut rows = enumerate::Table::new(env.metrics().iter().map(|metric| metric.name.clone()));
    for class in 0..classes.classes() {
        let entry = classes.entry(class);
        let outcome = match entry.is_feasible {
            true => Outcome::feasible(entry.values),
            false => Outcome::infeasible("the surrogate expects no metrics", 1.0),
        };
        rows.push(classes.representative(class).unwrap_or_default() as u64, &outcome);
    }
    let optima = KnownOptima::distil(env.as_ref(), classes.class_of().len() as u64, &rows)?;
    let searched_s = start.elapsed().as_secs_f64();
    crate::enumerate::print(env.as_ref(), &optima);
    // Every design through the door that agents use.
    let space = env.space();
    let designs: Vec<Design> =
        (0..classes.class_of().len()).filter_map(|index| space.design_at(index as u128)).collect();
    let start = Instant::now();
    let sum: f64 = designs
        .iter()
        .filter_map(|design| classes.class(design))
        .map(|class| classes.entry(class).values[0])
        .filter(|value| value.is_finite())
        .sum();
    let looked_up_s = start.elapsed().as_secs_f64();
    std::hint::black_box(sum);
    eprintln!(
        "searched for all objectives in {searched_s:.2} s; {} designs looked up in {:.3} s, {:.0} ns each",
        designs.len(),
        looked_up_s,
        1e9 * looked_up_s / designs.len() as f64
    );
    Ok(())
}

/// Accuracy over every design of a space, each class with the weight of its designs.
fn whole_space(
    registries: &Registries,
    model: &SurrogateModel,
    path: &Path,
    output: &OutputArgs,
) -> anyhow::Result<()> {
    let env = truth(registries, &model.header().origin)?;
    let rows = enumerate::Table::load(path)?;
    let names: Vec<&str> = env.metrics().iter().map(|metric| metric.name.as_str()).collect();
    if rows.metrics() != names {
        return Err(bad_input(format!(
            "{}: its metrics are {}; the model predicts {}",
            path.display(),
            rows.metrics().join(", "),
            names.join(", ")
        )));
    }
    let size = env.space().size().and_then(|size| u64::try_from(size).ok()).unwrap_or(0);
    let place = |index: u64| -> Option<usize> {
        let design = env.canonical(&env.space().design_at(u128::from(index))?);
        rows.indices().binary_search(&(env.space().index_of(&design)? as u64)).ok()
    };
    let mut weights = vec![0.0; rows.len()];
    for index in 0..size {
        let place = place(index).ok_or_else(|| {
            bad_input(format!(
                "{}: design {index} is not in it; is it of another environment or unfinished?",
                path.display()
            ))
        })?;
        weights[place] += 1.0;
    }
    let representatives: Vec<usize> = (0..rows.len()).filter(|row| rows.row(*row).is_some()).collect();
    let designs: Vec<Design> = representatives
        .iter()
        .filter_map(|row| env.space().design_at(u128::from(rows.indices()[*row])))
        .collect();
    let truths: Vec<&[f64]> = representatives.iter().filter_map(|row| rows.row(*row)).collect();
    let weights: Vec<f64> = representatives.iter().map(|row| weights[*row]).collect();
    let measured = Accuracy::of_whole_space(model, &designs, &truths, &weights);
    print_accuracy(&measured, output)
}

/// How often designs with metrics and without were told apart.
fn print_gate(right: Option<f64>, designs: usize) {
    if let Some(right) = right {
        println!("gate: {:.2} % of {designs} designs told right", 100.0 * right);
    }
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
        "R2 as learned",
        "Kendall tau",
        "in 2 sd",
        "us",
    ]);
    for a in accuracies {
        table.add_row([
            a.metric.clone(),
            significant(a.rmse, 5),
            format!("{:.3}", a.rmse_percent_of_mean),
            number(a.r2),
            number(a.r2_transformed),
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
        return Err(bad_input(format!(
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
