//! `hwgym submit`: a study as a job array of a cluster engine that the user has.
//!
//! Nothing is scheduled here: a script is written, handed to `sbatch`, and each of its tasks runs a chunk of the trials as a plain
//! `hwgym worker` on the shared directory. A task that is requeued or pre-empted goes on where it was: its records are on the disk, and SIGTERM
//! stops a worker between two evaluations.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::Registries;
use crate::experiments::store::status::{Phase, Status};
use crate::experiments::{Store, Study};
use crate::failure::bad_input;

/// Folder of what was submitted, in the directory of a study.
const FOLDER: &str = "submitted";

/// Submit a study to Slurm as a job array; each task runs a chunk of its searches as `hwgym worker`
///
/// The study's directory must lie on a file system that all nodes share, and the program at the same path on all of them. `hwgym status DIR`
/// says how far it is, `hwgym collect DIR` reports what there is. Submitted again, it takes what is not over.
#[derive(clap::Args)]
pub struct SubmitArgs {
    /// The study, a RON file; or the directory of one, to submit what is not over
    study: PathBuf,
    /// Directory for records and report, for a study that is new [default: out/NAME]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The engine
    #[arg(long, value_enum, default_value_t = Engine::Slurm)]
    engine: Engine,
    /// Options for `sbatch`, such as "--partition=short --time=30 --mem=2G"; may be repeated
    #[arg(long, value_name = "OPTIONS", allow_hyphen_values = true)]
    sbatch: Vec<String>,
    /// Searches of one task of the array
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..))]
    chunk: u64,
    /// Searches that one task runs at the same time; give it as many processors by `--sbatch "--cpus-per-task=N"`
    #[arg(short, long, default_value_t = 1)]
    jobs: usize,
    /// Take only the searches that failed when they were last tried
    #[arg(long)]
    failed_only: bool,
    /// Write the script and the list, and submit nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Engine {
    /// `sbatch` with a job array
    Slurm,
}

/// What was submitted.
#[derive(Debug, Serialize, Deserialize)]
pub struct Submission {
    /// The engine's number of the job.
    job: String,
    /// Tasks of the array.
    tasks: usize,
    /// Trials in its list.
    trials: usize,
}

impl SubmitArgs {
    pub fn run(self, registries: &Registries) -> anyhow::Result<ExitCode> {
        let Engine::Slurm = self.engine;
        let store = self.store(registries)?;
        let status = Status::of(&store)?;
        let wanted = |phase: &Phase| match phase {
            Phase::Over => false,
            Phase::Failed(_) => true,
            _ => !self.failed_only,
        };
        let names: Vec<&str> = status
            .trials
            .iter()
            .filter(|trial| wanted(&trial.phase))
            .map(|trial| trial.name.as_str())
            .collect();
        if names.is_empty() {
            println!("{}", crate::status::summary(&store, &status));
            println!("nothing is left to submit");
            return Ok(ExitCode::SUCCESS);
        }
        let directory = std::path::absolute(store.directory())?;
        let folder = directory.join(FOLDER);
        fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        let number = (1..).find(|n| !folder.join(format!("{n}.trials")).exists()).unwrap_or(1);
        let list = folder.join(format!("{number}.trials"));
        fs::write(&list, names.join("\n") + "\n").with_context(|| list.display().to_string())?;
        let tasks = names.len().div_ceil(self.chunk as usize);
        let script = folder.join(format!("{number}.sh"));
        let program = std::env::current_exe()?;
        fs::write(&script, self.script(&store, &program, &directory, &list, tasks))
            .with_context(|| script.display().to_string())?;
        println!(
            "{}: {} searches in {tasks} tasks, {}",
            store.manifest().name,
            names.len(),
            script.display()
        );
        if self.dry_run {
            return Ok(ExitCode::SUCCESS);
        }
        let output = Command::new("sbatch").arg("--parsable").arg(&script).output().map_err(|error| {
            bad_input(format!("sbatch: {error}; run this where Slurm's commands are, or hand the script to another engine (`--dry-run` writes it)"))
        })?;
        if !output.status.success() {
            return Err(bad_input(format!("sbatch: {}", String::from_utf8_lossy(&output.stderr).trim())));
        }
        // `--parsable` prints the number, and with several clusters `;CLUSTER` behind it.
        let text = String::from_utf8_lossy(&output.stdout);
        let job = text.trim().split(';').next().unwrap_or_default().to_string();
        let submission = Submission { job, tasks, trials: names.len() };
        let path = folder.join(format!("{number}.json"));
        fs::write(&path, serde_json::to_vec(&submission)?).with_context(|| path.display().to_string())?;
        println!("job {}; how far it is: hwgym status {}", submission.job, store.directory().display());
        Ok(ExitCode::SUCCESS)
    }

    /// The directory of the study, which is made for a file.
    fn store(&self, registries: &Registries) -> anyhow::Result<Store> {
        if self.study.is_dir() {
            if self.out.is_some() {
                return Err(bad_input("`--out` is for a study that is new; this is the directory of one"));
            }
            return Ok(Store::open(&self.study)?);
        }
        let study = Study::load(&self.study, registries)?;
        let directory = self.out.clone().unwrap_or_else(|| Path::new("out").join(&study.name));
        Ok(Store::create(&directory, &study, registries)?)
    }

    fn script(&self, store: &Store, program: &Path, directory: &Path, list: &Path, tasks: usize) -> String {
        let quoted = |path: &Path| format!("'{}'", path.display().to_string().replace('\'', "'\\''"));
        let mut script = format!(
            "#!/bin/sh\n#SBATCH --job-name=hwgym-{}\n#SBATCH --array=0-{}\n#SBATCH --output={}\n#SBATCH --open-mode=append\n#SBATCH --requeue\n\
             #SBATCH --ntasks=1\n",
            store.manifest().name,
            tasks - 1,
            directory.join(FOLDER).join("%A_%a.log").display(),
        );
        for options in &self.sbatch {
            script.push_str(&format!("#SBATCH {options}\n"));
        }
        script.push_str(&format!(
            "# Takes its chunk of the list by the index of its task; SIGTERM stops it between two evaluations.\nexec {} worker {} --list {} --chunk {} --jobs {}\n",
            quoted(program),
            quoted(directory),
            quoted(list),
            self.chunk,
            self.jobs,
        ));
        script
    }
}

impl Submission {
    /// The last submission of a study; `None` if there is none.
    pub fn last(directory: &Path) -> anyhow::Result<Option<Self>> {
        let file = |number: usize| directory.join(FOLDER).join(format!("{number}.json"));
        let Some(number) = (1..).take_while(|n| file(*n).exists()).last() else { return Ok(None) };
        let path = file(number);
        let text = fs::read(&path).with_context(|| path.display().to_string())?;
        Ok(Some(serde_json::from_slice(&text).with_context(|| path.display().to_string())?))
    }

    /// What the engine says of it, in words.
    pub fn state(&self) -> String {
        let Self { job, tasks, trials } = self;
        let head = format!("job {job}, {tasks} tasks for {trials} searches");
        let output =
            Command::new("squeue").args(["--noheader", "--array", "--format=%T", "--jobs", job]).output();
        let Ok(output) = output else { return format!("{head}: squeue cannot be run here") };
        // A job that has left the queue is an error to squeue.
        let text = String::from_utf8_lossy(&output.stdout);
        let mut states: Vec<(String, usize)> = Vec::new();
        for state in text.lines().map(|line| line.trim().to_lowercase()).filter(|state| !state.is_empty()) {
            match states.iter_mut().find(|known| known.0 == state) {
                Some(known) => known.1 += 1,
                None => states.push((state, 1)),
            }
        }
        if states.is_empty() {
            return format!("{head}: no longer in the queue");
        }
        let states: Vec<String> = states.iter().map(|(state, count)| format!("{count} {state}")).collect();
        format!("{head}: {}", states.join(", "))
    }
}
