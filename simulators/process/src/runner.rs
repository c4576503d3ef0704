//! Runs jobs, each in a folder of its own.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::contain::{Running, Scope, Wake, file};
use crate::guard::{Guard, helper};
use crate::job::{Job, Report};
use crate::scratch::{Folder, Scratch};

/// Runs jobs for any number of threads, and keeps a [guard](crate::guard) per thread that runs at the same time. Dropped, it leaves nothing:
/// no process, no folder.
pub struct Runner {
    base: PathBuf,
    scratch: OnceLock<Scratch>,
    making: Mutex<()>,
    idle: Mutex<Vec<Guard>>,
}

impl Runner {
    /// A runner whose folders are in `base`. Nothing is made before the first job.
    pub fn new(base: impl Into<PathBuf>) -> Self {
        Self { base: base.into(), scratch: OnceLock::new(), making: Mutex::default(), idle: Mutex::default() }
    }

    /// A fresh folder for a job. Errors: it cannot be made.
    pub fn folder(&self) -> io::Result<Folder> {
        self.scratch()?.folder()
    }

    fn scratch(&self) -> io::Result<&Scratch> {
        if let Some(scratch) = self.scratch.get() {
            return Ok(scratch);
        }
        let _making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        if self.scratch.get().is_none() {
            let _ = self.scratch.set(Scratch::new(&self.base)?);
        }
        self.scratch.get().ok_or_else(|| io::Error::other("no scratch folder"))
    }

    /// Runs a job to its end, without standard input; what it writes goes to these files.
    ///
    /// # Errors
    /// It cannot be started: no such program, not executable, no memory. How it ends is no error.
    pub fn run(&self, job: Job, output: &File, error: &File) -> io::Result<Report> {
        let files = [File::open("/dev/null")?, file(output)?, file(error)?];
        let Some(helper) = helper() else {
            let mut running = Running::start(job, files, Scope::mark())?;
            loop {
                if let Wake::Over(report) = running.wait(None, None)? {
                    return Ok(report);
                }
            }
        };
        let mut guard = self.guard(helper)?;
        guard.order(job, &files, self.root())?;
        drop(files);
        let report = guard.report();
        if guard.is_usable() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(guard);
        }
        Ok(report)
    }

    /// The folder that goes with this process.
    pub fn root(&self) -> Option<&Path> {
        self.scratch.get().map(Scratch::path)
    }

    fn guard(&self, helper: &[std::ffi::OsString]) -> io::Result<Guard> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(|| Guard::start(helper), Ok)
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        // Guards first: they may remove the folder, too.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
        if let Some(scratch) = self.scratch.take() {
            crate::scratch::remove(scratch.path());
        }
    }
}
