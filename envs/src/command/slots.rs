//! At most so many runs of one definition at a time, in this process.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError, Weak};

/// Places for runs.
pub(super) struct Slots {
    most: usize,
    taken: Mutex<usize>,
    freed: Condvar,
}

/// A place, given back when dropped.
pub(super) struct Slot<'a>(&'a Slots);

/// The slots in use, by definition and number.
type Known = HashMap<(PathBuf, usize), Weak<Slots>>;

impl Slots {
    /// Places for the definition in this file: the same for all environments that are made from it. 0 is any number.
    pub fn of(file: &Path, most: usize) -> Arc<Self> {
        static ALL: OnceLock<Mutex<Known>> = OnceLock::new();
        let key = (std::fs::canonicalize(file).unwrap_or_else(|_| file.into()), most);
        let mut all = ALL.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = all.get(&key).and_then(Weak::upgrade) {
            return known;
        }
        let slots = Arc::new(Self { most, taken: Mutex::new(0), freed: Condvar::new() });
        all.insert(key, Arc::downgrade(&slots));
        slots
    }

    /// Waits for a place.
    pub fn take(&self) -> Slot<'_> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        while self.most > 0 && *taken >= self.most {
            taken = self.freed.wait(taken).unwrap_or_else(PoisonError::into_inner);
        }
        *taken += 1;
        Slot(self)
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        *self.0.taken.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.0.freed.notify_one();
    }
}
