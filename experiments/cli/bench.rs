//! `hwgym bench`: what agents are worth on the tasks of a suite.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::Registries;
use crate::arguments::CacheFolderArgs;
use crate::envs::number::significant;
use crate::experiments::suite::{AgentResult, Benchmark, Known, Part, Suite, SuiteTask};
use crate::experiments::{Access, InputSource, Report, Store, Study};
use crate::failure::bad_input;

/// Run agents on the tasks of a suite, and say how many they solve, how soon, and how far they stay from the best that is known
///
/// The directory is that of a study like any other: the same command goes on where it was stopped, and `hwgym report DIR` draws it.
#[derive(clap::Args)]
pub struct BenchArgs {
    /// The suite: `hardware-24`, or a RON file
    #[arg(long, default_value = "hardware-24")]
    suite: String,
    /// Ids of agents, separated by commas
    #[arg(long, value_delimiter = ',', default_value = "random")]
    agents: Vec<String>,
    /// A further agent with its hyperparameters, as in a study: `(id: "genetic", label: "small", hyperparameters: (population: 8))`
    #[arg(long, value_name = "RON")]
    agent: Vec<String>,
    /// Which tasks: choose constants on `tuning`, and say how good they are on `reporting`
    #[arg(long, value_enum, default_value_t = PartName::Reporting)]
    part: PartName,
    /// Only these tasks, separated by commas
    #[arg(long, value_delimiter = ',')]
    tasks: Vec<String>,
    /// Searches per task and agent
    #[arg(long, default_value_t = 5)]
    seeds: usize,
    /// Evaluations per search
    #[arg(long, default_value_t = 1000)]
    budget: usize,
    /// Directory of records and tables [default: out/bench-SUITE, or out/bench-SUITE-2 and so on]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Searches that run at the same time; 0 for one per processor. The results are the same
    #[arg(short, long, default_value_t = 0)]
    jobs: usize,
    /// Only list the tasks
    #[arg(long)]
    list: bool,
    #[command(flatten)]
    cache: CacheFolderArgs,
}

#[derive(Clone, Copy, PartialEq, clap::ValueEnum)]
enum PartName {
    Tuning,
    Reporting,
    All,
}

impl BenchArgs {
    pub fn run(self, registries: &Registries) -> anyhow::Result<ExitCode> {
        let suite = Suite::load(&self.suite)?;
        let tasks = self.chosen(&suite)?;
        if self.list {
            list(&tasks);
            return Ok(ExitCode::SUCCESS);
        }
        let agents: Vec<String> = self.agents.iter().chain(&self.agent).cloned().collect();
        let text = suite.study(&tasks, &agents, self.seeds, self.budget);
        let file = PathBuf::from(format!("bench-{}.ron", suite.name));
        let study = Study::read(text, &file, registries)?;
        let directory = self.out.unwrap_or_else(|| crate::run::free(&Path::new("out").join(&study.name)));
        let (store, mut study) = if directory.exists() {
            let (store, old) = Store::resume(&directory, registries, Access::Alone, InputSource::Original)?;
            if old.hash() != study.hash() {
                let directory = directory.display();
                return Err(bad_input(format!(
                    "{directory} holds another benchmark: other agents, tasks, seeds or budget; choose another `--out`"
                )));
            }
            (store, old)
        } else {
            (Store::create(&directory, &study, registries)?, study)
        };
        crate::run::share_results(&mut study, &store, &self.cache)?;
        let finished = crate::run::execute(&study, &store, &study.trials(), self.jobs)?;
        if let Some(code) = crate::run::exit_code(&finished, &store) {
            return Ok(code);
        }
        let report = Report::of(&store, false)?;
        let benchmark = Benchmark::of(&report, &tasks);
        let page = page(&suite, &tasks, &benchmark, self.seeds, self.budget);
        print!("{page}");
        for (name, bytes) in
            [("bench.md", page.into_bytes()), ("bench.json", serde_json::to_vec_pretty(&benchmark)?)]
        {
            let path = directory.join(name);
            std::fs::write(&path, bytes).map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))?;
            eprintln!("{}", path.display());
        }
        Ok(ExitCode::SUCCESS)
    }

    fn chosen<'a>(&self, suite: &'a Suite) -> anyhow::Result<Vec<&'a SuiteTask>> {
        if let Some(unknown) =
            self.tasks.iter().find(|name| suite.tasks.iter().all(|task| task.name != **name))
        {
            let names: Vec<&str> = suite.tasks.iter().map(|task| task.name.as_str()).collect();
            return Err(bad_input(format!(
                "suite `{}` has no task `{unknown}`; its tasks are: {}",
                suite.name,
                names.join(", ")
            )));
        }
        let part = |task: &&SuiteTask| match self.part {
            PartName::All => true,
            PartName::Tuning => task.part == Part::Tuning,
            PartName::Reporting => task.part == Part::Reporting,
        };
        let named = |task: &&SuiteTask| self.tasks.contains(&task.name);
        Ok(if self.tasks.is_empty() {
            suite.tasks.iter().filter(part).collect()
        } else {
            suite.tasks.iter().filter(named).collect()
        })
    }
}

fn known(known: Known) -> &'static str {
    match known {
        Known::Optimum => "optimum",
        Known::Bound => "bound",
        Known::Best => "best of long searches",
    }
}

fn list(tasks: &[&SuiteTask]) {
    let mut table = crate::env::plain_table();
    table.add_row(["task", "for", "environment", "objective", "best value", "known as", "solved within"]);
    for task in tasks {
        let part = if task.part == Part::Tuning { "tuning" } else { "reporting" };
        table.add_row([
            task.name.clone(),
            part.into(),
            task.id.clone(),
            task.objective.clone(),
            significant(task.best, 6),
            known(task.known).into(),
            percent(task.within),
        ]);
    }
    println!("{table}");
}

fn percent(share: f64) -> String {
    if share.is_finite() { format!("{} %", significant(100.0 * share, 3)) } else { "-".into() }
}

fn evaluations(number: Option<f64>) -> String {
    number.filter(|n| n.is_finite()).map_or("-".into(), |n| significant(n, 3))
}

/// The tables in Markdown, which reads well on a terminal too.
fn page(suite: &Suite, tasks: &[&SuiteTask], benchmark: &Benchmark, seeds: usize, budget: usize) -> String {
    let mut page = format!(
        "Suite {}, version {}: {} tasks, {seeds} searches of {budget} evaluations each.\n\n\
         | agent | solved | 95 % interval | mean rank | median evaluations to solve | median regret |\n|---|---|---|---|---|---|\n",
        suite.name,
        suite.version,
        benchmark.tasks.len(),
    );
    for (agent, overall) in benchmark.agents.iter().zip(&benchmark.overall) {
        let (value, low, high) = overall.solved;
        let _ = writeln!(
            page,
            "| {agent} | {} | {} to {} | {:.2} | {} | {} |",
            percent(value),
            percent(low),
            percent(high),
            overall.rank,
            evaluations(Some(overall.evaluations)),
            percent(overall.regret)
        );
    }
    if let Some(difference) = benchmark.critical_difference {
        let _ = writeln!(page, "\nMean ranks differ at the 5 % level by {difference:.2} or more (Nemenyi).");
    }
    let heads: String = benchmark.agents.iter().map(|agent| format!(" {agent} |")).collect();
    let lines = "---|".repeat(benchmark.agents.len());
    let _ = writeln!(page, "\n| task | best known |{heads}\n|---|---|{lines}");
    for (task, result) in tasks.iter().zip(&benchmark.tasks) {
        let cells: String = result.agents.iter().map(|agent| format!(" {} |", cell(agent))).collect();
        let best = format!("{} ({})", significant(task.best, 6), known(task.known));
        let _ = writeln!(page, "| {} | {best} |{cells}", task.name);
    }
    page.push_str(
        "\nOf each task and agent: searches that solved it, expected evaluations until one does (- if none did), median regret: the relative \
         distance of the best found value to the best known one.\n",
    );
    let better = tasks.iter().zip(&benchmark.tasks).filter(|(_, result)| {
        result.agents.iter().any(|agent| agent.regret.is_some_and(|regret| regret < -1e-9))
    });
    for (task, _) in better {
        let _ = writeln!(page, "\n{}: something better than the best known value was found.", task.name);
    }
    page
}

fn cell(agent: &AgentResult) -> String {
    let reached = agent.reached;
    let regret = agent.regret.map_or("nothing feasible".into(), percent);
    format!("{}/{}, {}, {regret}", reached.met, reached.runs, evaluations(reached.expected_evaluations))
}
