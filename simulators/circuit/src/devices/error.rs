//! What can be wrong with a model card or an instance.

use thiserror::Error;

/// An unusable model card or instance.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum DeviceError {
    /// The card's type is none of the supported ones.
    #[error(
        "model `{model}`: unknown device type `{kind}` (supported: d, nmos, pmos, vdmos, npn, pnp, njf, pjf, sw, csw, r, c, l)"
    )]
    UnknownKind {
        /// Card name.
        model: String,
        /// Type as written.
        kind: String,
    },
    /// The card's level is not supported.
    #[error(
        "model `{model}`: level {level} is not supported (MOS: level 1 or level 14/54, BSIM4 versions 4.0 to 4.5 and 4.8; bipolar: level 1, Gummel-Poon, and levels 4 and 9, VBIC; JFET: level 1)"
    )]
    UnknownLevel {
        /// Card name.
        model: String,
        /// Level as written.
        level: f64,
    },
    /// A switch that selects equations which are not implemented.
    #[error("`{owner}`: {parameter} = {value} is not supported, only {supported}")]
    Unsupported {
        /// Device or model.
        owner: String,
        /// The switch.
        parameter: String,
        /// Its value.
        value: f64,
        /// The values that are.
        supported: String,
    },
    /// An instance parameter that the device does not have.
    #[error("device `{device}`: unknown parameter `{parameter}`{hint}")]
    UnknownParameter {
        /// Instance name.
        device: String,
        /// Parameter as written.
        parameter: String,
        /// Empty, or ` (did you mean ...?)`.
        hint: String,
    },
    /// A value that is not a finite number.
    #[error("`{owner}`: parameter `{parameter}` is {value}, not a finite number")]
    NotFinite {
        /// Device or model.
        owner: String,
        /// Parameter.
        parameter: String,
        /// Value.
        value: f64,
    },
    /// A size that must be positive is not.
    #[error("device `{device}`: {what} is {value:e}, it must be greater than zero{hint}")]
    NotPositive {
        /// Instance name.
        device: String,
        /// Which quantity.
        what: String,
        /// Value.
        value: f64,
        /// Empty, or how the value came about.
        hint: String,
    },
    /// A re-sizing would change which internal nodes exist.
    #[error(
        "device `{device}`: the change adds or removes a series-resistance node; build the circuit again"
    )]
    TopologyChanged {
        /// Instance name.
        device: String,
    },
}

/// Checks sizes of a device, each with its name. Errors: the first that is not above 0; `hint` says how the value came about.
pub(super) fn check_positive(device: &str, sizes: &[(&str, f64)], hint: &str) -> Result<(), DeviceError> {
    match sizes.iter().find(|(_, value)| value.is_nan() || *value <= 0.0) {
        None => Ok(()),
        Some((what, value)) => Err(DeviceError::NotPositive {
            device: device.into(),
            what: (*what).into(),
            value: *value,
            hint: hint.into(),
        }),
    }
}
