//! `hwgym env new`: a definition to start from.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;

use crate::envs::command::{SKELETON, SKELETON_MODEL, is_path};
use crate::failure::bad_input;

/// Write a commented RON file that makes a program an environment, with a small model that it runs
#[derive(clap::Args)]
pub struct NewArgs {
    /// The file to write, such as `my-tool.ron`; the model is written beside it, as `model.py`
    file: PathBuf,
}

impl NewArgs {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let name = self.file.to_string_lossy().into_owned();
        if !is_path(&name) {
            return Err(bad_input(format!(
                "`{name}` does not end in `.ron`, by which such a file is known from an id; call it `{name}.ron`"
            )));
        }
        let model = self.file.with_file_name("model.py");
        write_new(&self.file, &skeleton(&self.file))?;
        // A model that is there already is one of the user's own.
        let wrote_model = !model.exists();
        if wrote_model {
            write_new(&model, SKELETON_MODEL)?;
        }
        println!(
            "wrote {name}{}",
            if wrote_model { format!(" and {}", model.display()) } else { String::new() }
        );
        println!("next: hwgym env check {name}");
        Ok(ExitCode::SUCCESS)
    }
}

/// The skeleton with the name of its file.
fn skeleton(file: &Path) -> String {
    let stem = file.file_stem().map_or("my-tool".into(), |stem| stem.to_string_lossy().into_owned());
    let name = format!("name: {stem:?}");
    let shown = file.file_name().map_or("FILE.ron".into(), |name| name.to_string_lossy().into_owned());
    SKELETON.replacen("name: \"my-tool\"", &name, 1).replace("FILE.ron", &shown)
}

fn write_new(path: &Path, text: &str) -> anyhow::Result<()> {
    if path.exists() {
        return Err(bad_input(format!("{}: it exists already; choose another name", path.display())));
    }
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    std::fs::write(path, text).with_context(|| path.display().to_string())
}
