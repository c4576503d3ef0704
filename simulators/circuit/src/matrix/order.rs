//! The order of elimination: pivots are chosen by Markowitz's count against fill-in, with a threshold against small pivots, while the
//! values are eliminated alongside.

use super::Pattern;
use super::elimination::Elimination;
use super::pivot;
use super::program::{Pivot, Program};

/// No usable pivot is left: the unknowns (1-based) of the remaining rows and columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Singular {
    /// Rows without a pivot.
    pub rows: Vec<u32>,
    /// Columns without a pivot.
    pub columns: Vec<u32>,
}

/// Up to this many unknowns every entry is looked at for every pivot: the least fill-in, and a cost that nobody notices. Beyond, the
/// candidates come from lists by count, so that the cost grows with the entries and not with their square.
const EXHAUSTIVE: usize = 100;

/// Orders the elimination for the values given per slot (`value(slot)` as real and imaginary part).
///
/// # Errors
/// [`Singular`] when at some step no pivot is left.
pub fn order(pattern: &Pattern, value: impl Fn(usize) -> (f64, f64)) -> Result<Program, Singular> {
    let n = pattern.n;
    let mut left = Elimination::new(pattern, value);
    let mut program = Program { n, ..Program::default() };
    let (mut upper, mut lower): (Vec<u32>, Vec<u32>) = (Vec::new(), Vec::new());
    for _ in 0..n {
        let chosen = if n <= EXHAUSTIVE { pivot::exhaustive(&left) } else { pivot::listed(&left) };
        let Some(chosen) = chosen else {
            return Err(Singular { rows: left.rows.remaining(), columns: left.columns.remaining() });
        };
        left.detach(chosen, &mut upper, &mut lower);
        let (l0, u0) = (program.lower.len() as u32, program.upper.len() as u32);
        program.upper.extend(upper.iter().map(|e| left.entry(*e)).map(|e| (e.slot, e.column)));
        for e in &lower {
            let below = left.entry(*e);
            program.lower.push((below.slot, below.row));
            left.subtract(chosen, *e, &upper, &mut program.targets);
        }
        let pivot = left.entry(chosen);
        program.pivots.push(Pivot {
            diagonal: pivot.slot,
            row: pivot.row,
            column: pivot.column,
            lower: (l0, program.lower.len() as u32),
            upper: (u0, program.upper.len() as u32),
        });
    }
    program.slots = left.slots as usize;
    Ok(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A mesh of `side` by `side` conductances to four neighbours and to ground, and one voltage source at its first node.
    fn mesh(side: u32) -> (Pattern, Vec<f64>) {
        let n = side * side;
        let mut pattern = Pattern::new(n as usize + 1);
        let mut values = vec![0.0];
        let mut add = |r: u32, c: u32, v: f64| {
            let slot = pattern.slot(r, c) as usize;
            values.resize(values.len().max(slot + 1), 0.0);
            values[slot] += v;
        };
        for k in 0..n {
            add(k + 1, k + 1, 4.0 + f64::from(k % 7));
            for other in [(k % side + 1 < side).then_some(k + 1), Some(k + side)].into_iter().flatten() {
                if other < n {
                    add(k + 1, other + 1, -1.0);
                    add(other + 1, k + 1, -1.0);
                }
            }
        }
        add(1, n + 1, 1.0);
        add(n + 1, 1, 1.0);
        (pattern, values)
    }

    #[test]
    fn a_large_mesh_is_solved_with_little_fill_in() {
        let (pattern, values) = mesh(40);
        let program = order(&pattern, |s| (values[s], 0.0)).unwrap();
        let n = pattern.n;
        // Eliminated row by row, the band of 40 would take 2 x 40 x 1600 = 128,000 entries.
        assert!(program.slots < 45_000, "{}", program.slots);
        let mut a = values.clone();
        a.resize(program.slots, 0.0);
        assert!(program.factor(&mut a) < 1e3);
        let solution: Vec<f64> = (0..=n).map(|k| if k == 0 { 0.0 } else { (k as f64).sin() }).collect();
        let mut b = vec![0.0; n + 1];
        for ((r, c), v) in pattern.places.iter().zip(&values).skip(1) {
            b[*r as usize] += v * solution[*c as usize];
        }
        let mut x = vec![0.0; n + 1];
        program.solve(&a, &mut b, &mut x);
        for (got, want) in x.iter().zip(&solution) {
            assert!((got - want).abs() < 1e-10, "{got} {want}");
        }
    }

    #[test]
    fn lists_by_count_fill_in_no_more_than_the_exhaustive_search_by_a_fifth() {
        let (pattern, values) = mesh(9);
        assert!(pattern.n <= EXHAUSTIVE);
        let best = order(&pattern, |s| (values[s], 0.0)).unwrap();
        let mut left = Elimination::new(&pattern, |s| (values[s], 0.0));
        let (mut upper, mut lower, mut targets) = (Vec::new(), Vec::new(), Vec::new());
        while let Some(chosen) = pivot::listed(&left) {
            left.detach(chosen, &mut upper, &mut lower);
            for e in &lower {
                left.subtract(chosen, *e, &upper, &mut targets);
            }
        }
        assert!(left.rows.remaining().is_empty());
        assert!(f64::from(left.slots) < 1.2 * best.slots as f64, "{} {}", left.slots, best.slots);
    }

    #[test]
    fn a_large_singular_matrix_names_its_unknowns() {
        let (mut pattern, values) = mesh(12);
        pattern.n += 1;
        let bad = order(&pattern, |s| (values[s], 0.0)).unwrap_err();
        assert_eq!((bad.rows, bad.columns), (vec![146], vec![146]));
    }
}
