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
    preset!("lpddr4_3200_brc"),
    preset!("lpddr4_3200_1Gx16_robaco"),
    preset!("hbm2_2000_brc"),
    preset!("hbm2_2000_ilv"),
    preset!("hbm2_2000_ilv_2stack"),
    preset!("hbm3_6400"),
    preset!("wideio2_400_rbc"),
    preset!("wideio2_400_chilv"),
    preset!("gddr6_14000_own"),
];
