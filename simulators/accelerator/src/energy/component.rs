//! Components by class, and their estimates.
use serde::{Deserialize, Serialize};

use super::{aladdin, cacti};
use crate::error::{Error, Result, did_you_mean};

/// Types of DRAM with their energy per bit (Accelergy's CACTI plug-in).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs)] // the names of the standards
pub enum DramKind {
    Lpddr4,
    Lpddr,
    Ddr3,
    Gddr5,
    Hbm2,
    Hmc,
}

impl DramKind {
    /// All types.
    pub const ALL: [Self; 6] = [Self::Lpddr4, Self::Lpddr, Self::Ddr3, Self::Gddr5, Self::Hbm2, Self::Hmc];

    /// Name of the standard.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lpddr4 => "LPDDR4",
            Self::Lpddr => "LPDDR",
            Self::Ddr3 => "DDR3",
            Self::Gddr5 => "GDDR5",
            Self::Hbm2 => "HBM2",
            Self::Hmc => "HMC",
        }
    }

    /// Energy of a bit read or written in pJ.
    pub fn pj_per_bit(self) -> f64 {
        match self {
            Self::Lpddr4 => 8.0,
            Self::Lpddr => 40.0,
            Self::Ddr3 => 70.0,
            Self::Gddr5 => 14.0,
            Self::Hbm2 => 3.9,
            Self::Hmc => 4.2,
        }
    }
}

impl std::str::FromStr for DramKind {
    type Err = Error;

    /// Reads the name of the standard in any case.
    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(text)).ok_or_else(|| {
            Error::invalid(
                format!("unknown DRAM type \"{text}\""),
                did_you_mean(text, Self::ALL.map(Self::name)),
            )
        })
    }
}

/// A component of an accelerator. Widths are in bits, depths in words of that width.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Component {
    /// Static memory.
    Sram {
        /// Bits of a word.
        width_bits: u32,
        /// Words.
        depth: u64,
        /// Banks.
        banks: u32,
    },
    /// Registers with an address comparator each.
    RegisterFile {
        /// Bits of a word.
        width_bits: u32,
        /// Words.
        depth: u64,
    },
    /// Off-chip memory.
    Dram {
        /// Bits of an access.
        width_bits: u32,
        /// Type.
        kind: DramKind,
    },
    /// Integer multiply-accumulate unit.
    IntMac {
        /// Bits of an operand.
        width_bits: u32,
    },
    /// Integer adder.
    IntAdder {
        /// Bits of an operand.
        width_bits: u32,
    },
    /// Floating-point multiply-accumulate unit.
    FloatMac {
        /// Bits of an operand.
        width_bits: u32,
    },
    /// A bundle of wires.
    Wire {
        /// Bits.
        width_bits: u32,
        /// Length in um.
        length_um: f64,
    },
}

/// Energy and area of a component.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Estimate {
    /// Energy of a read, or of the operation of a unit without storage, in pJ per access of the full width.
    pub read_pj: f64,
    /// Energy of a write in pJ per access of the full width.
    pub write_pj: f64,
    /// Leakage in mW.
    pub leak_mw: f64,
    /// Area in um^2.
    pub area_um2: f64,
}

/// Latency that logic is estimated for in ns, the default of the Aladdin plug-in.
pub const LATENCY_NS: f64 = 5.0;

impl Component {
    /// Energy and area at a technology between 5 and 180 nm.
    ///
    /// SRAM follows CACTI's own points for the technology. The logic tables exist at 45 nm only; logic is scaled with the
    /// factors that CACTI shows for an 8 KiB SRAM. DRAM does not depend on the technology of the chip.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a width, depth, number of banks, length or technology out of range.
    pub fn estimate(&self, technology_nm: f64) -> Result<Estimate> {
        if !(5.0..=180.0).contains(&technology_nm) {
            return Err(Error::invalid(
                format!("the technology is {technology_nm} nm"),
                "give a number from 5 to 180",
            ));
        }
        let in_range = |name: &str, value: f64, most: f64| {
            if value >= 1.0 && value <= most {
                return Ok(value);
            }
            Err(Error::invalid(
                format!("the {name} of a component is {value}"),
                format!("give a number from 1 to {most}"),
            ))
        };
        let width = |bits: u32| in_range("width", f64::from(bits), 65_536.0);
        let depth = |words: u64| in_range("depth", words as f64, 2f64.powi(32));
        let logic = |unit: aladdin::Logic| {
            let factors = cacti::technology_factors(technology_nm, 8192.0);
            Estimate {
                read_pj: unit[0] * factors[0],
                write_pj: unit[0] * factors[0],
                // Idle energy per cycle of 5 ns.
                leak_mw: unit[1] / LATENCY_NS * factors[2],
                area_um2: unit[2] * factors[3],
            }
        };
        Ok(match *self {
            Self::Sram { width_bits, depth: words, banks } => {
                let banks = in_range("number of banks", f64::from(banks), 1024.0)?;
                let [read_pj, write_pj, leak_mw, area_um2] =
                    cacti::sram(width(width_bits)?, depth(words)?, banks, technology_nm);
                Estimate { read_pj, write_pj, leak_mw, area_um2 }
            }
            Self::RegisterFile { width_bits, depth: words } => {
                logic(aladdin::register_file(width(width_bits)?, depth(words)?, LATENCY_NS))
            }
            Self::Dram { width_bits, kind } => {
                let access = width(width_bits)? * kind.pj_per_bit();
                Estimate { read_pj: access, write_pj: access, leak_mw: 0.0, area_um2: 0.0 }
            }
            Self::IntMac { width_bits } => logic(aladdin::int_mac(width(width_bits)?, LATENCY_NS)),
            Self::IntAdder { width_bits } => {
                logic(aladdin::INT_ADDER.estimate(width(width_bits)?, LATENCY_NS))
            }
            Self::FloatMac { width_bits } => {
                let bits = width(width_bits)?;
                logic(aladdin::both(
                    aladdin::FLOAT_MULTIPLIER.estimate(bits, LATENCY_NS),
                    aladdin::FLOAT_ADDER.estimate(bits, LATENCY_NS),
                ))
            }
            Self::Wire { width_bits, length_um } => {
                if !(0.0..=1e6).contains(&length_um) {
                    return Err(Error::invalid(
                        format!("the length of a wire is {length_um} um"),
                        "give a number from 0 to 1000000",
                    ));
                }
                logic([aladdin::wire_pj(width(width_bits)?, length_um), 0.0, 0.0])
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_attributes_are_refused() {
        let sram = Component::Sram { width_bits: 64, depth: 1024, banks: 1 };
        assert!(sram.estimate(0.0).unwrap_err().to_string().contains("technology"));
        assert!(sram.estimate(f64::NAN).is_err());
        let cases = [
            (Component::Sram { width_bits: 0, depth: 4, banks: 1 }, "width"),
            (Component::Sram { width_bits: 8, depth: 0, banks: 1 }, "depth"),
            (Component::Sram { width_bits: 8, depth: 4, banks: 0 }, "banks"),
            (Component::Wire { width_bits: 8, length_um: f64::NAN }, "length"),
            (Component::IntMac { width_bits: 0 }, "width"),
        ];
        for (component, word) in cases {
            let message = component.estimate(45.0).unwrap_err().to_string();
            assert!(message.contains(word), "{message}");
        }
        assert!("LPDDR5".parse::<DramKind>().unwrap_err().to_string().contains("did you mean"));
    }

    #[test]
    fn estimates_are_positive_and_shrink_with_the_technology() {
        let components = [
            Component::Sram { width_bits: 16, depth: 500, banks: 4 },
            Component::RegisterFile { width_bits: 16, depth: 12 },
            Component::IntMac { width_bits: 16 },
            Component::IntAdder { width_bits: 16 },
            Component::FloatMac { width_bits: 32 },
        ];
        for component in components {
            let at = |nm: f64| component.estimate(nm).unwrap();
            assert!(at(45.0).read_pj > at(22.0).read_pj && at(22.0).read_pj > at(7.0).read_pj);
            assert!(at(90.0).area_um2 > at(45.0).area_um2 && at(7.0).area_um2 > 0.0);
        }
        let dram = Component::Dram { width_bits: 64, kind: DramKind::Lpddr4 }.estimate(45.0).unwrap();
        assert_eq!(dram.read_pj, 512.0);
    }
}
