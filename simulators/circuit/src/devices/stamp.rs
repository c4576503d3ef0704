//! What a device evaluation takes and gives: passes, stamps, charge branches, noise generators.

use super::dual::Dual;

/// Most local nodes a device has (VBIC that heats itself; BSIM4 with gate, body and source/drain networks has 11).
pub const MAX_NODES: usize = 13;
/// Most charge branches a device has (VBIC).
pub const MAX_CHARGES: usize = 9;

/// Where in the solution process an evaluation happens: decides the voltages and their limiting.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pass {
    /// First pass of a cold start: the device's own start voltages, `v` is ignored.
    Junction,
    /// Ordinary Newton pass: `v`, limited against the previous evaluation.
    Newton,
    /// First pass of a new time or sweep point: voltages extrapolated from the two last accepted states,
    /// `(1 + factor) v1 - factor v2`, limited against the last accepted one. `factor` is `h / h_old` in time, 1 in a
    /// sweep, 0 for a sweep's second point.
    Predict {
        /// Extrapolation factor.
        factor: f64,
    },
    /// First pass of the first time step: the last accepted voltages; Meyer capacitances carry no current yet.
    FirstTransient,
    /// At the voltages of the previous evaluation, without limiting (small-signal analyses).
    AtState,
    /// Exactly at `v`, without limiting (initial conditions, characterisation).
    Free,
}

/// The linearised device at the limited voltages [`Stamp::v`]. Matrices are row-major with stride [`Stamp::n`].
#[derive(Debug, Clone)]
pub struct Stamp {
    /// Number of local nodes, the stride of `g` and `c`.
    pub n: usize,
    /// Limited voltages of the local nodes, volts.
    pub v: [f64; MAX_NODES],
    /// Current leaving each local node into the device, amperes.
    pub i: [f64; MAX_NODES],
    /// `g[a * n + j]` = d`i[a]`/d`v[j]`, siemens.
    pub g: [f64; MAX_NODES * MAX_NODES],
    /// Charge of each branch, coulombs.
    pub q: [f64; MAX_CHARGES],
    /// `c[k * n + j]` = d`q[k]`/d`v[j]`, farads. A branch whose whole row is zero carries no current.
    pub c: [f64; MAX_CHARGES * MAX_NODES],
}

impl Default for Stamp {
    fn default() -> Self {
        Self {
            n: 0,
            v: [0.0; MAX_NODES],
            i: [0.0; MAX_NODES],
            g: [0.0; MAX_NODES * MAX_NODES],
            q: [0.0; MAX_CHARGES],
            c: [0.0; MAX_CHARGES * MAX_NODES],
        }
    }
}

impl Stamp {
    /// Clears the stamp for a device of `n` local nodes and `charges` charge branches.
    #[inline]
    pub fn clear(&mut self, n: usize, charges: usize) {
        self.n = n;
        self.i[..n].fill(0.0);
        self.g[..n * n].fill(0.0);
        self.q[..charges].fill(0.0);
        self.c[..charges * n].fill(0.0);
    }

    /// Adds a current leaving node `a` with partials over (gate, drain, body) voltage; `columns` are those nodes and
    /// the reference node. `polarity` is +1 or -1, `m` the multiplier.
    #[inline(always)]
    pub(super) fn row(&mut self, a: usize, current: Dual, columns: [usize; 4], polarity: f64, m: f64) {
        let n = self.n;
        let [v, g, d, b] = current.0;
        self.i[a] += polarity * m * v;
        let row = &mut self.g[a * n..(a + 1) * n];
        row[columns[0]] += m * g;
        row[columns[1]] += m * d;
        row[columns[2]] += m * b;
        row[columns[3]] -= m * (g + d + b);
    }

    /// Adds a charge with partials to branch `k`; see [`Stamp::row`].
    #[inline(always)]
    pub(super) fn charge(&mut self, k: usize, charge: Dual, columns: [usize; 4], polarity: f64, m: f64) {
        let n = self.n;
        let [v, g, d, b] = charge.0;
        self.q[k] += polarity * m * v;
        let row = &mut self.c[k * n..(k + 1) * n];
        row[columns[0]] += m * g;
        row[columns[1]] += m * d;
        row[columns[2]] += m * b;
        row[columns[3]] -= m * (g + d + b);
    }

    /// Adds a charge and its slopes over single nodes to branch `k`.
    #[inline(always)]
    pub(super) fn linear_charge(&mut self, k: usize, charge: f64, slopes: &[(usize, f64)]) {
        let n = self.n;
        self.q[k] += charge;
        for &(column, slope) in slopes {
            self.c[k * n + column] += slope;
        }
    }

    /// Adds a conductance between `a` and `b` that itself depends on other voltages.
    #[inline]
    pub(super) fn modulated(
        &mut self,
        a: usize,
        b: usize,
        conductance: Dual,
        columns: [usize; 4],
        polarity: f64,
        m: f64,
    ) {
        let v = self.v[a] - self.v[b];
        self.conductance(a, b, m * conductance.v());
        // The partials are over type-normalised voltages.
        let mut slopes = conductance * (v * polarity);
        slopes.0[0] = 0.0;
        self.row(a, slopes, columns, polarity, m);
        self.row(b, -slopes, columns, polarity, m);
    }

    /// Adds a linear conductance between local nodes `a` and `b`, at the stamp's voltages.
    #[inline]
    pub fn conductance(&mut self, a: usize, b: usize, siemens: f64) {
        self.branch(a, b, siemens * (self.v[a] - self.v[b]), siemens);
    }

    /// Adds a current `amperes` from `a` to `b` that depends on `v[a] - v[b]` alone, with slope `siemens`.
    #[inline]
    pub fn branch(&mut self, a: usize, b: usize, amperes: f64, siemens: f64) {
        let n = self.n;
        self.i[a] += amperes;
        self.i[b] -= amperes;
        self.g[a * n + a] += siemens;
        self.g[b * n + b] += siemens;
        self.g[a * n + b] -= siemens;
        self.g[b * n + a] -= siemens;
    }
}

/// A charge branch: `q` on node `a`, `-q` on node `b` (local node indices).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charge {
    /// Node that holds the charge.
    pub a: usize,
    /// Node that holds the opposite charge.
    pub b: usize,
    /// Whether this charge takes part in the local truncation error test.
    pub truncation: bool,
}

/// A noise current generator between two local nodes. Its density at frequency `f` is
/// `white + flicker / f^exponent`, A^2/Hz.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NoiseSource {
    /// One end (local node).
    pub a: usize,
    /// Other end (local node).
    pub b: usize,
    /// Name as in ngspice's output (`id`, `1overf`, `rd`, ...).
    pub label: &'static str,
    /// White density, A^2/Hz.
    pub white: f64,
    /// Flicker density at 1 Hz, A^2/Hz.
    pub flicker: f64,
    /// Flicker exponent.
    pub exponent: f64,
    /// A second current that is fully correlated with the first.
    pub partner: Option<Partner>,
}

/// A current that leads another one by 90 degrees, as noise that the channel induces in the gate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Partner {
    /// One end (local node).
    pub a: usize,
    /// Other end (local node).
    pub b: usize,
    /// Its density at high frequencies, A^2/Hz; at lower ones it is `(w t)^2 / (1 + (w t)^2)` of that,
    pub white: f64,
    /// with this time `t`, s.
    pub time_s: f64,
}

impl NoiseSource {
    /// A white generator.
    #[must_use]
    pub fn white(a: usize, b: usize, label: &'static str, density: f64) -> Self {
        Self { a, b, label, white: density, flicker: 0.0, exponent: 1.0, partner: None }
    }

    /// A flicker generator.
    #[must_use]
    pub fn flicker(a: usize, b: usize, label: &'static str, density_at_1hz: f64, exponent: f64) -> Self {
        Self { a, b, label, white: 0.0, flicker: density_at_1hz, exponent, partner: None }
    }

    /// Density at `frequency_hz`, A^2/Hz.
    #[must_use]
    pub fn density(&self, frequency_hz: f64) -> f64 {
        if self.flicker == 0.0 {
            self.white
        } else {
            self.white + self.flicker / frequency_hz.powf(self.exponent)
        }
    }
}
