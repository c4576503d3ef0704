//! The landscape under one-parameter moves: another choice of a category, the next level up or down of a number, a twentieth of the range of a
//! real one, an exchange of two places of an order.

use std::collections::HashMap;

use hwgym_envs::{Design, DesignSpace, Domain, Encoding, Random};
use rayon::prelude::*;
use serde::Serialize;

use super::{Effort, Rewards, is_within};

/// Share of a real range that a move goes.
const REAL_STEP: f64 = 0.05;

/// Steps of a climb at most.
const MOST_STEPS: usize = 400;

/// What a task looks like from step to step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Landscape {
    /// Climbs to a local optimum: from a random design to the best neighbour until none is better.
    pub climbs: usize,
    /// Different rewards at which they ended.
    pub local_optima: usize,
    /// Share of them that ended at the best reward.
    pub climbs_at_the_best: f64,
    /// Share of moves from random designs that change nothing.
    pub flat_moves: f64,
    /// Correlation of the reward with the distance to the best design that was seen, over feasible random designs: -1 where the way is straight, 0
    /// where distance says nothing; `None` where nothing varies. Distances are mean differences in the unit cube, 1 for another category.
    pub distance_correlation: Option<f64>,
    /// The best reward of the climbs.
    #[serde(skip)]
    pub(super) best_climb: Option<f64>,
    #[serde(skip)]
    ends: Vec<f64>,
}

impl Landscape {
    pub(super) fn of(
        rewards: &Rewards,
        designs: &[Design],
        drawn: &[(Option<f64>, f64)],
        effort: Effort,
    ) -> Self {
        let space = rewards.env.space();
        let feasible: Vec<(&Design, f64)> = designs
            .iter()
            .zip(drawn)
            .filter_map(|(design, (reward, _))| Some((design, (*reward)?)))
            .collect();
        let starts: Vec<(&Design, f64)> = feasible.iter().take(effort.climbs).copied().collect();
        let tops: Vec<(Design, f64)> =
            starts.par_iter().map(|(design, reward)| climb(rewards, design, *reward)).collect();
        let mut ends: Vec<f64> = tops.iter().map(|(_, reward)| *reward).collect();
        ends.sort_by(f64::total_cmp);
        let mut different = ends.clone();
        different.dedup();
        // Moves of a few designs, drawn anew so that they do not depend on how many samples are feasible.
        let mut random = Random::derived(effort.seed, "moves");
        let probes: Vec<(Design, f64, Design)> = (0..(effort.samples / 4).clamp(1, 2_000))
            .filter_map(|_| {
                let (design, reward) = *random.choose(&feasible)?;
                let moves = neighbours(space, design);
                Some((design.clone(), reward, random.choose(&moves)?.clone()))
            })
            .collect();
        let flat = probes.par_iter().filter(|(_, reward, moved)| rewards.of(moved) == Some(*reward)).count();
        let by_reward = |a: &&(Design, f64), b: &&(Design, f64)| a.1.total_cmp(&b.1);
        let best = tops.iter().max_by(by_reward).map(|(design, _)| design.clone());
        Self {
            climbs: tops.len(),
            local_optima: different.len(),
            climbs_at_the_best: 0.0,
            flat_moves: flat as f64 / probes.len().max(1) as f64,
            distance_correlation: best.and_then(|best| distance_correlation(space, &feasible, &best)),
            best_climb: ends.last().copied(),
            ends,
        }
    }

    /// With the share of climbs that ended at this reward.
    pub(super) fn against(mut self, best: f64) -> Self {
        let there = self.ends.iter().filter(|end| is_within(**end, best, 1e-9)).count();
        self.climbs_at_the_best = there as f64 / self.ends.len().max(1) as f64;
        self
    }
}

/// Goes to the best neighbour until none is better.
fn climb(rewards: &Rewards, start: &Design, reward: f64) -> (Design, f64) {
    let (mut design, mut best) = (start.clone(), reward);
    let mut seen: HashMap<Design, Option<f64>> = HashMap::new();
    for _ in 0..MOST_STEPS {
        let mut next = None;
        for neighbour in neighbours(rewards.env.space(), &design) {
            let reward = *seen.entry(neighbour.clone()).or_insert_with(|| rewards.of(&neighbour));
            if let Some(reward) = reward.filter(|reward| *reward > best) {
                best = reward;
                next = Some(neighbour);
            }
        }
        match next {
            Some(neighbour) => design = neighbour,
            None => break,
        }
    }
    (design, best)
}

/// All designs that one move away are valid and different.
fn neighbours(space: &DesignSpace, design: &Design) -> Vec<Design> {
    let mut list: Vec<Design> = Vec::new();
    for (index, parameter) in space.parameters().iter().enumerate() {
        if !space.is_active(design, index) {
            continue;
        }
        for coordinate in moves(&parameter.domain, design.coordinate(index)) {
            let mut neighbour = design.clone();
            neighbour.set(index, coordinate);
            space.canonicalise(&mut neighbour);
            if neighbour != *design && space.violation(&neighbour) == 0.0 {
                list.push(neighbour);
            }
        }
    }
    list
}

fn moves(domain: &Domain, at: f64) -> Vec<f64> {
    match domain {
        Domain::Real { .. } => {
            let unit = domain.to_unit(at);
            [unit - REAL_STEP, unit + REAL_STEP]
                .into_iter()
                .filter(|u| (0.0..=1.0).contains(u))
                .map(|u| domain.from_unit(u))
                .collect()
        }
        Domain::Permutation(items) => {
            let order = domain.arrangement(at).unwrap_or_default();
            let pairs = (0..items.len()).flat_map(|a| (a + 1..items.len()).map(move |b| (a, b)));
            pairs
                .map(|(a, b)| {
                    let mut swapped = order.clone();
                    swapped.swap(a, b);
                    domain.arranged(&swapped)
                })
                .collect()
        }
        Domain::Assignment { items, places } => {
            let chosen = domain.arrangement(at).unwrap_or_default();
            let all = (0..items.len()).flat_map(|item| (0..places.len()).map(move |place| (item, place)));
            all.filter(|(item, place)| chosen.get(*item) != Some(place))
                .map(|(item, place)| {
                    let mut moved = chosen.clone();
                    moved[item] = place;
                    domain.arranged(&moved)
                })
                .collect()
        }
        _ => {
            let levels = domain.cardinality().unwrap_or(1);
            let level = at as usize;
            let near =
                |other: &usize| *other != level && (!domain.is_ordered() || other.abs_diff(level) == 1);
            (0..levels).filter(near).map(|other| other as f64).collect()
        }
    }
}

/// Correlation of reward and distance to the best design.
fn distance_correlation(space: &DesignSpace, feasible: &[(&Design, f64)], best: &Design) -> Option<f64> {
    let place = |design: &Design| Encoding::UnitCube.encode(space, design);
    let target = place(best);
    let distance = |design: &Design| {
        let of = |(index, (a, b)): (usize, (&f64, &f64))| {
            if space.parameters()[index].domain.is_ordered() {
                (a - b).abs()
            } else {
                f64::from(u8::from(a != b))
            }
        };
        place(design).iter().zip(&target).enumerate().map(of).sum::<f64>() / target.len() as f64
    };
    let pairs: Vec<(f64, f64)> =
        feasible.iter().map(|(design, reward)| (distance(design), *reward)).collect();
    let mean = |of: fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / pairs.len() as f64;
    let (distances, rewards) = (mean(|p| p.0), mean(|p| p.1));
    let sum =
        |of: &dyn Fn(f64, f64) -> f64| pairs.iter().map(|(d, r)| of(d - distances, r - rewards)).sum::<f64>();
    let spread = (sum(&|d, _| d * d) * sum(&|_, r| r * r)).sqrt();
    (spread > 0.0).then(|| sum(&|d, r| d * r) / spread)
}
