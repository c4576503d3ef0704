//! Results: activity, energy, area and power from the counters.
use serde::Serialize;

use super::{
    hardware::Hardware,
    layer::Layer,
    totals::{Delays, Totals},
};

/// Energies per access of the shared and the private buffer relative to a multiply-accumulate, and the energy of that
/// in nJ: constants of the reference (Kwon et al., MICRO 2019).
const L2_ENERGY: f64 = 18.61;
const L1_ENERGY: f64 = 1.68;
const UNIT_NJ: f64 = 0.000_23;

/// One number per tensor.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct PerTensor {
    /// Input feature map (left matrix).
    pub input: i64,
    /// Filters (right matrix).
    pub filter: i64,
    /// Output feature map.
    pub output: i64,
}

impl From<[i64; 3]> for PerTensor {
    fn from([input, filter, output]: [i64; 3]) -> Self {
        Self { input, filter, output }
    }
}

/// A requirement that is larger than the given buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// `l1_size` or `l2_size`.
    pub buffer: &'static str,
    /// Bytes needed.
    pub required_bytes: i64,
    /// Bytes given.
    pub available_bytes: i64,
}

/// Power in mW of the parts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Power {
    /// Processing elements.
    pub pe_mw: f64,
    /// Their buffers.
    pub l1_mw: f64,
    /// The shared buffer.
    pub l2_mw: f64,
    /// The on-chip network.
    pub noc_mw: f64,
}

impl Power {
    /// Sum of the parts in mW.
    pub fn total_mw(&self) -> f64 {
        self.pe_mw + self.l1_mw + self.l2_mw + self.noc_mw
    }
}

/// The result of one evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Evaluation {
    /// Runtime in cycles.
    pub runtime_cycles: i64,
    /// Multiply-accumulate operations as the model counts them; for some strided or unevenly cut mappings the model
    /// counts too many or too few, see `true_macs`.
    pub macs: i64,
    /// Multiply-accumulate operations of the layer.
    pub true_macs: i64,
    /// Counted operations per cycle.
    pub throughput_macs_per_cycle: f64,
    /// Energy of the buffers' activity in nJ.
    pub energy_nj: f64,
    /// Area in um^2.
    pub area_um2: f64,
    /// Power in mW.
    pub power: Power,
    /// Bytes a processing element's buffer needs (one byte an element, double buffered).
    pub l1_bytes: i64,
    /// Bytes the shared buffer needs.
    pub l2_bytes: i64,
    /// Reads of the processing elements' buffers, as seen from the outermost level.
    pub l1_read: PerTensor,
    /// Writes of the processing elements' buffers.
    pub l1_write: PerTensor,
    /// Reads of the shared buffer.
    pub l2_read: PerTensor,
    /// Writes of the shared buffer.
    pub l2_write: PerTensor,
    /// Processing elements that work, on average.
    pub active_pes: f64,
    /// Off-chip bandwidth the mapping asks for in elements per cycle.
    pub offchip_bandwidth: i64,
    /// Partial sums per element fetched, in the last case.
    pub arithmetic_intensity: f64,
    /// Delays of the steps of the outermost level.
    pub delays: Delays,
    /// Width in elements per cycle that area and power give to a network without a limit: the largest that the mapping
    /// uses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_sized_to: Option<i64>,
    /// Whether the energy counts the private buffers.
    #[serde(skip)]
    pub(super) counts_l1_energy: bool,
    /// Requirement of the private buffer above the size given.
    pub l1_violation: Option<Violation>,
    /// Requirement of the shared buffer above the size given.
    pub l2_violation: Option<Violation>,
}

impl Evaluation {
    pub(super) fn new(
        layer: &Layer,
        hardware: &Hardware,
        totals: &Totals,
        l1_bytes: i64,
        with_l1: bool,
        compat: bool,
    ) -> Self {
        // No limit is no width: the reference multiplies by 2^31 - 1.
        let network_sized_to =
            (!compat && hardware.noc_bw == Hardware::NO_LIMIT).then(|| totals.spread.peak_bandwidth.max(1));
        let built = Hardware { noc_bw: network_sized_to.unwrap_or(hardware.noc_bw), ..*hardware };
        let l2_bytes: i64 = totals.l2_required.iter().sum();
        let l2_accesses = totals.l2_read[0]
            + totals.l2_write[0]
            + totals.l2_read[1]
            + totals.l2_write[1]
            + totals.l2_write[2];
        let l1_accesses: i64 = totals.l1_read.iter().chain(&totals.l1_write).sum();
        let l1_energy = if with_l1 { L1_ENERGY * l1_accesses as f64 } else { 0.0 };
        let violation = |buffer: &'static str, required_bytes: i64, given: Option<i64>| {
            given
                .filter(|&available_bytes| required_bytes > available_bytes)
                .map(|available_bytes| Violation { buffer, required_bytes, available_bytes })
        };
        Self {
            runtime_cycles: totals.runtime,
            macs: totals.macs,
            true_macs: layer.macs(),
            throughput_macs_per_cycle: totals.macs as f64 / totals.runtime as f64,
            energy_nj: UNIT_NJ * (L2_ENERGY * l2_accesses as f64 + l1_energy),
            area_um2: area_um2(&built, l1_bytes, l2_bytes),
            power: power(&built, l1_bytes, l2_bytes),
            l1_bytes,
            l2_bytes,
            l1_read: totals.l1_read.into(),
            l1_write: totals.l1_write.into(),
            l2_read: totals.l2_read.into(),
            l2_write: totals.l2_write.into(),
            active_pes: totals.active,
            offchip_bandwidth: totals.offchip_bandwidth,
            arithmetic_intensity: totals.arithmetic_intensity,
            delays: totals.spread,
            network_sized_to,
            counts_l1_energy: with_l1,
            l1_violation: violation("l1_size", l1_bytes, hardware.l1_size),
            l2_violation: violation("l2_size", l2_bytes, hardware.l2_size),
        }
    }

    /// The requirements above the given buffers.
    pub fn violations(&self) -> impl Iterator<Item = Violation> {
        [self.l1_violation, self.l2_violation].into_iter().flatten()
    }

    /// The energy that the reference prints for a layer behind `previous` in the same file: where it leaves the private
    /// buffers of this layer out (its mapping has a `Cluster`), it adds those of the layer before, whose counts it still
    /// holds.
    #[must_use]
    pub fn with_energy_leaked_from(mut self, previous: &Self) -> Self {
        if !self.counts_l1_energy {
            self.energy_nj += UNIT_NJ * L1_ENERGY * previous.l1_accesses() as f64;
        }
        self
    }

    fn l1_accesses(&self) -> i64 {
        let sum = |counts: &PerTensor| counts.input + counts.filter + counts.output;
        sum(&self.l1_read) + sum(&self.l1_write)
    }

    /// Energy in nJ times runtime in cycles.
    pub fn energy_delay_product(&self) -> f64 {
        self.energy_nj * self.runtime_cycles as f64
    }

    /// Counted operations per joule.
    pub fn macs_per_joule(&self) -> f64 {
        self.macs as f64 / self.energy_nj * 1e9
    }
}

/// Bus width factor of the network and the size of its arbiter, both fits of the reference.
fn network_size(hardware: &Hardware) -> (f64, f64) {
    let pes = hardware.num_pes as f64;
    (14.662 * pes + 28.895, 1.2886 * pes * pes + 5.5814 * pes - 23.711)
}

/// Area of processing elements, buffers (0.104 um^2 a byte), bus and arbiter.
fn area_um2(hardware: &Hardware, l1_bytes: i64, l2_bytes: i64) -> f64 {
    let buffer = |bytes: i64| 0.104 * if bytes == 0 { 1.0 } else { bytes as f64 };
    let (bus, arbiter) = network_size(hardware);
    let pes = hardware.num_pes as f64;
    pes * (283.0 * hardware.num_simd_lanes as f64 + buffer(l1_bytes))
        + buffer(l2_bytes)
        + 101.7938 * bus * hardware.noc_bw as f64
        + (395.473_f64).max(395.473 * arbiter)
}

/// Power of processing elements, buffers, bus and arbiter, with all the given elements counted as working.
fn power(hardware: &Hardware, l1_bytes: i64, l2_bytes: i64) -> Power {
    let buffer = |bytes: i64| 0.003_45 * if bytes == 0 { 1.0 } else { bytes as f64 };
    let (bus, arbiter) = network_size(hardware);
    let pes = hardware.num_pes as f64;
    Power {
        pe_mw: 1.2223 * hardware.num_simd_lanes as f64 * pes,
        l1_mw: pes * buffer(l1_bytes),
        l2_mw: buffer(l2_bytes),
        noc_mw: 0.8 * bus * hardware.noc_bw as f64 / 1000.0 + (0.34_f64).max(0.34 * arbiter / 1000.0),
    }
}
