//! What the end-to-end tests share.

#![allow(dead_code)] // Every test file is a program of its own and uses a part.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

pub type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// The program, about to be run in a folder.
pub fn hwgym(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hwgym"));
    command.current_dir(folder).args(arguments).env("NO_COLOR", "1");
    command
}

/// Runs the program in a folder.
pub fn run(folder: &Path, arguments: &[&str]) -> Result<Output> {
    Ok(hwgym(folder, arguments).output()?)
}

/// The records of a study without what the clock wrote: file name and lines.
pub fn records(study: &Path) -> Result<Vec<(String, Vec<String>)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(study.join("trials"))? {
        let path = entry?.path();
        let text = fs::read_to_string(&path)?;
        let bare = |line: &str| line.split(",\"wall\"").next().unwrap_or(line).to_string();
        files.push((path.display().to_string(), text.lines().map(bare).collect()));
    }
    for (name, _) in &mut files {
        *name = name.rsplit('/').next().unwrap_or(name).to_string();
    }
    files.sort();
    Ok(files)
}
