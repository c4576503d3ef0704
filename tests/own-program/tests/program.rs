//! The program as its user starts it.

use std::path::Path;
use std::process::Command;

fn run(folder: &Path, arguments: &[&str]) -> String {
    let output =
        Command::new(env!("CARGO_BIN_EXE_own-program")).args(arguments).current_dir(folder).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{arguments:?}\n{}\n{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn own_entries_stand_beside_the_built_in_ones() {
    let folder = tempfile::tempdir().unwrap();
    let envs = run(folder.path(), &["env", "list"]);
    assert!(envs.contains("repeated-wire-v0") && envs.contains("dram-controller-v0"));
    let agents = run(folder.path(), &["agent", "list"]);
    assert!(agents.contains("tinkerer") && agents.contains("bayesian"));
    assert!(run(folder.path(), &["surrogate", "list"]).contains("the mean of the training rows"));
}

#[test]
fn own_entries_keep_the_contracts() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &["env", "check", "repeated-wire-v0"]);
    run(folder.path(), &["agent", "check", "tinkerer"]);
}

#[test]
fn a_study_of_own_entries_is_run_reported_and_imitated() {
    let folder = tempfile::tempdir().unwrap();
    let study = Path::new(env!("CARGO_MANIFEST_DIR")).join("study.ron");
    let text = run(folder.path(), &["run", study.to_str().unwrap(), "--out", "wires"]);
    assert!(text.contains("tinkerer") && text.contains("genetic"), "{text}");
    assert!(folder.path().join("wires/report/report.md").is_file());
    run(folder.path(), &["dataset", "build", "repeated-wire-v0", "--designs", "50", "--out", "wires.csv"]);
    run(folder.path(), &["surrogate", "train", "wires.csv", "--model", "mean", "--out", "mean.json"]);
    assert!(run(folder.path(), &["surrogate", "evaluate", "mean.json", "wires.csv"]).contains("delay_ps"));
}
