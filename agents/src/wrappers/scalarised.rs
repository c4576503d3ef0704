//! Several goals as one, by a choice that the user makes.

use hwgym_envs::{Design, Fidelity};
use serde::{Deserialize, Serialize};

use crate::{Agent, AgentError, Evaluated, Problem};

/// How several goals become one number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scalarisation {
    /// The weighted sum. It finds no design in a hollow of the front.
    WeightedSum,
    /// The largest weighted distance from the ideal point, and a twentieth of the sum (augmented Chebyshev, Knowles 2006): it can find
    /// every design of the front.
    #[default]
    Chebyshev,
}

/// An agent for one goal that serves a problem of several: it is told one reward, made of all.
///
/// Each goal is measured as its distance from the ideal point, in widths of the range from the ideal to the nadir point: the best value
/// that was seen, and the worst on the front that was seen (of all that was seen, while the front has no width). The range grows with the
/// search, so the same design may be told later with another reward.
pub struct Scalarised {
    agent: Box<dyn Agent>,
    weights: Vec<f64>,
    method: Scalarisation,
    /// Rewards of the feasible results that no other dominates.
    front: Vec<Vec<f64>>,
    /// Per goal: the worst reward of a result with metrics.
    worst: Vec<f64>,
}

impl Scalarised {
    /// The problem as the agent inside sees it: one goal, and targets as further bounds.
    pub fn problem(problem: &Problem) -> Problem {
        let targets = if problem.goals > 1 { 0 } else { problem.targets };
        let goal_metrics = if problem.goals > 1 { vec![None] } else { problem.goal_metrics.clone() };
        Problem { goals: 1, targets, goal_metrics, reference: Vec::new(), ..problem.clone() }
    }

    /// An agent, made for [`problem`](Self::problem), that searches for all `goals` at once. Without weights all count alike.
    ///
    /// Errors: weights that are not one per goal, negative, not finite, or all 0.
    pub fn new(
        agent: Box<dyn Agent>,
        weights: &[f64],
        method: Scalarisation,
        goals: usize,
    ) -> Result<Self, AgentError> {
        let weights = if weights.is_empty() { vec![1.0; goals] } else { weights.to_vec() };
        let sum: f64 = weights.iter().sum();
        if weights.len() != goals || weights.iter().any(|w| *w < 0.0) || !(sum.is_finite() && sum > 0.0) {
            let expected = format!("{goals} numbers from 0, one per goal, not all 0");
            return Err(AgentError::out_of_range("weights", format!("{weights:?}"), &expected));
        }
        let weights = weights.iter().map(|weight| weight / sum).collect();
        Ok(Self { agent, weights, method, front: Vec::new(), worst: vec![f64::INFINITY; goals] })
    }

    /// Learns the ranges of the goals.
    fn see(&mut self, result: &Evaluated) {
        let rewards = &result.score.rewards;
        if rewards.len() != self.weights.len() {
            return;
        }
        self.worst.iter_mut().zip(rewards).for_each(|(worst, reward)| *worst = worst.min(*reward));
        let covers = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| a >= b);
        if result.score.is_feasible() && !self.front.iter().any(|point| covers(point, rewards)) {
            self.front.retain(|point| !covers(rewards, point));
            self.front.push(rewards.clone());
        }
    }

    /// The one reward of these: 0 at the ideal point, negative elsewhere.
    fn reward(&self, rewards: &[f64]) -> f64 {
        let (mut largest, mut sum) = (f64::NEG_INFINITY, 0.0);
        for (k, reward) in rewards.iter().enumerate() {
            let (ideal, nadir) = self
                .front
                .iter()
                .map(|point| point[k])
                .fold((f64::NEG_INFINITY, f64::INFINITY), |(ideal, nadir), value| {
                    (ideal.max(value), nadir.min(value))
                });
            // While nothing is feasible, bounds decide, and not the goals.
            let ideal = if self.front.is_empty() { *reward } else { ideal };
            let range = if ideal > nadir { ideal - nadir } else { ideal - self.worst[k] };
            let distance = if range > 0.0 { (ideal - reward) / range } else { 0.0 };
            let term = self.weights[k] * distance;
            largest = largest.max(term);
            sum += term;
        }
        match self.method {
            Scalarisation::WeightedSum => -sum,
            Scalarisation::Chebyshev => -(largest + 0.05 * sum),
        }
    }
}

impl Agent for Scalarised {
    fn ask(&mut self, count: usize) -> Vec<Design> {
        self.agent.ask(count)
    }

    fn tell(&mut self, results: &[Evaluated]) {
        results.iter().for_each(|result| self.see(result));
        let told: Vec<Evaluated> = results
            .iter()
            .map(|result| {
                let mut told = result.clone();
                if told.score.rewards.len() == self.weights.len() {
                    told.score.rewards = vec![self.reward(&result.score.rewards)];
                }
                told
            })
            .collect();
        self.agent.tell(&told);
    }

    fn fidelity(&self) -> Fidelity {
        self.agent.fidelity()
    }

    fn ended(&self) -> Option<&str> {
        self.agent.ended()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use hwgym_envs::{Outcome, Score};

    use super::*;

    /// Notes what it is told.
    struct Listener(Arc<Mutex<Vec<Evaluated>>>);

    impl Agent for Listener {
        fn ask(&mut self, _: usize) -> Vec<Design> {
            Vec::new()
        }
        fn tell(&mut self, results: &[Evaluated]) {
            self.0.lock().unwrap().extend_from_slice(results);
        }
    }

    fn told(method: Scalarisation, weights: &[f64], rewards: &[[f64; 2]]) -> Vec<f64> {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let mut agent = Scalarised::new(Box::new(Listener(heard.clone())), weights, method, 2).unwrap();
        agent.tell(&results(rewards));
        let heard = heard.lock().unwrap();
        heard.iter().map(|result| result.score.rewards[0]).collect()
    }

    fn results(rewards: &[[f64; 2]]) -> Vec<Evaluated> {
        let result = |rewards: &[f64; 2]| Evaluated {
            design: Design::new(vec![]),
            outcome: Outcome::feasible(vec![]),
            score: Score { rewards: rewards.to_vec(), slacks: vec![], violation: 0.0, done: false },
        };
        rewards.iter().map(result).collect()
    }

    #[test]
    fn goals_count_in_widths_of_the_front_whatever_their_units() {
        // Ideal (-1, -100), nadir (-3, -300); the last one is dominated.
        let points = [[-1.0, -300.0], [-3.0, -100.0], [-2.0, -200.0], [-3.0, -300.0]];
        assert_eq!(told(Scalarisation::WeightedSum, &[], &points), [-0.5, -0.5, -0.5, -1.0]);
        assert_eq!(told(Scalarisation::WeightedSum, &[3.0, 1.0], &points), [-0.25, -0.75, -0.5, -1.0]);
        let chebyshev = told(Scalarisation::Chebyshev, &[], &points);
        assert_eq!(chebyshev[2], -(0.25 + 0.05 * 0.5), "the middle is best");
        assert_eq!(chebyshev[0], chebyshev[1]);
    }

    #[test]
    fn weights_that_make_no_sense_are_refused() {
        for weights in [&[1.0][..], &[0.0, 0.0], &[-1.0, 2.0], &[f64::NAN, 1.0]] {
            let agent = Box::new(Listener(Arc::default()));
            assert!(Scalarised::new(agent, weights, Scalarisation::Chebyshev, 2).is_err(), "{weights:?}");
        }
    }
}
