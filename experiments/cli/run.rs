//! `hwgym run`: starts a study.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use hwgym::Registries;
use hwgym::experiments::{Progress, Runner, Store, Study};

/// Set by Ctrl-C.
static STOP: AtomicBool = AtomicBool::new(false);

/// Run a study: every environment with every agent, set of hyperparameters and seed; then report
#[derive(clap::Args)]
pub struct RunArgs {
    /// The study, a RON file
    study: PathBuf,
    /// Directory for records and report; it must not exist yet [default: out/NAME, or out/NAME-2 and so on]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Searches that run at the same time; 0 for one per processor. The results are the same
    #[arg(short, long, default_value_t = 0)]
    jobs: usize,
    /// Only check the study
    #[arg(long)]
    check: bool,
}

impl RunArgs {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let registries = hwgym::registries()?;
        let study = Study::load(&self.study, &registries)?;
        if self.check {
            println!(
                "{}: {} trials of up to {} evaluations",
                study.name,
                study.trials().len(),
                study.evaluations
            );
            return Ok(ExitCode::SUCCESS);
        }
        let directory = self.out.unwrap_or_else(|| free(&Path::new("out").join(&study.name)));
        let store = Store::create(&directory, &study)?;
        carry_on(&study, &store, &registries, self.jobs)
    }
}

/// The path, or the first of `path-2`, `path-3`, ... that is not there.
fn free(path: &Path) -> PathBuf {
    let numbered = |number: usize| {
        if number == 1 { path.into() } else { PathBuf::from(format!("{}-{number}", path.display())) }
    };
    (1..).map(numbered).find(|path| !path.exists()).unwrap_or_else(|| path.into())
}

/// Runs what is left of a study, and reports.
pub fn carry_on(
    study: &Study,
    store: &Store,
    registries: &Registries,
    jobs: usize,
) -> anyhow::Result<ExitCode> {
    // The second Ctrl-C ends the program at once; records are whole either way.
    let _ = ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(1);
        }
    });
    let trials = study.trials().len();
    let directory = store.directory().display();
    eprintln!("{}: {trials} trials of up to {} evaluations, into {directory}", study.name, study.evaluations);
    let progress = Progress::start(trials, trials * study.evaluations);
    let finished = Runner { jobs, stop: &STOP, progress: &progress }.run(study, store)?;
    for (_, error) in &finished.failed {
        eprintln!("error: {error}");
    }
    let failed = finished.failed.len();
    if finished.failed.iter().any(|(_, error)| error.is_bad_input()) {
        return Ok(ExitCode::from(2));
    }
    if finished.complete + failed < finished.trials {
        eprintln!("stopped; go on with: hwgym resume {directory}");
        return Ok(ExitCode::FAILURE);
    }
    // A trial that ended early takes nothing away from the others.
    let written = crate::report::write(study, store, registries)?;
    if failed == 0 {
        return Ok(written);
    }
    eprintln!(
        "{failed} of {trials} trials failed, as said above; try them again with: hwgym resume {directory}"
    );
    Ok(ExitCode::FAILURE)
}
