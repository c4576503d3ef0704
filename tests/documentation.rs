//! What the documentation shows is what the program says today. The costly pages are made anew by `experiments/docs/regenerate all`.

mod common;

use std::fs;
use std::path::Path;

use common::{Result, run};

/// The picture of README.md: the same trials give the same picture, to the byte.
#[test]
fn the_pareto_front_of_the_readme_is_that_of_its_study() -> Result {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir()?;
    let study = root.join("experiments/studies/dram-quickstart.ron");
    let study = study.to_str().ok_or("a path that is no text")?;
    // Of the study's four tasks the picture shows one.
    let trials: Vec<String> = ["random", "genetic"]
        .iter()
        .flat_map(|agent| (1..=5).map(move |seed| format!("bfs.both.{agent}.s{seed}")))
        .collect();
    let mut arguments = vec!["worker", "made"];
    trials.iter().for_each(|trial| arguments.extend(["--trial", trial]));
    for arguments in [&["run", study, "--out", "made", "--prepare"][..], &arguments, &["report", "made"]] {
        let output = run(folder.path(), arguments)?;
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let made = fs::read(folder.path().join("made/report/pareto.bfs.both.png"))?;
    let shown = fs::read(root.join("experiments/docs/pareto.png"))?;
    assert!(
        made == shown,
        "README.md shows another picture; make it anew with `experiments/docs/regenerate quick`"
    );
    Ok(())
}

/// Every command that README.md names is one that the program has.
#[test]
fn the_readme_names_commands_that_there_are() -> Result {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir()?;
    let text = fs::read_to_string(root.join("README.md"))?;
    let commands: Vec<Vec<&str>> = text
        .lines()
        .filter_map(|line| line.strip_prefix("hwgym "))
        .map(|line| {
            line.split_whitespace().take_while(|word| word.starts_with(char::is_alphabetic)).take(2).collect()
        })
        .collect();
    assert!(commands.len() > 5, "{commands:?}");
    for command in commands {
        let shown = run(folder.path(), &[&command[..1], &["--help"]].concat())?;
        let help = String::from_utf8(shown.stdout)?;
        assert!(shown.status.success(), "hwgym {command:?}");
        if help.contains("Commands:") {
            assert!(help.contains(&format!("\n  {}", command[1])), "hwgym {command:?}: {help}");
        }
    }
    Ok(())
}
