//! The files that a study is built from, by content: hashed when it starts, compared when it goes on, and copied where they are small, so
//! that the directory can go on by itself.

use std::fs::{self, File};
use std::io;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::StudyError;

/// Files up to this size are copied into the directory of the study, in bytes.
const SMALL: u64 = 16 << 20;

/// Folder of the copies in the directory of a study.
const COPIES: &str = "inputs";

/// The files that a study is built from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Inputs {
    /// The folder of the study file, relative to the folder that all names are relative to.
    pub folder: PathBuf,
    /// The files.
    pub files: Vec<InputFile>,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputFile {
    /// Where it was, absolute.
    pub path: PathBuf,
    /// Its place under the folder of copies; relative paths between inputs, and from the study to them, stay what they were.
    pub name: PathBuf,
    /// BLAKE3 of its content, hexadecimal.
    pub hash: String,
    /// Its length.
    pub bytes: u64,
    /// True if the directory of the study holds a copy.
    pub copied: bool,
}

/// Which files a study goes on with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InputSource {
    /// Those where the study found them; if they are gone, the copies in its directory.
    #[default]
    Original,
    /// The copies in its directory.
    Stored,
}

impl Inputs {
    /// Hashes the files of a study in this folder. Errors: a file cannot be read.
    pub(super) fn record(folder: &Path, files: Vec<PathBuf>) -> Result<Self, StudyError> {
        let mut paths: Vec<PathBuf> = files.iter().map(|path| clean(path)).collect();
        paths.sort();
        paths.dedup();
        let folder = clean(folder);
        let mut root = folder.clone();
        for path in &paths {
            while !path.starts_with(&root) && root.pop() {}
        }
        let name = |path: &Path| path.strip_prefix(&root).unwrap_or(path).to_path_buf();
        let files = paths.iter().map(|path| {
            let (hash, bytes) =
                hash(path).map_err(|error| StudyError::Input { path: path.clone(), source: error })?;
            Ok(InputFile { path: path.clone(), name: name(path), hash, bytes, copied: bytes <= SMALL })
        });
        Ok(Self { folder: name(&folder), files: files.collect::<Result<_, StudyError>>()? })
    }

    /// Copies the small files into the directory of a study. Errors: a file cannot be copied.
    pub(super) fn copy(&self, directory: &Path) -> Result<(), StudyError> {
        for file in self.files.iter().filter(|file| file.copied) {
            let to = directory.join(COPIES).join(&file.name);
            let copy = || -> io::Result<()> {
                to.parent().map_or(Ok(()), fs::create_dir_all)?;
                fs::copy(&file.path, &to).map(drop)
            };
            copy().map_err(|error| StudyError::file(&to, error))?;
        }
        Ok(())
    }

    /// The folder against which the study's relative paths are meant now. Errors: a file has changed, or is gone and there is no copy.
    pub(super) fn resolve(
        &self,
        directory: &Path,
        original: &Path,
        source: InputSource,
    ) -> Result<PathBuf, StudyError> {
        let gone = self.files.iter().find(|file| !file.path.exists());
        if source == InputSource::Original && gone.is_none() {
            for file in &self.files {
                file.check(&file.path, directory)?;
            }
            return Ok(original.into());
        }
        let copies = directory.join(COPIES);
        for file in &self.files {
            if file.copied {
                file.check(&copies.join(&file.name), directory)?;
            } else if file.path.exists() {
                file.check(&file.path, directory)?;
            } else {
                let message =
                    "it is gone, and too large for the study to hold a copy; put it back".to_string();
                return Err(StudyError::Changed { path: file.path.clone(), message });
            }
        }
        Ok(copies.join(&self.folder))
    }
}

impl InputFile {
    fn check(&self, path: &Path, directory: &Path) -> Result<(), StudyError> {
        let (now, _) = hash(path).map_err(|source| StudyError::Input { path: path.into(), source })?;
        if now == self.hash {
            return Ok(());
        }
        let message = if path == self.path {
            let stored = if self.copied {
                let directory = directory.display();
                format!(", go on with the study's own copy (`hwgym resume {directory} --stored-inputs`)")
            } else {
                String::new()
            };
            format!(
                "it has changed since the study was started; restore it{stored}, or run the study again in a new directory"
            )
        } else {
            "this copy is not what the study was started with; its directory is damaged".into()
        };
        Err(StudyError::Changed { path: path.into(), message })
    }
}

fn hash(path: &Path) -> io::Result<(String, u64)> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(File::open(path)?)?;
    Ok((hasher.finalize().to_hex().to_string(), hasher.count()))
}

/// The path, absolute and without `.` and `..`.
fn clean(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.into());
    let mut clean = PathBuf::new();
    for component in absolute.components() {
        match component {
            Component::ParentDir => drop(clean.pop()),
            Component::CurDir => {}
            other => clean.push(other),
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_keep_their_places_and_changes_are_named() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("studies"))?;
        fs::create_dir_all(at("models"))?;
        fs::create_dir_all(at("run"))?;
        fs::write(at("models/a.lib"), "one")?;
        fs::write(at("studies/deck.cir"), "two")?;
        let files = vec![at("studies/../models/a.lib"), at("studies/deck.cir"), at("models/a.lib")];
        let inputs = Inputs::record(&at("studies"), files)?;
        assert_eq!(inputs.files.len(), 2);
        inputs.copy(&at("run"))?;
        let resolve = |source| inputs.resolve(&at("run"), &at("studies"), source);
        assert_eq!(resolve(InputSource::Original)?, at("studies"));
        let stored = resolve(InputSource::Stored)?;
        assert_eq!(fs::read_to_string(stored.join("../models/a.lib"))?, "one");

        fs::write(at("models/a.lib"), "three")?;
        let error = resolve(InputSource::Original).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(error.contains("a.lib: it has changed") && error.contains("--stored-inputs"), "{error}");
        assert_eq!(resolve(InputSource::Stored)?, stored);
        fs::remove_file(at("models/a.lib"))?;
        assert_eq!(resolve(InputSource::Original)?, stored, "the copy stands in for what is gone");
        fs::write(stored.join("../models/a.lib"), "four")?;
        let error = resolve(InputSource::Original).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(error.contains("this copy is not what the study was started with"), "{error}");
        Ok(())
    }
}
