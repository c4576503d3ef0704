//! How hard a task is: what random search finds of it, and what its landscape looks like from step to step.
//!
//! Where the whole space has been enumerated ([`Table`]), outcomes are looked up and the optimum is the true one; elsewhere designs are
//! evaluated, and the optimum is the best value known. The answer says which.

mod landscape;

use std::sync::Arc;
use std::time::Instant;

use hwgym_envs::enumerate::Table;
use hwgym_envs::{Design, Env, Fidelity, Guard, Objective, Outcome, Random, Scorer, evaluate};
use rayon::prelude::*;
use serde::Serialize;

use crate::StudyError;
use crate::statistics::quantile;

pub use landscape::Landscape;

/// How much is looked at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Effort {
    /// Random designs.
    pub samples: usize,
    /// Climbs to a local optimum, each from a random design.
    pub climbs: usize,
    /// Seed of both.
    pub seed: u64,
}

/// How hard a task is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difficulty {
    /// Name of the objective.
    pub objective: String,
    /// Designs of the space; `None` for infinitely many.
    pub designs: Option<u128>,
    /// True if outcomes were looked up in an enumeration of the whole space, so that `best` is the optimum.
    pub is_exact: bool,
    /// The best reward known.
    pub best: f64,
    /// Where it is from.
    pub best_origin: String,
    /// Random designs that were drawn.
    pub samples: usize,
    /// Share of them that keeps all bounds and constraints.
    pub feasible: f64,
    /// Share of them at the best value (to a part in a thousand million), within 0.1 % and within 1 % of it.
    pub shares: [f64; 3],
    /// Evaluations after which half of all random searches are there: at the best value, within 0.1 %, within 1 %; `None` if no sample was.
    pub random_search: [Option<f64>; 3],
    /// Median seconds of an evaluation; `None` where outcomes were looked up.
    pub step_s: Option<f64>,
    /// What it looks like from step to step.
    pub landscape: Landscape,
}

/// A task that answers with a reward.
struct Rewards<'a> {
    env: &'a Arc<dyn Env>,
    scorer: Scorer,
    table: Option<&'a Table>,
}

impl Rewards<'_> {
    /// The reward of a design; `None` if it breaks a bound or has no metrics.
    fn of(&self, design: &Design) -> Option<f64> {
        let outcome = match self.table {
            Some(table) => match table.lookup(self.env.as_ref(), design) {
                Some(metrics) => Outcome::feasible(metrics.to_vec()),
                None => return None,
            },
            None => evaluate(self.env, design, Fidelity::FULL, &Guard::default()),
        };
        let score = self.scorer.score(&outcome);
        (score.violation == 0.0).then(|| score.rewards.first().copied()).flatten()
    }
}

/// Measures how hard it is to find the best of an objective with one goal.
///
/// # Errors
/// An objective with several goals, or one that does not fit the environment; no feasible design among the samples.
pub fn difficulty(
    env: &Arc<dyn Env>,
    objective: &Objective,
    table: Option<&Table>,
    effort: Effort,
) -> Result<Difficulty, StudyError> {
    let refuse = |message: String| StudyError::Study { location: objective.name.clone(), message };
    if objective.goals.len() != 1 {
        return Err(refuse(
            "it has several goals; difficulty is measured for one, choose such an objective".into(),
        ));
    }
    let rewards = Rewards { env, scorer: objective.scorer(env.metrics())?, table };
    let mut random = Random::derived(effort.seed, "difficulty");
    let designs: Vec<Design> = (0..effort.samples).map(|_| env.space().sample(&mut random)).collect();
    let timed = |design: &Design| {
        let start = Instant::now();
        let reward = rewards.of(design);
        (reward, start.elapsed().as_secs_f64())
    };
    let drawn: Vec<(Option<f64>, f64)> = designs.par_iter().map(timed).collect();
    let landscape = Landscape::of(&rewards, &designs, &drawn, effort);
    let found = drawn.iter().filter_map(|(reward, _)| *reward).chain(landscape.best_climb);
    let found = found.fold(f64::NEG_INFINITY, f64::max);
    let known = env.known_optima()?.and_then(|optima| optima.objective(&objective.name).cloned());
    let known = known
        .filter(|known| known.objective == *objective)
        .and_then(|known| Some(*known.front.first()?.rewards.first()?));
    let (best, best_origin) = match (known, table) {
        (Some(best), _) => (best, "known from an enumeration of the whole space".to_string()),
        (None, Some(table)) => {
            let rows = (0..table.len())
                .filter_map(|row| table.row(row))
                .map(|metrics| rewards.scorer.score(&Outcome::feasible(metrics.to_vec())));
            let best = rows
                .filter(|score| score.violation == 0.0)
                .map(|score| score.rewards[0])
                .fold(f64::NEG_INFINITY, f64::max);
            (best, "the best of an enumeration of the whole space".to_string())
        }
        (None, None) => (
            found,
            format!(
                "the best of {} random designs and {} climbs; the optimum is not known",
                effort.samples, effort.climbs
            ),
        ),
    };
    if !best.is_finite() {
        return Err(refuse(format!(
            "none of {} random designs keeps all bounds; nothing can be said of it",
            effort.samples
        )));
    }
    let share = |tolerance: f64| {
        let near = drawn
            .iter()
            .filter(|(reward, _)| reward.is_some_and(|reward| is_within(reward, best, tolerance)));
        near.count() as f64 / effort.samples as f64
    };
    let shares = [1e-9, 1e-3, 1e-2].map(share);
    let mut seconds: Vec<f64> = drawn.iter().map(|(_, seconds)| *seconds).collect();
    seconds.sort_by(f64::total_cmp);
    Ok(Difficulty {
        objective: objective.name.clone(),
        designs: env.space().size(),
        is_exact: table.is_some(),
        best,
        best_origin,
        samples: effort.samples,
        feasible: drawn.iter().filter(|(reward, _)| reward.is_some()).count() as f64 / effort.samples as f64,
        random_search: shares.map(median_evaluations),
        shares,
        step_s: table.is_none().then(|| quantile(&seconds, 0.5)),
        landscape: landscape.against(best),
    })
}

/// True if a reward is so near to the best one, relative to it (absolute where it is 0).
fn is_within(reward: f64, best: f64, tolerance: f64) -> bool {
    let scale = if best == 0.0 { 1.0 } else { best.abs() };
    best - reward <= tolerance * scale
}

/// Draws after which half of all searches have met an event of this chance: the median of a geometric distribution.
fn median_evaluations(chance: f64) -> Option<f64> {
    match chance {
        c if c <= 0.0 => None,
        c if c >= 1.0 => Some(1.0),
        c => Some((0.5_f64.ln() / (-c).ln_1p()).ceil()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hwgym_envs::enumerate::Enumeration;
    use hwgym_envs::prelude::*;

    /// One peak at (7, 7), a lower one at (1, 1), and a flat edge.
    struct Peaks {
        space: DesignSpace,
        metrics: Vec<Metric>,
    }

    impl Env for Peaks {
        fn id(&self) -> &str {
            "peaks-v0"
        }
        fn space(&self) -> &DesignSpace {
            &self.space
        }
        fn metrics(&self) -> &[Metric] {
            &self.metrics
        }
        fn evaluate(&self, design: &Design, _: Fidelity) -> Outcome {
            let (x, y) = (self.space.number(design, 0), self.space.number(design, 1));
            let peak = |at: f64, height: f64| height - (x - at).abs() - (y - at).abs();
            Outcome::feasible([peak(7.0, 100.0).max(peak(1.0, 98.0)).max(94.0)])
        }
    }

    fn peaks() -> Result<Arc<dyn Env>, Box<dyn std::error::Error>> {
        let space = DesignSpace::new(vec![Parameter::integer("x", 0, 9), Parameter::integer("y", 0, 9)])?;
        Ok(Arc::new(Peaks { space, metrics: vec![Metric::maximise("height", "1", "a height")] }))
    }

    #[test]
    fn a_small_space_is_measured_exactly() -> Result<(), Box<dyn std::error::Error>> {
        let env = peaks()?;
        let table = Enumeration::plan(&env)?.run();
        let objective = Objective::new("height", vec![Goal::Maximise("height".into())]);
        let effort = Effort { samples: 40_000, climbs: 400, seed: 1 };
        let found = difficulty(&env, &objective, Some(&table), effort)?;
        assert_eq!(
            (found.best, found.is_exact, found.designs, found.feasible),
            (100.0, true, Some(100), 1.0)
        );
        // One design of a hundred is the optimum, and four more are within 1 %; half of all searches that hit with 1 % are there after 69.
        assert!(
            (found.shares[0] - 0.01).abs() < 0.002 && (found.shares[2] - 0.05).abs() < 0.004,
            "{found:?}"
        );
        assert!(found.random_search[0].is_some_and(|n| (55.0..90.0).contains(&n)), "{found:?}");
        // Both peaks are found, and so is the plateau; from the larger basin more climbs end at the optimum.
        assert!(found.landscape.local_optima >= 2, "{found:?}");
        assert!(
            found.landscape.climbs_at_the_best > 0.4 && found.landscape.climbs_at_the_best < 0.95,
            "{found:?}"
        );
        assert!(found.landscape.flat_moves > 0.1 && found.landscape.flat_moves < 0.6, "{found:?}");
        assert!(found.landscape.distance_correlation.is_some_and(|c| c < -0.2), "{found:?}");
        let evaluated = difficulty(&env, &objective, None, Effort { samples: 2_000, climbs: 20, seed: 1 })?;
        assert_eq!((evaluated.best, evaluated.is_exact), (100.0, false));
        Ok(())
    }

    #[test]
    fn several_goals_are_refused_by_name() -> Result<(), Box<dyn std::error::Error>> {
        let env = peaks()?;
        let goal = || Goal::Maximise("height".into());
        let objective = Objective::new("two", vec![goal(), goal()]);
        let error = difficulty(&env, &objective, None, Effort { samples: 10, climbs: 1, seed: 1 });
        assert!(error.err().is_some_and(|e| e.to_string().contains("several goals")));
        Ok(())
    }
}
