//! The hardware of the data-centric model.
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::rejection::Rejection;
use crate::error::{Error, Result as Read, did_you_mean};

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
            noc_bw: Self::NO_LIMIT,
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

    /// The bandwidth that stands for no limit, as in the reference.
    pub const NO_LIMIT: i64 = i32::MAX as i64;

    /// Reads a hardware file: lines `name: value` with the names of the command line.
    ///
    /// # Errors
    /// A file that cannot be read, and as [`Hardware::parse`].
    pub fn read(path: &Path) -> Read<Self> {
        let text = std::fs::read_to_string(path).map_err(|reason| Error::file(path, &reason))?;
        Self::parse(&path.display().to_string(), &text)
    }

    /// Reads the text of a hardware file; `file` names it in messages. As in the reference, what the file leaves out is one
    /// processing element, no limit of bandwidth, and a latency of one cycle for each of its hops.
    ///
    /// # Errors
    /// With file and line for an unknown name or a value that is no whole number.
    pub fn parse(file: &str, text: &str) -> Read<Self> {
        let mut hardware =
            Self { num_pes: 1, offchip_bw: Self::NO_LIMIT, noc_hop_latency: 1, ..Self::default() };
        for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let line = line.split("//").next().unwrap_or("").trim();
            if line.is_empty() {
                continue;
            }
            let fault = |what: String, remedy: String| Error::at(file, (number + 1, 1), what, remedy);
            let Some((name, value)) = line.split_once(':') else {
                return Err(fault(
                    format!("\"{line}\" is not a name with a value"),
                    "write lines such as num_pes: 256".into(),
                ));
            };
            let (name, value) = (name.trim(), value.trim());
            let number = value.parse::<i64>().map_err(|_| {
                fault(format!("{name} is \"{value}\""), "write a whole number, such as num_pes: 256".into())
            })?;
            match name.trim_end_matches("_cstr") {
                "num_pes" => hardware.num_pes = number,
                "noc_bw" => hardware.noc_bw = number,
                "noc_hops" | "noc_num_hops" => hardware.noc_hops = number,
                "noc_hop_latency" => hardware.noc_hop_latency = number,
                "offchip_bw" => hardware.offchip_bw = number,
                "num_simd_lanes" => hardware.num_simd_lanes = number,
                "l1_size" => hardware.l1_size = Some(number),
                "l2_size" => hardware.l2_size = Some(number),
                _ => {
                    let known = [
                        "num_pes",
                        "noc_bw_cstr",
                        "noc_hops",
                        "noc_hop_latency",
                        "offchip_bw_cstr",
                        "num_simd_lanes",
                        "l1_size_cstr",
                        "l2_size_cstr",
                    ];
                    return Err(fault(format!("unknown name \"{name}\""), did_you_mean(name, known)));
                }
            }
        }
        Ok(hardware)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hardware_files_are_read() {
        let text = "num_pes: 256\n// a remark\nl1_size_cstr: 64\nnoc_bw_cstr: 32\n\noffchip_bw_cstr: 8\n";
        let hardware = Hardware::parse("a.m", text).unwrap();
        let expected = Hardware {
            num_pes: 256,
            noc_bw: 32,
            offchip_bw: 8,
            l1_size: Some(64),
            noc_hop_latency: 1,
            ..Hardware::default()
        };
        assert_eq!(hardware, expected);
        let error = Hardware::parse("a.m", "num_pes: 4\nnum_pse: 3\n").unwrap_err().to_string();
        assert!(error.starts_with("a.m:2:1:") && error.contains("did you mean \"num_pes\""), "{error}");
        assert!(Hardware::parse("a.m", "num_pes: many").unwrap_err().to_string().contains("whole number"));
        assert!(Hardware::parse("a.m", "num_pes 4").unwrap_err().to_string().contains("lines such as"));
    }
}
