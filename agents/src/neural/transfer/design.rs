//! A policy that proposes designs for an instance never seen.
//!
//! Every head has a network of its own. It sees the features of the instance, the objective, the decisions made before it, the best design so
//! far (at first the default one), and how the search goes. The first proposal thus comes after one simulation, that of the default design.

use hwgym_envs::{Design, DesignSpace, Random, Score};

use crate::neural::archive::Row;
use crate::neural::categorical;
use crate::neural::draw::{Chooser, Drawn, draw};
use crate::neural::heads::Heads;
use crate::neural::network::{Input, Network, Scratch};

/// Proposals by which the time is scaled.
const HORIZON: f32 = 20.0;

/// A policy over the designs of one space.
#[derive(Clone, Debug)]
pub struct DesignPolicy {
    heads: Heads,
    /// One per head.
    pub networks: Vec<Network>,
    features: usize,
    objectives: usize,
}

/// How a search has gone so far: what the policy sees of it.
#[derive(Clone, Debug)]
pub struct History {
    start: f64,
    best: f64,
    /// Decisions of the best design.
    row: Row,
    tried: usize,
    since: usize,
    last: f32,
}

impl History {
    /// After the evaluation of the default design. `None` if it has no reward: there is nothing to compare with.
    pub fn begin(row: Row, score: &Score) -> Option<Self> {
        let start = score.reward().filter(|_| score.is_feasible())?;
        Some(Self { start, best: start, row, tried: 1, since: 0, last: 0.0 })
    }

    /// Takes note of another evaluation.
    pub fn note(&mut self, row: &Row, score: &Score) {
        self.tried += 1;
        match score.reward().filter(|_| score.is_feasible()) {
            None => {
                self.last = 1.0;
                self.since += 1;
            }
            Some(reward) => {
                self.last = excess(reward, self.best) as f32;
                if reward > self.best {
                    self.best = reward;
                    self.row = row.clone();
                    self.since = 0;
                } else {
                    self.since += 1;
                }
            }
        }
    }

    /// The best reward so far.
    pub fn best(&self) -> f64 {
        self.best
    }

    /// Evaluations so far.
    pub fn tried(&self) -> usize {
        self.tried
    }
}

/// By how much a reward is worse than another, as the logarithm of a ratio: of costs where rewards are negative, of gains where they are
/// positive, and where signs differ twice their relative difference, which is much the same for small ones.
pub fn excess(reward: f64, than: f64) -> f64 {
    if reward < 0.0 && than < 0.0 {
        (reward / than).ln()
    } else if reward > 0.0 && than > 0.0 {
        (than / reward).ln()
    } else {
        2.0 * (than - reward) / (reward.abs() + than.abs()).max(1e-300)
    }
}

/// What every head sees at one proposal, without the decisions of that proposal.
#[derive(Clone, Debug)]
pub struct View {
    /// Features, objective, state of the search.
    pub dense: Vec<f32>,
    /// The best design so far.
    pub best: Row,
}

impl DesignPolicy {
    /// An untrained policy.
    pub fn new(
        space: &DesignSpace,
        most_levels: usize,
        features: usize,
        objectives: usize,
        hidden: usize,
        random: &mut Random,
    ) -> Self {
        let heads = Heads::new(space, most_levels);
        let inputs = features + objectives + 4 + 2 * heads.width();
        let networks = (0..heads.len()).map(|head| {
            let widths = [inputs, hidden, heads.range(head).len()];
            Network::new(&widths, 1.0, 0.01, random).with_first_deviation(0.2, random)
        });
        Self { networks: networks.collect(), heads, features, objectives }
    }

    /// A policy of stored networks. `None` if they do not fit.
    pub fn of(
        space: &DesignSpace,
        most_levels: usize,
        features: usize,
        objectives: usize,
        networks: Vec<Network>,
    ) -> Option<Self> {
        let heads = Heads::new(space, most_levels);
        let inputs = features + objectives + 4 + 2 * heads.width();
        let fits = |(head, network): (usize, &Network)| {
            network.is_sound()
                && network.widths().first() == Some(&inputs)
                && network.widths().last() == Some(&heads.range(head).len())
        };
        let all = networks.len() == heads.len() && networks.iter().enumerate().all(fits);
        all.then_some(Self { networks, heads, features, objectives })
    }

    /// The heads.
    pub fn heads(&self) -> &Heads {
        &self.heads
    }

    /// What there is to see. `features` are as many as the policy was made for, `objective` is one of its objectives.
    pub fn view(&self, features: &[f32], objective: usize, history: &History) -> View {
        let mut dense = Vec::with_capacity(self.features + self.objectives + 4);
        dense.extend_from_slice(&features[..self.features]);
        dense.extend((0..self.objectives).map(|index| if index == objective { 1.0 } else { 0.0 }));
        let gain = excess(history.best, history.start) as f32;
        dense.extend([
            (3.0 * gain).clamp(-3.0, 3.0),
            (history.tried as f32 / HORIZON).min(3.0),
            (history.since as f32 / (0.5 * HORIZON)).min(3.0),
            history.last.clamp(-3.0, 3.0),
        ]);
        View { dense, best: history.row.clone() }
    }

    /// Fills `ones` with what a head sees beside the dense part: the best design, and the decisions of `row` before it.
    pub fn ones(&self, view: &View, row: &Row, head: usize, ones: &mut Vec<u32>) {
        ones.clear();
        self.best_ones(view, ones);
        let start = view.dense.len() + self.heads.width();
        let before = (0..head).filter(|other| row.active[*other]);
        ones.extend(
            before.map(|other| (start + self.heads.one_hot(other, usize::from(row.choices[other]))) as u32),
        );
    }

    fn best_ones(&self, view: &View, ones: &mut Vec<u32>) {
        let start = view.dense.len();
        let one = |head| (start + self.heads.one_hot(head, usize::from(view.best.choices[head]))) as u32;
        ones.extend(view.best.heads().map(one));
    }

    /// Draws a design at a temperature; the most probable one at a temperature of 0.
    pub fn propose(&self, space: &DesignSpace, view: &View, temperature: f32, random: &mut Random) -> Drawn {
        let mut best = Vec::new();
        self.best_ones(view, &mut best);
        let mut chooser =
            At { policy: self, view, best, temperature, scratch: Scratch::default(), ones: Vec::new() };
        draw(space, &self.heads, &mut chooser, None, random)
    }
}

/// A policy at a view.
struct At<'a> {
    policy: &'a DesignPolicy,
    view: &'a View,
    best: Vec<u32>,
    temperature: f32,
    scratch: Scratch,
    ones: Vec<u32>,
}

impl At<'_> {
    fn logits(&mut self, head: usize, ones: &[u32]) {
        // What a chooser sees begins with the position of the head, and counts decisions from the number of heads on.
        let heads = self.policy.heads.len() as u32;
        let start = (self.view.dense.len() + self.policy.heads.width()) as u32;
        self.ones.clear();
        self.ones.extend_from_slice(&self.best);
        self.ones.extend(ones[1..].iter().map(|one| one - heads + start));
        let network = &self.policy.networks[head];
        let input = Input { dense: &self.view.dense, ones: &self.ones };
        network.forward(input, 0..self.policy.heads.range(head).len(), &mut self.scratch);
    }
}

impl Chooser for At<'_> {
    fn choose(&mut self, head: usize, ones: &[u32], random: &mut Random) -> (usize, f32) {
        self.logits(head, ones);
        let output = &mut self.scratch.output;
        if self.temperature <= 0.0 {
            return (categorical::most_probable(output), 0.0);
        }
        output.iter_mut().for_each(|logit| *logit /= self.temperature);
        categorical::softmax(output);
        let choice = categorical::draw(output, random);
        (choice, categorical::log(output[choice]))
    }

    fn log_probability(&mut self, head: usize, ones: &[u32], choice: usize) -> f32 {
        self.logits(head, ones);
        categorical::softmax(&mut self.scratch.output);
        categorical::log(self.scratch.output[choice])
    }
}

/// A search by a policy: the default design, the most probable one, then draws of whatever has not been tried.
pub struct Rollout {
    features: Vec<f32>,
    objective: usize,
    /// `None` before the default design is evaluated.
    history: Option<History>,
    /// What was tried, by representative.
    tried: Vec<Design>,
    proposed: usize,
}

/// Draws until whatever comes is taken.
const DRAWS: usize = 400;

impl Rollout {
    /// A search that has not begun.
    pub fn new(features: Vec<f32>, objective: usize) -> Self {
        Self { features, objective, history: None, tried: Vec::new(), proposed: 0 }
    }

    /// How it goes, once the default design is evaluated.
    pub fn history(&self) -> Option<&History> {
        self.history.as_ref()
    }

    /// The next design after the default one. Whatever is equivalent to a design that was tried is drawn again, each time a little warmer.
    pub fn propose(
        &mut self,
        policy: &DesignPolicy,
        space: &DesignSpace,
        canonical: &dyn Fn(&Design) -> Design,
        greedy_first: bool,
        random: &mut Random,
    ) -> Option<(Drawn, View)> {
        let view = policy.view(&self.features, self.objective, self.history.as_ref()?);
        let mut temperature = if greedy_first && self.proposed == 0 { 0.0 } else { 1.0 };
        self.proposed += 1;
        let mut drawn = policy.propose(space, &view, temperature, random);
        for _ in 0..DRAWS {
            let broken = !space.constraints().is_empty() && space.violation(&drawn.design) > 0.0;
            if !broken && !self.tried.contains(&canonical(&drawn.design)) {
                break;
            }
            temperature = if temperature == 0.0 { 1.0 } else { temperature * 1.03 };
            drawn = policy.propose(space, &view, temperature, random);
        }
        self.tried.push(canonical(&drawn.design));
        Some((drawn, view))
    }

    /// Takes note of an evaluation, the first of which is that of the default design.
    pub fn note(&mut self, row: &Row, score: &Score) {
        match &mut self.history {
            None => self.history = History::begin(row.clone(), score),
            Some(history) => history.note(row, score),
        }
    }

    /// Takes note of a design that was tried.
    pub fn note_tried(&mut self, canonical: Design) {
        self.tried.push(canonical);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excess_is_a_logarithm_of_costs_or_gains() {
        assert!((excess(-2.0, -1.0) - 2f64.ln()).abs() < 1e-12);
        assert!((excess(1.0, 2.0) - 2f64.ln()).abs() < 1e-12);
        assert!(excess(-1.0, 1.0) > 0.0 && excess(1.0, -1.0) < 0.0 && excess(0.0, 0.0) == 0.0);
    }
}
