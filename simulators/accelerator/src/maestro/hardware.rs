//! The hardware of the data-centric model.
use serde::{Deserialize, Serialize};

use super::rejection::Rejection;

/// Hardware parameters. The names and defaults are those of the reference's command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Hardware {
    /// Processing elements.
    pub num_pes: i64,
    /// Bandwidth of the on-chip network in elements per cycle (`noc_bw_cstr`).
    pub noc_bw: i64,
    /// Average hops of the on-chip network.
    pub noc_hops: i64,
    /// Latency of a hop in cycles.
    pub noc_hop_latency: i64,
    /// Off-chip bandwidth in elements per cycle (`offchip_bw_cstr`).
    pub offchip_bw: i64,
    /// Multiply-accumulate units of a processing element.
    pub num_simd_lanes: i64,
    /// Size of a processing element's buffer in bytes (`l1_size_cstr`); only reported against, it never changes a
    /// result. `None`: as large as needed.
    pub l1_size: Option<i64>,
    /// Size of the shared buffer in bytes (`l2_size_cstr`), as `l1_size`.
    pub l2_size: Option<i64>,
}

impl Default for Hardware {
    fn default() -> Self {
        Self {
            num_pes: 7,
            noc_bw: i64::from(i32::MAX),
            noc_hops: 1,
            noc_hop_latency: 0,
            offchip_bw: 70_000,
            num_simd_lanes: 1,
            l1_size: None,
            l2_size: None,
        }
    }
}

impl Hardware {
    /// Checks the parameters.
    ///
    /// # Errors
    /// When one is not a number of 31 bits, or one other than the hops and their latency is 0.
    pub fn check(&self) -> Result<(), Rejection> {
        let named = [
            ("num_pes", self.num_pes, 1),
            ("noc_bw", self.noc_bw, 1),
            ("noc_hops", self.noc_hops, 0),
            ("noc_hop_latency", self.noc_hop_latency, 0),
            ("offchip_bw", self.offchip_bw, 1),
            ("num_simd_lanes", self.num_simd_lanes, 1),
            ("l1_size", self.l1_size.unwrap_or(1), 1),
            ("l2_size", self.l2_size.unwrap_or(1), 1),
        ];
        for (name, value, least) in named {
            if value < least || value > i64::from(i32::MAX) {
                return Err(Rejection::Hardware { name, value });
            }
        }
        Ok(())
    }

    /// Cycles the on-chip network takes for a volume.
    pub(super) fn network(&self, volume: i64) -> i64 {
        self.noc_hops * self.noc_hop_latency + ceiling(volume, self.noc_bw) - 1
    }
}

/// Rounded up; towards zero where the volume is negative, as the reference does.
pub(super) fn ceiling(volume: i64, width: i64) -> i64 {
    if volume > 0 { (volume - 1) / width + 1 } else { volume / width }
}
