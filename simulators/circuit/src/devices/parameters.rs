//! Model cards as name/value lists, and reading them: aliases, defaults, "did you mean".

use super::DeviceError;

/// A `.model` card after parsing: names in lower case, values evaluated.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ModelCard {
    /// Card name.
    pub name: String,
    /// Device type: `d`, `nmos`, `pmos`, `npn`, `pnp`.
    pub kind: String,
    /// Numeric parameters in the order written (a later one wins). `version` may be here as a number.
    pub parameters: Vec<(String, f64)>,
    /// `version` as written, when it is not a plain number (`4.8.2`).
    pub version: Option<String>,
}

impl ModelCard {
    /// A card from name/value pairs.
    #[must_use]
    pub fn new(name: &str, kind: &str, parameters: &[(&str, f64)]) -> Self {
        Self {
            name: name.to_owned(),
            kind: kind.to_owned(),
            parameters: parameters.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect(),
            version: None,
        }
    }

    /// The last value given for `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<f64> {
        self.parameters.iter().rev().find(|(key, _)| key == name).map(|(_, value)| *value)
    }

    /// Fails on the first value that is not finite.
    pub(super) fn check_finite(&self) -> Result<(), DeviceError> {
        match self.parameters.iter().find(|(_, value)| !value.is_finite()) {
            None => Ok(()),
            Some((parameter, value)) => Err(DeviceError::NotFinite {
                owner: self.name.clone(),
                parameter: parameter.clone(),
                value: *value,
            }),
        }
    }

    /// Warnings for the parameters that are not in `known`.
    pub(super) fn unknown<'a>(
        &self,
        known: impl Fn(&str) -> bool,
        names: impl Fn() -> Vec<&'a str>,
    ) -> Vec<String> {
        self.parameters
            .iter()
            .filter(|(name, _)| !known(name) && name != "level" && name != "version")
            .map(|(name, _)| {
                format!(
                    "model `{}`: unknown parameter `{name}` is ignored{}",
                    self.name,
                    did_you_mean(name, &names())
                )
            })
            .collect()
    }
}

/// ` (did you mean ...?)` with the nearest of `names`, or nothing if none is near.
pub(super) fn did_you_mean(name: &str, names: &[&str]) -> String {
    names
        .iter()
        .map(|known| (strsim::jaro_winkler(name, known), known))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|x, y| x.0.total_cmp(&y.0))
        .map_or_else(String::new, |(_, known)| format!(" (did you mean `{known}`?)"))
}

/// Reads instance parameters into a flat list in the order of `names`.
///
/// # Errors
/// Unknown names and values that are not finite.
pub(super) fn read_instance(
    device: &str,
    names: &[&str],
    parameters: &[(String, f64)],
    mut set: impl FnMut(usize, f64),
) -> Result<(), DeviceError> {
    for (name, value) in parameters {
        let Some(index) = names.iter().position(|known| known == name) else {
            return Err(DeviceError::UnknownParameter {
                device: device.to_owned(),
                parameter: name.clone(),
                hint: did_you_mean(name, names),
            });
        };
        if !value.is_finite() {
            return Err(DeviceError::NotFinite {
                owner: device.to_owned(),
                parameter: name.clone(),
                value: *value,
            });
        }
        set(index, *value);
    }
    Ok(())
}

/// Declares a plain parameter struct: fields, defaults, and reading by name (with aliases).
macro_rules! parameter_table {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident $(| $alias:literal)* = $default:expr),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: f64,)*
        }
        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }
        impl $name {
            /// Finds the field of a parameter name or alias.
            fn field(name: &str) -> Option<fn(&mut Self) -> &mut f64> {
                type Fields = std::collections::HashMap<&'static str, fn(&mut $name) -> &mut f64>;
                static FIELDS: std::sync::OnceLock<Fields> = std::sync::OnceLock::new();
                let fields = FIELDS.get_or_init(|| {
                    let mut fields = Fields::new();
                    $(
                        fields.insert(stringify!($field), |table| &mut table.$field);
                        $(fields.insert($alias, |table| &mut table.$field);)*
                    )*
                    fields
                });
                fields.get(name).copied()
            }
            /// All parameter names, without aliases.
            #[must_use]
            pub fn names() -> Vec<&'static str> {
                vec![$(stringify!($field)),*]
            }
            /// Reads a card; unknown parameters become warnings.
            #[allow(dead_code)] // BSIM4 reads its two tables together.
            fn read(card: &crate::devices::ModelCard) -> (Self, Vec<String>) {
                let mut table = Self::default();
                for (name, value) in &card.parameters {
                    if let Some(field) = Self::field(name) {
                        *field(&mut table) = *value;
                    }
                }
                let warnings = card.unknown(|name| Self::field(name).is_some(), Self::names);
                (table, warnings)
            }
        }
    };
}
pub(super) use parameter_table;
