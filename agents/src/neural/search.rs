//! The roll-out inside ask, the training inside tell: what drives one learner (`ppo`) or several (`ippo`), of any algorithm.

use std::collections::VecDeque;

use hwgym_envs::random::derive_seed;
use hwgym_envs::{Design, Random};

use super::advantage::generalised_advantages;
use super::categorical;
use super::heads::Heads;
use super::learner::{Decision, Experience, Learner, Policy};
use crate::tools::seen::Seen;
use crate::{Agent, Evaluated, Problem};

/// What a learner sees before it decides: a constant. The score of a design does not depend on the design before it, so there is nothing else
/// to see; formulations with longer episodes bring their own observation.
const OBSERVATION: [f32; 1] = [1.0];

/// Draws until a design that was not proposed before comes up; then the last draw is proposed again. Environments are
/// deterministic: asking twice for one design teaches nothing and costs an evaluation.
const DRAWS: usize = 32;

/// What the roll-out needs to know of an algorithm's hyperparameters.
#[derive(Clone, Copy, Debug)]
pub struct RollOut {
    /// Designs between two updates.
    pub batch: usize,
    /// Choices into which a real parameter, or one with more levels, is cut.
    pub most_levels: usize,
    /// Discount of later rewards.
    pub gamma: f32,
    /// Lambda of generalised advantage estimation.
    pub lambda: f32,
}

/// Policies that propose designs together and share the reward.
pub struct PolicySearch {
    problem: Problem,
    roll_out: RollOut,
    learners: Vec<Box<dyn Learner>>,
    /// One per learner, or none since they learned: as the observation is always the same, a policy is asked once per update.
    policies: Vec<Policy>,
    random: Random,
    pending: VecDeque<Proposal>,
    proposed: Seen,
    batch: Vec<(Vec<Decision>, f64)>,
    scale: RewardScale,
    told: usize,
}

struct Proposal {
    design: Design,
    /// One per learner.
    decisions: Vec<Decision>,
}

impl PolicySearch {
    /// One learner, made from its heads, the width of observations and a random stream of its own, for each of these sets of parameter
    /// positions; together they partition the space.
    pub fn new(
        owned: Vec<Vec<usize>>,
        roll_out: RollOut,
        problem: &Problem,
        seed: u64,
        make: impl Fn(Heads, usize, &mut Random) -> Box<dyn Learner>,
    ) -> Self {
        let learner = |(index, parameters): (usize, Vec<usize>)| {
            let heads = Heads::new(&problem.space, parameters, roll_out.most_levels);
            let mut random = Random::new(derive_seed(seed, &format!("learner-{index}")));
            make(heads, OBSERVATION.len(), &mut random)
        };
        Self {
            problem: problem.clone(),
            learners: owned.into_iter().enumerate().map(learner).collect(),
            policies: Vec::new(),
            random: Random::derived(seed, "policy"),
            pending: VecDeque::new(),
            proposed: Seen::default(),
            batch: Vec::with_capacity(roll_out.batch),
            scale: RewardScale::new(problem.goals),
            told: 0,
            roll_out,
        }
    }

    /// A design that is new, if the policies still come up with one.
    fn propose(&mut self) -> Proposal {
        let mut proposal = self.draw();
        for _ in 1..DRAWS {
            if !self.proposed.contains(&proposal.design) {
                break;
            }
            proposal = self.draw();
        }
        self.proposed.insert(&proposal.design);
        proposal
    }

    /// One design drawn from the policies.
    fn draw(&mut self) -> Proposal {
        if self.policies.is_empty() {
            self.policies = self.learners.iter().map(|learner| learner.policy(&OBSERVATION)).collect();
        }
        let space = &self.problem.space;
        let mut design = Design::new(vec![0.0; space.len()]);
        let mut drawn: Vec<Vec<usize>> = Vec::with_capacity(self.learners.len());
        for (learner, policy) in self.learners.iter().zip(&self.policies) {
            let heads = learner.heads();
            let choices = categorical::sample(&policy.logits, &heads.sizes, &mut self.random);
            heads.apply(&choices, &mut design);
            drawn.push(choices);
        }
        // Which heads mean something is known only now that the design is whole.
        let made = drawn.into_iter().zip(self.learners.iter().zip(&self.policies));
        let decide = made.map(|(choices, (learner, policy))| {
            let heads = learner.heads();
            let mask = heads.mask(space, &design);
            let log_probability = categorical::log_probability(&policy.logits, &heads.sizes, &choices, &mask);
            Decision {
                observation: OBSERVATION.to_vec(),
                choices,
                mask,
                log_probability,
                value: policy.value,
            }
        });
        let decisions = decide.collect();
        space.canonicalise(&mut design);
        Proposal { design, decisions }
    }

    fn learn(&mut self) {
        let progress = self.told as f32 / self.problem.budget.unwrap_or(self.told).max(1) as f32;
        let rewards: Vec<f32> = self.batch.iter().map(|(_, reward)| *reward as f32).collect();
        let ends = vec![true; rewards.len()];
        let RollOut { gamma, lambda, .. } = self.roll_out;
        for (index, learner) in self.learners.iter_mut().enumerate() {
            let values: Vec<f32> = self.batch.iter().map(|(decisions, _)| decisions[index].value).collect();
            let mut advantages = generalised_advantages(&rewards, &values, &ends, 0.0, gamma, lambda);
            let targets: Vec<f32> = advantages.iter().zip(&values).map(|(a, v)| a + v).collect();
            standardise(&mut advantages);
            let experiences: Vec<Experience> = self
                .batch
                .iter()
                .zip(advantages.iter().zip(&targets))
                .map(|((decisions, _), (advantage, target))| Experience {
                    decision: decisions[index].clone(),
                    advantage: *advantage,
                    target: *target,
                })
                .collect();
            learner.learn(&experiences, progress.min(1.0), &mut self.random);
        }
        self.policies.clear();
        self.batch.clear();
    }
}

fn standardise(numbers: &mut [f32]) {
    let n = numbers.len() as f32;
    let mean = numbers.iter().sum::<f32>() / n;
    let sd = (numbers.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / n).sqrt();
    numbers.iter_mut().for_each(|x| *x = (*x - mean) / (sd + 1e-8));
}

impl Agent for PolicySearch {
    fn ask(&mut self, count: usize) -> Vec<Design> {
        let room = self.roll_out.batch.saturating_sub(self.batch.len() + self.pending.len()).max(1);
        for _ in 0..count.min(room) {
            let proposal = self.propose();
            self.pending.push_back(proposal);
        }
        let fresh = count.min(room);
        self.pending.iter().skip(self.pending.len() - fresh).map(|proposal| proposal.design.clone()).collect()
    }

    /// Results that are not of its own proposals only inform the scale of rewards: they were not drawn from the policy.
    fn tell(&mut self, results: &[Evaluated]) {
        for result in results {
            self.told += 1;
            let reward = self.scale.reward(result);
            // Results may come out of order, and some proposals may never come back.
            let own = self.pending.iter().position(|proposal| proposal.design == result.design);
            if let Some(proposal) = own.and_then(|position| self.pending.remove(position)) {
                self.batch.push((proposal.decisions, reward));
            }
            if self.batch.len() >= self.roll_out.batch {
                self.learn();
            }
        }
    }
}

/// Brings rewards of any unit to a common scale: per goal the logarithm-free z-score over everything seen, clipped to [-3, 3], averaged over
/// the goals. A design without metrics, or out of bounds, scores -3 or below.
struct RewardScale {
    count: f64,
    means: Vec<f64>,
    squares: Vec<f64>,
}

impl RewardScale {
    fn new(goals: usize) -> Self {
        Self { count: 0.0, means: vec![0.0; goals], squares: vec![0.0; goals] }
    }

    fn reward(&mut self, result: &Evaluated) -> f64 {
        if !result.score.is_feasible() || result.score.rewards.iter().any(|r| !r.is_finite()) {
            let violation = result.score.violation.clamp(0.0, f64::MAX);
            return -3.0 - if violation.is_nan() { 1.0 } else { violation / (1.0 + violation) };
        }
        self.count += 1.0;
        let mut total = 0.0;
        for (goal, reward) in result.score.rewards.iter().enumerate() {
            // A number whose square is past the range of doubles would make every later score meaningless.
            let reward = reward.clamp(-1e150, 1e150);
            let delta = reward - self.means[goal];
            self.means[goal] += delta / self.count;
            self.squares[goal] += delta * (reward - self.means[goal]);
            let sd = (self.squares[goal] / self.count).sqrt();
            let score = if sd > 0.0 { (reward - self.means[goal]) / sd } else { 0.0 };
            total += score.clamp(-3.0, 3.0);
        }
        total / result.score.rewards.len() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hwgym_envs::{Outcome, Score};

    fn told(rewards: Vec<f64>, violation: f64) -> Evaluated {
        let score = Score { rewards, slacks: vec![], violation, done: false };
        Evaluated { design: Design::new(vec![]), outcome: Outcome::failed("not asked"), score }
    }

    #[test]
    fn rewards_of_any_size_and_none_give_a_finite_scale() {
        let mut scale = RewardScale::new(1);
        for (rewards, violation) in [
            (vec![f64::NAN], 0.0),
            (vec![f64::INFINITY], 0.0),
            (vec![f64::MAX], 0.0),
            (vec![f64::MIN], 0.0),
            (vec![], f64::INFINITY),
            (vec![], f64::NAN),
            (vec![], f64::MAX),
        ] {
            let reward = scale.reward(&told(rewards.clone(), violation));
            assert!((-4.0..=3.0).contains(&reward), "{rewards:?}, {violation}: {reward}");
        }
        let (low, high) = (scale.reward(&told(vec![1.0], 0.0)), scale.reward(&told(vec![1e149], 0.0)));
        assert!(low.is_finite() && high.is_finite() && low < high, "{low} and {high}");
    }
}
