//! An environment: repeaters on a long wire (Bakoglu and Meindl, IEEE TED 32(5), 1985).

use hwgym::prelude::*;
use serde::Deserialize;

/// Options of the environment.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct WireOptions {
    /// Length of the wire, mm.
    length_mm: f64,
}

impl Default for WireOptions {
    fn default() -> Self {
        Self { length_mm: 10.0 }
    }
}

struct Wire {
    length_mm: f64,
    space: DesignSpace,
    metrics: Vec<Metric>,
}

impl Wire {
    fn new(options: &Options) -> Result<Self, EnvError> {
        let WireOptions { length_mm } = options.parse()?;
        if !(0.1..=1000.0).contains(&length_mm) {
            return Err(EnvError::invalid("length_mm", "give 0.1 to 1000 mm"));
        }
        let space = DesignSpace::new(vec![
            Parameter::integer("Repeaters", 1, 60).describe("inverters along the wire"),
            Parameter::log_real("Size", 1.0, 500.0).describe("their width, in smallest inverters"),
        ])?;
        let metrics = vec![
            Metric::minimise("delay_ps", "ps", "50 % delay from end to end"),
            Metric::minimise("energy_fj", "fJ", "energy of one transition"),
        ];
        Ok(Self { length_mm, space, metrics })
    }
}

impl Env for Wire {
    fn id(&self) -> &str {
        "repeated-wire-v0"
    }

    fn space(&self) -> &DesignSpace {
        &self.space
    }

    fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    /// Elmore delay of equal segments; resistances in kilo-ohm, capacitances in femtofarad, so that products are picoseconds.
    fn evaluate(&self, design: &Design, _: Fidelity) -> Outcome {
        let (count, size) = (self.space.number(design, 0), self.space.number(design, 1));
        let (driver, gate, drain) = (10.0 / size, 0.2 * size, 0.2 * size);
        let (resistance, capacitance) = (0.2 * self.length_mm / count, 200.0 * self.length_mm / count);
        let segment =
            0.69 * driver * (drain + capacitance + gate) + resistance * (0.38 * capacitance + 0.69 * gate);
        let energy = count * (drain + gate + capacitance);
        Outcome::feasible([count * segment, energy])
    }
}

pub fn entry() -> EnvEntry {
    EnvEntry::new("repeated-wire-v0", "repeaters on a long wire", |options| Ok(Box::new(Wire::new(options)?)))
        .option("length_mm", "10.0", "length of the wire in mm, 0.1 to 1000")
}
