//! Writer of `.stl` traces, plain or gzip.
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::{Error, Request, Result};

/// Writes requests as `.stl` text. Call [`finish`](StlWriter::finish) at the end.
///
/// ```
/// use hwgym_dram::{Request, trace::StlWriter};
///
/// let mut text = Vec::new();
/// let mut writer = StlWriter::new(&mut text);
/// writer.comment("two lines")?;
/// writer.write(&Request { cycle: 4, address: 0x40, is_write: true, bytes: 0 })?;
/// writer.finish()?;
/// assert_eq!(text, b"# two lines\n4:\twrite\t0x40\n");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct StlWriter<W: Write> {
    output: W,
}

impl<W: Write> StlWriter<W> {
    /// Writes to `output`, which should be buffered.
    pub fn new(output: W) -> Self {
        Self { output }
    }

    /// Writes every line of `text` as a comment.
    ///
    /// # Errors
    /// Those of the output.
    pub fn comment(&mut self, text: &str) -> io::Result<()> {
        text.lines().try_for_each(|line| writeln!(self.output, "# {line}"))
    }

    /// Writes one request.
    ///
    /// # Errors
    /// Those of the output.
    pub fn write(&mut self, request: &Request) -> io::Result<()> {
        let Request { cycle, address, is_write, bytes } = *request;
        let command = if is_write { "write" } else { "read" };
        match bytes {
            0 => writeln!(self.output, "{cycle}:\t{command}\t{address:#x}"),
            _ => writeln!(self.output, "{cycle}:\t({bytes})\t{command}\t{address:#x}"),
        }
    }

    /// Flushes and returns the output.
    ///
    /// # Errors
    /// Those of the output.
    pub fn finish(mut self) -> io::Result<W> {
        self.output.flush()?;
        Ok(self.output)
    }
}

/// A trace file under construction: it appears under its name only when it is complete.
///
/// The name decides about compression: `.gz` gives gzip. Dropping it without [`finish`](TraceFile::finish) removes
/// what was written.
#[derive(Debug)]
pub struct TraceFile {
    writer: Option<StlWriter<Output>>,
    part: PathBuf,
    path: PathBuf,
}

/// Where the bytes go.
#[derive(Debug)]
enum Output {
    Plain(BufWriter<File>),
    Gzip(GzEncoder<BufWriter<File>>),
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(output) => output.write(bytes),
            Self::Gzip(output) => output.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(output) => output.flush(),
            Self::Gzip(output) => output.flush(),
        }
    }
}

impl TraceFile {
    /// Starts the file `path`.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be made.
    pub fn create(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref().to_path_buf();
        let mut part = path.clone().into_os_string();
        part.push(".part");
        let part = PathBuf::from(part);
        let file = File::create(&part).map_err(|source| Error::io(&path, source))?;
        let buffered = BufWriter::with_capacity(1 << 17, file);
        let output = match path.extension() {
            Some(extension) if extension == "gz" => {
                Output::Gzip(GzEncoder::new(buffered, Compression::best()))
            }
            _ => Output::Plain(buffered),
        };
        Ok(Self { writer: Some(StlWriter::new(output)), part, path })
    }

    /// Writes comment lines.
    ///
    /// # Errors
    /// [`Error::Io`] if the file system refuses.
    pub fn comment(&mut self, text: &str) -> Result<()> {
        self.with(|writer| writer.comment(text))
    }

    /// Writes one request.
    ///
    /// # Errors
    /// [`Error::Io`] if the file system refuses.
    pub fn write(&mut self, request: &Request) -> Result<()> {
        self.with(|writer| writer.write(request))
    }

    /// Completes the file and gives it its name.
    ///
    /// # Errors
    /// [`Error::Io`] if the file system refuses.
    pub fn finish(mut self) -> Result<()> {
        let close = |writer: StlWriter<Output>| match writer.finish()? {
            Output::Plain(mut output) => output.flush(),
            Output::Gzip(output) => output.finish()?.flush(),
        };
        let done =
            self.writer.take().map_or(Ok(()), close).and_then(|()| std::fs::rename(&self.part, &self.path));
        done.map_err(|source| Error::io(&self.path, source))
    }

    fn with(&mut self, act: impl FnOnce(&mut StlWriter<Output>) -> io::Result<()>) -> Result<()> {
        match &mut self.writer {
            Some(writer) => act(writer).map_err(|source| Error::io(&self.path, source)),
            None => Ok(()),
        }
    }
}

impl Drop for TraceFile {
    fn drop(&mut self) {
        // After `finish` the part no longer exists, and this does nothing.
        let _ = std::fs::remove_file(&self.part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{GeneratorSpec, load};

    #[test]
    fn what_is_written_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let mut requests: Vec<_> =
            GeneratorSpec::preset("mix").unwrap().generator().unwrap().take(500).collect();
        requests[3].bytes = 32;
        for name in ["a.stl", "a.stl.gz"] {
            let path = folder.path().join(name);
            let mut file = TraceFile::create(&path).unwrap();
            file.comment("first\nsecond").unwrap();
            requests.iter().try_for_each(|request| file.write(request)).unwrap();
            assert!(!path.exists());
            file.finish().unwrap();
            assert_eq!(load(&path).unwrap(), requests, "{name}");
        }
        let size = |name: &str| std::fs::metadata(folder.path().join(name)).unwrap().len();
        assert!(size("a.stl.gz") < size("a.stl") / 2);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn an_unfinished_file_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        drop(TraceFile::create(folder.path().join("b.stl")).unwrap());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(TraceFile::create(folder.path().join("no/b.stl")).is_err());
    }
}
