//! Offline search: from a data set to the designs that are worth simulating, without asking the simulator in between.
//!
//! A bag of boosted trees per metric learns canonical designs ([`Env::canonical`]): one-hots, and what the environment says of them
//! ([`Env::describe`]). Where the trees of the bag disagree nobody knows, and a search finds just those designs where a model errs to its favour;
//! so every metric is taken for worse by `pessimism` deviations of the bag. What is then best, non-dominated layer by layer, is simulated. In
//! several rounds, each learns from those before.
//!
//! A discrete space is ranked as a whole. Of a larger one a sample is: half of it random, half children of the best designs known.
//!
//! Sources: bagging, Breiman 1996; pessimism against a model's favourable errors, Trabucco et al., "Conservative objective models for effective
//! offline model-based optimization", 2021, by another means.

use std::collections::HashSet;
use std::sync::Arc;

use hwgym_envs::enumerate::Enumeration;
use hwgym_envs::pareto::front;
use hwgym_envs::random::derive_seed;
use hwgym_envs::{
    Design, Direction, Encoding, Env, Fidelity, Guard, Outcome, Random, Score, Scorer, evaluate,
};
use rayon::prelude::*;

use crate::features::described;
use crate::gradient_boosting::Growth;
use crate::gradient_boosting::forest::Forest;
use crate::transform::FittedTransform;
use crate::{Dataset, Features, SurrogateError, Transform};

/// Trees of each member of the bag, and of the gate.
const TREES: Growth =
    Growth { trees: 250, learning_rate: 0.08, leaves: 31, max_depth: 8, l2: 1.0, min_leaf: 2.0 };
/// Designs of a space that is ranked as a whole, at most.
const LARGEST: u128 = 1 << 22;
/// Designs of the sample of a larger one.
const SAMPLE: usize = 1 << 15;

/// How to search.
#[derive(Clone, Debug)]
pub struct OfflineSearch {
    /// Members of the bag; one has no deviation.
    pub members: usize,
    /// Deviations of the bag by which a prediction is taken for worse.
    pub pessimism: f64,
    /// Simulations at the end, of all rounds together.
    pub simulations: usize,
    /// Rounds of simulation; the bag is trained again between them.
    pub rounds: usize,
    /// Seed of bag and sample.
    pub seed: u64,
}

impl Default for OfflineSearch {
    fn default() -> Self {
        Self { members: 4, pessimism: 1.0, simulations: 100, rounds: 1, seed: 1 }
    }
}

/// A design that was found, what was promised of it, and what it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// Round, from 0.
    pub round: usize,
    /// The design, a representative of its class.
    pub design: Design,
    /// The pessimistic prediction, one number per metric.
    pub promised: Vec<f64>,
    /// The simulation.
    pub outcome: Outcome,
}

impl OfflineSearch {
    /// Searches. `tick` is called once per simulation; the result does not depend on the number of threads. Errors: settings out of range,
    /// data of another space or with too few designs that have metrics.
    pub fn run(
        &self,
        env: &Arc<dyn Env>,
        scorer: &Scorer,
        data: &Dataset,
        tick: &(dyn Fn() + Sync),
    ) -> Result<Vec<Proposal>, SurrogateError> {
        self.check(env.as_ref(), data)?;
        let mut known: Vec<(Design, Outcome)> = {
            let measured = data.designs.iter().zip(&data.metrics);
            let measured = measured.map(|(design, row)| (design, Outcome::feasible(row.clone())));
            let without = data.unmeasured.iter().map(|u| (&u.design, Outcome::infeasible(&u.reason, 1.0)));
            measured.chain(without).map(|(design, outcome)| (env.canonical(design), outcome)).collect()
        };
        let whole = match env.space().size() {
            Some(size) if size <= LARGEST => {
                Some(Enumeration::plan(env)?.representatives().collect::<Vec<Design>>())
            }
            _ => None,
        };
        let mut found = Vec::new();
        for round in 0..self.rounds {
            let seed = derive_seed(self.seed, &format!("round-{round}"));
            let bag = Bag::train(env.as_ref(), &known, self.members, seed)?;
            let seen: HashSet<&Design> = known.iter().map(|(design, _)| design).collect();
            let pool: Vec<Design> = match &whole {
                Some(whole) => whole.iter().filter(|design| !seen.contains(design)).cloned().collect(),
                None => sample(env.as_ref(), scorer, &known, seed)
                    .into_iter()
                    .filter(|design| !seen.contains(design))
                    .collect(),
            };
            let promised: Vec<Option<Vec<f64>>> = pool
                .par_chunks(1024)
                .flat_map_iter(|designs| bag.pessimistic(env.as_ref(), designs, self.pessimism))
                .collect();
            let count = self.simulations * (round + 1) / self.rounds - self.simulations * round / self.rounds;
            let chosen = choose(scorer, &known, &promised, count);
            let outcomes: Vec<Outcome> = chosen
                .par_iter()
                .with_max_len(16)
                .map(|place| {
                    let outcome = evaluate(env, &pool[*place], Fidelity::FULL, &Guard::UNLIMITED);
                    tick();
                    outcome
                })
                .collect();
            for (place, outcome) in chosen.into_iter().zip(outcomes) {
                let design = pool[place].clone();
                known.push((design.clone(), outcome.clone()));
                let promised = promised[place].clone().unwrap_or_default();
                found.push(Proposal { round, design, promised, outcome });
            }
        }
        Ok(found)
    }

    fn check(&self, env: &dyn Env, data: &Dataset) -> Result<(), SurrogateError> {
        if !(1..=1000).contains(&self.members) {
            return Err(SurrogateError::out_of_range("bag", self.members, "1 to 1000 members"));
        }
        if !(0.0..=100.0).contains(&self.pessimism) {
            return Err(SurrogateError::out_of_range("pessimism", self.pessimism, "0 to 100 deviations"));
        }
        if !(1..=self.simulations.max(1)).contains(&self.rounds) {
            return Err(SurrogateError::out_of_range(
                "rounds",
                self.rounds,
                "1 to the number of simulations",
            ));
        }
        if &data.origin.space != env.space() || data.origin.metrics != env.metrics() {
            return Err(SurrogateError::Training(format!(
                "the data is of another space or other metrics of `{}` than this program has; build it again",
                data.origin.environment
            )));
        }
        if data.len() < 10 {
            return Err(SurrogateError::Training(format!(
                "{} design(s) with metrics; an offline search learns from at least 10, and well from some hundred",
                data.len()
            )));
        }
        Ok(())
    }
}

/// Trees of every metric, several times over, and a gate where some designs have no metrics.
struct Bag {
    transforms: Vec<FittedTransform>,
    /// Per metric, one forest per member.
    forests: Vec<Vec<Forest>>,
    gate: Option<Forest>,
}

impl Bag {
    fn train(
        env: &dyn Env,
        known: &[(Design, Outcome)],
        members: usize,
        seed: u64,
    ) -> Result<Self, SurrogateError> {
        let measured: Vec<(&Design, &[f64])> =
            known.iter().filter_map(|(design, outcome)| Some((design, outcome.metrics()?))).collect();
        let rows = features(env, measured.iter().map(|(design, _)| *design));
        let (mut transforms, mut jobs) = (Vec::new(), Vec::new());
        for (index, metric) in env.metrics().iter().enumerate() {
            let values: Vec<f64> = measured.iter().map(|(_, row)| row[index]).collect();
            let transform =
                Transform::Auto.fit_in(&metric.unit, &values).unwrap_or_else(FittedTransform::identity);
            let targets: Vec<f64> = values.iter().map(|value| transform.forward(*value)).collect();
            transforms.push(transform);
            jobs.extend((0..members).map(|member| (index, member, targets.clone())));
        }
        let grow = |(metric, member, targets): &(usize, usize, Vec<f64>)| {
            let mut random = Random::derived(seed, &format!("member-{member}"));
            let chosen: Vec<usize> = match members {
                1 => (0..rows.rows()).collect(),
                _ => (0..rows.rows()).map(|_| random.below(rows.rows())).collect(),
            };
            let targets: Vec<f64> = chosen.iter().map(|row| targets[*row]).collect();
            let seed = derive_seed(seed, &format!("trees-{metric}-{member}"));
            TREES.fit(&rows.select(&chosen), &targets, TREES.booster(seed))
        };
        let mut grown = jobs.par_iter().with_max_len(1).map(grow).collect::<Result<Vec<_>, _>>()?.into_iter();
        let forests = transforms.iter().map(|_| grown.by_ref().take(members).collect()).collect();
        let gate = match measured.len() == known.len() {
            true => None,
            false => {
                let label = |outcome: &Outcome| f64::from(u8::from(outcome.metrics().is_some()));
                let labels: Vec<f64> = known.iter().map(|(_, outcome)| label(outcome)).collect();
                let rows = features(env, known.iter().map(|(design, _)| design));
                Some(TREES.fit(&rows, &labels, TREES.booster(seed))?)
            }
        };
        Ok(Self { transforms, forests, gate })
    }

    /// Per design, every metric taken for worse by so many deviations; `None` where the gate expects no metrics.
    fn pessimistic(&self, env: &dyn Env, designs: &[Design], deviations: f64) -> Vec<Option<Vec<f64>>> {
        let rows = features(env, designs.iter());
        let mut promised: Vec<Option<Vec<f64>>> = match &self.gate {
            None => vec![Some(Vec::new()); designs.len()],
            Some(gate) => {
                gate.predict(&rows).into_iter().map(|likely| (likely >= 0.5).then(Vec::new)).collect()
            }
        };
        for ((forests, transform), metric) in self.forests.iter().zip(&self.transforms).zip(env.metrics()) {
            let members: Vec<Vec<f64>> = forests.iter().map(|forest| forest.predict(&rows)).collect();
            let count = members.len() as f64;
            let worse = if metric.direction == Direction::Minimise { deviations } else { -deviations };
            for (row, promised) in promised.iter_mut().enumerate() {
                let mean = members.iter().map(|member| member[row]).sum::<f64>() / count;
                let square = members.iter().map(|member| (member[row] - mean).powi(2)).sum::<f64>();
                // Of one member nothing is known.
                let sd = (square / (count - 1.0).max(1.0)).sqrt();
                if let Some(values) = promised {
                    values.push(transform.backward(mean + worse * sd, 0.0).0);
                }
            }
        }
        promised.into_iter().map(|values| values.filter(|v| v.iter().all(|v| v.is_finite()))).collect()
    }
}

/// What the trees see of canonical designs.
fn features<'a>(env: &dyn Env, designs: impl Iterator<Item = &'a Design>) -> Features {
    let width = Encoding::OneHot.width(env.space()) + env.descriptors().len();
    let numbers = designs.flat_map(|design| described(env, design)).collect();
    Features::new(numbers, width).unwrap_or_else(|| Features::encode(env.space(), &[], Encoding::OneHot))
}

/// A sample of a space that is too large to rank: half of it random, half children of the best designs known, which have one to three parameters
/// of a random one.
fn sample(env: &dyn Env, scorer: &Scorer, known: &[(Design, Outcome)], seed: u64) -> Vec<Design> {
    let space = env.space();
    let mut random = Random::derived(seed, "sample");
    let mut scores: Vec<(usize, Score)> =
        known.iter().map(|(_, outcome)| scorer.score(outcome)).enumerate().collect();
    scores.retain(|(_, score)| score.is_feasible());
    let points: Vec<Vec<f64>> = scores.iter().map(|(_, score)| score.rewards.clone()).collect();
    let parents: Vec<&Design> = front(&points).into_iter().map(|place| &known[scores[place].0].0).collect();
    let mut designs = HashSet::new();
    let mut ordered = Vec::new();
    for draw in 0..SAMPLE {
        let mut design = space.sample(&mut random);
        if draw % 2 == 1 && !parents.is_empty() {
            let mut child = parents[random.below(parents.len())].clone();
            for _ in 0..1 + random.below(3) {
                let index = random.below(child.len());
                child.set(index, design.coordinate(index));
            }
            design = child;
        }
        let design = env.canonical(&design);
        if space.violation(&design) == 0.0 && designs.insert(design.clone()) {
            ordered.push(design);
        }
    }
    ordered
}

/// The places of `count` promising designs: non-dominated layer by layer, known designs standing among them with what they are; then those
/// that miss the bounds by least.
fn choose(
    scorer: &Scorer,
    known: &[(Design, Outcome)],
    promised: &[Option<Vec<f64>>],
    count: usize,
) -> Vec<usize> {
    let score = |values: &Vec<f64>| scorer.score(&Outcome::feasible(values.clone()));
    let mut left: Vec<(Option<usize>, Vec<f64>)> = known
        .iter()
        .map(|(_, outcome)| scorer.score(outcome))
        .filter(Score::is_feasible)
        .map(|score| (None, score.rewards))
        .collect();
    let mut missing: Vec<(f64, usize)> = Vec::new();
    for (place, values) in promised.iter().enumerate() {
        match values.as_ref().map(score) {
            Some(score) if score.is_feasible() => left.push((Some(place), score.rewards)),
            Some(score) => missing.push((score.violation, place)),
            None => {}
        }
    }
    let mut chosen = Vec::new();
    while chosen.len() < count && !left.is_empty() {
        let points: Vec<Vec<f64>> = left.iter().map(|(_, point)| point.clone()).collect();
        let layer = front(&points);
        let mut new: Vec<(usize, &[f64])> =
            layer.iter().filter_map(|row| Some((left[*row].0?, left[*row].1.as_slice()))).collect();
        new.sort_by(|a, b| b.1[0].total_cmp(&a.1[0]).then(a.0.cmp(&b.0)));
        // Of a layer that is too long, places that are evenly apart.
        let room = (count - chosen.len()).min(new.len());
        chosen.extend((0..room).map(|place| new[place * new.len() / room].0));
        let mut layer = layer.into_iter().peekable();
        let mut row = 0;
        left.retain(|_| {
            row += 1;
            layer.next_if_eq(&(row - 1)).is_none()
        });
    }
    missing.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    chosen.extend(missing.into_iter().map(|(_, place)| place).take(count.saturating_sub(chosen.len())));
    chosen
}
