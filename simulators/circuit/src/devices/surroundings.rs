//! Temperature, gmin and the physical constants that the models share.

/// Physical constants as ngspice 39 has them (CODATA 2014).
pub mod constants {
    /// Elementary charge, C.
    pub const CHARGE: f64 = 1.602_176_620_8e-19;
    /// Boltzmann constant, J/K.
    pub const BOLTZMANN: f64 = 1.380_648_52e-23;
    /// Zero Celsius in kelvin.
    pub const ZERO_CELSIUS_K: f64 = 273.15;
    /// SPICE's reference temperature, 27 C, in kelvin.
    pub const REFERENCE_K: f64 = 300.15;
    /// Permittivity of silicon dioxide as the level-1 model has it, F/m.
    pub const EPSILON_OXIDE: f64 = 3.9 * 8.854_214_871e-12;
    /// Permittivity of silicon as the level-1 model has it, F/m.
    pub const EPSILON_SILICON: f64 = 11.7 * 8.854_214_871e-12;
}

/// What an instance needs to know of the circuit around it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Surroundings {
    /// Circuit temperature, kelvin.
    pub temperature_k: f64,
    /// Conductance across every pn junction, siemens.
    pub gmin: f64,
    /// Newton tolerance; the matching of a diode's breakdown voltage stops at it, as in ngspice.
    pub reltol: f64,
    /// Whether the run contains a noise analysis: BSIM4 with `tnoimod` > 0 then has its series-resistance nodes.
    pub noise: bool,
}

impl Default for Surroundings {
    /// 27 C, gmin 1e-12 S, reltol 1e-3, no noise analysis.
    fn default() -> Self {
        Self { temperature_k: constants::REFERENCE_K, gmin: 1e-12, reltol: 1e-3, noise: false }
    }
}

impl Surroundings {
    /// Thermal voltage kT/q at the circuit temperature, volts.
    #[must_use]
    pub fn thermal_voltage(&self) -> f64 {
        constants::BOLTZMANN * self.temperature_k / constants::CHARGE
    }
}
