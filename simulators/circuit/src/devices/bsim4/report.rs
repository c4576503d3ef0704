//! Operating-point quantities.

use super::Bsim4;
use super::charge::charges;
use crate::devices::dual::Dual;

impl Bsim4 {
    pub(in crate::devices) fn op_info(&self) -> Vec<(&'static str, f64)> {
        let (ch, _) = self.bias();
        let (st, m) = (&self.state, self.instance.m);
        let reverse = st.vds < 0.0;
        let q = charges(&self.model, &self.sized, &ch);
        let sign = if reverse { -1.0 } else { 1.0 };
        let source = -(q.gate + q.body + q.drain);
        let (drain, source) = if reverse { (source, q.drain) } else { (q.drain, source) };
        // Columns of physical gate, drain, source, body.
        let columns = |x: Dual| {
            let other = -(x.d(0) + x.d(1) + x.d(2));
            let (d, s) = if reverse { (other, x.d(1)) } else { (x.d(1), other) };
            [x.d(0) * m, d * m, s * m, x.d(2) * m]
        };
        let (g, d, b, s) = (columns(q.gate), columns(drain), columns(q.body), columns(source));
        let (vs, vd) = if self.rbody { (st.vsbs, st.vdbs - st.vds) } else { (st.vbs, st.vbs - st.vds) };
        vec![
            ("id", sign * ch.ids.v() * m),
            ("vgs", st.vgs),
            ("vds", st.vds),
            ("vbs", st.vbs),
            ("vth", ch.threshold.vth.v()),
            ("vdsat", ch.saturation.vdsat.v()),
            ("gm", ch.ids.d(0) * m),
            ("gds", ch.ids.d(1) * m),
            ("gmbs", ch.ids.d(2) * m),
            ("cgg", g[0]),
            ("cgs", g[2]),
            ("cgd", g[1]),
            ("cgb", g[3]),
            ("cdg", d[0]),
            ("cdd", d[1]),
            ("cds", d[2]),
            ("csg", s[0]),
            ("css", s[2]),
            ("csd", s[1]),
            ("cbg", b[0]),
            ("cbb", b[3]),
            ("capbd", self.drain_junction.charge(vd).1 * m),
            ("capbs", self.source_junction.charge(vs).1 * m),
        ]
    }
}
