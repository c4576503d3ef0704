//! The directory of a study.
//!
//! | file | what |
//! |---|---|
//! | `study.ron` | the study, frozen |
//! | `provenance.json` | version of the program, the study's own path and hash, what every environment says of itself |
//! | `trials/NAME.jsonl` | one record per evaluation, appended and flushed as it is made; a last line `{"end": ...}` when the trial is over |
//! | `lock` | held by the one process that writes |
//! | `report/` | what `hwgym report` makes of it |
//!
//! Whole files are written beside their place and renamed. Records are only appended; a line that a kill tore in two is dropped on resume.

mod record;
mod trial_log;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use record::{End, Record, Wall, design_to_json, outcome_to_json};
pub use trial_log::TrialLog;

use crate::{Registries, Study, StudyError};

/// What is known of how a study came to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// Version of the program that started it.
    pub hwgym: String,
    /// The study file it was started from: relative paths in the study are meant against its folder.
    pub study_file: PathBuf,
    /// BLAKE3 of the study's text, hexadecimal.
    pub study_hash: String,
    /// When it was started, in seconds since 1970.
    pub started_unix_s: u64,
    /// What every environment says of itself.
    pub environments: Vec<EnvironmentProvenance>,
}

/// What an environment says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EnvironmentProvenance {
    /// Its label in the study.
    pub label: String,
    /// Its id.
    pub id: String,
    /// Its options, in RON.
    pub options: String,
    /// Names and values.
    pub provenance: Vec<(String, String)>,
}

/// The directory of a study.
pub struct Store {
    directory: PathBuf,
    /// Held as long as this process writes.
    _lock: Option<File>,
}

impl Store {
    /// Makes the directory for a study. Errors: it is there already, or cannot be made; in both cases nothing is left behind.
    pub fn create(directory: &Path, study: &Study) -> Result<Self, StudyError> {
        if directory.exists() {
            return Err(StudyError::Directory {
                path: directory.into(),
                message: format!(
                    "it exists already; go on with it by `hwgym resume {}`, or choose another directory with `--out`",
                    directory.display()
                ),
            });
        }
        let name = directory.file_name().map_or("study".into(), |name| name.to_string_lossy().into_owned());
        let parent = directory.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let part = parent.join(format!(".{name}.{}", std::process::id()));
        let build = || -> Result<(), StudyError> {
            let trials = part.join("trials");
            fs::create_dir_all(&trials).map_err(|e| StudyError::file(&trials, e))?;
            write_whole(&part.join("study.ron"), study.text.as_bytes())?;
            let provenance = serde_json::to_string_pretty(&provenance(study)).unwrap_or_default();
            write_whole(&part.join("provenance.json"), format!("{provenance}\n").as_bytes())?;
            fs::rename(&part, directory).map_err(|e| StudyError::file(directory, e))
        };
        if let Err(error) = build() {
            let _ = fs::remove_dir_all(&part);
            return Err(error);
        }
        Ok(Self { directory: directory.into(), _lock: Some(lock(directory)?) })
    }

    /// Opens the directory to go on with its study. Errors: it holds none, another process is at work in it, an environment has changed.
    pub fn resume(directory: &Path, registries: &Registries) -> Result<(Self, Study), StudyError> {
        let (mut store, study) = Self::open(directory, registries)?;
        store._lock = Some(lock(directory)?);
        let (then, now) = (read_provenance(directory)?, provenance(&study));
        for (then, now) in then.environments.iter().zip(&now.environments) {
            if then.provenance != now.provenance {
                return Err(StudyError::Directory {
                    path: directory.into(),
                    message: format!(
                        "environment `{}` is not what it was when the study was started (then {:?}, now {:?}); run the study again in a new \
                         directory",
                        then.label, then.provenance, now.provenance
                    ),
                });
            }
        }
        Ok((store, study))
    }

    /// Opens the directory to read. Errors: it holds no study, or one that does not check.
    pub fn open(directory: &Path, registries: &Registries) -> Result<(Self, Study), StudyError> {
        let path = directory.join("study.ron");
        let text = fs::read_to_string(&path).map_err(|error| StudyError::Directory {
            path: directory.into(),
            message: format!("this is no directory of a study: study.ron: {error}"),
        })?;
        let provenance = read_provenance(directory)?;
        let study = Study::read(text, &provenance.study_file, registries)?;
        Ok((Self { directory: directory.into(), _lock: None }, study))
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The file of records of a trial.
    pub fn records(&self, trial: &str) -> PathBuf {
        self.directory.join("trials").join(format!("{trial}.jsonl"))
    }
}

fn provenance(study: &Study) -> Provenance {
    let mut environments: Vec<EnvironmentProvenance> = Vec::new();
    for task in &study.tasks {
        if environments.iter().all(|e| e.label != task.environment) {
            environments.push(EnvironmentProvenance {
                label: task.environment.clone(),
                id: task.env.id().into(),
                options: task.options.clone(),
                provenance: task.env.provenance(),
            });
        }
    }
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Provenance {
        hwgym: env!("CARGO_PKG_VERSION").into(),
        study_file: study.path.clone(),
        study_hash: blake3::hash(study.text.as_bytes()).to_hex().to_string(),
        started_unix_s: now.map_or(0, |d| d.as_secs()),
        environments,
    }
}

fn read_provenance(directory: &Path) -> Result<Provenance, StudyError> {
    let path = directory.join("provenance.json");
    let text =
        fs::read_to_string(&path).map_err(|source| StudyError::Input { path: path.clone(), source })?;
    serde_json::from_str(&text).map_err(|error| StudyError::Record {
        path,
        line: error.line(),
        message: error.to_string(),
    })
}

fn lock(directory: &Path) -> Result<File, StudyError> {
    let path = directory.join("lock");
    let file = File::create(&path).map_err(|e| StudyError::file(&path, e))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(StudyError::Directory {
            path: directory.into(),
            message: "another process is running this study; wait for it, or stop it".into(),
        }),
        // A file system without locks: the user sees to it that one process writes.
        Err(fs::TryLockError::Error(_)) => Ok(file),
    }
}

/// Writes a file beside its place and renames it.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), StudyError> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    fs::write(&part, bytes).and_then(|()| fs::rename(&part, path)).map_err(|e| StudyError::file(path, e))
}
