//! The recorded traces that are part of the program. How each was made stands in `traces/README.md`.
use crate::{Error, Request, Result};

use super::StlReader;

/// A recorded trace.
#[derive(Debug, Clone, Copy)]
pub struct ShippedTrace {
    /// Name by which it is chosen.
    pub name: &'static str,
    /// What ran.
    pub description: &'static str,
    /// The trace, compressed.
    gzip: &'static [u8],
}

macro_rules! shipped {
    ($($name:literal: $description:literal),* $(,)?) => {
        /// All of them.
        pub const SHIPPED: &[ShippedTrace] = &[$(ShippedTrace {
            name: $name,
            description: $description,
            gzip: include_bytes!(concat!("../../traces/", $name, ".stl.gz")),
        }),*];
    };
}

shipped! {
    "bfs": "breadth-first search over a random graph (C): irregular reads, a quarter written back",
    "matmul": "matrix product in textbook order (C): columns at a fixed stride, nearly all reads",
    "python": "CPython filling a dictionary with 50,021 string keys",
    "sort": "GNU sort of 200,000 numbers: streams in, streams out",
    "sqlite": "SQLite joining a table with itself through an index",
    "xz": "xz compressing a list of numbers: random look-ups in its hash chains, low load",
}

impl ShippedTrace {
    /// The trace of that name.
    ///
    /// # Errors
    /// [`Error::UnknownName`].
    pub fn find(name: &str) -> Result<&'static Self> {
        let found = SHIPPED.iter().find(|trace| trace.name == name);
        found.ok_or_else(|| Error::unknown("trace", name, SHIPPED.iter().map(|trace| trace.name)))
    }

    /// A reader of its requests.
    ///
    /// # Errors
    /// None in practice: the traces are tested.
    pub fn reader(&self) -> Result<StlReader<'static>> {
        StlReader::new(self.name, self.gzip)
    }

    /// Its requests.
    ///
    /// # Errors
    /// As [`ShippedTrace::reader`].
    pub fn load(&self) -> Result<Vec<Request>> {
        self.reader()?.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::TraceInfo;

    #[test]
    fn shipped_traces_are_sound() {
        assert!(SHIPPED.len() >= 4);
        for trace in SHIPPED {
            let info = TraceInfo::collect(trace.reader().unwrap()).unwrap();
            assert!((10_000..=50_000).contains(&info.requests), "{}: {}", trace.name, info.requests);
            assert!(info.writes > 0 && info.max_address < 1 << 30, "{}", trace.name);
            assert!(trace.gzip.len() < 256 * 1024, "{}", trace.name);
        }
        assert!(ShippedTrace::find("nothing").is_err());
    }
}
