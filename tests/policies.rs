//! `hwgym train` and `hwgym policy`: a policy is trained, shown, measured and searched with; what does not fit is refused by name. The policies that
//! ship are what their pages say.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{Result, run};

/// A small training of each kind.
const DESIGNS: &str = r#"(
    name: "small", environment: "dram-controller-v0",
    train: Designs((
        objectives: ["low-power"],
        instances: [Drawn(count: 2, options: "requests: 60"), Listed(["(workload: \"sort\", requests: 60)"])],
        elite_evaluations: 20, hidden: 8, cloning_steps: 20, iterations: 2, pairs: 2, episodes: 2, designs: 3, list: 4,
    )),
)"#;
const WALKS: &str = r#"(
    name: "walker", environment: "opamp-autockt-v0",
    train: Walks((instances: [Listed(["(transient: false)"])], simulations: 300, hidden: [8], steps: 100, part: 50)),
)"#;

fn policies() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/policies")
}

/// What a command says when it succeeds.
fn said(folder: &Path, arguments: &[&str]) -> Result<String> {
    let output = run(folder, arguments)?;
    let text = String::from_utf8(output.stdout)?;
    assert!(output.status.success(), "{arguments:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
    Ok(text)
}

/// What a command says when its input is bad.
fn refused(folder: &Path, arguments: &[&str]) -> Result<String> {
    let output = run(folder, arguments)?;
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stderr)?)
}

#[test]
fn a_policy_is_trained_shown_measured_and_searched_with() -> Result {
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    fs::write(folder.join("small.ron"), DESIGNS)?;
    let trained = said(folder, &["train", "small.ron", "--out", "a.json", "--jobs", "1"])?;
    assert!(trained.contains("policy `small` for `dram-controller-v0`, 3 instances"), "{trained}");
    // On any number of threads the same, with another seed another.
    said(folder, &["train", "small.ron", "--out", "b.json", "--jobs", "3"])?;
    assert_eq!(fs::read(folder.join("a.json"))?, fs::read(folder.join("b.json"))?);
    said(folder, &["train", "small.ron", "--out", "c.json", "--seed", "9"])?;
    assert_ne!(fs::read(folder.join("a.json"))?, fs::read(folder.join("c.json"))?);

    let shown = said(folder, &["policy", "show", "a.json"])?;
    for part in ["proposes designs", "low-power", "RequestBufferSize", "(workload: \"sort\", requests: 60)"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let instance = "(workload: \"bfs\", requests: 60)";
    let measured = [
        "policy",
        "evaluate",
        "a.json",
        "--instance",
        instance,
        "--budget",
        "4",
        "--seeds",
        "1",
        "--best-of",
        "30",
        "--against",
        "random",
    ];
    let measured = said(folder, &measured)?;
    assert!(measured.contains("random"), "{measured}");
    let known = [
        "policy",
        "evaluate",
        "a.json",
        "--instance",
        "(workload: \"sort\", requests: 60)",
        "--budget",
        "2",
        "--seeds",
        "1",
    ];
    let output = run(folder, &known)?;
    assert!(String::from_utf8_lossy(&output.stderr).contains("the policy was trained on"));

    let study = format!(
        "(name: \"s\", environments: [(id: \"dram-controller-v0\", options: {instance}, objectives: [\"low-power\"])], \
         agents: [(id: \"policy\", hyperparameters: (file: \"a.json\"))], seeds: [1], budget: 5)"
    );
    fs::write(folder.join("study.ron"), study)?;
    said(folder, &["run", "study.ron", "--out", "out", "-j", "1"])?;
    assert_eq!(common::records(&folder.join("out"))?.len(), 1);
    Ok(())
}

#[test]
fn a_walker_is_trained_and_measured() -> Result {
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    fs::write(folder.join("walker.ron"), WALKS)?;
    said(folder, &["train", "walker.ron", "--out", "w.json"])?;
    assert!(said(folder, &["policy", "show", "w.json"])?.contains("walks towards targets"));
    let measured = said(
        folder,
        &["policy", "evaluate", "w.json", "--option", "transient=false", "--sets", "5", "--json"],
    )?;
    let line: serde_json::Value = serde_json::from_str(measured.lines().next().unwrap_or_default())?;
    assert_eq!(line["sets"], 5);
    Ok(())
}

#[test]
fn what_does_not_fit_is_refused_by_name() -> Result {
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    let train = |text: &str| {
        fs::write(folder.join("study.ron"), text)?;
        let said = refused(folder, &["train", "study.ron", "--out", "p.json"])?;
        assert!(!folder.join("p.json").exists(), "nothing is written");
        Ok::<_, Box<dyn std::error::Error>>(said)
    };
    for (from, to, expected) in [
        ("\"low-power\"", "\"low-pwer\"", "low-pwer"),
        ("count: 2", "cuont: 2", "study.ron:"),
        ("dram-controller-v0", "dram-controler-v0", "dram-controller-v0"),
        ("hidden: 8", "hidden: 0", "`hidden` is 0"),
        ("requests: 60\"", "requets: 60\"", "requests"),
    ] {
        let said = train(&DESIGNS.replacen(from, to, 1))?;
        assert!(said.contains(expected), "{to}: {said}");
    }
    fs::write(folder.join("small.ron"), DESIGNS)?;
    said(folder, &["train", "small.ron", "--out", "a.json"])?;
    let text = fs::read_to_string(folder.join("a.json"))?;
    let files = [
        ("cut.json", text[..text.len() / 2].to_owned(), "cut.json"),
        ("version.json", text.replacen("\"version\":", "\"version\":9", 1), "version"),
        ("other.json", "{}".to_owned(), "other.json"),
    ];
    for (name, text, expected) in files {
        fs::write(folder.join(name), text)?;
        let said = refused(folder, &["policy", "show", name])?;
        assert!(said.contains(expected), "{name}: {said}");
    }
    let said = refused(folder, &["policy", "evaluate", "a.json"])?;
    assert!(said.contains("--instance"), "{said}");
    let said = refused(
        folder,
        &["policy", "evaluate", "a.json", "--instance", "(space: \"wide\", workload: \"bfs\", requests: 60)"],
    )?;
    assert!(said.contains("space"), "{said}");
    Ok(())
}

/// Shipped policies are small, name how they were made, and no recorded program is among what they were trained on.
#[test]
fn shipped_policies_are_what_their_studies_say() -> Result {
    let folder = tempfile::tempdir()?;
    let mut count = 0;
    for entry in fs::read_dir(policies())? {
        let path = entry?.path();
        count += 1;
        assert!(fs::metadata(&path)?.len() < 500_000, "{}", path.display());
        let shown = said(folder.path(), &["policy", "show", &path.display().to_string()])?;
        for program in ["bfs", "matmul", "python", "sort", "sqlite", "xz"] {
            assert!(!shown.contains(&format!("\"{program}\"")), "{}: trained on {program}", path.display());
        }
    }
    assert_eq!(count, 2);
    Ok(())
}

/// After the default design, the shipped policy's proposals for a program it has never seen are better.
#[test]
fn the_shipped_controller_policy_proposes_well_after_one_simulation() -> Result {
    let folder = tempfile::tempdir()?;
    let policy = policies().join("dram-controller-v0.json").display().to_string();
    let instance = "(workload: \"sort\", requests: 1000)";
    let arguments = ["policy", "evaluate", &policy, "--instance", instance, "--objective", "low-power"];
    let more = ["--best-of", "100", "--budget", "3", "--seeds", "1", "--json"];
    let text = said(folder.path(), &[&arguments[..], &more].concat())?;
    let line: serde_json::Value = serde_json::from_str(text.lines().next().unwrap_or_default())?;
    assert_eq!(line["agent"], "policy");
    let regret = |at: usize| line["regret"][0][at].as_f64().unwrap_or(f64::NAN);
    assert!(regret(2) < regret(0), "{text}");
    Ok(())
}
