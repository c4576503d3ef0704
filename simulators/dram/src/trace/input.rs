//! The bytes of a trace: plain or gzip-compressed, told apart by content.
use std::io::{self, Cursor, Read};

use flate2::read::MultiGzDecoder;

/// First bytes that are looked at.
const PREFIX: usize = 512;

/// Opens `input`, decompressing it if it is gzip. `Err` holds a message and a remedy when the content is recognised as
/// something else than a trace.
pub(super) fn open<'a>(
    mut input: impl Read + Send + 'a,
) -> io::Result<Result<Box<dyn Read + Send + 'a>, Foreign>> {
    let mut prefix = Vec::with_capacity(PREFIX);
    input.by_ref().take(PREFIX as u64).read_to_end(&mut prefix)?;
    if prefix.starts_with(&[0x1f, 0x8b]) {
        return Ok(Ok(Box::new(MultiGzDecoder::new(Cursor::new(prefix).chain(input)))));
    }
    if let Some(foreign) = Foreign::detect(&prefix) {
        return Ok(Err(foreign));
    }
    Ok(Ok(Box::new(Cursor::new(prefix).chain(input))))
}

/// A kind of content that is no trace.
pub(super) struct Foreign {
    pub message: &'static str,
    pub remedy: &'static str,
}

impl Foreign {
    /// Looks at the first bytes of the file.
    pub(super) fn detect(prefix: &[u8]) -> Option<Self> {
        const KNOWN: [(&[u8], &str, &str); 6] = [
            (
                b"\xfd7zXZ",
                "this is an xz archive, not a trace",
                "decompress it (`xz -d`) or recompress it as gzip",
            ),
            (
                b"\x28\xb5\x2f\xfd",
                "this is a zstd archive, not a trace",
                "decompress it (`zstd -d`) or recompress it as gzip",
            ),
            (
                b"BZh",
                "this is a bzip2 archive, not a trace",
                "decompress it (`bzip2 -d`) or recompress it as gzip",
            ),
            (b"PK\x03\x04", "this is a zip archive, not a trace", "unpack it and give the trace inside"),
            (
                b"\x7fELF",
                "this is a program, not a trace",
                "record a trace of it with `hwgym trace record -- PROGRAM`",
            ),
            (
                b"version https://git-lfs",
                "this is a Git LFS pointer: the trace itself was not downloaded",
                "run `git lfs pull` in the repository the file came from",
            ),
        ];
        if let Some((_, message, remedy)) = KNOWN.into_iter().find(|(magic, ..)| prefix.starts_with(magic)) {
            return Some(Self { message, remedy });
        }
        prefix.contains(&0).then_some(Self {
            message: "this is binary data, not a trace: it holds NUL bytes",
            remedy: super::line::FORMAT,
        })
    }
}
