//! The records of one trial: a file that only grows, one checksummed line per evaluation.
//!
//! [`Journal`] writes it, and holds its lock; [`records`] streams it; [`TrialLog`] holds all of it. A last line without its line feed was
//! torn by a kill: readers pass over it, the next writer cuts it off. Damage anywhere else is an error with its line.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{End, Record, line};
use crate::StudyError;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EndLine {
    end: End,
}

/// What a file of records comes to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// Number of records.
    pub evaluations: usize,
    /// Those that are solutions: see [`Record::is_solution`].
    pub solutions: usize,
    /// Cost of all evaluations, in evaluations at full fidelity.
    pub cost: f64,
    /// Seconds from the start of the trial to its last record.
    pub at_s: f64,
    /// Why the trial is over, if it is.
    pub end: Option<End>,
}

impl Summary {
    fn add(&mut self, record: &Record) {
        self.evaluations += 1;
        self.solutions += usize::from(record.is_solution());
        self.cost += record.cost();
        self.at_s = record.wall.at_s;
        self.end = None;
    }
}

/// All records of one trial.
#[derive(Debug, Default)]
pub struct TrialLog {
    /// The records, in order.
    pub records: Vec<Record>,
    /// Why the trial is over, if it is.
    pub end: Option<End>,
}

impl TrialLog {
    /// Reads a file of records; one that is not there has none. Errors: it cannot be read, or is damaged.
    pub fn read(path: &Path) -> Result<Self, StudyError> {
        let mut stream = records(path)?;
        let records = stream.by_ref().collect::<Result<_, _>>()?;
        Ok(Self { records, end: stream.summary.end })
    }
}

/// The records of a file, one by one; none if it is not there. Errors: it cannot be opened.
pub fn records(path: &Path) -> Result<Records, StudyError> {
    let reader = match File::open(path) {
        Ok(file) => Some(BufReader::new(file)),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(StudyError::file(path, error)),
    };
    Ok(Records { path: path.into(), reader, number: 0, whole: 0, summary: Summary::default() })
}

/// A stream of records.
pub struct Records {
    path: PathBuf,
    reader: Option<BufReader<File>>,
    /// The line last read, counted from 1.
    number: usize,
    /// Bytes of whole lines so far.
    whole: u64,
    summary: Summary,
}

impl Records {
    /// What the records read so far come to.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    fn next_record(&mut self) -> Result<Option<Record>, StudyError> {
        let mut bytes = Vec::new();
        while let Some(reader) = &mut self.reader {
            bytes.clear();
            reader.read_until(b'\n', &mut bytes).map_err(|error| StudyError::file(&self.path, error))?;
            let Some(content) = bytes.strip_suffix(b"\n") else { break };
            self.number += 1;
            let record = self.line(content)?;
            self.whole += bytes.len() as u64;
            if record.is_some() {
                return Ok(record);
            }
        }
        self.reader = None;
        Ok(None)
    }

    /// A line's record, or `None` for the end of the trial.
    fn line(&mut self, content: &[u8]) -> Result<Option<Record>, StudyError> {
        let remedy = "restore the file, or remove it to run the trial again";
        let damage =
            |message: String| StudyError::Record { path: self.path.clone(), line: self.number, message };
        let object = line::open(content).ok_or_else(|| {
            damage(format!("this is not what was written: its checksum does not fit; {remedy}"))
        })?;
        if object.starts_with(b"{\"end\"") {
            let end: EndLine = serde_json::from_slice(&object).map_err(|e| damage(e.to_string()))?;
            self.summary.end = Some(end.end);
            return Ok(None);
        }
        let record: Record = serde_json::from_slice(&object)
            .map_err(|error| damage(format!("this is no record ({error}); {remedy}")))?;
        // A spent budget may have been extended; any other end is final.
        if !matches!(self.summary.end, None | Some(End::Budget)) {
            return Err(damage(format!("a record after the end of the trial; {remedy}")));
        }
        let expected = self.summary.evaluations + 1;
        if record.evaluation != expected {
            let message = format!("evaluation {} where {expected} was expected; {remedy}", record.evaluation);
            return Err(damage(message));
        }
        self.summary.add(&record);
        Ok(Some(record))
    }
}

impl Iterator for Records {
    type Item = Result<Record, StudyError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_record().transpose()
    }
}

/// The file of records in the hands of its one writer. Nothing that is written is kept in memory.
pub struct Journal {
    path: PathBuf,
    file: File,
    summary: Summary,
}

impl Journal {
    /// Opens a file of records to append to it, making it if it is not there; cuts off a torn last line. `None` while another process
    /// holds it. Errors: it cannot be opened, or is damaged.
    pub fn open(path: &Path) -> Result<Option<Self>, StudyError> {
        let failed = |error| StudyError::file(path, error);
        let file = OpenOptions::new().create(true).append(true).open(path).map_err(failed)?;
        if is_held(&file) {
            return Ok(None);
        }
        let mut stream = records(path)?;
        for record in stream.by_ref() {
            record?;
        }
        if file.metadata().map_err(failed)?.len() > stream.whole {
            file.set_len(stream.whole).map_err(failed)?;
        }
        Ok(Some(Self { path: path.into(), file, summary: stream.summary }))
    }

    /// What the file holds.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// Appends a record, and flushes it. Errors: it cannot be written, or the file was removed.
    pub fn append(&mut self, record: &Record) -> Result<(), StudyError> {
        self.write(record)?;
        self.summary.add(record);
        Ok(())
    }

    /// Appends the end of the trial.
    pub fn finish(&mut self, end: End) -> Result<(), StudyError> {
        self.write(&EndLine { end })?;
        self.summary.end = Some(end);
        Ok(())
    }

    fn write(&mut self, value: &impl Serialize) -> Result<(), StudyError> {
        let mut write = || -> std::io::Result<()> {
            // What goes into a removed file is lost without a word.
            if is_removed(&self.file)? {
                return Err(std::io::Error::new(
                    ErrorKind::NotFound,
                    "the file was removed while it was written",
                ));
            }
            // One call per line: a kill leaves at most one torn line, the last.
            self.file.write_all(&line::seal(value)?)
        };
        write().map_err(|error| StudyError::file(&self.path, error))
    }
}

/// Times that a lock is tried: who looks how far a study is holds it for a moment.
const TRIES: usize = 4;

/// Takes the lock of the file; true if another process holds it. On a file system without locks the user sees to it that one process writes.
fn is_held(file: &File) -> bool {
    for attempt in 0..TRIES {
        if attempt > 0 {
            std::thread::sleep(std::time::Duration::from_millis(25));
        }
        if !matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
            return false;
        }
    }
    true
}

#[cfg(unix)]
fn is_removed(file: &File) -> std::io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    Ok(file.metadata()?.nlink() == 0)
}

#[cfg(not(unix))]
fn is_removed(_: &File) -> std::io::Result<bool> {
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Wall;

    type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

    fn record(evaluation: usize) -> Record {
        Record {
            evaluation,
            fidelity: None,
            design: Default::default(),
            outcome: serde_json::json!({ "status": "feasible", "metrics": {} }),
            rewards: vec![0.1 + evaluation as f64],
            violation: 0.0,
            wall: Wall::default(),
        }
    }

    fn journal(path: &Path) -> Result<Journal> {
        Ok(Journal::open(path)?.ok_or("another process holds it")?)
    }

    fn message(path: &Path) -> String {
        TrialLog::read(path).err().map(|e| e.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_torn_last_line_is_cut_off_and_written_again() -> Result {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("trial.jsonl");
        let mut log = journal(&path)?;
        (1..=3).try_for_each(|n| log.append(&record(n)))?;
        log.finish(End::Budget)?;
        drop(log);
        let whole = std::fs::read(&path)?;
        for cut in 0..whole.len() {
            std::fs::write(&path, &whole[..cut])?;
            let mut log = journal(&path)?;
            for n in log.summary().evaluations + 1..=3 {
                log.append(&record(n))?;
            }
            if log.summary().end.is_none() {
                log.finish(End::Budget)?;
            }
            assert_eq!(std::fs::read(&path)?, whole, "cut at byte {cut}");
        }
        Ok(())
    }

    #[test]
    fn damage_inside_the_file_names_its_line() -> Result {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("trial.jsonl");
        let mut log = journal(&path)?;
        (1..=2).try_for_each(|n| log.append(&record(n)))?;
        let whole = std::fs::read_to_string(&path)?;
        std::fs::write(&path, whole.replace("2.1", "2.2"))?;
        assert!(message(&path).contains("trial.jsonl:2: this is not what was written"), "{}", message(&path));
        // A line that is lost is noticed by its number.
        std::fs::write(&path, whole.lines().nth(1).unwrap_or_default().to_owned() + "\n")?;
        assert!(message(&path).contains("evaluation 2 where 1 was expected"), "{}", message(&path));
        Ok(())
    }

    #[test]
    fn a_spent_budget_can_be_extended_and_no_other_end() -> Result {
        let folder = tempfile::tempdir()?;
        for (end, goes_on) in [(End::Budget, true), (End::AgentDone, false)] {
            let path = folder.path().join(format!("{end:?}"));
            let mut log = journal(&path)?;
            log.append(&record(1))?;
            log.finish(end)?;
            log.append(&record(2))?;
            assert_eq!(
                TrialLog::read(&path).is_ok_and(|log| log.end.is_none()),
                goes_on,
                "{}",
                message(&path)
            );
        }
        Ok(())
    }

    #[test]
    fn one_process_writes_and_a_removed_file_is_noticed() -> Result {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("trial.jsonl");
        let mut log = journal(&path)?;
        assert!(Journal::open(&path)?.is_none(), "it is held");
        log.append(&record(1))?;
        std::fs::remove_file(&path)?;
        let error = log.append(&record(2)).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(error.contains("trial.jsonl: the file was removed"), "{error}");
        Ok(())
    }
}
