//! Effective channel sizes, source/drain areas and perimeters from the layout, and their series resistances.

use super::instance::Instance;
use super::model::Bsim4Model;
use crate::devices::DeviceError;

/// Effective sizes of one finger, metres.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Size {
    /// Length and width after `xl`, `xw`.
    pub(super) drawn_l: f64,
    pub(super) drawn_w: f64,
    pub(super) leff: f64,
    pub(super) weff: f64,
    pub(super) leff_cv: f64,
    pub(super) weff_cv: f64,
    pub(super) weff_cj: f64,
}

impl Size {
    /// Effective sizes of an instance.
    ///
    /// # Errors
    /// A drawn or an effective size that is not positive.
    pub(super) fn new(device: &str, model: &Bsim4Model, instance: &Instance) -> Result<Self, DeviceError> {
        let p = &model.p;
        let positive = |what: &str, value: f64, hint: &str| {
            if value > 0.0 {
                Ok(value)
            } else {
                Err(DeviceError::NotPositive {
                    device: device.into(),
                    what: what.into(),
                    value,
                    hint: hint.into(),
                })
            }
        };
        for (what, value) in [("w", instance.w), ("l", instance.l), ("nf", instance.nf), ("m", instance.m)] {
            positive(what, value, "")?;
        }
        let l = instance.l + p.xl;
        let w = instance.w / instance.nf + p.xw;
        let power = |x: f64, n: f64| if n == 1.0 { x } else { x.powf(n) };
        // a / L^ln + b / W^wn + c / (L^ln W^wn)
        let narrowing = |a: f64, b: f64, c: f64, ln: f64, wn: f64| {
            if a == 0.0 && b == 0.0 && c == 0.0 {
                0.0
            } else {
                let (x, y) = (power(l, ln), power(w, wn));
                a / x + b / y + c / (x * y)
            }
        };
        let dl = p.lint + narrowing(p.ll, p.lw, p.lwl, p.lln, p.lwn);
        let dlc = p.dlc + narrowing(p.llc, p.lwc, p.lwlc, p.lln, p.lwn);
        let dw = p.wint + narrowing(p.wl, p.ww, p.wwl, p.wln, p.wwn);
        let cv = narrowing(p.wlc, p.wwc, p.wwlc, p.wln, p.wwn);
        let hint = " after lint, wint, xl, xw and their size dependence";
        Ok(Self {
            drawn_l: l,
            drawn_w: w,
            leff: positive("effective channel length", l - 2.0 * dl, hint)?,
            weff: positive("effective channel width", w - 2.0 * dw, hint)?,
            leff_cv: positive("effective channel length of the charges", l - 2.0 * dlc, hint)?,
            weff_cv: positive("effective channel width of the charges", w - 2.0 * (p.dwc + cv), hint)?,
            weff_cj: positive("effective width of the junctions", w - 2.0 * (p.dwj + cv), hint)?,
        })
    }
}

/// How a diffusion ends: its own contact, shared with the next finger, or merged without contact.
#[derive(Clone, Copy, PartialEq)]
enum End {
    Isolated,
    Shared,
    Merged,
}

/// The end types of source and drain by `geomod` 0 to 8.
fn ends(geomod: i32) -> (End, End) {
    use End::{Isolated, Merged, Shared};
    match geomod {
        1 => (Isolated, Shared),
        2 => (Shared, Isolated),
        3 => (Shared, Shared),
        4 => (Isolated, Merged),
        5 => (Shared, Merged),
        6 => (Merged, Isolated),
        7 => (Merged, Shared),
        8 => (Merged, Merged),
        _ => (Isolated, Isolated),
    }
}

/// How many end and inner diffusions each side has: (source ends, source inner, drain ends, drain inner).
fn fingers(nf: f64, minimise_drain: bool) -> [f64; 4] {
    if (nf as i64) % 2 != 0 {
        [1.0, nf - 1.0, 1.0, nf - 1.0]
    } else if minimise_drain {
        [0.0, nf, 2.0, nf - 2.0]
    } else {
        [2.0, nf - 2.0, 0.0, nf]
    }
}

/// Layout distances, metres.
struct Layout {
    cg: f64,
    ci: f64,
    dg: f64,
    w: f64,
}

impl Layout {
    fn new(model: &Bsim4Model, weff_cj: f64) -> Self {
        let p = &model.p;
        Self { cg: p.dmcg - p.dmcgt, ci: p.dmci, dg: p.dmdg - p.dmcgt, w: weff_cj }
    }

    /// Perimeter and area of one diffusion.
    fn diffusion(&self, end: End) -> (f64, f64) {
        match end {
            End::Isolated => (2.0 * (self.cg + self.ci) + self.w, (self.cg + self.ci) * self.w),
            End::Shared => (2.0 * self.cg, self.cg * self.w),
            End::Merged => (2.0 * self.dg, self.dg * self.w),
        }
    }
}

/// Area and perimeter of source and drain: `[(area, perimeter); 2]`, in square metres and metres.
pub(super) fn diffusions(model: &Bsim4Model, instance: &Instance, size: &Size) -> [(f64, f64); 2] {
    let layout = Layout::new(model, size.weff_cj);
    let nf = instance.nf;
    let [end_s, inner_s, end_d, inner_d] = fingers(nf, instance.min != 0.0);
    let geomod = Bsim4Model::switch(instance.geomod);
    let isolated = layout.diffusion(End::Isolated);
    let shared = layout.diffusion(End::Shared);
    let sum = |n: f64, (p, a): (f64, f64), k: f64| (n * p + k * shared.0, n * a + k * shared.1);
    let (source, drain) = match geomod {
        9 => (sum(1.0, isolated, nf - 1.0), sum(0.0, isolated, nf)),
        10 => (sum(0.0, isolated, nf), sum(1.0, isolated, nf - 1.0)),
        _ => {
            let (s, d) = ends(geomod);
            (sum(end_s, layout.diffusion(s), inner_s), sum(end_d, layout.diffusion(d), inner_d))
        }
    };
    let side = |area: f64, perimeter: f64, layout: (f64, f64)| {
        let area = if area.is_nan() { layout.1 } else { area };
        let perimeter = match (perimeter.is_nan(), model.p.permod == 0.0) {
            (true, _) => layout.0,
            (false, true) => perimeter,
            (false, false) => perimeter - size.weff_cj * nf,
        };
        // 4.8 clips both at zero; 4.5 lets a perimeter go negative.
        if model.v45 { (area, perimeter) } else { (area.max(0.0), perimeter.max(0.0)) }
    };
    [side(instance.r#as, instance.ps, source), side(instance.ad, instance.pd, drain)]
}

/// Series resistance of one side from the layout (`rgeomod` > 0), ohms; zero if it has none.
fn layout_resistance(model: &Bsim4Model, instance: &Instance, size: &Size, source: bool) -> f64 {
    let layout = Layout::new(model, size.weff_cj);
    let (rsh, nf) = (model.p.rsh, instance.nf);
    let [end_s, inner_s, end_d, inner_d] = fingers(nf, instance.min != 0.0);
    let (end, inner) = if source { (end_s, inner_s) } else { (end_d, inner_d) };
    let geomod = Bsim4Model::switch(instance.geomod);
    let rgeomod = Bsim4Model::switch(instance.rgeomod);
    let wide = if source { matches!(rgeomod, 1 | 2 | 5) } else { matches!(rgeomod, 1 | 3 | 7) };
    let per = |n: f64, r: f64| if n == 0.0 { 0.0 } else { r / n };
    let (inner_r, end_r) = match geomod {
        9 | 10 => {
            let isolated_side = (geomod == 9) == source;
            if isolated_side {
                let inner = if nf == 2.0 { 0.0 } else { rsh * layout.cg / (layout.w * (nf - 2.0)) };
                (inner, 0.5 * rsh * layout.cg / layout.w)
            } else {
                (rsh * layout.cg / (layout.w * nf), 0.0)
            }
        }
        _ => {
            let (s, d) = ends(geomod);
            let kind = if source { s } else { d };
            let contacted = layout.cg + layout.ci;
            let end_r = match (kind, wide) {
                (End::Isolated | End::Shared, true) => per(end, rsh * layout.cg / layout.w),
                (End::Isolated, false) if contacted != 0.0 => per(end, rsh * layout.w / (3.0 * contacted)),
                (End::Shared, false) if layout.cg != 0.0 => per(end, rsh * layout.w / (6.0 * layout.cg)),
                (End::Isolated | End::Shared, false) => 0.0,
                (End::Merged, _) => {
                    let r = rsh * layout.dg / layout.w;
                    let divided = (geomod == 5 && !source) || (geomod == 7 && source);
                    if divided { per(end, r) } else { r }
                }
            };
            (per(inner, rsh * layout.cg / layout.w), end_r)
        }
    };
    match (inner_r > 0.0, end_r > 0.0) {
        (true, true) => inner_r * end_r / (inner_r + end_r),
        (true, false) => inner_r,
        (false, _) => end_r.max(0.0),
    }
}

/// Conductances rbdb, rbpb, rbps, rbsb, rbpd of the body network, siemens. With `rbodymod` 2 they follow from length, width of a finger and number of
/// fingers, and the card's parameters decide which of them there are.
pub(super) fn body_network(model: &Bsim4Model, instance: &Instance) -> [f64; 5] {
    let p = &model.p;
    let conductance = |r: f64| if r < 1e-3 { 1e3 } else { p.gbmin + 1.0 / r };
    if instance.rbodymod == 1.0 {
        return [instance.rbdb, instance.rbpb, instance.rbps, instance.rbsb, instance.rbpd].map(conductance);
    }
    let (l, w, nf) = (instance.l * 1e6, instance.w * 1e6 / instance.nf, instance.nf);
    let scaled = |r0: f64, kl: f64, kw: f64, kn: f64| r0 * l.powf(kl) * w.powf(kw) * nf.powf(kn);
    let parallel = |x: f64, y: f64| x * y / (x + y);
    let middle = parallel(
        scaled(p.rbpbx0, p.rbpbxl, p.rbpbxw, p.rbpbxnf),
        scaled(p.rbpby0, p.rbpbyl, p.rbpbyw, p.rbpbynf),
    );
    if p.rbps0.is_nan() || p.rbpd0.is_nan() {
        return [p.gbmin, conductance(middle), 1e3, p.gbmin, 1e3];
    }
    let rbps = scaled(p.rbps0, p.rbpsl, p.rbpsw, p.rbpsnf);
    let rbpd = scaled(p.rbpd0, p.rbpdl, p.rbpdw, p.rbpdnf);
    let outer = |x: f64, y: f64| {
        let or = |r: f64| if r.is_nan() { 100.0 } else { r };
        parallel(
            scaled(or(x), p.rbsdbxl, p.rbsdbxw, p.rbsdbxnf),
            scaled(or(y), p.rbsdbyl, p.rbsdbyw, p.rbsdbynf),
        )
    };
    let given = |x: f64, y: f64| !(x.is_nan() && y.is_nan());
    if !given(p.rbsbx0, p.rbsby0) || !given(p.rbdbx0, p.rbdby0) {
        return [p.gbmin, conductance(middle), conductance(rbps), p.gbmin, conductance(rbpd)];
    }
    [outer(p.rbdbx0, p.rbdby0), middle, rbps, outer(p.rbsbx0, p.rbsby0), rbpd].map(conductance)
}

/// Conductances of source and drain outside the channel, siemens, and whether the card asks for their nodes.
pub(super) fn series(model: &Bsim4Model, instance: &Instance, size: &Size) -> [(f64, bool); 2] {
    [(instance.nrs, true), (instance.nrd, false)].map(|(squares, source)| {
        let from_layout = squares.is_nan() && instance.rgeomod > 0.0;
        let resistance = if !squares.is_nan() {
            model.p.rsh * squares
        } else if from_layout {
            layout_resistance(model, instance, size, source)
        } else {
            0.0
        };
        let conductance = if resistance > 0.0 { 1.0 / resistance } else { 1e3 };
        (conductance, model.p.rsh > 0.0 && resistance > 0.0)
    })
}
