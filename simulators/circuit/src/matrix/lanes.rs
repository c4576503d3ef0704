//! Complex factorisation and solves for several frequencies at once: every slot holds one number per lane, so that each step of the
//! elimination program becomes a few vector instructions.

use super::program::Program;

/// Frequencies handled together.
pub const LANES: usize = 8;

/// One complex number per frequency.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(align(64))]
pub struct Lane {
    /// Real parts.
    pub re: [f64; LANES],
    /// Imaginary parts.
    pub im: [f64; LANES],
}

impl Default for Lane {
    fn default() -> Self {
        Self { re: [0.0; LANES], im: [0.0; LANES] }
    }
}

impl Lane {
    #[inline(always)]
    fn subtract_product(&mut self, a: &Lane, b: &Lane) {
        for k in 0..LANES {
            self.re[k] -= a.re[k] * b.re[k] - a.im[k] * b.im[k];
            self.im[k] -= a.re[k] * b.im[k] + a.im[k] * b.re[k];
        }
    }

    #[inline(always)]
    fn product(&self, b: &Lane) -> Lane {
        let mut out = Lane::default();
        for k in 0..LANES {
            out.re[k] = self.re[k] * b.re[k] - self.im[k] * b.im[k];
            out.im[k] = self.re[k] * b.im[k] + self.im[k] * b.re[k];
        }
        out
    }

    #[inline(always)]
    fn reciprocal(&self) -> Lane {
        let mut out = Lane::default();
        for k in 0..LANES {
            let d = 1.0 / (self.re[k] * self.re[k] + self.im[k] * self.im[k]);
            out.re[k] = self.re[k] * d;
            out.im[k] = -self.im[k] * d;
        }
        out
    }
}

/// Workspace of complex solves over one elimination program.
#[derive(Debug, Clone, Default)]
pub struct LaneSolver {
    a: Vec<Lane>,
    b: Vec<Lane>,
    /// Solution by unknown; index 0 is ground and stays zero.
    pub x: Vec<Lane>,
}

impl LaneSolver {
    /// Sizes the workspace for a program.
    pub fn prepare(&mut self, program: &Program) {
        self.a.resize(program.slots, Lane::default());
        self.b.resize(program.n + 1, Lane::default());
        self.x.resize(program.n + 1, Lane::default());
    }

    /// Fills `G + jwC` for angular frequencies `omega`, with `factor * exp(-jw delay)` at the slots of `delayed`, and factors it. Returns the
    /// largest squared multiplier (infinite for a zero pivot).
    pub fn factor(
        &mut self,
        program: &Program,
        g: &[f64],
        c: &[f64],
        delayed: &[(u32, f64, f64)],
        omega: &[f64; LANES],
    ) -> f64 {
        struct Task<'a>(
            &'a Program,
            &'a mut [Lane],
            &'a [f64],
            &'a [f64],
            &'a [(u32, f64, f64)],
            &'a [f64; LANES],
        );
        impl pulp::NullaryFnOnce for Task<'_> {
            type Output = f64;
            #[inline(always)]
            fn call(self) -> f64 {
                fill(self.1, self.2, self.3, self.5);
                for (slot, factor, delay) in self.4 {
                    let lane = &mut self.1[*slot as usize];
                    for (k, w) in self.5.iter().enumerate() {
                        let (sin, cos) = (w * delay).sin_cos();
                        lane.re[k] += factor * cos;
                        lane.im[k] -= factor * sin;
                    }
                }
                factor(self.0, self.1)
            }
        }
        pulp::Arch::new().dispatch(Task(program, &mut self.a, g, c, delayed, omega))
    }

    /// Solves for a right-hand side that is the same at all frequencies.
    pub fn solve(&mut self, program: &Program, rhs: &[(f64, f64)]) {
        for (lane, value) in self.b.iter_mut().zip(rhs) {
            *lane = Lane { re: [value.0; LANES], im: [value.1; LANES] };
        }
        struct Task<'a>(&'a Program, &'a [Lane], &'a mut [Lane], &'a mut [Lane]);
        impl pulp::NullaryFnOnce for Task<'_> {
            type Output = ();
            #[inline(always)]
            fn call(self) {
                solve(self.0, self.1, self.2, self.3);
            }
        }
        pulp::Arch::new().dispatch(Task(program, &self.a, &mut self.b, &mut self.x));
    }

    /// Solves the transposed system (the adjoint of noise analysis): `rhs` by column, solution by row in `x`.
    pub fn solve_transposed(&mut self, program: &Program, rhs: &[(f64, f64)]) {
        for (lane, value) in self.b.iter_mut().zip(rhs) {
            *lane = Lane { re: [value.0; LANES], im: [value.1; LANES] };
        }
        struct Task<'a>(&'a Program, &'a [Lane], &'a mut [Lane], &'a mut [Lane]);
        impl pulp::NullaryFnOnce for Task<'_> {
            type Output = ();
            #[inline(always)]
            fn call(self) {
                solve_transposed(self.0, self.1, self.2, self.3);
            }
        }
        pulp::Arch::new().dispatch(Task(program, &self.a, &mut self.b, &mut self.x));
    }
}

#[inline(always)]
fn fill(a: &mut [Lane], g: &[f64], c: &[f64], omega: &[f64; LANES]) {
    for ((lane, g), c) in a.iter_mut().zip(g).zip(c) {
        lane.re = [*g; LANES];
        for (im, w) in lane.im.iter_mut().zip(omega) {
            *im = w * *c;
        }
    }
    let originals = g.len();
    a[originals..].fill(Lane::default());
}

#[inline(always)]
fn factor(program: &Program, a: &mut [Lane]) -> f64 {
    let mut t = 0usize;
    let mut growth = [0.0f64; LANES];
    for p in &program.pivots {
        let inverse = a[p.diagonal as usize].reciprocal();
        a[p.diagonal as usize] = inverse;
        let upper = &program.upper[p.upper.0 as usize..p.upper.1 as usize];
        for (slot, _) in &program.lower[p.lower.0 as usize..p.lower.1 as usize] {
            let multiplier = a[*slot as usize].product(&inverse);
            a[*slot as usize] = multiplier;
            for ((growth, re), im) in growth.iter_mut().zip(multiplier.re).zip(multiplier.im) {
                let m = re * re + im * im;
                // Written so that NaN counts as growth and stays.
                *growth = if m <= *growth || growth.is_nan() { *growth } else { m };
            }
            let targets = &program.targets[t..t + upper.len()];
            for ((u, _), target) in upper.iter().zip(targets) {
                let factor = a[*u as usize];
                a[*target as usize].subtract_product(&multiplier, &factor);
            }
            t += upper.len();
        }
    }
    growth.iter().fold(0.0, |m: f64, v| {
        if *v <= m {
            m
        } else if v.is_nan() {
            f64::INFINITY
        } else {
            *v
        }
    })
}

#[inline(always)]
fn solve(program: &Program, a: &[Lane], b: &mut [Lane], x: &mut [Lane]) {
    for p in &program.pivots {
        let pivot = b[p.row as usize];
        for (slot, row) in &program.lower[p.lower.0 as usize..p.lower.1 as usize] {
            b[*row as usize].subtract_product(&a[*slot as usize], &pivot);
        }
    }
    for p in program.pivots.iter().rev() {
        let mut sum = b[p.row as usize];
        for (slot, column) in &program.upper[p.upper.0 as usize..p.upper.1 as usize] {
            sum.subtract_product(&a[*slot as usize], &x[*column as usize]);
        }
        x[p.column as usize] = sum.product(&a[p.diagonal as usize]);
    }
}

#[inline(always)]
fn solve_transposed(program: &Program, a: &[Lane], b: &mut [Lane], x: &mut [Lane]) {
    for p in &program.pivots {
        let z = b[p.column as usize].product(&a[p.diagonal as usize]);
        x[p.row as usize] = z;
        for (slot, column) in &program.upper[p.upper.0 as usize..p.upper.1 as usize] {
            b[*column as usize].subtract_product(&a[*slot as usize], &z);
        }
    }
    for p in program.pivots.iter().rev() {
        let mut sum = x[p.row as usize];
        for (slot, row) in &program.lower[p.lower.0 as usize..p.lower.1 as usize] {
            sum.subtract_product(&a[*slot as usize], &x[*row as usize]);
        }
        x[p.row as usize] = sum;
    }
}
