//! Time steps of circuits whose devices are all smooth functions of their voltages: linearisations are kept for as long as they hold.
//!
//! A step predicts the unknowns from the last two points, linearises anew only the devices that moved further than [`KEEP`] from where they
//! were linearised, and solves. Where every device then ends within [`REACH`] of its linearisation, the solution is the one that ngspice
//! reports, whose second iteration confirms it; the charges follow along their slopes, so that no charge is lost. A matrix whose entries did
//! not change is not factored again.

use super::engine::{Engine, LEAST_LIMIT, Stop, linearise};
use crate::devices::{MAX_CHARGES, MAX_NODES, Pass};

/// How far the solution of a step may lie from the devices' linearisations without another iteration, V. The error of a current is about
/// (0.1 mV / 26 mV)^2 / 2, a hundredth of `reltol`.
const REACH: f64 = 1e-4;
/// How far a device may move before a new step linearises it anew, V.
const KEEP: f64 = 1e-5;

/// The circuit as conductances, capacitances and constant currents around the present linearisations.
#[derive(Debug, Clone, Default)]
pub struct Companion {
    /// Conductances and capacitances of linear elements and of devices, by slot.
    g_linear: Vec<f64>,
    c_linear: Vec<f64>,
    g_devices: Vec<f64>,
    c_devices: Vec<f64>,
    /// Constant currents of the devices, by row.
    i_devices: Vec<f64>,
    /// Per charge: capacitances times voltages, less the charge, at the linearisation.
    offset: Vec<f64>,
    /// Per charge: the rows of its two ends, both 0 (ground) for one that carries no current.
    ends: Vec<(u32, u32)>,
    /// First charge state of the devices.
    first: usize,
    /// The last two accepted solutions.
    accepted: Vec<f64>,
    before: Vec<f64>,
    /// The devices' linearisations, laid out as the engine's.
    kept: Vec<f64>,
    /// Whether there is a linearisation at all.
    linearised: bool,
    /// The integration coefficient that the present factors belong to.
    factored: Option<f64>,
}

/// Whether local node voltages lie within `reach` of those of a linearisation, up to a common shift.
#[inline(always)]
fn near(x: &[f64], nodes: &[u32], at: &[f64], reach: f64) -> bool {
    let shift = x[nodes[0] as usize] - at[0];
    nodes.iter().zip(at).all(|(node, at)| (x[*node as usize] - at - shift).abs() < reach)
}

/// Local node voltages.
#[inline(always)]
fn local(x: &[f64], nodes: &[u32]) -> [f64; MAX_NODES] {
    let mut v = [0.0; MAX_NODES];
    for (v, node) in v.iter_mut().zip(nodes) {
        *v = x[*node as usize];
    }
    v
}

impl Companion {
    /// Forgets the past: a transient begins at `x`.
    fn restart(&mut self, x: &[f64]) {
        for solution in [&mut self.accepted, &mut self.before] {
            solution.clear();
            solution.extend_from_slice(x);
        }
        self.linearised = false;
        self.factored = None;
    }
}

impl Engine {
    /// Prepares for time steps from the present solution.
    pub fn begin_steps(&mut self) {
        self.static_base();
        let slots = self.base.len();
        let (charges, first) = {
            let linear = self.system.capacitors.len() + self.system.inductors.len();
            (self.system.states - linear, linear)
        };
        let companion = &mut self.companion;
        companion.restart(&self.x);
        companion.g_linear.clone_from(&self.base);
        companion.c_linear.clear();
        companion.c_linear.resize(slots, 0.0);
        self.system.add_linear_dynamics(&mut companion.c_linear, 1.0);
        companion.g_devices.resize(slots, 0.0);
        companion.c_devices.resize(slots, 0.0);
        companion.i_devices.resize(self.x.len(), 0.0);
        companion.offset.resize(charges, 0.0);
        companion.ends.resize(charges, (0, 0));
        companion.first = first;
        companion.kept.resize(self.kept_at.last().map_or(0, |(_, end, _)| *end), 0.0);
    }

    /// The present solution becomes the newest point of the history.
    pub fn accept_step(&mut self) {
        let companion = &mut self.companion;
        std::mem::swap(&mut companion.before, &mut companion.accepted);
        companion.accepted.copy_from_slice(&self.x);
    }

    /// Leaves the devices at the present solution.
    pub fn end_steps(&mut self) {
        for (device, place) in self.system.devices.iter_mut().zip(&self.system.places) {
            let v = &local(&self.x, &place.nodes)[..place.nodes.len()];
            device.place(v, v);
        }
    }

    /// Solves one time step, whose coefficients are set, with sources at `time`. Returns the iterations used.
    pub fn companion_step(&mut self, time: f64) -> Result<usize, Stop> {
        self.step_rhs(time);
        let factor = self.integrator.steps[0] / self.integrator.steps[1];
        let Companion { accepted, before, .. } = &self.companion;
        for ((x, new), old) in self.x.iter_mut().zip(accepted).zip(before) {
            *x = new + factor * (new - old);
        }
        let mut pass = Pass::Predict { factor };
        for iteration in 1..=self.system.netlist.options.itl4.max(LEAST_LIMIT) {
            let limited = self.linearise_moved(pass);
            self.solve_companion()?;
            self.iterations += 1;
            if !self.next.iter().all(|v| v.is_finite()) {
                return Err(Stop::NoConvergence);
            }
            if !limited {
                // As in ngspice, a pass that confirms the one before it leaves the solution where the devices were evaluated.
                if iteration > 1 && self.close() {
                    self.store_device_charges();
                    return Ok(iteration);
                }
                let mut places = self.system.places.iter().zip(&self.kept_at);
                let kept = &self.companion.kept;
                if places.all(|(place, (start, ..))| near(&self.next, &place.nodes, &kept[*start..], REACH)) {
                    std::mem::swap(&mut self.x, &mut self.next);
                    self.store_device_charges();
                    return Ok(iteration);
                }
            }
            std::mem::swap(&mut self.x, &mut self.next);
            pass = Pass::Newton;
        }
        Err(Stop::NoConvergence)
    }

    /// Linearises the devices that have moved. Returns whether a junction voltage was limited.
    fn linearise_moved(&mut self, pass: Pass) -> bool {
        let companion = &mut self.companion;
        let (mut moved, mut limited) = (false, false);
        let places = self.system.places.iter().zip(&self.kept_at);
        for (device, (place, (start, end, _))) in self.system.devices.iter_mut().zip(places) {
            let kept = &mut companion.kept[*start..*end];
            if companion.linearised && near(&self.x, &place.nodes, kept, KEEP) {
                continue;
            }
            moved = true;
            let count = place.nodes.len();
            let stamp = &mut self.stamp;
            if matches!(pass, Pass::Predict { .. }) {
                let last = local(&companion.accepted, &place.nodes);
                device.place(&last[..count], &local(&companion.before, &place.nodes)[..count]);
            }
            limited |= device.evaluate(&local(&self.x, &place.nodes)[..count], pass, true, stamp);
            kept[..count].copy_from_slice(&stamp.v[..count]);
            linearise(stamp, place, true, &mut kept[count..]);
        }
        if moved {
            companion.linearised = true;
            companion.factored = None;
            self.collect();
        }
        limited
    }

    /// Adds up the devices' linearisations.
    fn collect(&mut self) {
        let companion = &mut self.companion;
        companion.g_devices.fill(0.0);
        companion.c_devices.fill(0.0);
        companion.i_devices.fill(0.0);
        let places = self.system.places.iter().zip(&self.kept_at);
        for (device, (place, (start, end, _))) in self.system.devices.iter().zip(places) {
            let n = place.nodes.len();
            let (injected, kept) = companion.kept[start + n..*end].split_at(n);
            let (conductances, kept) = kept.split_at(place.conductances.len());
            let (capacitances, kept) = kept.split_at(place.capacitances.len());
            place.add_conductances(conductances, &mut companion.g_devices);
            place.add_capacitances(capacitances, 1.0, &mut companion.c_devices);
            for (node, value) in place.nodes.iter().zip(injected) {
                companion.i_devices[*node as usize] += value;
            }
            for (k, (branch, charge)) in device.charges().iter().zip(kept.chunks_exact(3)).enumerate() {
                let state = place.state + k - companion.first;
                companion.offset[state] = charge[1] - charge[0];
                companion.ends[state] =
                    if charge[2] != 0.0 { (place.nodes[branch.a], place.nodes[branch.b]) } else { (0, 0) };
            }
        }
    }

    /// Solves the linearised circuit into `next`.
    fn solve_companion(&mut self) -> Result<(), Stop> {
        let a0 = self.integrator.a0();
        let companion = &mut self.companion;
        for ((b, rhs), i) in self.b.iter_mut().zip(&self.rhs_base).zip(&companion.i_devices) {
            *b = rhs + i;
        }
        for (k, (offset, (plus, minus))) in companion.offset.iter().zip(&companion.ends).enumerate() {
            let current = a0 * offset - self.integrator.history(companion.first + k);
            self.b[*plus as usize] += current;
            self.b[*minus as usize] -= current;
        }
        if let (true, Some(program)) = (companion.factored == Some(a0), &self.program) {
            program.solve(&self.lu, &mut self.b, &mut self.next);
            return Ok(());
        }
        let g = companion.g_linear.iter().zip(&companion.g_devices);
        let c = companion.c_linear.iter().zip(&companion.c_devices);
        for (a, ((g, gd), (c, cd))) in self.a.iter_mut().zip(g.zip(c)) {
            *a = g + gd + a0 * (c + cd);
        }
        companion.factored = None;
        self.solve()?;
        self.companion.factored = Some(a0);
        Ok(())
    }

    /// Charges of the devices at `x`, along their linearisations.
    fn store_device_charges(&mut self) {
        let companion = &self.companion;
        let places = self.system.places.iter().zip(&self.kept_at);
        for (device, (place, (start, end, _))) in self.system.devices.iter().zip(places) {
            let n = place.nodes.len();
            let v = local(&self.x, &place.nodes);
            let kept = &companion.kept[start + 2 * n + place.conductances.len()..*end];
            let mut charges = [0.0f64; MAX_CHARGES];
            for (c, value) in place.capacitances.iter().zip(kept) {
                charges[c.charge as usize] += value * v[c.column as usize];
            }
            for (k, charge) in charges[..device.charges().len()].iter().enumerate() {
                let state = place.state + k;
                let active = companion.ends[state - companion.first] != (0, 0);
                self.integrator.charge(state, charge - companion.offset[state - companion.first], active);
            }
        }
    }
}
