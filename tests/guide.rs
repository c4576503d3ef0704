//! Every command of the guide works, page by page, in an empty folder; every page of it is in its table of contents.

mod common;

use std::fs;
use std::path::Path;

use common::{Result, run};

/// Blocks of a page in order: what stands behind the three marks, and the content.
fn blocks(page: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(kind) = line.strip_prefix("```") {
            let content: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            blocks.push((kind.to_string(), content.join("\n")));
        }
    }
    blocks
}

/// The words of a command line; what stands between single quotes is one.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (number, part) in line.split('\'').enumerate() {
        if number % 2 == 1 {
            words.push(part.to_string());
        } else {
            words.extend(part.split_whitespace().map(String::from));
        }
    }
    words
}

#[test]
fn every_command_of_the_guide_works() -> Result {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/guide/src");
    let contents = fs::read_to_string(source.join("SUMMARY.md"))?;
    let mut commands = 0;
    for entry in fs::read_dir(&source)?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        assert!(name == "SUMMARY.md" || contents.contains(&format!("({name})")), "{name} is in no contents");
        let page = fs::read_to_string(entry.path())?;
        let folder = tempfile::tempdir()?;
        for (kind, content) in blocks(&page) {
            if let Some((_, file)) = kind.split_once("file=") {
                fs::write(folder.path().join(file), content)?;
                continue;
            }
            assert_eq!(kind, "sh", "{name}: a block that is neither a file nor commands");
            for line in content.lines() {
                let words = words(line.strip_prefix("hwgym ").ok_or(format!("{name}: {line}"))?);
                let arguments: Vec<&str> = words.iter().map(String::as_str).collect();
                let output = run(folder.path(), &arguments)?;
                let error = String::from_utf8_lossy(&output.stderr);
                assert!(output.status.success(), "{name}: {line}: {error}");
                commands += 1;
            }
        }
    }
    assert!(commands > 20, "{commands}");
    Ok(())
}

#[test]
fn every_link_of_the_guide_leads_somewhere() -> Result {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/guide/src");
    for entry in fs::read_dir(&source)?.flatten() {
        let page = fs::read_to_string(entry.path())?;
        for target in page.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            assert!(source.join(target).exists(), "{}: {target}", entry.path().display());
        }
    }
    Ok(())
}
