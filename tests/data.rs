//! What becomes of the records of studies: sealed, packed, proved whole, exported; suites and shared parts of study files.

mod common;

use std::fs;
use std::path::Path;

use common::{Result, run};

const STUDY: &str = r#"(
    name: "long",
    environments: [(id: "synthetic/zdt1-v0", label: "zdt")],
    agents: [(id: "random")],
    seeds: 1,
    budget: 5000,
)
"#;

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Runs the program, which must succeed; what it prints.
fn good(folder: &Path, arguments: &[&str]) -> Result<String> {
    let output = run(folder, arguments)?;
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    Ok(text(&output.stdout))
}

#[test]
fn a_long_search_is_sealed_packed_verified_and_goes_on() -> Result {
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    fs::write(folder.join("study.ron"), STUDY)?;
    good(folder, &["run", "study.ron", "--out", "out"])?;
    let summary = || fs::read(folder.join("out/report/summary.csv"));
    let (before, blocks) = (summary()?, folder.join("out/trials/zdt.problem.random.s1.blocks"));
    assert!(blocks.exists(), "4,096 records are sealed while it runs");
    let packed = good(folder, &["study", "pack", "out"])?;
    assert!(packed.contains("5000 evaluations of 1 searches"), "{packed}");
    let whole = good(folder, &["study", "verify", "out"])?;
    assert!(
        whole.contains("5000 evaluations of 1 searches are whole, 1 searches are over, 0 files"),
        "{whole}"
    );
    good(folder, &["report", "out"])?;
    assert_eq!(summary()?, before, "the report is the same");
    let status = good(folder, &["status", "out"])?;
    assert!(status.contains("1 of 1 searches over") && status.contains("5000 of up to 5000"), "{status}");

    good(folder, &["extend", "out", "--budget", "5010"])?;
    let whole = good(folder, &["study", "verify", "out"])?;
    assert!(whole.contains("5010 evaluations of 1 searches are whole"), "{whole}");

    let mut bytes = fs::read(&blocks)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&blocks, bytes)?;
    let damaged = run(folder, &["study", "verify", "out"])?;
    assert_eq!(damaged.status.code(), Some(1));
    assert!(text(&damaged.stdout).contains("s1.blocks:"), "{}", text(&damaged.stdout));
    Ok(())
}

#[test]
fn a_study_is_exported_as_tables_and_as_episodes() -> Result {
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    fs::write(folder.join("study.ron"), STUDY.replace("5000", "30").replace("seeds: 1", "seeds: 2"))?;
    good(folder, &["run", "study.ron", "--out", "out"])?;
    good(folder, &["export", "out"])?;
    let csv = fs::read_to_string(folder.join("out/export/evaluations.zdt.problem.csv"))?;
    assert_eq!(csv.lines().count(), 1 + 2 * 30);
    let heads = csv.lines().next().unwrap_or_default();
    for column in ["agent,seed,evaluation,status", "reward.1,reward.2,design.", "metric."] {
        assert!(heads.contains(column), "{heads}");
    }
    let files = good(folder, &["export", "out", "--format", "rlds", "--out", "rl"])?;
    assert!(files.contains("episodes.csv"), "{files}");
    let episodes = fs::read_to_string(folder.join("rl/episodes.csv"))?;
    assert_eq!(episodes.lines().count(), 3, "{episodes}");
    assert!(episodes.contains("zdt.problem.random.s1,zdt,problem,random,,1,30,budget"), "{episodes}");
    if cfg!(feature = "parquet") {
        good(folder, &["export", "out", "--format", "parquet"])?;
        let bytes = fs::read(folder.join("out/export/evaluations.zdt.problem.parquet"))?;
        assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
    }
    Ok(())
}

#[test]
fn a_suite_says_what_agents_are_worth() -> Result {
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    let arguments =
        ["bench", "--agents", "random,genetic", "--seeds", "2", "--budget", "6", "--out", "bench"];
    let page = good(folder, &arguments)?;
    assert!(page.contains("Suite hardware-24, version 1: 12 tasks, 2 searches of 6 evaluations"), "{page}");
    assert_eq!(page.lines().filter(|line| line.starts_with("| genetic |")).count(), 1, "{page}");
    assert!(page.contains("Nemenyi") && folder.join("bench/bench.json").exists(), "{page}");
    assert_eq!(good(folder, &arguments)?, page, "it goes on where it was, and says the same");
    let other = run(folder, &["bench", "--agents", "random", "--out", "bench"])?;
    assert_eq!(other.status.code(), Some(2));
    assert!(text(&other.stderr).contains("holds another benchmark"), "{}", text(&other.stderr));
    let unknown = run(folder, &["bench", "--tasks", "dram"])?;
    assert!(text(&unknown.stderr).contains("has no task `dram`"), "{}", text(&unknown.stderr));
    assert_eq!(good(folder, &["bench", "--list", "--part", "all"])?.lines().count(), 25);
    Ok(())
}

#[test]
fn a_study_is_short_with_includes_and_defaults() -> Result {
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    fs::write(folder.join("common.ron"), "(\n    seeds: 2,\n    budget: 5,\n)")?;
    let study = r#"(
    name: "short",
    include: ["common.ron"],
    defaults: (environments: (objectives: ["problem"]), agents: (hyperparameters: (population: 8))),
    environments: [(id: "synthetic/zdt1-v0"), (id: "synthetic/zdt2-v0")],
    agents: [(id: "nsga2"), (id: "nsga2", label: "large", hyperparameters: (population: 16))],
)
"#;
    fs::write(folder.join("study.ron"), study)?;
    let size = good(folder, &["study", "check", "study.ron"])?;
    assert!(size.contains("2 tasks x 2 contestants x 2 seeds = 8 searches of up to 5 evaluations"), "{size}");
    // The study that is kept needs no other file.
    good(folder, &["run", "study.ron", "--out", "out", "--prepare"])?;
    fs::remove_file(folder.join("common.ron"))?;
    good(folder, &["resume", "out"])?;

    fs::write(folder.join("common.ron"), "(\n    seeds: 2,\n    budget: 0,\n)")?;
    let wrong = run(folder, &["study", "check", "study.ron"])?;
    assert!(text(&wrong.stderr).contains("common.ron:3:13"), "{}", text(&wrong.stderr));
    Ok(())
}

#[test]
fn what_tuning_buys_stands_in_the_report() -> Result {
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    let study = r#"(
    name: "lottery",
    environments: [
        (id: "synthetic/hartmann-v0", label: "a"),
        (id: "synthetic/three-bar-truss-v0", label: "b"),
    ],
    agents: [(id: "random"), (id: "genetic", hyperparameters: (population: [4, 6, 8, 10]))],
    seeds: 2,
    budget: 30,
)
"#;
    fs::write(folder.join("study.ron"), study)?;
    good(folder, &["run", "study.ron", "--out", "out"])?;
    let page = fs::read_to_string(folder.join("out/report/report.md"))?;
    for part in ["What tuning buys", "| genetic | 4 |", "## Over all tasks", "Friedman", "profiles.png"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let table = fs::read_to_string(folder.join("out/report/tuning.a.problem.csv"))?;
    assert!(table.contains("genetic,4,4,") && table.contains("random,1,1,"), "{table}");
    let medians = fs::read_to_string(folder.join("out/report/lottery.a.problem.csv"))?;
    assert_eq!(medians.lines().count(), 1 + 5, "a line for each configuration: {medians}");
    for plot in [
        "lottery.a.problem.png",
        "lottery.b.problem.svg",
        "tuning.a.problem.svg",
        "ranks.png",
        "profiles.png",
    ] {
        assert!(folder.join("out/report").join(plot).exists(), "{plot}");
    }
    Ok(())
}
