//! How well a policy does where it was not trained: what `hwgym policy evaluate` measures.

use std::path::Path;
use std::sync::Arc;

use hwgym_agents::neural::network::Scratch;
use hwgym_agents::neural::transfer::checkpoint::{Checkpoint, Stored};
use hwgym_agents::neural::transfer::design::excess;
use hwgym_agents::neural::transfer::walk::WalkPolicy;
use hwgym_agents::{Agent, Evaluated, Problem};
use hwgym_envs::random::derive_seed;
use hwgym_envs::wrappers::{TargetWalk, View};
use hwgym_envs::{
    Design, Env, EnvError, Episode, Fidelity, Guard, Objective, Options, Random, Scorer, evaluate,
};
use rayon::prelude::*;

use super::TrainingError;
use crate::Registries;

/// An instance with an objective on which policies are judged.
pub struct Judged {
    /// What it is called.
    pub name: String,
    /// The environment.
    pub env: Arc<dyn Env>,
    /// The objective.
    pub objective: Objective,
    /// The best reward there is, or the best one known.
    pub best: f64,
}

/// The regret of a search after every simulation; 10 before any solution is found.
pub type Curve = Vec<f64>;

/// Largest regret that counts.
const NOTHING: f64 = 10.0;

impl Judged {
    /// Runs an agent; its regrets.
    pub fn run(&self, agent: &mut dyn Agent, budget: usize) -> Result<Curve, TrainingError> {
        let scorer = self.objective.scorer(self.env.metrics())?;
        let (mut curve, mut least) = (Vec::with_capacity(budget), NOTHING);
        while curve.len() < budget {
            let designs = agent.ask(1);
            if designs.is_empty() {
                break;
            }
            for design in designs {
                let (result, regret) = self.evaluate(&scorer, design);
                least = least.min(regret);
                curve.push(least);
                agent.tell(&[result]);
            }
        }
        if let Some(reason) = agent.ended() {
            return Err(TrainingError::Invalid(format!("{}: {reason}", self.name)));
        }
        curve.resize(budget, least);
        Ok(curve)
    }

    /// Goes through a list of designs, the default one first.
    pub fn run_list(&self, list: &[Vec<f64>], budget: usize) -> Result<Curve, TrainingError> {
        let scorer = self.objective.scorer(self.env.metrics())?;
        let designs =
            self.env.default_design().into_iter().chain(list.iter().map(|c| Design::new(c.clone())));
        let (mut curve, mut least) = (Vec::with_capacity(budget), NOTHING);
        for design in designs.take(budget) {
            least = least.min(self.evaluate(&scorer, design).1);
            curve.push(least);
        }
        curve.resize(budget, least);
        Ok(curve)
    }

    fn evaluate(&self, scorer: &Scorer, design: Design) -> (Evaluated, f64) {
        let outcome = evaluate(&self.env, &design, Fidelity::FULL, &Guard::UNLIMITED);
        let score = scorer.score(&outcome);
        let reward = score.reward().filter(|_| score.is_feasible());
        let regret =
            reward.map_or(NOTHING, |reward| (excess(reward, self.best).exp() - 1.0).clamp(0.0, NOTHING));
        (Evaluated { design, outcome, score }, regret)
    }

    /// An agent of the registry on this instance.
    pub fn agent(
        &self,
        registries: &Registries,
        id: &str,
        options: &Options,
        budget: usize,
        seed: u64,
    ) -> Result<Box<dyn Agent>, TrainingError> {
        let problem = Problem::of_instance(&self.env, &self.objective, Some(budget))?;
        let made = registries.agents().make(id, options, &problem, seed);
        made.map_err(|error| TrainingError::Invalid(format!("{}: {error}", self.name)))
    }
}

/// The best reward known for an objective of an environment: the enumerated optimum, or without one the best of a genetic search of so many
/// evaluations. The second says which.
pub fn best_known(
    registries: &Registries,
    env: &Arc<dyn Env>,
    objective: &Objective,
    evaluations: usize,
) -> Result<(f64, bool), TrainingError> {
    if let Some(best) = env.known_optima()?.and_then(|known| known.objective(&objective.name)?.best_reward())
    {
        return Ok((best, true));
    }
    let scorer = objective.scorer(env.metrics())?;
    let problem = Problem::of(env.as_ref(), objective, Some(evaluations))?;
    let made = registries.agents().make("genetic", &Options::none(), &problem, derive_seed(1, "best-known"));
    let mut agent = made.map_err(|error| TrainingError::Invalid(error.to_string()))?;
    let mut best = f64::NEG_INFINITY;
    let mut told = 0;
    while told < evaluations {
        let designs = agent.ask(1);
        if designs.is_empty() {
            break;
        }
        for design in designs {
            let outcome = evaluate(env, &design, Fidelity::FULL, &Guard::UNLIMITED);
            let score = scorer.score(&outcome);
            if score.is_feasible() {
                best = best.max(score.reward().unwrap_or(f64::NEG_INFINITY));
            }
            agent.tell(&[Evaluated { design, outcome, score }]);
            told += 1;
        }
    }
    Ok((best, false))
}

/// What a walker did on target sets that it has never seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Walked {
    /// Target sets.
    pub sets: usize,
    /// Those that were reached.
    pub reached: usize,
    /// Mean number of steps to those.
    pub steps: f64,
}

/// Walks to `sets` target sets drawn from `seed`, with the most probable steps or drawn ones.
pub fn walk(
    env: &Arc<dyn Env>,
    policy: &WalkPolicy,
    sets: usize,
    seed: u64,
    greedy: bool,
) -> Result<Walked, EnvError> {
    let one = |set: usize| -> Result<Option<usize>, EnvError> {
        let seed = derive_seed(seed, &format!("unseen-{set}"));
        let mut walk = TargetWalk::new(env.clone())?.with_view(View::Margins);
        let mut random = Random::derived(seed, "actions");
        let mut scratch = Scratch::default();
        let mut observation = walk.reset(seed);
        for taken in 1.. {
            let seen: Vec<f32> = observation.iter().map(|x| *x as f32).collect();
            let (choices, _) = policy.act(&seen, (!greedy).then_some(&mut random), &mut scratch);
            let step = walk.step(&Design::new(choices.iter().map(|c| *c as f64).collect::<Vec<_>>()));
            if step.terminated {
                return Ok(Some(taken));
            }
            if step.truncated {
                break;
            }
            observation = step.observation;
        }
        Ok(None)
    };
    let walked: Vec<Option<usize>> = (0..sets).into_par_iter().map(one).collect::<Result<_, _>>()?;
    let steps: Vec<usize> = walked.iter().flatten().copied().collect();
    let mean = steps.iter().sum::<usize>() as f64 / steps.len().max(1) as f64;
    Ok(Walked { sets, reached: steps.len(), steps: mean })
}

/// Checks that a policy of walks is for this environment, and returns it.
pub fn walker(checkpoint: &Checkpoint, env: &Arc<dyn Env>) -> Result<WalkPolicy, TrainingError> {
    let walk = TargetWalk::new(env.clone())?;
    checkpoint.course(env.id(), env.space(), env.metrics(), walk.rules().clone())?;
    checkpoint
        .walk_policy()
        .ok_or_else(|| TrainingError::Invalid(format!("policy `{}` is damaged", checkpoint.name)))
}

/// The ordered list that is stored beside a policy over designs.
pub fn list(checkpoint: &Checkpoint) -> &[Vec<f64>] {
    match &checkpoint.policy {
        Stored::Design { list, .. } => list,
        Stored::Walk { .. } => &[],
    }
}

/// A policy in memory as an agent that searches an instance; `path` names the file it is in.
pub fn options_of(path: &Path) -> Options {
    Options::ron(format!("(file: {:?})", path.display().to_string()))
}
