//! Parameters that are one of a few names: an enum with its list of values and names, defined in one place.

/// Defines such an enum with `ALL`, `name` and `from_name`.
macro_rules! choice {
    ($(#[$meta:meta])* $vis:vis enum $type:ident { $($(#[$vmeta:meta])* $variant:ident),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        $vis enum $type { $($(#[$vmeta])* $variant),+ }

        impl $type {
            /// Every value, in the order of the design space.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Name as configuration files write it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => stringify!($variant)),+ }
            }

            /// The value of that name.
            ///
            /// # Errors
            /// [`Error::UnknownName`](crate::Error::UnknownName) with the closest name.
            pub fn from_name(name: &str) -> crate::Result<Self> {
                Self::ALL.iter().copied().find(|value| value.name() == name).ok_or_else(|| {
                    crate::Error::unknown(stringify!($type), name, Self::ALL.iter().map(|value| value.name()))
                })
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}
pub(crate) use choice;
