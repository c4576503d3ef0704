//! `ppo`: proximal policy optimisation (Schulman et al., 2017), one policy for the whole design.
//!
//! An episode is one design: the policy proposes a level for every parameter at once, the score is the reward. Read from top to bottom:
//! hyperparameters, the loss, the learner, the registry entry.

use burn::grad_clipping::GradientClippingConfig;
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Tensor, TensorData};
use hwgym_envs::{Group, Options, Random};
use serde::{Deserialize, Serialize};

use super::categorical;
use super::heads::Heads;
use super::learner::{Experience, Learner, Policy};
use super::network::ActorCritic;
use super::search::{PolicySearch, RollOut};
use crate::{AgentEntry, AgentError, Goals, Problem};

/// Hyperparameters of `ppo` and `ippo`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PpoSettings {
    /// Designs between two updates.
    pub batch: usize,
    /// Passes over a batch.
    pub epochs: usize,
    /// Parts of a batch, each one gradient step.
    pub minibatches: usize,
    /// Step size of Adam.
    pub learning_rate: f64,
    /// How far a probability ratio may move before its gradient is cut.
    pub clip: f32,
    /// Weight of the entropy bonus at the start; it falls linearly to 0 over the budget.
    pub entropy: f32,
    /// Weight of the value loss.
    pub value: f32,
    /// Largest norm of a parameter's gradient.
    pub max_gradient: f32,
    /// Widths of the hidden layers.
    pub hidden: Vec<usize>,
    /// Choices into which a real parameter, or one with more levels, is cut.
    pub most_levels: usize,
    /// Discount of later rewards; without effect while an episode is one design.
    pub gamma: f32,
    /// Lambda of generalised advantage estimation; without effect while an episode is one design.
    pub lambda: f32,
    /// Who decides what; for `ippo`.
    pub learners: Learners,
}

/// How the parameters are shared out among independent learners.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Learners {
    /// One per group of the design space; one per parameter where it names no groups.
    #[default]
    PerGroup,
    /// One per parameter.
    PerParameter,
    /// One for each of these groups, which have every parameter exactly once.
    Groups(Vec<Group>),
}

impl Default for PpoSettings {
    fn default() -> Self {
        Self {
            batch: 20,
            epochs: 8,
            minibatches: 1,
            learning_rate: 0.01,
            clip: 0.2,
            entropy: 0.1,
            value: 0.5,
            max_gradient: 0.5,
            hidden: vec![32],
            most_levels: 32,
            gamma: 0.99,
            lambda: 0.95,
            learners: Learners::PerGroup,
        }
    }
}

impl PpoSettings {
    /// Reads and checks the hyperparameters. Errors: what is out of range, a batch larger than the budget included.
    pub fn read(options: &Options, problem: &Problem) -> Result<Self, AgentError> {
        let settings: Self = options.parse()?;
        let range = |name: &str, ok: bool, value: &dyn std::fmt::Debug, expected: &str| {
            if ok { Ok(()) } else { Err(AgentError::out_of_range(name, format!("{value:?}"), expected)) }
        };
        let s = &settings;
        range("batch", s.batch >= 2, &s.batch, "at least 2")?;
        if let Some(budget) = problem.budget.filter(|budget| s.batch > *budget) {
            let expected = format!("at most the budget of {budget} evaluations, or it would never learn");
            return Err(AgentError::out_of_range("batch", s.batch, &expected));
        }
        range("epochs", (1..=1000).contains(&s.epochs), &s.epochs, "1 to 1000")?;
        range("minibatches", (1..=s.batch).contains(&s.minibatches), &s.minibatches, "1 to the batch")?;
        range(
            "learning_rate",
            s.learning_rate > 0.0 && s.learning_rate <= 1.0,
            &s.learning_rate,
            "above 0, at most 1",
        )?;
        range("clip", s.clip > 0.0 && s.clip < 1.0, &s.clip, "between 0 and 1")?;
        range("entropy", s.entropy >= 0.0 && s.entropy.is_finite(), &s.entropy, "from 0")?;
        range("value", s.value >= 0.0 && s.value.is_finite(), &s.value, "from 0")?;
        range("max_gradient", s.max_gradient > 0.0, &s.max_gradient, "above 0")?;
        range("hidden", s.hidden.iter().all(|w| (1..=4096).contains(w)), &s.hidden, "widths from 1 to 4096")?;
        range("most_levels", (2..=4096).contains(&s.most_levels), &s.most_levels, "2 to 4096")?;
        range("gamma", (0.0..=1.0).contains(&s.gamma), &s.gamma, "0 to 1")?;
        range("lambda", (0.0..=1.0).contains(&s.lambda), &s.lambda, "0 to 1")?;
        Ok(settings)
    }
}

/// The loss of PPO on a batch, from logits `[batch, width]` and values `[batch]`: clipped surrogate, value error, entropy bonus.
pub fn loss(
    logits: &Tensor<2>,
    values: Tensor<1>,
    sizes: &[usize],
    batch: &[&Experience],
    settings: &PpoSettings,
    entropy_weight: f32,
) -> Tensor<1> {
    let device = logits.device();
    let column = |value: &dyn Fn(&Experience) -> f32| {
        let numbers: Vec<f32> = batch.iter().map(|experience| value(experience)).collect();
        Tensor::<1>::from_data(TensorData::new(numbers, [batch.len()]), &device)
    };
    let choices: Vec<&[usize]> = batch.iter().map(|e| e.decision.choices.as_slice()).collect();
    let masks: Vec<&[f32]> = batch.iter().map(|e| e.decision.mask.as_slice()).collect();
    let (log_probability, entropy) = categorical::evaluate(logits, sizes, &choices, &masks);

    let advantage = column(&|e| e.advantage);
    let ratio = (log_probability - column(&|e| e.decision.log_probability)).exp();
    let clipped = ratio.clone().clamp(1.0 - settings.clip, 1.0 + settings.clip);
    let policy_loss = (ratio * advantage.clone()).min_pair(clipped * advantage).mean().neg();
    let value_loss = (values - column(&|e| e.target)).square().mean() * 0.5;
    policy_loss + value_loss * settings.value - entropy.mean() * entropy_weight
}

/// A policy with its critic and optimiser.
struct PpoLearner {
    heads: Heads,
    network: ActorCritic,
    optimizer: ModuleOptimizer,
    device: Device,
    settings: PpoSettings,
}

impl PpoLearner {
    /// A fresh learner that decides these heads from observations of this width.
    fn new(heads: Heads, observation_width: usize, settings: &PpoSettings, random: &mut Random) -> Self {
        let device = Device::flex().autodiff();
        let network = ActorCritic::new(observation_width, &settings.hidden, heads.width(), random, &device);
        let optimizer = AdamConfig::new()
            .with_grad_clipping(Some(GradientClippingConfig::Norm(settings.max_gradient)))
            .init();
        Self { heads, network, optimizer, device, settings: settings.clone() }
    }

    fn tensor(&self, rows: Vec<f32>, count: usize) -> Tensor<2> {
        let width = rows.len() / count.max(1);
        Tensor::from_data(TensorData::new(rows, [count, width]), &self.device)
    }
}

impl Learner for PpoLearner {
    fn heads(&self) -> &Heads {
        &self.heads
    }

    fn policy(&self, observation: &[f32]) -> Policy {
        let input = self.tensor(observation.to_vec(), 1);
        let logits = self.network.policy(input.clone()).into_data().iter::<f32>().collect();
        let value = self.network.value(input).into_data().iter::<f32>().next().unwrap_or(0.0);
        Policy { logits, value }
    }

    /// `epochs` passes over shuffled parts of the batch.
    fn learn(&mut self, batch: &[Experience], progress: f32, random: &mut Random) {
        let entropy_weight = self.settings.entropy * (1.0 - progress);
        let mut order: Vec<usize> = (0..batch.len()).collect();
        for _ in 0..self.settings.epochs {
            random.shuffle(&mut order);
            for part in order.chunks(batch.len().div_ceil(self.settings.minibatches)) {
                let part: Vec<&Experience> = part.iter().map(|index| &batch[*index]).collect();
                let seen: Vec<f32> =
                    part.iter().flat_map(|e| e.decision.observation.iter().copied()).collect();
                let input = self.tensor(seen, part.len());
                let (logits, values) = (self.network.policy(input.clone()), self.network.value(input));
                let loss = loss(&logits, values, &self.heads.sizes, &part, &self.settings, entropy_weight);
                let gradients = GradientsParams::from_grads(loss.backward(), &self.network);
                self.network =
                    self.optimizer.step(self.settings.learning_rate, self.network.clone(), gradients);
            }
        }
    }
}

/// A search by one learner for each of these sets of parameter positions; together they partition the space.
pub(super) fn search(
    owned: Vec<Vec<usize>>,
    settings: &PpoSettings,
    problem: &Problem,
    seed: u64,
) -> PolicySearch {
    let roll_out = RollOut {
        batch: settings.batch,
        most_levels: settings.most_levels,
        gamma: settings.gamma,
        lambda: settings.lambda,
    };
    PolicySearch::new(owned, roll_out, problem, seed, |heads, width, random| {
        Box::new(PpoLearner::new(heads, width, settings, random))
    })
}

/// Documents the hyperparameters that `ppo` and `ippo` share.
pub(super) fn document(entry: AgentEntry) -> AgentEntry {
    entry
        .goals(Goals::One)
        .hyperparameter("batch", "20", "2 to the budget", "designs between two updates")
        .hyperparameter("epochs", "8", "1 to 1000", "passes over a batch")
        .hyperparameter("minibatches", "1", "1 to the batch", "parts of a batch, each one gradient step")
        .hyperparameter("learning_rate", "0.01", "above 0, at most 1", "step size of Adam")
        .hyperparameter("clip", "0.2", "between 0 and 1", "how far a probability ratio may move")
        .hyperparameter("entropy", "0.1", "from 0", "weight of the entropy bonus; falls to 0 over the budget")
        .hyperparameter("value", "0.5", "from 0", "weight of the value loss")
        .hyperparameter("max_gradient", "0.5", "above 0", "largest norm of a parameter's gradient")
        .hyperparameter("hidden", "[32]", "widths from 1 to 4096", "widths of the hidden layers")
        .hyperparameter(
            "most_levels",
            "32",
            "2 to 4096",
            "choices into which a real or long parameter is cut",
        )
        .hyperparameter("gamma", "0.99", "0 to 1", "discount; without effect while an episode is one design")
        .hyperparameter("lambda", "0.95", "0 to 1", "of advantage estimation; likewise")
}

pub(crate) fn entry() -> AgentEntry {
    document(AgentEntry::new(
        "ppo",
        "proximal policy optimisation, one policy for the whole design (Schulman et al. 2017)",
        |options, problem, seed| {
            let settings = PpoSettings::read(options, problem)?;
            if settings.learners != Learners::default() {
                let expected = "nothing: `ppo` is one learner for the whole design; `ippo` has several";
                return Err(AgentError::out_of_range(
                    "learners",
                    format!("{:?}", settings.learners),
                    expected,
                ));
            }
            let everything = vec![(0..problem.space.len()).collect()];
            Ok(Box::new(search(everything, &settings, problem, seed)))
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::super::learner::Decision;
    use super::*;

    fn experience(choices: [usize; 2], log_probability: f32, advantage: f32, target: f32) -> Experience {
        let decision = Decision {
            observation: vec![1.0],
            choices: choices.into(),
            mask: vec![1.0, 1.0],
            log_probability,
            value: 0.0,
        };
        Experience { decision, advantage, target }
    }

    /// The gradient with respect to logits and values agrees with central differences, on both sides of the clip.
    #[test]
    fn gradients_agree_with_finite_differences() {
        let device = Device::flex().autodiff();
        let sizes = [2, 3];
        let batch = [
            experience([0, 2], -1.7, 1.3, 0.4),
            experience([1, 0], -2.4, -0.8, -1.0),
            experience([1, 1], -1.1, 0.6, 2.0),
        ];
        let batch: Vec<&Experience> = batch.iter().collect();
        let settings = PpoSettings::default();
        let logits = vec![0.3f32, -0.2, 0.1, 0.5, -0.4, 0.0, 0.7, 0.2, -0.6, 0.3, -0.1, 0.4, 0.6, -0.3, 0.2];
        let values = vec![0.1f32, -0.3, 0.8];
        let run = |logits: &[f32], values: &[f32]| {
            let logits =
                Tensor::<2>::from_data(TensorData::new(logits.to_vec(), [3, 5]), &device).require_grad();
            let values =
                Tensor::<1>::from_data(TensorData::new(values.to_vec(), [3]), &device).require_grad();
            let loss = loss(&logits, values.clone(), &sizes, &batch, &settings, 0.05);
            (logits, values, loss)
        };
        let number = |tensor: Tensor<1>| tensor.into_data().iter::<f64>().next().unwrap_or(f64::NAN);
        let (tracked, tracked_values, total) = run(&logits, &values);
        let gradients = total.backward();
        let exact: Vec<f64> = [
            tracked
                .grad(&gradients)
                .map(|g| g.into_data().iter::<f64>().collect::<Vec<_>>())
                .unwrap_or_default(),
            tracked_values
                .grad(&gradients)
                .map(|g| g.into_data().iter::<f64>().collect::<Vec<_>>())
                .unwrap_or_default(),
        ]
        .concat();
        assert_eq!(exact.len(), 18);
        let step = 1e-2f32;
        for (index, exact) in exact.iter().enumerate() {
            let moved = |sign: f32| {
                let (mut l, mut v) = (logits.clone(), values.clone());
                if index < 15 {
                    l[index] += sign * step
                } else {
                    v[index - 15] += sign * step
                }
                number(run(&l, &v).2)
            };
            let numeric = (moved(1.0) - moved(-1.0)) / (2.0 * f64::from(step));
            assert!(
                (numeric - exact).abs() < 2e-3,
                "input {index}: {numeric} by differences, {exact} by the tape"
            );
        }
        assert!(exact.iter().any(|g| g.abs() > 0.01));
    }

    /// A head that means nothing in a design gets no gradient from it, and the others get theirs.
    #[test]
    fn masked_heads_have_no_gradient() {
        let device = Device::flex().autodiff();
        let mut masked = experience([0, 2], -0.5, 1.3, 0.4);
        masked.decision.mask = vec![1.0, 0.0];
        let logits = TensorData::new(vec![0.3f32, -0.2, 0.1, 0.5, -0.4], [1, 5]);
        let logits = Tensor::<2>::from_data(logits, &device).require_grad();
        let values = Tensor::<1>::from_data(TensorData::new(vec![0.1f32], [1]), &device);
        let settings = PpoSettings::default();
        let gradients = loss(&logits, values, &[2, 3], &[&masked], &settings, 0.05).backward();
        let gradient: Vec<f32> =
            logits.grad(&gradients).map(|g| g.into_data().iter::<f32>().collect()).unwrap_or_default();
        assert!(gradient[0].abs() > 0.01 && gradient[1].abs() > 0.01, "{gradient:?}");
        assert_eq!(gradient[2..], [0.0; 3]);
    }
}
