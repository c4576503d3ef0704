//! The order of elimination: Markowitz's count against fill-in, with a threshold against small pivots.

use std::collections::BTreeMap;

use super::Pattern;
use super::program::{Pivot, Program};

/// A pivot must be at least this part of the largest entry of its column.
const THRESHOLD: f64 = 1e-3;
/// Pivots smaller than this are zero.
const ABSOLUTE: f64 = 1e-200;

/// No usable pivot is left: the unknowns (1-based) of the remaining rows and columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Singular {
    /// Rows without a pivot.
    pub rows: Vec<u32>,
    /// Columns without a pivot.
    pub columns: Vec<u32>,
}

type Complex = (f64, f64);

fn times(a: Complex, b: Complex) -> Complex {
    (a.0 * b.0 - a.1 * b.1, a.0 * b.1 + a.1 * b.0)
}

fn size(a: Complex) -> f64 {
    a.0.hypot(a.1)
}

/// Orders the elimination for the values given per slot (`value(slot)` as real and imaginary part).
///
/// # Errors
/// [`Singular`] when at some step no pivot is left.
pub fn order(pattern: &Pattern, value: impl Fn(usize) -> (f64, f64)) -> Result<Program, Singular> {
    let n = pattern.n;
    let mut rows: Vec<BTreeMap<u32, (u32, Complex)>> = vec![BTreeMap::new(); n + 1];
    let mut columns: Vec<Vec<u32>> = vec![Vec::new(); n + 1];
    for (slot, (r, c)) in pattern.places.iter().enumerate().skip(1) {
        rows[*r as usize].insert(*c, (slot as u32, value(slot)));
        columns[*c as usize].push(*r);
    }
    let mut slots = pattern.places.len() as u32;
    let mut active_rows: Vec<u32> = (1..=n as u32).collect();
    let mut column_done = vec![false; n + 1];
    let mut program = Program { n, ..Program::default() };
    for _ in 0..n {
        let mut largest = vec![0.0f64; n + 1];
        let mut counts = vec![0u32; n + 1];
        for r in &active_rows {
            for (c, (_, v)) in &rows[*r as usize] {
                largest[*c as usize] = largest[*c as usize].max(size(*v));
                counts[*c as usize] += 1;
            }
        }
        // Fewest possible fill-ins first, then the diagonal, then the largest relative pivot.
        let mut best: Option<(u64, bool, f64, u32, u32)> = None;
        for r in &active_rows {
            let row = &rows[*r as usize];
            for (c, (_, v)) in row {
                let relative = size(*v) / largest[*c as usize];
                if !(size(*v) > ABSOLUTE && relative >= THRESHOLD) {
                    continue;
                }
                let fill = (row.len() as u64 - 1) * u64::from(counts[*c as usize] - 1);
                let better = best.is_none_or(|(f, d, m, _, _)| (fill, r != c, -relative) < (f, d, -m));
                if better {
                    best = Some((fill, r != c, relative, *r, *c));
                }
            }
        }
        let Some((_, _, _, pr, pc)) = best else {
            let columns = (1..=n as u32).filter(|c| !column_done[*c as usize]).collect();
            return Err(Singular { rows: active_rows, columns });
        };
        active_rows.retain(|r| *r != pr);
        column_done[pc as usize] = true;
        let pivot_row = std::mem::take(&mut rows[pr as usize]);
        let Some((diagonal, pivot)) = pivot_row.get(&pc).copied() else { continue };
        let norm = pivot.0 * pivot.0 + pivot.1 * pivot.1;
        let inverse =
            if norm.is_normal() { (pivot.0 / norm, -pivot.1 / norm) } else { (1.0 / size(pivot), 0.0) };
        let (l0, u0) = (program.lower.len() as u32, program.upper.len() as u32);
        for (c, (slot, _)) in &pivot_row {
            if *c != pc {
                program.upper.push((*slot, *c));
            }
        }
        let below: Vec<u32> =
            columns[pc as usize].iter().copied().filter(|r| active_rows.contains(r)).collect();
        for r in below {
            let Some((slot, v)) = rows[r as usize].remove(&pc) else { continue };
            let multiplier = times(v, inverse);
            program.lower.push((slot, r));
            for (c, (_, u)) in &pivot_row {
                if *c == pc {
                    continue;
                }
                let entry = rows[r as usize].entry(*c).or_insert_with(|| {
                    columns[*c as usize].push(r);
                    slots += 1;
                    (slots - 1, (0.0, 0.0))
                });
                let change = times(multiplier, *u);
                entry.1 = (entry.1.0 - change.0, entry.1.1 - change.1);
                program.targets.push(entry.0);
            }
        }
        program.pivots.push(Pivot {
            diagonal,
            row: pr,
            column: pc,
            lower: (l0, program.lower.len() as u32),
            upper: (u0, program.upper.len() as u32),
        });
    }
    program.slots = slots as usize;
    Ok(program)
}
