//! What a report says of studies that did not go well, and of those with more than two goals.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use hwgym_envs::prelude::*;
use hwgym_experiments::{Control, Executor, Local, Progress, Registries, Report, Store, Study, publication};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Three metrics of one number, with a mistake in it: every fifth design panics.
struct Brittle {
    space: DesignSpace,
    metrics: Vec<Metric>,
}

impl Env for Brittle {
    fn id(&self) -> &str {
        "brittle-v0"
    }
    fn space(&self) -> &DesignSpace {
        &self.space
    }
    fn metrics(&self) -> &[Metric] {
        &self.metrics
    }
    fn evaluate(&self, design: &Design, _: Fidelity) -> Outcome {
        let x = self.space.number(design, 0);
        assert!(x % 5.0 != 0.0, "division by five");
        Outcome::feasible([x, 100.0 - x, (x - 30.0).abs()])
    }
}

fn registries() -> Result<Registries> {
    let mut registries = Registries::builtin()?;
    registries.add_env(EnvEntry::new("brittle-v0", "panics at multiples of five", |_| {
        let space = DesignSpace::new(vec![Parameter::integer("x", 1, 99)])?;
        let metrics = ["a", "b", "c"].map(|name| Metric::minimise(name, "1", "a number"));
        Ok(Box::new(Brittle { space, metrics: metrics.into() }))
    }))?;
    Ok(registries)
}

fn study(folder: &Path, registries: &Registries) -> Result<(Study, Store)> {
    let text = r#"(name: "s", environments: [(id: "brittle-v0", label: "x|<b>", objectives: [
            "pareto",
            (name: "least", goals: [Minimise("a")], bounds: [(metric: "b", at_most: Some(80.0))]),
        ])],
        agents: [(id: "grid", label: "=1+1"), (id: "random")], seeds: 2, budget: 60)"#;
    let study = Study::read(text.into(), &folder.join("s.ron"), registries)?;
    let store = Store::create(&folder.join("out"), &study, registries)?;
    Ok((study, store))
}

fn run(study: &Study, store: &Store, trials: std::ops::Range<usize>) -> Result {
    let (stop, progress) = (AtomicBool::new(false), Progress::silent());
    let control = Control { stop: &stop, progress: &progress };
    Local { jobs: 1, control }.run(study, store, &study.trials()[trials])?;
    Ok(())
}

#[test]
fn failures_are_counted_by_reason_and_bounds_are_said() -> Result {
    let (folder, registries) = (tempfile::tempdir()?, registries()?);
    let (study, store) = study(folder.path(), &registries)?;
    run(&study, &store, 0..8)?;
    let report = Report::of(&store, false)?;
    assert!(report.is_complete() && report.panics() > 0);
    let text = publication::summary(&report);
    assert!(text.contains("evaluations: the environment panicked: division by five."), "{text}");
    assert!(text.contains(" of 120"), "{text}");
    assert!(text.contains("Only designs count where b is at most 80.00."), "{text}");
    let files = publication::write(&report, &store, &folder.path().join("report"))?;
    let names: Vec<String> =
        files.iter().map(|f| f.file_name().unwrap_or_default().to_string_lossy().into()).collect();
    // Three goals: one picture per pair.
    let pairs = names.iter().filter(|name| name.starts_with("pareto.") && name.ends_with(".png")).count();
    assert_eq!(pairs, 3, "{names:?}");
    let page = std::fs::read_to_string(&files[0])?;
    assert!(page.contains("x\\|&lt;b&gt;") && !page.contains("<b>"), "{page}");
    let summary = std::fs::read_to_string(folder.path().join("report/summary.csv"))?;
    assert!(summary.contains(",'=1+1,") && !summary.contains(",=1+1"), "{summary}");
    // The front is that of all goals: more points than any two of them have.
    let pareto = &report.tasks[0];
    assert!(pareto.front.len() > 30, "{}", pareto.front.len());
    assert!(pareto.front.iter().all(|point| point.design.contains_key("x")));
    Ok(())
}

#[test]
fn an_unfinished_study_says_what_is_missing() -> Result {
    let (folder, registries) = (tempfile::tempdir()?, registries()?);
    let (study, store) = study(folder.path(), &registries)?;
    run(&study, &store, 0..6)?;
    // One trial is cut after 32 evaluations, one record of another is damaged; the last two trials were never started.
    let (first, second) =
        (store.records(&study.trials()[0].name()), store.records(&study.trials()[1].name()));
    let text = std::fs::read_to_string(&first)?;
    std::fs::write(&first, text.lines().take(32).map(|line| format!("{line}\n")).collect::<String>())?;
    let text = std::fs::read_to_string(&second)?;
    std::fs::write(&second, text.replacen("\"evaluation\":9,", "\"evaluation\":8,", 1))?;

    let report = Report::of(&store, false)?;
    let text = publication::summary(&report);
    for expected in [
        "Unfinished: =1+1, 1 of 2 trials counted (seed 1: 32 of 60 evaluations).",
        "Unfinished: random, 1 of 2 trials counted (seed 1: damaged, ",
        ":9: this is not what was written",
        "Unfinished: random, 1 of 2 trials counted (seed 2: not started).",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert!(!report.is_complete());
    let trials = |report: &Report| -> Vec<usize> {
        report.tasks[0].contestants.iter().flat_map(|c| &c.trials).map(|t| t.evaluations).collect()
    };
    assert_eq!(trials(&report), [0, 60, 0, 60], "finished trials count, in full");
    let report = Report::of(&store, true)?;
    assert_eq!(trials(&report), [32, 32, 0, 32], "all that were started count, up to the same evaluation");
    assert_eq!(report.tasks[0].budget, 32);
    Ok(())
}
