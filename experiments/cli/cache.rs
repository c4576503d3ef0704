//! `hwgym cache`: results that are kept by content.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use crate::envs::results::{Prune, ResultCache};

use crate::env::plain_table;
use crate::failure::bad_input;

/// Look at kept results of programs, and remove some
///
/// A study keeps the results of the programs it runs in its folder `cache`; `--cache DIR` shares them between studies.
#[derive(clap::Args)]
pub struct CacheArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Say what a folder of results holds
    Stat {
        /// The folder
        folder: PathBuf,
    },
    /// Remove results, and what is damaged or unfinished
    Prune {
        /// The folder
        folder: PathBuf,
        /// Results that are older
        #[arg(long, value_name = "DAYS", value_parser = days)]
        older_than: Option<Duration>,
        /// The oldest results, until at most so many MiB are left
        #[arg(long, value_name = "MIB")]
        at_most: Option<u64>,
        /// Results of this definition only, by its name
        #[arg(long, value_name = "NAME")]
        environment: Option<String>,
        /// Every result
        #[arg(long)]
        all: bool,
    },
}

impl CacheArgs {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self.action {
            Action::Stat { folder } => {
                let cache = existing(&folder)?;
                let held = cache.statistics()?;
                println!("{}: {} results, {} bytes", folder.display(), held.results, held.bytes);
                let mut table = plain_table();
                for (environment, count) in &held.environments {
                    table.add_row([environment.clone(), count.to_string()]);
                }
                if !held.environments.is_empty() {
                    println!("{table}");
                }
                if held.useless > 0 {
                    println!(
                        "{} damaged or unfinished files; `hwgym cache prune {}` removes them",
                        held.useless,
                        folder.display()
                    );
                }
            }
            Action::Prune { folder, older_than, at_most, environment, all } => {
                let cache = existing(&folder)?;
                let what =
                    Prune { older_than, at_most_bytes: at_most.map(|mib| mib << 20), environment, all };
                let removed = cache.prune(&what)?;
                println!("{removed} removed, {} results left", cache.statistics()?.results);
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn existing(folder: &std::path::Path) -> anyhow::Result<ResultCache> {
    ResultCache::existing(folder).map_err(|error| bad_input(format!("{}: {error}", folder.display())))
}

fn days(text: &str) -> Result<Duration, String> {
    let days: f64 = text.parse().map_err(|_| "expected a number of days")?;
    Duration::try_from_secs_f64(days * 86_400.0).map_err(|_| "expected a number of days, at least 0".into())
}
