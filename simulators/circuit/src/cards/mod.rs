//! Our own model cards (public domain, CC0): generic processes for tests, examples and the sizing environments.

/// BSIM4 4.5, 130-nm-like, 1.8 V, base switches: `n4`, `p4`.
pub const BSIM4_BASE: &str = include_str!("b4a.mod");
/// BSIM4 4.5 with gate and body networks, tunnelling, GIDL, `rdsmod`, stress, holistic noise: `n4b`, `p4b`.
pub const BSIM4_FULL: &str = include_str!("b4b.mod");
/// BSIM4 4.8, base switches: `n4c`, `p4c`.
pub const BSIM4_V48: &str = include_str!("b4c.mod");
/// Level 1, generic 0.5 um, 3.3 V: `n1`, `p1`, and variants `n1r`, `n1s`.
pub const LEVEL1: &str = include_str!("l1.mod");
/// Diodes `d1`, `dz`, `dsimple` and bipolars `q1`, `qp1`.
pub const DIODE_BIPOLAR: &str = include_str!("dio_bjt.mod");
