//! When the folds begin, and what they write.
use super::super::geometry::Geometry;
use crate::error::{Error, Result};

/// The folds of a layer, columns of folds outermost.
pub(super) struct Folds<'a> {
    pub g: &'a Geometry,
    pub output_stationary: bool,
}

/// What the array writes, and what of it goes to DRAM.
pub(super) struct Outputs {
    /// Words written to the output buffer, and words read from it to be added to.
    pub written: u64,
    pub added_to: u64,
    /// Words written to DRAM and read back.
    pub dram_written: u64,
    pub dram_read: u64,
    /// Half the buffer.
    pub half: u64,
}

impl<'a> Folds<'a> {
    pub fn new(g: &'a Geometry) -> Self {
        Self { g, output_stationary: g.load_lines == 0 }
    }

    /// Cycles in which a fold of `rows` x `columns` computes.
    fn computing(&self, rows: u64, columns: u64) -> u64 {
        self.g.over_time + rows + columns - 2
    }

    /// Cycles in which a stationary operand is loaded.
    pub fn loading(&self, rows: u64) -> u64 {
        if self.output_stationary { 0 } else { rows }
    }

    /// Cycles to the last multiply-accumulate of a fold.
    pub fn last_mac(&self, rows: u64, columns: u64) -> u64 {
        self.loading(rows) + self.computing(rows, columns)
    }

    /// Cycles from the begin of a fold to that of the next: the drain of an output stationary fold has `rows` cycles
    /// more than the computation, and must be over when the next fold has its first result, `over_time` cycles on.
    pub fn length(&self, rows: u64, columns: u64) -> u64 {
        let wait = if self.output_stationary { rows.saturating_sub(self.g.over_time) } else { 0 };
        self.last_mac(rows, columns) + wait
    }

    /// Cycle of a fold in which its first result is written.
    pub fn first_output(&self, rows: u64) -> u64 {
        if self.output_stationary { self.g.over_time } else { rows + self.g.rows }
    }

    /// Cycles from the last multiply-accumulate of a fold until its last result is written.
    fn drain(&self, rows: u64) -> u64 {
        if self.output_stationary { rows } else { self.g.rows - rows + 1 }
    }

    pub fn last_shape(&self) -> (u64, u64) {
        (self.g.used_rows(self.g.row_folds - 1), self.g.used_columns(self.g.column_folds - 1))
    }

    pub fn drain_cycles(&self) -> u64 {
        self.drain(self.last_shape().0)
    }

    /// The different shapes of folds with how often each occurs.
    fn shapes(&self) -> [(u64, u64, u64); 4] {
        let g = self.g;
        let (last_rows, last_columns) = self.last_shape();
        let (rows, columns) = (g.row_folds - 1, g.column_folds - 1);
        [
            (g.rows, g.columns, rows * columns),
            (last_rows, g.columns, columns),
            (g.rows, last_columns, rows),
            (last_rows, last_columns, 1),
        ]
    }

    /// Cycles to the last multiply-accumulate of the layer, without stalls.
    pub fn cycles(&self) -> u64 {
        let (rows, columns) = self.last_shape();
        let all: u64 = self.shapes().iter().map(|&(r, c, times)| times * self.length(r, c)).sum();
        all - self.length(rows, columns) + self.last_mac(rows, columns)
    }

    pub fn mapping_efficiency_percent(&self) -> f64 {
        let mapped = self.g.over_rows as f64 * self.g.over_columns as f64;
        100.0 * mapped / (self.g.folds() as f64 * (self.g.rows * self.g.columns) as f64)
    }

    pub fn compute_utilization_percent(&self) -> f64 {
        let computing: u64 = self.shapes().iter().map(|&(r, c, times)| times * self.computing(r, c)).sum();
        let slots = computing as f64 * (self.g.rows * self.g.columns) as f64;
        100.0 * self.g.layer.macs() as f64 / slots
    }

    /// Results that a fold writes before its cycle `first_output + line`.
    pub fn written_before(&self, rows: u64, columns: u64, line: u64) -> u64 {
        // Column c writes row r (step t) in line 2 r + c (t + c) after the first.
        let (count, distance) = if self.output_stationary { (rows, 2) } else { (self.g.over_time, 1) };
        sum_of_ramps(line, columns, count, distance)
    }

    /// Whether the partial sums of a column of folds stay in the output buffer.
    pub fn accumulates(&self, columns: u64, half: u64) -> bool {
        !self.output_stationary && self.g.over_time * columns <= half
    }

    /// # Errors
    /// When half the buffer does not hold what the columns write in one cycle.
    pub fn outputs(&self, size: u64) -> Result<Outputs> {
        let g = self.g;
        let half = size / 2;
        let columns = g.used_columns(0);
        if columns > half {
            return Err(Error::invalid(
                format!("half of an output buffer of {size} words does not hold a line of {columns} words"),
                "choose a larger output buffer or fewer columns",
            ));
        }
        let results = g.layer.outputs_per_filter() * g.layer.filters;
        if self.output_stationary {
            return Ok(Outputs { written: results, added_to: 0, dram_written: results, dram_read: 0, half });
        }
        let (written, added_to) = (g.row_folds * results, (g.row_folds - 1) * results);
        // Columns of folds that are narrower may stay where the others do not.
        let mut dram = (0, 0);
        for (columns, times) in [(g.columns, g.column_folds - 1), (self.last_shape().1, 1)] {
            let sums = times * columns * g.over_time;
            if self.accumulates(columns, half) {
                dram.0 += sums;
            } else {
                dram.0 += g.row_folds * sums;
                dram.1 += (g.row_folds - 1) * sums;
            }
        }
        Ok(Outputs { written, added_to, dram_written: dram.0, dram_read: dram.1, half })
    }
}

/// Number of pairs (i, j) with i < `count`, j < `columns` and `distance` i + j < `line`.
pub(super) fn sum_of_ramps(line: u64, columns: u64, count: u64, distance: u64) -> u64 {
    // Column j has as many as there are multiples of `distance` below line - j, at most `count`.
    let columns = columns.min(line);
    // Columns whose count is reached: line - j > distance (count - 1).
    let full = (line.saturating_sub(distance * (count - 1))).min(columns);
    let partial = |upto: u64| {
        // Sum over x = 1..=upto of ceil(x / distance), for distances 1 and 2.
        let (whole, rest) = (upto / distance, upto % distance);
        distance * whole * (whole + 1) / 2 + rest * (whole + 1)
    };
    // The others are j = full .. columns, with x = line - j from line - columns + 1 to line - full.
    full * count + partial(line - full) - partial(line - columns)
}

#[cfg(test)]
mod tests {
    use super::sum_of_ramps;

    #[test]
    fn the_sum_in_closed_form_equals_counting() {
        for distance in [1, 2] {
            for (columns, count) in [(1, 1), (1, 5), (4, 1), (3, 7), (7, 3)] {
                for line in 0..30 {
                    let pairs = (0..count).flat_map(|i| (0..columns).map(move |j| distance * i + j));
                    let expected = pairs.filter(|&at| at < line).count() as u64;
                    assert_eq!(sum_of_ramps(line, columns, count, distance), expected);
                }
            }
        }
    }
}
