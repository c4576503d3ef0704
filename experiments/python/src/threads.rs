//! Work on all cores while the interpreter is free for others. Ctrl-C ends it after the evaluations at work.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use hwgym::envs::evaluate::guarded;
use pyo3::prelude::*;
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::failure;

/// How often signals are looked for.
const PATIENCE: Duration = Duration::from_millis(100);

/// The process that loaded this module.
static FIRST: OnceLock<u32> = OnceLock::new();

/// Notes which process this is.
pub fn begin() {
    FIRST.get_or_init(std::process::id);
}

/// The threads of this process. A child that was forked (`multiprocessing`, `AsyncVectorEnv`) has none of its parent's, and starts its own.
fn pool() -> PyResult<Arc<ThreadPool>> {
    static POOL: Mutex<Option<(u32, Arc<ThreadPool>)>> = Mutex::new(None);
    let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    let process = std::process::id();
    if let Some((of, pool)) = &*pool
        && *of == process
    {
        return Ok(pool.clone());
    }
    let fresh = Arc::new(ThreadPoolBuilder::new().build().map_err(failure)?);
    // The threads of a forked pool do not exist here, so that nobody could end them.
    std::mem::forget(pool.replace((process, fresh.clone())));
    Ok(fresh)
}

/// Runs something short with the interpreter released.
pub fn released<R: Send>(py: Python<'_>, work: impl FnOnce() -> R + Send) -> PyResult<R> {
    if FIRST.get() == Some(&std::process::id()) {
        return Ok(py.detach(work));
    }
    // What the work does on rayon's threads has to find some.
    let pool = pool()?;
    Ok(py.detach(|| pool.install(work)))
}

/// Runs something long on a thread with the interpreter released. `stop` is set on Ctrl-C, and the work waited for; `tick` is called now and
/// then, and its error ends the work, too.
pub fn watched<R: Send + 'static>(
    py: Python<'_>,
    stop: &Arc<AtomicBool>,
    mut tick: impl FnMut(Python<'_>) -> PyResult<()>,
    work: impl FnOnce() -> R + Send + 'static,
) -> PyResult<R> {
    let (sender, mut receiver) = channel();
    let pool = pool()?;
    pool.spawn(move || {
        // Nobody listens any more if the interpreter is gone.
        let _ = sender.send(guarded(work));
    });
    let mut interrupt = None;
    loop {
        let (back, answer) = py.detach(move || wait(receiver));
        receiver = back;
        match answer {
            Ok(Ok(result)) => return interrupt.map_or(Ok(result), Err),
            Ok(Err(message)) => return Err(interrupt.unwrap_or_else(|| failure(message))),
            Err(RecvTimeoutError::Disconnected) => return Err(failure("a thread ended without a result")),
            Err(RecvTimeoutError::Timeout) if interrupt.is_some() => {}
            Err(RecvTimeoutError::Timeout) => {
                if let Err(error) = py.check_signals().and_then(|()| tick(py)) {
                    stop.store(true, Ordering::Relaxed);
                    interrupt = Some(error);
                }
            }
        }
    }
}

fn wait<T>(receiver: Receiver<T>) -> (Receiver<T>, Result<T, RecvTimeoutError>) {
    let answer = receiver.recv_timeout(PATIENCE);
    (receiver, answer)
}

/// One result per item, in order, on all cores.
pub fn spread<T: Send + 'static, R: Send + 'static>(
    py: Python<'_>,
    items: Vec<T>,
    work: impl Fn(T) -> R + Send + Sync + 'static,
) -> PyResult<Vec<R>> {
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = stop.clone();
    watched(
        py,
        &stop,
        |_| Ok(()),
        move || {
            let one = |item| (!stopped.load(Ordering::Relaxed)).then(|| work(item));
            let results: Vec<Option<R>> = items.into_par_iter().map(one).collect();
            results.into_iter().flatten().collect()
        },
    )
}
