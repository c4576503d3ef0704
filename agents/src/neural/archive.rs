//! Everything that was evaluated, as decisions; and what it is worth as a reward.

use hwgym_envs::{Design, DesignSpace};
use serde::{Deserialize, Serialize};

use super::goals;
use super::heads::Heads;
use crate::Evaluated;

/// The decisions that make a design, head by head.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The choice of every head; 0 where it means nothing.
    pub choices: Box<[u16]>,
    /// Whether the head means something in this design.
    pub active: Box<[bool]>,
    /// Log-probability of each choice when it was made; 0 where it means nothing.
    pub log_probabilities: Box<[f32]>,
}

impl Row {
    /// The decisions that come nearest to a design that nobody drew.
    pub fn of(space: &DesignSpace, heads: &Heads, design: &Design) -> Self {
        let active: Box<[bool]> =
            (0..heads.len()).map(|head| space.is_active(design, heads.parameter(head))).collect();
        Self {
            choices: heads.choices(design).into(),
            log_probabilities: vec![0.0; heads.len()].into(),
            active,
        }
    }

    /// The heads that mean something.
    pub fn heads(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.active.len()).filter(|head| self.active[*head])
    }

    /// Fills `ones` with what a head sees: its position, and with `earlier` the one-hots of the decisions before it.
    pub fn inputs(&self, heads: &Heads, head: usize, earlier: bool, ones: &mut Vec<u32>) {
        ones.clear();
        ones.push(head as u32);
        let before = if earlier { 0..head } else { 0..0 };
        let decided = before.filter(|other| self.active[*other]);
        ones.extend(
            decided
                .map(|other| (heads.len() + heads.one_hot(other, usize::from(self.choices[other]))) as u32),
        );
    }
}

/// An evaluated design.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its decisions.
    pub row: Row,
    /// One reward per goal; none without metrics.
    pub rewards: Vec<f64>,
    /// It has metrics and keeps every bound.
    pub feasible: bool,
    /// By how much it breaks bounds and constraints.
    pub violation: f64,
}

impl Entry {
    /// An entry of these decisions. Everything that is not a number counts as broken.
    pub fn new(row: Row, result: &Evaluated) -> Self {
        let score = &result.score;
        let finite = score.rewards.iter().all(|reward| reward.is_finite());
        let violation = if score.violation.is_nan() { f64::INFINITY } else { score.violation };
        Self { row, rewards: score.rewards.clone(), feasible: score.is_feasible() && finite, violation }
    }
}

/// How a score becomes a reward.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum RewardScale {
    /// `-ln(1 - u + 1/n)`, where u is the share of the n evaluations so far that are worse, equals counted half: the best gets about
    /// ln n, the median 0.7.
    #[default]
    RankExponential,
    /// `2u - 1`.
    Rank,
    /// Standard deviations above the mean, within -3 and 3; from -3 to -4 without metrics.
    ZScore,
}

/// The rewards of all entries, by what is known now. With several goals, an entry is worth what it adds to the hypervolume: see
/// [`goals::values`].
pub fn rewards(entries: &[Entry], scale: RewardScale) -> Vec<f32> {
    let values: Vec<f64> = match entries.iter().find(|entry| entry.feasible).map(|e| e.rewards.len()) {
        Some(goals) if goals > 1 => goals::values(entries),
        _ => entries
            .iter()
            .map(|e| if e.feasible { e.rewards.first().copied().unwrap_or(0.0) } else { -e.violation })
            .collect(),
    };
    if scale == RewardScale::ZScore {
        return z_scores(entries, &values);
    }
    let count = entries.len() as f64;
    shares_below(entries, &values)
        .into_iter()
        .map(|share| match scale {
            RewardScale::Rank => (2.0 * share - 1.0) as f32,
            _ => -(1.0 - share + 1.0 / count).ln() as f32,
        })
        .collect()
}

/// The share of entries below each, equals counted half; whatever breaks a bound is below whatever does not.
fn shares_below(entries: &[Entry], values: &[f64]) -> Vec<f64> {
    let compare = |a: &usize, b: &usize| {
        entries[*a].feasible.cmp(&entries[*b].feasible).then(values[*a].total_cmp(&values[*b]))
    };
    let mut order: Vec<usize> = (0..entries.len()).collect();
    order.sort_by(compare);
    let mut shares = vec![0.0; entries.len()];
    let mut start = 0;
    while start < order.len() {
        let equal = |index: &usize| compare(index, &order[start]).is_eq();
        let end = start + order[start..].iter().take_while(|index| equal(index)).count();
        for index in &order[start..end] {
            shares[*index] = (start + end) as f64 / (2 * entries.len()) as f64;
        }
        start = end;
    }
    shares
}

fn z_scores(entries: &[Entry], values: &[f64]) -> Vec<f32> {
    // A number whose square is past the range of doubles would make every score meaningless.
    let good = || entries.iter().zip(values).filter(|(e, _)| e.feasible).map(|(_, v)| v.clamp(-1e150, 1e150));
    let count = good().count().max(1) as f64;
    let mean = good().sum::<f64>() / count;
    let deviation = (good().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt();
    let score = |(entry, value): (&Entry, &f64)| match entry.feasible {
        true if deviation > 0.0 => ((value.clamp(-1e150, 1e150) - mean) / deviation).clamp(-3.0, 3.0),
        true => 0.0,
        false => -3.0 - entry.violation.min(1e300) / (1.0 + entry.violation.min(1e300)),
    };
    entries.iter().zip(values).map(score).map(|score| score as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn entry(rewards: &[f64], violation: f64) -> Entry {
        let row = Row { choices: [].into(), active: [].into(), log_probabilities: [].into() };
        let feasible = violation == 0.0 && rewards.iter().all(|r| r.is_finite());
        Entry { row, rewards: rewards.to_vec(), feasible, violation }
    }

    #[test]
    fn the_best_gets_ln_n_and_the_broken_are_ordered_below() {
        let entries =
            [entry(&[1.0], 0.0), entry(&[3.0], 0.0), entry(&[9.0], 2.0), entry(&[], 1e9), entry(&[1.0], 0.0)];
        let r = rewards(&entries, RewardScale::RankExponential);
        assert!((r[1] - (5f32 / 1.5).ln()).abs() < 1e-6, "{r:?}");
        assert_eq!(r[0], r[4], "equals are worth the same");
        assert!(r[1] > r[0] && r[0] > r[2] && r[2] > r[3], "{r:?}");
        let plain = rewards(&entries, RewardScale::Rank);
        assert!((plain[1] - 0.8).abs() < 1e-6 && (plain[3] + 0.8).abs() < 1e-6, "{plain:?}");
    }

    #[test]
    fn rewards_of_any_size_are_finite_on_every_scale() {
        let broken = Entry { feasible: false, ..entry(&[f64::NAN], f64::INFINITY) };
        let entries = [
            entry(&[f64::MAX], 0.0),
            entry(&[f64::MIN], 0.0),
            entry(&[0.0], 0.0),
            broken,
            entry(&[], f64::MAX),
        ];
        for scale in [RewardScale::RankExponential, RewardScale::Rank, RewardScale::ZScore] {
            let r = rewards(&entries, scale);
            assert!(r.iter().all(|r| r.is_finite()) && r[0] > r[2] && r[2] > r[4], "{scale:?}: {r:?}");
        }
    }
}
