//! The true numbers of a systolic array: registers of every processing element, and double-buffered memories.
//!
//! The hardware that is counted (`tests/systolic_oracle.rs` builds it register by register and word by word):
//! * Operands enter at the left and upper edges, one word a row and a column each cycle, and move on by one element a
//!   cycle. A stationary operand is first shifted in from above, one row a cycle. Only rows and columns that have work
//!   take part in a fold. A fold begins after the last multiply-accumulate of the one before.
//! * Output stationary results leave upwards through a chain of registers beside the accumulators, while the next fold
//!   runs; a fold begins so late that its first result enters the chains after the last of the fold before has left them.
//!   With a window of at least as many elements as rows that costs nothing.
//! * Partial sums of the other dataflows leave at the lower edge and are added to those in the output buffer. Where the
//!   sums of a column of folds exceed half that buffer, they go to DRAM and come back for the next row of folds.
//! * An operand that fits into its buffer is in it before the start, each word read once. Of another one half a buffer
//!   is in use while the other half is filled with what comes next: the words of a fold, each once, where they fit into
//!   a half (and they stay for as long as the following folds need the same ones), else the words in the order in which
//!   the array asks for them. The first half is filled before the start.
//! * The array stands still as a whole while a half that it needs is not ready.
mod fold;
mod network;
mod plan;
mod tile;
mod timing;

use serde::Serialize;

pub use network::{ExactNetwork, simulate_network_exact};

use self::{fold::Folds, plan::Plan, timing::Timing};
use super::{
    calc::Counts,
    config::{Array, Buffers, Layer},
    geometry::{Geometry, Operand},
};
use crate::error::Result;

/// One layer on one array, counted as the hardware would.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ExactSimulation {
    /// Cycles to the last multiply-accumulate, stalls included.
    pub cycles: u64,
    /// Cycles of these in which the array waits for one of its three memories.
    pub stall_cycles: u64,
    /// Cycles in which the buffers are filled before the array starts; not part of `cycles`. 0 without a bandwidth.
    pub fill_cycles: u64,
    /// Cycles from the last multiply-accumulate until the last result has left the array; not part of `cycles`.
    pub drain_cycles: u64,
    /// Cycles from then on until the last word has reached DRAM; not part of `cycles`. 0 without a bandwidth.
    pub write_back_cycles: u64,
    /// Multiply-accumulate operations.
    pub macs: u64,
    /// Share of the array's multiply-accumulate slots that did work, in percent of all cycles.
    pub overall_utilization_percent: f64,
    /// Share of processing elements that a fold occupies, averaged over the folds, in percent.
    pub mapping_efficiency_percent: f64,
    /// Share of useful slots while folds compute: without stalls, loading of stationary operands and waiting for drains.
    pub compute_utilization_percent: f64,
    /// Words that the array reads from the buffers of inputs and filters and writes to that of outputs.
    pub sram_words: Counts,
    /// Partial sums read from the output buffer to be added to, in words.
    pub partial_sum_reads: u64,
    /// Words read from DRAM (inputs, filters) and written to it (outputs and spilled partial sums).
    pub dram_words: Counts,
    /// Spilled partial sums read back from DRAM, in words.
    pub dram_partial_sum_reads: u64,
}

/// Counts one layer on one array with `buffers`. `bandwidth_limited` says whether `buffers.words_per_cycle` limits the
/// three interfaces to DRAM; without it the array never waits, and the DRAM words are those of the buffer sizes.
///
/// # Errors
/// When the layer, the array or the buffers do not pass their `check`; when half a buffer does not hold the words that the
/// array asks for in one cycle; or when an input with overlapping windows is too large to be counted fold by fold.
pub fn simulate_exact(
    layer: &Layer,
    array: &Array,
    buffers: &Buffers,
    bandwidth_limited: bool,
) -> Result<ExactSimulation> {
    layer.check()?;
    array.check()?;
    buffers.check()?;
    let g = Geometry::new(&layer.trimmed(), array);
    let folds = Folds::new(&g);
    let ifmap = Plan::new(&g, Operand::Input, buffers.ifmap_words, layer.ifmap_elements())?;
    let filter = Plan::new(&g, Operand::Filter, buffers.filter_words, 0)?;
    let outputs = folds.outputs(buffers.ofmap_words)?;
    let mut result = ExactSimulation {
        cycles: folds.cycles(),
        stall_cycles: 0,
        fill_cycles: 0,
        drain_cycles: folds.drain_cycles(),
        write_back_cycles: 0,
        macs: g.layer.macs(),
        overall_utilization_percent: 0.0,
        mapping_efficiency_percent: folds.mapping_efficiency_percent(),
        compute_utilization_percent: folds.compute_utilization_percent(),
        sram_words: Counts { ifmap: ifmap.requests, filter: filter.requests, ofmap: outputs.written },
        partial_sum_reads: outputs.added_to,
        dram_words: Counts { ifmap: ifmap.words, filter: filter.words, ofmap: outputs.dram_written },
        dram_partial_sum_reads: outputs.dram_read,
    };
    if bandwidth_limited {
        let width = buffers.words_per_cycle;
        let run = Timing::new(&folds, [&ifmap, &filter], &outputs, width).run();
        result.cycles += run.stalls;
        result.stall_cycles = run.stalls;
        result.drain_cycles += run.drain_stalls;
        result.write_back_cycles = run.write_back;
        result.fill_cycles = ifmap.first_words.max(filter.first_words).div_ceil(width);
    }
    let slots = result.cycles as f64 * (array.rows * array.columns) as f64;
    result.overall_utilization_percent = 100.0 * result.macs as f64 / slots;
    Ok(result)
}
