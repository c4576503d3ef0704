//! Trials, as users meet them: each has a file of its own, workers share them, studies are extended and moved, and nothing that changed since
//! the start goes into a study without a word.

mod common;

use std::fs;
use std::path::Path;

use common::{Result, hwgym, records, run};

const STUDY: &str = r#"(
    name: "small",
    environments: [(id: "synthetic/ackley-v0")],
    agents: [(id: "random"), (id: "genetic", hyperparameters: (population: 8))],
    seeds: 2,
    budget: 20,
    batch: 3,
)
"#;

fn ok(folder: &Path, arguments: &[&str]) -> Result<String> {
    let output = run(folder, arguments)?;
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {errors}");
    Ok(errors)
}

/// The message of a command that the user can mend.
fn refused(folder: &Path, arguments: &[&str]) -> Result<String> {
    let output = run(folder, arguments)?;
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {errors}");
    assert_eq!(errors.matches("error:").count(), 1, "{errors}");
    Ok(errors)
}

#[test]
fn labels_of_any_text_have_files_of_their_own() -> Result {
    let folder = tempfile::tempdir()?;
    let agents = ["a b", "a_b", "α", "β", "A", "a", "x|y", "<b>", "../up"]
        .map(|label| format!("(id: \"random\", label: {label:?})"))
        .join(", ");
    let study =
        STUDY.replace("(id: \"random\"), (id: \"genetic\", hyperparameters: (population: 8))", &agents);
    fs::write(folder.path().join("study.ron"), study)?;
    ok(folder.path(), &["run", "study.ron", "--out", "done"])?;
    let files = records(&folder.path().join("done"))?;
    assert_eq!(files.len(), 9 * 2);
    let mut names: Vec<String> = files.iter().map(|(name, _)| name.to_lowercase()).collect();
    names.dedup();
    assert_eq!(names.len(), 9 * 2, "{names:?}");
    // Each search is its own: the seed of an agent is derived from its label.
    let mut contents: Vec<&Vec<String>> = files.iter().map(|(_, lines)| lines).collect();
    contents.sort();
    contents.dedup();
    assert_eq!(contents.len(), 9 * 2);
    Ok(())
}

#[test]
fn equal_and_endless_names_are_refused_before_anything_is_written() -> Result {
    let folder = tempfile::tempdir()?;
    let long = "x".repeat(300);
    for (agents, expected) in [
        ("(id: \"random\", label: \"a#1\"), (id: \"random\", label: \"a\", hyperparameters: ())", ""),
        (
            "(id: \"genetic\", label: \"a#1\"), (id: \"genetic\", label: \"a\", hyperparameters: (population: [8, 9]))",
            "study.ron:4:",
        ),
        (&format!("(id: \"random\", label: \"{long}\")"), "more than file systems take"),
        ("(id: \"random\", label: \" \")", "the `label` is empty"),
    ] {
        let study =
            STUDY.replace("(id: \"random\"), (id: \"genetic\", hyperparameters: (population: 8))", agents);
        fs::write(folder.path().join("study.ron"), study)?;
        if expected.is_empty() {
            ok(folder.path(), &["run", "study.ron", "--check"])?;
            continue;
        }
        let message = refused(folder.path(), &["run", "study.ron", "--out", "made"])?;
        assert!(message.contains(expected) && message.len() < 600, "{message}");
        assert!(!folder.path().join("made").exists());
    }
    Ok(())
}

#[test]
fn workers_share_the_trials_of_a_study() -> Result {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("study.ron"), STUDY)?;
    ok(folder.path(), &["run", "study.ron", "--out", "whole"])?;
    ok(folder.path(), &["run", "study.ron", "--out", "shared", "--prepare"])?;
    let mut workers = Vec::new();
    for share in ["1/3", "2/3"] {
        workers.push(hwgym(folder.path(), &["worker", "shared", "--share", share]).spawn()?);
    }
    for worker in &mut workers {
        assert!(worker.wait()?.success());
    }
    assert_eq!(records(&folder.path().join("shared"))?.len(), 3, "a third is missing");
    let unknown =
        refused(folder.path(), &["worker", "shared", "--trial", "synthetic%2fackley-v0.value.random.s3"])?;
    assert!(unknown.contains("no trial is called"), "{unknown}");
    let left: Vec<String> =
        records(&folder.path().join("whole"))?.into_iter().map(|(name, _)| name).collect();
    for name in left {
        ok(folder.path(), &["worker", "shared", "--trial", name.trim_end_matches(".jsonl")])?;
    }
    assert_eq!(records(&folder.path().join("shared"))?, records(&folder.path().join("whole"))?);
    ok(folder.path(), &["report", "shared"])?;
    Ok(())
}

#[test]
fn a_study_is_extended_and_its_records_stay() -> Result {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("study.ron"), STUDY)?;
    ok(folder.path(), &["run", "study.ron", "--out", "done"])?;
    let before = records(&folder.path().join("done"))?;
    ok(folder.path(), &["extend", "done", "--budget", "31", "--seeds", "3"])?;
    let after = records(&folder.path().join("done"))?;
    assert_eq!(after.len(), 2 * 3);
    for (name, lines) in &after {
        let evaluations = lines.iter().filter(|line| line.starts_with("{\"evaluation\"")).count();
        assert_eq!(evaluations, 31, "{name}");
        if let Some((_, old)) = before.iter().find(|(old, _)| old == name) {
            assert_eq!(old[..], lines[..old.len()], "{name}");
        }
    }
    // What is extended is resumed and reported like any other study.
    ok(folder.path(), &["resume", "done"])?;
    assert_eq!(records(&folder.path().join("done"))?, after);
    assert!(
        refused(folder.path(), &["extend", "done", "--budget", "31"])?.contains("31 evaluations already")
    );
    Ok(())
}

#[test]
fn an_edited_study_is_refused() -> Result {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("study.ron"), STUDY)?;
    ok(folder.path(), &["run", "study.ron", "--out", "done"])?;
    let frozen = folder.path().join("done/study.ron");
    for (from, to) in
        [("budget: 20", "budget: 200"), ("population: 8", "population: 9"), ("seeds: 2", "seeds: 1")]
    {
        fs::write(&frozen, STUDY.replace(from, to))?;
        for command in ["report", "resume"] {
            let message = refused(folder.path(), &[command, "done"])?;
            assert!(message.contains("done/study.ron: this is not the study that was run"), "{message}");
            assert!(message.contains("hwgym extend done"), "{message}");
        }
    }
    Ok(())
}

const DECK: &str = "divider\n.include parts.inc\n.measure op out find v(b) at=0\n.op\n.end\n";
const PARTS: &str = "v1 a 0 1\nr1 a b {r}\nr2 b 0 1k\n.param r=1k\n";

/// A study of a deck that includes a file, in `project/`; its directory is `project/done`.
fn circuit_study(folder: &Path) -> Result {
    let project = folder.join("project");
    fs::create_dir_all(project.join("deck"))?;
    fs::write(project.join("deck/divider.cir"), DECK)?;
    fs::write(project.join("deck/parts.inc"), PARTS)?;
    let environment = r#"(id: "circuit-netlist-v0", label: "divider", options: (
        deck: "deck/divider.cir",
        parameters: [(name: "r", domain: Real(low: 100.0, high: 10000.0, scale: Log))],
        metrics: [(name: "out", unit: "V", direction: Maximise)],
    ))"#;
    fs::write(project.join("study.ron"), STUDY.replace("(id: \"synthetic/ackley-v0\")", environment))?;
    ok(&project, &["run", "study.ron", "--out", "done"])?;
    Ok(())
}

#[test]
fn an_include_that_changed_is_refused_by_name() -> Result {
    let folder = tempfile::tempdir()?;
    circuit_study(folder.path())?;
    let project = folder.path().join("project");
    fs::write(project.join("deck/parts.inc"), PARTS.replace("r2 b 0 1k", "r2 b 0 1meg"))?;
    let message = refused(&project, &["resume", "done"])?;
    assert!(message.contains("deck/parts.inc: it has changed since the study was started"), "{message}");
    // The study's own copy is what it was.
    ok(&project, &["resume", "done", "--stored-inputs"])?;
    // A report needs neither.
    ok(&project, &["report", "done"])?;
    Ok(())
}

#[test]
fn a_directory_that_moved_is_reported_and_goes_on() -> Result {
    let folder = tempfile::tempdir()?;
    circuit_study(folder.path())?;
    let moved = folder.path().join("moved");
    fs::rename(folder.path().join("project/done"), &moved)?;
    fs::remove_dir_all(folder.path().join("project"))?;
    ok(folder.path(), &["report", "moved"])?;
    let trial = fs::read_dir(moved.join("trials"))?.next().ok_or("no trial")??.path();
    let whole = records(&moved)?;
    let text = fs::read_to_string(&trial)?;
    fs::write(&trial, text.lines().take(7).map(|line| format!("{line}\n")).collect::<String>())?;
    ok(folder.path(), &["resume", "moved"])?;
    assert_eq!(records(&moved)?, whole);
    Ok(())
}

#[test]
fn a_directory_that_is_removed_under_way_is_an_error() -> Result {
    let folder = tempfile::tempdir()?;
    let slow = STUDY.replace("budget: 20", "budget: 1000000");
    fs::write(folder.path().join("study.ron"), slow)?;
    let mut child = hwgym(folder.path(), &["run", "study.ron", "--out", "gone"])
        .stderr(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()?;
    let trials = folder.path().join("gone/trials");
    while !fs::read_dir(&trials).is_ok_and(|mut files| files.next().is_some()) {
        std::thread::sleep(std::time::Duration::from_millis(5));
        assert!(child.try_wait()?.is_none(), "it ended early");
    }
    // Files that appear while it is removed stop a removal, but not the next.
    while folder.path().join("gone").exists() {
        let _ = fs::remove_dir_all(folder.path().join("gone"));
    }
    let output = child.wait_with_output()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && errors.contains("gone/trials/"), "{errors}");
    Ok(())
}

/// An external agent's own children end with it, and SIGTERM is as good as Ctrl-C: the way on is named, nothing lives on.
#[cfg(unix)]
#[test]
fn sigterm_stops_a_study_with_everything_it_started() -> Result {
    let folder = tempfile::tempdir()?;
    let script = r#"sleep 987 & echo $! > child.pid; read start; while read line; do case "$line" in *ask*) sleep 0.05; echo '{"designs": [{"ways": 2, "size_kib": 16, "policy": "lru"}]}';; esac; done"#;
    fs::write(folder.path().join("agent.sh"), script)?;
    let study =
        STUDY.replace("synthetic/ackley-v0", "table-v0").replace("budget: 20", "budget: 1000000").replace(
            "(id: \"random\"), (id: \"genetic\", hyperparameters: (population: 8))",
            "(id: \"external\", hyperparameters: (command: [[\"sh\", \"agent.sh\"]]))",
        );
    fs::write(
        folder.path().join("study.ron"),
        study.replace("seeds: 2", "seeds: 1").replace("batch: 3", "batch: 1"),
    )?;
    let child = hwgym(folder.path(), &["run", "study.ron", "--out", "out"])
        .stderr(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()?;
    let pid = folder.path().join("child.pid");
    while !fs::read_to_string(&pid).is_ok_and(|text| text.ends_with('\n')) {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let grandchild: i32 = fs::read_to_string(&pid)?.trim().parse()?;
    let alive =
        |pid: i32| fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "));
    assert!(alive(grandchild));
    assert!(std::process::Command::new("kill").arg(child.id().to_string()).status()?.success());
    let output = child.wait_with_output()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.contains("stopped; go on with: hwgym resume out"), "{errors}");
    for _ in 0..200 {
        if !alive(grandchild) {
            return Ok(());
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    Err("the agent's child lives on".into())
}

#[test]
fn a_hundred_thousand_jobs_are_capped_with_a_word_and_a_byte_order_mark_is_read() -> Result {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("study.ron"), format!("\u{feff}{STUDY}"))?;
    let message = ok(folder.path(), &["run", "study.ron", "--out", "out", "-j", "100000"])?;
    assert!(message.contains("100000 jobs are more than this machine can use"), "{message}");
    Ok(())
}

/// A reader that has seen enough ends nothing: the command is quiet, and a study's records are whole.
#[test]
fn a_closed_pipe_is_no_failure() -> Result {
    use std::process::Stdio;
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("study.ron"), STUDY)?;
    for arguments in
        [&["env", "list"][..], &["agent", "show", "genetic"], &["run", "study.ron", "--out", "out"]]
    {
        let mut child =
            hwgym(folder.path(), arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        // Both ends that could be read are closed before anything is written.
        drop(child.stdout.take());
        let errors = child.stderr.take().ok_or("no standard error")?;
        let status = child.wait()?;
        let errors = std::io::read_to_string(errors)?;
        assert!(status.success() && !errors.contains("panicked"), "{arguments:?}: {errors}");
    }
    let mut child = hwgym(folder.path(), &["run", "study.ron", "--out", "deaf"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    drop(child.stderr.take());
    assert!(child.wait()?.success());
    assert_eq!(records(&folder.path().join("deaf"))?, records(&folder.path().join("out"))?);
    Ok(())
}
