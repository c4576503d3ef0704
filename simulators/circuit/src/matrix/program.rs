//! The elimination as a flat list of operations on slots, and its real-valued execution.

/// One elimination step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pivot {
    /// Slot of the pivot; holds its reciprocal after factoring.
    pub diagonal: u32,
    /// Row of the pivot.
    pub row: u32,
    /// Column of the pivot.
    pub column: u32,
    /// Range of `lower`.
    pub lower: (u32, u32),
    /// Range of `upper`.
    pub upper: (u32, u32),
}

/// A factorisation plan for one pattern.
#[derive(Debug, Clone, Default)]
pub struct Program {
    /// Number of unknowns.
    pub n: usize,
    /// Slots including fill-in; value arrays have this length.
    pub slots: usize,
    pub(super) pivots: Vec<Pivot>,
    /// Slot and row of the entries below each pivot.
    pub(super) lower: Vec<(u32, u32)>,
    /// Slot and column of the entries right of each pivot.
    pub(super) upper: Vec<(u32, u32)>,
    /// For each pivot, each lower entry, each upper entry: the slot that changes.
    pub(super) targets: Vec<u32>,
}

impl Program {
    /// Factors `a` (original entries and zeroed fill-in) in place. Returns the largest multiplier: above about 1e8 the order does not
    /// suit the values any more, and infinity means a zero pivot.
    pub fn factor(&self, a: &mut [f64]) -> f64 {
        let mut t = 0usize;
        let mut growth = 0.0f64;
        for p in &self.pivots {
            let inverse = 1.0 / a[p.diagonal as usize];
            a[p.diagonal as usize] = inverse;
            let upper = &self.upper[p.upper.0 as usize..p.upper.1 as usize];
            for (slot, _) in &self.lower[p.lower.0 as usize..p.lower.1 as usize] {
                let value = a[*slot as usize];
                let multiplier = value * inverse;
                a[*slot as usize] = multiplier;
                growth = growth.max(multiplier.abs());
                let targets = &self.targets[t..t + upper.len()];
                for ((u, _), target) in upper.iter().zip(targets) {
                    let change = multiplier * a[*u as usize];
                    a[*target as usize] -= change;
                }
                t += upper.len();
            }
            if !inverse.is_finite() {
                return f64::INFINITY;
            }
        }
        if growth.is_nan() { f64::INFINITY } else { growth }
    }

    /// Solves with a factored `a`; `b` (by row, index 0 unused) is consumed and `x` (by column) filled.
    pub fn solve(&self, a: &[f64], b: &mut [f64], x: &mut [f64]) {
        for p in &self.pivots {
            let pivot = b[p.row as usize];
            if pivot != 0.0 {
                for (slot, row) in &self.lower[p.lower.0 as usize..p.lower.1 as usize] {
                    b[*row as usize] -= a[*slot as usize] * pivot;
                }
            }
        }
        for p in self.pivots.iter().rev() {
            let mut sum = b[p.row as usize];
            for (slot, column) in &self.upper[p.upper.0 as usize..p.upper.1 as usize] {
                sum -= a[*slot as usize] * x[*column as usize];
            }
            x[p.column as usize] = sum * a[p.diagonal as usize];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Pattern, order};

    #[test]
    fn solves_with_fill_in_and_off_diagonal_pivots() {
        // [0 1 2; 3 0 1; 1 1 0] x = [8, 6, 3] has x = [1, 2, 3].
        let mut p = Pattern::new(3);
        let entries = [(1, 2, 1.0), (1, 3, 2.0), (2, 1, 3.0), (2, 3, 1.0), (3, 1, 1.0), (3, 2, 1.0)];
        let slots: Vec<(u32, f64)> = entries.iter().map(|(r, c, v)| (p.slot(*r, *c), *v)).collect();
        let values: Vec<f64> = (0..p.places.len())
            .map(|s| slots.iter().find(|x| x.0 == s as u32).map_or(0.0, |x| x.1))
            .collect();
        let program = order(&p, |s| (values[s], 0.0)).unwrap();
        let mut a = values.clone();
        a.resize(program.slots, 0.0);
        assert!(program.factor(&mut a) < 1e3);
        let mut x = vec![0.0; 4];
        program.solve(&a, &mut [0.0, 8.0, 6.0, 3.0], &mut x);
        for (got, want) in x[1..].iter().zip([1.0, 2.0, 3.0]) {
            assert!((got - want).abs() < 1e-14);
        }
    }

    #[test]
    fn a_singular_matrix_names_the_unknowns() {
        let mut p = Pattern::new(2);
        p.slot(1, 1);
        p.slot(2, 1);
        let bad = order(&p, |_| (1.0, 0.0)).unwrap_err();
        assert_eq!(bad.columns, vec![2]);
    }
}
