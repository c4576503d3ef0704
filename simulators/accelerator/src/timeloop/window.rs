//! A rank that slides: the points `c1 * i + c2 * j + ...` of a tile, counted as a set, and those it shares with itself moved.
//!
//! With two dimensions and coprime coefficients the pairs `(i, j)` and `(i + c2, j - c1)` are the same point, and nothing
//! else coincides. That gives both counts in closed form.
use crate::workload::MAX_DIMS;

/// A rank with at least two dimensions of more than one index, some points of which coincide.
#[derive(Debug, Clone)]
pub(crate) struct Window {
    /// Terms `(dim, coefficient)`, the coefficients without their common divisor.
    terms: Vec<(usize, i64)>,
    /// The common divisor: moves that it does not divide share no point.
    divisor: i64,
    /// The inverse of the first coefficient modulo the second, where there are two.
    inverse: i64,
}

impl Window {
    pub fn new(terms: &[(usize, u64)]) -> Self {
        let divisor = terms.iter().fold(0, |g, t| gcd(g, t.1)).max(1);
        let mut terms: Vec<(usize, i64)> = terms.iter().map(|&(d, c)| (d, (c / divisor) as i64)).collect();
        // The smaller coefficient second: one residue is enough where it is 1.
        terms.sort_by_key(|t| std::cmp::Reverse(t.1));
        let inverse = match terms[..] {
            [a, b] => (0..b.1).find(|x| (a.1 * x) % b.1 == 1 % b.1).unwrap_or(0),
            _ => 0,
        };
        Self { terms, divisor: divisor as i64, inverse }
    }

    /// Its dimensions.
    pub fn dims(&self) -> impl Iterator<Item = usize> {
        self.terms.iter().map(|t| t.0)
    }

    /// How far one index of a dimension moves the window.
    #[inline]
    pub fn step(&self, dim: u8) -> i64 {
        self.terms.iter().find(|t| t.0 == dim as usize).map_or(0, |t| t.1 * self.divisor)
    }

    /// The coefficient of a dimension, without the common divisor.
    pub fn coefficient(&self, dim: usize) -> Option<u64> {
        self.terms.iter().find(|t| t.0 == dim).map(|t| t.1 as u64)
    }

    /// Points over these extents.
    #[inline]
    pub fn size(&self, extents: &[u64; MAX_DIMS]) -> u64 {
        match self.terms[..] {
            [(a, ca), (b, cb)] => {
                let (a, b) = (extents[a], extents[b]);
                a * b - a.saturating_sub(cb as u64) * b.saturating_sub(ca as u64)
            }
            _ => self.points(extents).iter().filter(|&&hit| hit).count() as u64,
        }
    }

    /// Points over these extents that are also points of the same tile moved by `shift`.
    #[inline]
    pub fn overlap(&self, extents: &[u64; MAX_DIMS], shift: i64) -> u64 {
        if shift % self.divisor != 0 {
            return 0;
        }
        let shift = shift / self.divisor;
        match self.terms[..] {
            [(a, ca), (b, cb)] => {
                self.overlap_of_two((extents[a] as i64, ca), (extents[b] as i64, cb), shift)
            }
            _ => {
                let points = self.points(extents);
                let by = shift.unsigned_abs() as usize;
                points.iter().skip(by).zip(&points).filter(|&(&x, &y)| x && y).count() as u64
            }
        }
    }

    fn overlap_of_two(&self, (a, ca): (i64, i64), (b, cb): (i64, i64), shift: i64) -> u64 {
        // shift = ca * x + cb * y with x in 0..cb.
        let x = shift.rem_euclid(cb) * self.inverse % cb;
        let y = (shift - ca * x) / cb;
        let common = |extent: i64, by: i64| (extent - by.abs()).max(0);
        if a <= cb || b <= ca {
            // No two points coincide. Of the pairs for the shift only two are near enough.
            let (mut x, mut y) = (x, y);
            if a > cb {
                let turns = y.div_euclid(ca);
                (x, y) = (x + turns * cb, y - turns * ca);
                return (common(a, x) * common(b, y) + common(a, x + cb) * common(b, y - ca)) as u64;
            }
            return (common(a, x) * common(b, y) + common(a, x - cb) * common(b, y + ca)) as u64;
        }
        // The points whose first index has the same remainder by `cb` are a run without gaps.
        let run = |remainder: i64| ca * ((a - 1 - remainder) / cb) + b;
        let mut words = 0;
        for from in 0..cb {
            let (to, start) = if from + x < cb { (from + x, y) } else { (from + x - cb, y + ca) };
            words += (run(to).min(start + run(from)) - start.max(0)).max(0);
        }
        words as u64
    }

    /// Which places between the first point and the last are points.
    fn points(&self, extents: &[u64; MAX_DIMS]) -> Vec<bool> {
        let steps = self.terms.iter().map(|&(d, c)| (c as u64, extents[d]));
        sums(steps)
    }
}

/// Which sums of the progressions `step * index`, `index < count`, there are, from 0 to the largest.
pub(crate) fn sums(progressions: impl Iterator<Item = (u64, u64)>) -> Vec<bool> {
    let mut found = vec![true];
    for (step, count) in progressions {
        let mut longer = vec![false; found.len() + (step * (count - 1)) as usize];
        for index in 0..count {
            let start = (step * index) as usize;
            for (slot, &hit) in longer[start..].iter_mut().zip(&found) {
                *slot |= hit;
            }
        }
        found = longer;
    }
    found
}

pub(crate) fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn by_enumeration(terms: &[(usize, u64)], extents: &[u64; MAX_DIMS]) -> BTreeSet<i64> {
        let mut points = BTreeSet::from([0]);
        for &(dim, coefficient) in terms {
            points = points
                .iter()
                .flat_map(|p| (0..extents[dim]).map(move |i| p + (coefficient * i) as i64))
                .collect();
        }
        points
    }

    #[test]
    fn sizes_and_overlaps_are_those_of_the_sets() {
        let cases = [(1, 1), (2, 1), (1, 4), (3, 2), (2, 3), (4, 2), (5, 3), (6, 4), (3, 3), (7, 5)];
        for (c0, c1) in cases {
            for three in [false, true] {
                let mut terms = vec![(0, c0), (1, c1)];
                terms.extend(three.then_some((2, 2)));
                let window = Window::new(&terms);
                for (e0, e1) in (1..10).flat_map(|a| (1..10).map(move |b| (a, b))) {
                    let mut extents = [1; MAX_DIMS];
                    (extents[0], extents[1], extents[2]) = (e0, e1, 2);
                    let points = by_enumeration(&terms, &extents);
                    assert_eq!(window.size(&extents), points.len() as u64, "{terms:?} {e0} {e1}");
                    let reach = (c0 * e0 + c1 * e1 + 3) as i64;
                    for shift in -reach..=reach {
                        let common = points.iter().filter(|&p| points.contains(&(p - shift))).count();
                        let got = window.overlap(&extents, shift);
                        assert_eq!(got, common as u64, "{terms:?} {e0} {e1} {shift}");
                    }
                }
            }
        }
    }
}
