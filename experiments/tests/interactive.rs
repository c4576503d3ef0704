//! The interactive report as a file: labels stay text, designs are whole, and its size stays small. `tests/browser` opens it in a browser.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use hwgym_experiments::{
    Control, Executor, Local, Progress, Registries, Report, Store, Study, interactive, publication,
};
use serde_json::Value;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

fn report(folder: &Path, text: &str) -> Result<(Report, Store)> {
    let registries = Registries::builtin()?;
    let study = Study::read(text.into(), &folder.join("s.ron"), &registries)?;
    let store = Store::create(&folder.join("out"), &study, &registries)?;
    let (stop, progress) = (AtomicBool::new(false), Progress::silent());
    let control = Control { stop: &stop, progress: &progress };
    let finished = Local { jobs: 2, control }.run(&study, &store, &study.trials())?;
    assert!(finished.is_complete(), "{finished:?}");
    Ok((Report::of(&store, false)?, store))
}

fn page(folder: &Path, text: &str) -> Result<String> {
    let (report, store) = report(folder, text)?;
    Ok(interactive::page(&report, &store)?)
}

/// The data in a page, as its script reads them.
fn data(page: &str) -> Result<Value> {
    let start = "<script type=\"application/json\" id=\"data\">";
    let text = page.split_once(start).and_then(|(_, rest)| rest.split_once("</script>")).ok_or("no data")?.0;
    Ok(serde_json::from_str(text)?)
}

#[test]
fn labels_are_text_whatever_they_are() -> Result {
    let folder = tempfile::tempdir()?;
    let page = page(
        folder.path(),
        r#"(name: "page", description: "</script><script>alert(1)</script> /*SCRIPT*/ /*DATA*/",
            environments: [(id: "synthetic/zdt1-v0", label: "</script><img src=x onerror=alert(1)>")],
            agents: [(id: "random", label: "<!--<script>"), (id: "nsga2", hyperparameters: (population: [8, 16]))],
            seeds: 2, budget: 40)"#,
    )?;
    // The page has its own two scripts and its data, and no more.
    assert_eq!(page.matches("<script").count(), 2);
    assert_eq!(page.matches("</script").count(), 2);
    assert!(!page.contains("<img") && !page.contains("<!--"));
    assert!(!page.contains("https://") || !page.contains("src=\"http"), "nothing is loaded from a network");
    let data = data(&page)?;
    assert_eq!(data["description"], "</script><script>alert(1)</script> /*SCRIPT*/ /*DATA*/");
    let task = &data["tasks"][0];
    // A sweep is called by what it varies.
    assert_eq!(
        task["agents"],
        serde_json::json!(["<!--<script>", "nsga2 population=8", "nsga2 population=16"])
    );
    let points = &task["points"];
    assert_eq!(points["agent"].as_array().map(Vec::len), Some(3 * 2 * 40));
    // Designs are whole: zdt1 has 30 parameters, each a number for every point.
    let parameters = points["parameters"].as_array().ok_or("no parameters")?;
    assert!(parameters.iter().all(|p| {
        p["data"].as_array().is_some_and(|data| data.len() == 240 && data.iter().all(Value::is_number))
    }));
    // With one word for five seeds or fewer, and no interval that they cannot carry.
    let heads = task["table"]["heads"].to_string();
    assert!(heads.contains("minimum") && !heads.contains("95 %"), "{heads}");
    Ok(())
}

#[test]
fn twenty_thousand_points_make_a_small_page() -> Result {
    let folder = tempfile::tempdir()?;
    let page = page(
        folder.path(),
        r#"(name: "many", environments: [(id: "synthetic/welded-beam-v0")], agents: [(id: "random"), (id: "sobol")], seeds: 4, budget: 6000)"#,
    )?;
    assert!(page.len() < 3_000_000, "{} bytes", page.len());
    let data = data(&page)?;
    let task = &data["tasks"][0];
    let shown = task["points"]["agent"].as_array().map_or(0, Vec::len);
    assert!((1_000..=20_500).contains(&shown), "{shown}");
    // Beams that bend too far are counted with their reason.
    let misses: u64 =
        task["misses"].as_array().into_iter().flatten().filter_map(|miss| miss["count"].as_u64()).sum();
    assert!(misses > 1_000, "{misses}");
    let importance = &task["importance"];
    assert!(importance["parameters"].as_array().is_some_and(|all| all.len() == 4), "{importance}");
    Ok(())
}

/// What is said over configurations, runs and tasks is worked out once: the page, the tables and the report have the same numbers.
#[test]
fn pages_and_tables_say_the_same_of_tuning_ranks_and_attainment() -> Result {
    let folder = tempfile::tempdir()?;
    let (report, store) = report(
        folder.path(),
        r#"(name: "across", environments: [
                (id: "synthetic/zdt1-v0"), (id: "synthetic/zdt2-v0"),
                (id: "dram-controller-v0", label: "memory", options: (workload: "bfs", requests: 100), objectives: [
                    (name: "bounded", goals: [Minimise("mean_latency_ns")], bounds: [(metric: "mean_latency_ns", at_most: Some(900.0))])]),
            ],
            agents: [(id: "random"), (id: "nsga2", hyperparameters: (population: [4, 8, 12]))], seeds: 3, budget: 24)"#,
    )?;
    let data = data(&interactive::page(&report, &store)?)?;
    publication::write(&report, &store, &folder.path().join("report"))?;
    let written = |name: &str| std::fs::read_to_string(folder.path().join("report").join(name));

    let standing = report.standing.as_ref().ok_or("three tasks have no ranks")?;
    assert_eq!(data["standing"]["ranks"], serde_json::json!(standing.ranking.mean_ranks));
    assert_eq!(written("ranks.csv")?.lines().count(), 1 + 4);
    assert_eq!(written("profiles.csv")?.lines().count(), 1 + 4 * 3 * 3);
    assert_eq!(standing.order.len(), 4);
    assert!(standing.share_within(standing.order[0], f64::INFINITY) == 1.0);

    let tasks = data["tasks"].as_array().ok_or("no tasks")?;
    for (task, shown) in report.tasks.iter().zip(tasks) {
        let file = task.file_name();
        assert_eq!(task.lottery.len(), 2, "random, and nsga2 with three populations");
        let swept = &task.lottery[1];
        assert_eq!((swept.values.len(), swept.expected.len()), (3, 2), "k of 1 and 2");
        for (expected, row) in
            swept.expected.iter().zip(shown["lottery"][1]["expected"].as_array().ok_or("none")?)
        {
            assert_eq!(row, &serde_json::json!([expected.k, expected.value, expected.low, expected.high]));
            let line = format!("nsga2,3,{},{},", expected.k, expected.value);
            assert!(written(&format!("tuning.{file}.csv"))?.contains(&line), "{line}");
        }
        let surfaces = shown["attained"].as_array().ok_or("none")?;
        assert_eq!(surfaces.len(), task.attained.len());
        assert_eq!(task.attained.len(), if task.goals.len() == 2 { 4 * 3 } else { 0 });
        for (surface, shown) in task.attained.iter().zip(surfaces) {
            assert_eq!(shown["points"], serde_json::json!(surface.points));
        }
        for half in task.attained.iter().filter(|surface| surface.share == 0.5) {
            let line = format!("{},0.5,{},", task.contestants[half.contestant].title(), half.points[0][0]);
            assert!(written(&format!("attainment.{file}.csv"))?.contains(&line), "{line}");
            assert!(written(&format!("attainment.{file}.svg"))?.contains("<svg"));
        }
    }
    // The memory's default design was evaluated when the study began, and the bound lies on the goal.
    let memory = &report.tasks[2];
    let usual = memory.default_design.as_ref().ok_or("no default design")?;
    assert!(usual.values[0] > 0.0 && usual.design.contains_key("Scheduler"), "{usual:?}");
    assert_eq!(tasks[2]["default_design"]["values"][0].as_f64(), Some(usual.values[0]));
    assert_eq!(tasks[2]["marks"], serde_json::json!([{ "goal": 0, "value": 900.0, "what": "bound" }]));
    assert!(report.tasks[0].default_design.is_none() && report.tasks[0].marks.is_empty());
    Ok(())
}
