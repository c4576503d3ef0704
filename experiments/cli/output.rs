//! Standard output and standard error, whatever becomes of them.
//!
//! The standard library's `println!` panics where its reader has gone (`hwgym env list | head -1`) or the disk is full. In this crate
//! `println!` keeps the first failure instead, drops what comes after it, and [`main`](crate::main) tells it when the command is over; so a
//! study that prints into a closed pipe still runs to its end, its records whole. `eprintln!` drops what cannot be written: there is nobody left
//! to tell.

use std::fmt::Arguments;
use std::io::{Error, Write};
use std::sync::{Mutex, PoisonError};

/// The first failure to write to standard output.
static FAILURE: Mutex<Option<Error>> = Mutex::new(None);

/// Writes to standard output, unless that failed before.
pub(crate) fn print(text: Arguments) {
    let mut failure = FAILURE.lock().unwrap_or_else(PoisonError::into_inner);
    if failure.is_none() {
        *failure = std::io::stdout().write_fmt(text).err();
    }
}

/// Writes to standard error.
pub(crate) fn note(text: Arguments) {
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
