//! The operating point: plain Newton, then gmin stepping, then source stepping.

use super::engine::{Dynamic, Engine, Start, Stop};
use crate::devices::Device;
use crate::error::Result;

/// Newton iterations that a guess is given.
const GUESS_LIMIT: usize = 20;
/// Newton iterations of a step, however small `itl2` is.
const STEP_LIMIT: usize = 100;

impl Engine {
    /// Solves the operating point from a cold start into `x`.
    pub fn operating_point(&mut self, analysis: &'static str) -> Result<()> {
        self.solve_dc(false).map_err(|stop| self.failure(analysis, String::new(), &stop))
    }

    /// Solves the DC equations, from the present solution if `warm` (falling back to a cold start).
    pub fn solve_dc(&mut self, warm: bool) -> std::result::Result<(), Stop> {
        self.prepare_dc();
        let limit = self.system.netlist.options.itl1;
        if warm && self.held.is_empty() && self.newton(Start::Warm, limit).is_ok() {
            return Ok(());
        }
        self.reset_devices();
        let first = match self.newton(Start::Junction, limit) {
            Ok(_) => return Ok(()),
            Err(stop) => stop,
        };
        // A structural fault stays one however it is approached.
        if super::diagnose::structure(&self.system).is_some() {
            return Err(first);
        }
        let held = std::mem::take(&mut self.held);
        let result =
            self.gmin_stepping().or_else(|_| self.device_gmin_stepping()).or_else(|_| self.source_stepping());
        self.held = held;
        self.diagonal_gmin = 0.0;
        self.source_factor = 1.0;
        let gmin = self.system.surroundings.gmin;
        self.set_device_gmin(gmin);
        match result {
            Ok(()) => Ok(()),
            Err(stop) => Err(if matches!(first, Stop::Singular(_)) { first } else { stop }),
        }
    }

    /// Newton from a guess, every node half way to the largest voltage source; false if there is none, or it leads nowhere.
    ///
    /// It is for level-1 transistors, which do not conduct at all below their threshold: from nothing they are opened one by one
    /// (five-transistor amplifier: 39 iterations, 7 from the middle). BSIM4 finds its way from nothing sooner than from anywhere else.
    pub fn newton_from_middle(&mut self) -> bool {
        let kinds = || self.system.devices.iter();
        if !kinds().any(|d| matches!(d, Device::Mos1(_))) || kinds().any(|d| matches!(d, Device::Bsim4(_))) {
            return false;
        }
        self.prepare_dc();
        let sources = self.system.sources.iter().filter(|s| s.branch != 0).filter_map(|s| s.swept.or(s.dc));
        let largest = sources.fold(0.0f64, |largest, v| if v.abs() > largest.abs() { v } else { largest });
        for (x, branch) in self.x.iter_mut().zip(&self.system.is_branch).skip(1) {
            *x = if *branch { 0.0 } else { 0.5 * largest };
        }
        self.reset_devices();
        self.newton(Start::Guess, GUESS_LIMIT).is_ok()
    }

    pub fn reset_devices(&mut self) {
        for d in &mut self.system.devices {
            d.reset();
        }
        for s in &mut self.system.switches {
            s.reset();
        }
    }

    fn set_device_gmin(&mut self, gmin: f64) {
        for d in &mut self.system.devices {
            d.set_gmin(gmin);
        }
    }

    /// A conductance from every node to ground, lowered step by step.
    fn gmin_stepping(&mut self) -> std::result::Result<(), Stop> {
        self.step_down(|engine, g| engine.diagonal_gmin = g)?;
        self.diagonal_gmin = 0.0;
        self.newton(Start::Warm, self.system.netlist.options.itl1).map(|_| ())
    }

    /// The conductance across every junction, lowered step by step.
    fn device_gmin_stepping(&mut self) -> std::result::Result<(), Stop> {
        self.diagonal_gmin = 0.0;
        self.step_down(Engine::set_device_gmin)?;
        let gmin = self.system.surroundings.gmin;
        self.set_device_gmin(gmin);
        self.newton(Start::Warm, self.system.netlist.options.itl1).map(|_| ())
    }

    /// ngspice's dynamic stepping of a conductance from 1e-3 S to gmin.
    fn step_down(&mut self, apply: impl Fn(&mut Engine, f64)) -> std::result::Result<(), Stop> {
        let target = self.system.surroundings.gmin;
        let mut factor = 10.0f64;
        let mut old = 1e-2;
        let mut g = old / factor;
        let mut start = Start::Junction;
        self.reset_devices();
        let mut saved = (self.x.clone(), self.system.devices.clone());
        let limit = self.system.netlist.options.itl2.max(STEP_LIMIT);
        loop {
            apply(self, g);
            match self.newton(start, limit) {
                Ok(iterations) => {
                    start = Start::Warm;
                    if g <= target {
                        return Ok(());
                    }
                    saved.0.copy_from_slice(&self.x);
                    saved.1.clone_from_slice(&self.system.devices);
                    let itl = self.system.netlist.options.itl2;
                    if iterations <= itl / 4 {
                        factor = (factor * factor.sqrt()).min(10.0);
                    } else if iterations > 3 * itl / 4 {
                        factor = factor.sqrt();
                    }
                    old = g;
                    if g < factor * target {
                        factor = g / target;
                        g = target;
                    } else {
                        g /= factor;
                    }
                }
                Err(stop) => {
                    if factor < 1.00005 || start == Start::Junction {
                        return Err(stop);
                    }
                    factor = factor.sqrt().sqrt();
                    g = old / factor;
                    self.x.copy_from_slice(&saved.0);
                    self.system.devices.clone_from_slice(&saved.1);
                }
            }
        }
    }

    /// Independent sources raised from zero (Gillespie's adaptive steps).
    fn source_stepping(&mut self) -> std::result::Result<(), Stop> {
        self.diagonal_gmin = 0.0;
        let gmin = self.system.surroundings.gmin;
        self.set_device_gmin(gmin);
        let limit = self.system.netlist.options.itl2.max(STEP_LIMIT);
        self.source_factor = 0.0;
        self.prepare_dc();
        self.reset_devices();
        if self.newton(Start::Junction, limit).is_err() {
            // Even the dead circuit is hard: bring it up with a conductance to ground.
            self.step_down(|engine, g| engine.diagonal_gmin = g)?;
            self.diagonal_gmin = 0.0;
            self.newton(Start::Warm, limit)?;
        }
        let mut saved = (self.x.clone(), self.system.devices.clone());
        let (mut reached, mut raise) = (0.0f64, 1e-3f64);
        let mut factor = raise;
        let itl = self.system.netlist.options.itl2;
        loop {
            self.source_factor = factor;
            self.prepare_dc();
            match self.newton(Start::Warm, limit) {
                Ok(iterations) => {
                    reached = factor;
                    if reached >= 1.0 {
                        return Ok(());
                    }
                    saved.0.copy_from_slice(&self.x);
                    saved.1.clone_from_slice(&self.system.devices);
                    if iterations <= itl / 4 {
                        raise *= 1.5;
                    }
                    if iterations > 3 * itl / 4 {
                        raise *= 0.5;
                    }
                }
                Err(stop) => {
                    if factor - reached < 1e-8 || raise < 1e-9 {
                        return Err(stop);
                    }
                    raise = (raise / 10.0).min(0.01);
                    self.x.copy_from_slice(&saved.0);
                    self.system.devices.clone_from_slice(&saved.1);
                }
            }
            factor = (reached + raise).min(1.0);
        }
    }

    /// Prepares for an operating point: what is held, and no charges.
    pub fn begin_dc(&mut self, dynamic: Dynamic) {
        self.dynamic = dynamic;
        let slots = &self.system.netlist.slots;
        self.held = self
            .system
            .netlist
            .nodesets
            .iter()
            .map(|(n, v)| (*n as usize, slots.get(*v)))
            .filter(|(n, _)| *n != 0)
            .collect();
    }
}
