//! How far a study is: a glance at the end of every file of records, while others write them.

use std::fs::{self, File, TryLockError};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::trial_log::SealedLine;
use super::{End, Store, line};
use crate::StudyError;

/// How far one trial is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TrialStatus {
    /// Its name.
    pub name: String,
    /// Evaluations on record.
    pub evaluations: usize,
    /// Seconds from its start to its last record, pauses not counted.
    pub seconds: f64,
    /// What it is doing.
    pub phase: Phase,
}

/// What a trial is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// It is over.
    Over,
    /// A process is at work on it.
    Running,
    /// It has records, and nobody is at work on it.
    Stopped,
    /// Nobody has begun.
    Waiting,
    /// It broke when it was last tried, and this is why.
    Failed(String),
}

/// How far a study is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Status {
    /// Its trials, in the order of the study.
    pub trials: Vec<TrialStatus>,
    /// Evaluations per trial at most.
    pub budget: usize,
}

impl Status {
    /// Looks at every trial. Errors: a file that cannot be read.
    pub fn of(store: &Store) -> Result<Self, StudyError> {
        let manifest = store.manifest();
        let names =
            manifest.tasks.iter().flat_map(|task| manifest.trials(&task.environment, &task.objective.name));
        let trials = names.map(|name| TrialStatus::of(store, name, manifest.evaluations()));
        Ok(Self { trials: trials.collect::<Result<_, _>>()?, budget: manifest.evaluations() })
    }

    /// Number of trials of which this holds.
    pub fn count(&self, holds: impl Fn(&Phase) -> bool) -> usize {
        self.trials.iter().filter(|trial| holds(&trial.phase)).count()
    }

    /// The trials that broke, with the reason.
    pub fn failed(&self) -> impl Iterator<Item = (&str, &str)> {
        self.trials.iter().filter_map(|trial| match &trial.phase {
            Phase::Failed(message) => Some((trial.name.as_str(), message.as_str())),
            _ => None,
        })
    }

    /// True if every trial is over.
    pub fn is_complete(&self) -> bool {
        self.trials.iter().all(|trial| trial.phase == Phase::Over)
    }
}

impl TrialStatus {
    /// Looks at one trial of a study with so many evaluations per trial. Errors: a file that cannot be read.
    pub fn of(store: &Store, name: String, budget: usize) -> Result<Self, StudyError> {
        let glance = Glance::at(&store.records(&name))?;
        let phase = match glance.end {
            Some(end) if end != End::Budget || glance.evaluations >= budget => Phase::Over,
            _ if glance.is_locked => Phase::Running,
            _ => match store.failure(&name) {
                Some(message) => Phase::Failed(message),
                None if glance.evaluations > 0 => Phase::Stopped,
                None => Phase::Waiting,
            },
        };
        Ok(Self { name, evaluations: glance.evaluations, seconds: glance.seconds, phase })
    }
}

impl Store {
    fn failure_file(&self, trial: &str) -> PathBuf {
        self.directory().join("failed").join(format!("{trial}.txt"))
    }

    /// Why a trial broke when it was last tried; `None` if it did not.
    pub fn failure(&self, trial: &str) -> Option<String> {
        fs::read_to_string(self.failure_file(trial)).ok()
    }

    /// Remembers why a trial broke, or that it did not. It is a note for people: that it cannot be written is no error of its own.
    pub fn note_failure(&self, trial: &str, error: Option<&StudyError>) {
        let path = self.failure_file(trial);
        match error {
            None => drop(fs::remove_file(path)),
            Some(error) => {
                let _ = fs::create_dir_all(self.directory().join("failed"));
                let _ = super::write_whole(&path, error.to_string().as_bytes());
            }
        }
    }
}

/// What the end of a file of records says.
#[derive(Debug, Default, PartialEq)]
struct Glance {
    evaluations: usize,
    seconds: f64,
    end: Option<End>,
    is_locked: bool,
}

/// Bytes that are read from the end at first.
const TAIL: u64 = 1 << 14;

impl Glance {
    fn at(path: &Path) -> Result<Self, StudyError> {
        let failed = |error| StudyError::file(path, error);
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(failed(error)),
        };
        let is_locked = match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => true,
            // Held for no longer than it takes to know: a worker that comes by tries again.
            Ok(()) => file.unlock().is_err(),
            Err(TryLockError::Error(_)) => false,
        };
        let length = file.metadata().map_err(failed)?.len();
        let mut take = TAIL.min(length);
        loop {
            file.seek(SeekFrom::Start(length - take)).map_err(failed)?;
            let mut bytes = vec![0; take as usize];
            file.read_exact(&mut bytes).map_err(failed)?;
            // The first line of the piece may have lost its start, the last may be torn.
            let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            let lines: Vec<&[u8]> = bytes[..whole].split(|byte| *byte == b'\n').collect();
            let from = usize::from(take < length);
            let glance = Self::last(lines.get(from..).unwrap_or(&[]));
            match glance {
                Some(glance) => return Ok(Self { is_locked, ..glance }),
                None if take == length => return Ok(Self { is_locked, ..Self::default() }),
                None => take = (4 * take).min(length),
            }
        }
    }

    /// The last record of these lines, and the end if it follows.
    fn last(lines: &[&[u8]]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Brief {
            evaluation: usize,
            wall: super::Wall,
        }
        #[derive(Deserialize)]
        struct EndLine {
            end: End,
        }
        let mut end = None;
        for text in lines.iter().rev().filter(|line| !line.is_empty()) {
            let object = line::open(text)?;
            if let Ok(line) = serde_json::from_slice::<EndLine>(&object) {
                end = end.or(Some(line.end));
                continue;
            }
            if let Ok(line) = serde_json::from_slice::<SealedLine>(&object) {
                return Some(Self { evaluations: line.sealed, seconds: line.at_s, end, is_locked: false });
            }
            let brief: Brief = serde_json::from_slice(&object).ok()?;
            return Some(Self {
                evaluations: brief.evaluation,
                seconds: brief.wall.at_s,
                end,
                is_locked: false,
            });
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::trial_log::Journal;
    use crate::store::{Record, Wall};

    type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

    #[test]
    fn the_end_of_a_file_says_how_far_it_is() -> Result {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("trial.jsonl");
        assert_eq!(Glance::at(&path)?, Glance::default());
        let mut journal = Journal::open(&path)?.ok_or("another process holds it")?;
        for evaluation in 1..=400 {
            journal.append(&Record {
                evaluation,
                fidelity: None,
                // Lines of very different lengths, some longer than what is read at first.
                design: [("x".to_string(), "y".repeat(if evaluation == 400 { 70_000 } else { 10 }).into())]
                    .into_iter()
                    .collect(),
                outcome: serde_json::json!({ "status": "feasible", "metrics": {} }),
                rewards: vec![1.0],
                violation: 0.0,
                wall: Wall { evaluation_s: 0.5, at_s: evaluation as f64 },
            })?;
        }
        let running = Glance::at(&path)?;
        assert_eq!(
            (running.evaluations, running.seconds, running.end, running.is_locked),
            (400, 400.0, None, true)
        );
        journal.finish(End::Budget)?;
        drop(journal);
        let over = Glance::at(&path)?;
        assert_eq!((over.evaluations, over.end, over.is_locked), (400, Some(End::Budget), false));
        // A torn line is passed over.
        let mut bytes = std::fs::read(&path)?;
        bytes.extend(b"{\"evaluation\":401,");
        std::fs::write(&path, bytes)?;
        assert_eq!(Glance::at(&path)?.evaluations, 400);
        // So is what was sealed.
        let mut journal = Journal::open(&path)?.ok_or("another process holds it")?;
        journal.pack()?;
        drop(journal);
        assert_eq!(Glance::at(&path)?, over);
        Ok(())
    }
}
