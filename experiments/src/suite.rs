//! Suites: fixed tasks with known values, on which an agent's author finds out what the agent is worth.
//!
//! A suite is a RON file: versioned tasks, each an environment with options and one goal, the best value that is known of it, where that is from,
//! and how near to it a search has to come to have solved the task. Tasks are for tuning or for reporting, never both.

use std::path::Path;

use hwgym_envs::options::{explain, reader};
use hwgym_envs::random::derive_seed;
use ron::value::RawValue;
use serde::{Deserialize, Serialize};

use crate::report::{ContestantReport, TaskReport};
use crate::statistics::{Estimate, Ranking, Reached, TargetOutcome, quantile, stratified_bootstrap};
use crate::{Report, StudyError};

/// Suites that the program brings along: name and text.
const BUILTIN: [(&str, &str); 1] = [("hardware-24", include_str!("../suites/hardware-24.ron"))];

/// Resamples of the intervals.
const RESAMPLES: usize = 2000;

/// A set of tasks.
#[derive(Clone, Debug, PartialEq)]
pub struct Suite {
    /// Its name.
    pub name: String,
    /// Its version: what is measured with one does not compare with another.
    pub version: u32,
    /// What it is for.
    pub description: String,
    /// The tasks.
    pub tasks: Vec<SuiteTask>,
}

/// One task.
#[derive(Clone, Debug, PartialEq)]
pub struct SuiteTask {
    /// Its name.
    pub name: String,
    /// What it may be used for.
    pub part: Part,
    /// Id of the environment.
    pub id: String,
    /// Its options, in RON.
    pub options: String,
    /// Name of the objective, which has one goal.
    pub objective: String,
    /// The best value that is known, in the unit of the goal.
    pub best: f64,
    /// How it is known.
    pub known: Known,
    /// Where it is from: a command, or searches.
    pub source: String,
    /// A search has solved the task within this relative distance of `best`.
    pub within: f64,
}

/// What a task may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum Part {
    /// Choosing constants of agents.
    Tuning,
    /// Saying how good they are.
    Reporting,
}

/// How the best value of a task is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum Known {
    /// Every design was evaluated, or nothing better can be.
    Optimum,
    /// Nothing can be better; whether it can be reached is not known.
    Bound,
    /// The best that long searches found; something better may be there.
    Best,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SuiteFile<'a> {
    name: String,
    version: u32,
    description: String,
    #[serde(borrow)]
    tasks: Vec<TaskFile<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TaskFile<'a> {
    name: String,
    part: Part,
    id: String,
    #[serde(borrow)]
    options: &'a RawValue,
    objective: String,
    best: f64,
    known: Known,
    source: String,
    within: f64,
}

impl Suite {
    /// A suite of the program by name, or that of a file. Errors: there is neither, or it does not read.
    pub fn load(name: &str) -> Result<Self, StudyError> {
        if let Some((_, text)) = BUILTIN.iter().find(|(known, _)| *known == name) {
            return Self::read(text, Path::new(name));
        }
        let path = Path::new(name);
        let text = std::fs::read_to_string(path).map_err(|error| {
            let known: Vec<&str> = BUILTIN.iter().map(|(known, _)| *known).collect();
            let message = format!("{error}; suites of the program are: {}", known.join(", "));
            StudyError::Input { path: path.into(), source: std::io::Error::new(error.kind(), message) }
        })?;
        Self::read(&text, path)
    }

    fn read(text: &str, path: &Path) -> Result<Self, StudyError> {
        let file: SuiteFile = reader().from_str(text).map_err(|error| StudyError::Study {
            location: format!("{}:{}:{}", path.display(), error.span.start.line, error.span.start.col),
            message: explain(&error.code),
        })?;
        let wrong = |message: String| StudyError::Study { location: path.display().to_string(), message };
        let mut tasks: Vec<SuiteTask> = Vec::new();
        for task in file.tasks {
            let TaskFile { name, part, id, options, objective, best, known, source, within } = task;
            if !(best.is_finite() && within.is_finite() && within >= 0.0) {
                return Err(wrong(format!(
                    "task `{name}`: `best` and `within` are finite, `within` is not below 0"
                )));
            }
            if tasks.iter().any(|task| task.name == name) {
                return Err(wrong(format!("two tasks are called `{name}`")));
            }
            let options = options.get_ron().trim().to_string();
            tasks.push(SuiteTask { name, part, id, options, objective, best, known, source, within });
        }
        let SuiteFile { name, version, description, .. } = file;
        Ok(Self { name, version, description, tasks })
    }

    /// The text of a study of these tasks with these agents, each an id or an entry of a study file in RON.
    pub fn study(&self, tasks: &[&SuiteTask], agents: &[String], seeds: usize, budget: usize) -> String {
        let environments = tasks.iter().map(|task| {
            let SuiteTask { name, id, options, objective, .. } = task;
            format!(
                "        (id: {id:?}, label: {name:?}, options: {options}, objectives: [{objective:?}]),\n"
            )
        });
        let agents = agents.iter().map(|agent| match agent.trim() {
            entry if entry.starts_with('(') => format!("        {entry},\n"),
            id => format!("        (id: {id:?}),\n"),
        });
        format!(
            "// Made by `hwgym bench --suite {name}`, version {version} of the suite.\n(\n    name: \"bench-{name}\",\n    description: \"Suite {name}, version {version}.\",\n    environments: [\n{}    ],\n    agents: [\n{}    ],\n    seeds: {seeds},\n    budget: {budget},\n)\n",
            environments.collect::<String>(),
            agents.collect::<String>(),
            name = self.name,
            version = self.version,
        )
    }
}

/// What agents did on tasks of a suite.
#[derive(Debug, Serialize)]
pub struct Benchmark {
    /// The agents.
    pub agents: Vec<String>,
    /// One per task, in the order of the suite.
    pub tasks: Vec<TaskResult>,
    /// One per agent: all tasks together.
    pub overall: Vec<Overall>,
    /// Mean ranks that differ by this much differ at the 5 % level (Nemenyi); `None` for one agent.
    pub critical_difference: Option<f64>,
}

/// What agents did on one task.
#[derive(Debug, Serialize)]
pub struct TaskResult {
    /// Name of the task.
    pub name: String,
    /// One per agent.
    pub agents: Vec<AgentResult>,
}

/// What an agent did on a task.
#[derive(Debug, Serialize)]
pub struct AgentResult {
    /// Searches that solved it, and the expected evaluations until one does.
    pub reached: Reached,
    /// Median over the searches of the relative distance to the best value that is known; below zero where it was beaten. `None` if most found
    /// nothing feasible.
    pub regret: Option<f64>,
    /// The best value that was found.
    pub best: Option<f64>,
}

/// What an agent did on all tasks.
#[derive(Debug, Serialize)]
pub struct Overall {
    /// Share of the searches that solved their task, each task weighing the same, with a 95 % interval (stratified bootstrap).
    pub solved: (f64, f64, f64),
    /// Mean rank over the tasks: by searches that solved them, then by regret.
    pub rank: f64,
    /// Median over the tasks of the median regret; infinite where nothing feasible was found.
    pub regret: f64,
    /// Median over the tasks of the expected evaluations, infinite where no search solved the task.
    pub evaluations: f64,
}

impl Benchmark {
    /// Measures the report of a [study](Suite::study) of these tasks.
    pub fn of(report: &Report, tasks: &[&SuiteTask]) -> Self {
        let found = |task: &&SuiteTask| report.tasks.iter().find(|report| report.environment == task.name);
        let pairs: Vec<(&SuiteTask, &TaskReport)> =
            tasks.iter().filter_map(|task| found(task).map(|report| (*task, report))).collect();
        let agents: Vec<String> = pairs
            .first()
            .map(|(_, report)| report.contestants.iter().map(ContestantReport::title).collect())
            .unwrap_or_default();
        let results: Vec<TaskResult> = pairs
            .iter()
            .map(|(task, report)| TaskResult {
                name: task.name.clone(),
                agents: report.contestants.iter().map(|c| AgentResult::of(task, report, c)).collect(),
            })
            .collect();
        let score = |result: &AgentResult| {
            // Shares are whole hundredths of a search at least apart; regret decides between equal ones.
            result.reached.share() * 1e6 - result.regret.map_or(1e3, |regret| regret.clamp(-1e3, 1e3))
        };
        let scores: Vec<Vec<f64>> =
            results.iter().map(|task| task.agents.iter().map(score).collect()).collect();
        let ranking = Ranking::of(&scores);
        let overall = (0..agents.len()).map(|agent| {
            let of: Vec<&AgentResult> = results.iter().map(|task| &task.agents[agent]).collect();
            let runs: Vec<Vec<f64>> = of
                .iter()
                .map(|result| {
                    (0..result.reached.runs)
                        .map(|run| f64::from(u8::from(run < result.reached.met)))
                        .collect()
                })
                .filter(|runs: &Vec<f64>| !runs.is_empty())
                .collect();
            let mean = |tasks: &[Vec<f64>]| {
                tasks.iter().map(|runs| runs.iter().sum::<f64>() / runs.len() as f64).sum::<f64>()
                    / tasks.len().max(1) as f64
            };
            let Estimate { value, low, high } =
                stratified_bootstrap(&runs, RESAMPLES, derive_seed(0, &agents[agent]), mean);
            let median = |mut values: Vec<f64>| {
                values.sort_by(f64::total_cmp);
                values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or(f64::INFINITY)
            };
            Overall {
                solved: (value, low, high),
                rank: ranking.mean_ranks.get(agent).copied().unwrap_or(1.0),
                regret: median(of.iter().map(|result| result.regret.unwrap_or(f64::INFINITY)).collect()),
                evaluations: median(
                    of.iter().map(|r| r.reached.expected_evaluations.unwrap_or(f64::INFINITY)).collect(),
                ),
            }
        });
        let overall = overall.collect();
        Self { agents, tasks: results, overall, critical_difference: ranking.critical_difference }
    }
}

impl AgentResult {
    fn of(task: &SuiteTask, report: &TaskReport, contestant: &ContestantReport) -> Self {
        let smaller = report.smaller_is_better();
        let distance = |quality: f64| {
            let away = if smaller { quality - task.best } else { task.best - quality };
            away / if task.best == 0.0 { 1.0 } else { task.best.abs() }
        };
        let counted = || contestant.trials.iter().filter(|trial| trial.counted);
        let runs: Vec<TargetOutcome> = counted()
            .map(|trial| {
                let met = trial.convergence.iter().find(|(_, quality)| distance(*quality) <= task.within);
                met.map_or(TargetOutcome::Censored(trial.evaluations), |(evaluation, _)| {
                    TargetOutcome::Met(*evaluation)
                })
            })
            .collect();
        let mut regrets: Vec<f64> =
            counted().map(|trial| trial.quality.map_or(f64::INFINITY, &distance)).collect();
        regrets.sort_by(f64::total_cmp);
        let regret = if regrets.is_empty() { f64::NAN } else { quantile(&regrets, 0.5) };
        let best = counted().filter_map(|trial| trial.quality);
        let best = best.min_by(|a, b| distance(*a).total_cmp(&distance(*b)));
        let seed = derive_seed(0, &format!("{}/{}", task.name, contestant.label));
        Self { reached: Reached::of(&runs, seed), regret: Some(regret).filter(|r| r.is_finite()), best }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Registries, Study};

    type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

    #[test]
    fn the_suite_has_24_tasks_half_of_them_for_reporting_and_each_is_a_study() -> Result {
        let suite = Suite::load("hardware-24")?;
        assert_eq!(suite.tasks.len(), 24);
        let tuning = suite.tasks.iter().filter(|task| task.part == Part::Tuning).count();
        assert_eq!(tuning, 12);
        assert!(suite.tasks.iter().all(|task| task.source.len() > 20 && task.within > 0.0));
        let all: Vec<&SuiteTask> = suite.tasks.iter().collect();
        let text = suite.study(&all, &["random".into(), "(id: \"genetic\", label: \"g\")".into()], 2, 7);
        let study = Study::read(text, Path::new("bench.ron"), &Registries::builtin()?)?;
        assert_eq!((study.tasks.len(), study.contestants.len(), study.evaluations), (24, 2, 7));
        for (task, of_suite) in study.tasks.iter().zip(&all) {
            assert_eq!(task.objective.goals.len(), 1, "{}", of_suite.name);
            // Where the program knows the optimum, it is what the suite says.
            let known = task.env.known_optima()?.and_then(|o| o.objective(&task.objective.name).cloned());
            if let Some(known) = known {
                assert_eq!(of_suite.known, Known::Optimum, "{}", of_suite.name);
                assert!(
                    (known.front[0].rewards[0].abs() / of_suite.best - 1.0).abs() < 1e-6,
                    "{}",
                    of_suite.name
                );
            }
        }
        Ok(())
    }

    #[test]
    fn a_suite_that_does_not_read_says_where() {
        let message = |text: &str| {
            Suite::read(text, Path::new("s.ron")).err().map(|e| e.to_string()).unwrap_or_default()
        };
        assert!(message("(name: 3)").contains("s.ron:1:"), "{}", message("(name: 3)"));
        let missing = Suite::load("hardware-25").err().map(|e| e.to_string()).unwrap_or_default();
        assert!(missing.contains("hardware-24"), "{missing}");
    }
}
