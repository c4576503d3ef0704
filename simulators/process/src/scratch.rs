//! Fresh folders for jobs, all in one folder of this process that is removed with it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use tempfile::TempDir;

/// The folder of one [`Runner`](crate::Runner), in which every job has one of its own.
pub(crate) struct Scratch {
    root: TempDir,
    count: AtomicU64,
}

impl Scratch {
    /// A new folder in `base`, readable by this user only.
    pub fn new(base: &Path) -> io::Result<Self> {
        fs::create_dir_all(base)?;
        let root = tempfile::Builder::new().prefix("hwgym-").tempdir_in(fs::canonicalize(base)?)?;
        Ok(Self { root, count: AtomicU64::new(0) })
    }

    pub fn path(&self) -> &Path {
        self.root.path()
    }

    /// A fresh folder.
    pub fn folder(&self) -> io::Result<Folder> {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let path = self.root.path().join(number.to_string());
        // A folder that is there already is nobody's but this process's; still, nothing is shared.
        fs::create_dir(&path)?;
        Ok(Folder { path, kept: false })
    }
}

/// A folder that is removed when dropped, unless it was [kept](Folder::keep).
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    kept: bool,
}

impl Folder {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Moves the folder to another place, where it stays. Errors: it cannot be moved or copied there.
    pub fn keep(mut self, place: &Path) -> io::Result<()> {
        if let Some(parent) = place.parent() {
            fs::create_dir_all(parent)?;
        }
        if fs::rename(&self.path, place).is_err() {
            // Another file system.
            copy(&self.path, place)?;
            remove(&self.path);
        }
        self.kept = true;
        Ok(())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.kept {
            remove(&self.path);
        }
    }
}

/// Removes a folder, also where the program took the permissions away that this needs.
pub(crate) fn remove(folder: &Path) {
    if fs::remove_dir_all(folder).is_ok() || !folder.exists() {
        return;
    }
    open_up(folder);
    // What still cannot be removed is somebody else's; the folder of the process is tried again at the end.
    let _ = fs::remove_dir_all(folder);
}

/// Gives the owner of a tree of folders back what is needed to remove it.
fn open_up(folder: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let _ = fs::set_permissions(folder, fs::Permissions::from_mode(0o700));
    }
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            open_up(&entry.path());
        }
    }
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let kind = fs::symlink_metadata(from)?.file_type();
    if kind.is_dir() {
        fs::create_dir(to)?;
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            copy(&entry.path(), &to.join(entry.file_name()))?;
        }
    } else if kind.is_symlink() {
        #[cfg(unix)]
        std::os::unix::fs::symlink(fs::read_link(from)?, to)?;
    } else if kind.is_file() {
        fs::copy(from, to)?;
    }
    // Sockets and pipes have no content to keep.
    Ok(())
}
