//! The branch currents and charges of VBIC 1.2 (C. McAndrew et al., IEEE J. Solid-State Circuits 31, 1996).

use super::card::VbicParameters;
use crate::devices::dual::Dual;

/// Branch voltages in the order of [`super::Nodes::branches`], type-normalised.
pub(super) type Voltages = [f64; 9];
pub(super) const BEI: usize = 0;
pub(super) const BEX: usize = 1;
pub(super) const BCI: usize = 2;
pub(super) const BCX: usize = 3;
pub(super) const BEP: usize = 4;
pub(super) const BCP: usize = 5;
pub(super) const RCI: usize = 6;
pub(super) const RBI: usize = 7;
pub(super) const RBP: usize = 8;

/// A quantity with its slopes over the (up to three) branch voltages that `over` names.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quantity {
    pub value: Dual,
    pub over: [usize; 3],
}

/// All currents and charges at a bias, per unit area, in the order of [`super::Nodes::currents`] and of the charge branches.
#[derive(Debug, Clone)]
pub(super) struct Bias {
    pub currents: [Quantity; 11],
    pub charges: [Quantity; 6],
}

/// Places of the currents.
pub(super) const IBE: usize = 0;
pub(super) const IBEX: usize = 1;
pub(super) const FORWARD: usize = 2;
pub(super) const REVERSE: usize = 3;
pub(super) const IBC: usize = 4;
pub(super) const IBEP: usize = 5;
pub(super) const IRCI: usize = 6;
pub(super) const IRBI: usize = 7;
pub(super) const IRBP: usize = 8;
pub(super) const ICCP: usize = 10;

/// The branch voltages (with signs) whose sum each current flows along.
pub(super) const ACROSS: [&[(usize, f64)]; 11] = [
    &[(BEI, 1.0)],
    &[(BEX, 1.0)],
    &[(BEI, 1.0), (BCI, -1.0)],
    &[(BEI, -1.0), (BCI, 1.0)],
    &[(BCI, 1.0)],
    &[(BEP, 1.0)],
    &[(RCI, 1.0)],
    &[(RBI, 1.0)],
    &[(RBP, 1.0)],
    &[(BCP, 1.0)],
    &[(BEP, 1.0), (BCP, -1.0)],
];

/// A depletion charge of 1 F: potential, grading, forward limit, smoothing (below zero: SPICE's pieces), and where it is punched through
/// with its smoothing.
struct Junction {
    potential: f64,
    grading: f64,
    limit: f64,
    smooth: f64,
    through: [f64; 2],
}

impl Junction {
    fn charge(&self, v: Dual) -> Dual {
        let &Self { potential: p, grading: m, limit: fc, smooth: a, through: [vrt, art] } = self;
        // The charge of the plain junction up to `v`.
        let plain = |v: Dual| (1.0 - (1.0 - v / p).powf(1.0 - m)) * (p / (1.0 - m));
        let start = -p * fc;
        let root = |x: Dual, s: f64| (x * x + 4.0 * s * s).sqrt();
        if a <= 0.0 {
            let over = v + start;
            if over.v() > 0.0 {
                let power = (1.0 - fc).powf(-1.0 - m);
                let low = p * (1.0 - power * (1.0 - fc) * (1.0 - fc)) / (1.0 - m);
                over * (over * (0.5 * m / p) + (1.0 - fc)) * power + low
            } else if vrt > 0.0 && v.v() < -vrt {
                let x = (1.0 + vrt / p).powf(1.0 - m);
                (1.0 - x * (1.0 - (v + vrt) * ((1.0 - m) / (p + vrt)))) * (p / (1.0 - m))
            } else {
                plain(v)
            }
        } else if vrt > 0.0 && art > 0.0 {
            let soft = |v: Dual| {
                let n = (v * 2.0 + (vrt + start)) / (vrt - start);
                n * 2.0 / (root(n - 1.0, a) + root(n + 1.0, art))
            };
            let clipped = |soft: Dual| (soft * (vrt - start) - (vrt + start)) * 0.5;
            let (zero, here) = (soft(Dual::ZERO), soft(v));
            let (v0, vl) = (clipped(zero), clipped(here));
            let chosen = (here + 1.0) * 0.5;
            let through = (1.0 + vrt / p).powf(-m);
            let most = (1.0 + start / p).powf(-m);
            let c = (1.0 - chosen) * through + chosen * most;
            (v - vl + v0) * c + plain(vl) - plain(v0)
        } else {
            let clipped = |v: Dual| {
                let over = v + start;
                (over - root(over, a)) * 0.5 - start
            };
            let (v0, vl) = (clipped(Dual::ZERO), clipped(v));
            plain(vl) + (v - vl + v0) * (1.0 - fc).powf(-m) - plain(v0)
        }
    }
}

fn over(x: f64) -> f64 {
    if x > 0.0 { 1.0 / x } else { 0.0 }
}

impl Bias {
    pub(super) fn new(p: &VbicParameters, vt: f64, v: &Voltages) -> Self {
        let lane = |branch: usize, k: usize| Dual::variable(v[branch], k);
        let e = |v: Dual, n: f64| (v * (1.0 / (n * vt))).exp() - 1.0;
        let quantity = |value: Dual, over: [usize; 3]| Quantity { value, over };
        // Transport: lanes are base-emitter and base-collector.
        let (be, bc) = (lane(BEI, 0), lane(BCI, 1));
        let emitter =
            Junction { potential: p.pe, grading: p.me, limit: p.fc, smooth: p.aje, through: [0.0; 2] };
        let collector =
            Junction { potential: p.pc, grading: p.mc, limit: p.fc, smooth: p.ajc, through: [p.vrt, p.art] };
        let substrate =
            Junction { potential: p.ps, grading: p.ms, limit: p.fc, smooth: p.ajs, through: [0.0; 2] };
        let (qdbe, qdbc) = (emitter.charge(be), collector.charge(bc));
        let ifi = e(be, p.nf) * p.is;
        let iri = e(bc, p.nr) * (p.is * p.isrr);
        let early = qdbe * over(p.ver) + qdbc * over(p.vef) + (1.0 - 1e-4);
        let q1 = ((early * early + 1e-8).sqrt() + early) * 0.5 + 1e-4;
        let q2 = ifi * over(p.ikf) + iri * over(p.ikr);
        let qb = if p.qbm < 0.5 {
            (q1 + (q1.powf(1.0 / p.nkf) + q2 * 4.0).powf(p.nkf)) * 0.5
        } else {
            q1 * ((q2 * 4.0 + 1.0).powf(p.nkf) + 1.0) * 0.5
        };
        let transport = [BEI, BCI, RBI];
        let (forward, reverse) = (ifi / qb, iri / qb);
        // The parasitic transistor: base-emitter, base-collector of the inner one, base-collector.
        let parasitic = [BEP, BCI, BCP];
        let (bep, bcp) = (lane(BEP, 0), lane(BCP, 2));
        let (mut ifp, mut qbp, mut iccp) = (Dual::ZERO, Dual::constant(1.0), Dual::ZERO);
        if p.isp > 0.0 {
            ifp = (e(bep, p.nfp) * p.wsp + e(lane(BCI, 1), p.nfp) * (1.0 - p.wsp)) * p.isp;
            qbp = ((ifp * (4.0 * over(p.ikp)) + 1.0).sqrt() + 1.0) * 0.5;
            iccp = (ifp - e(bcp, p.nfp) * p.isp) / qbp;
        }
        // Base current, with the breakdown of the emitter.
        let base = |v: Dual| {
            let i = e(v, p.nei) * p.ibei + e(v, p.nen) * p.iben;
            if p.vbbe > 0.0 {
                i - (((-v - p.vbbe) * (1.0 / (p.nbbe * vt))).exp() - p.ebbe) * p.ibbe
            } else {
                i
            }
        };
        let ibcj = e(bc, p.nci) * p.ibci + e(bc, p.ncn) * p.ibcn;
        let mut ibc = ibcj;
        if p.avc1 > 0.0 {
            let x = p.pc - bc;
            let depth = ((x * x + 0.01).sqrt() + x) * 0.5;
            let factor = depth * (-(depth.powf(p.mc - 1.0) * p.avc2)).exp() * p.avc1;
            ibc = ibcj - (forward - reverse - ibcj) * factor;
        }
        let ibep = e(bep, p.nci) * p.ibeip + e(bep, p.ncn) * p.ibenp;
        let ibcp = e(bcp, p.ncip) * p.ibcip + e(bcp, p.ncnp) * p.ibcnp;
        // The epitaxial layer: its voltage, base-collector at its inner and its outer end.
        let (vr, inner, outer) = (lane(RCI, 0), lane(BCI, 1), lane(BCX, 2));
        let k = |v: Dual| ((v * (1.0 / vt)).exp() * p.gamm + 1.0).sqrt();
        let (ki, kx) = (k(inner), k(outer));
        let ohmic = (vr + (ki - kx - ((ki + 1.0) / (kx + 1.0)).ln()) * vt) / p.rci;
        let vo = over(p.vo);
        let saturation = ohmic * (vo * p.rci) / ((vr * vr + 0.01).sqrt() * (0.5 * vo * over(p.hrcf)) + 1.0);
        let irci = ohmic / (saturation * saturation + 1.0).sqrt();
        let irbi = lane(RBI, 2) * qb / p.rbi;
        let irbp = lane(RBP, 2) * qbp / p.rbp;
        // Transit time.
        let on = if ifi.v() > 0.0 { 1.0 } else { 0.0 };
        let r = ifi * (on * over(p.itf));
        let high = r / (r + 1.0);
        let slope = if p.itf > 0.0 { 0.0 } else { 1.0 };
        let bend = (bc * (over(p.vtf) / 1.44)).exp() * (high * high + slope) * (p.xtf * on) + 1.0;
        let transit = (q1 * p.qtf + 1.0) * bend * p.tf;
        let over_bei = [BEI, BCI, BCI];
        Self {
            currents: [
                quantity(base(be) * p.wbe, over_bei),
                quantity(base(lane(BEX, 0)) * (1.0 - p.wbe), [BEX; 3]),
                quantity(forward, transport),
                quantity(reverse, transport),
                quantity(ibc, transport),
                quantity(ibep, parasitic),
                quantity(irci, [RCI, BCI, BCX]),
                quantity(irbi, transport),
                quantity(irbp, [BEP, BCI, RBP]),
                quantity(ibcp, parasitic),
                quantity(iccp, parasitic),
            ],
            charges: [
                quantity(qdbe * (p.cje * p.wbe) + transit * ifi / qb, over_bei),
                quantity(emitter.charge(lane(BEX, 0)) * (p.cje * (1.0 - p.wbe)), [BEX; 3]),
                quantity(qdbc * p.cjc + iri * p.tr + k(bc) * p.qco, transport),
                quantity(k(lane(BCX, 0)) * p.qco, [BCX; 3]),
                quantity(collector.charge(bep) * p.cjep + ifp * p.tr, parasitic),
                quantity(substrate.charge(bcp) * p.cjcp + bcp * p.ccso, parasitic),
            ],
        }
    }
}
