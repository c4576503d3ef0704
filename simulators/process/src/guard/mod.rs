//! Guards: processes that start jobs for this one, and outlive it just long enough to end them.
//!
//! What must hold is that nothing of a job is left, even where this program is killed by a signal that it cannot catch. A parent-death signal
//! reaches the program that was started, but not what that has started itself, and most tools are scripts around others. So a job is started
//! by a guard: a small process, this same executable in a mode of its own, which
//!
//! * inherits the orphans of the job (`PR_SET_CHILD_SUBREAPER`): whatever descends from it is the job's, also what left the process group;
//! * is in a session of its own: it has no terminal, and Ctrl-C does not reach it;
//! * marks every inherited descriptor to be closed, so that a job has standard input, output and error only;
//! * reads its orders from a socket, and ends everything once the other end is gone.
//!
//! A guard has one job at a time, and goes from one to the next, so that its own start is paid once per thread. All of it is safe Rust:
//! nothing runs between `fork` and `exec`, which would also cost a copy of the page tables of a large process.
//!
//! The executable serves as a guard if its `main` begins with [`serve_if_asked`], as that of `hwgym` does. In other programs jobs are started
//! directly: they are ended as well, but not where the program itself is killed.

pub(crate) mod client;
mod server;
pub(crate) mod wire;

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::OnceLock;

pub(crate) use client::Guard;
pub use server::serve;

/// The argument that asks for a guard.
const MODE: &str = "--guard-of-commands";

/// How a guard is started: a program and its arguments.
static HELPER: OnceLock<Vec<OsString>> = OnceLock::new();

/// Serves as a guard if this process was started as one; returns its exit code then. Otherwise this executable is used for guards from now on.
/// A program calls it first in its `main`.
pub fn serve_if_asked() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == MODE) {
        return Some(server::serve());
    }
    // The file may be replaced while this process runs; on Linux its own name for it still works then.
    let own =
        if cfg!(target_os = "linux") { Some("/proc/self/exe".into()) } else { std::env::current_exe().ok() };
    if let Some(own) = own {
        set_helper([own.into_os_string(), MODE.into()]);
    }
    None
}

/// Uses another program for guards: one that ends up in [`serve_if_asked`] when it is called with these words and nothing more. The first
/// setting stays.
pub fn set_helper(command: impl IntoIterator<Item = OsString>) {
    let _ = HELPER.set(command.into_iter().collect());
}

/// How a guard is started; `None` if this program has none.
pub(crate) fn helper() -> Option<&'static [OsString]> {
    HELPER.get().map(Vec::as_slice).filter(|command| !command.is_empty())
}
