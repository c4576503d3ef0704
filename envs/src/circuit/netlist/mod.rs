//! `circuit-netlist-v0`: your own SPICE deck as an environment. No Rust needed: the deck's `.param`s are the space, its `.measure`s the
//! metrics, and a RON text says which.
//!
//! A complete example. The deck `stage.cir`:
//!
//! ```text
//! * common-source stage
//! .include models.mod
//! .param w=10u rl=20k
//! vdd vdd 0 1.8
//! vin in 0 dc 0.6 ac 1
//! m1 out in 0 0 n4 w={w} l=0.5u
//! rl vdd out {rl}
//! cl out 0 100f
//! .op
//! .ac dec 20 1k 100g
//! .measure ac gain find vdb(out) at=1k
//! .measure ac bandwidth when vdb(out)=0 fall=1
//! .measure op supply find i(vdd) at=0
//! .measure op power param='-1.8*supply'
//! .end
//! ```
//!
//! and the options (in a study, the value of `options`):
//!
//! ```text
//! (
//!     deck: "stage.cir",
//!     parameters: [
//!         (name: "w", domain: Real(low: 1e-6, high: 100e-6, scale: Log), unit: "m"),
//!         (name: "rl", domain: Real(low: 1e3, high: 1e5, scale: Log), unit: "ohm"),
//!     ],
//!     metrics: [
//!         (name: "gain_db", measure: "gain", unit: "dB", direction: Maximise),
//!         (name: "bandwidth_hz", measure: "bandwidth", unit: "Hz", direction: Maximise),
//!         (name: "power_w", measure: "power", unit: "W", direction: Minimise),
//!     ],
//!     require: [(measure: "gain", at_least: 0.0)],
//!     conditions: [
//!         (name: "nominal"),
//!         (name: "hot", temperature_c: 125.0),
//!     ],
//! )
//! ```
//!
//! Every condition is simulated, and a metric is the worst over them. `require` turns a measure into a constraint: a design that breaks it
//! is infeasible, by the relative amount. A measure that cannot be taken (a crossing that never comes) and a circuit that does not converge
//! make the design infeasible too, with the simulator's words as the reason. Deck and includes are read relative to the file that holds the
//! options; includes may not leave the deck's folder unless `allow_include` names the other one. Without options the environment is a
//! small example of its own, an RC ladder. A larger example with groups, corners and Monte Carlo is in `envs/examples/netlist`.

mod cases;
mod measures;
mod options;

use std::path::PathBuf;
use std::sync::Mutex;

use hwgym_simulators::circuit::{Circuit, Ngspice, Results};

use self::cases::{Case, cases};
use self::measures::{measured, named};
pub use self::options::{MeasureMetric, MonteCarlo, NetlistCondition, NetlistOptions, Requirement};
use super::conditions::Simulator;
use super::miss::Miss;
use crate::{
    Design, DesignSpace, Direction, Env, EnvEntry, EnvError, Fidelity, Goal, Metric, Objective, Options,
    Outcome, Scorer,
};

/// The example that runs without options: an RC ladder driven by a step.
const EXAMPLE_DECK: &str = "* RC ladder
.param r=1k c=1p
v1 in 0 dc 0 ac 1 pulse(0 1 0 1p 1p 1 2)
r1 in a {r}
c1 a 0 {c}
r2 a out {2*r}
c2 out 0 {c/2}
.ac dec 20 1k 100g
.tran 0.1n 100n
.measure ac bandwidth when vdb(out)=-3 fall=1
.measure tran delay when v(out)=0.5 rise=1
.end
";
const EXAMPLE_OPTIONS: &str = r#"(
    parameters: [
        (name: "r", domain: Real(low: 100.0, high: 3e3, scale: Log), unit: "ohm", description: "first resistor"),
        (name: "c", domain: Real(low: 1e-13, high: 5e-12, scale: Log), unit: "F", description: "first capacitor"),
    ],
    metrics: [
        (name: "bandwidth_hz", measure: "bandwidth", unit: "Hz", direction: Maximise, definition: "-3 dB frequency"),
        (name: "delay_s", measure: "delay", unit: "s", direction: Minimise, definition: "time to half the step"),
    ],
)"#;

/// A deck as an environment.
pub struct Netlist {
    options: NetlistOptions,
    space: DesignSpace,
    metrics: Vec<Metric>,
    objectives: Vec<Objective>,
    cases: Vec<Case>,
    ngspice: Option<Ngspice>,
    idle: Mutex<Vec<Vec<Circuit>>>,
}

impl Netlist {
    /// Reads options and deck.
    ///
    /// # Errors
    /// Options or a deck that do not read, parameters and measures that the deck does not have.
    pub fn new(source: &Options) -> Result<Self, EnvError> {
        let mut options: NetlistOptions = source.parse()?;
        if options.deck.is_none() && options.text.is_none() {
            if !options.parameters.is_empty() || !options.metrics.is_empty() {
                return Err(EnvError::invalid(
                    "deck",
                    "give the deck's file (`deck`) or the deck itself (`text`)",
                ));
            }
            let engine = options.engine;
            options = Options::ron(EXAMPLE_OPTIONS).parse()?;
            options.engine = engine;
            options.text = Some(EXAMPLE_DECK.to_owned());
        }
        let (text, folder) = match (&options.deck, &options.text) {
            (Some(path), _) => {
                let path = source.path(path);
                let folder = path.parent().map(PathBuf::from).unwrap_or_default();
                let text =
                    std::fs::read_to_string(&path).map_err(|source| EnvError::File { path, source })?;
                (text, folder)
            }
            (None, text) => (text.clone().unwrap_or_default(), source.folder()),
        };
        let folder = if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder };
        if options.parameters.is_empty() || options.metrics.is_empty() {
            return Err(EnvError::invalid("parameters", "give at least one parameter and one metric"));
        }
        if let Some(p) = options.parameters.iter().find(|p| matches!(p.domain, crate::Domain::Categorical(_)))
        {
            let message = format!("`{}` is categorical; a deck's parameter is a number", p.name);
            return Err(EnvError::invalid("parameters", message));
        }
        let ngspice = match options.engine {
            Simulator::Native => None,
            Simulator::Ngspice => {
                Some(Ngspice::find().map_err(|error| EnvError::invalid("engine", error.to_string()))?)
            }
        };
        let space = DesignSpace::new(options.parameters.clone())?
            .with_constraints(options.constraints.clone())?
            .with_groups(options.groups.clone())?;
        let metrics = metrics(&options.metrics);
        let objectives = objectives(&options.objectives, &metrics);
        let cases = cases(&options, &text, &folder, source)?;
        let netlist =
            Self { space, metrics, objectives, cases, ngspice, idle: Mutex::new(Vec::new()), options };
        netlist.check_names()?;
        Ok(netlist)
    }

    /// Every parameter and measure that the options name is in the deck.
    fn check_names(&self) -> Result<(), EnvError> {
        let Some(case) = self.cases.first() else { return Ok(()) };
        let flat = case.circuit.netlist().map_err(|error| EnvError::Simulator(error.to_string()))?;
        let parameters: Vec<&str> = flat.parameters.iter().map(|p| p.name.as_str()).collect();
        let measures: Vec<&str> = flat.measures.iter().map(|m| m.name.as_str()).collect();
        let known = |option: &str, what: &str, name: &str, list: &[&str]| {
            if list.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                Ok(())
            } else {
                let hint = crate::suggest::suggestion(name, list);
                Err(EnvError::invalid(option, format!("the deck has no {what} `{name}`{hint}")))
            }
        };
        for parameter in self.space.parameters() {
            known("parameters", ".param", &parameter.name, &parameters)?;
        }
        for condition in &self.options.conditions {
            for (name, _) in &condition.parameters {
                known("conditions", ".param", name, &parameters)?;
            }
        }
        for (name, _) in &self.options.monte_carlo.sigmas {
            known("monte_carlo", ".param", name, &parameters)?;
        }
        for metric in &self.options.metrics {
            known("metrics", ".measure", metric.measure.as_ref().unwrap_or(&metric.name), &measures)?;
        }
        for requirement in &self.options.require {
            known("require", ".measure", &requirement.measure, &measures)?;
        }
        Ok(())
    }

    /// One case at a design, by whoever simulates; ngspice's results are measured by the same code.
    fn simulate(&self, case: &Case, circuit: &mut Circuit, numbers: &[f64]) -> Result<Results, Miss> {
        for (parameter, value) in self.space.parameters().iter().zip(numbers) {
            circuit.set_param(&parameter.name, *value);
        }
        let results = match &self.ngspice {
            Some(ngspice) => ngspice.simulate(circuit),
            None => circuit.simulate(),
        };
        results.map_err(|error| named(Miss::from(error), &case.name))
    }

    fn measure(&self, numbers: &[f64], circuits: &mut [Circuit]) -> Result<Vec<f64>, Miss> {
        let mut worst: Vec<f64> = Vec::new();
        for (case, circuit) in self.cases.iter().zip(circuits) {
            let results = self.simulate(case, circuit, numbers)?;
            for requirement in &self.options.require {
                let value =
                    measured(&results, &requirement.measure).map_err(|miss| named(miss, &case.name))?;
                let broken = |limit: f64, by: f64, sign: &str| {
                    let text = format!("{} {sign} {limit}", requirement.measure);
                    (by > 0.0).then(|| named(Miss::new(text, by / limit.abs().max(1e-12)), &case.name))
                };
                let low = requirement.at_least.and_then(|limit| broken(limit, limit - value, ">="));
                let high = requirement.at_most.and_then(|limit| broken(limit, value - limit, "<="));
                if let Some(miss) = low.or(high) {
                    return Err(miss);
                }
            }
            for (index, metric) in self.options.metrics.iter().enumerate() {
                let name = metric.measure.as_ref().unwrap_or(&metric.name);
                let value = measured(&results, name).map_err(|miss| named(miss, &case.name))?;
                match worst.get_mut(index) {
                    None => worst.push(value),
                    Some(worst) => *worst = metric.direction.worse(*worst, value),
                }
            }
        }
        Ok(worst)
    }
}

fn metrics(list: &[MeasureMetric]) -> Vec<Metric> {
    list.iter()
        .map(|m| {
            let unit = m.unit.as_deref().unwrap_or("1");
            let own = format!("the deck's .measure `{}`", m.measure.as_ref().unwrap_or(&m.name));
            let definition = m.definition.as_deref().unwrap_or(&own);
            match m.direction {
                Direction::Minimise => Metric::minimise(&m.name, unit, definition),
                Direction::Maximise => Metric::maximise(&m.name, unit, definition),
            }
        })
        .collect()
}

fn objectives(given: &[Objective], metrics: &[Metric]) -> Vec<Objective> {
    let mut list = given.to_vec();
    let optimise = |metric: &Metric| Goal::Optimise(metric.name.clone());
    if metrics.len() > 1 {
        list.push(Objective::new("pareto", metrics.iter().map(optimise).collect()));
    }
    list.extend(metrics.iter().map(|metric| Objective::new(metric.name.as_str(), vec![optimise(metric)])));
    let mut names = std::collections::HashSet::new();
    list.retain(|objective| names.insert(objective.name.clone()));
    list
}

impl Env for Netlist {
    fn id(&self) -> &str {
        "circuit-netlist-v0"
    }

    fn space(&self) -> &DesignSpace {
        &self.space
    }

    fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    fn evaluate(&self, design: &Design, _: Fidelity) -> Outcome {
        if let Some(refused) = Scorer::refuse(&self.space, design) {
            return refused;
        }
        let numbers: Vec<f64> = (0..self.space.len()).map(|index| self.space.number(design, index)).collect();
        let idle = self.idle.lock().ok().and_then(|mut idle| idle.pop());
        let mut circuits =
            idle.unwrap_or_else(|| self.cases.iter().map(|case| case.circuit.clone()).collect());
        let measured = self.measure(&numbers, &mut circuits);
        if let Ok(mut idle) = self.idle.lock() {
            idle.push(circuits);
        }
        measured.map_or_else(Miss::outcome, Outcome::feasible)
    }

    fn objectives(&self) -> Vec<Objective> {
        self.objectives.clone()
    }

    fn provenance(&self) -> Vec<(String, String)> {
        let engine = self.ngspice.as_ref().map_or("embedded", Ngspice::version).to_owned();
        let deck =
            self.options.deck.as_ref().map_or("given as text".into(), |path| path.display().to_string());
        vec![("circuit engine".into(), engine), ("deck".into(), deck)]
    }
}

/// The registry entry.
pub(crate) fn registry_entry() -> EnvEntry {
    EnvEntry::new(
        "circuit-netlist-v0",
        "your own SPICE deck: .params are the space, .measures the metrics",
        |options| Ok(Box::new(Netlist::new(options)?)),
    )
    .option("deck", "None", "the deck's file, relative to the file of the options")
    .option("text", "None", "or the deck itself")
    .option(
        "parameters",
        "[]",
        "the space: (name: \"w\", domain: Real(low: 1e-6, high: 1e-4, scale: Log), unit: \"m\")",
    )
    .option("metrics", "[]", "(name: \"gain_db\", measure: \"gain\", unit: \"dB\", direction: Maximise)")
    .option("require", "[]", "bounds on measures: (measure: \"gain\", at_least: 20.0)")
    .option("constraints", "[]", "constraints between parameters")
    .option("groups", "[]", "groups of parameters for multi-agent search")
    .option("objectives", "[]", "objectives by name, the default first")
    .option(
        "conditions",
        "[]",
        "corners: (name: \"hot\", temperature_c: 125.0, parameters: [(\"vdd\", 1.62)])",
    )
    .option("monte_carlo", "(samples: 0, seed: 1, sigmas: [])", "normal deviates for parameters of the deck")
    .option("allow_include", "[]", "other folders that includes may read from")
    .option("engine", "native", "native, or ngspice where it is installed")
}

#[cfg(test)]
mod tests;
