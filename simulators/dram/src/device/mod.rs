//! DRAM devices: organisation, address map, timing figures and currents, read from RON and checked.
pub mod address;
mod check;
mod presets;

pub use address::{AddressMap, Decoder, Location};
pub use presets::{ALIASES, PRESETS, Preset};

use crate::dramsys;
use crate::error::{Error, Result};
use crate::source::{about, read_ron, read_text};
use crate::standard::{Problem, Standard, Timing, resolve};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Numbers of parts, from the channel down to the beat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Organization {
    /// Independent channels, each with a controller.
    #[serde(default = "one")]
    pub channels: u32,
    /// Ranks per channel; pseudo channels of HBM.
    #[serde(default = "one")]
    pub ranks: u32,
    /// Stacks of 3D-stacked HBM.
    #[serde(default = "one")]
    pub stacks: u32,
    /// Bank groups per rank.
    #[serde(default = "one")]
    pub bank_groups: u32,
    /// Banks per bank group.
    pub banks_per_group: u32,
    /// Rows per bank.
    pub rows: u32,
    /// Columns per row, each `width_bits * devices` wide.
    pub columns: u32,
    /// Data pins of one device.
    pub width_bits: u32,
    /// Devices side by side in one rank.
    #[serde(default = "one")]
    pub devices: u32,
    /// Beats of one burst.
    pub burst_length: u32,
    /// Beats per clock.
    pub data_rate: u32,
}

fn one() -> u32 {
    1
}

/// Voltage and currents of one supply, per device, as in IDD tables. Absent currents are 0.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Supply {
    /// Volt.
    pub vdd: f64,
    /// Activate-precharge cycling, mA.
    pub idd0: f64,
    /// Precharge standby, mA.
    pub idd2n: f64,
    /// Precharge power-down, slow exit, mA.
    pub idd2p0: f64,
    /// Precharge power-down, fast exit, mA; not used by the model.
    pub idd2p1: f64,
    /// Active standby, mA.
    pub idd3n: f64,
    /// Active power-down, slow exit, mA.
    pub idd3p0: f64,
    /// Active power-down, fast exit, mA; not used by the model.
    pub idd3p1: f64,
    /// Burst read, mA.
    pub idd4r: f64,
    /// Burst write, mA.
    pub idd4w: f64,
    /// Burst refresh of all banks, mA.
    pub idd5: f64,
    /// Burst refresh of one bank, mA; 0 takes `idd5` over the number of banks.
    pub idd5pb: f64,
    /// Self refresh, mA.
    pub idd6: f64,
}

/// A device file as written. Times in clocks, currents in mA, voltages in V.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename = "Device")]
pub(crate) struct DeviceFile {
    name: String,
    description: String,
    source: String,
    standard: Standard,
    clock_mhz: f64,
    organization: Organization,
    address_map: AddressMap,
    timing: BTreeMap<String, u32>,
    #[serde(default)]
    supplies: Vec<Supply>,
}

/// A checked device: what a [`Simulator`](crate::Simulator) needs to know about the memory.
#[derive(Debug, Clone)]
pub struct Device {
    file: Arc<DeviceFile>,
    timing: Arc<Timing>,
    decoder: Arc<Decoder>,
}

impl Device {
    /// The built-in device called `name`; [`PRESETS`] lists them, [`ALIASES`] has short names for some.
    ///
    /// # Errors
    /// [`Error::UnknownName`] if there is none.
    pub fn preset(name: &str) -> Result<Self> {
        let preset = presets::find(name)
            .ok_or_else(|| Error::unknown("device", name, PRESETS.iter().map(|preset| preset.name)))?;
        Self::from_ron(preset.text, &format!("{}.ron", preset.name))
    }

    /// Reads a device from a RON file, or from a simulation file of DRAMSys in JSON that names or holds a `memspec` and an
    /// `addressmapping`.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read, [`Error::Source`] with line and column if it is wrong.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let text = read_text(path)?;
        if !dramsys::is_json(&text) {
            return Self::from_ron(&text, &path.display().to_string());
        }
        let (value, memory) = dramsys::device(path)?;
        let parsed = serde_json::from_value(value).map_err(|error| {
            memory.fault("memspec", error.to_string(), "see DRAMSys' memory specifications")
        })?;
        Self::from_parsed(parsed, &memory.text, &memory.file.display().to_string())
    }

    /// The preset called `name`, or the device in the file of that name if it ends in `.ron` or `.json`.
    ///
    /// # Errors
    /// Those of [`Device::preset`] and [`Device::from_file`].
    pub fn named(name: &str) -> Result<Self> {
        if name.ends_with(".ron") || name.ends_with(".json") {
            Self::from_file(name)
        } else {
            Self::preset(name)
        }
    }

    /// Reads a device from RON text; `file` is its name in error messages.
    ///
    /// # Errors
    /// [`Error::Source`] with line and column.
    pub fn from_ron(text: &str, file: &str) -> Result<Self> {
        Self::from_parsed(read_ron(text, file)?, text, file)
    }

    /// Checks what was read from `text`.
    fn from_parsed(parsed: DeviceFile, text: &str, file: &str) -> Result<Self> {
        check::organization(&parsed, text, file)?;
        check::address_map(&parsed, text, file)?;
        let organization = &parsed.organization;
        let burst_clocks = u64::from(organization.burst_length / organization.data_rate);
        let timing =
            resolve(parsed.standard, &parsed.timing, burst_clocks).map_err(|problem| match problem {
                Problem::Table(error) => error,
                Problem::Missing(name) => about(
                    text,
                    file,
                    "timing",
                    format!("timing `{name}` is missing"),
                    format!("add `\"{name}\": CLOCKS`; {:?} needs it", parsed.standard),
                ),
                Problem::Unknown(name, known) => {
                    let best = crate::error::closest(&name, known.iter().map(String::as_str))
                        .map_or_else(String::new, |best| format!("did you mean `{best}`? "));
                    let message = format!("unknown timing `{name}`");
                    about(
                        text,
                        file,
                        &name,
                        message,
                        format!("{best}{:?} knows {}", parsed.standard, known.join(", ")),
                    )
                }
            })?;
        check::timing(&parsed, &timing, text, file)?;
        let decoder =
            Decoder::new(&parsed.address_map, organization.bank_groups, organization.banks_per_group)
                .map_err(|message| {
                    about(text, file, "address_map", message, "write bits as `0-2 7 9-12`".to_owned())
                })?;
        Ok(Self { file: Arc::new(parsed), timing: Arc::new(timing), decoder: Arc::new(decoder) })
    }

    /// Name, as in the list of presets.
    pub fn name(&self) -> &str {
        &self.file.name
    }

    /// One line for people.
    pub fn description(&self) -> &str {
        &self.file.description
    }

    /// Where the figures come from.
    pub fn source(&self) -> &str {
        &self.file.source
    }

    /// The standard whose rules it keeps.
    pub fn standard(&self) -> Standard {
        self.file.standard
    }

    /// Numbers of channels, ranks, banks and so on.
    pub fn organization(&self) -> &Organization {
        &self.file.organization
    }

    /// Address map as written.
    pub fn address_map(&self) -> &AddressMap {
        &self.file.address_map
    }

    /// Compiled address map.
    pub fn decoder(&self) -> &Decoder {
        &self.decoder
    }

    /// Timing rules in clocks.
    pub fn timing(&self) -> &Timing {
        &self.timing
    }

    /// Supplies of one device; empty if no currents are known (then no energy is reported).
    pub fn supplies(&self) -> &[Supply] {
        &self.file.supplies
    }

    /// Clock as stated, in MHz.
    pub fn clock_mhz(&self) -> f64 {
        self.file.clock_mhz
    }

    /// Clock period (tCK), rounded to whole picoseconds.
    pub fn clock_ps(&self) -> u64 {
        (1e6 / self.file.clock_mhz).round() as u64
    }

    /// Bytes moved by one burst, the unit of a request.
    pub fn burst_bytes(&self) -> u64 {
        let o = &self.file.organization;
        u64::from(o.burst_length) * u64::from(o.width_bits) * u64::from(o.devices) / 8
    }

    /// Size of the memory in bytes.
    pub fn capacity_bytes(&self) -> u64 {
        1 << self.decoder.address_bits().min(63)
    }

    /// Peak bandwidth of all channels in Gb/s. Pseudo channels of HBM have their own data bus and count each.
    pub fn peak_gbps(&self) -> f64 {
        let o = &self.file.organization;
        let buses = if self.file.standard.ranks_have_own_data_bus() { o.ranks } else { 1 };
        let bits = f64::from(o.width_bits) * f64::from(o.devices) * f64::from(o.channels) * f64::from(buses);
        bits * f64::from(o.data_rate) * 1000.0 / self.clock_ps() as f64
    }

    /// Banks per channel, through all ranks.
    pub fn banks_per_channel(&self) -> usize {
        let o = &self.file.organization;
        (o.ranks * o.bank_groups * o.banks_per_group) as usize
    }

    /// Whether currents are known, so that runs report energy.
    pub fn has_power_model(&self) -> bool {
        !self.file.supplies.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_loads_under_its_own_name() {
        for preset in PRESETS {
            let device = Device::preset(preset.name).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(device.name(), preset.name);
            assert_eq!(device.capacity_bytes(), 1 << device.decoder().address_bits());
        }
    }

    #[test]
    fn devices_go_by_the_names_people_write() {
        for (name, expected) in [
            ("DDR3-1600", "ddr3_1600_rbc"),
            ("DDR4-2400", "ddr4_2400_brc"),
            ("DDR4-3200", "ddr4_3200"),
            ("DDR5-4800", "ddr5_4800"),
            ("LPDDR4-3200", "lpddr4_3200_brc"),
            ("LPDDR5-6400", "lpddr5_6400"),
            ("HBM2", "hbm2_2000_brc"),
            ("HBM3", "hbm3_6400"),
            ("GDDR6", "gddr6_14000_own"),
            ("lpddr4_3200_1gx16_robaco", "lpddr4_3200_1Gx16_robaco"),
        ] {
            assert_eq!(Device::preset(name).unwrap().name(), expected);
        }
        for (_, full) in ALIASES {
            assert!(PRESETS.iter().any(|preset| preset.name == *full));
        }
    }

    #[test]
    fn faults_are_reported_where_they_stand() {
        let good = PRESETS[0].text;
        let fault = |from: &str, to: &str| {
            let text = good.replacen(from, to, 1);
            assert_ne!(text, good, "{from} is not in the preset");
            Device::from_ron(&text, "my.ron").unwrap_err().to_string()
        };
        let line = |needle: &str| good.lines().position(|line| line.contains(needle)).unwrap() + 1;
        let message = fault("\"RC\": 38", "\"RC\": 30");
        assert!(message.starts_with(&format!("my.ron:{}:", line("\"RC\":"))), "{message}");
        assert!(message.contains("less than RAS + RP"), "{message}");
        assert!(fault("\"CL\": 10", "\"CL\": 0").contains("CL is 0"));
        assert!(fault("banks_per_group: 8", "banks_per_group: 0").contains("power of two"));
        assert!(fault("\"RCD\"", "\"RCDD\"").contains("RCD` is missing"));
        assert!(fault("\"REFI\": 6240", "\"REFI\": 80").contains("falls due"));
        assert!(fault("\"RTRS\": 1,", "\"RTRS\": 1, \"XPDL\": 3,").contains("did you mean `XPDLL`?"));
        assert!(fault("clock_mhz:", "clock_mhzz:").contains("did you mean `clock_mhz`?"));
        assert!(fault("bank: \"13-15\"", "bank: \"13-14\"").contains("address bits for 8 values"));
        assert!(fault("bank: \"13-15\"", "bank: \"12-14\"").contains("used twice"));
        assert!(fault("\"RAS\": 28", "\"RAS\": -28").contains("expected a whole number"));
        assert!(fault("idd2n: 45.0", "idd2n: 80.0").contains("idd0 (70 mA) is below idd2n (80 mA)"));
        assert!(fault("idd4w: 145.0, ", "").contains("idd4w (0 mA) is below idd3n"));
        assert!(fault("standard: DDR3", "standard: DDR9").contains("expected one of: DDR3"));
        assert!(fault("clock_mhz: 800.0", "clock_mhz: 0.0").contains("clock_mhz is 0"));
        assert!(Device::preset("ddr3_1600_rcb").unwrap_err().to_string().contains("did you mean"));
    }

    #[test]
    fn files_that_are_no_devices_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let error = |bytes: &[u8]| {
            let path = folder.path().join("d.ron");
            std::fs::write(&path, bytes).unwrap();
            let error = Device::from_file(&path).unwrap_err().to_string();
            error.rsplit_once("d.ron:").map_or(error.clone(), |(_, rest)| rest.to_owned())
        };
        assert!(error(b"").starts_with("1:1: Expected opening `(`"));
        assert!(error(b"Device(\n  name: \xff\xfe").starts_with("2:9: this is no text"));
        let unclosed = PRESETS[0].text.trim_end().strip_suffix(')').unwrap();
        assert!(error(unclosed.as_bytes()).contains("close every bracket"));
        assert!(
            Device::from_file(folder.path().join("none.ron")).unwrap_err().to_string().contains("none.ron")
        );
    }
}
