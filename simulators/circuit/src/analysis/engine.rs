//! Newton's method on the circuit: assembling the linearised system, factoring it by the fixed program, and SPICE's sequence of passes.

use super::companion::Companion;
use super::integrate::Integrator;
use super::special::FormulaWork;
use super::system::{Place, System};
use super::waveform::Span;
use crate::devices::{Pass, Stamp};
use crate::error::{CircuitError, Result};
use crate::matrix::{Program, order};

/// Multipliers above this mean that the order of elimination no longer suits the values.
const GROWTH_LIMIT: f64 = 1e8;
/// Iterations that every Newton loop may take, however small the deck's `itl` options are.
pub const LEAST_LIMIT: usize = 100;

/// A device whose nodes moved by less than this since it was evaluated in the same Newton loop serves as it is, along its linearisation, V.
/// Amplifiers of high gain and the differences of charges that control time steps notice a microvolt; logic that has settled stands stiller.
const STILL: f64 = 1e-10;

/// Iteration from which circles are looked for; the next ones are its doubles.
const FIRST_MILESTONE: usize = 8;

/// How a Newton loop begins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Start {
    /// Cold: device start voltages, then held nodesets, then free.
    Junction,
    /// From the present solution.
    Warm,
    /// From the present solution, whatever the devices were evaluated at before; given up as soon as the caller says.
    Guess,
    /// First pass with extrapolated device voltages; the factor of [`Pass::Predict`].
    Predict(f64),
    /// First time step.
    FirstTransient,
}

/// Why a Newton loop ended without a solution.
#[derive(Debug, Clone)]
pub enum Stop {
    /// Too many iterations or a result that is not a number.
    NoConvergence,
    /// No pivot left at these columns.
    Singular(Vec<u32>),
}

/// A circuit with its solution vectors and work space.
#[derive(Debug, Clone)]
pub struct Engine {
    pub system: System,
    /// Solution: the iterate at which the devices were last evaluated, as ngspice reports it. Index 0 is ground.
    pub x: Vec<f64>,
    pub next: Vec<f64>,
    /// An earlier iterate, to notice that Newton's method runs in a circle.
    milestone: Vec<f64>,
    /// Linear part of the matrix by slot.
    pub base: Vec<f64>,
    /// Linear part of the right-hand side.
    pub rhs_base: Vec<f64>,
    pub a: Vec<f64>,
    pub b: Vec<f64>,
    pub lu: Vec<f64>,
    pub program: Option<Program>,
    pub ac_program: Option<Program>,
    /// Orders of elimination to come back to, and whether another one has been recorded since.
    kept_orders: Option<(Option<Program>, Option<Program>)>,
    pub reordered: bool,
    pub stamp: Stamp,
    /// The devices' last linearisations, one after the other as [`linearise`] lays them out; where each begins and ends, and whether it may serve
    /// again.
    kept: Vec<f64>,
    pub kept_at: Vec<(usize, usize, bool)>,
    /// Conductance from every node to ground while stepping gmin, S.
    pub diagonal_gmin: f64,
    /// Factor on the independent sources while stepping them.
    pub source_factor: f64,
    pub integrator: Integrator,
    /// Time steps of smooth devices.
    pub companion: Companion,
    /// Whether charges enter the equations (transient) or only states are wanted.
    pub dynamic: Dynamic,
    /// Nodes forced to a voltage through a large conductance during a whole operating point (`.ic`).
    pub forced: Vec<(usize, f64)>,
    /// Nodes held during the first passes, with their values.
    pub held: Vec<(usize, f64)>,
    pub span: Span,
    /// Newton iterations since the start, all analyses together.
    pub iterations: u64,
    /// Time of the step that is being solved, s; zero at operating points.
    pub time: f64,
    pub formula_work: FormulaWork,
    gather: Vec<f64>,
    /// Fixed entries (gains, ones of voltage branches), recomputed on refresh.
    fixed: Vec<f64>,
}

/// What charges mean in a load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dynamic {
    /// Not evaluated.
    Off,
    /// Evaluated and stored, no current (operating point before a transient).
    States,
    /// Integrated over the time step.
    Step,
}

/// Lays a device's evaluation out as the matrix needs it: currents into the nodes at zero voltage, conductances, and with its `charges` the
/// capacitances and, for each charge, its value, the capacitances times the voltages, and whether it is one at all.
pub fn linearise(stamp: &Stamp, place: &Place, charges: bool, out: &mut [f64]) {
    let n = place.nodes.len();
    let (injected, rest) = out.split_at_mut(n);
    for (value, i) in injected.iter_mut().zip(&stamp.i) {
        *value = -i;
    }
    let (conductances, rest) = rest.split_at_mut(place.conductances.len());
    for (g, kept) in place.conductances.iter().zip(conductances) {
        *kept = stamp.g[g.local as usize];
        injected[g.row as usize] += *kept * stamp.v[g.column as usize];
    }
    if !charges {
        return;
    }
    let (capacitances, states) = rest.split_at_mut(place.capacitances.len());
    for (k, state) in states.chunks_exact_mut(3).enumerate() {
        state.copy_from_slice(&[stamp.q[k], 0.0, 0.0]);
    }
    for (c, kept) in place.capacitances.iter().zip(capacitances) {
        *kept = stamp.c[c.local as usize];
        if *kept != 0.0 {
            let state = &mut states[3 * c.charge as usize..][..3];
            state[1] += *kept * stamp.v[c.column as usize];
            state[2] = 1.0;
        }
    }
}

impl Engine {
    pub fn new(system: System) -> Result<Self> {
        let n = system.n;
        let slots = system.pattern.places.len();
        let mut engine = Self {
            x: vec![0.0; n + 1],
            next: vec![0.0; n + 1],
            milestone: vec![0.0; n + 1],
            base: vec![0.0; slots],
            rhs_base: vec![0.0; n + 1],
            a: vec![0.0; slots],
            b: vec![0.0; n + 1],
            lu: vec![0.0; slots],
            program: None,
            ac_program: None,
            kept_orders: None,
            reordered: false,
            stamp: Stamp::default(),
            kept: Vec::new(),
            kept_at: Vec::new(),
            diagonal_gmin: 0.0,
            source_factor: 1.0,
            integrator: Integrator::new(system.states, &system.netlist.options),
            companion: Companion::default(),
            dynamic: Dynamic::Off,
            forced: Vec::new(),
            held: Vec::new(),
            span: Span::default(),
            iterations: 0,
            time: 0.0,
            formula_work: FormulaWork::default(),
            gather: vec![0.0; crate::devices::MAX_NODES],
            fixed: vec![0.0; slots],
            system,
        };
        for (device, place) in engine.system.devices.iter().zip(&engine.system.places) {
            let start = engine.kept.len();
            let end = start + place.nodes.len() + place.values(device.charges().len());
            engine.kept_at.push((start, end, false));
            engine.kept.resize(end, 0.0);
        }
        engine.refresh_fixed()?;
        Ok(engine)
    }

    /// Recomputes gains after parameters changed.
    pub fn refresh_fixed(&mut self) -> Result<()> {
        self.fixed.fill(0.0);
        self.system.add_fixed(&mut self.fixed)
    }

    /// Linear part for DC: resistors, gains, shorted inductors, sources.
    pub fn prepare_dc(&mut self) {
        self.static_base();
        for l in &self.system.lines {
            l.load_dc(self.system.surroundings.gmin, &mut self.base);
        }
        self.time = 0.0;
        self.rhs_base.fill(0.0);
        let factor = self.source_factor;
        let span = self.span;
        let transient = self.dynamic == Dynamic::States;
        for s in &self.system.sources {
            let wave = || s.wave.as_ref().map(|w| w.value(0.0, span));
            let value = if transient { wave().or(s.dc) } else { s.dc.or_else(wave) };
            let value = s.swept.or(value).unwrap_or(0.0) * factor;
            add_source(&mut self.rhs_base, s, value);
        }
    }

    /// Fixed entries and resistors into `base`.
    pub fn static_base(&mut self) {
        self.base.copy_from_slice(&self.fixed);
        for r in &self.system.resistors {
            add_quad(&mut self.base, r.slots, r.g);
        }
        for l in &self.system.lines {
            l.load_fixed(&mut self.base);
        }
        let gmin = self.system.surroundings.gmin;
        for slot in &self.system.ties {
            self.base[*slot as usize] += gmin;
        }
        let shunt = 1.0 / self.system.netlist.options.shunt_ohm;
        if shunt > 0.0 {
            for slot in self.system.diagonal.iter().filter(|s| **s != 0) {
                self.base[*slot as usize] += shunt;
            }
        }
    }

    /// Linear part for a time point: sources at `time`, capacitors and inductors as companions.
    pub fn prepare_step(&mut self, time: f64) {
        self.static_base();
        self.system.add_linear_dynamics(&mut self.base, self.integrator.a0());
        self.step_rhs(time);
    }

    /// Right-hand side of the linear part for a time point.
    pub fn step_rhs(&mut self, time: f64) {
        self.rhs_base.fill(0.0);
        self.time = time;
        for l in &mut self.system.lines {
            l.arrive(time);
            l.load_inputs(&mut self.rhs_base);
        }
        let span = self.span;
        for s in &self.system.sources {
            let value = s.wave.as_ref().map(|w| w.value(time, span)).or(s.dc).unwrap_or(0.0);
            add_source(&mut self.rhs_base, s, value);
        }
        let integrator = &self.integrator;
        for (state, c) in self.system.capacitors.iter().enumerate() {
            let history = integrator.history(state);
            self.rhs_base[c.nodes[0] as usize] -= history;
            self.rhs_base[c.nodes[1] as usize] += history;
        }
        let first = self.system.capacitors.len();
        for (i, l) in self.system.inductors.iter().enumerate() {
            self.rhs_base[l.branch as usize] += integrator.history(first + i);
        }
    }

    /// Evaluates all devices at `x` and assembles matrix and right-hand side; while `starting`, those that are `off` have no voltage.
    /// Returns whether a junction voltage was limited.
    fn load(&mut self, pass: Pass, starting: bool) -> bool {
        self.a.copy_from_slice(&self.base);
        self.b.copy_from_slice(&self.rhs_base);
        if self.diagonal_gmin > 0.0 {
            for slot in &self.system.diagonal {
                self.a[*slot as usize] += self.diagonal_gmin;
            }
        }
        for (node, value) in &self.forced {
            self.a[self.system.diagonal[*node] as usize] += 1e10;
            self.b[*node] += 1e10 * value;
        }
        let charges = self.dynamic != Dynamic::Off;
        let step = self.dynamic == Dynamic::Step;
        let a0 = self.integrator.a0();
        let mut limited = self.load_special(pass, starting);
        let places = self.system.places.iter().zip(&mut self.kept_at);
        for (device, (place, (start, end, serves))) in self.system.devices.iter_mut().zip(places) {
            let n = place.nodes.len();
            let (kept_v, kept) = self.kept[*start..*end].split_at_mut(n);
            for (v, node) in self.gather.iter_mut().zip(&place.nodes) {
                *v = self.x[*node as usize];
            }
            let pass = if starting && place.off {
                self.gather[..n].fill(0.0);
                Pass::Free
            } else {
                pass
            };
            let v = &self.gather[..n];
            let still = || v.iter().zip(&*kept_v).all(|(v, then)| (v - then).abs() <= STILL);
            if !(*serves && pass == Pass::Newton && still()) {
                let was_limited = device.evaluate(v, pass, charges, &mut self.stamp);
                limited |= was_limited;
                *serves = pass == Pass::Newton && !was_limited && device.serves_again();
                kept_v.copy_from_slice(&self.stamp.v[..n]);
                linearise(&self.stamp, place, charges, kept);
            }
            let (injected, kept) = kept.split_at(n);
            let (conductances, kept) = kept.split_at(place.conductances.len());
            place.add_conductances(conductances, &mut self.a);
            for (node, value) in place.nodes.iter().zip(injected) {
                self.b[*node as usize] += value;
            }
            if charges {
                let (capacitances, kept) = kept.split_at(place.capacitances.len());
                if step {
                    place.add_capacitances(capacitances, a0, &mut self.a);
                }
                for (k, (charge, state)) in device.charges().iter().zip(kept.chunks_exact(3)).enumerate() {
                    let active = state[2] != 0.0;
                    let i = self.integrator.charge(place.state + k, state[0], active);
                    if step && active {
                        let extra = a0 * state[1] - i;
                        self.b[place.nodes[charge.a] as usize] += extra;
                        self.b[place.nodes[charge.b] as usize] -= extra;
                    }
                }
            }
        }
        limited
    }

    /// Charges of capacitors and fluxes of inductors at the present solution.
    pub fn store_linear_states(&mut self) {
        let first = self.system.capacitors.len();
        for (state, c) in self.system.capacitors.iter().enumerate() {
            let v = self.x[c.nodes[0] as usize] - self.x[c.nodes[1] as usize];
            self.integrator.charge(state, c.c * v, true);
        }
        let mut flux = [0.0; 1];
        for (i, l) in self.system.inductors.iter().enumerate() {
            flux[0] = l.l * self.x[l.branch as usize];
            for k in &self.system.mutuals {
                for side in 0..2 {
                    if k.inductors[side] == i {
                        flux[0] += k.m * self.x[self.system.inductors[k.inductors[1 - side]].branch as usize];
                    }
                }
            }
            self.integrator.charge(first + i, flux[0], true);
        }
    }

    /// Holds nodes as nodesets: empties their rows.
    fn hold(&mut self) {
        for (node, value) in &self.held {
            let mut branches = false;
            for (slot, (row, column)) in self.system.pattern.places.iter().enumerate().skip(1) {
                if *row as usize == *node {
                    if self.system.is_branch[*column as usize] {
                        branches |= self.a[slot] != 0.0;
                    } else {
                        self.a[slot] = 0.0;
                    }
                }
            }
            let diagonal = self.system.diagonal[*node] as usize;
            (self.a[diagonal], self.b[*node]) = if branches { (1e10, 1e10 * value) } else { (1.0, *value) };
        }
    }

    /// Keeps the present orders of elimination for [`Engine::restore_orders`].
    pub fn keep_orders(&mut self) {
        self.kept_orders = Some((self.program.clone(), self.ac_program.clone()));
        self.reordered = false;
    }

    /// Comes back to the kept orders, so that results do not depend, in their last digits, on what was solved before.
    pub fn restore_orders(&mut self) {
        if self.reordered
            && let Some((program, ac_program)) = &self.kept_orders
        {
            self.program.clone_from(program);
            self.ac_program.clone_from(ac_program);
            if let Some(program) = &self.program {
                self.lu.resize(program.slots, 0.0);
            }
            self.reordered = false;
        }
    }

    pub fn solve(&mut self) -> std::result::Result<(), Stop> {
        for attempt in 0..2 {
            if self.program.is_none() || attempt == 1 {
                let a = &self.a;
                let program = order(&self.system.pattern, |slot| (a[slot], 0.0))
                    .map_err(|e| Stop::Singular(e.columns))?;
                self.lu.resize(program.slots, 0.0);
                self.program = Some(program);
                self.reordered = true;
            }
            let Some(program) = &self.program else { continue };
            self.lu[..self.a.len()].copy_from_slice(&self.a);
            self.lu[self.a.len()..].fill(0.0);
            let growth = program.factor(&mut self.lu);
            if growth < GROWTH_LIMIT || (attempt == 1 && growth.is_finite()) {
                program.solve(&self.lu, &mut self.b, &mut self.next);
                return Ok(());
            }
        }
        Err(Stop::NoConvergence)
    }

    pub fn close(&self) -> bool {
        let o = &self.system.netlist.options;
        self.next.iter().zip(&self.x).zip(&self.system.is_branch).skip(1).all(|((new, old), branch)| {
            let absolute = if *branch { o.abstol } else { o.vntol };
            (new - old).abs() <= o.reltol * new.abs().max(old.abs()) + absolute
        })
    }

    /// Whether the new iterate is the milestone again.
    fn returned(&self) -> bool {
        self.next.iter().zip(&self.milestone).all(|(new, old)| (new - old).abs() <= 1e-9 * old.abs() + 1e-15)
    }

    /// One Newton loop. Returns the iterations used; on success `x` is the solution.
    pub fn newton(&mut self, start: Start, limit: usize) -> std::result::Result<usize, Stop> {
        #[derive(PartialEq)]
        enum Mode {
            Junction,
            Fix,
            Float,
            First,
        }
        let limit = if start == Start::Guess { limit } else { limit.max(LEAST_LIMIT) };
        let (mut mode, mut pass) = match start {
            Start::Junction => (Mode::Junction, Pass::Junction),
            Start::Warm => (Mode::Float, Pass::Newton),
            Start::Guess => (Mode::First, Pass::Free),
            Start::Predict(factor) => (Mode::First, Pass::Predict { factor }),
            Start::FirstTransient => (Mode::First, Pass::FirstTransient),
        };
        if start == Start::Junction {
            self.x.fill(0.0);
        }
        let mut released = false;
        let mut returns = 0;
        for (.., serves) in &mut self.kept_at {
            *serves = false;
        }
        for iteration in 1..=limit {
            let limited = self.load(pass, matches!(mode, Mode::Junction | Mode::Fix));
            self.iterations += 1;
            if !self.held.is_empty() && matches!(mode, Mode::Junction | Mode::Fix) {
                self.hold();
                // Emptied rows may not suit the recorded order.
                self.program = None;
                released = true;
            }
            self.solve()?;
            if !self.next.iter().all(|v| v.is_finite()) {
                return Err(Stop::NoConvergence);
            }
            let mut converged = !limited && iteration > 1 && self.close();
            // A circle has no way out: whoever comes back twice would do so until the limit.
            if iteration >= FIRST_MILESTONE && iteration.is_power_of_two() {
                self.milestone.copy_from_slice(&self.next);
                returns = 0;
            } else if iteration > FIRST_MILESTONE && !converged && self.returned() {
                returns += 1;
                if returns == 2 {
                    return Err(Stop::NoConvergence);
                }
            }
            match mode {
                Mode::Float => {
                    if converged && released {
                        released = false;
                        converged = false;
                    }
                    if converged {
                        return Ok(iteration);
                    }
                }
                Mode::Junction => {
                    mode = Mode::Fix;
                    pass = Pass::Newton;
                }
                Mode::Fix => {
                    if converged {
                        mode = Mode::Float;
                        if !self.held.is_empty() {
                            self.program = None;
                        }
                    }
                }
                Mode::First => {
                    mode = Mode::Float;
                    pass = Pass::Newton;
                }
            }
            std::mem::swap(&mut self.x, &mut self.next);
        }
        Err(Stop::NoConvergence)
    }

    /// The unknowns that changed most between the last two iterates, for messages.
    pub fn restless(&self) -> Vec<String> {
        let mut list: Vec<(f64, usize)> = (1..=self.system.n)
            .map(|k| {
                let d = (self.x[k] - self.next[k]).abs();
                let scale = if self.system.is_branch[k] { 1e-6 } else { 1e-3 };
                (
                    if d.is_finite() {
                        d / (self.x[k].abs().max(self.next[k].abs()) + scale)
                    } else {
                        f64::INFINITY
                    },
                    k,
                )
            })
            .collect();
        list.sort_by(|a, b| b.0.total_cmp(&a.0));
        list.iter().take(3).filter(|(d, _)| *d > 0.0).map(|(_, k)| self.system.names[*k].clone()).collect()
    }

    /// The error for a failed Newton loop.
    pub fn failure(&self, analysis: &'static str, at: String, stop: &Stop) -> CircuitError {
        if let Stop::Singular(columns) = stop {
            return super::diagnose::singular(&self.system, columns);
        }
        super::diagnose::structure(&self.system).unwrap_or_else(|| CircuitError::NoConvergence {
            analysis,
            at,
            nodes: self.restless(),
        })
    }

    /// Small-signal matrices at the present solution: conductances and capacitances by slot.
    pub fn small_signal(&mut self, g: &mut Vec<f64>, c: &mut Vec<f64>) {
        self.static_base();
        for r in &self.system.resistors {
            if r.g_ac != r.g {
                add_quad(&mut self.base, r.slots, r.g_ac - r.g);
            }
        }
        let slots = self.base.len();
        g.clear();
        g.extend_from_slice(&self.base);
        self.special_small_signal(g);
        c.clear();
        c.resize(slots, 0.0);
        self.system.add_linear_dynamics(c, 1.0);
        for (device, place) in self.system.devices.iter_mut().zip(&self.system.places) {
            for (v, node) in self.gather.iter_mut().zip(&place.nodes) {
                *v = self.x[*node as usize];
            }
            device.evaluate(&self.gather[..place.nodes.len()], Pass::AtState, true, &mut self.stamp);
            for e in &place.conductances {
                g[e.slot as usize] += self.stamp.g[e.local as usize];
            }
            for e in &place.capacitances {
                let value = self.stamp.c[e.local as usize];
                c[e.slot_a as usize] += value;
                c[e.slot_b as usize] -= value;
            }
        }
    }
}

/// Adds a conductance to a quad of slots.
pub fn add_quad(values: &mut [f64], slots: [u32; 4], g: f64) {
    values[slots[0] as usize] += g;
    values[slots[1] as usize] -= g;
    values[slots[2] as usize] -= g;
    values[slots[3] as usize] += g;
}

fn add_source(rhs: &mut [f64], s: &super::system::Independent, value: f64) {
    if s.branch != 0 {
        rhs[s.branch as usize] += value;
    } else {
        rhs[s.nodes[0] as usize] -= value * s.multiplier;
        rhs[s.nodes[1] as usize] += value * s.multiplier;
    }
}
