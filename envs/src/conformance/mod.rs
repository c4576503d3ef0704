//! The conformance kit: what `hwgym env check` runs, and what third parties run on environments and episodes of their own.

mod env;
mod episode;

use std::fmt;

pub use env::check_env;
pub use episode::{check_episode, check_formulations, check_multi_agent_episode};

/// The findings of a check.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The rules that hold.
    pub passed: Vec<String>,
    /// The rules that do not, each with what was seen and what to do.
    pub failed: Vec<String>,
}

impl Report {
    /// True if every rule holds.
    pub fn passed(&self) -> bool {
        self.failed.is_empty()
    }

    /// Notes one rule.
    pub fn rule(&mut self, rule: &str, result: Result<(), String>) {
        match result {
            Ok(()) => self.passed.push(rule.into()),
            Err(seen) => self.failed.push(format!("{rule}: {seen}")),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.passed.iter().try_for_each(|rule| writeln!(f, "  ok    {rule}"))?;
        self.failed.iter().try_for_each(|rule| writeln!(f, "  FAIL  {rule}"))
    }
}
