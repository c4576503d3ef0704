//! Results of an earlier study, for an agent that starts from them.

use std::path::{Path, PathBuf};

use hwgym_agents::Evaluated;
use hwgym_agents::wrappers::Wrapper;

use super::Task;
use crate::StudyError;
use crate::store::{Store, TrialLog};

/// The files of records of an earlier study that an agent starts from. Errors: no such directory, no trial of that environment.
pub(super) fn files(wrapper: &Wrapper, folder: &Path, task: &Task) -> Result<Vec<PathBuf>, StudyError> {
    let Wrapper::WarmStart { study: Some(study), environment, .. } = wrapper else { return Ok(Vec::new()) };
    let store = Store::open(&folder.join(study))?;
    let label = environment.as_deref().unwrap_or(&task.environment);
    let trials = store.manifest().trials_of(label);
    if trials.is_empty() {
        let message = format!(
            "the study has no trial of environment `{label}`; say which of its environments is meant by `environment: \"LABEL\"`"
        );
        return Err(StudyError::Directory { path: store.directory().into(), message });
    }
    Ok(trials.iter().map(|trial| store.records(trial)).filter(|path| path.exists()).collect())
}

/// The results that an earlier study has of an environment, each design once, scored by the task's own objective. Errors: see [`files`];
/// records that belong to another space.
pub(super) fn results(wrapper: &Wrapper, folder: &Path, task: &Task) -> Result<Vec<Evaluated>, StudyError> {
    let files = files(wrapper, folder, task)?;
    let mut seen = std::collections::HashSet::new();
    let mut results = Vec::new();
    for file in &files {
        for record in TrialLog::read(file)?.records.into_iter().filter(|r| r.fidelity.is_none()) {
            let damage =
                |message| StudyError::Record { path: file.clone(), line: record.evaluation, message };
            let design = record.design(task.env.space()).map_err(damage)?;
            if seen.insert(design.clone()) {
                let outcome = record.outcome(task.env.metrics()).map_err(damage)?;
                let score = task.scorer.score(&outcome);
                results.push(Evaluated { design, outcome, score });
            }
        }
    }
    Ok(results)
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::atomic::AtomicBool;

    use crate::store::{Store, TrialLog};
    use crate::{Control, Executor, Local, Progress, Registries, Study, StudyError};

    fn study(agent: &str) -> String {
        format!(
            "(name: \"t\",\n environments: [(id: \"table-v0\", label: \"caches\", objectives: [\"energy_pj\"])],\n agents: [{agent}],\n \
             seeds: 1, budget: 6)"
        )
    }

    fn run(text: String, folder: &Path, name: &str) -> Result<TrialLog, StudyError> {
        let registries = Registries::builtin()?;
        let study = Study::read(text, &folder.join("study.ron"), &registries)?;
        let store = Store::create(&folder.join(name), &study, &registries)?;
        let (stop, progress) = (AtomicBool::new(false), Progress::silent());
        let control = Control { stop: &stop, progress: &progress };
        Local { jobs: 1, control }.run(&study, &store, &study.trials())?;
        TrialLog::read(&store.records(&study.trials()[0].name()))
    }

    #[test]
    fn a_search_starts_from_designs_and_from_an_earlier_study() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let given = "(id: \"random\", wrappers: [WarmStart(designs: [{\"ways\": 4, \"size_kib\": 64, \"policy\": \"lru\"}])])";
        let first = run(study(given), folder.path(), "first")?;
        assert_eq!(first.records[0].design["size_kib"], 64);
        // The second study knows all designs of the first, and proposes others.
        let again = "(id: \"bayesian\", wrappers: [WarmStart(study: \"first\"), Deduplicate, Batch(2)])";
        let second = run(study(again), folder.path(), "second")?;
        assert_eq!(second.records.len(), 6);
        for record in &second.records {
            assert!(first.records.iter().all(|earlier| earlier.design != record.design), "{record:?}");
        }
        Ok(())
    }

    #[test]
    fn a_mistake_in_a_wrapper_is_reported_where_it_stands() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        for (wrappers, expected) in [
            ("Batch(0)", "study.ron:3:"),
            ("Deduplicat", "did you mean `Deduplicate`?"),
            ("WarmStart()", "WarmStart"),
            ("WarmStart(study: \"nowhere\")", "no directory of a study"),
            ("WarmStart(designs: [{\"ways\": 3}])", "`ways` cannot be `3`"),
        ] {
            let text = study(&format!("(id: \"random\", wrappers: [{wrappers}])"));
            let error = run(text, folder.path(), "out").err().map(|e| e.to_string()).unwrap_or_default();
            assert!(error.contains("study.ron:3:") && error.contains(expected), "{wrappers}: {error}");
        }
        Ok(())
    }
}
