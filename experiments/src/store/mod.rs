//! The directory of a study.
//!
//! | file | what |
//! |---|---|
//! | `study.ron` | the study, frozen; its hash stands in the manifest |
//! | `manifest.json` | what the study is, for readers: environments, tasks, contestants, seeds, budget, hashes of its inputs ([`Manifest`]) |
//! | `inputs/` | copies of the small files that it was built from |
//! | `trials/NAME.jsonl` | one checksummed line per evaluation, appended as it is made; a last line `{"end": ...}` when the trial is over |
//! | `trials/NAME.blocks` | the records before those of the `jsonl`, sealed: columns in checksummed blocks |
//! | `resimulated/NAME.jsonl` | the same of designs that were evaluated again for real |
//! | `failed/NAME.txt` | why a trial broke when it was last tried |
//! | `lock` | held by the process that runs the study, shared by workers |
//! | `report/` | what `hwgym report` makes of it |
//!
//! Whole files are written beside their place and renamed. Records are only appended. The directory may be moved or copied, to another machine
//! too: it is reported there, and goes on there if its inputs are in it.

mod blocks;
mod columns;
pub mod inputs;
mod line;
pub mod manifest;
mod record;
pub mod status;
pub mod trial_log;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

pub use inputs::InputSource;
pub use manifest::Manifest;
pub use record::{End, Record, Wall, design_to_json, outcome_to_json};
pub use status::Status;
pub use trial_log::TrialLog;

use crate::{Registries, Study, StudyError};

/// The directory of a study.
pub struct Store {
    directory: PathBuf,
    manifest: Manifest,
    /// Held as long as this process writes.
    _lock: Option<File>,
}

/// What packing a study came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Packed {
    /// Trials that were packed.
    pub trials: usize,
    /// Trials that another process was at work on.
    pub busy: usize,
    /// Records of those that were packed.
    pub evaluations: usize,
    /// Bytes of their files before.
    pub bytes_before: u64,
    /// Bytes of their files now.
    pub bytes: u64,
}

/// Who else may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Nobody.
    Alone,
    /// Other workers, on other trials.
    Shared,
}

impl Store {
    /// Makes the directory for a study. Errors: it is there already, or cannot be made; in both cases nothing is left behind.
    pub fn create(directory: &Path, study: &Study, registries: &Registries) -> Result<Self, StudyError> {
        if directory.exists() {
            return Err(StudyError::Directory {
                path: directory.into(),
                message: format!(
                    "it exists already; go on with it by `hwgym resume {}`, or choose another directory with `--out`",
                    directory.display()
                ),
            });
        }
        let manifest = Manifest::of(study, registries)?;
        let name = directory.file_name().map_or("study".into(), |name| name.to_string_lossy().into_owned());
        let parent = directory.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let part = parent.join(format!(".{name}.{}", std::process::id()));
        let build = || -> Result<(), StudyError> {
            let trials = part.join("trials");
            fs::create_dir_all(&trials).map_err(|e| StudyError::file(&trials, e))?;
            write_whole(&part.join("study.ron"), study.text.as_bytes())?;
            manifest.inputs.copy(&part)?;
            manifest.write(&part)?;
            fs::rename(&part, directory).map_err(|e| StudyError::file(directory, e))
        };
        if let Err(error) = build() {
            let _ = fs::remove_dir_all(&part);
            return Err(error);
        }
        Ok(Self { directory: directory.into(), manifest, _lock: Some(lock(directory, Access::Alone)?) })
    }

    /// Opens the directory to read. Errors: it holds no study, or a study file that is not the one that was run.
    pub fn open(directory: &Path) -> Result<Self, StudyError> {
        let manifest = Manifest::read(directory)?;
        study_text(directory, &manifest)?;
        Ok(Self { directory: directory.into(), manifest, _lock: None })
    }

    /// Opens the directory to go on with its study. Errors: see [`open`](Self::open); another process is at work in it, an input or an
    /// environment has changed.
    pub fn resume(
        directory: &Path,
        registries: &Registries,
        access: Access,
        source: InputSource,
    ) -> Result<(Self, Study), StudyError> {
        let mut store = Self::open(directory)?;
        store._lock = Some(lock(directory, access)?);
        // What stands there now: an extension may have been written in between.
        store.manifest = Manifest::read(directory)?;
        let study = store.study(registries, source)?;
        store.manifest.update(directory)?;
        Ok((store, study))
    }

    /// The study, built again. Errors: an input or an environment is not what it was when the study was started.
    pub fn study(&self, registries: &Registries, source: InputSource) -> Result<Study, StudyError> {
        let manifest = &self.manifest;
        let text = study_text(&self.directory, manifest)?;
        let original = manifest.study_file.parent().unwrap_or(Path::new("."));
        let folder = manifest.inputs.resolve(&self.directory, original, source)?;
        let mut study = Study::read_in(text, &self.directory.join("study.ron"), &folder, registries)?;
        study.extend(manifest.stages.clone(), manifest.seeds.clone());
        for then in &manifest.environments {
            let now = study.tasks.iter().find(|task| task.environment == then.label);
            let now = now.map_or(Vec::new(), |task| task.env.provenance());
            if then.provenance != now {
                return Err(StudyError::Directory {
                    path: self.directory.clone(),
                    message: format!(
                        "environment `{}` is not what it was when the study was started (then {:?}, now {:?}); run the study again in a new \
                         directory",
                        then.label, then.provenance, now
                    ),
                });
            }
        }
        Ok(study)
    }

    /// Extends the budget to so many evaluations per trial, and the seeds to so many. Records stay what they are: agents are told the
    /// budget that the study was started with. Errors: less than there is, names of trials that no file system takes, a file that cannot be
    /// written.
    pub fn extend(&mut self, evaluations: Option<usize>, seeds: Option<usize>) -> Result<(), StudyError> {
        let refuse = |message: String| Err(StudyError::Directory { path: self.directory.clone(), message });
        let mut manifest = self.manifest.clone();
        if let Some(evaluations) = evaluations {
            match manifest.evaluations() {
                now if evaluations > now => manifest.stages.push(evaluations),
                now => {
                    return refuse(format!(
                        "the budget is {now} evaluations already; extend it to more than that"
                    ));
                }
            }
        }
        if let Some(seeds) = seeds {
            if seeds <= manifest.seeds.len() || seeds > crate::study::MOST_SEEDS {
                let now = manifest.seeds.len();
                return refuse(format!(
                    "the study has {now} seeds; extend them to more, {} at most",
                    crate::study::MOST_SEEDS
                ));
            }
            let mut next = manifest.seeds.iter().max().map_or(1, |seed| seed.saturating_add(1));
            while manifest.seeds.len() < seeds {
                manifest.seeds.push(next);
                next += 1;
            }
        }
        manifest.write(&self.directory)?;
        self.manifest = manifest;
        Ok(())
    }

    /// Seals all records of all trials in deflated blocks. Those that another process is at work on are left alone. Errors: another process runs
    /// the study alone, damaged records, a file that cannot be written.
    pub fn pack(&mut self) -> Result<Packed, StudyError> {
        self._lock = Some(lock(&self.directory, Access::Shared)?);
        self.manifest.update(&self.directory)?;
        let mut packed = Packed::default();
        let size = |path: &Path| fs::metadata(path).map_or(0, |file| file.len());
        let tasks = &self.manifest.tasks;
        for name in tasks.iter().flat_map(|t| self.manifest.trials(&t.environment, &t.objective.name)) {
            let path = self.records(&name);
            let both = || size(&path) + size(&blocks::path(&path));
            let before = both();
            if before == 0 {
                continue;
            }
            let Some(mut journal) = trial_log::Journal::open(&path)? else {
                packed.busy += 1;
                continue;
            };
            journal.pack()?;
            packed.trials += 1;
            packed.evaluations += journal.summary().evaluations;
            packed.bytes_before += before;
            packed.bytes += both();
        }
        Ok(packed)
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// What the study is.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The file of records of a trial.
    pub fn records(&self, trial: &str) -> PathBuf {
        self.directory.join("trials").join(format!("{trial}.jsonl"))
    }

    /// The file of the designs of a trial that were evaluated again for real.
    pub fn resimulated(&self, trial: &str) -> PathBuf {
        self.directory.join("resimulated").join(format!("{trial}.jsonl"))
    }
}

/// The text of the frozen study. Errors: it is not the one that was run.
fn study_text(directory: &Path, manifest: &Manifest) -> Result<String, StudyError> {
    let path = directory.join("study.ron");
    let text =
        fs::read_to_string(&path).map_err(|source| StudyError::Input { path: path.clone(), source })?;
    if blake3::hash(text.as_bytes()).to_hex().as_str() != manifest.study_hash {
        return Err(StudyError::Changed {
            path,
            message: format!(
                "this is not the study that was run: it was edited since; restore it (it was started from {}), extend its budget or seeds \
                 with `hwgym extend {}`, or run the edited study in a new directory",
                manifest.study_file.display(),
                directory.display()
            ),
        });
    }
    Ok(text)
}

fn lock(directory: &Path, access: Access) -> Result<File, StudyError> {
    let path = directory.join("lock");
    let file = File::create(&path).map_err(|e| StudyError::file(&path, e))?;
    let locked = match access {
        Access::Alone => file.try_lock(),
        Access::Shared => file.try_lock_shared(),
    };
    match locked {
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
