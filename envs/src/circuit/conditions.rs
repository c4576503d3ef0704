//! Options common to all circuit environments: process corners, supplies, temperatures, mismatch, engine.

use serde::Deserialize;

use crate::{EnvError, Random};

/// A process corner of the built-in cards: threshold voltages 30 mV and mobilities 8 % off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Corner {
    /// Typical.
    Tt,
    /// Fast NMOS, fast PMOS.
    Ff,
    /// Slow, slow.
    Ss,
    /// Fast NMOS, slow PMOS.
    Fs,
    /// Slow NMOS, fast PMOS.
    Sf,
}

impl Corner {
    /// Values of the corner parameters: threshold shifts in volts, mobility factors.
    pub(super) fn values(self) -> [f64; 4] {
        let (n, p) = match self {
            Self::Tt => (0.0, 0.0),
            Self::Ff => (1.0, 1.0),
            Self::Ss => (-1.0, -1.0),
            Self::Fs => (1.0, -1.0),
            Self::Sf => (-1.0, 1.0),
        };
        [-0.03 * n, 0.03 * p, 1.0 + 0.08 * n, 1.0 + 0.08 * p]
    }
}

/// Mismatch Monte Carlo: every transistor's threshold is shifted by a normal deviate of `avt_mv_um / sqrt(W L m)` (Pelgrom).
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mismatch {
    /// Number of samples; 0 switches it off.
    pub samples: usize,
    /// Seed of the deviates: the same ones for every design, so that designs compare fairly.
    pub seed: u64,
    /// Area coefficient of the threshold, mV um.
    pub avt_mv_um: f64,
}

impl Default for Mismatch {
    fn default() -> Self {
        Self { samples: 0, seed: 1, avt_mv_um: 3.5 }
    }
}

/// Which simulator evaluates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Simulator {
    /// The embedded one.
    #[default]
    Native,
    /// An installed ngspice, as a child process.
    Ngspice,
}

/// One combination of corner, supply, temperature and mismatch sample.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    pub(super) corner: Corner,
    pub(super) supply_v: f64,
    pub(super) temperature_c: f64,
    /// Standard normal deviates, one per transistor; empty without mismatch.
    pub(super) deviates: Vec<f64>,
}

/// All combinations, in a fixed order; the first is the nominal one where the lists begin with it.
pub(super) fn conditions(
    corners: &[Corner],
    supplies_v: &[f64],
    temperatures_c: &[f64],
    mismatch: Mismatch,
    transistors: usize,
) -> Result<Vec<Condition>, EnvError> {
    for (option, values, low, high) in
        [("supplies_v", supplies_v, 0.1, 10.0), ("temperatures_c", temperatures_c, -100.0, 300.0)]
    {
        if values.is_empty() || values.iter().any(|v| !(*v >= low && *v <= high)) {
            return Err(EnvError::invalid(option, format!("give at least one value from {low} to {high}")));
        }
    }
    if corners.is_empty() {
        return Err(EnvError::invalid("corners", "give at least one of tt, ff, ss, fs, sf"));
    }
    if mismatch.samples > 100_000 {
        return Err(EnvError::invalid("mismatch", "at most 100000 samples"));
    }
    let mut random = Random::derived(mismatch.seed, "mismatch");
    let samples: Vec<Vec<f64>> = if mismatch.samples == 0 {
        vec![Vec::new()]
    } else {
        (0..mismatch.samples).map(|_| (0..transistors).map(|_| random.normal()).collect()).collect()
    };
    let mut all = Vec::new();
    for corner in corners {
        for supply_v in supplies_v {
            for temperature_c in temperatures_c {
                for deviates in &samples {
                    all.push(Condition {
                        corner: *corner,
                        supply_v: *supply_v,
                        temperature_c: *temperature_c,
                        deviates: deviates.clone(),
                    });
                }
            }
        }
    }
    Ok(all)
}
