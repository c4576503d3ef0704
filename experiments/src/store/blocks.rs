//! The sealed records of a trial, `trials/NAME.blocks`: blocks of [columns](super::columns) with checksums, behind the journal.
//!
//! A block is a head of 32 bytes and its content, all numbers little-endian:
//!
//! | bytes | what |
//! |---|---|
//! | 4 | `hwgb` |
//! | 1 | version of the block, 1 |
//! | 1 | 0: columns as they are; 1: deflated (RFC 1951) |
//! | 2 | zero |
//! | 4 | number of records |
//! | 4 | bytes of the content |
//! | 8 | number of the first evaluation |
//! | 4 | bytes of the columns before they were deflated |
//! | 4 | CRC-32 (IEEE 802.3) of all before it in the head, and of the content |
//!
//! Blocks are only appended. One that is cut short at the end of the file was torn by a kill: readers pass over it, the next writer cuts it off,
//! and the journal still has its records. A whole one whose checksum does not fit is damage.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::columns::{self, Columns, Decoded};
use crate::StudyError;

/// Records that are sealed together.
pub(super) const BLOCK: usize = 4096;

const MAGIC: &[u8; 4] = b"hwgb";
const VERSION: u8 = 1;
const HEAD: usize = 32;
/// Content of a block at most: a longer one is damage.
const LONGEST: u32 = 1 << 30;

/// The file of blocks beside a journal.
pub(super) fn path(journal: &Path) -> PathBuf {
    journal.with_extension("blocks")
}

/// What stands at the head of a block.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Head {
    records: usize,
    first: usize,
    deflated: bool,
    content: u32,
    columns: u32,
    sum: u32,
}

/// The bytes of a block of these records, one or more.
pub(super) fn seal(records: &Columns, deflate: bool) -> std::io::Result<Vec<u8>> {
    let columns = records.encode()?;
    let length = u32::try_from(columns.len()).ok().filter(|length| *length <= LONGEST);
    let length = length.ok_or_else(|| std::io::Error::other("records too large for a block"))?;
    let content = if deflate {
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(&columns)?;
        encoder.finish()?
    } else {
        columns
    };
    let mut block = Vec::with_capacity(HEAD + content.len());
    block.extend(MAGIC);
    block.extend([VERSION, u8::from(deflate), 0, 0]);
    block.extend((records.len() as u32).to_le_bytes());
    block.extend((content.len() as u32).to_le_bytes());
    block.extend((records.first() as u64).to_le_bytes());
    block.extend(length.to_le_bytes());
    let sum = sum(&block, &content);
    block.extend(sum.to_le_bytes());
    block.extend(content);
    Ok(block)
}

fn sum(head: &[u8], content: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(head);
    hasher.update(content);
    hasher.finalize()
}

/// Appends a block to the file, and waits until the disk has it: what it holds leaves the journal next.
pub(super) fn append(path: &Path, block: &[u8]) -> std::io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(block)?;
    file.sync_data()
}

/// The blocks of a file, one by one.
pub(super) struct Blocks {
    path: PathBuf,
    reader: Option<BufReader<File>>,
    /// Blocks read, and bytes of them.
    number: usize,
    whole: u64,
}

impl Blocks {
    /// Opens the file; one that is not there has no blocks. Errors: it cannot be opened.
    pub fn open(path: PathBuf) -> Result<Self, StudyError> {
        let reader = match File::open(&path) {
            Ok(file) => Some(BufReader::new(file)),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(StudyError::file(&path, error)),
        };
        Ok(Self { path, reader, number: 0, whole: 0 })
    }

    /// True if there is a file.
    pub fn is_there(&self) -> bool {
        self.reader.is_some()
    }

    /// Bytes of the blocks read so far.
    pub fn whole(&self) -> u64 {
        self.whole
    }

    /// The records of the next block, without their designs if those are not wanted; `None` after the last. Errors: damage, with the number of
    /// the block.
    pub fn read(&mut self, designs: bool) -> Result<Option<Decoded>, StudyError> {
        let Some((head, bytes)) = self.head()? else { return Ok(None) };
        let Some(reader) = &mut self.reader else { return Ok(None) };
        let mut content = Vec::new();
        reader
            .take(head.content.into())
            .read_to_end(&mut content)
            .map_err(|error| StudyError::file(&self.path, error))?;
        if content.len() < head.content as usize {
            return Ok(None);
        }
        if sum(&bytes[..HEAD - 4], &content) != head.sum {
            return Err(self.damage("its checksum does not fit"));
        }
        let columns = if head.deflated {
            let mut columns = Vec::with_capacity(head.columns as usize);
            flate2::read::DeflateDecoder::new(&content[..])
                .take(u64::from(head.columns) + 1)
                .read_to_end(&mut columns)
                .map_err(|error| self.damage(&error.to_string()))?;
            columns
        } else {
            content
        };
        let records = columns::decode(&columns, designs).map_err(|message| self.damage(&message))?;
        if records.size() != (head.records, head.first) {
            return Err(self.damage("it holds other records than it says"));
        }
        self.whole += HEAD as u64 + u64::from(head.content);
        Ok(Some(records))
    }

    /// The next head and its bytes; `None` at the end of the file.
    fn head(&mut self) -> Result<Option<(Head, [u8; HEAD])>, StudyError> {
        let Some(reader) = &mut self.reader else { return Ok(None) };
        let mut bytes = [0; HEAD];
        match reader.read_exact(&mut bytes) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(StudyError::file(&self.path, error)),
        }
        self.number += 1;
        if &bytes[..4] != MAGIC {
            return Err(self.damage("it does not begin as one"));
        }
        if bytes[4] != VERSION || bytes[5] > 1 {
            return Err(self.damage(&format!(
                "it is of version {}.{}, this program reads version {VERSION}",
                bytes[4], bytes[5]
            )));
        }
        let four = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let eight = |at: usize| u64::from(four(at)) | u64::from(four(at + 4)) << 32;
        let head = Head {
            deflated: bytes[5] == 1,
            records: four(8) as usize,
            content: four(12),
            first: eight(16) as usize,
            columns: four(24),
            sum: four(28),
        };
        if head.content > LONGEST || head.columns > LONGEST {
            return Err(self.damage("it is longer than any"));
        }
        Ok(Some((head, bytes)))
    }

    fn damage(&self, message: &str) -> StudyError {
        StudyError::Record {
            path: self.path.clone(),
            line: self.number,
            message: format!(
                "this block is not what was written: {message}; restore the file, or remove it and its journal to run the trial again"
            ),
        }
    }
}

/// Cuts off what is behind the last whole block. Errors: the file cannot be written.
pub(super) fn cut(path: &Path, whole: u64) -> Result<(), StudyError> {
    let cut = || -> std::io::Result<()> {
        let mut file = match OpenOptions::new().write(true).open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            other => other?,
        };
        if file.seek(SeekFrom::End(0))? > whole {
            file.set_len(whole)?;
        }
        Ok(())
    };
    cut().map_err(|error| StudyError::file(path, error))
}
