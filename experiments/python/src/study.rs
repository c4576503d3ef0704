//! Studies: run, gone on with, read.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hwgym::experiments::resimulation::resimulate;
use hwgym::experiments::store::trial_log::records;
use hwgym::experiments::study::trial_name;
use hwgym::experiments::{
    Access, Control, Executor, Finished, InputSource, Local, Progress, Report, Store, Study, StudyError,
    publication,
};
use hwgym::{Registries, envs};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use serde_json::{Value, json};

use crate::registry::registries;
use crate::threads::{released, watched};
use crate::{bad_input, failure};

fn wrong(error: StudyError) -> PyErr {
    if error.is_bad_input() { bad_input(error) } else { failure(error) }
}

/// The study in a text, or in the file.
fn load(text: Option<String>, path: &Path, registries: &Registries) -> Result<Study, StudyError> {
    match text {
        Some(text) => Study::read(text, path, registries),
        None => Study::load(path, registries),
    }
}

/// Checks a study: its name, how many trials it has, and evaluations of each.
#[pyfunction]
#[pyo3(signature = (text, path))]
pub fn check_study(py: Python<'_>, text: Option<String>, path: PathBuf) -> PyResult<(String, usize, usize)> {
    let registries = registries()?;
    let study = released(py, || load(text, &path, &registries))?.map_err(wrong)?;
    Ok((study.name.clone(), study.trials().len(), study.evaluations))
}

/// Runs a study into a new directory. `tick` is called now and then with the evaluations made and the trials that are over.
#[pyfunction]
#[pyo3(signature = (text, path, out, jobs, cache, tick))]
pub fn run_study(
    py: Python<'_>,
    text: Option<String>,
    path: PathBuf,
    out: PathBuf,
    jobs: usize,
    cache: Option<PathBuf>,
    tick: Bound<'_, PyAny>,
) -> PyResult<()> {
    let registries = registries()?;
    let made = registries.clone();
    let begin = move || {
        let study = load(text, &path, &made)?;
        let store = Store::create(&out, &study, &made)?;
        Ok((store, study))
    };
    carry_on(py, registries, begin, jobs, cache, &tick)
}

/// Goes on with a study that was stopped.
#[pyfunction]
#[pyo3(signature = (directory, jobs, cache, tick))]
pub fn resume_study(
    py: Python<'_>,
    directory: PathBuf,
    jobs: usize,
    cache: Option<PathBuf>,
    tick: Bound<'_, PyAny>,
) -> PyResult<()> {
    let registries = registries()?;
    let made = registries.clone();
    let begin = move || Store::resume(&directory, &made, Access::Alone, InputSource::default());
    carry_on(py, registries, begin, jobs, cache, &tick)
}

fn carry_on(
    py: Python<'_>,
    registries: Arc<Registries>,
    begin: impl FnOnce() -> Result<(Store, Study), StudyError> + Send + 'static,
    jobs: usize,
    cache: Option<PathBuf>,
    tick: &Bound<'_, PyAny>,
) -> PyResult<()> {
    let stop = Arc::new(AtomicBool::new(false));
    let (stopped, progress) = (stop.clone(), Arc::new(Progress::silent()));
    let shown = progress.clone();
    let show = move |_: Python<'_>| {
        let (evaluations, trials) = shown.counts();
        tick.call1((evaluations, trials)).map(|_| ())
    };
    let work = move || -> Result<Finished, StudyError> {
        let (store, mut study) = begin()?;
        match cache {
            Some(folder) => {
                let results = envs::results::ResultCache::open(&folder).map_err(|error| {
                    StudyError::Directory { path: folder.clone(), message: error.to_string() }
                })?;
                study.share_results(&results);
            }
            None => study.share_results_in(&store.directory().join("cache"))?,
        }
        let trials = study.trials();
        let control = Control { stop: &stopped, progress: &progress };
        let finished = Local { jobs, control }.run(&study, &store, &trials)?;
        if !stopped.load(Ordering::Relaxed) {
            resimulate(&study, &store, &registries)?;
            let report = Report::of(&store, false)?;
            publication::write(&report, &store, &store.directory().join("report"))?;
        }
        Ok(finished)
    };
    let finished = watched(py, &stop, show, work)?.map_err(wrong)?;
    match finished.failed.into_iter().next() {
        None => Ok(()),
        Some((trial, error)) => Err(PyRuntimeError::new_err(format!("trial {trial}: {error}"))),
    }
}

/// What a study is and what its records say, as JSON: its manifest, its report, its page.
#[pyfunction]
pub fn read_study(py: Python<'_>, directory: PathBuf, allow_unfinished: bool) -> PyResult<String> {
    let read = || -> Result<Value, StudyError> {
        let store = Store::open(&directory)?;
        let report = Report::of(&store, allow_unfinished)?;
        let summary = publication::summary(&report).to_string();
        Ok(
            json!({"manifest": store.manifest(), "report": report, "summary": summary, "complete": report.is_complete()}),
        )
    };
    Ok(released(py, read)?.map_err(wrong)?.to_string())
}

/// Writes tables, plots and a page; the files, the page first.
#[pyfunction]
pub fn write_report(py: Python<'_>, directory: PathBuf, allow_unfinished: bool) -> PyResult<Vec<PathBuf>> {
    let write = || -> Result<Vec<PathBuf>, StudyError> {
        let store = Store::open(&directory)?;
        let report = Report::of(&store, allow_unfinished)?;
        publication::write(&report, &store, &store.directory().join("report"))
    };
    released(py, write)?.map_err(wrong)
}

/// All records of a study as JSON: one object per trial with its names and its records.
#[pyfunction]
pub fn study_records(py: Python<'_>, directory: PathBuf) -> PyResult<String> {
    let read = || -> Result<Value, StudyError> {
        let store = Store::open(&directory)?;
        let manifest = store.manifest();
        let mut trials = Vec::new();
        for task in &manifest.tasks {
            for contestant in &manifest.contestants {
                for seed in &manifest.seeds {
                    let objective = &task.objective.name;
                    let name = trial_name(&task.environment, objective, &contestant.label, *seed);
                    let of_trial: Result<Vec<_>, StudyError> = records(&store.records(&name))?.collect();
                    trials.push(json!({
                        "environment": task.environment,
                        "objective": objective,
                        "agent": contestant.label,
                        "seed": seed,
                        "records": of_trial?,
                    }));
                }
            }
        }
        Ok(trials.into())
    };
    Ok(released(py, read)?.map_err(wrong)?.to_string())
}
