//! Counters of the outermost level.
use serde::Serialize;

use super::level::{FILTER, INPUT, OUTPUT};

/// Sums over the cases of the outermost level, per tensor: input, filter, output.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Totals {
    pub runtime: i64,
    pub active: f64,
    pub macs: i64,
    pub l1_read: [i64; 3],
    pub l1_write: [i64; 3],
    pub l2_read: [i64; 3],
    pub l2_write: [i64; 3],
    pub l2_required: [i64; 3],
    pub offchip_bandwidth: i64,
    pub arithmetic_intensity: f64,
    pub spread: Delays,
}

impl Totals {
    pub fn count_outputs(&mut self, times: i64, egress: i64, partial_sums: i64) {
        let sums = times.wrapping_mul(partial_sums);
        self.l2_write[OUTPUT] = self.l2_write[OUTPUT].wrapping_add(times.wrapping_mul(egress));
        self.l1_write[OUTPUT] = self.l1_write[OUTPUT].wrapping_add(sums);
        self.l1_read[OUTPUT] = self.l1_read[OUTPUT].wrapping_add(sums);
    }

    pub fn count_inputs(&mut self, times: i64, fetched: [i64; 2], partial_sums: i64) {
        let sums = times.wrapping_mul(partial_sums);
        self.macs = self.macs.wrapping_add(sums);
        for tensor in [INPUT, FILTER] {
            self.l2_read[tensor] = self.l2_read[tensor].wrapping_add(times.wrapping_mul(fetched[tensor]));
            self.l1_write[tensor] = self.l2_read[tensor];
            self.l1_read[tensor] = self.l1_read[tensor].wrapping_add(sums);
        }
    }
}

/// Delays of a step of the outermost level in cycles, and the bandwidth it asks of the on-chip network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Delays {
    /// Least, largest and mean delay of moving inputs and filters in.
    pub ingress: [i64; 3],
    /// Least, largest and mean delay of moving outputs out.
    pub egress: [i64; 3],
    /// Least, largest and mean delay of computing.
    pub compute: [i64; 3],
    /// Largest bandwidth that hides the transfers behind the computation, in elements per cycle.
    pub peak_bandwidth: i64,
    /// Mean of that bandwidth.
    pub mean_bandwidth: f64,
}

/// Running statistics of [`Delays`].
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Spread {
    delays: Delays,
    sums: [i64; 3],
    bandwidth: i64,
    started: bool,
}

impl Spread {
    pub fn add(&mut self, times: i64, ingress: i64, egress: i64, compute: i64, moved: i64) {
        let delays = &mut self.delays;
        let started = self.started;
        for (slot, (range, value)) in
            [(&mut delays.ingress, ingress), (&mut delays.egress, egress), (&mut delays.compute, compute)]
                .into_iter()
                .enumerate()
        {
            range[0] = if started { range[0].min(value) } else { value };
            range[1] = if started { range[1].max(value) } else { value };
            self.sums[slot] = self.sums[slot].wrapping_add(times.wrapping_mul(value));
        }
        self.started = true;
        let compute = compute.max(1);
        delays.peak_bandwidth = delays.peak_bandwidth.max(moved / compute);
        self.bandwidth = self.bandwidth.wrapping_add(times.wrapping_mul(moved) / compute);
    }

    pub fn finish(mut self, occurrences: i64) -> Delays {
        if occurrences > 0 {
            self.delays.ingress[2] = self.sums[0] / occurrences;
            self.delays.egress[2] = self.sums[1] / occurrences;
            self.delays.compute[2] = self.sums[2] / occurrences;
            self.delays.mean_bandwidth = self.bandwidth as f64 / occurrences as f64;
        }
        self.delays
    }
}
