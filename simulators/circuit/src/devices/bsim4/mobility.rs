//! Mobility reduction by the vertical field and by Coulomb scattering (manual, chapter 5).

use super::model::Bsim4Model;
use super::sizing::Sized;
use crate::devices::dual::Dual;

/// Effective mobility, m^2/(V s).
#[inline(always)]
pub(super) fn mobility(model: &Bsim4Model, s: &Sized, vgt: Dual, vth: Dual, vb: Dual) -> Dual {
    let b = &s.b;
    let toxe = model.p.toxe;
    let mobmod = Bsim4Model::switch(model.p.mobmod);
    if mobmod == 3 {
        // High-k: the universal mobility over the field in MV/cm, and Coulomb scattering that the channel's charge screens.
        let field = (vgt + s.vtfbphi1) * (1e-8 / 6.0 / model.p.toxe);
        let universal = (vb * b.uc + b.ua) * field.powf(b.eu);
        let screening = (vgt * (0.5 / s.vgt_at_threshold) + 0.5).powf(b.ucs);
        return b.u0 / bounded(universal + b.ud / screening);
    }
    let field = match mobmod {
        0 | 1 => (vgt + vth * 2.0) / toxe,
        _ => (vgt + s.vtfbphi1) / toxe,
    };
    let phonon = match mobmod {
        1 | 5 => (field * b.ua + field * field * b.ub) * (vb * b.uc + 1.0),
        0 | 4 => (vb * b.uc + b.ua) * field + field * field * b.ub,
        _ => (vb * b.uc + b.ua) * field.powf(b.eu),
    };
    let coulomb = if b.ud == 0.0 {
        Dual::ZERO
    } else if model.v45 {
        // The reference differentiates only through the field, not through the threshold in the numerator.
        let vth = vth.v();
        let field = if mobmod == 2 { field / toxe } else { field };
        (b.ud * vth * vth) / (field * field)
    } else if mobmod >= 4 {
        let x = s.vtfbphi1 * toxe;
        let bottom = vgt + 2.0 * (s.vtfbphi1 * s.vtfbphi1 + 1e-4).sqrt();
        (b.ud * x * x) / (bottom * bottom)
    } else {
        let top = vth * toxe;
        let bottom = vgt + (vth * vth + 1e-4).sqrt() * 2.0;
        top * top * b.ud / (bottom * bottom)
    };
    b.u0 / bounded(phonon + coulomb)
}

/// `1 + reduction`, kept above 0.
#[inline(always)]
fn bounded(reduction: Dual) -> Dual {
    if reduction.v() >= -0.8 { reduction + 1.0 } else { (reduction + 0.6) / (reduction * 10.0 + 7.0) }
}
