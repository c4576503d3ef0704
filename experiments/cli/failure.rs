//! From errors to exit codes.
//!
//! Errors of the libraries that speak of what the user gave (names, options, studies, hyperparameters) are bad input by themselves; any
//! other error becomes bad input with [`BadInput::bad_input`].

use std::fmt;
use std::process::ExitCode;

use crate::agents::AgentError;
use crate::envs::{EnvError, SpaceError};
use crate::experiments::StudyError;
use crate::surrogates::SurrogateError;

/// Exit code for something that failed.
const FAILED: u8 = 1;
/// Exit code for wrong input.
const BAD_INPUT: u8 = 2;

/// An error that the user can mend by giving other input.
#[derive(Debug)]
struct Marked(String);

impl fmt::Display for Marked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Marked {}

/// Marks an error as bad input: exit code 2.
pub trait BadInput<T> {
    /// The same result, its error marked.
    fn bad_input(self) -> anyhow::Result<T>;
}

impl<T, E: fmt::Display> BadInput<T> for Result<T, E> {
    fn bad_input(self) -> anyhow::Result<T> {
        self.map_err(|error| Marked(once(format!("{error:#}"))).into())
    }
}

/// A new error that is bad input.
pub fn bad_input(message: impl fmt::Display) -> anyhow::Error {
    Marked(message.to_string()).into()
}

/// Prints an error and picks the exit code. A closed pipe (`hwgym ... | head`) is no error.
pub fn report(error: &anyhow::Error) -> ExitCode {
    if error.chain().any(|e| e.downcast_ref().is_some_and(is_closed_pipe)) {
        return ExitCode::SUCCESS;
    }
    let (words, bad) = words(error);
    eprintln!("error: {words}");
    ExitCode::from(if bad { BAD_INPUT } else { FAILED })
}

/// An error in words, and whether it is bad input.
pub fn words(error: &anyhow::Error) -> (String, bool) {
    (shortened(&once(format!("{error:#}"))), error.chain().any(is_bad_input))
}

/// A message without the cause that stands in it twice: once in the words of the error, once as the error's own cause.
fn once(mut text: String) -> String {
    let doubled = text.match_indices(": ").map(|(at, _)| at).find(|at| {
        let cause = &text[at + 2..];
        text[..*at].ends_with(cause)
    });
    if let Some(at) = doubled {
        text.truncate(at);
    }
    text
}

/// A message that quotes a whole file loses its middle.
fn shortened(text: &str) -> String {
    let (most, head, tail) = (2000, 1200, 600);
    let count = text.chars().count();
    if count <= most {
        return text.into();
    }
    let start: String = text.chars().take(head).collect();
    let end: String = text.chars().skip(count - tail).collect();
    format!("{start} [... {} characters left out ...] {end}", count - head - tail)
}

/// The exit code of a command whose results could not be written. A reader that has seen enough (`hwgym ... | head`) is no failure.
pub fn unwritten(error: &std::io::Error, code: ExitCode) -> ExitCode {
    if is_closed_pipe(error) {
        return code;
    }
    eprintln!("error: standard output: {error}");
    ExitCode::from(FAILED)
}

fn is_closed_pipe(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::BrokenPipe
}

fn is_bad_input(error: &(dyn std::error::Error + 'static)) -> bool {
    error.is::<Marked>()
        || error.is::<EnvError>()
        || error.is::<SpaceError>()
        || error.is::<AgentError>()
        || error.is::<SurrogateError>()
        || error.downcast_ref::<StudyError>().is_some_and(StudyError::is_bad_input)
}

#[cfg(test)]
mod tests {
    use super::{once, shortened};

    #[test]
    fn a_cause_is_said_once() {
        assert_eq!(once("a.ron: no such file: no such file".into()), "a.ron: no such file");
        assert_eq!(once("a.ron: 3:4: expected `)`".into()), "a.ron: 3:4: expected `)`");
    }

    #[test]
    fn a_quoted_file_is_cut() {
        assert_eq!(shortened("short"), "short");
        let cut = shortened(&"é".repeat(100_000));
        assert!(cut.contains("[... 98200 characters left out ...]") && cut.chars().count() < 2000);
    }
}
