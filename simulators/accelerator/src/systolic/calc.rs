//! The array alone, memory always ready: cycles, utilisations and SRAM traffic in closed form.
use serde::Serialize;

use super::{
    config::{Array, Layer},
    geometry::{Geometry, Operand, Side},
};
use crate::error::Result;

/// Three numbers, one for each of the operands and the result.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts<T = u64> {
    /// Input feature map.
    pub ifmap: T,
    /// Filters.
    pub filter: T,
    /// Output feature map.
    pub ofmap: T,
}

/// First and last cycle in which a memory is busy. Reads are served one cycle after their request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Span {
    /// First busy cycle.
    pub start: i64,
    /// Last busy cycle.
    pub stop: i64,
}

/// What the array does by itself.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Computation {
    /// Cycles without any stall.
    pub cycles: u64,
    /// Multiply-accumulate operations.
    pub macs: u64,
    /// Share of the array's multiply-accumulate slots that did work, in percent of all cycles.
    pub overall_utilization_percent: f64,
    /// Share of processing elements that a fold occupies, averaged over the folds, in percent.
    pub mapping_efficiency_percent: f64,
    /// Share of useful slots while a fold computes, in percent.
    pub compute_utilization_percent: f64,
    /// SRAM reads of inputs and filters, writes of outputs, in words.
    pub sram: Counts,
    /// When each SRAM is busy.
    pub sram_span: Counts<Span>,
}

impl Computation {
    /// Utilisation of the array in percent if the run takes `cycles` cycles instead.
    pub(super) fn utilization_percent(&self, cycles: u64, array: &Array) -> f64 {
        100.0 * self.macs as f64 / (cycles as f64 * (array.rows * array.columns) as f64)
    }

    /// Average SRAM bandwidths in words per cycle over a run of `cycles` cycles.
    pub fn sram_words_per_cycle(&self, cycles: u64) -> Counts<f64> {
        let rate = |words: u64| words as f64 / cycles as f64;
        Counts { ifmap: rate(self.sram.ifmap), filter: rate(self.sram.filter), ofmap: rate(self.sram.ofmap) }
    }
}

/// Evaluates one layer on one array with memories that never stall.
///
/// `compat` reproduces SCALE-Sim's count of output writes for output stationary arrays, which is one row and one
/// column too high for every fold; nothing else differs.
///
/// # Errors
/// When the layer or the array does not pass its `check`.
pub fn compute(layer: &Layer, array: &Array, compat: bool) -> Result<Computation> {
    layer.check()?;
    array.check()?;
    Ok(compute_geometry(&Geometry::new(layer, array), array, compat))
}

pub(super) fn compute_geometry(geometry: &Geometry, array: &Array, compat: bool) -> Computation {
    let g = geometry;
    let output_stationary = g.load_lines == 0;
    let folds = g.folds();
    let cycles = g.lines() - 1;
    let cells = (g.rows * g.columns) as f64;
    let mapped = g.over_rows as f64 * g.over_columns as f64;
    let streamed_rows = g.column_folds * g.over_rows * g.over_time;
    let (busy, sram) = if output_stationary {
        let surplus = if compat { folds * (g.rows + g.columns) } else { 0 };
        let sram = Counts {
            ifmap: streamed_rows,
            filter: g.row_folds * g.over_time * g.over_columns,
            ofmap: g.over_rows * g.over_columns + surplus,
        };
        (g.fold_lines, sram)
    } else {
        let stationary = g.over_rows * g.over_columns;
        let ofmap = g.row_folds * g.over_time * g.over_columns;
        let sram = if g.side(Operand::Input) == Side::RowStream {
            Counts { ifmap: streamed_rows, filter: stationary, ofmap }
        } else {
            Counts { ifmap: stationary, filter: streamed_rows, ofmap }
        };
        // The reference charges both skews to the computation of a fold.
        (g.over_time + 2 * g.rows + 2 * g.columns - 3, sram)
    };
    let macs = g.layer.macs();
    let mut result = Computation {
        cycles,
        macs,
        overall_utilization_percent: 0.0,
        mapping_efficiency_percent: 100.0 * mapped / (folds as f64 * cells),
        compute_utilization_percent: 100.0 * mapped * g.over_time as f64
            / (folds as f64 * cells * busy as f64),
        sram,
        sram_span: Counts {
            ifmap: read_span(g, Operand::Input),
            filter: read_span(g, Operand::Filter),
            ofmap: write_span(g),
        },
    };
    result.overall_utilization_percent = result.utilization_percent(cycles, array);
    result
}

/// Cycle of the first request of an operand (a window at the start of the input never hangs over the edge).
pub(super) fn first_request(g: &Geometry, operand: Operand) -> u64 {
    match g.side(operand) {
        Side::RowStream => g.load_lines,
        Side::ColumnStream => 0,
        Side::Stationary => g.rows - g.used_rows(0),
    }
}

fn read_span(g: &Geometry, operand: Operand) -> Span {
    let last_fold = (g.folds() - 1) * g.fold_lines;
    let last = match g.side(operand) {
        _ if !g.complete(operand) => last_request_with_overhang(g, operand),
        Side::RowStream => last_fold + g.load_lines + g.over_time - 1 + g.used_rows(g.row_folds - 1) - 1,
        Side::ColumnStream => last_fold + g.over_time - 1 + g.used_columns(g.column_folds - 1) - 1,
        Side::Stationary => last_fold + g.rows - 1,
    };
    Span { start: first_request(g, operand) as i64 + 1, stop: last as i64 + 1 }
}

/// The last request for an element inside the input; looks backwards from the last cycle of the last fold.
fn last_request_with_overhang(g: &Geometry, operand: Operand) -> u64 {
    for fold in (0..g.folds()).rev() {
        let (column_fold, row_fold) = (fold / g.row_folds, fold % g.row_folds);
        let used_rows = g.used_rows(row_fold);
        let base = fold * g.fold_lines;
        if g.side(operand) == Side::RowStream {
            for line in (0..g.over_time + used_rows - 1).rev() {
                let first = line.saturating_sub(g.over_time - 1);
                for port in first..used_rows.min(line + 1) {
                    let (outer, inner) = g.element(operand, row_fold * g.rows + port, line - port);
                    if g.address(operand, outer, inner).is_some() {
                        return base + g.load_lines + line;
                    }
                }
            }
        } else {
            for row in 0..used_rows {
                for column in 0..g.used_columns(column_fold) {
                    let along = column_fold * g.columns + column;
                    let (outer, inner) = g.element(operand, along, row_fold * g.rows + row);
                    if g.address(operand, outer, inner).is_some() {
                        return base + g.rows - 1 - row;
                    }
                }
            }
        }
    }
    0
}

fn write_span(g: &Geometry) -> Span {
    let (start, _) = g.write_window(0);
    let (offset, height) = g.write_window(g.row_folds - 1);
    let last = (g.folds() - 1) * g.fold_lines + offset + height - 1 + g.used_columns(g.column_folds - 1) - 1;
    Span { start: start as i64, stop: last as i64 }
}
