//! The compact device models: diode, MOS level 1, BSIM4, power MOS, Gummel-Poon and VBIC bipolar and JFET, behind one enum.
//!
//! How an analysis uses a device:
//!
//! 1. [`Model::from_card`] reads a `.model` card once; [`Device::new`] makes an instance of it.
//! 2. The instance's *local nodes* are its terminals in deck order (`d g s b`, `a c`, `c b e s`), followed by
//!    [`Device::internal_nodes`] internal ones. The analysis gives each a row of its matrix.
//! 3. [`Device::evaluate`] takes the local node voltages, applies SPICE's voltage limiting against the device's previous
//!    evaluation, and fills a [`Stamp`]: currents leaving the local nodes and their derivatives, and charge branches
//!    with theirs, all taken *at the limited voltages* [`Stamp::v`]. The Newton equation of row `a` is therefore
//!    `sum_j g[a][j] x[j] = sum_j g[a][j] v[j] - i[a]`.
//! 4. A charge branch `k` ([`Device::charges`]) holds the charge `q[k]` on node `a` and `-q[k]` on node `b`; it is one
//!    state of the time integration, and one row pair of the capacitance matrix in small-signal analyses.
//! 5. [`Device::accept`] after each accepted time or sweep point: the history that [`Pass::Predict`] extrapolates.
//!
//! ```
//! use hwgym_circuit::devices::{Device, Model, ModelCard, Pass, Stamp, Surroundings};
//! let card = ModelCard::new("d1", "d", &[("is", 1e-14)]);
//! let (model, warnings) = Model::from_card(&card, 300.15)?;
//! assert!(warnings.is_empty());
//! let mut diode = Device::new("d1", &model, &[], &Surroundings::default())?;
//! let mut stamp = Stamp::default();
//! diode.evaluate(&[0.6, 0.0], Pass::Free, true, &mut stamp);
//! assert!((stamp.i[0] / 1.1869e-4 - 1.0).abs() < 1e-3);
//! # Ok::<(), hwgym_circuit::devices::DeviceError>(())
//! ```

mod bjt;
pub mod bsim4;
mod depletion;
mod diode;
mod dual;
mod error;
mod jfet;
pub mod limiting;
mod mos1;
mod parameters;
mod stamp;
mod surroundings;
#[cfg(test)]
mod test_support;
mod vbic;
mod vdmos;

use std::sync::Arc;

pub use bjt::{Bjt, BjtModel};
pub use bsim4::{Bsim4, Bsim4Model};
pub use diode::{Diode, DiodeModel};
pub use error::DeviceError;
pub use jfet::{Jfet, JfetModel};
pub use mos1::{Mos1, Mos1Model};
pub use parameters::ModelCard;
pub use stamp::{Charge, MAX_CHARGES, MAX_NODES, NoiseSource, Partner, Pass, Stamp};
pub use surroundings::{Surroundings, constants};
pub use vbic::{Vbic, VbicModel};
pub use vdmos::{Vdmos, VdmosModel};

/// A `.model` card, read and checked; cheap to clone, shared by its instances.
#[derive(Debug, Clone)]
pub enum Model {
    /// Junction diode, level 1.
    Diode(Arc<DiodeModel>),
    /// BSIM4, versions 4.5 and 4.8.
    Bsim4(Arc<Bsim4Model>),
    /// MOS level 1.
    Mos1(Arc<Mos1Model>),
    /// Gummel-Poon bipolar transistor.
    Bjt(Arc<BjtModel>),
    /// Junction field-effect transistor, level 1.
    Jfet(Arc<JfetModel>),
    /// Power MOS transistor with its body diode.
    Vdmos(Arc<VdmosModel>),
    /// VBIC bipolar transistor.
    Vbic(Arc<VbicModel>),
}

impl Model {
    /// Reads a card. `nominal_k` is the circuit's `tnom` in kelvin, used when the card has none.
    ///
    /// Unknown parameters are ignored as ngspice ignores them, each with a warning (and the nearest known name).
    ///
    /// # Errors
    /// Unknown device kind or level, and values that are not finite.
    pub fn from_card(card: &ModelCard, nominal_k: f64) -> Result<(Self, Vec<String>), DeviceError> {
        match card.kind.as_str() {
            "d" => DiodeModel::from_card(card, nominal_k)
                .map(|(model, warnings)| (Self::Diode(Arc::new(model)), warnings)),
            "nmos" | "pmos" => match card.get("level").unwrap_or(1.0) {
                14.0 | 54.0 => Bsim4Model::from_card(card, nominal_k)
                    .map(|(model, warnings)| (Self::Bsim4(Arc::new(model)), warnings)),
                1.0 => Mos1Model::from_card(card, nominal_k)
                    .map(|(model, warnings)| (Self::Mos1(Arc::new(model)), warnings)),
                level => Err(DeviceError::UnknownLevel { model: card.name.clone(), level }),
            },
            "vdmos" | "vdmosn" | "vdmosp" => VdmosModel::from_card(card, nominal_k)
                .map(|(model, warnings)| (Self::Vdmos(Arc::new(model)), warnings)),
            "njf" | "pjf" => match card.get("level").unwrap_or(1.0) {
                1.0 => JfetModel::from_card(card, nominal_k)
                    .map(|(model, warnings)| (Self::Jfet(Arc::new(model)), warnings)),
                level => Err(DeviceError::UnknownLevel { model: card.name.clone(), level }),
            },
            "npn" | "pnp" => match card.get("level").unwrap_or(1.0) {
                1.0 => BjtModel::from_card(card, nominal_k)
                    .map(|(model, warnings)| (Self::Bjt(Arc::new(model)), warnings)),
                4.0 | 9.0 => VbicModel::from_card(card, nominal_k)
                    .map(|(model, warnings)| (Self::Vbic(Arc::new(model)), warnings)),
                level => Err(DeviceError::UnknownLevel { model: card.name.clone(), level }),
            },
            _ => Err(DeviceError::UnknownKind { model: card.name.clone(), kind: card.kind.clone() }),
        }
    }

    /// Number of terminals of an instance: diode 2, JFET and power MOS 3, MOS 4, bipolar 4 (a missing substrate is tied to ground).
    #[must_use]
    pub fn terminals(&self) -> usize {
        match self {
            Self::Diode(_) => 2,
            Self::Jfet(_) | Self::Vdmos(_) => 3,
            Self::Bsim4(_) | Self::Mos1(_) | Self::Bjt(_) | Self::Vbic(_) => 4,
        }
    }

    /// The card's name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Diode(model) => &model.name,
            Self::Bsim4(model) => &model.name,
            Self::Mos1(model) => &model.name,
            Self::Bjt(model) => &model.name,
            Self::Jfet(model) => &model.name,
            Self::Vdmos(model) => &model.name,
            Self::Vbic(model) => &model.name,
        }
    }
}

/// One instance of a model in a circuit.
#[derive(Debug, Clone)]
pub enum Device {
    /// Junction diode, level 1.
    Diode(Box<Diode>),
    /// BSIM4.
    Bsim4(Box<Bsim4>),
    /// MOS level 1.
    Mos1(Box<Mos1>),
    /// Bipolar transistor.
    Bjt(Box<Bjt>),
    /// Junction field-effect transistor.
    Jfet(Box<Jfet>),
    /// Power MOS transistor.
    Vdmos(Box<Vdmos>),
    /// VBIC bipolar transistor.
    Vbic(Box<Vbic>),
}

/// Calls a method on whichever model the device is.
macro_rules! each {
    ($device:expr, $inner:ident => $call:expr) => {
        match $device {
            Device::Diode($inner) => $call,
            Device::Bsim4($inner) => $call,
            Device::Mos1($inner) => $call,
            Device::Bjt($inner) => $call,
            Device::Jfet($inner) => $call,
            Device::Vdmos($inner) => $call,
            Device::Vbic($inner) => $call,
        }
    };
}

impl Device {
    /// Makes an instance with its instance parameters (`w`, `l`, `m`, `area`, ...; lower case, SI units, scale applied).
    ///
    /// # Errors
    /// Unknown instance parameters, values that are not finite, zero or negative sizes.
    pub fn new(
        name: &str,
        model: &Model,
        parameters: &[(String, f64)],
        surroundings: &Surroundings,
    ) -> Result<Self, DeviceError> {
        match model {
            Model::Diode(model) => {
                Diode::new(name, model, parameters, surroundings).map(|d| Self::Diode(Box::new(d)))
            }
            Model::Bsim4(model) => {
                Bsim4::new(name, model, parameters, surroundings).map(|d| Self::Bsim4(Box::new(d)))
            }
            Model::Mos1(model) => {
                Mos1::new(name, model, parameters, surroundings).map(|d| Self::Mos1(Box::new(d)))
            }
            Model::Bjt(model) => {
                Bjt::new(name, model, parameters, surroundings).map(|d| Self::Bjt(Box::new(d)))
            }
            Model::Jfet(model) => {
                Jfet::new(name, model, parameters, surroundings).map(|d| Self::Jfet(Box::new(d)))
            }
            Model::Vdmos(model) => {
                Vdmos::new(name, model, parameters, surroundings).map(|d| Self::Vdmos(Box::new(d)))
            }
            Model::Vbic(model) => {
                Vbic::new(name, model, parameters, surroundings).map(|d| Self::Vbic(Box::new(d)))
            }
        }
    }

    /// The instance's name.
    #[must_use]
    pub fn name(&self) -> &str {
        each!(self, d => &d.name)
    }

    /// Number of terminals. A thermal node counts, and so does the ground behind it.
    #[must_use]
    pub fn terminals(&self) -> usize {
        match self {
            Self::Diode(_) => 2,
            Self::Jfet(_) | Self::Vdmos(_) => 3,
            Self::Bsim4(_) | Self::Mos1(_) | Self::Bjt(_) => 4,
            Self::Vbic(device) => device.terminals(),
        }
    }

    /// Names of the internal nodes (`drain`, `source`, `gate`, `body`, ...); node `terminals() + k` is the `k`-th.
    /// Which ones exist depends on the model's switches and resistances, not on bias. A re-sizing that would change
    /// them is refused by [`Device::set_parameter`]'s `update`.
    #[must_use]
    pub fn internal_nodes(&self) -> &[&'static str] {
        each!(self, d => d.internal_nodes())
    }

    /// Number of local nodes, terminals and internal ones together (at most [`MAX_NODES`]).
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.terminals() + self.internal_nodes().len()
    }

    /// The charge branches, in the order of [`Stamp::q`].
    #[must_use]
    pub fn charges(&self) -> &[Charge] {
        each!(self, d => d.charges())
    }

    /// Local `(row, column)` pairs of the conductance matrix that may be non-zero, in row order.
    /// All other entries of [`Stamp::g`] are zero for ever.
    #[must_use]
    pub fn conductance_pattern(&self) -> Vec<(usize, usize)> {
        each!(self, d => d.conductance_pattern())
    }

    /// The local nodes that charge branch `k` depends on; its other entries of [`Stamp::c`] are zero for ever.
    #[must_use]
    pub fn charge_columns(&self, k: usize) -> Vec<usize> {
        let charge = self.charges()[k];
        match self {
            // Two-terminal capacitances.
            Self::Diode(_) | Self::Mos1(_) | Self::Jfet(_) | Self::Vdmos(_) => vec![charge.a, charge.b],
            Self::Bsim4(_) | Self::Bjt(_) | Self::Vbic(_) => (0..self.node_count()).collect(),
        }
    }

    /// Local `(row, column)` pairs of the capacitance matrix that may be non-zero, in row order.
    #[must_use]
    pub fn capacitance_pattern(&self) -> Vec<(usize, usize)> {
        let mut pairs = Vec::new();
        for (k, charge) in self.charges().iter().enumerate() {
            for column in self.charge_columns(k) {
                pairs.push((charge.a, column));
                pairs.push((charge.b, column));
            }
        }
        pairs.sort_unstable();
        pairs.dedup();
        pairs
    }

    /// Evaluates the device at local node voltages `v` (volts) and fills `stamp`.
    ///
    /// `charges` asks for `q` and `c` too (AC, transient and its operating point); without it they are left as they were.
    /// Returns true if a junction voltage was limited (pnjlim), which forbids convergence; MOS gate and drain limiting
    /// does not.
    pub fn evaluate(&mut self, v: &[f64], pass: Pass, charges: bool, stamp: &mut Stamp) -> bool {
        each!(self, d => d.evaluate(v, pass, charges, stamp))
    }

    /// Whether currents and charges are smooth functions of the present voltages alone, so that a linearisation serves for small moves
    /// (Meyer's charge depends on the way there, a bipolar's charge slopes are not its partials).
    #[must_use]
    pub fn is_smooth(&self) -> bool {
        matches!(self, Self::Bsim4(_))
    }

    /// Whether [`Stamp::v`] holds all voltages that an evaluation was limited to, so that it serves again where the nodes stay there.
    #[must_use]
    pub fn serves_again(&self) -> bool {
        !matches!(self, Self::Vdmos(_) | Self::Vbic(_))
    }

    /// Sets the history of a smooth device: local node voltages of the newest accepted point, and of the one before it.
    pub fn place(&mut self, newest: &[f64], before: &[f64]) {
        if let Self::Bsim4(device) = self {
            device.place(newest, before);
        }
    }

    /// Accepts the state of the last evaluation as the newest point of the history (time step or sweep point).
    pub fn accept(&mut self) {
        each!(self, d => d.accept());
    }

    /// Forgets all history and limiting state (before a cold start).
    pub fn reset(&mut self) {
        each!(self, d => d.reset());
    }

    /// Appends the noise generators at the last evaluated bias (evaluate with [`Pass::AtState`] first).
    pub fn noise_sources(&self, sources: &mut Vec<NoiseSource>) {
        each!(self, d => d.noise_sources(sources));
    }

    /// Operating-point quantities at the last evaluated bias, under ngspice's names (`id`, `gm`, `vth`, ...).
    #[must_use]
    pub fn op_info(&self) -> Vec<(&'static str, f64)> {
        each!(self, d => d.op_info())
    }

    /// Index of an instance parameter, to be used with [`Device::set_parameter`]; `None` if there is no such parameter.
    #[must_use]
    pub fn parameter_index(&self, name: &str) -> Option<usize> {
        each!(self, d => d.parameter_index(name))
    }

    /// Changes an instance parameter; [`Device::update`] makes the changes effective.
    pub fn set_parameter(&mut self, index: usize, value: f64) {
        each!(self, d => d.set_parameter(index, value));
    }

    /// Recomputes the temperature- and size-dependent quantities after parameters or surroundings changed.
    /// No allocation. Limiting state and history are kept; call [`Device::reset`] for a cold start.
    ///
    /// # Errors
    /// Not finite, zero or negative sizes; a change that would add or remove internal nodes.
    pub fn update(&mut self, surroundings: &Surroundings) -> Result<(), DeviceError> {
        each!(self, d => d.update(surroundings))
    }

    /// Changes the junction conductance `gmin` (siemens) alone, for device-gmin stepping.
    pub fn set_gmin(&mut self, gmin: f64) {
        each!(self, d => d.set_gmin(gmin));
    }
}

/// Applies the checks that ngspice applies to BSIM4 cards: its clamps of `ckappas`, `ckappad`, `a2`, `prwg` and `rdsw`
/// reach only the instances that have the size (`l`, `w`, `nf`) of the *last* instance of their model. Call it with all
/// devices in deck order after they were made and after every re-sizing.
pub fn apply_model_checks(devices: &mut [Device]) {
    for index in (0..devices.len()).rev() {
        let Device::Bsim4(device) = &devices[index] else { continue };
        let model = Arc::clone(&device.model);
        let same_model = |other: &Device| matches!(other, Device::Bsim4(d) if Arc::ptr_eq(&d.model, &model));
        if devices[index + 1..].iter().any(same_model) {
            continue;
        }
        let key = device.check_key();
        for other in &mut devices[..=index] {
            if let Device::Bsim4(other) = other
                && Arc::ptr_eq(&other.model, &model)
            {
                let same_size = other.check_key() == key;
                other.set_checked(same_size);
            }
        }
    }
}
