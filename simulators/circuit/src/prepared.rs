//! A circuit made ready for many evaluations: parameters change in place, nothing is parsed, ordered or allocated again.

use std::sync::Arc;

use crate::analysis::{Dynamic, Engine, NoiseTotals, NoiseWork, SmallSignal, Start, System, TranSpec};
use crate::circuit::Circuit;
use crate::error::{CircuitError, Result, did_you_mean};
use crate::matrix::LANES;
use crate::netlist::command::output;
use crate::netlist::{Deck, FlatModel, Netlist, Output, Value};

/// Angular frequency at which small-signal orders of elimination are found: where amplifiers cross unity gain, 1/s.
const REFERENCE_OMEGA: f64 = 2.0 * std::f64::consts::PI * 1e6;

/// Newton iterations from the reference; a design that needs more is sooner solved from the devices' start voltages.
const REFERENCE_LIMIT: usize = 25;

/// A voltage between two nodes, or a branch current, found once by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe {
    plus: usize,
    minus: usize,
}

/// Where the Newton iteration of an operating point starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StartPoint {
    /// From the devices' start voltages, as a simulator run anew.
    #[default]
    Cold,
    /// From the solution kept by [`Prepared::keep_reference`]: fewer iterations, and still the same answer whatever was solved before.
    Reference,
    /// From the previous solution: fewest iterations, but the last digits (within the tolerances) depend on what came before.
    Previous,
}

/// A circuit with named parameters that can be re-simulated quickly.
///
/// ```
/// use hwgym_circuit::{Circuit, Prepared};
/// let deck = "divider\n.param r=1k\nv1 in 0 dc 10 ac 1\nr1 in out {r}\nr2 out 0 3k\n.op\n.end\n";
/// let mut divider = Prepared::new(&Circuit::parse(deck, &Default::default())?, &["r"])?;
/// let out = divider.probe("v(out)")?;
/// divider.set(&[2e3])?;
/// divider.operating_point()?;
/// assert!((divider.value(out) - 6.0).abs() < 1e-9);
/// # Ok::<(), hwgym_circuit::CircuitError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Prepared {
    deck: Arc<Deck>,
    /// Parameters fixed when the circuit was made.
    fixed: Vec<(String, f64)>,
    names: Vec<String>,
    values: Vec<f64>,
    /// Slots of the parameters; `None` for one that nothing uses.
    slots: Vec<Option<u32>>,
    dependents: Vec<u32>,
    /// Whether a model card, option or other value that is read once depends on the parameters.
    rebuild: bool,
    temperature_c: Option<f64>,
    start: StartPoint,
    reference: Vec<f64>,
    solved: bool,
    engine: Engine,
    small: SmallSignal,
    noise: NoiseWork,
}

impl Prepared {
    /// Makes a circuit ready; `parameters` are the names of the top-level `.param`s that will change.
    ///
    /// # Errors
    /// Unknown parameters, and whatever is wrong with the deck.
    pub fn new(circuit: &Circuit, parameters: &[&str]) -> Result<Self> {
        let (deck, fixed) = circuit.parts();
        let engine = circuit.engine()?;
        let mut prepared = Self {
            deck: deck.clone(),
            fixed: fixed.to_vec(),
            names: parameters.iter().map(|p| p.to_ascii_lowercase()).collect(),
            values: Vec::new(),
            slots: Vec::new(),
            dependents: Vec::new(),
            rebuild: false,
            temperature_c: None,
            start: StartPoint::default(),
            reference: Vec::new(),
            solved: false,
            engine,
            small: SmallSignal::default(),
            noise: NoiseWork::default(),
        };
        prepared.index()?;
        prepared.values = prepared
            .slots
            .iter()
            .map(|s| s.map_or(f64::NAN, |s| prepared.engine.system.netlist.slots.get(Value::Slot(s))))
            .collect();
        Ok(prepared)
    }

    /// Finds the slots that the parameters reach.
    fn index(&mut self) -> Result<()> {
        let netlist = &self.engine.system.netlist;
        self.slots.clear();
        for name in &self.names {
            let Some(p) = netlist.parameters.iter().find(|p| p.name == *name) else {
                let hint = did_you_mean(name, netlist.parameters.iter().map(|p| p.name.as_str()));
                return Err(CircuitError::Analysis {
                    analysis: "prepare",
                    message: format!("the deck has no parameter `{name}`{hint}"),
                });
            };
            self.slots.push(p.slot);
        }
        let roots: Vec<u32> = self.slots.iter().flatten().copied().collect();
        self.dependents = netlist.slots.dependents(&roots);
        let reached = |s: &u32| roots.contains(s) || self.dependents.contains(s);
        let models = netlist.models.iter().flat_map(|m| &m.parameters).filter_map(|(_, v)| match v {
            Value::Slot(s) => Some(*s),
            Value::Const(_) => None,
        });
        self.rebuild = models.chain(netlist.fixed_slots.iter().copied()).any(|s| reached(&s));
        Ok(())
    }

    /// Names of the parameters, in the order of [`Prepared::set`].
    pub fn parameters(&self) -> &[String] {
        &self.names
    }

    /// Present parameter values.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Sets where operating points start from.
    pub fn set_start(&mut self, start: StartPoint) {
        self.start = start;
    }

    /// Keeps the present solution for [`StartPoint::Reference`], and the orders of elimination that suit it: every [`Prepared::set`] comes
    /// back to them.
    pub fn keep_reference(&mut self) {
        self.reference.clear();
        self.reference.extend_from_slice(&self.engine.x);
        if self.engine.ac_program.is_none() {
            self.small.linearise(&mut self.engine);
            // A circuit that is singular at this frequency says so when it is analysed.
            self.small.factor(&mut self.engine, &[REFERENCE_OMEGA; LANES]).ok();
        }
        self.engine.keep_orders();
    }

    /// Sets all parameters. Only a change that selects another bin or adds internal nodes builds the circuit again.
    ///
    /// # Errors
    /// A wrong number of values, values that are not finite, sizes that a device rejects. The circuit stays usable: set other values.
    pub fn set(&mut self, values: &[f64]) -> Result<()> {
        if values.len() != self.names.len() {
            let message = format!("{} values for {} parameters", values.len(), self.names.len());
            return Err(CircuitError::Analysis { analysis: "set", message });
        }
        if let Some((name, value)) = self.names.iter().zip(values).find(|(_, v)| !v.is_finite()) {
            return Err(CircuitError::Analysis {
                analysis: "set",
                message: format!("parameter `{name}` is {value}, expected a finite number"),
            });
        }
        self.engine.restore_orders();
        self.values.clear();
        self.values.extend_from_slice(values);
        if self.rebuild {
            return self.build();
        }
        let slots = &mut self.engine.system.netlist.slots;
        for (slot, value) in self.slots.iter().zip(values) {
            if let Some(slot) = slot {
                slots.set(*slot, *value);
            }
        }
        slots.recompute(&self.dependents);
        if self.leaves_bin() {
            return self.build();
        }
        match self.engine.system.refresh() {
            Ok(()) => self.engine.refresh_fixed(),
            // The device says so when it needs other internal nodes; any other fault shows again.
            Err(CircuitError::Device { .. }) => self.build(),
            Err(e) => Err(e),
        }
    }

    fn leaves_bin(&self) -> bool {
        let system = &self.engine.system;
        let netlist = &system.netlist;
        system.places.iter().filter(|p| !p.bound.is_empty()).any(|p| {
            let e = &netlist.elements[p.element];
            let Some(bin) = e.model.and_then(|m| netlist.models[m as usize].bin) else { return false };
            let size = |name: &str, default: f64| e.parameter(name).map_or(default, |v| netlist.slots.get(v));
            !FlatModel::covers(&bin, size("l", 5e-6), size("w", 5e-6) / size("nf", 1.0))
        })
    }

    /// Builds the circuit anew at the present values.
    fn build(&mut self) -> Result<()> {
        let mut all = self.fixed.clone();
        for (name, value) in self.names.iter().zip(&self.values) {
            all.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
            all.push((name.clone(), *value));
        }
        let unknowns = self.engine.system.names.clone();
        self.engine = Engine::new(System::new(Netlist::from_deck(&self.deck, &all)?)?)?;
        if let Some(t) = self.temperature_c {
            self.engine.system.set_temperature(t)?;
        }
        self.solved = false;
        if self.engine.system.names != unknowns {
            self.reference.clear();
        }
        self.index()
    }

    /// Changes the circuit temperature, Celsius.
    pub fn set_temperature(&mut self, celsius: f64) -> Result<()> {
        self.temperature_c = Some(celsius);
        self.engine.system.set_temperature(celsius)
    }

    /// Limits a transient analysis: time points tried, and wall-clock seconds.
    pub fn limit(&mut self, points: usize, seconds: f64) {
        let options = &mut self.engine.system.netlist.options;
        options.max_points = points;
        options.time_limit_s = seconds;
    }

    /// Finds `v(node)`, `v(a,b)` or `i(source)`. Probes stay valid as long as the circuit keeps its nodes.
    pub fn probe(&self, name: &str) -> Result<Probe> {
        let text: String = name.to_ascii_lowercase().chars().filter(|c| !c.is_whitespace()).collect();
        let Some(parsed) = output(&text) else {
            return Err(CircuitError::Analysis {
                analysis: "probe",
                message: format!("`{name}` is not v(node), v(a,b) or i(source)"),
            });
        };
        let (plus, minus) = self.engine.system.output(&parsed, "probe")?;
        Ok(Probe { plus, minus })
    }

    /// Solves the operating point.
    pub fn operating_point(&mut self) -> Result<()> {
        let engine = &mut self.engine;
        engine.begin_dc(Dynamic::Off);
        let reference = self.start == StartPoint::Reference
            && self.reference.len() == engine.x.len()
            && engine.held.is_empty();
        if reference {
            engine.x.copy_from_slice(&self.reference);
            engine.prepare_dc();
            if engine.newton(Start::Guess, REFERENCE_LIMIT).is_ok() {
                self.solved = true;
                return Ok(());
            }
        }
        if self.start == StartPoint::Cold && engine.held.is_empty() && engine.newton_from_middle() {
            self.solved = true;
            return Ok(());
        }
        let warm = self.start == StartPoint::Previous && self.solved;
        let result = engine.solve_dc(warm);
        self.solved = result.is_ok();
        result.map_err(|stop| engine.failure("op", String::new(), &stop))
    }

    /// A probe's value at the operating point: volts or amperes.
    pub fn value(&self, probe: Probe) -> f64 {
        self.engine.x[probe.plus] - self.engine.x[probe.minus]
    }

    /// Small-signal response of a probe to all AC sources, around the last operating point: `out` receives `(re, im)` per frequency (Hz).
    pub fn ac(&mut self, frequencies: &[f64], probe: Probe, out: &mut Vec<(f64, f64)>) -> Result<()> {
        out.clear();
        self.engine.ac_solve(&mut self.small, frequencies, |_, lane, x| {
            let (p, m) = (&x[probe.plus], &x[probe.minus]);
            out.push((p.re[lane] - m.re[lane], p.im[lane] - m.im[lane]));
        })
    }

    /// Noise at a probe, referred to the independent source `input`, around the last operating point. The spectra are then in
    /// [`Prepared::output_noise`] and [`Prepared::input_noise`].
    pub fn noise(&mut self, frequencies: &[f64], probe: Probe, input: &str) -> Result<NoiseTotals> {
        let Some(source) = self.engine.system.source(input) else {
            return Err(CircuitError::Analysis {
                analysis: "noise",
                message: format!("there is no independent source `{input}`"),
            });
        };
        self.engine.noise_solve(&mut self.noise, (probe.plus, probe.minus), source, frequencies, |_, _, _| {})
    }

    /// Output noise of the last noise analysis per frequency, V/sqrt(Hz).
    pub fn output_noise(&self) -> &[f64] {
        &self.noise.output
    }

    /// Input-referred noise of the last noise analysis per frequency, V/sqrt(Hz) or A/sqrt(Hz).
    pub fn input_noise(&self) -> &[f64] {
        &self.noise.input
    }

    /// Runs a transient analysis. `out` receives, point after point, the time and the value of every probe.
    pub fn transient(&mut self, spec: TranSpec, probes: &[Probe], out: &mut Vec<f64>) -> Result<()> {
        out.clear();
        self.solved = false;
        self.engine.transient_solve(spec, |time, x| {
            out.push(time);
            out.extend(probes.iter().map(|p| x[p.plus] - x[p.minus]));
        })
    }

    /// DC small-signal transfer of an output, its resistance and that of the input source: `(gain, output ohms, input ohms)`.
    pub fn transfer(&mut self, output_name: &str, input: &str) -> Result<(f64, f64, f64)> {
        let Some(parsed) = output(&output_name.to_ascii_lowercase()) else {
            return Err(CircuitError::Analysis {
                analysis: "tf",
                message: format!("`{output_name}` is not v(node), v(a,b) or i(source)"),
            });
        };
        let table = self.engine.transfer(&parsed, input)?;
        Ok((table.data[0], table.data[2], table.data[1]))
    }

    /// Operating-point quantities of every device (`id`, `gm`, `vth`, ...) at the last operating point.
    pub fn device_info(&mut self) -> Vec<(String, Vec<(&'static str, f64)>)> {
        self.small.linearise(&mut self.engine);
        self.engine.system.devices.iter().map(|d| (d.name().to_string(), d.op_info())).collect()
    }

    /// Newton iterations spent since the circuit was made, for benches.
    pub fn iterations(&self) -> u64 {
        self.engine.iterations
    }

    /// The output expressions that [`Prepared::probe`] accepts for this circuit: all node voltages and branch currents.
    pub fn signals(&self) -> Vec<String> {
        self.engine.system.columns.iter().map(|c| c.name.clone()).collect()
    }
}

/// Reads an output expression.
impl std::str::FromStr for Output {
    type Err = CircuitError;

    fn from_str(text: &str) -> Result<Self> {
        output(&text.to_ascii_lowercase()).ok_or_else(|| CircuitError::Analysis {
            analysis: "output",
            message: format!("`{text}` is not v(node), v(a,b) or i(source)"),
        })
    }
}
