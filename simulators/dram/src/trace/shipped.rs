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

shipped! {}

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
        
        for trace in SHIPPED {
            let info = TraceInfo::collect(trace.reader().unwrap()).unwrap();
            assert!((10_000..=50_000).contains(&info.requests), "{}: {}", trace.name, info.requests);
            assert!(info.writes > 0 && info.max_address < 1 << 30, "{}", trace.name);
            assert!(trace.gzip.len() < 256 * 1024, "{}", trace.name);
        }
        assert!(ShippedTrace::find("nothing").is_err());
    }
}
