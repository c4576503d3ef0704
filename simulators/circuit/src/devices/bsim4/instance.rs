//! The instance parameters of a BSIM4 transistor.

use super::model::{Bsim4Model, check_switch};
use crate::devices::DeviceError;

/// Declares the instance parameters as a struct, a name list and index access.
macro_rules! instance_table {
    ($($field:ident = $default:expr),* $(,)?) => {
        /// Instance parameters as given (`NaN`: not given). Lengths in metres, areas in square metres.
        #[derive(Debug, Clone, Copy)]
        pub(super) struct Instance { $(pub(super) $field: f64),* }
        impl Default for Instance {
            fn default() -> Self {
                Self { $($field: $default),* }
            }
        }
        impl Instance {
            /// Names, in index order.
            pub(super) const NAMES: &'static [&'static str] = &[$(stringify!($field)),*];

            /// The parameter of an index.
            pub(super) fn field(&mut self, index: usize) -> Option<&mut f64> {
                [$(&mut self.$field),*].into_iter().nth(index)
            }
        }
    };
}

instance_table! {
    w = 5e-6, l = 5e-6, nf = 1.0, m = 1.0, ad = f64::NAN, r#as = f64::NAN, pd = f64::NAN, ps = f64::NAN,
    nrd = f64::NAN, nrs = f64::NAN, sa = 0.0, sb = 0.0, sd = f64::NAN, sca = f64::NAN, scb = f64::NAN,
    scc = f64::NAN, sc = 0.0, delvto = 0.0, mulu0 = 1.0, min = 0.0, rbdb = f64::NAN, rbsb = f64::NAN,
    rbpb = f64::NAN, rbps = f64::NAN, rbpd = f64::NAN, xgw = f64::NAN, ngcon = f64::NAN, geomod = f64::NAN,
    rgeomod = f64::NAN, rbodymod = f64::NAN, rgatemod = f64::NAN, trnqsmod = f64::NAN, acnqsmod = f64::NAN,
    off = 0.0, icvds = f64::NAN, icvgs = f64::NAN, icvbs = f64::NAN,
}

impl Instance {
    /// Index of a parameter name.
    pub(super) fn index(name: &str) -> Option<usize> {
        let name = match name {
            "as" => "r#as",
            "delvt0" => "delvto",
            other => other,
        };
        Self::NAMES.iter().position(|known| *known == name)
    }

    /// Refuses switches whose equations are not implemented: the card's or the instance's own.
    pub(super) fn check_switches(&self, name: &str) -> Result<(), DeviceError> {
        for (parameter, value, supported) in [
            ("rgatemod", self.rgatemod, [0.0, 1.0, 2.0, 3.0].as_slice()),
            ("rbodymod", self.rbodymod, &[0.0, 1.0, 2.0]),
            ("trnqsmod", self.trnqsmod, &[0.0]),
            ("acnqsmod", self.acnqsmod, &[0.0]),
        ] {
            check_switch(name, parameter, value, supported)?;
        }
        Ok(())
    }

    /// Fills what was not given from the card.
    pub(super) fn resolved(mut self, model: &Bsim4Model) -> Self {
        let p = &model.p;
        for (value, fallback) in [
            (&mut self.sd, 2.0 * p.dmcg),
            (&mut self.rbdb, p.rbdb),
            (&mut self.rbsb, p.rbsb),
            (&mut self.rbpb, p.rbpb),
            (&mut self.rbps, p.rbps),
            (&mut self.rbpd, p.rbpd),
            (&mut self.xgw, p.xgw),
            (&mut self.ngcon, p.ngcon),
            (&mut self.geomod, p.geomod),
            (&mut self.rgeomod, p.rgeomod),
            (&mut self.rbodymod, p.rbodymod),
            (&mut self.rgatemod, p.rgatemod),
            (&mut self.trnqsmod, p.trnqsmod),
            (&mut self.acnqsmod, p.acnqsmod),
        ] {
            if value.is_nan() {
                *value = fallback;
            }
        }
        self
    }
}
