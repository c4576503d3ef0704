//! Drawing a mapping at random: a factorisation of each dimension, checked as soon as it can fail, and the rest only if it fits.
//!
//! The factorisations of a dimension over its blocks are listed once, with what a check needs of each: the factor at every
//! fan-out and the extent of the tile at every level of limited size. A draw then costs one random number and a few
//! multiplications a dimension; loop orders, mesh axes and the mapping itself come last. All factorisations of a dimension are
//! equally likely, as in the reference. One with very many is listed in parts that are multiplied.
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::factors::{divisors_of, primes};
use super::mapspace::{Mapspace, Slot};
use crate::timeloop::architecture::MAX_LEVELS;
use crate::timeloop::mapping::Nest;
use crate::workload::MAX_DIMS;

/// Factorisations listed for a part of a bound at most.
const MOST_ROWS: usize = 1024;
/// Parts at most: each holds a prime factor of the operations, which are counted in 64 bits.
const MOST_PARTS: usize = 64;
/// Chance of a level to keep a data space it may bypass, out of 256.
const KEEPS: u8 = 179;

/// The listed factorisations of a mapspace.
#[derive(Debug, Clone)]
pub(crate) struct Draws {
    parts: Vec<Part>,
    /// The factors that every mapping has.
    start: Nest,
    /// Levels with a fan-out, with the children there are and those used by the factors of `start`.
    fanouts: Vec<(usize, u64, u64)>,
    /// Levels whose tiles are checked.
    limited: Vec<usize>,
    /// Extents at the limited levels by the factors of `start`.
    extents: [[u64; MAX_DIMS]; MAX_LEVELS],
    /// Whether some dimension has no factorisation at all.
    empty: bool,
}

/// Factorisations of a dimension, or of a part of its bound.
#[derive(Debug, Clone)]
struct Part {
    dim: usize,
    slots: Vec<Slot>,
    rows: u32,
    /// Factors by row and slot.
    factors: Vec<u32>,
    /// Factors at the fan-outs, then extents at the limited levels, by row.
    reach: Vec<u32>,
    /// Whether other parts of the dimension may lead beyond the limits of a factor.
    partial: bool,
}

/// The rows of a part.
struct Listed {
    dim: usize,
    slots: Vec<Slot>,
    rows: Vec<Vec<u32>>,
    partial: bool,
}

impl Draws {
    pub fn new(space: &Mapspace) -> Self {
        let model = space.model;
        let mut start = space.start();
        let mut lists: Vec<Listed> = Vec::new();
        let mut empty = false;
        for dim in 0..model.dims {
            let (free, fixed): (Vec<Slot>, Vec<Slot>) = space.slots[dim]
                .iter()
                .copied()
                .partition(|&slot| space.least(slot, dim) < space.most(slot, dim));
            let product = |slots: &[Slot]| {
                slots.iter().fold(1u64, |all, &slot| all.saturating_mul(u64::from(space.least(slot, dim))))
            };
            let bound = model.problem.bounds[dim];
            let taken = product(&fixed);
            if !bound.is_multiple_of(taken) {
                empty = true;
                continue;
            }
            let left = bound / taken;
            let range = |slot: &Slot| (space.least(*slot, dim), space.most(*slot, dim));
            let ranges: Vec<(u32, u32)> = free.iter().map(range).collect();
            let mut rows = Vec::new();
            if list(left as u32, &ranges, &mut rows) {
                // The rows hold whole factors.
                free.iter().for_each(|&slot| Mapspace::set(&mut start, slot, dim, 1));
                empty |= rows.is_empty();
                lists.push(Listed { dim, slots: free, rows, partial: false });
                continue;
            }
            // Too many: least factors are there from the start where they divide, and parts of the rest are multiplied.
            let least = product(&free);
            let divides = left.is_multiple_of(least);
            if !divides {
                free.iter().for_each(|&slot| Mapspace::set(&mut start, slot, dim, 1));
            }
            let rest = if divides { left / least } else { left };
            let most: Vec<(u32, u32)> =
                ranges.iter().map(|&(low, high)| (1, if divides { high / low } else { high })).collect();
            for rows in parts(&primes(rest), &most) {
                empty |= rows.is_empty();
                lists.push(Listed { dim, slots: free.clone(), rows, partial: true });
            }
        }
        let fanouts = (0..model.levels).filter(|&level| model.fanout[level] != (1, 1)).map(|level| {
            let (x, y) = model.fanout[level];
            let used = start.spatial[level][..model.dims].iter().map(|&f| u64::from(f)).product();
            (level, x * y, used)
        });
        let fanouts: Vec<_> = fanouts.collect();
        let is_limited = |level: &usize| model.capacity[*level] < u64::MAX || model.least[*level] > 0;
        let limited: Vec<usize> = (0..model.levels).filter(is_limited).collect();
        let mut extents = [[1; MAX_DIMS]; MAX_LEVELS];
        for (&level, row) in limited.iter().zip(&mut extents) {
            for (dim, extent) in row[..model.dims].iter_mut().enumerate() {
                let inside = start.temporal[..=level].iter().zip(&start.spatial[..=level]);
                *extent = inside.map(|(t, s)| u64::from(t[dim]) * u64::from(s[dim])).product();
            }
        }
        let mut draws = Self { parts: Vec::new(), start, fanouts, limited, extents, empty };
        draws.parts = lists.into_iter().map(|list| draws.part(list)).collect();
        // A dimension with one factorisation needs no draw, but its factors count; dimensions with many fail first.
        draws.parts.sort_by_key(|part| std::cmp::Reverse(part.rows));
        draws
    }

    fn part(&self, Listed { dim, slots, rows, partial }: Listed) -> Part {
        let mut reach = Vec::with_capacity(rows.len() * (self.fanouts.len() + self.limited.len()));
        for row in &rows {
            let product = |holds: &dyn Fn(Slot) -> bool| {
                slots
                    .iter()
                    .zip(row)
                    .filter(|(slot, _)| holds(**slot))
                    .map(|(_, factor)| factor)
                    .product::<u32>()
            };
            reach.extend(self.fanouts.iter().map(|f| product(&|slot| slot.spatial && slot.level == f.0)));
            reach.extend(self.limited.iter().map(|&level| product(&|slot| slot.level <= level)));
        }
        Part { dim, slots, rows: rows.len() as u32, factors: rows.concat(), reach, partial }
    }
}

/// Lists the ordered factorisations of `bound` within `ranges` (least and most); `false` where there are too many.
fn list(bound: u32, ranges: &[(u32, u32)], rows: &mut Vec<Vec<u32>>) -> bool {
    extend(bound, &divisors_of(bound), ranges, &mut Vec::new(), rows)
}

/// Lists the factorisations of `left` that continue `row`.
fn extend(
    left: u32,
    divisors: &[u32],
    ranges: &[(u32, u32)],
    row: &mut Vec<u32>,
    rows: &mut Vec<Vec<u32>>,
) -> bool {
    let Some((&(least, most), further)) = ranges.split_first() else {
        if left == 1 {
            rows.push(row.clone());
        }
        return rows.len() <= MOST_ROWS;
    };
    if further.is_empty() {
        // The last one takes all that is left.
        if (least..=most).contains(&left) {
            rows.push(row.clone());
            rows.last_mut().into_iter().for_each(|row| row.push(left));
        }
        return rows.len() <= MOST_ROWS;
    }
    for &factor in divisors {
        if left.is_multiple_of(factor) && (least..=most).contains(&factor) {
            row.push(factor);
            let few = extend(left / factor, divisors, further, row, rows);
            row.pop();
            if !few {
                return false;
            }
        }
    }
    true
}

/// Splits primes until the factorisations of their products are few.
fn parts(primes: &[u32], ranges: &[(u32, u32)]) -> Vec<Vec<Vec<u32>>> {
    let mut rows = Vec::new();
    if list(primes.iter().product(), ranges, &mut rows) || primes.len() < 2 {
        return vec![rows];
    }
    let half = |odd: usize| primes.iter().copied().skip(odd).step_by(2).collect::<Vec<u32>>();
    let mut all = parts(&half(0), ranges);
    all.extend(parts(&half(1), ranges));
    all
}

impl Mapspace<'_> {
    /// Draws a mapping; `None` where it does not fit: a fan-out, a capacity, an axis of a mesh, a least utilisation or parallelism.
    pub fn draw(&self, rng: &mut ChaCha8Rng) -> Option<Nest> {
        let draws = self.draws.get_or_init(|| Draws::new(self));
        if draws.empty {
            return None;
        }
        let (chosen, keep) = self.draw_factors(draws, rng)?;
        let mut nest = draws.start;
        nest.keep = keep;
        for (part, &row) in draws.parts.iter().zip(&chosen) {
            let width = part.slots.len();
            for (&slot, &factor) in part.slots.iter().zip(&part.factors[row as usize * width..][..width]) {
                let factor = Self::get(&nest, slot, part.dim) * factor;
                Self::set(&mut nest, slot, part.dim, factor);
            }
        }
        let within = |part: &Part| {
            part.slots.iter().all(|&slot| {
                let factor = Self::get(&nest, slot, part.dim);
                factor >= self.least(slot, part.dim) && factor <= self.most(slot, part.dim)
            })
        };
        if !draws.parts.iter().filter(|part| part.partial).all(within) || !self.draw_axes(&mut nest, rng) {
            return None;
        }
        for level in 0..self.model.levels {
            self.draw_order(&mut nest, level, rng);
        }
        Some(nest)
    }

    /// Draws the row of each part and what each level keeps.
    #[inline]
    fn draw_factors(
        &self,
        draws: &Draws,
        rng: &mut ChaCha8Rng,
    ) -> Option<([u16; MOST_PARTS], [u8; MAX_LEVELS])> {
        let model = self.model;
        let mut chosen = [0u16; MOST_PARTS];
        let mut spread = [1u64; MAX_LEVELS];
        let mut extents = draws.extents;
        for (used, fanout) in spread.iter_mut().zip(&draws.fanouts) {
            *used = fanout.2;
        }
        let width = draws.fanouts.len() + draws.limited.len();
        for (part, chosen) in draws.parts.iter().zip(&mut chosen) {
            let row = if part.rows == 1 { 0 } else { below(rng, part.rows) };
            *chosen = row as u16;
            let reach = &part.reach[row as usize * width..][..width];
            let (spatial, inside) = reach.split_at(draws.fanouts.len());
            let mut beyond = false;
            for ((used, fanout), &factor) in spread.iter_mut().zip(&draws.fanouts).zip(spatial) {
                *used *= u64::from(factor);
                beyond |= *used > fanout.1;
            }
            if beyond {
                return None;
            }
            for (row, &extent) in extents.iter_mut().zip(inside) {
                row[part.dim] *= u64::from(extent);
            }
        }
        if self.limits.parallelism > 0.0 {
            let used: u64 = spread[..draws.fanouts.len()].iter().product();
            if !self.is_busy(used) {
                return None;
            }
        }
        let mut keep = draws.start.keep;
        self.draw_bypass(&mut keep, rng);
        for (&level, extents) in draws.limited.iter().zip(&extents) {
            model.words_fit(level, model.kept_words(keep[level], extents)).ok()?;
        }
        Some((chosen, keep))
    }

    fn draw_bypass(&self, keep: &mut [u8; MAX_LEVELS], rng: &mut ChaCha8Rng) {
        for eight in self.free_bypass.chunks(8) {
            for (&(level, bit), random) in eight.iter().zip(rng.next_u64().to_le_bytes()) {
                if random < KEEPS {
                    keep[level] |= bit;
                } else {
                    keep[level] &= !bit;
                }
            }
        }
    }
}

/// A number below `n`, biased by at most n / 2^32.
fn below(rng: &mut ChaCha8Rng, n: u32) -> u32 {
    ((u64::from(rng.next_u32()) * u64::from(n)) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use rand::SeedableRng;

    use super::*;
    use crate::timeloop::constraints::{Constraints, Factor, Rule};
    use crate::timeloop::mapping::check;
    use crate::timeloop::{Architecture, Arithmetic, Level, Model};
    use crate::workload::Convolution;

    fn architecture() -> Architecture {
        let level = |name: &str, size, instances, mesh_x| Level {
            name: name.into(),
            size_words: size,
            instances,
            mesh_x,
            ..Level::default()
        };
        let levels =
            vec![level("rf", Some(24), 12, 4), level("glb", Some(600), 1, 1), level("DRAM", None, 1, 1)];
        let arithmetic = Arithmetic {
            name: "mac".into(),
            word_bits: 16,
            instances: 24,
            mesh_x: 8,
            compute_pj: 1.0,
            leak_pj: 0.0,
            area_um2: 0.0,
        };
        Architecture { name: "small".into(), levels, arithmetic }.checked().unwrap()
    }

    /// Constraints with a fixed, a largest, a least and a remaining factor and some order.
    fn constraints() -> Constraints {
        let temporal = |target: &str, factors: Vec<(String, Factor)>| Rule::Temporal {
            target: target.into(),
            factors,
            innermost: vec!["R".into()],
            outermost: vec!["C".into()],
        };
        Constraints {
            rules: vec![
                temporal("rf", vec![("M".into(), Factor::AtMost(4)), ("C".into(), Factor::Exactly(2))]),
                temporal("glb", vec![("P".into(), Factor::AtLeast(2)), ("R".into(), Factor::Rest)]),
                Rule::Parallelism(0.1),
            ],
        }
    }

    #[test]
    fn what_is_drawn_fits_and_meets_the_constraints() {
        let layer = Convolution { c: 8, m: 1 << 14, r: 3, p: 36, stride: (2, 1), ..Default::default() };
        let model = Model::new(architecture(), layer.problem().unwrap()).unwrap();
        for constraints in [constraints(), Constraints::none()] {
            let limits = constraints.compile(model.architecture(), model.problem()).unwrap();
            let space = Mapspace::new(&model, &limits);
            let mut rng = ChaCha8Rng::seed_from_u64(3);
            let (mut drawn, mut rejected) = (0, 0);
            while drawn < 300 {
                let Some(nest) = space.draw(&mut rng) else {
                    rejected += 1;
                    assert!(rejected < 1_000_000, "nothing fits");
                    continue;
                };
                drawn += 1;
                check(&nest, model.architecture(), model.problem()).unwrap();
                assert_eq!(model.fits(&nest), Ok(()));
                assert!(space.busy_enough(&nest) && space.axes_allowed(&nest));
                for level in 0..model.levels {
                    for dim in 0..model.dims {
                        let (t, s) = (&limits.temporal[level], &limits.spatial[level]);
                        let (temporal, spatial) = (nest.temporal[level][dim], nest.spatial[level][dim]);
                        assert!((t.least[dim]..=t.most[dim]).contains(&temporal));
                        assert!((s.least[dim]..=s.most[dim]).contains(&spatial));
                    }
                }
            }
        }
    }

    /// Every mapping that fits is drawn, and all of them equally often.
    #[test]
    fn all_factorisations_are_equally_likely() {
        let layer = Convolution { c: 4, m: 2, ..Default::default() };
        let model = Model::new(architecture(), layer.problem().unwrap()).unwrap();
        let all = ["Weights", "Inputs", "Outputs"];
        let constraints = Constraints::none().keeping("rf", &all, &all).keeping("glb", &all, &all);
        let limits = constraints.compile(model.architecture(), model.problem()).unwrap();
        let space = Mapspace::new(&model, &limits);
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let mut seen: HashMap<Vec<u32>, u32> = HashMap::new();
        let mut drawn = 0;
        while drawn < 50_000 {
            let Some(nest) = space.draw(&mut rng) else { continue };
            drawn += 1;
            let factors =
                (0..3).flat_map(|l| [0, 1].map(|d| [nest.temporal[l][d], nest.spatial[l][d]]).concat());
            *seen.entry(factors.collect()).or_default() += 1;
        }
        // Over five blocks: two primes of C in 15 ways, less the one with both below the registers (2 units each), and the prime
        // of M in 5, less the 4 ways that have one of either there. All tiles fit.
        assert_eq!(seen.len(), 14 * 5 - 4);
        let expected = 50_000.0 / 66.0;
        assert!(seen.values().all(|&n| (f64::from(n) - expected).abs() < 6.0 * expected.sqrt()), "{seen:?}");
    }
}
