//! Policies over heads, shared out among learners; and the critic that goes with them.

use hwgym_envs::{EnvError, Group, Random};
use serde::{Deserialize, Serialize};

use super::archive::Row;
use super::categorical;
use super::draw::Chooser;
use super::heads::Heads;
use super::network::{Input, Network, Scratch, Trained};
use crate::{AgentError, Problem};

/// What a head sees beside its own position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Form {
    /// Nothing: all heads decide independently.
    #[default]
    Factored,
    /// The decisions made before it, in the order of the space.
    Sequential,
}

/// How the parameters are shared out among learners.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Learners {
    /// One for the whole design.
    One,
    /// One per group of the design space; one per parameter where it names no groups.
    #[default]
    PerGroup,
    /// One per parameter.
    PerParameter,
    /// One for each of these groups, which have every parameter exactly once.
    Groups(Vec<Group>),
}

impl Learners {
    /// The learner of every parameter. Errors: groups that overlap, miss a parameter, or name an unknown one.
    pub fn owners(&self, problem: &Problem) -> Result<Vec<usize>, AgentError> {
        let space = &problem.space;
        let groups = match self {
            Self::One => return Ok(vec![0; space.len()]),
            Self::PerParameter => return Ok((0..space.len()).collect()),
            Self::PerGroup => space.groups(),
            Self::Groups(groups) if groups.is_empty() => {
                return Err(AgentError::out_of_range("learners", "Groups([])", "at least one group"));
            }
            Self::Groups(groups) => {
                (**space).clone().with_groups(groups.clone()).map_err(EnvError::from)?.groups()
            }
        };
        let mut owners = vec![0; space.len()];
        for (owner, group) in groups.iter().filter(|group| !group.parameters.is_empty()).enumerate() {
            for name in &group.parameters {
                owners[space.position(name).map_err(EnvError::from)?] = owner;
            }
        }
        Ok(owners)
    }
}

/// Policy networks, one per learner; each has an output for every choice of every head and uses those of its own heads.
pub struct Actors {
    heads: Heads,
    /// The learner of each head.
    owners: Vec<usize>,
    form: Form,
    hidden: Vec<usize>,
    learners: Vec<Trained>,
    /// Probabilities of each head, as long as they are the same for every design.
    known: Vec<Option<Vec<f32>>>,
    scratch: Scratch,
    ones: Vec<u32>,
}

impl Actors {
    /// Policies close to uniform. `owners` has the learner of every parameter.
    pub fn new(heads: &Heads, owners: &[usize], form: Form, hidden: &[usize], random: &mut Random) -> Self {
        let owners: Vec<usize> = (0..heads.len()).map(|head| owners[heads.parameter(head)]).collect();
        let mut actors = Self {
            heads: heads.clone(),
            learners: Vec::new(),
            known: Vec::new(),
            owners,
            form,
            hidden: hidden.to_vec(),
            scratch: Scratch::default(),
            ones: Vec::new(),
        };
        actors.restart(random);
        actors
    }

    /// New networks and optimisers.
    pub fn restart(&mut self, random: &mut Random) {
        let count = self.owners.iter().max().map_or(0, |last| last + 1);
        let outputs = self.heads.width();
        let network = |_| {
            // The policy starts close to uniform: its last layer has a gain of 0.01 (Andrychowicz et al., "What matters in on-policy
            // reinforcement learning?", 2021).
            Trained::new(over_decisions(&self.heads, self.form, &self.hidden, outputs, 0.01, random))
        };
        self.learners = (0..count).map(network).collect();
        self.known = vec![None; self.heads.len()];
    }

    /// The heads.
    pub fn heads(&self) -> &Heads {
        &self.heads
    }

    /// The learner of a head.
    pub fn owner(&self, head: usize) -> usize {
        self.owners[head]
    }

    /// Number of learners.
    pub fn learner_count(&self) -> usize {
        self.learners.len()
    }

    /// Probabilities of the choices of a head, given what there is to see.
    pub fn probabilities(&mut self, head: usize, ones: &[u32]) -> &[f32] {
        let seen = if self.form == Form::Factored { &ones[..1] } else { ones };
        if self.form == Form::Factored && self.known[head].is_some() {
            return self.known[head].as_deref().unwrap_or_default();
        }
        let network = &self.learners[self.owners[head]].network;
        network.forward(Input { dense: &[], ones: seen }, self.heads.range(head), &mut self.scratch);
        categorical::softmax(&mut self.scratch.output);
        if self.form == Form::Factored {
            self.known[head] = Some(self.scratch.output.clone());
        }
        &self.scratch.output
    }

    /// Log-probabilities of what was chosen, row by row and head by head; 0 where a head means nothing.
    pub fn log_probabilities(&mut self, rows: &[&Row]) -> Vec<f32> {
        let count = self.heads.len();
        let mut logs = vec![0.0; rows.len() * count];
        let mut ones = std::mem::take(&mut self.ones);
        for (row, logs) in rows.iter().zip(logs.chunks_mut(count.max(1))) {
            for head in row.heads() {
                row.inputs(&self.heads, head, self.form == Form::Sequential, &mut ones);
                let p = self.probabilities(head, &ones);
                logs[head] = categorical::log(p[usize::from(row.choices[head])]);
            }
        }
        self.ones = ones;
        logs
    }

    /// One step of every learner up the gradient of `sum over rows and heads of weight * ln p + bonus * mean over rows of the entropies`.
    pub fn ascend(&mut self, rows: &[&Row], weights: &[f32], bonus: f32, rate: f32, most: f32) {
        let count = self.heads.len();
        let bonus = bonus / rows.len().max(1) as f32;
        let mut ones = std::mem::take(&mut self.ones);
        let mut slopes: Vec<Vec<f32>> =
            (0..count).map(|head| vec![0.0; self.heads.range(head).len()]).collect();
        for (row, weights) in rows.iter().zip(weights.chunks(count.max(1))) {
            for head in row.heads() {
                row.inputs(&self.heads, head, self.form == Form::Sequential, &mut ones);
                let choice = usize::from(row.choices[head]);
                // Down the negative is up.
                let p = self.probabilities(head, &ones);
                categorical::add_slope(p, choice, -weights[head], -bonus, &mut slopes[head]);
                if self.form == Form::Sequential {
                    let input = Input { dense: &[], ones: &ones };
                    let learner = &mut self.learners[self.owners[head]];
                    learner.backward(input, self.heads.range(head), &slopes[head], &mut self.scratch);
                    slopes[head].fill(0.0);
                }
            }
        }
        if self.form == Form::Factored {
            // All rows see the same, so that one pass back serves them all.
            for head in 0..count {
                let (input, range) = (Input { dense: &[], ones: &[head as u32] }, self.heads.range(head));
                let learner = &mut self.learners[self.owners[head]];
                learner.network.forward(input, range.clone(), &mut self.scratch);
                learner.backward(input, range, &slopes[head], &mut self.scratch);
            }
        }
        self.learners.iter_mut().for_each(|learner| learner.step(rate, most));
        self.known.fill(None);
        self.ones = ones;
    }
}

impl Chooser for Actors {
    fn choose(&mut self, head: usize, ones: &[u32], random: &mut Random) -> (usize, f32) {
        let p = self.probabilities(head, ones);
        let choice = categorical::draw(p, random);
        (choice, categorical::log(p[choice]))
    }

    fn log_probability(&mut self, head: usize, ones: &[u32], choice: usize) -> f32 {
        categorical::log(self.probabilities(head, ones)[choice])
    }
}

/// A network over the position of a head and, in the sequential form, the one-hots of the decisions before it. First-layer weights are
/// N(0, 1/8).
pub fn over_decisions(
    heads: &Heads,
    form: Form,
    hidden: &[usize],
    outputs: usize,
    last_gain: f64,
    random: &mut Random,
) -> Network {
    let inputs = heads.len() + if form == Form::Sequential { heads.width() } else { 0 };
    let widths = [&[inputs.max(1)], hidden, &[outputs.max(1)]].concat();
    let network = Network::new(&widths, 1.0, last_gain, random);
    if hidden.is_empty() { network } else { network.with_first_deviation(0.125f64.sqrt(), random) }
}

/// The central critic: what return to expect at a head, given the decisions made before it, whoever made them.
pub struct Values {
    heads: Heads,
    hidden: Vec<usize>,
    learner: Trained,
    scratch: Scratch,
    ones: Vec<u32>,
}

impl Values {
    /// An untrained critic.
    pub fn new(heads: &Heads, hidden: &[usize], random: &mut Random) -> Self {
        let network = over_decisions(heads, Form::Sequential, hidden, 1, 1.0, random);
        Self {
            heads: heads.clone(),
            hidden: hidden.to_vec(),
            learner: Trained::new(network),
            scratch: Scratch::default(),
            ones: Vec::new(),
        }
    }

    /// A new network and optimiser.
    pub fn restart(&mut self, random: &mut Random) {
        *self = Self::new(&self.heads, &self.hidden, random);
    }

    /// Adds `rewards - expectations` to `advantages`, row by row and head by head; with a rate, takes one step towards the rewards as well.
    pub fn advantages(&mut self, rows: &[&Row], rewards: &[f32], rate: Option<f32>, advantages: &mut [f32]) {
        let count = self.heads.len().max(1);
        let total: usize = rows.iter().map(|row| row.heads().count()).sum();
        for ((row, reward), advantages) in rows.iter().zip(rewards).zip(advantages.chunks_mut(count)) {
            for head in row.heads() {
                row.inputs(&self.heads, head, true, &mut self.ones);
                let input = Input { dense: &[], ones: &self.ones };
                self.learner.network.forward(input, 0..1, &mut self.scratch);
                let error = reward - self.scratch.output[0];
                advantages[head] = error;
                if rate.is_some() {
                    let slope = [-2.0 * error / total.max(1) as f32];
                    self.learner.backward(input, 0..1, &slope, &mut self.scratch);
                }
            }
        }
        if let Some(rate) = rate {
            self.learner.step(rate, 0.5);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hwgym_envs::{DesignSpace, Parameter};

    /// The objective that [`Actors::ascend`] climbs, and its gradient by differences, weight by weight.
    #[test]
    fn ascent_follows_the_gradient_of_what_it_says() {
        let parameters = vec![
            Parameter::categorical("a", ["x", "y", "z"]),
            Parameter::integer("b", 0, 3).when("a", ["y", "z"]),
            Parameter::boolean("c"),
        ];
        let Ok(space) = DesignSpace::new(parameters) else { panic!("the space is sound") };
        let heads = Heads::new(&space, 8);
        for form in [Form::Factored, Form::Sequential] {
            let mut random = Random::new(4);
            let mut actors = Actors::new(&heads, &[0, 1, 0], form, &[5], &mut random);
            let drawn: Vec<Row> = (0..6)
                .map(|_| crate::neural::draw::draw(&space, &heads, &mut actors, None, &mut random).row)
                .collect();
            let rows: Vec<&Row> = drawn.iter().collect();
            let weights: Vec<f32> = (0..rows.len() * heads.len()).map(|_| random.normal() as f32).collect();
            let objective = |actors: &mut Actors| {
                actors.known.fill(None);
                let logs = actors.log_probabilities(&rows);
                let mut total: f64 = logs.iter().zip(&weights).map(|(l, w)| f64::from(l * w)).sum();
                let mut ones = Vec::new();
                for row in &rows {
                    for head in row.heads() {
                        row.inputs(&heads, head, form == Form::Sequential, &mut ones);
                        let p = actors.probabilities(head, &ones);
                        total += 0.3 * f64::from(categorical::entropy(p)) / rows.len() as f64;
                    }
                }
                total
            };
            let before: Vec<Trained> = actors.learners.clone();
            actors.ascend(&rows, &weights, 0.3, 1e-3, 1e9);
            let after = actors.learners.clone();
            let mut checked = 0;
            for learner in 0..2 {
                for index in 0..before[learner].network.weights().len() {
                    let mut at = |shift: f32| {
                        actors.learners = before.clone();
                        actors.learners[learner].network.weights_mut()[index] += shift;
                        objective(&mut actors)
                    };
                    let slope = (at(2e-2) - at(-2e-2)) / 4e-2;
                    // The first step of Adam is the rate, in the direction of the gradient.
                    let moved =
                        after[learner].network.weights()[index] - before[learner].network.weights()[index];
                    if slope.abs() > 2e-2 {
                        assert!((f64::from(moved) - 1e-3 * slope.signum()).abs() < 1e-5, "{form:?} {index}");
                        checked += 1;
                    } else if slope == 0.0 {
                        assert!(moved.abs() < 1.1e-3);
                    }
                }
            }
            assert!(checked > 20, "{form:?}: {checked} weights checked");
        }
    }
}
