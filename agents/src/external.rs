//! `external`: an agent that is another program, in any language, speaking JSON lines on its standard input and output.
//!
//! The program is started with the first question. It gets one object per line:
//!
//! * `{"type":"start","seed":1,"budget":100,"goals":1,"bounds":0,"targets":0,"reference":[],"parameters":[{"name":"x","domain":{"Real":{...}}},...]}`
//!   (no answer); `domain` as in RON, and `values` lists the values of a discrete parameter;
//! * `{"type":"ask","count":2}`, to be answered by one line `{"designs":[{"x":0.5,...},...]}` with at most `count` designs;
//! * `{"type":"tell","results":[{"design":{...},"status":"feasible","rewards":[...],"slacks":[...],"violation":0.0},...]}` (no answer).
//!
//! A crash, an answer that is no such line, a design outside the space, or silence past the time limit ends the trial: the agent proposes
//! nothing more, and [`Agent::ended`] says why, with the last lines that the program wrote to its standard error.
//! The program is stopped with the agent, and with all that it has started; also where this program is killed.

use std::path::PathBuf;
use std::time::Duration;

use hwgym_envs::{Design, DesignSpace, Value};
use hwgym_process::{Job, Limits, LineProcess, Silence};
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};

use crate::tools::check_range;
use crate::{Agent, AgentEntry, AgentError, Evaluated, Problem};

/// How long a program that broke is given to end by itself.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// Settings of `external`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExternalSettings {
    /// The program and its arguments, such as `["python3", "agent.py"]`. No shell is involved.
    pub command: Vec<String>,
    /// Seconds in which each answer must come, 0.001 to 86,400.
    pub time_limit_s: f64,
}

impl Default for ExternalSettings {
    fn default() -> Self {
        Self { command: Vec::new(), time_limit_s: 60.0 }
    }
}

struct External {
    settings: ExternalSettings,
    problem: Problem,
    seed: u64,
    process: Option<LineProcess>,
    ended: Option<String>,
}

#[derive(Deserialize)]
struct Answer {
    designs: Vec<Map<String, serde_json::Value>>,
}

impl Agent for External {
    fn ask(&mut self, count: usize) -> Vec<Design> {
        if self.ended.is_some() {
            return Vec::new();
        }
        match self.question(count) {
            Ok(designs) => designs,
            Err(reason) => {
                self.end(reason);
                Vec::new()
            }
        }
    }

    fn tell(&mut self, results: &[Evaluated]) {
        if self.ended.is_some() || self.process.is_none() && results.is_empty() {
            return;
        }
        let results: Vec<_> = results
            .iter()
            .map(|result| {
                json!({
                    "design": object(&self.problem.space, &result.design),
                    "status": result.outcome.status(),
                    "rewards": result.score.rewards,
                    "slacks": result.score.slacks,
                    "violation": result.score.violation,
                })
            })
            .collect();
        if let Err(reason) =
            self.start().and_then(|()| self.send(&json!({"type": "tell", "results": results})))
        {
            self.end(reason);
        }
    }

    fn ended(&self) -> Option<&str> {
        self.ended.as_deref()
    }
}

fn object(space: &DesignSpace, design: &Design) -> Map<String, serde_json::Value> {
    space.values(design).into_iter().map(|(name, value)| (name, json!(value))).collect()
}

impl External {
    fn start(&mut self) -> Result<(), String> {
        if self.process.is_some() {
            return Ok(());
        }
        let (program, arguments) = self.settings.command.split_first().ok_or("no program is given")?;
        let job = Job {
            program: program.into(),
            arguments: arguments.to_vec(),
            folder: std::env::current_dir().map_err(|error| format!("the current folder: {error}"))?,
            limits: Limits { grace_s: 0.0, ..Limits::default() },
            ..Job::default()
        };
        let process =
            LineProcess::start(job, None).map_err(|error| format!("it cannot be started: {error}"))?;
        self.process = Some(process);
        let space = &self.problem.space;
        let parameters: Vec<_> = space
            .parameters()
            .iter()
            .map(|p| {
                let levels = p.domain.cardinality().unwrap_or(0).min(100_000);
                let values: Vec<Value> = (0..levels).map(|level| p.value(level as f64)).collect();
                json!({"name": p.name, "domain": p.domain, "values": values, "condition": p.condition})
            })
            .collect();
        self.send(&json!({
            "type": "start",
            "seed": self.seed,
            "budget": self.problem.budget,
            "goals": self.problem.goals,
            "bounds": self.problem.bounds,
            "targets": self.problem.targets,
            "reference": self.problem.reference,
            "parameters": parameters,
        }))
    }

    fn send(&mut self, message: &serde_json::Value) -> Result<(), String> {
        let process = self.process.as_ref().ok_or("it is not running")?;
        process.send(&message.to_string());
        Ok(())
    }

    fn question(&mut self, count: usize) -> Result<Vec<Design>, String> {
        self.start()?;
        self.send(&json!({"type": "ask", "count": count}))?;
        let Some(process) = &self.process else { return Err("it is not running".into()) };
        let limit = Duration::from_secs_f64(self.settings.time_limit_s);
        let line = match process.receive(limit) {
            Ok(line) => line,
            Err(Silence::TimedOut) => {
                return Err(format!("it did not answer within {} s", self.settings.time_limit_s));
            }
            Err(Silence::Ended) => return Err("it ended without an answer".into()),
            Err(Silence::Broken(reason)) => return Err(reason),
        };
        let shown: String = line.trim().chars().take(120).collect();
        let answer: Answer = serde_json::from_str(&line)
            .map_err(|error| format!("its answer `{shown}` is not {{\"designs\": [...]}}: {error}"))?;
        if answer.designs.len() > count {
            return Err(format!("it was asked for {count} designs and gave {}", answer.designs.len()));
        }
        let space = &self.problem.space;
        answer
            .designs
            .into_iter()
            .map(|values| {
                let values: Result<Vec<(String, Value)>, String> = values
                    .into_iter()
                    .map(|(name, value)| {
                        let value: Value = serde_json::from_value(value.clone())
                            .map_err(|_| format!("`{name}` is {value}, which is no value of a parameter"))?;
                        Ok((name, value))
                    })
                    .collect();
                space
                    .design(values?)
                    .map_err(|error| format!("it proposed a design outside the space: {error}"))
            })
            .collect()
    }

    /// Ends the trial: notes why, with what the program said last, and stops it.
    fn end(&mut self, reason: String) {
        // A dying program is given a moment to say why.
        let said = self.process.take().map_or(String::new(), |process| process.end(LAST_WORDS).1);
        let command = self.settings.command.join(" ");
        let said = if said.is_empty() { said } else { format!("; it said: {said}") };
        self.ended = Some(format!("external agent `{command}`: {reason}{said}"));
    }
}

/// The words of a command that name files. A program without a folder in its name is looked for on the path, and is none of the study's.
fn files(command: &[String]) -> Vec<PathBuf> {
    let given = |(index, word): &(usize, &String)| *index > 0 || word.contains(std::path::is_separator);
    let paths = command.iter().enumerate().filter(given).map(|(_, word)| PathBuf::from(word));
    paths.filter(|path| path.is_file()).collect()
}

pub(crate) fn entry() -> AgentEntry {
    AgentEntry::new("external", "another program, speaking JSON lines", |options, problem, seed| {
        let settings: ExternalSettings = options.parse()?;
        check_range("time_limit_s", settings.time_limit_s, 0.001, 86_400.0)?;
        if settings.command.is_empty() {
            return Err(AgentError::unsupported(
                "external",
                "no program is given; set `command: [\"python3\", \"agent.py\"]`",
            ));
        }
        let problem = problem.clone();
        Ok(Box::new(External { settings, problem, seed, process: None, ended: None }))
    })
    .arranging()
    .built_from(|options| Ok(files(&options.parse::<ExternalSettings>()?.command)))
    .hyperparameter("command", "[]", "a program and its arguments", "what is started")
    .hyperparameter("time_limit_s", "60.0", "0.001 to 86400", "seconds in which each answer must come")
}
