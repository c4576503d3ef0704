//! How far from optimal are mappers? The tables of `experiments/docs/mappers.md`:
//! `cargo run --release -p hwgym-experiments --no-default-features --example mappers -- mappers.svg`
//! (the file is where the plot goes; PNG and SVG are written).
//!
//! Part one maps every layer of the shipped networks onto three architectures with each heuristic and three seeds, and compares with
//! the proven optimum. Part two draws designs of `accelerator-eyeriss-v0` and asks how often a heuristic mapper gets the order of two
//! of them wrong.
use std::error::Error;
use std::path::Path;

use hwgym_accelerator::mapper::{Goal, MapFailure, Mapper, map_model};
use hwgym_accelerator::networks::Network;
use hwgym_accelerator::timeloop::{Counting, Model, Specification};
use hwgym_accelerator::workload::Problem;
use hwgym_envs::{Design, Env, Fidelity, Options, Outcome, Random, Registry};
use hwgym_experiments::plot::{Panel, Sample, distribution};
use hwgym_experiments::statistics::quantile;
use rayon::prelude::*;

const ARCHITECTURES: [&str; 3] = ["eyeriss168", "ws256", "os64"];
const SEEDS: u64 = 3;
/// Designs compared pairwise.
const DESIGNS: usize = 40;
const RESAMPLES: usize = 2000;
/// Milliseconds after which a layer without a proof is left out.
const TIME_LIMIT_MS: u64 = 20_000;

/// A heuristic by its name, as a mapper and as the environment's option.
struct Heuristic {
    name: &'static str,
    mapper: fn(u64) -> Mapper,
    option: fn(u64) -> String,
}

const HEURISTICS: [Heuristic; 3] = [
    Heuristic {
        name: "random-pruned, 500",
        mapper: |seed| Mapper::Random { evaluations: 500, seed },
        option: |seed| format!("Random(evaluations: 500, seed: {seed})"),
    },
    Heuristic {
        name: "random-pruned, 2,000",
        mapper: |seed| Mapper::Random { evaluations: 2000, seed },
        option: |seed| format!("Random(evaluations: 2000, seed: {seed})"),
    },
    Heuristic {
        name: "evolutionary, 2,000",
        mapper: |seed| Mapper::Evolutionary { evaluations: 2000, seed },
        option: |seed| format!("Evolutionary(evaluations: 2000, seed: {seed})"),
    },
];

fn main() -> Result<(), Box<dyn Error>> {
    let plot = std::env::args().nth(1);
    let layers = layers()?;
    println!(
        "{} layers of {} networks, {SEEDS} seeds, EDP over the optimum\n",
        layers.len(),
        Network::names().count()
    );
    println!(
        "| architecture | mapper | median (95 % interval) | mean | 90th percentile | worst | within 1 % | none found |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    let mut panels = Vec::new();
    for architecture in ARCHITECTURES {
        panels.push(gaps(architecture, &layers)?);
    }
    println!();
    rankings()?;
    if let Some(path) = plot {
        distribution(Path::new(&path), &panels)?;
    }
    Ok(())
}

/// The layers of all shipped networks that differ in more than their name.
fn layers() -> Result<Vec<Problem>, Box<dyn Error>> {
    let mut layers: Vec<Problem> = Vec::new();
    for name in Network::names() {
        for (mut problem, _) in Network::builtin(name)?.problems()? {
            problem.name = "layer".into();
            if !layers.contains(&problem) {
                layers.push(problem);
            }
        }
    }
    Ok(layers)
}

/// One row per heuristic; returns the curves of the plot.
fn gaps(architecture: &str, layers: &[Problem]) -> Result<Panel, Box<dyn Error>> {
    let base = concat!(env!("CARGO_MANIFEST_DIR"), "/../simulators/accelerator/examples");
    let mut files =
        vec![format!("{base}/{architecture}/arch.yaml"), format!("{base}/problems/resnet18_l1.yaml")];
    for constraints in ["bypass.yaml", "row_stationary.yaml"] {
        let path = format!("{base}/{architecture}/{constraints}");
        if Path::new(&path).exists() {
            files.push(path);
        }
    }
    let spec = Specification::from_files(&files)?;
    // Timeloop's counts, as the mappers that are compared with have them.
    let model = |problem: &Problem| {
        Model::with_counting(spec.architecture.clone(), problem.clone(), Counting::Timeloop)
    };
    let map =
        |problem: &Problem, mapper: Mapper| map_model(&model(problem)?, &spec.constraints, Goal::Edp, mapper);
    let edp = |problem: &Problem, mapper: Mapper| match map(problem, mapper) {
        Ok(mapped) => Ok(mapped.proof.is_none_or(|p| p.optimal).then(|| mapped.cost.edp())),
        Err(MapFailure::NotFound(_)) => Ok(Some(f64::INFINITY)),
        Err(other) => Err(other.to_string()),
    };
    // By layer, heuristic and seed: EDP over the optimum.
    let ratios: Vec<Option<Vec<Vec<f64>>>> = layers
        .par_iter()
        .map(|problem| {
            let Some(best) = edp(problem, Mapper::Exact { time_limit_ms: Some(TIME_LIMIT_MS) })? else {
                return Ok(None);
            };
            let of = |heuristic: &Heuristic| {
                let seeds = (0..SEEDS)
                    .map(|seed| Ok(edp(problem, (heuristic.mapper)(seed))?.unwrap_or(f64::NAN) / best));
                seeds.collect::<Result<Vec<f64>, String>>()
            };
            HEURISTICS.iter().map(of).collect::<Result<Vec<_>, String>>().map(Some)
        })
        .collect::<Result<_, String>>()?;
    let proven: Vec<Vec<Vec<f64>>> = ratios.into_iter().flatten().collect();
    let mut panel = Panel {
        name: format!("{architecture}, {} layers", proven.len()),
        quantity: "EDP over the optimum".into(),
        ..Panel::default()
    };
    for (at, heuristic) in HEURISTICS.iter().enumerate() {
        let by_layer: Vec<&[f64]> = proven.iter().map(|layer| layer[at].as_slice()).collect();
        let values = sorted(by_layer.iter().copied().flatten().copied());
        let found: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
        let median = |sample: &[usize]| {
            quantile(
                &sorted(sample.iter().flat_map(|&layer| by_layer[layer]).copied().filter(|v| v.is_finite())),
                0.5,
            )
        };
        let (low, high) = interval(by_layer.len(), "gaps", median);
        let percent = |ratio: f64| (ratio - 1.0) * 100.0;
        println!(
            "| {architecture} | {} | {:.1} % ({:.1} to {:.1}) | {:.1} % | {:.1} % | {:.0} % | {:.1} % | {:.1} % |",
            heuristic.name,
            percent(quantile(&found, 0.5)),
            percent(low),
            percent(high),
            percent(found.iter().sum::<f64>() / found.len() as f64),
            percent(quantile(&found, 0.9)),
            percent(found.last().copied().unwrap_or(f64::NAN)),
            100.0 * values.iter().filter(|&&v| v <= 1.01).count() as f64 / values.len() as f64,
            100.0 * (1.0 - found.len() as f64 / values.len() as f64),
        );
        panel.samples.push(Sample { name: heuristic.name.into(), values });
    }
    if proven.len() < layers.len() {
        println!(
            "| {architecture} | exact | {} layers left out: no proof in time | | | | | |",
            layers.len() - proven.len()
        );
    }
    Ok(panel)
}

/// How often a heuristic orders two designs of `accelerator-eyeriss-v0` wrongly by the EDP of AlexNet's convolutions.
fn rankings() -> Result<(), Box<dyn Error>> {
    let registry = Registry::builtin();
    let make = |mapper: &str| {
        registry.make("accelerator-eyeriss-v0", &Options::ron(format!("(mapper: {mapper}, metric: Edp)")))
    };
    let exact = make("Exact")?;
    let at =
        exact.metrics().iter().position(|m| m.name == "edp_uj_cycle").ok_or("no EDP among the metrics")?;
    let mut random = Random::derived(1, "designs of the ranking");
    let mut designs: Vec<Design> = Vec::new();
    let mut truth: Vec<f64> = Vec::new();
    while designs.len() < DESIGNS {
        let design = exact.space().sample(&mut random);
        if let Outcome::Feasible { metrics } = exact.evaluate(&design, Fidelity::FULL) {
            truth.push(metrics[at]);
            designs.push(design);
        }
    }
    println!(
        "{DESIGNS} random designs of accelerator-eyeriss-v0, all pairs, {SEEDS} seeds: share of pairs in the wrong order\n"
    );
    println!(
        "| mapper | all pairs (95 % interval) | within 5 % | 5 to 20 % | 20 to 100 % | beyond | best design of all missed | none found |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    let best = |values: &[f64]| (0..values.len()).min_by(|&a, &b| values[a].total_cmp(&values[b]));
    for heuristic in &HEURISTICS {
        let mut by_seed: Vec<Vec<f64>> = Vec::new();
        for seed in 0..SEEDS {
            let env = make(&(heuristic.option)(seed))?;
            by_seed.push(
                designs
                    .par_iter()
                    .map(|design| measured(env.as_ref(), design, at))
                    .collect::<Result<_, _>>()?,
            );
        }
        // Pairs of the sample, those in the wrong order among them, by how far apart they are.
        let wrong = |sample: &[usize], low: f64, high: f64| {
            let (mut pairs, mut wrong) = (0, 0);
            for (i, &a) in sample.iter().enumerate() {
                for &b in &sample[..i] {
                    let apart = truth[a].max(truth[b]) / truth[a].min(truth[b]) - 1.0;
                    if apart == 0.0 || apart < low || apart >= high {
                        continue;
                    }
                    pairs += SEEDS as usize;
                    let order = |v: &Vec<f64>| v[a].partial_cmp(&v[b]) == truth[a].partial_cmp(&truth[b]);
                    wrong += by_seed.iter().filter(|v| !order(v)).count();
                }
            }
            100.0 * wrong as f64 / pairs.max(1) as f64
        };
        let all: Vec<usize> = (0..designs.len()).collect();
        let (low, high) = interval(designs.len(), "rankings", |sample| wrong(sample, 0.0, f64::INFINITY));
        let missed = by_seed.iter().filter(|v| best(v) != best(&truth)).count();
        let none = by_seed.iter().flatten().filter(|v| v.is_infinite()).count();
        println!(
            "| {} | {:.1} % ({low:.1} to {high:.1}) | {:.1} % | {:.1} % | {:.1} % | {:.1} % | {missed} of {SEEDS} | {:.1} % |",
            heuristic.name,
            wrong(&all, 0.0, f64::INFINITY),
            wrong(&all, 0.0, 0.05),
            wrong(&all, 0.05, 0.2),
            wrong(&all, 0.2, 1.0),
            wrong(&all, 1.0, f64::INFINITY),
            100.0 * none as f64 / (designs.len() * SEEDS as usize) as f64,
        );
    }
    Ok(())
}

/// The EDP of a design, infinite where the mapper found nothing.
fn measured(env: &dyn Env, design: &Design, at: usize) -> Result<f64, String> {
    match env.evaluate(design, Fidelity::FULL) {
        Outcome::Feasible { metrics } => Ok(metrics[at]),
        Outcome::Infeasible { .. } => Ok(f64::INFINITY),
        other => Err(format!("{other:?}")),
    }
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

/// 95 % percentile bootstrap of a statistic over resampled indices below `count`.
fn interval(count: usize, stream: &str, statistic: impl Fn(&[usize]) -> f64) -> (f64, f64) {
    let mut random = Random::derived(1, stream);
    let mut sample = vec![0; count];
    let resampled = (0..RESAMPLES).map(|_| {
        sample.fill_with(|| random.below(count));
        statistic(&sample)
    });
    let values = sorted(resampled);
    (quantile(&values, 0.025), quantile(&values, 0.975))
}
