//! `hwgym run`: starts a study.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::Registries;
use crate::arguments::CacheFolderArgs;
use crate::experiments::resimulation::resimulate;
use crate::experiments::{Control, Executor, Finished, Local, Progress, Store, Study, Trial};

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
    /// Only make the directory, for `hwgym worker`
    #[arg(long, conflicts_with = "check")]
    prepare: bool,
    #[command(flatten)]
    cache: crate::arguments::CacheFolderArgs,
}

impl RunArgs {
    pub fn run(self, registries: &Registries) -> anyhow::Result<ExitCode> {
        let mut study = Study::load(&self.study, registries)?;
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
        let store = Store::create(&directory, &study, registries)?;
        if self.prepare {
            println!("{}", directory.display());
            return Ok(ExitCode::SUCCESS);
        }
        share_results(&mut study, &store, &self.cache)?;
        carry_on(&study, &store, registries, &study.trials(), self.jobs)
    }
}

/// Has the trials of a study share results of programs: in the given folder, or in the study's own.
pub fn share_results(study: &mut Study, store: &Store, cache: &CacheFolderArgs) -> anyhow::Result<()> {
    match cache.open()? {
        Some(cache) => study.share_results(&cache),
        None => study.share_results_in(&store.directory().join("cache"))?,
    }
    Ok(())
}

/// The path, or the first of `path-2`, `path-3`, ... that is not there.
pub fn free(path: &Path) -> PathBuf {
    let numbered = |number: usize| {
        if number == 1 { path.into() } else { PathBuf::from(format!("{}-{number}", path.display())) }
    };
    (1..).map(numbered).find(|path| !path.exists()).unwrap_or_else(|| path.into())
}

/// Runs what is left of these trials, and reports.
pub fn carry_on(
    study: &Study,
    store: &Store,
    registries: &Registries,
    trials: &[Trial],
    jobs: usize,
) -> anyhow::Result<ExitCode> {
    let directory = store.directory().display();
    let (count, most) = (trials.len(), study.evaluations);
    eprintln!("{}: {count} trials of up to {most} evaluations, into {directory}", study.name);
    let finished = execute(study, store, trials, jobs)?;
    if let Some(code) = exit_code(&finished, store) {
        // A trial that ended early takes nothing away from the others.
        if code == ExitCode::FAILURE && finished.complete + finished.failed.len() == finished.trials {
            resimulate(study, store, registries)?;
            crate::report::write(store, false)?;
        }
        return Ok(code);
    }
    resimulate(study, store, registries)?;
    crate::report::write(store, false)
}

/// Runs trials on the threads of this process, until Ctrl-C.
pub fn execute(study: &Study, store: &Store, trials: &[Trial], jobs: usize) -> anyhow::Result<Finished> {
    // The second Ctrl-C ends the program at once; records are whole either way.
    let _ = ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(1);
        }
    });
    let jobs = reasonable(jobs);
    let progress = Progress::start(trials.len(), trials.len() * study.evaluations);
    let control = Control { stop: &STOP, progress: &progress };
    Ok(Local { jobs, control }.run(study, store, trials)?)
}

/// The number of jobs, at most a few per processor: more only wait for each other, and a great many stop the machine.
fn reasonable(jobs: usize) -> usize {
    let most = 8 * std::thread::available_parallelism().map_or(1, usize::from);
    if jobs > most {
        eprintln!("{jobs} jobs are more than this machine can use; {most} are run at the same time");
    }
    jobs.min(most)
}

/// Says what is not complete, and how to go on; `None` if all is.
pub fn exit_code(finished: &Finished, store: &Store) -> Option<ExitCode> {
    let directory = store.directory().display();
    for (_, error) in &finished.failed {
        eprintln!("error: {error}");
    }
    let (failed, elsewhere) = (finished.failed.len(), finished.elsewhere);
    if finished.failed.iter().any(|(_, error)| error.is_bad_input()) {
        return Some(ExitCode::from(2));
    }
    if elsewhere > 0 {
        eprintln!("{elsewhere} trials are at work in other processes");
    }
    if finished.complete + failed + elsewhere < finished.trials {
        eprintln!("stopped; go on with: hwgym resume {directory}");
        return Some(ExitCode::FAILURE);
    }
    if failed > 0 {
        let trials = finished.trials;
        eprintln!(
            "{failed} of {trials} trials failed, as said above; try them again with: hwgym resume {directory}"
        );
        return Some(ExitCode::FAILURE);
    }
    (elsewhere > 0).then_some(ExitCode::FAILURE)
}
