//! Numerical integration of charges and fluxes: trapezoidal rule and Gear's formula, and the local truncation error.

use crate::netlist::Options;
use crate::netlist::command::Method;

/// Points of history, the present one first.
const DEPTH: usize = 4;

/// Charge and current histories of all states.
#[derive(Debug, Clone)]
pub struct Integrator {
    method: Method,
    /// Integration order, 1 or 2.
    pub order: usize,
    /// Sizes of the present step and the ones before, s.
    pub steps: [f64; 7],
    /// Coefficients of the present and earlier charges.
    coefficients: [f64; 3],
    q: [Vec<f64>; DEPTH],
    i: [Vec<f64>; 2],
    /// Per state: 1 if its truncation error is tested, otherwise 0, and the number of equal devices of which ngspice tests one.
    pub tested: Vec<f64>,
    pub parallel: Vec<f64>,
    reltol: f64,
    abstol: f64,
    chgtol: f64,
    trtol: f64,
}

impl Integrator {
    pub fn new(states: usize, options: &Options) -> Self {
        let zeros = || vec![0.0; states];
        Self {
            method: options.method,
            order: 1,
            steps: [0.0; 7],
            coefficients: [0.0; 3],
            q: [zeros(), zeros(), zeros(), zeros()],
            i: [zeros(), zeros()],
            tested: zeros(),
            parallel: vec![1.0; states],
            reltol: options.reltol,
            abstol: options.abstol,
            chgtol: options.chgtol,
            trtol: options.trtol,
        }
    }

    /// Derivative of the present current with respect to the present charge, 1/s.
    pub fn a0(&self) -> f64 {
        self.coefficients[0]
    }

    /// Sets the coefficients for the present order and steps.
    pub fn set_coefficients(&mut self) {
        let (h, h1) = (self.steps[0], self.steps[1]);
        self.coefficients = match (self.method, self.order) {
            (_, 1) => [1.0 / h, -1.0 / h, 0.0],
            (Method::Trapezoidal, _) => [2.0 / h, 1.0, 0.0],
            (Method::Gear, _) => {
                // Second-order backward differences on uneven steps.
                let a0 = 1.0 / h + 1.0 / (h + h1);
                let a2 = h / (h1 * (h + h1));
                [a0, -(a0 + a2), a2]
            }
        };
    }

    /// The part of a state's current that comes from history: `i = a0 q + history`.
    pub fn history(&self, state: usize) -> f64 {
        let c = &self.coefficients;
        match (self.method, self.order) {
            (Method::Trapezoidal, 2) => -c[0] * self.q[1][state] - c[1] * self.i[1][state],
            (Method::Gear, 2) => c[1] * self.q[1][state] + c[2] * self.q[2][state],
            _ => c[1] * self.q[1][state],
        }
    }

    /// Stores the present charge of a state and returns its current; a branch that is not active carries none.
    pub fn charge(&mut self, state: usize, q: f64, active: bool) -> f64 {
        let i = if active { self.coefficients[0] * q + self.history(state) } else { 0.0 };
        self.q[0][state] = q;
        self.i[0][state] = i;
        i
    }

    /// Moves the history by one point.
    pub fn shift(&mut self) {
        self.q.rotate_right(1);
        let (newest, rest) = self.q.split_at_mut(1);
        newest[0].copy_from_slice(&rest[0]);
        self.i.swap(0, 1);
        let (newest, rest) = self.i.split_at_mut(1);
        newest[0].copy_from_slice(&rest[0]);
    }

    /// Fills the whole history with the present charges and no currents (start of a transient).
    pub fn start(&mut self) {
        let (newest, rest) = self.q.split_at_mut(1);
        for old in rest {
            old.copy_from_slice(&newest[0]);
        }
        self.i[0].fill(0.0);
        self.i[1].fill(0.0);
    }

    /// After the first step: history beyond the last point equals it.
    pub fn flatten_history(&mut self) {
        let (newer, older) = self.q.split_at_mut(2);
        for old in older {
            old.copy_from_slice(&newer[1]);
        }
    }

    /// Weights of the last charge differences in the divided difference that estimates the truncation error.
    fn weights(&self) -> [f64; 3] {
        let [h0, h1, h2, ..] = self.steps;
        if self.order == 1 {
            let span = h0 + h1;
            return [1.0 / (h0 * span), -1.0 / (h1 * span), 0.0];
        }
        let (near, far, span) = (1.0 / (h0 + h1), 1.0 / (h1 + h2), h0 + h1 + h2);
        [near / (h0 * span), -(near + far) / (h1 * span), far / (h2 * span)]
    }

    /// The step that the truncation errors of all tested states allow, s. ngspice tests the charge of one of `parallel` equal devices.
    pub fn allowed(&self) -> f64 {
        let w = self.weights();
        let factor = match (self.method, self.order) {
            (_, 1) => 0.5,
            (Method::Trapezoidal, _) => 0.083_333_333_33,
            (Method::Gear, _) => 0.222_222_222_2,
        };
        let (reltol, abstol, chgtol, over_h) = (self.reltol, self.abstol, self.chgtol, 1.0 / self.steps[0]);
        let count = self.tested.len();
        let [q0, q1, q2, q3] = self.q.each_ref().map(|q| &q[..count]);
        let [i0, i1] = self.i.each_ref().map(|i| &i[..count]);
        let (tested, parallel) = (&self.tested[..count], &self.parallel[..count]);
        // The largest error over its tolerance.
        let mut worst = 0.0f64;
        for k in 0..count {
            let p = parallel[k];
            let difference = w[0] * (q0[k] - q1[k]) + w[1] * (q1[k] - q2[k]) + w[2] * (q2[k] - q3[k]);
            let error = (factor * tested[k] * difference.abs()).max(abstol * p);
            let current = abstol * p + reltol * i0[k].abs().max(i1[k].abs());
            let charge = reltol * q0[k].abs().max(q1[k].abs()).max(chgtol * p) * over_h;
            worst = worst.max(error / current.max(charge));
        }
        let ratio = self.trtol / worst;
        if self.order == 2 { ratio.sqrt() } else { ratio }
    }
}
