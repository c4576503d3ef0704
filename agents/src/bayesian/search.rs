//! Maximising an acquisition function over a mixed space: many candidates, then local search from the best of them.

use hwgym_envs::{Design, DesignSpace, Listing, Random};
use hwgym_surrogates::gaussian_process::lbfgs::{LbfgsSettings, minimise};

use super::acquisition::{Acquisition, Work};
use super::coder::{Coder, Column};
use crate::tools::seen::Seen;
use crate::tools::variation::{perturb, reflect};

/// Two points nearer than this in every number, with the same labels, count as one.
const SAME: f64 = 1e-4;

/// In a list of designs: random ones per uniform candidate (they need no climbing), climbs, their moves, and neighbours of a move.
const LISTED_PER_CANDIDATE: usize = 4;
const LISTED_STARTS: usize = 4;
const LISTED_MOVES: usize = 8;
const LISTED_NEIGHBOURS: usize = 32;

/// The space as a search sees it.
pub(super) struct Search<'a> {
    pub space: &'a DesignSpace,
    pub coder: &'a Coder,
    pub seen: &'a Seen,
    /// Evaluated and pending points.
    pub points: &'a [Vec<f64>],
    /// Uniform candidates.
    pub uniform: usize,
    /// Candidates near the best points.
    pub near: usize,
}

impl Search<'_> {
    /// Points by falling acquisition, each locally best; none of them evaluated before. `best` holds the points to search around.
    pub fn maximise(
        &self,
        acquisition: &Acquisition,
        best: &[&Vec<f64>],
        random: &mut Random,
    ) -> Vec<Vec<f64>> {
        if let Some(listing) = self.space.listing() {
            return self.among_listed(listing, acquisition, best, random);
        }
        let mut work = Work::default();
        let mut candidates: Vec<(f64, Vec<f64>, bool)> = Vec::with_capacity(self.uniform + self.near);
        for _ in 0..self.uniform {
            candidates.push((0.0, self.coder.encode(self.space, &self.space.sample(random)), false));
        }
        for index in 0..if best.is_empty() { 0 } else { self.near } {
            let scale = [0.2, 0.07, 0.02, 0.005][index % 4];
            let everything = index / 4 % 2 == 0;
            let mut point = best[index / 8 % best.len()].clone();
            self.perturb(&mut point, scale, everything, random);
            candidates.push((0.0, point, true));
        }
        candidates.retain(|(_, point, _)| self.allowed(point));
        for (value, point, _) in &mut candidates {
            *value = acquisition.value(point, &mut work);
            if value.is_nan() {
                *value = f64::NEG_INFINITY;
            }
        }
        candidates.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut starts: Vec<&(f64, Vec<f64>, bool)> = Vec::new();
        for candidate in &candidates {
            let apart = |other: &Vec<f64>| {
                candidate.1.iter().zip(other).enumerate().any(|(j, (a, b))| match self.coder.columns[j] {
                    Column::Category(_) => a != b,
                    _ => (a - b).abs() >= 0.1,
                })
            };
            if starts.len() < 4 && starts.iter().all(|s| apart(&s.1)) {
                starts.push(candidate);
            }
        }
        if let Some(near) = candidates.iter().find(|c| c.2)
            && !starts.iter().any(|s| std::ptr::eq(*s, near))
        {
            starts.push(near);
        }
        let mut ranking: Vec<(f64, Vec<f64>)> =
            starts.iter().map(|s| self.climb(acquisition, s.0, s.1.clone(), random, &mut work)).collect();
        ranking.extend(candidates.iter().take(20).map(|c| (c.0, c.1.clone())));
        ranking.sort_by(|a, b| b.0.total_cmp(&a.0));
        ranking.into_iter().map(|(_, point)| point).filter(|point| !self.taken(point)).collect()
    }

    /// The same among the designs of a list: all of a short one; otherwise some at random, those nearest to the best points, and from the most
    /// promising ones from neighbour to neighbour.
    fn among_listed(
        &self,
        listing: &Listing,
        acquisition: &Acquisition,
        best: &[&Vec<f64>],
        random: &mut Random,
    ) -> Vec<Vec<f64>> {
        let designs = listing.designs();
        let mut worth: Vec<Option<f64>> = vec![None; designs.len()];
        let mut work = Work::default();
        let mut look = |position: usize| {
            if worth[position].is_none() {
                let design = &designs[position];
                let value = if self.seen.contains(design) {
                    f64::NEG_INFINITY
                } else {
                    acquisition.value(&self.coder.encode(self.space, design), &mut work)
                };
                worth[position] = Some(if value.is_nan() { f64::NEG_INFINITY } else { value });
            }
            worth[position].unwrap_or(f64::NEG_INFINITY)
        };
        let uniform = LISTED_PER_CANDIDATE * self.uniform;
        let mut candidates: Vec<usize> = if designs.len() <= uniform + self.near {
            (0..designs.len()).collect()
        } else {
            random.sample_indices(designs.len(), uniform)
        };
        if candidates.len() < designs.len() {
            let each = self.near.div_ceil(best.len().max(1));
            for point in best {
                candidates.extend(nearest(listing, &self.coder.decode(self.space, point), each));
            }
        }
        candidates.sort_unstable();
        candidates.dedup();
        let mut ranking: Vec<(f64, usize)> = candidates.into_iter().map(|c| (look(c), c)).collect();
        let order = |a: &(f64, usize), b: &(f64, usize)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
        ranking.sort_by(order);
        if ranking.len() < designs.len() {
            let starts: Vec<(f64, usize)> = ranking.iter().take(LISTED_STARTS).copied().collect();
            for mut at in starts {
                for _ in 0..LISTED_MOVES {
                    let near = nearest(listing, &designs[at.1], LISTED_NEIGHBOURS);
                    let found = near.into_iter().map(|n| (look(n), n)).min_by(order);
                    match found.filter(|found| found.0 > at.0) {
                        Some(better) => at = better,
                        None => break,
                    }
                }
                ranking.push(at);
            }
            ranking.sort_by(order);
        }
        ranking
            .into_iter()
            .take_while(|(value, _)| *value > f64::NEG_INFINITY)
            .take(20)
            .map(|(_, position)| self.coder.encode(self.space, &designs[position]))
            .collect()
    }

    /// True if the point is an evaluated or a pending one.
    pub fn taken(&self, point: &[f64]) -> bool {
        self.seen.contains(&self.coder.decode(self.space, point))
            || self.points.iter().any(|other| {
                point.iter().zip(other).enumerate().all(|(j, (a, b))| match self.coder.columns[j] {
                    Column::Category(_) => a == b,
                    _ => (a - b).abs() < SAME,
                })
            })
    }

    /// True if the point keeps the space's constraints and, in a space without reals, was not proposed before.
    pub fn allowed(&self, point: &[f64]) -> bool {
        let discrete = !self.coder.columns.contains(&Column::Real);
        if !discrete && self.space.constraints().is_empty() {
            return true;
        }
        let design = self.coder.decode(self.space, point);
        !(discrete && self.seen.contains(&design))
            && (self.space.constraints().is_empty() || self.space.violation(&design) == 0.0)
    }

    /// Moves every variable, or a few of them, by normal steps of this scale; inactive parameters go to their start.
    pub fn perturb(&self, point: &mut Vec<f64>, scale: f64, everything: bool, random: &mut Random) {
        let width = point.len();
        let few = (0.4 * width as f64).clamp(1.0, 3.0) / width.max(1) as f64;
        let forced = random.below(width);
        for j in 0..width {
            if !(everything || j == forced || random.chance(few)) {
                continue;
            }
            point[j] = match self.coder.columns[j] {
                Column::Real => reflect(point[j] + scale * random.normal(), 0.0, 1.0),
                Column::Category(levels) => random.below(levels) as f64,
                Column::Ordered(_) => {
                    let level = self.coder.coordinate(self.space, j, point[j]);
                    let moved = perturb(&self.space.parameters()[j].domain, level, scale, random);
                    self.coder.place(self.space, j, moved)
                }
            };
        }
        self.settle(point);
    }

    /// Puts inactive parameters to their start.
    fn settle(&self, point: &mut Vec<f64>) {
        if self.space.parameters().iter().any(|p| p.condition.is_some()) {
            *point = self.coder.encode(self.space, &self.coder.decode(self.space, point));
        }
    }

    /// Gradient ascent on the reals, steps through the levels of the rest, in turns.
    fn climb(
        &self,
        acquisition: &Acquisition,
        value: f64,
        point: Vec<f64>,
        random: &mut Random,
        work: &mut Work,
    ) -> (f64, Vec<f64>) {
        let reals: Vec<usize> = (0..point.len()).filter(|j| self.coder.columns[*j] == Column::Real).collect();
        let (mut value, mut point) = (value, point);
        for _ in 0..3 {
            let before = value;
            if !reals.is_empty() {
                self.ascend(acquisition, &reals, &mut value, &mut point, work);
            }
            if reals.len() == point.len() || !self.step(acquisition, &mut value, &mut point, random, work) {
                break;
            }
            if reals.is_empty() || value <= before + 1e-9 {
                break;
            }
        }
        (value, point)
    }

    fn ascend(
        &self,
        acquisition: &Acquisition,
        reals: &[usize],
        value: &mut f64,
        point: &mut Vec<f64>,
        work: &mut Work,
    ) {
        let settings = LbfgsSettings {
            iterations: 25,
            gradient_tolerance: 1e-5,
            relative_decrease: 1e-8,
            first_step: 0.1,
            ..LbfgsSettings::default()
        };
        let mut x: Vec<f64> = reals.iter().map(|j| point[*j]).collect();
        let mut full = point.clone();
        let mut full_gradient = vec![0.0; point.len()];
        let constrained = !self.space.constraints().is_empty();
        let (low, high) = (vec![0.0; x.len()], vec![1.0; x.len()]);
        let least = minimise(&mut x, &low, &high, &settings, |x, gradient| {
            reals.iter().zip(x).for_each(|(j, x)| full[*j] = *x);
            if constrained && !self.allowed(&full) {
                return f64::INFINITY;
            }
            let value = acquisition.value_and_gradient(&full, &mut full_gradient, work);
            gradient.iter_mut().zip(reals).for_each(|(g, j)| *g = -full_gradient[*j]);
            -value
        });
        if -least > *value {
            reals.iter().zip(&x).for_each(|(j, x)| point[*j] = *x);
            self.settle(point);
            *value = -least;
        }
    }

    /// Up to four sweeps over the discrete variables, the best value of each taken at once, then random pairs. True if anything changed.
    fn step(
        &self,
        acquisition: &Acquisition,
        value: &mut f64,
        point: &mut Vec<f64>,
        random: &mut Random,
        work: &mut Work,
    ) -> bool {
        let discrete: Vec<usize> =
            (0..point.len()).filter(|j| self.coder.columns[*j] != Column::Real).collect();
        let mut changed = false;
        let mut attempt = |trial: Vec<f64>, value: &mut f64, point: &mut Vec<f64>| {
            if !self.allowed(&trial) {
                return false;
            }
            let found = acquisition.value(&trial, work);
            if found > *value {
                (*value, *point) = (found, trial);
                changed = true;
                return true;
            }
            false
        };
        for _ in 0..4 {
            let mut moved = false;
            for j in &discrete {
                for place in self.alternatives(*j, point[*j]) {
                    let mut trial = point.clone();
                    trial[*j] = place;
                    self.settle(&mut trial);
                    moved |= attempt(trial, value, point);
                }
            }
            if !moved {
                break;
            }
        }
        if discrete.len() >= 2 {
            for _ in 0..24 {
                let mut trial = point.clone();
                for index in random.sample_indices(discrete.len(), 2) {
                    let j = discrete[index];
                    let places = self.alternatives(j, trial[j]);
                    if let Some(place) = random.choose(&places) {
                        trial[j] = *place;
                    }
                }
                self.settle(&mut trial);
                attempt(trial, value, point);
            }
        }
        changed
    }

    /// Other places of a discrete variable: all of a few, or those 1, 2, 4, 8 and 16 levels away.
    fn alternatives(&self, column: usize, place: f64) -> Vec<f64> {
        let level = self.coder.coordinate(self.space, column, place);
        let all = |levels: usize| (0..levels).map(|l| l as f64).filter(|l| *l != level).collect::<Vec<_>>();
        let levels = match self.coder.columns[column] {
            Column::Real => return Vec::new(),
            Column::Category(levels) => all(levels),
            Column::Ordered(levels) if levels <= 12 => all(levels),
            Column::Ordered(levels) => [1.0, 2.0, 4.0, 8.0, 16.0]
                .into_iter()
                .flat_map(|step| [level - step, level + step])
                .filter(|l| *l >= 0.0 && *l < levels as f64)
                .collect(),
        };
        levels.into_iter().map(|l| self.coder.place(self.space, column, l)).collect()
    }
}

/// The positions of the `count` listed designs that are nearest to a design.
fn nearest(listing: &Listing, design: &Design, count: usize) -> Vec<usize> {
    let distances = listing.distances(design);
    let mut order: Vec<usize> = (0..distances.len()).collect();
    let by_distance = |a: &usize, b: &usize| distances[*a].total_cmp(&distances[*b]).then(a.cmp(b));
    if count < order.len() {
        order.select_nth_unstable_by(count, by_distance);
        order.truncate(count);
    }
    order
}
