//! What a person sees while a study runs: a bar on a terminal, plain lines otherwise, both on standard error.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Progress of a study.
pub struct Progress {
    bar: Option<ProgressBar>,
    quiet: bool,
    trials: usize,
    evaluations: AtomicUsize,
    done: AtomicUsize,
}

impl Progress {
    /// Starts: so many trials, so many evaluations at most, on standard error.
    pub fn start(trials: usize, evaluations: usize) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(evaluations as u64);
            let template = "{elapsed_precise} [{bar:32}] {human_pos}/{human_len} evaluations, {per_sec}, {eta} left  {msg}";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.progress_chars("=> "));
            }
            bar.enable_steady_tick(Duration::from_millis(250));
            bar
        });
        Self { bar, quiet: false, trials, evaluations: AtomicUsize::new(0), done: AtomicUsize::new(0) }
    }

    /// No output at all, for tests and programs.
    pub fn silent() -> Self {
        Self {
            bar: None,
            quiet: true,
            trials: 0,
            evaluations: AtomicUsize::new(0),
            done: AtomicUsize::new(0),
        }
    }

    /// Evaluations and trials that are behind, for programs that show them in their own way.
    pub fn counts(&self) -> (usize, usize) {
        (self.evaluations.load(Ordering::Relaxed), self.done.load(Ordering::Relaxed))
    }

    /// Evaluations were made, or replayed, or will never be made.
    pub fn advance(&self, evaluations: usize) {
        self.evaluations.fetch_add(evaluations, Ordering::Relaxed);
        if let Some(bar) = &self.bar {
            bar.inc(evaluations as u64);
        }
    }

    /// A trial is over.
    pub fn trial(&self, name: &str, what: &str) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        match &self.bar {
            Some(bar) => bar.set_message(format!("{done}/{} trials", self.trials)),
            None if self.quiet => {}
            // Nobody may be reading any more; the records do not depend on it.
            None => drop(writeln!(std::io::stderr(), "[{done}/{}] {name}: {what}", self.trials)),
        }
    }

    /// Everything is over.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish();
        }
    }
}
