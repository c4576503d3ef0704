//! Training of a policy that walks towards targets, as AutoCkt's: proximal policy optimisation on whole episodes.
//!
//! Every episode draws its targets anew. The observation has [margins](hwgym_envs::wrappers::View::Margins). One critic serves one policy
//! network or several, each with a probability ratio of its own.

use std::path::Path;
use std::sync::Arc;

use hwgym_agents::neural::advantage::{clipped_weight, generalised_advantages, standardise};
use hwgym_agents::neural::categorical;
use hwgym_agents::neural::network::{Input, Network, Scratch, Trained};
use hwgym_agents::neural::transfer::checkpoint::{Checkpoint, Stored, StoredNetwork};
use hwgym_agents::neural::transfer::walk::WalkPolicy;
use hwgym_envs::random::derive_seed;
use hwgym_envs::wrappers::{TargetWalk, View};
use hwgym_envs::{Design, Env, EnvError, Episode, Random};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Instances, Say, TrainingError, TrainingStudy, go_on, in_range};
use crate::Registries;

/// How a walker is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WalkTraining {
    /// The instance it is trained on; one.
    pub instances: Vec<Instances>,
    /// Simulations in all, those of resets counted.
    pub simulations: usize,
    /// Who decides the steps.
    pub learners: Learners,
    /// Widths of the hidden layers, those of the critic too.
    pub hidden: Vec<usize>,
    /// Step size at the start; it falls linearly.
    pub rate: f32,
    /// Step size at the end.
    pub rate_end: f32,
    /// Steps between two updates, whole episodes.
    pub steps: usize,
    /// Steps in a part of an update.
    pub part: usize,
    /// Passes over the steps of an update, at most.
    pub epochs: usize,
    /// An update ends after a pass in which the mean of -ln(ratio) exceeds this.
    pub stop: f32,
    /// How far a probability ratio may move before its gradient is cut.
    pub clip: f32,
    /// Discount.
    pub gamma: f32,
    /// Lambda of generalised advantage estimation.
    pub lambda: f32,
    /// Weight of the entropy bonus at the start; it falls linearly to 0.
    pub entropy: f32,
}

/// Who decides the steps of a walk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Learners {
    /// One network for all parameters.
    One,
    /// One per parameter.
    #[default]
    PerParameter,
}

impl Default for WalkTraining {
    fn default() -> Self {
        Self {
            instances: Vec::new(),
            simulations: 50_000,
            learners: Learners::PerParameter,
            hidden: vec![64, 64],
            rate: 0.001,
            rate_end: 0.0001,
            steps: 900,
            part: 300,
            epochs: 10,
            stop: 0.05,
            clip: 0.2,
            gamma: 0.99,
            lambda: 0.95,
            entropy: 0.01,
        }
    }
}

/// Episodes that are played beside each other.
const TOGETHER: usize = 6;
/// Step size of the critic at the end; it starts with that of the policy at 0.001.
const CRITIC_RATE: (f32, f32) = (0.001, 0.0003);

pub(super) fn train(
    study: &TrainingStudy,
    training: &WalkTraining,
    registries: &Registries,
    text: &str,
    folder: &Path,
    say: Say,
) -> Result<Checkpoint, TrainingError> {
    check(training)?;
    let instances = study.instances(registries, &training.instances, folder)?;
    let [instance] = instances.as_slice() else {
        return Err(TrainingError::Invalid(format!(
            "a walk is trained on one instance; `instances` has {}",
            instances.len()
        )));
    };
    let (policy, simulations) = learn(&instance.env, training, study.seed, say)?;
    let walk = TargetWalk::new(instance.env.clone())?;
    let stored = Stored::Walk {
        specifications: walk.rules().specifications.iter().map(|s| s.metric.clone()).collect(),
        steps: walk.rules().steps.clone(),
        owners: policy.owners(),
        networks: policy.networks.iter().map(StoredNetwork::of).collect(),
    };
    let remembered = study.training(std::slice::from_ref(instance), text, simulations as u64);
    Ok(Checkpoint::new(&study.name, instance.env.as_ref(), remembered, stored))
}

fn check(training: &WalkTraining) -> Result<(), TrainingError> {
    in_range("simulations", training.simulations >= 100, training.simulations, "100 or more")?;
    let hidden = training.hidden.iter().all(|width| (1..=4096).contains(width)) && training.hidden.len() <= 8;
    in_range("hidden", hidden, format!("{:?}", training.hidden), "at most 8 widths from 1 to 4096")?;
    in_range("steps", training.steps >= 1, training.steps, "1 or more")?;
    in_range("part", training.part >= 1, training.part, "1 or more")?;
    in_range("epochs", (1..=1000).contains(&training.epochs), training.epochs, "1 to 1000")?;
    for (name, rate) in [("rate", training.rate), ("rate_end", training.rate_end)] {
        in_range(name, rate > 0.0 && rate <= 1.0, rate, "above 0, at most 1")?;
    }
    for (name, share) in [("gamma", training.gamma), ("lambda", training.lambda)] {
        in_range(name, (0.0..=1.0).contains(&share), share, "0 to 1")?;
    }
    in_range("clip", training.clip > 0.0 && training.clip < 1.0, training.clip, "between 0 and 1")?;
    in_range("stop", training.stop > 0.0, training.stop, "above 0")?;
    in_range(
        "entropy",
        training.entropy >= 0.0 && training.entropy.is_finite(),
        training.entropy,
        "0 or more",
    )
}

/// The steps of some episodes, one after the other.
#[derive(Default)]
struct Steps {
    observations: Vec<Vec<f32>>,
    choices: Vec<Vec<usize>>,
    /// Per step, one per network.
    log_probabilities: Vec<Vec<f32>>,
    rewards: Vec<f32>,
    ends: Vec<bool>,
    reached: usize,
    episodes: usize,
}

/// Trains a walker. Returns it with the simulations that it took.
pub fn learn(
    env: &Arc<dyn Env>,
    training: &WalkTraining,
    seed: u64,
    say: Say,
) -> Result<(WalkPolicy, usize), TrainingError> {
    let walk = TargetWalk::new(env.clone())?.with_view(View::Margins);
    let inputs = walk.observation_width();
    let parameters = env.space().len();
    let owners: Vec<usize> = match training.learners {
        Learners::One => vec![0; parameters],
        Learners::PerParameter => (0..parameters).collect(),
    };
    let mut random = Random::derived(seed, "networks");
    let mut policy =
        WalkPolicy::new(inputs, &owners, walk.rules().steps.len(), &training.hidden, &mut random);
    let mut trained: Vec<Trained> = policy.networks.iter().cloned().map(Trained::new).collect();
    let critic = Network::new(&[&[inputs], training.hidden.as_slice(), &[1]].concat(), 1.0, 1.0, &mut random);
    let mut critic = Trained::new(critic);
    let (mut simulations, mut episodes, mut updates) = (0, 0u64, 0);
    while simulations < training.simulations {
        // Play.
        let mut steps = Steps::default();
        while steps.rewards.len() < training.steps && simulations < training.simulations {
            let together: Vec<Steps> = (episodes..episodes + TOGETHER as u64)
                .into_par_iter()
                .map(|episode| play(env, &policy, derive_seed(seed, &format!("episode-{episode}"))))
                .collect::<Result<_, EnvError>>()?;
            episodes += TOGETHER as u64;
            for played in together {
                // The reset is a simulation, too. What is beyond the budget was played for nothing, and is not learned from.
                if simulations >= training.simulations {
                    break;
                }
                simulations += played.rewards.len() + 1;
                steps.append(played);
            }
        }

        // Learn.
        let progress = (simulations as f32 / training.simulations as f32).min(1.0);
        let between = |from: f32, to: f32| from + (to - from) * progress;
        let values = expect(&critic, &steps.observations);
        let mut advantages =
            generalised_advantages(&steps.rewards, &values, &steps.ends, training.gamma, training.lambda);
        let goals: Vec<f32> = advantages.iter().zip(&values).map(|(a, v)| a + v).collect();
        standardise(&mut advantages);
        let bonus = between(training.entropy, 0.0);
        let rate = between(training.rate, training.rate_end);
        let critic_rate = between(CRITIC_RATE.0, CRITIC_RATE.1);
        let mut order: Vec<usize> = (0..steps.rewards.len()).collect();
        for _ in 0..training.epochs {
            random.shuffle(&mut order);
            let mut moved = 0.0;
            for part in order.chunks(training.part) {
                let (policy_moved, ()) = rayon::join(
                    || improve(&policy, &mut trained, &steps, &advantages, part, training.clip, bonus, rate),
                    || regress(&mut critic, &steps.observations, &goals, part, critic_rate),
                );
                moved += policy_moved;
            }
            if moved / order.len() as f32 > training.stop {
                break;
            }
        }
        policy.networks = trained.iter().map(|trained| trained.network.clone()).collect();
        updates += 1;
        if updates % 5 == 0 || simulations >= training.simulations {
            let share = 100.0 * steps.reached as f64 / steps.episodes.max(1) as f64;
            go_on(
                say,
                &format!(
                    "{simulations} simulations: {share:.0} % of the last {} target sets reached",
                    steps.episodes
                ),
            )?;
        }
    }
    Ok((policy, simulations))
}

impl Steps {
    fn append(&mut self, other: Steps) {
        self.observations.extend(other.observations);
        self.choices.extend(other.choices);
        self.log_probabilities.extend(other.log_probabilities);
        self.rewards.extend(other.rewards);
        self.ends.extend(other.ends);
        self.reached += other.reached;
        self.episodes += other.episodes;
    }
}

/// Plays one episode with drawn steps.
fn play(env: &Arc<dyn Env>, policy: &WalkPolicy, seed: u64) -> Result<Steps, EnvError> {
    let mut walk = TargetWalk::new(env.clone())?.with_view(View::Margins);
    let mut random = Random::derived(seed, "actions");
    let mut scratch = Scratch::default();
    let mut steps = Steps { episodes: 1, ..Steps::default() };
    let mut observation: Vec<f32> = walk.reset(seed).into_iter().map(|x| x as f32).collect();
    loop {
        let (choices, logs) = policy.act(&observation, Some(&mut random), &mut scratch);
        let action = Design::new(choices.iter().map(|choice| *choice as f64).collect::<Vec<_>>());
        let step = walk.step(&action);
        let next = step.observation.into_iter().map(|x| x as f32).collect();
        steps.observations.push(std::mem::replace(&mut observation, next));
        steps.choices.push(choices);
        steps.log_probabilities.push(logs);
        steps.rewards.push(step.reward as f32);
        // The horizon counts as an end: the time is observed.
        steps.ends.push(step.terminated || step.truncated);
        if step.terminated || step.truncated {
            steps.reached = usize::from(step.terminated);
            return Ok(steps);
        }
    }
}

fn expect(critic: &Trained, observations: &[Vec<f32>]) -> Vec<f32> {
    let mut scratch = Scratch::default();
    let value = |observation: &Vec<f32>| {
        critic.network.forward(Input { dense: observation, ones: &[] }, 0..1, &mut scratch);
        scratch.output[0]
    };
    observations.iter().map(value).collect()
}

/// One step of the critic towards the returns.
fn regress(critic: &mut Trained, observations: &[Vec<f32>], goals: &[f32], part: &[usize], rate: f32) {
    let mut scratch = Scratch::default();
    for index in part {
        let input = Input { dense: &observations[*index], ones: &[] };
        critic.network.forward(input, 0..1, &mut scratch);
        let slope = [2.0 * (scratch.output[0] - goals[*index]) / part.len() as f32];
        critic.backward(input, 0..1, &slope, &mut scratch);
    }
    critic.step(rate, 1.0);
}

/// One step of every policy network. Returns the sum of -ln(ratio), averaged over the networks.
#[allow(clippy::too_many_arguments)]
fn improve(
    policy: &WalkPolicy,
    trained: &mut [Trained],
    steps: &Steps,
    advantages: &[f32],
    part: &[usize],
    clip: f32,
    bonus: f32,
    rate: f32,
) -> f32 {
    let parameters = policy.owners();
    let count = trained.len() as f32;
    let moved: Vec<f32> = trained
        .par_iter_mut()
        .enumerate()
        .map(|(index, network)| {
            let own: Vec<usize> = (0..parameters.len()).filter(|p| parameters[*p] == index).collect();
            let outputs = *network.network.widths().last().unwrap_or(&0);
            let (mut scratch, mut slope, mut moved) = (Scratch::default(), vec![0.0; outputs], 0.0);
            let share = 1.0 / part.len() as f32;
            for step in part {
                let input = Input { dense: &steps.observations[*step], ones: &[] };
                network.network.forward(input, 0..outputs, &mut scratch);
                let mut log_ratio = -steps.log_probabilities[*step][index];
                for parameter in &own {
                    let p = &mut scratch.output[policy.place(*parameter).1];
                    categorical::softmax(p);
                    log_ratio += categorical::log(p[steps.choices[*step][*parameter]]);
                }
                moved -= log_ratio;
                let weight = clipped_weight(advantages[*step], log_ratio, clip) * share;
                slope.fill(0.0);
                for parameter in &own {
                    let range = policy.place(*parameter).1;
                    let choice = steps.choices[*step][*parameter];
                    let p = &scratch.output[range.clone()];
                    categorical::add_slope(p, choice, -weight, -bonus * share, &mut slope[range]);
                }
                network.backward(input, 0..outputs, &slope, &mut scratch);
            }
            network.step(rate, 0.5);
            moved
        })
        .collect();
    moved.iter().sum::<f32>() / count
}
