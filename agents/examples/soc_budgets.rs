//! How many evaluations agents need until a system on chip keeps its budgets of latency, power and area.
//!
//!     cargo run --release -p hwgym-agents --example soc_budgets -- [--agents farsi,genetic] [--seeds 20] [--budget 500] [--compat]

use std::error::Error;

use hwgym_agents::{Evaluated, Problem, Registry};
use hwgym_envs::{Env, Fidelity, Objective, Options};
use rayon::prelude::*;

const WORKLOADS: [&str; 3] = ["audio_decoder", "edge_detection", "hpvm_cava"];

/// A design whose distance is below this keeps all budgets.
const KEPT: f64 = 1e-8;

type Failure = Box<dyn Error + Send + Sync>;

/// Evaluations until the budgets were kept, if they were, and the least distance.
fn search(
    env: &dyn Env,
    objective: &Objective,
    agent: &str,
    seed: u64,
    budget: usize,
) -> Result<(Option<usize>, f64), Failure> {
    let problem = Problem::of(env, objective, Some(budget))?;
    let scorer = objective.scorer(env.metrics())?;
    let distance = env.metrics().iter().position(|metric| metric.name == "distance").ok_or("no distance")?;
    let (id, options) = match agent {
        "farsi-unaware" => ("farsi", Options::ron("(awareness: Random)")),
        id => (id, Options::none()),
    };
    let mut agent = Registry::builtin().make(id, &options, &problem, seed)?;
    let (mut count, mut first, mut least) = (0, None, f64::INFINITY);
    while count < budget {
        let designs = agent.ask(1);
        if designs.is_empty() {
            break;
        }
        let mut results = Vec::new();
        for design in designs {
            count += 1;
            let outcome = env.evaluate(&design, Fidelity::FULL);
            if let Some(metrics) = outcome.metrics() {
                least = least.min(metrics[distance]);
                if least < KEPT {
                    first = first.or(Some(count));
                }
            }
            let score = scorer.score(&outcome);
            results.push(Evaluated { design, outcome, score });
        }
        agent.tell(&results);
    }
    Ok((first, least))
}

fn main() -> Result<(), Failure> {
    let (mut agents, mut seeds, mut budget, mut compat) =
        ("farsi,farsi-unaware,genetic,simulated-annealing,hill-climber,random".to_owned(), 20, 500, false);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--agents" => agents = value()?,
            "--seeds" => seeds = value()?.parse()?,
            "--budget" => budget = value()?.parse()?,
            "--compat" => compat = true,
            other => {
                return Err(format!("unknown argument {other}; see the first lines of this example").into());
            }
        }
    }
    println!(
        "| task graph | agent | budgets kept | evaluations, median | worst | distance at the end, median |"
    );
    println!("|---|---|---|---|---|---|");
    for workload in WORKLOADS {
        let options = Options::ron(format!("(workload: \"{workload}\", farsi_compat: {compat})"));
        let env = hwgym_envs::Registry::builtin().make("soc-v0", &options)?;
        let objective = env.objectives().into_iter().next().ok_or("no objective")?;
        for agent in agents.split(',') {
            let results: Result<Vec<_>, Failure> = (0..seeds)
                .into_par_iter()
                .map(|seed| search(&*env, &objective, agent, seed, budget))
                .collect();
            let results = results?;
            let mut firsts: Vec<usize> =
                results.iter().map(|result| result.0.unwrap_or(usize::MAX)).collect();
            let mut least: Vec<f64> = results.iter().map(|result| result.1).collect();
            firsts.sort_unstable();
            least.sort_by(f64::total_cmp);
            let kept = firsts.iter().filter(|first| **first != usize::MAX).count();
            let word = |first: usize| if first == usize::MAX { "-".to_owned() } else { first.to_string() };
            let middle = results.len() / 2;
            let (median, worst) = (word(firsts[middle]), word(firsts[results.len() - 1]));
            println!(
                "| {workload} | `{agent}` | {kept} of {seeds} | {median} | {worst} | {:.3} |",
                least[middle]
            );
        }
    }
    Ok(())
}
