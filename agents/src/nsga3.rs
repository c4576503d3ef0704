//! `nsga3`: NSGA-II with survival by reference directions (Deb and Jain 2014), for three goals and more.

use hwgym_envs::Random;

use crate::nsga2::{build, documented};
use crate::tools::ranking;
use crate::{AgentEntry, Evaluated, Goals};

/// Evenly spread weights that sum to 1 (Das and Dennis 1998), at most `most` of them where that leaves one division at least.
fn directions(goals: usize, most: usize) -> Vec<Vec<f64>> {
    let mut best = Vec::new();
    for divisions in 1..=64 {
        let mut all = Vec::new();
        extend(goals, divisions, divisions, &mut Vec::new(), &mut all);
        if all.len() > most && divisions > 1 {
            break;
        }
        best = all;
    }
    best
}

fn extend(goals: usize, left: usize, divisions: usize, prefix: &mut Vec<f64>, all: &mut Vec<Vec<f64>>) {
    if prefix.len() + 1 == goals {
        let mut direction = prefix.clone();
        direction.push(left as f64 / divisions as f64);
        all.push(direction);
        return;
    }
    for part in 0..=left {
        prefix.push(part as f64 / divisions as f64);
        extend(goals, left - part, divisions, prefix, all);
        prefix.pop();
    }
}

/// Keeps whole fronts, and of the front that does not fit the results whose directions are least crowded.
fn survive(results: &mut Vec<Evaluated>, count: usize, directions: &[Vec<f64>], random: &mut Random) {
    let fronts = ranking::fronts(results);
    let mut kept: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = Vec::new();
    for front in fronts {
        if kept.len() + front.len() <= count {
            kept.extend(front);
        } else {
            last = front;
            break;
        }
    }
    let missing = count.saturating_sub(kept.len()).min(last.len());
    if missing > 0 {
        let measured = last.iter().all(|i| results[*i].score.rewards.len() == directions[0].len());
        if measured {
            niche(results, &mut kept, last, missing, directions, random);
        } else {
            kept.extend(last.into_iter().take(missing));
        }
    }
    let mut taken: Vec<Option<Evaluated>> = std::mem::take(results).into_iter().map(Some).collect();
    results.extend(kept.into_iter().filter_map(|index| taken[index].take()));
}

fn niche(
    results: &[Evaluated],
    kept: &mut Vec<usize>,
    last: Vec<usize>,
    missing: usize,
    directions: &[Vec<f64>],
    random: &mut Random,
) {
    let goals = directions[0].len();
    let pool: Vec<usize> = kept.iter().chain(&last).copied().collect();
    let usable = |i: &&usize| results[**i].score.rewards.len() == goals;
    let bounds: Vec<(f64, f64)> = (0..goals)
        .map(|k| {
            pool.iter().filter(usable).fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), i| {
                let cost = -results[*i].score.rewards[k];
                (low.min(cost), high.max(cost))
            })
        })
        .collect();
    // The direction nearest to a result, and the squared distance to it.
    let associate = |i: usize| -> (usize, f64) {
        let place: Vec<f64> = results[i]
            .score
            .rewards
            .iter()
            .zip(&bounds)
            .map(|(r, (low, high))| (-r - low) / (high - low).max(1e-12))
            .collect();
        let squared: f64 = place.iter().map(|p| p * p).sum();
        let mut best = (0, f64::INFINITY);
        for (d, direction) in directions.iter().enumerate() {
            let along: f64 = place.iter().zip(direction).map(|(p, d)| p * d).sum();
            let norm: f64 = direction.iter().map(|d| d * d).sum();
            let distance = squared - along * along / norm;
            if distance < best.1 {
                best = (d, distance);
            }
        }
        best
    };
    let mut crowd = vec![0usize; directions.len()];
    kept.iter().filter(usable).for_each(|i| crowd[associate(*i).0] += 1);
    let mut candidates: Vec<(usize, usize, f64)> = last
        .into_iter()
        .map(|i| {
            let (direction, distance) = associate(i);
            (i, direction, distance)
        })
        .collect();
    random.shuffle(&mut candidates);
    for _ in 0..missing {
        let best = (0..candidates.len()).min_by(|a, b| {
            let (a, b) = (&candidates[*a], &candidates[*b]);
            crowd[a.1].cmp(&crowd[b.1]).then(a.2.total_cmp(&b.2))
        });
        let Some(best) = best else { break };
        let (index, direction, _) = candidates.swap_remove(best);
        crowd[direction] += 1;
        kept.push(index);
    }
}

pub(crate) fn entry() -> AgentEntry {
    documented(AgentEntry::new(
        "nsga3",
        "NSGA-II with reference directions instead of crowding, for three goals and more",
        |options, problem, seed| {
            let settings: crate::nsga2::NsgaSettings = options.parse()?;
            let directions = directions(problem.goals, settings.population);
            let survival = move |results: &mut Vec<Evaluated>, count: usize, random: &mut Random| {
                survive(results, count, &directions, random);
            };
            build(settings, problem, seed, Box::new(survival))
        },
    ))
    .goals(Goals::Several)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directions_sum_to_one_and_fit() {
        let all = directions(3, 40);
        assert_eq!(all.len(), 36);
        assert!(all.iter().all(|d| (d.iter().sum::<f64>() - 1.0).abs() < 1e-12));
    }
}
