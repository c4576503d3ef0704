//! `hwgym export`: a study as tables for other programs.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::experiments::Store;
use crate::experiments::export::{self, Format};

/// Write every evaluation of a study as a table, or its searches as episodes for offline reinforcement learning
///
/// `csv` and `parquet`: a file per task, a row per evaluation. `rlds`: a row per step, with observation, action, reward, is_first, is_last and
/// is_terminal, and a table of episodes; an episode is a search.
#[derive(clap::Args)]
pub struct ExportArgs {
    /// The directory of the study
    directory: PathBuf,
    /// Format of the tables
    #[arg(long, value_enum, default_value_t = FormatName::Csv)]
    format: FormatName,
    /// Folder of the files [default: DIR/export]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum FormatName {
    Csv,
    Parquet,
    Rlds,
}

impl ExportArgs {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let store = Store::open(&self.directory)?;
        let folder = self.out.unwrap_or_else(|| self.directory.join("export"));
        let format = match self.format {
            FormatName::Csv => Format::Csv,
            FormatName::Parquet => Format::Parquet,
            FormatName::Rlds => Format::Rlds,
        };
        for file in export::write(&store, format, &folder)? {
            println!("{}", file.display());
        }
        Ok(ExitCode::SUCCESS)
    }
}
