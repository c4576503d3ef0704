//! Frequencies of a small-signal analysis.

/// A logarithmic frequency sweep.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sweep {
    pub(super) per_decade: usize,
    pub(super) from_hz: f64,
    pub(super) to_hz: f64,
}

impl Sweep {
    /// The frequencies, ascending.
    pub(super) fn frequencies(&self) -> Vec<f64> {
        let step = 10f64.powf(1.0 / self.per_decade as f64);
        let mut list = Vec::new();
        let mut f = self.from_hz;
        while f <= self.to_hz * (1.0 + 1e-9) {
            list.push(f);
            f *= step;
        }
        list
    }
}
