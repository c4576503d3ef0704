//! The built-in devices: one RON file each in this folder, embedded in the program.

/// A built-in device.
#[derive(Debug, Clone, Copy)]
pub struct Preset {
    /// Name by which [`Device::preset`](crate::Device::preset) finds it.
    pub name: &'static str,
    /// Its RON text.
    pub text: &'static str,
}

/// A preset from the file of its name.
macro_rules! preset {
    ($name:literal) => {
        Preset { name: $name, text: include_str!(concat!($name, ".ron")) }
    };
}

/// Short names: standard and speed, for the device with the plainest map. Upper case and hyphens are accepted in all names.
pub const ALIASES: &[(&str, &str)] = &[
    ("ddr3_1600", "ddr3_1600_rbc"),
    ("ddr4_2400", "ddr4_2400_brc"),
    ("lpddr4_3200", "lpddr4_3200_brc"),
    ("hbm2", "hbm2_2000_brc"),
    ("hbm2_2000", "hbm2_2000_brc"),
    ("hbm3", "hbm3_6400"),
    ("gddr6", "gddr6_14000_own"),
    ("gddr6_14000", "gddr6_14000_own"),
    ("wideio2", "wideio2_400_rbc"),
];

/// The built-in device of that name or short name.
pub(super) fn find(name: &str) -> Option<&'static Preset> {
    let plain = name.replace('-', "_");
    let full = ALIASES
        .iter()
        .find(|(short, _)| short.eq_ignore_ascii_case(&plain))
        .map_or(&*plain, |(_, full)| full);
    PRESETS.iter().find(|preset| preset.name.eq_ignore_ascii_case(full))
}

/// Every built-in device.
pub const PRESETS: &[Preset] = &[
    preset!("ddr3_1600_rbc"),
    preset!("ddr3_1600_brc"),
    preset!("ddr3_1600_2r_ilv"),
    preset!("ddr3_1600_2ch_ilv"),
    preset!("ddr4_3200"),
    preset!("ddr4_2400_brc"),
    preset!("ddr4_2400_2r_top"),
    preset!("ddr4_2400_2r_ilv"),
    preset!("ddr4_2400_2ch_ilv"),
    preset!("ddr5_4800"),
    preset!("ddr5_4800_ilv"),
    preset!("lpddr4_3200_brc"),
    preset!("lpddr4_3200_1Gx16_robaco"),
    preset!("lpddr5_6400"),
    preset!("lpddr5_6400_ilv"),
    preset!("hbm2_2000_brc"),
    preset!("hbm2_2000_ilv"),
    preset!("hbm2_2000_ilv_2stack"),
    preset!("hbm3_6400"),
    preset!("hbm3_6400_ilv"),
    preset!("wideio2_400_rbc"),
    preset!("wideio2_400_chilv"),
    preset!("gddr6_14000_own"),
];
