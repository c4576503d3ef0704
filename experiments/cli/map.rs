//! `hwgym map`: searches for the mapping of a layer onto an architecture.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::simulators::accelerator::mapper::exact::{Front, explain, front};
use crate::simulators::accelerator::mapper::{Goal, MapFailure, MappedLayer, Mapper, Patience, map_model};
use crate::simulators::accelerator::timeloop::{Constraints, MapperSettings, Mapping, Model, Specification};
use serde_json::{Value, json};

use crate::failure::{BadInput, bad_input};
use crate::simulate::counting::CountingArgs;

/// Search the mapping of a layer onto an architecture
#[derive(clap::Args)]
pub struct MapArgs {
    #[command(subcommand)]
    model: MapModel,
}

#[derive(clap::Subcommand)]
enum MapModel {
    Timeloop(MapTimeloopArgs),
}

impl MapArgs {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self.model {
            MapModel::Timeloop(args) => args.run(),
        }
    }
}

/// What is minimised.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Metric {
    One(Goal),
    /// The whole front of energy and cycles.
    Pareto,
}

/// Reads the option `--metric`.
fn metric(text: &str) -> Result<Metric, String> {
    match Goal::from_name(text) {
        Some(goal) => Ok(Metric::One(goal)),
        None if text == "pareto" => Ok(Metric::Pareto),
        None => Err("write edp, energy, delay or pareto".into()),
    }
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Method {
    /// The best mapping, with a proof
    Exact,
    /// Evolutionary search
    Evolutionary,
    /// Random-pruned sampling
    Random,
    /// Every mapping, where there are few
    Exhaustive,
}

/// Search with the loop-nest model, from Timeloop's YAML files (architecture, problem, constraints, tables)
#[derive(clap::Args)]
struct MapTimeloopArgs {
    /// YAML files; each holds one or more sections, in any order
    #[arg(required = true, value_name = "FILE.yaml")]
    files: Vec<PathBuf>,
    /// What is minimised: `edp` (energy times cycles), `energy`, `delay` (cycles, then energy), or `pareto`, the whole front of energy and
    /// cycles with method `exact` [default: the first metric of a `mapper:` section, or edp]
    #[arg(long, value_parser = metric)]
    metric: Option<Metric>,
    /// How it is searched for; `exact` covers perfect factorisations, all loop orders, mesh axes and open bypass choices, with
    /// link transfers off [default: the algorithm of a `mapper:` section, with its timeout and victory condition, or evolutionary]
    #[arg(long, value_enum)]
    method: Option<Method>,
    /// Valid mappings to evaluate (sampling methods) [default: the search size of a `mapper:` section, shared by its num-threads searches, or 2000]
    #[arg(long)]
    evaluations: Option<u64>,
    /// Seed (sampling methods)
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Seconds after which the exact search ends with the gap it has certified
    #[arg(long, value_name = "SECONDS")]
    time_limit: Option<f64>,
    #[command(flatten)]
    counting: CountingArgs,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

impl MapTimeloopArgs {
    fn run(self) -> anyhow::Result<ExitCode> {
        let limit = match self.time_limit {
            Some(s) if !(s > 0.0 && s < 1e9) => {
                return Err(bad_input("--time-limit is a positive number of seconds"));
            }
            limit => limit.map(Duration::from_secs_f64),
        };
        let specification = Specification::from_files(&self.files).bad_input()?;
        let model = self.counting.model(&specification)?;
        let settings = &specification.mapper;
        let mut ignored = settings.without_effect.clone();
        let method = match self.method {
            Some(method) => method,
            None => asked_method(settings)?,
        };
        let metric = match self.metric {
            Some(metric) => metric,
            None => asked_metric(settings)?,
        };
        let goal = match metric {
            Metric::One(goal) => goal,
            Metric::Pareto if method == Method::Exact => {
                return pareto(&specification, &model, limit, self.json);
            }
            Metric::Pareto => return Err(bad_input("--metric pareto needs --method exact")),
        };
        let given = |limit: Option<u64>| limit.filter(|&limit| limit > 0);
        // A section's random search is that of the reference: independent searches that share the search size, or go on
        // to their victory conditions where there is none.
        let as_section = method == Method::Random && self.method.is_none();
        let searches = if as_section { settings.num_threads.unwrap_or(1) } else { 1 };
        if searches == 0 || searches > MOST_SEARCHES {
            return Err(bad_input(format!(
                "mapper: num-threads is {searches}\n  remedy: write a number from 1 to {MOST_SEARCHES}"
            )));
        }
        if settings.num_threads.is_some() && !as_section {
            ignored.push("num-threads".into());
        }
        if !ignored.is_empty() {
            eprintln!("warning: mapper: no effect here: {}", ignored.join(", "));
        }
        let all = if as_section { u64::MAX } else { 2000 };
        let evaluations = self.evaluations.or(given(settings.search_size)).unwrap_or(all);
        let seed = self.seed;
        let mut patience = Patience::default();
        if as_section && evaluations == u64::MAX {
            if settings.victory_condition == Some(0) {
                return Err(bad_input(
                    "mapper: with search-size and victory-condition 0 the search has no end\n  remedy: give one of them",
                ));
            }
            // The reference's default.
            patience.without_progress = 500;
        }
        let patience = Patience {
            invalid: given(settings.timeout).unwrap_or(patience.invalid),
            without_progress: given(settings.victory_condition).unwrap_or(patience.without_progress),
        };
        let mapper = match method {
            Method::Exact => Mapper::Exact { time_limit_ms: limit.map(|l| l.as_millis() as u64) },
            Method::Evolutionary => Mapper::Evolutionary { evaluations, seed },
            // A method asked for by name spends its whole budget.
            Method::Random if self.method.is_some() => Mapper::Random { evaluations, seed },
            Method::Random => Mapper::RandomUntil { evaluations, patience, seed },
            Method::Exhaustive => Mapper::Exhaustive { at_most: 10_000_000 },
        };
        let started = Instant::now();
        let mapped = match search(&model, &specification.constraints, goal, mapper, searches) {
            Ok(mapped) => mapped,
            Err(MapFailure::Invalid(error)) => return Err(bad_input(error)),
            Err(other) => return Err(other.into()),
        };
        let seconds = started.elapsed().as_secs_f64();
        let differences = self.counting.explain(&model, &mapped.mapping.nest)?;
        if self.json {
            let mut answer = json!({
                "counting": model.counting().name(),
                "cycles": mapped.cost.cycles,
                "energy_pj": mapped.cost.energy_pj,
                "edp_pj_cycles": mapped.cost.edp(),
                "mapping": mapped.mapping.to_string(),
                "mapping_yaml": mapped.mapping.to_yaml(),
                "seconds": seconds,
                "report": mapped.report,
            });
            match mapped.proof {
                Some(proof) => {
                    answer["proof"] = if proof.optimal {
                        json!({ "optimal": true })
                    } else {
                        json!({ "optimal": false, "gap": proof.gap, "lower_bound": proof.lower_bound })
                    };
                    answer["nodes"] = json!(mapped.evaluations);
                    answer["scope"] = json!(SCOPE);
                }
                None => answer["evaluations"] = json!(mapped.evaluations),
            }
            if let Some(differences) = differences {
                answer["differences"] = differences.json();
            }
            println!("{}", serde_json::to_string_pretty(&answer)?);
        } else {
            println!("{}", mapped.mapping);
            match mapped.proof {
                Some(p) if p.optimal => {
                    println!("optimal ({} steps, {seconds:.3} s; {SCOPE})", mapped.evaluations)
                }
                Some(p) => {
                    println!("at most {:.2} % above the optimum ({seconds:.3} s; {SCOPE})", p.gap * 100.0)
                }
                None => println!("{} mappings evaluated in {seconds:.3} s", mapped.evaluations),
            }
            crate::simulate::timeloop::print(&mapped.report);
            if let Some(differences) = differences {
                differences.print();
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Most independent searches of a `mapper:` section.
const MOST_SEARCHES: u64 = 256;

/// Independent searches with seeds of their own, their evaluations shared out; the best result, with all evaluations.
fn search(
    model: &Model,
    constraints: &Constraints,
    goal: Goal,
    mapper: Mapper,
    searches: u64,
) -> Result<MappedLayer, MapFailure> {
    let Mapper::RandomUntil { evaluations, patience, seed } = mapper else {
        return map_model(model, constraints, goal, mapper);
    };
    let one = |index: u64| {
        let share = evaluations / searches + u64::from(index < evaluations % searches);
        let seed = seed.wrapping_mul(MOST_SEARCHES).wrapping_add(index);
        map_model(model, constraints, goal, Mapper::RandomUntil { evaluations: share, patience, seed })
    };
    let next = AtomicU64::new(0);
    let workers = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64).min(searches);
    let mut results: Vec<(u64, Result<MappedLayer, MapFailure>)> = std::thread::scope(|scope| {
        let work = || {
            let mut done = Vec::new();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= searches.min(evaluations.max(1)) {
                    return done;
                }
                done.push((index, one(index)));
            }
        };
        let handles: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        handles
            .into_iter()
            .flat_map(|handle| handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    // The order of the searches decides between equals, not that of their ends.
    results.sort_by_key(|result| result.0);
    let mut best: Option<MappedLayer> = None;
    let (mut failure, mut total) = (None, 0);
    for (_, result) in results {
        match result {
            Ok(mapped) => {
                total += mapped.evaluations;
                if best.as_ref().is_none_or(|best| goal.better(&mapped.cost, &best.cost)) {
                    best = Some(mapped);
                }
            }
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    match (best, failure) {
        (Some(best), _) => Ok(MappedLayer { evaluations: total, ..best }),
        (None, Some(failure)) => Err(failure),
        (None, None) => map_model(model, constraints, goal, mapper),
    }
}

/// The method that a `mapper:` section asks for.
fn asked_method(settings: &MapperSettings) -> anyhow::Result<Method> {
    let Some(algorithm) = &settings.algorithm else { return Ok(Method::Evolutionary) };
    match algorithm.replace('-', "_").as_str() {
        "random" | "random_pruned" => Ok(Method::Random),
        "exhaustive" | "linear_pruned" => Ok(Method::Exhaustive),
        "hybrid" => Ok(Method::Evolutionary),
        _ => Err(bad_input(format!(
            "mapper: algorithm \"{algorithm}\" is not known\n  remedy: write random, random_pruned, linear_pruned, exhaustive or hybrid, or give --method"
        ))),
    }
}

/// The metric that a `mapper:` section puts first.
fn asked_metric(settings: &MapperSettings) -> anyhow::Result<Metric> {
    let Some(metric) = settings.metrics.first() else { return Ok(Metric::One(Goal::Edp)) };
    Goal::from_name(metric).map(Metric::One).ok_or_else(|| {
        bad_input(format!(
            "mapper: optimization metric \"{metric}\" is not known\n  remedy: write edp, energy or delay, or give --metric"
        ))
    })
}

/// What exactness covers.
const SCOPE: &str =
    "over all perfect factorisations, loop orders, mesh axes and open bypass choices; link transfers off";

fn pareto(
    specification: &Specification,
    model: &Model,
    limit: Option<Duration>,
    as_json: bool,
) -> anyhow::Result<ExitCode> {
    let started = Instant::now();
    let limits =
        specification.constraints.compile(&specification.architecture, &specification.problem).bad_input()?;
    let Front { points, complete, nodes } = front(model, &limits, limit).bad_input()?;
    if points.is_empty() {
        return Err(match explain(model, &limits).bad_input()? {
            Some(why) => why.into(),
            None => anyhow::anyhow!("no mapping found within the time limit"),
        });
    }
    let seconds = started.elapsed().as_secs_f64();
    let name = |nest| Mapping::new(nest, &specification.architecture, &specification.problem);
    if as_json {
        let list: Vec<Value> = points
            .iter()
            .map(|p| {
                let mapping = name(p.nest);
                json!({
                    "cycles": p.cost.cycles,
                    "energy_pj": p.cost.energy_pj,
                    "edp_pj_cycles": p.cost.edp(),
                    "mapping": mapping.to_string(),
                    "mapping_yaml": mapping.to_yaml(),
                })
            })
            .collect();
        let answer = json!({
            "front": list,
            "proof": { "optimal": complete },
            "nodes": nodes,
            "seconds": seconds,
            "scope": SCOPE,
        });
        println!("{}", serde_json::to_string_pretty(&answer)?);
    } else {
        for p in &points {
            println!("{:>14} cycles {:>16.3} uJ  {}", p.cost.cycles, p.cost.energy_pj / 1e6, name(p.nest));
        }
        let what = if complete { "the whole front" } else { "a part of the front" };
        println!("{what} ({nodes} steps, {seconds:.3} s; {SCOPE})");
    }
    Ok(ExitCode::SUCCESS)
}
