//! The records of one trial: read, repaired, appended to.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{End, Record};
use crate::StudyError;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EndLine {
    end: End,
}

/// The records of one trial.
#[derive(Debug, Default)]
pub struct TrialLog {
    /// The records so far, in order.
    pub records: Vec<Record>,
    /// Why the trial is over, if it is.
    pub end: Option<End>,
    path: PathBuf,
    /// Length of what is whole, in bytes.
    whole: u64,
    file: Option<File>,
}

impl TrialLog {
    /// Reads a file of records; one that is not there has none. A torn last line is passed over. Errors: damage anywhere else.
    pub fn read(path: &Path) -> Result<Self, StudyError> {
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(StudyError::file(path, error)),
        };
        let mut log = Self { path: path.into(), ..Self::default() };
        let mut rest = &bytes[..];
        let mut number = 0;
        while let Some(length) = rest.iter().position(|b| *b == b'\n') {
            number += 1;
            log.line(&rest[..length], number)?;
            log.whole += length as u64 + 1;
            rest = &rest[length + 1..];
        }
        Ok(log)
    }

    fn line(&mut self, line: &[u8], number: usize) -> Result<(), StudyError> {
        let damage = |message: String| StudyError::Record { path: self.path.clone(), line: number, message };
        if self.end.is_some() {
            return Err(damage("a record after the end of the trial".into()));
        }
        if line.starts_with(b"{\"end\"") {
            let end: EndLine = serde_json::from_slice(line).map_err(|e| damage(e.to_string()))?;
            self.end = Some(end.end);
            return Ok(());
        }
        let record: Record = serde_json::from_slice(line).map_err(|e| {
            damage(format!("this is no record ({e}); restore the file, or remove it to run the trial again"))
        })?;
        if record.evaluation != self.records.len() + 1 {
            let expected = self.records.len() + 1;
            return Err(damage(format!("evaluation {} where {expected} was expected", record.evaluation)));
        }
        self.records.push(record);
        Ok(())
    }

    /// Appends a record, and flushes it. The file is opened, and a torn line cut off, at the first call.
    pub fn append(&mut self, record: Record) -> Result<(), StudyError> {
        self.write(&record)?;
        self.records.push(record);
        Ok(())
    }

    /// Appends the end of the trial.
    pub fn finish(&mut self, end: End) -> Result<(), StudyError> {
        self.write(&EndLine { end })?;
        self.end = Some(end);
        self.file = None;
        Ok(())
    }

    fn write(&mut self, line: &impl Serialize) -> Result<(), StudyError> {
        let Self { path, file, whole, .. } = self;
        let mut write = || -> std::io::Result<()> {
            if file.is_none() {
                let opened = OpenOptions::new().create(true).append(true).open(&*path)?;
                opened.set_len(*whole)?;
                *file = Some(opened);
            }
            let mut bytes = serde_json::to_vec(line)?;
            bytes.push(b'\n');
            *whole += bytes.len() as u64;
            // One call per line: a kill leaves at most one torn line, the last.
            file.as_mut().map_or(Ok(()), |file| file.write_all(&bytes))
        };
        write().map_err(|error| StudyError::file(path, error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Wall;

    fn record(evaluation: usize) -> Record {
        Record {
            evaluation,
            design: Default::default(),
            outcome: serde_json::json!({ "status": "feasible", "metrics": {} }),
            rewards: vec![0.1 + evaluation as f64],
            violation: 0.0,
            wall: Wall::default(),
        }
    }

    #[test]
    fn a_torn_last_line_is_cut_off_and_written_again() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("trial.jsonl");
        let mut log = TrialLog::read(&path)?;
        (1..=3).try_for_each(|n| log.append(record(n)))?;
        log.finish(End::Budget)?;
        let whole = std::fs::read(&path)?;
        for cut in 0..whole.len() {
            std::fs::write(&path, &whole[..cut])?;
            let mut log = TrialLog::read(&path)?;
            for n in log.records.len() + 1..=3 {
                log.append(record(n))?;
            }
            if log.end.is_none() {
                log.finish(End::Budget)?;
            }
            assert_eq!(std::fs::read(&path)?, whole, "cut at byte {cut}");
        }
        Ok(())
    }

    #[test]
    fn damage_inside_the_file_names_its_line() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("trial.jsonl");
        std::fs::write(&path, format!("{}\n{{oops\n", serde_json::to_string(&record(1))?))?;
        let error = TrialLog::read(&path).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(error.contains("trial.jsonl:2: this is no record"), "{error}");
        Ok(())
    }
}
