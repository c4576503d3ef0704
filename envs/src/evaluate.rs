//! The one door from a design to an outcome. Whoever wants an outcome comes through here: studies, data sets, enumerations, episodes,
//! commands.
//!
//! An environment promises not to panic, to answer one finite number per metric, and to come to an end. The door does not rely on it: what
//! breaks a promise becomes an [`Outcome`] that says so, and costs one evaluation.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Once};
use std::time::{Duration, Instant};

use crate::{Design, Env, Fidelity, Metric, Outcome, Scorer};

/// How the reason begins where an environment panicked.
pub const PANICKED: &str = "the environment panicked";

/// What an evaluation is held to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Guard {
    /// Seconds after which an evaluation counts as timed out; no limit if `None`.
    pub time_limit_s: Option<f64>,
}

impl Guard {
    /// No limit of time; panics and nonsense are caught all the same.
    pub const UNLIMITED: Guard = Guard { time_limit_s: None };
}

/// Evaluates a design: refused if it breaks a constraint of the space, otherwise measured by the environment, under guard.
///
/// The answer is well-formed: as many finite metrics as the environment declares, an amount above 0, or a reason. With a limit, the
/// evaluation runs on a thread of its own; a thread that outlives its limit is left behind, since it cannot be stopped.
pub fn evaluate(env: &Arc<dyn Env>, design: &Design, fidelity: Fidelity, guard: &Guard) -> Outcome {
    if let Some(answer) = before(env.as_ref(), design, fidelity) {
        return answer;
    }
    match guard.time_limit_s {
        None => guarded_evaluation(env.as_ref(), design, fidelity),
        Some(limit_s) => limited(env, design, fidelity, limit_s),
    }
}

/// Evaluates many designs, one outcome per design, in order; the same outcomes as one by one.
///
/// The environment is given all of them at once if it [prefers batches](Env::prefers_batches) and there is no limit of time.
pub fn evaluate_batch(
    env: &Arc<dyn Env>,
    designs: &[Design],
    fidelity: Fidelity,
    guard: &Guard,
) -> Vec<Outcome> {
    if guard.time_limit_s.is_some() || !env.prefers_batches() {
        return designs.iter().map(|design| evaluate(env, design, fidelity, guard)).collect();
    }
    let mut outcomes: Vec<Option<Outcome>> =
        designs.iter().map(|design| before(env.as_ref(), design, fidelity)).collect();
    let open: Vec<usize> = (0..designs.len()).filter(|index| outcomes[*index].is_none()).collect();
    let batch: Vec<Design> = open.iter().map(|index| designs[*index].clone()).collect();
    let answers = match guarded(|| env.evaluate_batch(&batch, fidelity)) {
        Ok(answers) if answers.len() == batch.len() => answers,
        Ok(answers) => {
            let reason = format!("the environment answered {} of {} designs", answers.len(), batch.len());
            vec![Outcome::failed(reason); batch.len()]
        }
        // Which design it was is not known; alone, each answers for itself.
        Err(_) => batch.iter().map(|design| guarded_evaluation(env.as_ref(), design, fidelity)).collect(),
    };
    for (index, answer) in open.into_iter().zip(answers) {
        outcomes[index] = Some(well_formed(answer, env.metrics()));
    }
    outcomes.into_iter().flatten().collect()
}

/// The answer that needs no simulator, if there is one.
fn before(env: &dyn Env, design: &Design, fidelity: Fidelity) -> Option<Outcome> {
    let space = env.space();
    if let Err(error) = space.validate(design) {
        return Some(Outcome::failed(format!("the design is outside of the space: {error}")));
    }
    // Every environment has the full level; only others are looked up.
    if fidelity != Fidelity::FULL
        && let levels = env.fidelities().len()
        && usize::from(fidelity.0) >= levels
    {
        let reason = format!("there is no level {} of fidelity, only {levels}", fidelity.0);
        return Some(Outcome::failed(reason));
    }
    Scorer::refuse(space, design)
}

fn limited(env: &Arc<dyn Env>, design: &Design, fidelity: Fidelity, limit_s: f64) -> Outcome {
    let (sender, receiver) = channel();
    let (worker_env, worker_design) = (env.clone(), design.clone());
    let deadline =
        Duration::try_from_secs_f64(limit_s).ok().and_then(|limit| Instant::now().checked_add(limit));
    let spawned = std::thread::Builder::new().name("evaluation".into()).spawn(move || {
        DEADLINE.set(deadline);
        // The receiver is gone if the limit has passed; then nobody wants the outcome.
        let _ = sender.send(guarded_evaluation(worker_env.as_ref(), &worker_design, fidelity));
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

fn guarded_evaluation(env: &dyn Env, design: &Design, fidelity: Fidelity) -> Outcome {
    match guarded(|| env.evaluate(design, fidelity)) {
        Ok(outcome) => well_formed(outcome, env.metrics()),
        Err(message) => Outcome::failed(format!("{PANICKED}: {message}")),
    }
}

/// The outcome itself, or what is wrong with it.
fn well_formed(outcome: Outcome, metrics: &[Metric]) -> Outcome {
    match outcome {
        Outcome::Feasible { metrics: values } if values.len() != metrics.len() => Outcome::failed(format!(
            "the environment answered {} values for its {} metrics",
            values.len(),
            metrics.len()
        )),
        Outcome::Feasible { metrics: values } => match values.iter().position(|value| !value.is_finite()) {
            None => Outcome::Feasible { metrics: values },
            Some(index) => Outcome::failed(format!(
                "metric `{}` is {}, which is no measurement",
                metrics[index].name, values[index]
            )),
        },
        Outcome::Infeasible { constraint, amount, relative } => {
            let outcome = Outcome::infeasible(constraint, amount);
            match relative {
                Some(sum) => outcome.ranked_by(sum),
                None => outcome,
            }
        }
        other => other,
    }
}

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
    static DEADLINE: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// When the evaluation on this thread is given up. An environment that can stop what it waits for does so by then, since its answer is not
/// waited for any longer; `None` without a limit.
pub fn deadline() -> Option<Instant> {
    DEADLINE.get()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DesignSpace, Parameter};

    /// Breaks a different promise at every value of its one parameter.
    struct Rogue {
        space: DesignSpace,
        metrics: Vec<Metric>,
        batches: bool,
    }

    impl Env for Rogue {
        fn id(&self) -> &str {
            "rogue-v0"
        }
        fn space(&self) -> &DesignSpace {
            &self.space
        }
        fn metrics(&self) -> &[Metric] {
            &self.metrics
        }
        fn prefers_batches(&self) -> bool {
            self.batches
        }
        fn evaluate(&self, design: &Design, _: Fidelity) -> Outcome {
            match design.level(0) {
                0 => Outcome::Feasible { metrics: vec![1.0] },
                1 => panic!("out of cheese"),
                2 => Outcome::Feasible { metrics: vec![1.0, 2.0] },
                3 => Outcome::Feasible { metrics: vec![f64::NAN] },
                4 => Outcome::Infeasible { constraint: "size".into(), amount: -3.0, relative: None },
                _ => loop {
                    std::thread::sleep(Duration::from_millis(20));
                },
            }
        }
    }

    fn rogue(batches: bool) -> Arc<dyn Env> {
        Arc::new(Rogue {
            space: DesignSpace::new(vec![Parameter::integer("promise", 0, 5)]).unwrap(),
            metrics: vec![Metric::minimise("m", "1", "a number")],
            batches,
        })
    }

    fn text(outcome: &Outcome) -> String {
        serde_json::to_string(outcome).unwrap()
    }

    #[test]
    fn every_broken_promise_is_an_outcome() {
        let env = rogue(false);
        let ask = |level: f64, guard| evaluate(&env, &Design::new([level]), Fidelity::FULL, &guard);
        assert_eq!(ask(0.0, Guard::UNLIMITED), Outcome::feasible([1.0]));
        for (level, expected) in [
            (1.0, "the environment panicked: out of cheese"),
            (2.0, "2 values for its 1 metrics"),
            (3.0, "metric `m` is NaN"),
            (4.0, "\"amount\":1.0"),
            (6.0, "outside of the space"),
        ] {
            let outcome = ask(level, Guard::UNLIMITED);
            assert!(text(&outcome).contains(expected), "{outcome:?}");
        }
        assert_eq!(ask(5.0, Guard { time_limit_s: Some(0.05) }), Outcome::TimedOut { limit_s: 0.05 });
        let missing = evaluate(&env, &Design::new([0.0]), Fidelity(1), &Guard::UNLIMITED);
        assert!(text(&missing).contains("no level 1 of fidelity"), "{missing:?}");
    }

    #[test]
    fn a_batch_answers_as_single_evaluations_do() {
        let designs: Vec<Design> = [0.0, 1.0, 2.0, 3.0, 4.0, 6.0].map(|level| Design::new([level])).into();
        let single: Vec<_> = designs
            .iter()
            .map(|design| evaluate(&rogue(false), design, Fidelity::FULL, &Guard::UNLIMITED))
            .collect();
        for batches in [false, true] {
            let batch = evaluate_batch(&rogue(batches), &designs, Fidelity::FULL, &Guard::UNLIMITED);
            assert_eq!(batch, single);
        }
    }
}
