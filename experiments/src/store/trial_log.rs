//! The records of one trial: a journal that only grows, one checksummed line per evaluation, and [sealed blocks](super::blocks).
//!
//! [`Journal`] writes them, and holds the lock; [`records`] streams them; [`TrialLog`] holds all of them. A last line without its line feed was
//! torn by a kill: readers pass over it, the next writer cuts it off. Damage anywhere else is an error with its line.
//!
//! Every 4,096 records the journal is sealed: they are appended to the blocks, the disk is waited for, and an empty journal is put into the
//! place of the old one, with one line that says how many records were sealed. A kill in between leaves records in both files, equal ones; readers take those of the blocks. Whoever reads opens the
//! journal first: what leaves the path after that is in the file that is open, and what left it before is in the blocks.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::blocks::{self, Blocks};
use super::columns::{Columns, Decoded};
use super::{End, Record, line};
use crate::StudyError;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EndLine {
    end: End,
}

/// The first line of a journal in front of which records were sealed.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SealedLine {
    /// Records in the blocks, at least.
    pub sealed: usize,
    /// Seconds from the start of the trial to the last of them.
    pub at_s: f64,
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

/// The records of a trial, one by one; none if it has no files. Errors: they cannot be opened, or the journal of sealed records is gone.
pub fn records(path: &Path) -> Result<Records, StudyError> {
    let reader = match File::open(path) {
        Ok(file) => Some(BufReader::new(file)),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(StudyError::file(path, error)),
    };
    let blocks = Blocks::open(blocks::path(path))?;
    if reader.is_none() && blocks.is_there() {
        let message = format!(
            "it is gone, but its sealed records are there; restore it, or remove {} too to run the trial again",
            blocks::path(path).display()
        );
        return Err(StudyError::Record { path: path.into(), line: 1, message });
    }
    let blocks = Some(blocks);
    Ok(Records {
        path: path.into(),
        blocks,
        sealed: None,
        designs: true,
        reader,
        number: 0,
        whole: 0,
        whole_blocks: 0,
        lines: 0,
        summary: Summary::default(),
    })
}

/// A stream of records.
pub struct Records {
    path: PathBuf,
    /// Blocks that are not read yet, and what is left of the last.
    blocks: Option<Blocks>,
    sealed: Option<Decoded>,
    designs: bool,
    whole_blocks: u64,
    /// Records in the journal that are in no block.
    lines: usize,
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

    /// The same without designs, where only results are wanted: sealed records are then read in a fraction of the time.
    pub fn without_designs(mut self) -> Self {
        self.designs = false;
        self
    }

    fn next_record(&mut self) -> Result<Option<Record>, StudyError> {
        loop {
            if let Some(record) = self.sealed.as_mut().and_then(Iterator::next) {
                self.expect(&record, None)?;
                self.summary.add(&record);
                return Ok(Some(record));
            }
            let Some(blocks) = &mut self.blocks else { break };
            match blocks.read(self.designs)? {
                Some(records) => self.sealed = Some(records),
                None => {
                    self.whole_blocks = blocks.whole();
                    self.blocks = None;
                }
            }
        }
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
        if object.starts_with(b"{\"sealed\"") {
            let line: SealedLine = serde_json::from_slice(&object).map_err(|e| damage(e.to_string()))?;
            let there = self.summary.evaluations;
            if there < line.sealed {
                let blocks = blocks::path(&self.path);
                return Err(damage(format!(
                    "{} records were sealed, and {} holds {there}; restore that file, or remove both to run the trial again",
                    line.sealed,
                    blocks.display()
                )));
            }
            return Ok(None);
        }
        let mut record: Record = serde_json::from_slice(&object)
            .map_err(|error| damage(format!("this is no record ({error}); {remedy}")))?;
        // A kill between sealing and the new journal.
        if self.lines == 0 && (1..=self.summary.evaluations).contains(&record.evaluation) {
            return Ok(None);
        }
        // A spent budget may have been extended; any other end is final.
        if !matches!(self.summary.end, None | Some(End::Budget)) {
            return Err(damage(format!("a record after the end of the trial; {remedy}")));
        }
        self.expect(&record, Some(self.number))?;
        self.lines += 1;
        self.summary.add(&record);
        if !self.designs {
            record.design.clear();
        }
        Ok(Some(record))
    }

    /// Errors: the record is not the next one.
    fn expect(&self, record: &Record, line: Option<usize>) -> Result<(), StudyError> {
        let expected = self.summary.evaluations + 1;
        if record.evaluation == expected {
            return Ok(());
        }
        let path = if line.is_some() { self.path.clone() } else { blocks::path(&self.path) };
        let message = format!(
            "evaluation {} where {expected} was expected; restore the file, or remove it to run the trial again",
            record.evaluation
        );
        Err(StudyError::Record { path, line: line.unwrap_or(1), message })
    }
}

impl Iterator for Records {
    type Item = Result<Record, StudyError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_record().transpose()
    }
}

/// The records of a trial in the hands of their one writer. Of what is written no more is kept in memory than the next block takes.
pub struct Journal {
    path: PathBuf,
    file: File,
    summary: Summary,
    /// The records in the file that are in no block yet.
    open: Columns,
}

impl Journal {
    /// Opens the records of a trial to append to them, making the file if it is not there; cuts off a torn end. `None` while another process
    /// holds it. Errors: it cannot be opened, or is damaged.
    pub fn open(path: &Path) -> Result<Option<Self>, StudyError> {
        let failed = |error| StudyError::file(path, error);
        if !path.exists() {
            // Says what is wrong before a new journal hides it.
            records(path)?;
        }
        let mut tries = 0;
        let file = loop {
            let file = OpenOptions::new().create(true).append(true).open(path).map_err(failed)?;
            if is_held(&file) {
                return Ok(None);
            }
            // Its last holder may have put a new one into its place in between.
            if !is_removed(&file).map_err(failed)? {
                break file;
            }
            tries += 1;
            if tries > TRIES {
                return Ok(None);
            }
        };
        let mut stream = records(path)?;
        let mut open = Columns::default();
        while let Some(record) = stream.next() {
            let record = record?;
            if stream.lines > 0 && open.len() < blocks::BLOCK {
                open.push(&record).map_err(|error| failed(error.into()))?;
            }
        }
        if file.metadata().map_err(failed)?.len() > stream.whole {
            file.set_len(stream.whole).map_err(failed)?;
        }
        blocks::cut(&blocks::path(path), stream.whole_blocks)?;
        let lines = stream.lines;
        let mut journal = Self { path: path.into(), file, summary: stream.summary, open };
        if lines > journal.open.len() {
            // A journal of a version that did not seal.
            journal.open = Columns::default();
            journal.seal_file(false)?;
        }
        Ok(Some(journal))
    }

    /// What the records come to.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// Appends a record, and flushes it. Errors: it cannot be written, or the file was removed.
    pub fn append(&mut self, record: &Record) -> Result<(), StudyError> {
        self.write(record)?;
        self.summary.add(record);
        self.open.push(record).map_err(|error| StudyError::file(&self.path, error.into()))?;
        if self.open.len() >= blocks::BLOCK {
            self.seal_open(false)?;
        }
        Ok(())
    }

    /// Appends the end of the trial.
    pub fn finish(&mut self, end: End) -> Result<(), StudyError> {
        self.write(&EndLine { end })?;
        self.summary.end = Some(end);
        Ok(())
    }

    /// Writes all records again as deflated blocks, those of the journal too. Errors: a file that cannot be written; the records are then what
    /// they were.
    pub fn pack(&mut self) -> Result<(), StudyError> {
        self.seal_file(true)
    }

    /// Moves the records of the journal into a block.
    fn seal_open(&mut self, deflate: bool) -> Result<(), StudyError> {
        let target = blocks::path(&self.path);
        blocks::seal(&self.open, deflate)
            .and_then(|block| blocks::append(&target, &block))
            .map_err(|error| StudyError::file(&target, error))?;
        self.open = Columns::default();
        self.replace()
    }

    /// Writes all records into a new file of blocks, which takes the place of the old one.
    fn seal_file(&mut self, deflate: bool) -> Result<(), StudyError> {
        let target = blocks::path(&self.path);
        let part = self.path.with_extension("blocks.part");
        let write = || -> Result<(), StudyError> {
            let at = |error| StudyError::file(&part, error);
            let mut file = File::create(&part).map_err(at)?;
            let mut stream = records(&self.path)?;
            let mut block = Columns::default();
            loop {
                let record = stream.next().transpose()?;
                let is_last = record.is_none();
                if let Some(record) = &record {
                    block.push(record).map_err(|error| at(error.into()))?;
                }
                if block.len() == blocks::BLOCK || (is_last && block.len() > 0) {
                    let bytes = blocks::seal(&block, deflate).map_err(at)?;
                    file.write_all(&bytes).map_err(at)?;
                    block = Columns::default();
                }
                if is_last {
                    break;
                }
            }
            file.sync_data().and_then(|()| std::fs::rename(&part, &target)).map_err(at)
        };
        if let Err(error) = write() {
            let _ = std::fs::remove_file(&part);
            return Err(error);
        }
        self.open = Columns::default();
        self.replace()
    }

    /// Puts a journal without records into the place of this one: it holds the end of the trial, if there is one.
    fn replace(&mut self) -> Result<(), StudyError> {
        let part = self.path.with_extension("jsonl.part");
        let failed = |error| StudyError::file(&part, error);
        let mut file = File::create(&part).map_err(failed)?;
        // Held before it is there to be found; the old one is let go after.
        let _ = file.try_lock();
        let mut begin = || -> std::io::Result<()> {
            let sealed = SealedLine { sealed: self.summary.evaluations, at_s: self.summary.at_s };
            file.write_all(&line::seal(&sealed)?)?;
            self.summary.end.map_or(Ok(()), |end| file.write_all(&line::seal(&EndLine { end })?))
        };
        begin().map_err(failed)?;
        if is_removed(&self.file).map_err(failed)? {
            let _ = std::fs::remove_file(&part);
            return Err(self.removed());
        }
        std::fs::rename(&part, &self.path).map_err(failed)?;
        self.file = file;
        Ok(())
    }

    fn write(&mut self, value: &impl Serialize) -> Result<(), StudyError> {
        // What goes into a removed file is lost without a word.
        if is_removed(&self.file).map_err(|error| StudyError::file(&self.path, error))? {
            return Err(self.removed());
        }
        // One call per line: a kill leaves at most one torn line, the last.
        let mut write = || self.file.write_all(&line::seal(value)?);
        write().map_err(|error| StudyError::file(&self.path, error))
    }

    fn removed(&self) -> StudyError {
        let error = std::io::Error::new(ErrorKind::NotFound, "the file was removed while it was written");
        StudyError::file(&self.path, error)
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

    /// A trial of several blocks, and what it holds.
    fn sealed(path: &Path, count: usize) -> Result<Vec<Record>> {
        let mut log = journal(path)?;
        (1..=count).try_for_each(|n| log.append(&record(n)))?;
        Ok((1..=count).map(record).collect())
    }

    #[test]
    fn a_long_journal_is_sealed_and_reads_as_before() -> Result {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("trial.s1.jsonl");
        let count = 2 * blocks::BLOCK + 5;
        let expected = sealed(&path, count)?;
        assert_eq!(std::fs::read_to_string(&path)?.lines().count(), 6, "what was sealed, and five records");
        assert_eq!(TrialLog::read(&path)?.records, expected);
        let mut log = journal(&path)?;
        assert_eq!(log.summary().evaluations, count);
        log.finish(End::Budget)?;
        log.pack()?;
        drop(log);
        let packed = TrialLog::read(&path)?;
        assert_eq!((packed.records, packed.end), (expected.clone(), Some(End::Budget)));
        assert_eq!(std::fs::read_to_string(&path)?.lines().count(), 2, "what was sealed, and the end");
        // An extended trial goes on behind what is packed.
        let mut log = journal(&path)?;
        log.append(&record(count + 1))?;
        assert_eq!(TrialLog::read(&path)?.records.len(), count + 1);
        Ok(())
    }

    #[test]
    fn a_kill_while_sealing_loses_and_doubles_nothing() -> Result {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("trial.jsonl");
        let count = blocks::BLOCK - 1;
        let mut expected = sealed(&path, count)?;
        let before = std::fs::read(&path)?;
        journal(&path)?.append(&record(blocks::BLOCK))?;
        expected.push(record(blocks::BLOCK));
        let block = std::fs::read(blocks::path(&path))?;
        // The old journal with the last line, as it was before the new one took its place.
        let full = [before, line::seal(&record(blocks::BLOCK))?].concat();
        for cut in [0, 1, 31, 32, 33, block.len() / 2, block.len() - 1, block.len()] {
            std::fs::write(&path, &full)?;
            std::fs::write(blocks::path(&path), &block[..cut])?;
            assert_eq!(TrialLog::read(&path)?.records, expected, "read with {cut} bytes of the block");
            let mut log = journal(&path)?;
            log.append(&record(blocks::BLOCK + 1))?;
            drop(log);
            let now = TrialLog::read(&path)?.records;
            assert_eq!((now.len(), &now[..blocks::BLOCK]), (blocks::BLOCK + 1, &expected[..]), "{cut} bytes");
        }
        Ok(())
    }

    #[test]
    fn any_changed_byte_of_a_block_is_noticed() -> Result {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("trial.jsonl");
        let mut log = journal(&path)?;
        (1..=3).try_for_each(|n| log.append(&record(n)))?;
        log.pack()?;
        let block = std::fs::read(blocks::path(&path))?;
        for place in 0..block.len() {
            let mut changed = block.clone();
            changed[place] ^= 4;
            std::fs::write(blocks::path(&path), &changed)?;
            assert!(TrialLog::read(&path).is_err(), "byte {place}");
        }
        for cut in 0..block.len() {
            std::fs::write(blocks::path(&path), &block[..cut])?;
            assert!(message(&path).contains("3 records were sealed"), "cut at {cut}: {}", message(&path));
        }
        Ok(())
    }

    #[test]
    fn a_journal_that_is_gone_is_missed() -> Result {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("trial.jsonl");
        sealed(&path, blocks::BLOCK + 1)?;
        std::fs::remove_file(&path)?;
        assert!(message(&path).contains("its sealed records are there"), "{}", message(&path));
        assert!(Journal::open(&path).is_err() && !path.exists());
        std::fs::remove_file(blocks::path(&path))?;
        assert_eq!(journal(&path)?.summary().evaluations, 0);
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
