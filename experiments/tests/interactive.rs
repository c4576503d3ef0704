//! The interactive report as a file: labels stay text, designs are whole, and its size stays small. `tests/browser` opens it in a browser.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use hwgym_experiments::{Control, Executor, Local, Progress, Registries, Report, Store, Study, interactive};
use serde_json::Value;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

fn page(folder: &Path, text: &str) -> Result<String> {
    let registries = Registries::builtin()?;
    let study = Study::read(text.into(), &folder.join("s.ron"), &registries)?;
    let store = Store::create(&folder.join("out"), &study, &registries)?;
    let (stop, progress) = (AtomicBool::new(false), Progress::silent());
    let control = Control { stop: &stop, progress: &progress };
    let finished = Local { jobs: 2, control }.run(&study, &store, &study.trials())?;
    assert!(finished.is_complete(), "{finished:?}");
    Ok(interactive::page(&Report::of(&store, false)?, &store)?)
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
