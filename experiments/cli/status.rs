//! `hwgym status`: how far a study is, while it runs or after.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::experiments::Store;
use crate::experiments::store::status::{Phase, Status};
use crate::submit::Submission;

/// Say how far a study is: over, running, stopped, waiting and failed searches
///
/// It reads the ends of the files of records, beside whoever writes them. Exit code: 0 while nothing failed, 1 if a search failed.
#[derive(clap::Args)]
pub struct StatusArgs {
    /// The directory of the study
    directory: PathBuf,
    /// A line for every search
    #[arg(long)]
    trials: bool,
    /// As JSON
    #[arg(long, conflicts_with = "trials")]
    json: bool,
}

impl StatusArgs {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let store = Store::open(&self.directory)?;
        let status = Status::of(&store)?;
        let failed = status.failed().count();
        let code = if failed > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS };
        let mut output = std::io::stdout().lock();
        if self.json {
            writeln!(output, "{}", serde_json::to_string_pretty(&status)?)?;
            return Ok(code);
        }
        writeln!(output, "{}", summary(&store, &status))?;
        if self.trials {
            for trial in &status.trials {
                let phase = match &trial.phase {
                    Phase::Failed(_) => "failed".to_string(),
                    phase => format!("{phase:?}").to_lowercase(),
                };
                writeln!(
                    output,
                    "{:<8} {:>8} of {} evaluations, {:>9.1} s  {}",
                    phase, trial.evaluations, status.budget, trial.seconds, trial.name
                )?;
            }
        }
        for (name, message) in status.failed() {
            writeln!(output, "failed: {name}: {message}")?;
        }
        if let Some(submission) = Submission::last(&self.directory)? {
            writeln!(output, "{}", submission.state())?;
        }
        if failed > 0 {
            writeln!(
                output,
                "try the failed ones again with: hwgym resume {} --failed-only",
                self.directory.display()
            )?;
        }
        Ok(code)
    }
}

/// One line: how many searches are where, and how many evaluations there are.
pub fn summary(store: &Store, status: &Status) -> String {
    let count = |phase: Phase| status.count(|p| *p == phase);
    let failed = status.failed().count();
    let done: usize = status.trials.iter().map(|trial| trial.evaluations).sum();
    let all = status.trials.len() * status.budget;
    format!(
        "{}: {} of {} searches over, {} running, {} stopped, {} waiting, {failed} failed; {done} of up to {all} evaluations",
        store.manifest().name,
        count(Phase::Over),
        status.trials.len(),
        count(Phase::Running),
        count(Phase::Stopped),
        count(Phase::Waiting),
    )
}
