//! Agents over all tasks of a study: mean ranks with their critical difference, and performance profiles.

use serde::Serialize;

use super::{ContestantReport, TaskReport};
use crate::statistics::Ranking;

/// Contestants from which on nothing is said over all tasks: a sweep of many is a lottery, and has tables of its own.
const CONTESTANTS: usize = 50;

/// Distances to the best, in %, within which runs are counted in tables.
pub const WITHIN: [f64; 4] = [0.0, 0.1, 1.0, 10.0];

/// How the contestants of a study stand over its tasks.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Standing {
    /// Their names for readers, in the order of the study.
    pub agents: Vec<String>,
    /// Ranks of the medians over the tasks.
    pub ranking: Ranking,
    /// Contestants from the best mean rank to the worst.
    pub order: Vec<usize>,
    /// Largest sets of contestants, each in that order, of whose mean ranks none is told apart at the 5 % level.
    pub alike: Vec<Vec<usize>>,
    /// Of each contestant the distances of its runs to the best that is known, or was found, of their tasks, in %, rising; infinite for a run that
    /// found nothing (`null` in JSON).
    pub distances: Vec<Vec<f64>>,
}

impl Standing {
    /// Works it out; `None` for fewer than two tasks with results, for one contestant, and for more than fifty.
    pub(super) fn of(tasks: &[TaskReport]) -> Option<Self> {
        let agents = tasks.first().map_or(0, |task| task.contestants.len());
        let is_measured = |task: &&TaskReport| task.contestants.iter().any(|c| c.quality.is_some());
        let tasks: Vec<&TaskReport> = tasks.iter().filter(is_measured).collect();
        if tasks.len() < 2 || !(2..=CONTESTANTS).contains(&agents) {
            return None;
        }
        let scores: Vec<Vec<f64>> = tasks
            .iter()
            .map(|task| {
                let sign = if task.smaller_is_better() { -1.0 } else { 1.0 };
                let score = |c: &ContestantReport| c.quality.map_or(f64::NEG_INFINITY, |q| sign * q.median);
                task.contestants.iter().map(score).collect()
            })
            .collect();
        let ranking = Ranking::of(&scores);
        let mut order: Vec<usize> = (0..agents).collect();
        order.sort_by(|a, b| ranking.mean_ranks[*a].total_cmp(&ranking.mean_ranks[*b]));
        let distances = (0..agents).map(|agent| {
            let mut all: Vec<f64> =
                tasks.iter().flat_map(|task| distances(task, &task.contestants[agent])).collect();
            all.sort_by(f64::total_cmp);
            all
        });
        Some(Self {
            agents: tasks[0].contestants.iter().map(ContestantReport::title).collect(),
            alike: alike(&ranking, &order),
            distances: distances.collect(),
            order,
            ranking,
        })
    }

    /// The share of a contestant's runs that are within so many % of the best, up to a part in a thousand million.
    pub fn share_within(&self, contestant: usize, percent: f64) -> f64 {
        let distances = &self.distances[contestant];
        distances.partition_point(|distance| *distance <= percent + 1e-7) as f64
            / distances.len().max(1) as f64
    }
}

/// Runs of contestants, in the order of their ranks, from whose first to whose last the mean ranks differ by less than the critical difference; only
/// those of two or more that no other holds.
fn alike(ranking: &Ranking, order: &[usize]) -> Vec<Vec<usize>> {
    let Some(difference) = ranking.critical_difference else { return Vec::new() };
    let rank = |place: usize| ranking.mean_ranks[order[place]];
    let mut sets = Vec::new();
    let mut reached = 0;
    for first in 0..order.len() {
        let last = (first..order.len()).take_while(|place| rank(*place) - rank(first) < difference).last();
        let Some(last) = last.filter(|last| *last > first && *last > reached) else { continue };
        reached = last;
        sets.push(order[first..=last].to_vec());
    }
    sets
}

/// The relative distance of a run to the best that is known of its task, or that any run found; infinite for one that found nothing.
fn distances(task: &TaskReport, contestant: &ContestantReport) -> Vec<f64> {
    let best = match task.known_optimum {
        Some(optimum) => Some(optimum),
        None if task.goals.len() > 1 => Some(100.0),
        None => {
            let all = task.contestants.iter().flat_map(|c| &c.trials).filter_map(|trial| trial.quality);
            if task.smaller_is_better() { all.reduce(f64::min) } else { all.reduce(f64::max) }
        }
    };
    let distance = |quality: f64| {
        best.map_or(f64::INFINITY, |best| (quality - best).abs() / if best == 0.0 { 1.0 } else { best.abs() })
    };
    let counted = contestant.trials.iter().filter(|trial| trial.counted);
    counted.map(|trial| 100.0 * trial.quality.map_or(f64::INFINITY, distance)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_largest_sets_of_agents_that_are_not_told_apart_are_named() {
        let ranking = |mean_ranks: &[f64]| Ranking {
            tasks: 5,
            mean_ranks: mean_ranks.to_vec(),
            friedman: None,
            critical_difference: Some(1.0),
        };
        assert_eq!(
            alike(&ranking(&[1.0, 1.9, 2.5, 2.8, 4.5]), &[0, 1, 2, 3, 4]),
            [vec![0, 1], vec![1, 2, 3]],
            "the pair of 2 and 3 is within the three"
        );
        assert!(alike(&ranking(&[3.0, 1.0, 2.0]), &[1, 2, 0]).is_empty(), "one apart is told apart");
    }
}
