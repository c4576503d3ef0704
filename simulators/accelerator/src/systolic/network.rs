//! A whole network on one array: the sum over its layers, repeated ones counted once and multiplied.
use serde::Serialize;

use super::{
    calc::Counts,
    config::{Array, Buffers, Layer},
    user::{Simulation, simulate},
};
use crate::error::Result;

/// Totals over a network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct NetworkReport {
    /// Cycles including stalls.
    pub cycles: u64,
    /// Cycles in which the array waits.
    pub stall_cycles: u64,
    /// Multiply-accumulate operations.
    pub macs: u64,
    /// Share of the array's multiply-accumulate slots that did work, in percent.
    pub overall_utilization_percent: f64,
    /// SRAM reads of inputs and filters and writes of outputs by the array, in words.
    pub sram_words: Counts,
    /// DRAM reads of inputs and filters and writes of outputs, in words.
    pub dram_words: Counts,
}

impl NetworkReport {
    fn add(&mut self, layer: &Simulation, times: u64) {
        self.cycles += times * layer.cycles;
        self.stall_cycles += times * layer.stall_cycles;
        self.macs += times * layer.computation.macs;
        let sram = &layer.computation.sram;
        self.sram_words.ifmap += times * sram.ifmap;
        self.sram_words.filter += times * sram.filter;
        self.sram_words.ofmap += times * sram.ofmap;
        self.dram_words.ifmap += times * layer.dram.ifmap.words;
        self.dram_words.filter += times * layer.dram.filter.words;
        self.dram_words.ofmap += times * layer.dram.ofmap.words;
    }
}

/// Runs the layers one after the other, each as often as its count says.
///
/// # Errors
/// As [`simulate`], for the first layer that fails.
pub fn simulate_network(
    layers: impl IntoIterator<Item = (Layer, u64)>,
    array: &Array,
    buffers: &Buffers,
    compat: bool,
) -> Result<NetworkReport> {
    let mut report = NetworkReport::default();
    for (layer, times) in layers {
        report.add(&simulate(&layer, array, buffers, compat)?, times);
    }
    if report.cycles > 0 {
        let slots = report.cycles as f64 * (array.rows * array.columns) as f64;
        report.overall_utilization_percent = 100.0 * report.macs as f64 / slots;
    }
    Ok(report)
}
