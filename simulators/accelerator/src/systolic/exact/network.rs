//! A whole network on one array.
use serde::Serialize;

use super::{super::calc::Counts, ExactSimulation, simulate_exact};
use crate::{
    error::Result,
    systolic::{Array, Buffers, Layer},
};

/// Sums over the layers of a network, as the fields of [`ExactSimulation`] say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct ExactNetwork {
    /// Cycles of all layers, one after the other: fill, computation with stalls, drain and write-back.
    pub cycles: u64,
    /// Cycles of these in which the array computes or waits: the sum of [`ExactSimulation::cycles`].
    pub array_cycles: u64,
    /// Cycles in which the array waits for a memory.
    pub stall_cycles: u64,
    /// Multiply-accumulate operations.
    pub macs: u64,
    /// Share of the array's multiply-accumulate slots that did work, in percent of `cycles`.
    pub overall_utilization_percent: f64,
    /// Reads of inputs and filters and writes of outputs by the array, in words.
    pub sram_words: Counts,
    /// Partial sums read from the output buffer, in words.
    pub partial_sum_reads: u64,
    /// DRAM reads of inputs and filters, writes of outputs and partial sums, in words.
    pub dram_words: Counts,
    /// Partial sums read back from DRAM, in words.
    pub dram_partial_sum_reads: u64,
}

impl ExactNetwork {
    /// Adds `times` runs of a layer.
    pub fn add(&mut self, layer: &ExactSimulation, times: u64) {
        let whole = layer.fill_cycles + layer.cycles + layer.drain_cycles + layer.write_back_cycles;
        self.cycles += times * whole;
        self.array_cycles += times * layer.cycles;
        self.stall_cycles += times * layer.stall_cycles;
        self.macs += times * layer.macs;
        self.partial_sum_reads += times * layer.partial_sum_reads;
        self.dram_partial_sum_reads += times * layer.dram_partial_sum_reads;
        for (sum, words) in
            [(&mut self.sram_words, &layer.sram_words), (&mut self.dram_words, &layer.dram_words)]
        {
            sum.ifmap += times * words.ifmap;
            sum.filter += times * words.filter;
            sum.ofmap += times * words.ofmap;
        }
    }

    /// Sets the utilisation, after all layers have been added.
    pub fn finish(&mut self, array: &Array) {
        if self.cycles > 0 {
            let slots = self.cycles as f64 * (array.rows * array.columns) as f64;
            self.overall_utilization_percent = 100.0 * self.macs as f64 / slots;
        }
    }
}

/// Runs the layers one after the other, each as often as its count says.
///
/// # Errors
/// As [`simulate_exact`], for the first layer that fails.
pub fn simulate_network_exact(
    layers: impl IntoIterator<Item = (Layer, u64)>,
    array: &Array,
    buffers: &Buffers,
    bandwidth_limited: bool,
) -> Result<ExactNetwork> {
    let mut report = ExactNetwork::default();
    for (layer, times) in layers {
        report.add(&simulate_exact(&layer, array, buffers, bandwidth_limited)?, times);
    }
    report.finish(array);
    Ok(report)
}
