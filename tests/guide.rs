//! The guide is run: every chapter in a fresh folder, from top to bottom, and what it shows is what is printed.

mod common;

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::Result;

/// A fenced block of a chapter.
struct Block {
    /// `sh`, `text`, `ron,file=study.ron`.
    marks: String,
    text: String,
    line: usize,
}

fn blocks(chapter: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (index, line) in chapter.lines().enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(marks)) => {
                open = Some(Block { marks: marks.into(), text: String::new(), line: index + 1 })
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(block), None) => block.text += &format!("{line}\n"),
            (None, None) => {}
        }
    }
    blocks
}

/// The guide's sources.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/guide/src")
}

/// The files that the table of contents names.
fn chapters() -> Result<Vec<String>> {
    let summary = fs::read_to_string(folder().join("SUMMARY.md"))?;
    Ok(links(&summary).into_iter().map(str::to_string).collect())
}

/// The targets of Markdown links.
fn links(text: &str) -> Vec<&str> {
    text.split("](").skip(1).filter_map(|rest| rest.split(')').next()).collect()
}

/// Runs of blanks and the lines of tables are one blank.
fn plain(line: &str) -> String {
    line.split(|c: char| c.is_whitespace() || c == '│')
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Every shown line is printed, in this order.
fn compare(shown: &Block, printed: &str, chapter: &str) {
    let mut lines = printed.lines().map(plain);
    for wanted in shown.text.lines().map(plain).filter(|line| line != "..." && !line.is_empty()) {
        assert!(
            lines.any(|line| line.contains(&wanted)),
            "{chapter}:{}: `{wanted}` is not printed here:\n{printed}",
            shown.line
        );
    }
}

fn run(chapter: &str) -> Result {
    let text = fs::read_to_string(folder().join(chapter))?;
    let scratch = tempfile::tempdir()?;
    let program = Path::new(env!("CARGO_BIN_EXE_hwgym")).parent().ok_or("a program without a folder")?;
    let path = format!("{}:{}", program.display(), std::env::var("PATH")?);
    let mut printed = String::new();
    for block in blocks(&text) {
        let place = format!("{chapter}:{}", block.line);
        if let Some((_, file)) = block.marks.split_once(",file=") {
            fs::write(scratch.path().join(file), &block.text)?;
        } else if block.marks == "sh" {
            let output = Command::new("sh")
                .args(["-e", "-c", &format!("exec 2>&1\n{}", block.text)])
                .env("PATH", &path)
                .env("HWGYM", env!("CARGO_MANIFEST_DIR"))
                .current_dir(scratch.path())
                .output()?;
            printed = String::from_utf8(output.stdout)?;
            assert!(output.status.success(), "{place}: {}\n{printed}", output.status);
        } else if block.marks == "text" {
            compare(&block, &printed, chapter);
        } else {
            assert!(
                block.marks.ends_with(",ignore"),
                "{place}: a block marked `{}` is neither run nor written",
                block.marks
            );
        }
    }
    Ok(())
}

macro_rules! run_chapters {
    ($($name:ident: $file:literal),* $(,)?) => {
        /// The chapters that have a test each.
        const RUN: &[&str] = &[$($file),*];
        $(#[test]
        fn $name() -> Result {
            run($file)
        })*
    };
}

run_chapters! {
    first_study: "first-study.md",
    introduction: "introduction.md",
    sweeps: "sweeps.md",
    results: "results.md",
    bench: "bench.md",
    own_simulator: "own-simulator.md",
    own_agent: "own-agent.md",
    own_environment: "own-environment.md",
    surrogates: "surrogates.md",
    python: "python.md",
    many_machines: "many-machines.md",
    science: "science.md",
}

/// The table of contents, the folder and the tests name the same chapters, and every link leads somewhere.
#[test]
fn the_guide_is_whole() -> Result {
    let named: HashSet<String> = chapters()?.into_iter().collect();
    let run: HashSet<String> = RUN.iter().map(|file| (*file).to_string()).collect();
    let mut there = HashSet::new();
    for entry in fs::read_dir(folder())? {
        there.insert(entry?.file_name().to_string_lossy().into_owned());
    }
    there.remove("SUMMARY.md");
    assert_eq!(named, there, "SUMMARY.md names other chapters than there are");
    assert_eq!(named, run, "tests/guide.rs runs other chapters than there are");
    for chapter in named {
        let text = fs::read_to_string(folder().join(&chapter))?;
        for link in links(&text).into_iter().filter(|link| !link.starts_with("http")) {
            let target = folder().join(link.split('#').next().unwrap_or(link));
            assert!(target.exists(), "{chapter}: the link `{link}` leads nowhere");
        }
    }
    Ok(())
}
