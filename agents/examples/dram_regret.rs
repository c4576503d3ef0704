//! How soon agents find the exact optimum of the DRAM controller: regret against the enumerated truth, many seeds.
//!
//! ```sh
//! cargo run --release -p hwgym-agents --example dram_regret -- --agent ippo --agent ppo --agent genetic
//! cargo run --release -p hwgym-agents --example dram_regret -- --agent 'ppo (screen: 32)' --workloads bfs,matmul --seeds 8 --budget 500
//! ```
//!
//! Whole recorded workloads have known optima (`envs/docs/dram-optima.md`), and evaluations are shared between runs through a cache. With
//! `--tables DIR` spaces are enumerated there first (minutes each; kept and resumed) and evaluations looked up, which gives the same
//! numbers; `--requests 2000`, for parts of workloads, needs it. `--against AGENT` prints paired differences of the mean log10 regret to
//! 500 evaluations with 95 % bootstrap intervals over tasks and seeds; `--csv FILE` writes one line per run. Evaluations on a cheaper level
//! of fidelity count as the share that the environment says, and their results do not count at all.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use hwgym_agents::{Evaluated, Problem, Registry};
use hwgym_envs::dram_controller::{DramController, DramControllerOptions};
use hwgym_envs::enumerate::{Enumeration, Table};
use hwgym_envs::wrappers::Caching;
use hwgym_envs::{Design, Env, Fidelity, Guard, Options, Outcome, Random, Scorer, evaluate};
use rayon::prelude::*;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// One objective on one workload.
struct Task {
    name: String,
    env: Arc<dyn Env>,
    table: Option<Arc<Table>>,
    scorer: Scorer,
    /// The best reward there is.
    best: f64,
}

/// Regret after every evaluation, and what the run took.
struct Run {
    regret: Vec<f64>,
    agent_s: f64,
    evaluation_s: f64,
}

struct Settings {
    agents: Vec<(String, Options)>,
    workloads: Vec<String>,
    objectives: Vec<String>,
    requests: Option<u64>,
    space: String,
    seeds: u64,
    first_seed: u64,
    budget: usize,
    tables: Option<PathBuf>,
    against: Option<String>,
    csv: Option<PathBuf>,
}

fn main() -> Result<(), Failure> {
    let settings = Settings::read()?;
    let mut tasks = Vec::new();
    for workload in &settings.workloads {
        tasks.extend(settings.tasks(workload)?);
    }
    let registry = Registry::builtin();
    let mut lines = String::from(
        "agent,task,seed,mean_log10_regret,evaluations_to_tenth_percent,evaluations_to_optimum\n",
    );
    println!("{} tasks x {} seeds, {} evaluations", tasks.len(), settings.seeds, settings.budget);
    println!(
        "optimum @n: runs at the exact optimum after n evaluations; e: median evaluations until regret is 1 %, 0.1 %, 0"
    );
    println!(
        "lr: mean over evaluations of log10 regret (at least 1e-4), to 500 and to the end; ms: the agent's time per evaluation\n"
    );
    let mut all: Vec<(String, Vec<Vec<Run>>)> = Vec::new();
    for (label, options) in &settings.agents {
        let id = label.split_whitespace().next().unwrap_or_default();
        let jobs: Vec<(usize, u64)> =
            (0..tasks.len()).flat_map(|task| (0..settings.seeds).map(move |seed| (task, seed))).collect();
        let runs: Vec<Run> = jobs
            .par_iter()
            .with_max_len(1)
            .map(|(task, seed)| {
                run(&registry, id, options, &tasks[*task], settings.first_seed + seed, settings.budget)
            })
            .collect::<Result<_, Failure>>()?;
        let mut by_task: Vec<Vec<Run>> = tasks.iter().map(|_| Vec::new()).collect();
        for ((task, seed), run) in jobs.into_iter().zip(runs) {
            writeln!(
                lines,
                "\"{label}\",{},{},{:.4},{},{}",
                tasks[task].name,
                settings.first_seed + seed,
                mean_log(&run.regret[..run.regret.len().min(500)]),
                reached(&run.regret, 1e-3),
                reached(&run.regret, 0.0)
            )?;
            by_task[task].push(run);
        }
        report(label, &by_task, &tasks, settings.budget);
        all.push((label.clone(), by_task));
    }
    if let Some(path) = &settings.csv {
        std::fs::write(path, lines)?;
    }
    if let Some(reference) = &settings.against {
        let base =
            all.iter().find(|(label, _)| label == reference).ok_or("--against names an agent of the list")?;
        println!(
            "\nmean log10 regret to 500, less that of {reference} (paired; 95 % bootstrap over tasks and seeds)"
        );
        for (label, runs) in all.iter().filter(|(label, _)| label != reference) {
            let differences: Vec<Vec<f64>> = runs.iter().zip(&base.1).map(|(a, b)| paired(a, b)).collect();
            let (mean, low, high) = bootstrap(&differences);
            println!("  {label:34} {mean:+.3} [{low:+.3}, {high:+.3}]");
        }
    }
    Ok(())
}

impl Settings {
    fn read() -> Result<Self, Failure> {
        let mut settings = Self {
            agents: Vec::new(),
            workloads: vec!["bfs".into()],
            objectives: vec!["low-power".into(), "low-latency".into()],
            requests: None,
            space: "archgym".into(),
            seeds: 16,
            first_seed: 1,
            budget: 2000,
            tables: None,
            against: None,
            csv: None,
        };
        let list = |text: &str| text.split(',').map(String::from).collect();
        let mut arguments = std::env::args().skip(1);
        while let Some(name) = arguments.next() {
            let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
            match name.as_str() {
                "--agent" => {
                    let options = value.split_once(' ').map_or("()", |(_, options)| options.trim());
                    settings.agents.push((value.clone(), Options::ron(options)));
                }
                "--workloads" => settings.workloads = list(&value),
                "--objectives" => settings.objectives = list(&value),
                "--requests" => settings.requests = Some(value.parse()?),
                "--space" => settings.space = value,
                "--seeds" => settings.seeds = value.parse()?,
                "--first-seed" => settings.first_seed = value.parse()?,
                "--budget" => settings.budget = value.parse()?,
                "--tables" => settings.tables = Some(value.into()),
                "--against" => settings.against = Some(value),
                "--csv" => settings.csv = Some(value.into()),
                _ => return Err(format!("there is no option {name}; see the head of this file").into()),
            }
        }
        if settings.agents.is_empty() {
            return Err("name agents, such as: --agent ippo --agent 'ppo (screen: 32)'".into());
        }
        Ok(settings)
    }

    fn tasks(&self, workload: &str) -> Result<Vec<Task>, Failure> {
        let options = DramControllerOptions {
            workload: workload.into(),
            requests: self.requests,
            space: self.space.clone(),
            ..Default::default()
        };
        let bare: Arc<dyn Env> = Arc::new(DramController::new(&options, std::path::Path::new("."))?);
        let mut known = bare.known_optima()?;
        let mut table = None;
        if let Some(folder) = &self.tables {
            let requests = self.requests.map_or("whole".into(), |count| count.to_string());
            let folder = folder.join(format!("{workload}-{requests}"));
            let plan = Enumeration::plan(&bare)?;
            let complete = plan.run_in(&folder, |_| true)?.ok_or("the enumeration was stopped")?;
            known = Some(plan.optima(&complete)?);
            table = Some(Arc::new(complete));
        }
        let known = known.ok_or("no optimum is known here; give --tables DIR to enumerate the space")?;
        let env: Arc<dyn Env> = Arc::new(Caching::new(bare, 1 << 20));
        self.objectives
            .iter()
            .map(|name| {
                let objective = env.objectives().into_iter().find(|objective| objective.name == *name);
                let objective = objective.ok_or_else(|| format!("there is no objective {name}"))?;
                let best = known.objective(name).and_then(|known| known.best_reward());
                Ok(Task {
                    name: format!("{workload}/{name}"),
                    scorer: objective.scorer(env.metrics())?,
                    env: env.clone(),
                    table: table.clone(),
                    best: best.ok_or_else(|| format!("{name} has no single optimum"))?,
                })
            })
            .collect()
    }
}

impl Task {
    fn evaluate(&self, design: &Design, level: Fidelity) -> Outcome {
        let known = self
            .table
            .as_ref()
            .filter(|_| level == Fidelity::FULL)
            .and_then(|table| table.lookup(self.env.as_ref(), design));
        match known {
            Some(metrics) => Outcome::feasible(metrics),
            None => evaluate(&self.env, design, level, &Guard::UNLIMITED),
        }
    }
}

fn run(
    registry: &Registry,
    id: &str,
    options: &Options,
    task: &Task,
    seed: u64,
    budget: usize,
) -> Result<Run, Failure> {
    let levels = task.env.fidelities();
    let problem = Problem::new(Arc::new(task.env.space().clone()), &task.scorer, Some(budget));
    let problem = Problem { fidelities: levels.clone(), ..problem };
    let mut agent = registry.make(id, options, &problem, seed)?;
    let (mut regret, mut least) = (Vec::with_capacity(budget), f64::INFINITY);
    let (mut agent_s, mut evaluation_s, mut cost) = (0.0, 0.0, 0.0);
    while regret.len() < budget {
        let start = Instant::now();
        let designs = agent.ask(1);
        agent_s += start.elapsed().as_secs_f64();
        if designs.is_empty() {
            break;
        }
        let level = agent.fidelity();
        for design in designs {
            let start = Instant::now();
            let outcome = task.evaluate(&design, level);
            evaluation_s += start.elapsed().as_secs_f64();
            let score = task.scorer.score(&outcome);
            if let Some(reward) = score.reward().filter(|_| score.is_feasible() && level == Fidelity::FULL) {
                least = least.min((reward / task.best - 1.0).abs());
            }
            cost += levels[usize::from(level.0)].relative_cost;
            // A fraction that was spent counts as a whole one.
            while regret.len() < budget && (regret.len() as f64) < cost - 1e-9 {
                regret.push(least);
            }
            let start = Instant::now();
            agent.tell(&[Evaluated { design, outcome, score }]);
            agent_s += start.elapsed().as_secs_f64();
        }
    }
    regret.resize(budget, least);
    Ok(Run { regret, agent_s, evaluation_s })
}

/// The evaluation after which regret is this small; one more than there are if it never is.
fn reached(regret: &[f64], limit: f64) -> usize {
    regret.iter().position(|regret| *regret <= limit).map_or(regret.len() + 1, |index| index + 1)
}

fn mean_log(regret: &[f64]) -> f64 {
    regret.iter().map(|regret| regret.clamp(1e-4, 10.0).log10()).sum::<f64>() / regret.len().max(1) as f64
}

fn median(mut numbers: Vec<usize>) -> usize {
    numbers.sort_unstable();
    numbers.get(numbers.len() / 2).copied().unwrap_or(0)
}

fn report(label: &str, by_task: &[Vec<Run>], tasks: &[Task], budget: usize) {
    let runs: Vec<&Run> = by_task.iter().flatten().collect();
    let at = |count: usize| {
        let optimal = runs.iter().filter(|run| run.regret[count.min(budget) - 1] == 0.0).count();
        format!("{optimal}/{}", runs.len())
    };
    let e = |limit: f64| median(runs.iter().map(|run| reached(&run.regret, limit)).collect());
    let lr = |count: usize| {
        runs.iter().map(|run| mean_log(&run.regret[..count.min(budget)])).sum::<f64>() / runs.len() as f64
    };
    let ms = |seconds: &dyn Fn(&Run) -> f64| {
        1e3 * runs.iter().map(|run| seconds(run)).sum::<f64>() / (runs.len() * budget) as f64
    };
    println!(
        "{label:34} optimum @200 {:>7} @500 {:>7} @{budget} {:>7}  e {:>4} {:>4} {:>4}  lr {:.2} {:.2}  ms {:.2} (evaluation {:.2})",
        at(200),
        at(500),
        at(budget),
        e(1e-2),
        e(1e-3),
        e(0.0),
        lr(500),
        lr(budget),
        ms(&|run| run.agent_s),
        ms(&|run| run.evaluation_s),
    );
    for (task, runs) in tasks.iter().zip(by_task) {
        let e = median(runs.iter().map(|run| reached(&run.regret, 0.0)).collect());
        let optimal = runs.iter().filter(|run| run.regret[499.min(budget - 1)] == 0.0).count();
        println!(
            "    {:28} optimum @500 {optimal}/{}, median evaluations to the optimum {e}",
            task.name,
            runs.len()
        );
    }
}

/// Per seed, the difference of mean log10 regret to 500.
fn paired(a: &[Run], b: &[Run]) -> Vec<f64> {
    let to = |run: &Run| mean_log(&run.regret[..run.regret.len().min(500)]);
    a.iter().zip(b).map(|(a, b)| to(a) - to(b)).collect()
}

/// Mean and 95 % interval, resampling tasks and then seeds within each.
fn bootstrap(differences: &[Vec<f64>]) -> (f64, f64, f64) {
    let mean = |numbers: &[f64]| numbers.iter().sum::<f64>() / numbers.len().max(1) as f64;
    let all: Vec<f64> = differences.iter().flatten().copied().collect();
    let mut random = Random::derived(1, "bootstrap");
    let mut means: Vec<f64> = (0..4000)
        .map(|_| {
            let of_tasks: Vec<f64> = (0..differences.len())
                .map(|_| {
                    let seeds = &differences[random.below(differences.len())];
                    mean(&seeds.iter().map(|_| seeds[random.below(seeds.len())]).collect::<Vec<_>>())
                })
                .collect();
            mean(&of_tasks)
        })
        .collect();
    means.sort_by(f64::total_cmp);
    (mean(&all), means[means.len() / 40], means[means.len() - 1 - means.len() / 40])
}
