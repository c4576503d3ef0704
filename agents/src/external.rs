//! `external`: an agent that is another program, in any language, speaking JSON lines on its standard input and output.
//!
//! The program is started with the first question. It gets one object per line:
//!
//! * `{"type":"start","seed":1,"budget":100,"goals":1,"bounds":0,"reference":[],"parameters":[{"name":"x","domain":{"Real":{...}}},...]}`
//!   (no answer); `domain` as in RON, and `values` lists the values of a discrete parameter;
//! * `{"type":"ask","count":2}`, to be answered by one line `{"designs":[{"x":0.5,...},...]}` with at most `count` designs;
//! * `{"type":"tell","results":[{"design":{...},"status":"feasible","rewards":[...],"slacks":[...],"violation":0.0},...]}` (no answer).
//!
//! A crash, an answer that is no such line, a design outside the space, or silence past the time limit ends the trial: the agent proposes
//! nothing more, and [`Agent::ended`] says why, with the last lines that the program wrote to its standard error.
//! The program is stopped with the agent.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hwgym_envs::{Design, DesignSpace, Value};
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};

use crate::tools::check_range;
use crate::{Agent, AgentEntry, AgentError, Evaluated, Problem};

/// Bytes of standard error that are kept for the message.
const TAIL: usize = 2000;

/// Bytes past which a line is no answer.
const LONGEST_LINE: u64 = 64 << 20;

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

struct Process {
    child: Child,
    /// Lines on their way to the program; a thread of its own writes them, so that one that does not read blocks nobody.
    input: Option<Sender<String>>,
    lines: Receiver<Result<String, String>>,
    errors: Arc<Mutex<Vec<u8>>>,
}

struct External {
    settings: ExternalSettings,
    problem: Problem,
    seed: u64,
    process: Option<Process>,
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
        let mut command = Command::new(&self.settings.command[0]);
        command
            .args(&self.settings.command[1..])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // A group of its own: it is stopped with all that it has started.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn().map_err(|error| format!("it cannot be started: {error}"))?;
        let (sender, lines) = channel();
        if let Some(output) = child.stdout.take() {
            std::thread::spawn(move || {
                let mut reader = BufReader::new(output);
                loop {
                    let mut line = String::new();
                    let answer = match reader.by_ref().take(LONGEST_LINE).read_line(&mut line) {
                        Ok(0) => return,
                        Ok(_) if !line.ends_with('\n') && line.len() as u64 >= LONGEST_LINE => {
                            Err("its answer is longer than 64 MiB".to_string())
                        }
                        Ok(_) => Ok(line),
                        Err(error) => Err(format!("its answer does not read: {error}")),
                    };
                    let broken = answer.is_err();
                    if sender.send(answer).is_err() || broken {
                        return;
                    }
                }
            });
        }
        let errors = Arc::new(Mutex::new(Vec::new()));
        if let Some(mut output) = child.stderr.take() {
            let errors = errors.clone();
            std::thread::spawn(move || {
                let mut piece = [0; 1024];
                while let Ok(count @ 1..) = output.read(&mut piece) {
                    if let Ok(mut kept) = errors.lock() {
                        kept.extend_from_slice(&piece[..count]);
                        let excess = kept.len().saturating_sub(TAIL);
                        kept.drain(..excess);
                    }
                }
            });
        }
        let (input, outgoing) = channel::<String>();
        if let Some(mut pipe) = child.stdin.take() {
            std::thread::spawn(move || {
                for line in outgoing {
                    if pipe.write_all(line.as_bytes()).and_then(|()| pipe.flush()).is_err() {
                        return;
                    }
                }
            });
        }
        let input = Some(input);
        self.process = Some(Process { child, input, lines, errors });
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
            "reference": self.problem.reference,
            "parameters": parameters,
        }))
    }

    fn send(&mut self, message: &serde_json::Value) -> Result<(), String> {
        let Some(input) = self.process.as_mut().and_then(|p| p.input.as_mut()) else {
            return Err("it is not running".into());
        };
        // Where the writer has gone, so has the program: the next answer says so.
        input.send(format!("{message}\n")).ok();
        Ok(())
    }

    fn question(&mut self, count: usize) -> Result<Vec<Design>, String> {
        self.start()?;
        self.send(&json!({"type": "ask", "count": count}))?;
        let Some(process) = &self.process else { return Err("it is not running".into()) };
        let limit = Duration::from_secs_f64(self.settings.time_limit_s);
        let line = match process.lines.recv_timeout(limit) {
            Ok(line) => line?,
            Err(RecvTimeoutError::Timeout) => {
                return Err(format!("it did not answer within {} s", self.settings.time_limit_s));
            }
            Err(RecvTimeoutError::Disconnected) => return Err("it ended without an answer".into()),
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
        let mut said = String::new();
        if let Some(mut process) = self.process.take() {
            // Give a dying program a moment to say why.
            drop(process.input.take());
            for _ in 0..20 {
                if !matches!(process.child.try_wait(), Ok(None)) {
                    break;
                }
                std::thread::sleep(Duration::from_millis(5));
            }
            process.stop();
            std::thread::sleep(Duration::from_millis(5));
            if let Ok(kept) = process.errors.lock() {
                said = String::from_utf8_lossy(&kept).trim().to_string();
            }
        }
        let command = self.settings.command.join(" ");
        let said = if said.is_empty() { said } else { format!("; it said: {said}") };
        self.ended = Some(format!("external agent `{command}`: {reason}{said}"));
    }
}

impl Process {
    fn stop(&mut self) {
        // What has ended by itself cannot be killed; that is fine.
        kill_group(&self.child);
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Kills a child that leads a process group, and everything in the group.
#[cfg(unix)]
fn kill_group(child: &Child) {
    let leader = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
    if let Some(leader) = leader {
        rustix::process::kill_process_group(leader, rustix::process::Signal::KILL).ok();
    }
}

#[cfg(not(unix))]
fn kill_group(_: &Child) {}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop();
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
