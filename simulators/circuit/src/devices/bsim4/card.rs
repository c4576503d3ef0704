//! The parameters of a BSIM4 card: names, defaults, binning prefixes.
//!
//! Two tables: [`Bins`] are the parameters that depend on size through the `l`, `w` and `p` prefixes, [`Plain`] the
//! others. `NaN` as a default means "not given": the value is then derived in [`super::model`], or the effect is off.

use crate::devices::ModelCard;
use crate::devices::parameters::{did_you_mean, parameter_table};

/// Declares the binnable parameters and how a bin's value is made from its four coefficients.
macro_rules! bin_table {
    ($($field:ident $(| $alias:literal)* = $default:expr),* $(,)?) => {
        parameter_table! {
            /// Parameters that binning makes size-dependent. The manual's names; lengths in metres, doping in cm^-3.
            Bins { $(
                /// See the BSIM4 manual, appendix A.
                $field $(| $alias)* = $default
            ),* }
        }
        impl Bins {
            /// All zero: the start value of the `l`, `w` and `p` coefficients.
            fn zero() -> Self {
                Self { $($field: 0.0),* }
            }

            /// `base + l il + w iw + p ip`, parameter by parameter.
            pub(super) fn combine(base: &Self, coefficients: &[Self; 3], inverse: [f64; 3]) -> Self {
                let [l, w, p] = coefficients;
                let [il, iw, ip] = inverse;
                Self { $($field: base.$field + l.$field * il + w.$field * iw + p.$field * ip),* }
            }
        }
    };
}

bin_table! {
    xj = 1.5e-7, ndep = f64::NAN, nsub = 6e16, nsd = 1e20, ngate = 0.0, phin = 0.0, gamma1 = f64::NAN, gamma2 = f64::NAN,
    vbx = f64::NAN, vbm = -3.0, xt = 1.55e-7, vfb = f64::NAN, k1 = f64::NAN, k2 = f64::NAN, dwg = 0.0, dwb = 0.0,
    vth0 | "vtho" = f64::NAN, k3 = 80.0, k3b = 0.0, w0 = 2.5e-6, lpe0 = 1.74e-7, lpeb = 0.0, dvtp0 = 0.0, dvtp1 = 0.0,
    dvt0 = 2.2, dvt1 = 0.53, dvt2 = -0.032, dvt0w = 0.0, dvt1w = 5.3e6, dvt2w = -0.032, eta0 = 0.08, etab = -0.07,
    dsub = f64::NAN, cdsc = 2.4e-4, cdscb = 0.0, cdscd = 0.0, cit = 0.0, nfactor = 1.0, voff = -0.08, minv = 0.0,
    u0 = f64::NAN, ua = f64::NAN, ub = 1e-19, uc = f64::NAN, ud = f64::NAN, ucs = f64::NAN, ucste = -4.775e-3, eu1 = 0.0, up = 0.0, lp = 1e-8, eu = f64::NAN,
    ute = -1.5, ua1 = 1e-9, ub1 = -1e-18, uc1 = f64::NAN, ud1 = 0.0, vsat = 8e4, at = 3.3e4, a0 = 1.0, ags = 0.0,
    a1 = 0.0, a2 = 1.0, b0 = 0.0, b1 = 0.0, keta = -0.047, delta = 0.01, pclm = 1.3, pdiblc1 = 0.39,
    pdiblc2 = 0.0086, pdiblcb = 0.0, drout = 0.56, pvag = 0.0, pscbe1 = 4.24e8, pscbe2 = 1e-5, fprout = 0.0,
    pdits = 0.0, pditsd = 0.0, lambda = f64::NAN, vtl = f64::NAN, xn = 3.0, rdsw = 200.0, rsw = 100.0, rdw = 100.0,
    prwg = 1.0, prwb = 0.0, wr = 1.0, prt = 0.0, alpha0 = 0.0, alpha1 = 0.0, beta0 = 0.0, agidl = 0.0, bgidl = 2.3e9,
    cgidl = 0.5, egidl = 0.8, agisl = f64::NAN, bgisl = f64::NAN, cgisl = f64::NAN, egisl = f64::NAN,
    aigc = f64::NAN, bigc = f64::NAN, cigc = f64::NAN, aigsd = f64::NAN, bigsd = f64::NAN, cigsd = f64::NAN,
    aigs = f64::NAN, bigs = f64::NAN, cigs = f64::NAN, aigd = f64::NAN, bigd = f64::NAN, cigd = f64::NAN,
    aigbacc = 1.36e-2, bigbacc = 1.71e-3, cigbacc = 0.075, aigbinv = 1.11e-2, bigbinv = 9.49e-4, cigbinv = 0.006,
    eigbinv = 1.1, nigbinv = 3.0, nigbacc = 1.0, nigc = 1.0, ntox = 1.0, poxedge = 1.0, pigcd = f64::NAN,
    vfbsdoff = 0.0, tvfbsdoff = 0.0, cgsl = 0.0, cgdl = 0.0, ckappas = 0.6, ckappad = f64::NAN, cf = f64::NAN,
    clc = 1e-7, cle = 0.6, vfbcv = -1.0, acde = 1.0, moin = 15.0, noff = 1.0, voffcv = 0.0, kt1 = -0.11, kt1l = 0.0,
    kt2 = 0.022, tvoff = 0.0, xrcrg1 = 12.0, xrcrg2 = 1.0,
}

parameter_table! {
    /// Parameters without bins. The manual's names and units.
    #[allow(missing_docs)]
    Plain {
        // Switches.
        mobmod = 0.0, capmod = 2.0, rdsmod = 0.0, rbodymod = 0.0, rgatemod = 0.0, permod = 1.0, geomod = 0.0,
        rgeomod = 0.0, fnoimod = 1.0, tnoimod = 0.0, trnqsmod = 0.0, acnqsmod = 0.0, igcmod = 0.0, igbmod = 0.0,
        diomod = 1.0, tempmod = 0.0, wpemod = 0.0, binunit = 1.0, paramchk = 1.0, tnom = f64::NAN,
        // Oxide and geometry.
        toxe = f64::NAN, toxp = f64::NAN, toxm = f64::NAN, dtox = 0.0, toxref = 3e-9, epsrox = 3.9, lint = 0.0,
        wint = 0.0, dlc = f64::NAN, dwc = f64::NAN, dwj = f64::NAN, dlcig = f64::NAN, dlcigd = f64::NAN, xl = 0.0,
        xw = 0.0, ll = 0.0, lw = 0.0, lwl = 0.0, wl = 0.0, ww = 0.0, wwl = 0.0, llc = f64::NAN, lwc = f64::NAN,
        lwlc = f64::NAN, wlc = f64::NAN, wwc = f64::NAN, wwlc = f64::NAN, lln = 1.0, lwn = 1.0, wln = 1.0, wwn = 1.0,
        lmin = 0.0, lmax = 1.0, wmin = 0.0, wmax = 1.0,
        // Channel and resistances.
        voffl = 0.0, lc = 5e-9, pditsl = 0.0, rdswmin = 0.0, rswmin = 0.0, rdwmin = 0.0, rsh = 0.0,
        // Capacitances.
        xpart = 0.0, cgso = f64::NAN, cgdo = f64::NAN, cgbo = f64::NAN,
        // Junctions.
        tpb = 0.0, tpbsw = 0.0, tpbswg = 0.0, tcj = 0.0, tcjsw = 0.0, tcjswg = 0.0,
        jss = 1e-4, jsws = 0.0, jswgs = 0.0, njs = 1.0, xtis = 3.0, ijthsfwd = 0.1, ijthsrev = 0.1, bvs = 10.0,
        xjbvs = 1.0, cjs = 5e-4, mjs = 0.5, pbs = 1.0, cjsws = 5e-10, mjsws = 0.33, pbsws = 1.0,
        cjswgs = f64::NAN, mjswgs = f64::NAN, pbswgs = f64::NAN, jtss = 0.0, jtssws = 0.0, jtsswgs = 0.0,
        xtss = 0.02, xtssws = 0.02, xtsswgs = 0.02, vtss = 10.0, vtssws = 10.0, vtsswgs = 10.0,
        jsd = f64::NAN, jswd = f64::NAN, jswgd = f64::NAN, njd = f64::NAN, xtid = f64::NAN, ijthdfwd = f64::NAN,
        ijthdrev = f64::NAN, bvd = f64::NAN, xjbvd = f64::NAN, cjd = f64::NAN, mjd = f64::NAN, pbd = f64::NAN,
        cjswd = f64::NAN, mjswd = f64::NAN, pbswd = f64::NAN, cjswgd = f64::NAN, mjswgd = f64::NAN,
        pbswgd = f64::NAN, jtsd = f64::NAN, jtsswd = f64::NAN, jtsswgd = f64::NAN, xtsd = f64::NAN,
        xtsswd = f64::NAN, xtsswgd = f64::NAN, vtsd = f64::NAN, vtsswd = f64::NAN, vtsswgd = f64::NAN,
        njts = 20.0, njtssw = 20.0, njtsswg = 20.0, tnjts = 0.0, tnjtssw = 0.0, tnjtsswg = 0.0,
        // Gate and body networks, layout.
        rshg = 0.1, xgw = 0.0, xgl = 0.0, ngcon = 1.0, gbmin = 1e-12, rbpb = 50.0, rbpd = 50.0, rbps = 50.0,
        rbdb = 50.0, rbsb = 50.0, dmcg = 0.0, dmci = f64::NAN, dmdg = 0.0, dmcgt = 0.0,
        // The body network over size (`rbodymod` 2).
        rbps0 = f64::NAN, rbpsl = 0.0, rbpsw = 0.0, rbpsnf = 0.0, rbpd0 = f64::NAN, rbpdl = 0.0, rbpdw = 0.0,
        rbpdnf = 0.0, rbpbx0 = 100.0, rbpbxl = 0.0, rbpbxw = 0.0, rbpbxnf = 0.0, rbpby0 = 100.0, rbpbyl = 0.0,
        rbpbyw = 0.0, rbpbynf = 0.0, rbsbx0 = f64::NAN, rbsby0 = f64::NAN, rbdbx0 = f64::NAN, rbdby0 = f64::NAN,
        rbsdbxl = 0.0, rbsdbxw = 0.0, rbsdbxnf = 0.0, rbsdbyl = 0.0, rbsdbyw = 0.0, rbsdbynf = 0.0,
        // Noise.
        noia = f64::NAN, noib = f64::NAN, noic = 8.75e9, em = 4.1e7, ef = 1.0, af = 1.0, kf = 0.0, lintnoi = 0.0,
        ntnoi = 1.0, tnoia = 1.5, tnoib = 3.5, tnoic = 3.5, rnoia = 0.577, rnoib = 0.5164, rnoic = 0.395,
        // Stress and well proximity.
        saref = 1e-6, sbref = 1e-6, wlod = 0.0, ku0 = 0.0, kvsat = 0.0, kvth0 = 0.0, tku0 = 0.0, llodku0 = 0.0,
        wlodku0 = 0.0, llodvth = 0.0, wlodvth = 0.0, lku0 = 0.0, wku0 = 0.0, pku0 = 0.0, lkvth0 = 0.0, wkvth0 = 0.0,
        pkvth0 = 0.0, stk2 = 0.0, steta0 = 0.0, lodk2 = 1.0, lodeta0 = 1.0, kvth0we = 0.0, k2we = 0.0, ku0we = 0.0,
        web = 0.0, wec = 0.0, scref = 1e-6,
    }
}

/// Access to a field of the binnable table.
type BinField = fn(&mut Bins) -> &mut f64;

/// A card as read: plain parameters, base values and the three sets of binning coefficients.
#[derive(Debug, Clone)]
pub(super) struct Card {
    pub(super) plain: Plain,
    pub(super) base: Bins,
    pub(super) coefficients: [Bins; 3],
    /// Whether any binning coefficient was given.
    pub(super) binned: bool,
}

impl Card {
    /// Sorts a card's parameters into the tables; unknown ones become warnings.
    pub(super) fn read(card: &ModelCard) -> (Self, Vec<String>) {
        let mut read = Self {
            plain: Plain::default(),
            base: Bins::default(),
            coefficients: [Bins::zero(), Bins::zero(), Bins::zero()],
            binned: false,
        };
        let mut warnings = Vec::new();
        for (name, value) in &card.parameters {
            if let Some(field) = Plain::field(name) {
                *field(&mut read.plain) = *value;
            } else if let Some(field) = Bins::field(name) {
                *field(&mut read.base) = *value;
            } else if let Some((prefix, field)) = Self::prefixed(name) {
                *field(&mut read.coefficients[prefix]) = *value;
                read.binned |= *value != 0.0;
            } else if name != "level" && name != "version" && name != "type" {
                let mut names = Plain::names();
                names.extend(Bins::names());
                let hint = did_you_mean(name, &names);
                warnings.push(format!("model `{}`: unknown parameter `{name}` is ignored{hint}", card.name));
            }
        }
        (read, warnings)
    }

    /// Splits a binning prefix off: which coefficient set, and the field.
    fn prefixed(name: &str) -> Option<(usize, BinField)> {
        let (head, rest) = name.split_at_checked(1)?;
        let prefix = ["l", "w", "p"].iter().position(|known| *known == head)?;
        Some((prefix, Bins::field(rest)?))
    }
}
