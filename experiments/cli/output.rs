//! Standard output and standard error, whatever becomes of them.
//!
//! The standard library's `println!` panics where its reader has gone (`hwgym env list | head -1`) or the disk is full. In this crate
//! `println!` keeps the first failure instead, drops what comes after it, and [`main`](crate::main) tells it when the command is over; so a
//! study that prints into a closed pipe still runs to its end, its records whole. `eprintln!` drops what cannot be written: there is nobody left
//! to tell. Where a command is [called](crate::call) from a program, both are kept for the caller.

use std::cell::RefCell;
use std::fmt::{Arguments, Write as _};
use std::io::{Error, Write};
use std::sync::{Mutex, PoisonError};

/// What a command that is called wrote: results, then messages.
#[derive(Default)]
pub(crate) struct Kept {
    pub output: String,
    pub notes: String,
}

thread_local! {
    static KEPT: RefCell<Option<Kept>> = const { RefCell::new(None) };
}

/// Runs something on this thread and keeps what it writes.
pub(crate) fn keep<R>(work: impl FnOnce() -> R) -> (R, Kept) {
    let before = KEPT.replace(Some(Kept::default()));
    let result = work();
    (result, KEPT.replace(before).unwrap_or_default())
}

/// Keeps a text where the thread keeps what it writes; false elsewhere.
fn kept(text: Arguments, place: fn(&mut Kept) -> &mut String) -> bool {
    KEPT.with_borrow_mut(|kept| match kept {
        Some(kept) => place(kept).write_fmt(text).is_ok(),
        None => false,
    })
}

/// The first failure to write to standard output.
static FAILURE: Mutex<Option<Error>> = Mutex::new(None);

/// Writes to standard output, unless that failed before.
pub(crate) fn print(text: Arguments) {
    if kept(text, |kept| &mut kept.output) {
        return;
    }
    let mut failure = FAILURE.lock().unwrap_or_else(PoisonError::into_inner);
    if failure.is_none() {
        *failure = std::io::stdout().write_fmt(text).err();
    }
}

/// Writes to standard error.
pub(crate) fn note(text: Arguments) {
    if kept(text, |kept| &mut kept.notes) {
        return;
    }
    // Standard error is where failures are told; its own cannot be.
    let _ = std::io::stderr().write_fmt(text);
}

/// Writes out what is held back. Errors: the first failure to write since the program began.
pub(crate) fn finish() -> Result<(), Error> {
    let failure = FAILURE.lock().unwrap_or_else(PoisonError::into_inner).take();
    failure.map_or_else(|| std::io::stdout().flush(), Err)
}

macro_rules! print {
    ($($text:tt)*) => { $crate::output::print(format_args!($($text)*)) };
}
macro_rules! println {
    () => { $crate::output::print(format_args!("\n")) };
    ($($text:tt)*) => { $crate::output::print(format_args!("{}\n", format_args!($($text)*))) };
}
macro_rules! eprintln {
    ($($text:tt)*) => { $crate::output::note(format_args!("{}\n", format_args!($($text)*))) };
}
