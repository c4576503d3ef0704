//! The roll-out inside ask, the training inside tell: what drives one learner (`ppo`) or several (`ippo`).

use std::collections::VecDeque;

use hwgym_envs::random::derive_seed;
use hwgym_envs::{Design, Random};

use super::advantage::generalised_advantages;
use super::categorical;
use super::heads::Heads;
use super::ppo::{Decision, Experience, Learner, Outlook, PpoSettings};
use crate::tools::seen::Seen;
use crate::{Agent, Evaluated, Problem};

/// What a learner sees before it decides: a constant. The score of a design does not depend on the design before it, so there is nothing else
/// to see; formulations with longer episodes bring their own observation.
const OBSERVATION: [f32; 1] = [1.0];

/// Draws until a design that was not proposed before comes up; then the last draw is proposed again. Environments are
/// deterministic: asking twice for one design teaches nothing and costs an evaluation.
const DRAWS: usize = 32;

/// Policies that propose designs together and share the reward.
pub struct PolicySearch {
    problem: Problem,
    settings: PpoSettings,
    learners: Vec<Learner>,
    /// One per learner; empty until asked for, and again after learning.
    outlooks: Vec<Outlook>,
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
    /// One learner for each of these sets of parameter positions; together they partition the space.
    pub fn new(owned: Vec<Vec<usize>>, settings: PpoSettings, problem: &Problem, seed: u64) -> Self {
        let learner = |(index, parameters): (usize, Vec<usize>)| {
            let heads = Heads::new(&problem.space, parameters, settings.most_levels);
            let mut random = Random::new(derive_seed(seed, &format!("learner-{index}")));
            Learner::new(heads, OBSERVATION.len(), &settings, &mut random)
        };
        let learners = owned.into_iter().enumerate().map(learner).collect();
        Self {
            problem: problem.clone(),
            learners,
            outlooks: Vec::new(),
            random: Random::derived(seed, "policy"),
            pending: VecDeque::new(),
            proposed: Seen::default(),
            batch: Vec::with_capacity(settings.batch),
            scale: RewardScale::new(problem.goals),
            told: 0,
            settings,
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
        let space = &self.problem.space;
        if self.outlooks.is_empty() {
            self.outlooks = self.learners.iter().map(|learner| learner.look(&OBSERVATION)).collect();
        }
        let mut design = Design::new(vec![0.0; space.len()]);
        let mut decisions = Vec::with_capacity(self.learners.len());
        for (learner, outlook) in self.learners.iter().zip(&self.outlooks) {
            let decision = learner.decide(outlook, &mut self.random);
            learner.heads.apply(&decision.choices, &mut design);
            decisions.push(decision);
        }
        for ((decision, learner), outlook) in decisions.iter_mut().zip(&self.learners).zip(&self.outlooks) {
            decision.mask = learner.heads.mask(space, &design);
            decision.log_probability = categorical::log_probability(
                &outlook.logits,
                &learner.heads.sizes,
                &decision.choices,
                &decision.mask,
            );
        }
        space.canonicalise(&mut design);
        Proposal { design, decisions }
    }

    fn learn(&mut self) {
        let progress = self.told as f32 / self.problem.budget.unwrap_or(self.told).max(1) as f32;
        let entropy_weight = self.settings.entropy * (1.0 - progress).max(0.0);
        let rewards: Vec<f32> = self.batch.iter().map(|(_, reward)| *reward as f32).collect();
        let ends = vec![true; rewards.len()];
        for (index, learner) in self.learners.iter_mut().enumerate() {
            let values: Vec<f32> = self.batch.iter().map(|(decisions, _)| decisions[index].value).collect();
            let (gamma, lambda) = (self.settings.gamma, self.settings.lambda);
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
            learner.learn(&experiences, &self.settings, entropy_weight, &mut self.random);
        }
        self.batch.clear();
        self.outlooks.clear();
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
        let room = self.settings.batch.saturating_sub(self.batch.len() + self.pending.len()).max(1);
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
            if self.pending.front().is_some_and(|proposal| proposal.design == result.design)
                && let Some(proposal) = self.pending.pop_front()
            {
                self.batch.push((proposal.decisions, reward));
            }
            if self.batch.len() >= self.settings.batch {
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
            let violation = result.score.violation;
            return -3.0 - violation / (1.0 + violation);
        }
        self.count += 1.0;
        let mut total = 0.0;
        for (goal, reward) in result.score.rewards.iter().enumerate() {
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
