//! SCALE-Sim's own files: configurations (`.cfg`) and topologies (`.csv`), as its versions 2 and 3 ship them.
mod configuration;
mod topology;

use std::path::Path;

pub use configuration::Configuration;
pub use topology::{Topology, TopologyLayer};

use crate::error::{Error, Result};

/// Reads a text file; a byte-order mark is dropped.
fn read(path: &Path) -> Result<String> {
    let text = std::fs::read_to_string(path).map_err(|error| Error::file(path, &error))?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}
