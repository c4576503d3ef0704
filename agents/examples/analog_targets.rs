//! How many simulations agents need until all targets of an amplifier are met.
//!
//! ```sh
//! cargo run --release -p hwgym-agents --example analog_targets -- --agent bayesian --agent 'model-based' --form both
//! cargo run --release -p hwgym-agents --example analog_targets -- --agent 'model-based (pretrained: "out/ss.json")' --sets A,B,C --budget 30
//! cargo run --release -p hwgym-agents --example analog_targets -- --agent model-based --agent multi-fidelity --sets slew --options '()'
//! ```
//!
//! `--circuit two-stage|folded`, `--sets default,A,B,C,slew` (the targets below), `--form targets|bounds|both`: the goal `Targets`, or the same limits as bounds
//! with least power as the goal; `--seeds 20`, `--first-seed 1`, `--budget 120`, `--batch 1`, `--options` (of the environment). Every simulation
//! counts, those of the initial design too, and those on a cheaper level as the share that the environment says. Runs are spread over the threads of rayon (`RAYON_NUM_THREADS`), and do not depend on them.

use std::time::Instant;

use hwgym_agents::{Evaluated, Problem, Registry};
use hwgym_envs::objective::Target;
use hwgym_envs::{Bound, Direction, Env, Fidelity, Goal, Objective, Options};
use rayon::prelude::*;

type Failure = Box<dyn std::error::Error + Send + Sync>;

const GAIN: &str = "gain_db";
const BANDWIDTH: &str = "unity_gain_bandwidth_hz";
const MARGIN: &str = "phase_margin_deg";
const POWER: &str = "power_w";
const NOISE_1K: &str = "input_noise_1khz_v_per_rthz";
const NOISE_1M: &str = "input_noise_1mhz_v_per_rthz";
const OFFSET: &str = "offset_v";
const AREA: &str = "area_um2";
const SLEW: &str = "slew_rate_v_per_s";

/// The sets of targets. `slew` is the environment's own, `default` that without the slew rate, which needs a transient analysis.
fn targets(circuit: &str, set: &str) -> Result<Vec<(&'static str, f64)>, Failure> {
    Ok(match (circuit, set) {
        ("two-stage", "default") => {
            vec![(GAIN, 60.0), (BANDWIDTH, 2e7), (MARGIN, 60.0), (POWER, 5e-4), (NOISE_1M, 2e-8)]
        }
        ("two-stage", "slew") => {
            vec![(GAIN, 60.0), (BANDWIDTH, 2e7), (MARGIN, 60.0), (POWER, 5e-4), (NOISE_1M, 2e-8), (SLEW, 1e7)]
        }
        ("two-stage", "A") => {
            vec![(GAIN, 78.0), (BANDWIDTH, 61e6), (MARGIN, 60.0), (POWER, 130e-6), (NOISE_1M, 13e-9)]
        }
        ("two-stage", "B") => vec![
            (GAIN, 77.0),
            (BANDWIDTH, 11e6),
            (MARGIN, 60.0),
            (POWER, 58e-6),
            (NOISE_1K, 79e-9),
            (AREA, 710.0),
        ],
        ("two-stage", "C") => vec![
            (GAIN, 60.0),
            (BANDWIDTH, 120e6),
            (MARGIN, 60.0),
            (POWER, 530e-6),
            (NOISE_1M, 10e-9),
            (OFFSET, 1.5e-3),
            (AREA, 1100.0),
        ],
        ("folded", "A") => vec![(GAIN, 73.0), (BANDWIDTH, 41e6), (MARGIN, 65.0), (POWER, 110e-6)],
        ("folded", "B") => vec![
            (GAIN, 76.0),
            (BANDWIDTH, 30e6),
            (MARGIN, 70.0),
            (POWER, 110e-6),
            (NOISE_1M, 19e-9),
            (AREA, 250.0),
        ],
        ("folded", "C") => vec![
            (GAIN, 60.0),
            (BANDWIDTH, 59e6),
            (MARGIN, 60.0),
            (POWER, 280e-6),
            (NOISE_1K, 110e-9),
            (OFFSET, 3e-3),
        ],
        _ => return Err(format!("no set `{set}` for `{circuit}`").into()),
    })
}

/// The targets as a goal, or as bounds.
fn objective(env: &dyn Env, targets: &[(&str, f64)], as_bounds: bool) -> Objective {
    if !as_bounds {
        let targets = targets.iter().map(|(metric, target)| Target {
            metric: (*metric).into(),
            target: *target,
            tolerance: 0.0,
        });
        return Objective::new("targets", vec![Goal::Targets(targets.collect())]);
    }
    let at_least = |name: &str| {
        env.metrics().iter().any(|metric| metric.name == name && metric.direction == Direction::Maximise)
    };
    let bounds = targets.iter().map(|(metric, limit)| match at_least(metric) {
        true => Bound::at_least(metric, *limit),
        false => Bound::at_most(metric, *limit),
    });
    Objective::new("bounds", vec![Goal::Minimise(POWER.into())]).with_bounds(bounds.collect())
}

/// Simulations until everything is met, if it was within the budget, and the agent's seconds per simulation.
fn run(
    env: &dyn Env,
    objective: &Objective,
    (id, options): (&str, &str),
    seed: u64,
    (budget, batch): (usize, usize),
) -> Result<(Option<f64>, f64), Failure> {
    let scorer = objective.scorer(env.metrics())?;
    let problem = Problem::of(env, objective, Some(budget))?;
    let mut agent = Registry::builtin().make(id, &Options::ron(options), &problem, seed)?;
    let levels = env.fidelities();
    let (mut count, mut cost, mut seconds) = (0, 0.0, 0.0);
    while cost < budget as f64 - 1e-9 {
        let clock = Instant::now();
        let designs = agent.ask(batch.min((budget as f64 - cost).ceil() as usize));
        seconds += clock.elapsed().as_secs_f64();
        if designs.is_empty() {
            break;
        }
        let level = agent.fidelity();
        let mut results = Vec::new();
        for design in designs {
            let outcome = env.evaluate(&design, level);
            let score = scorer.score(&outcome);
            count += 1;
            cost += levels[usize::from(level.0)].relative_cost;
            if score.is_met() && level == Fidelity::FULL {
                return Ok((Some(cost), seconds / count as f64));
            }
            results.push(Evaluated { design, outcome, score });
        }
        let clock = Instant::now();
        agent.tell(&results);
        seconds += clock.elapsed().as_secs_f64();
    }
    Ok((None, seconds / count.max(1) as f64))
}

fn main() -> Result<(), Failure> {
    let (mut agents, mut circuit, mut sets) = (Vec::new(), "two-stage".to_owned(), Vec::new());
    let (mut form, mut seeds, mut first, mut budget, mut batch) = ("targets".to_owned(), 20, 1, 120, 1);
    let mut options = "(transient: false)".to_owned();
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--agent" => agents.push(value),
            "--circuit" => circuit = value,
            "--sets" => sets = value.split(',').map(String::from).collect(),
            "--form" => form = value,
            "--seeds" => seeds = value.parse()?,
            "--first-seed" => first = value.parse()?,
            "--budget" => budget = value.parse()?,
            "--batch" => batch = value.parse()?,
            "--options" => options = value,
            other => return Err(format!("unknown argument `{other}`").into()),
        }
    }
    let forms: &[bool] = match form.as_str() {
        "targets" => &[false],
        "bounds" => &[true],
        "both" => &[false, true],
        other => return Err(format!("--form is targets, bounds or both, not `{other}`").into()),
    };
    let id = match circuit.as_str() {
        "two-stage" => "opamp-two-stage-v0",
        "folded" => "opamp-folded-cascode-v0",
        other => return Err(format!("--circuit is two-stage or folded, not `{other}`").into()),
    };
    if sets.is_empty() {
        sets = ["A", "B", "C"].map(String::from).to_vec();
        if circuit == "two-stage" {
            sets.insert(0, "default".into());
        }
    }
    let env = hwgym_envs::Registry::builtin().make(id, &Options::ron(options))?;
    println!(
        "{id}: simulations until all targets are met, {seeds} seeds from {first}, budget {budget}, batches of {batch}"
    );
    println!("| agent | form | set | median | lowest to highest | met | ms per proposal |");
    println!("|---|---|---|---|---|---|---|");
    for agent in &agents {
        let (id, hyperparameters) =
            agent.split_once(' ').map_or((agent.as_str(), "()"), |(id, rest)| (id, rest.trim()));
        for as_bounds in forms {
            for set in &sets {
                let objective = objective(&*env, &targets(&circuit, set)?, *as_bounds);
                let all: Vec<u64> = (first..first + seeds).collect();
                let runs = all
                    .into_par_iter()
                    .with_max_len(1)
                    .map(|seed| run(&*env, &objective, (id, hyperparameters), seed, (budget, batch)))
                    .collect::<Result<Vec<_>, _>>()?;
                let mut counts: Vec<f64> = runs.iter().map(|r| r.0.unwrap_or(f64::INFINITY)).collect();
                counts.sort_by(f64::total_cmp);
                let show = |count: f64| match count.is_finite() {
                    true => format!("{}", (100.0 * count).round() / 100.0),
                    false => format!(">{budget}"),
                };
                let n = counts.len();
                let median = 0.5 * (counts[(n - 1) / 2] + counts[n / 2]);
                let met = counts.iter().filter(|c| c.is_finite()).count();
                let ms = 1e3 * runs.iter().map(|r| r.1).sum::<f64>() / n as f64;
                println!(
                    "| {agent} | {} | {set} | {} | {} to {} | {met} of {n} | {ms:.1} |",
                    if *as_bounds { "bounds" } else { "targets" },
                    show(median),
                    show(counts[0]),
                    show(counts[n - 1])
                );
            }
        }
    }
    Ok(())
}
