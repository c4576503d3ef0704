//! One evaluation that cannot take the study down: panics and time-outs become outcomes.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Once};
use std::time::{Duration, Instant};

use hwgym_envs::{Design, Env, Fidelity, Outcome, Scorer};

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Evaluates a design. Returns the outcome and the seconds it took.
///
/// With a limit, the evaluation runs on a thread of its own; a thread that outlives its limit is left behind, since it cannot be stopped.
pub fn evaluate(env: &Arc<dyn Env>, design: &Design, limit_s: Option<f64>) -> (Outcome, f64) {
    let start = Instant::now();
    let outcome = match Scorer::refuse(env.space(), design) {
        Some(refused) => refused,
        None => match limit_s {
            None => quietly(env.as_ref(), design),
            Some(limit_s) => limited(env, design, limit_s),
        },
    };
    (outcome, start.elapsed().as_secs_f64())
}

fn limited(env: &Arc<dyn Env>, design: &Design, limit_s: f64) -> Outcome {
    let (sender, receiver) = channel();
    let (worker_env, worker_design) = (env.clone(), design.clone());
    let spawned = std::thread::Builder::new().name("evaluation".into()).spawn(move || {
        // The receiver is gone if the limit has passed; then nobody wants the outcome.
        let _ = sender.send(quietly(worker_env.as_ref(), &worker_design));
    });
    if let Err(error) = spawned {
        return Outcome::failed(format!("no thread for the evaluation: {error}"));
    }
    match receiver.recv_timeout(Duration::from_secs_f64(limit_s)) {
        Ok(outcome) => outcome,
        Err(RecvTimeoutError::Timeout) => Outcome::TimedOut { limit_s },
        Err(RecvTimeoutError::Disconnected) => Outcome::failed("the evaluation ended without an outcome"),
    }
}

fn quietly(env: &dyn Env, design: &Design) -> Outcome {
    match guarded(|| env.evaluate(design, Fidelity::FULL)) {
        Ok(outcome) => outcome,
        Err(message) => Outcome::failed(format!("the environment panicked: {message}")),
    }
}

/// Runs `work`; a panic in it is not printed, its message is returned.
pub fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    install_hook();
    let before = GUARDED.replace(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    GUARDED.set(before);
    result.map_err(|panic| match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_string(),
        (_, Some(text)) => text.clone(),
        _ => "without a message".into(),
    })
}

/// Keeps guarded panics off the terminal; all others are printed as ever.
fn install_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !GUARDED.get() {
                previous(info);
            }
        }));
    });
}
