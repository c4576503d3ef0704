//! The common body of the built-in sizing environments: decks, conditions, worst case, areas.

use std::path::PathBuf;
use std::sync::Mutex;

use serde::Deserialize;

use super::bench::Bench;
use super::conditions::{Condition, Corner, Mismatch, Simulator, conditions};
use super::miss::Miss;
use super::sweep::Sweep;
use super::template::{CORNER_PARAMETERS, Cards, Template};
use crate::objective::Target;
use crate::walk::{Specification, WalkRules};
use crate::{
    Bound, Design, DesignSpace, Env, EnvEntry, EnvError, Fidelity, FidelityLevel, Goal, Group, Metric,
    Objective, Options, Outcome, Parameter, Random, Value,
};

/// Options of the built-in circuit environments.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SizingOptions {
    /// Process corners; metrics are the worst over all conditions.
    pub corners: Vec<Corner>,
    /// Supply voltages, V; empty for the circuit's own.
    pub supplies_v: Vec<f64>,
    /// Temperatures, Celsius.
    pub temperatures_c: Vec<f64>,
    /// Mismatch Monte Carlo.
    pub mismatch: Mismatch,
    /// Who simulates.
    pub engine: Simulator,
    /// Whether the metrics that need a transient analysis are measured.
    pub transient: bool,
    /// AC points per decade.
    pub points_per_decade: usize,
    /// A file with other model cards (BSIM4 or compatible), and the names of its NMOS and PMOS card.
    pub cards: Option<PathBuf>,
    /// Name of the NMOS card.
    pub nmos: String,
    /// Name of the PMOS card.
    pub pmos: String,
    /// Seed of the target specifications; without one they are the circuit's usual ones.
    pub target_seed: Option<u64>,
    /// The environment as a walk towards targets.
    pub walk: WalkOptions,
}

/// How the environment is played as a walk: see [`TargetWalk`](crate::wrappers::TargetWalk).
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WalkOptions {
    /// What a step may add to a parameter's index.
    pub steps: Vec<i64>,
    /// Points that a real parameter's range is divided into.
    pub grid: usize,
    /// A reward of this much or more ends the episode,
    pub success: f64,
    /// and is replaced by this one.
    pub success_reward: f64,
    /// Steps after which an episode is cut.
    pub horizon: usize,
}

impl Default for WalkOptions {
    /// AutoCkt's, with as many points as its parameters have.
    fn default() -> Self {
        Self { steps: vec![-1, 0, 2], grid: 99, success: -0.02, success_reward: 10.0, horizon: 30 }
    }
}

impl Default for SizingOptions {
    fn default() -> Self {
        Self {
            corners: vec![Corner::Tt],
            supplies_v: Vec::new(),
            temperatures_c: vec![27.0],
            mismatch: Mismatch::default(),
            engine: Simulator::Native,
            transient: true,
            points_per_decade: 10,
            cards: None,
            nmos: "n4".into(),
            pmos: "p4".into(),
            target_seed: None,
            walk: WalkOptions::default(),
        }
    }
}

/// A metric of a circuit, with the range its target specifications are drawn from.
pub(super) struct Figure {
    pub(super) metric: Metric,
    /// The usual target, and the range of random ones; `None` for a metric without specification.
    pub(super) target: Option<(f64, f64, f64)>,
    /// Whether it needs a transient analysis.
    pub(super) transient: bool,
    /// Whether random targets are whole numbers.
    pub(super) whole: bool,
}

impl Figure {
    /// A metric of which less is better, without a target.
    pub(super) fn less(name: &str, unit: &str, definition: &str) -> Self {
        Self {
            metric: Metric::minimise(name, unit, definition),
            target: None,
            transient: false,
            whole: false,
        }
    }

    /// A metric of which more is better, without a target.
    pub(super) fn more(name: &str, unit: &str, definition: &str) -> Self {
        Self {
            metric: Metric::maximise(name, unit, definition),
            target: None,
            transient: false,
            whole: false,
        }
    }

    /// The same with its usual target and the range that random targets come from.
    pub(super) fn target(mut self, usual: f64, low: f64, high: f64) -> Self {
        self.target = Some((usual, low, high));
        self
    }

    /// The specification that its targets make; what values are compared with is the usual target.
    fn specification(&self) -> Option<Specification> {
        let (reference, low, high) = self.target?;
        Some(Specification { metric: self.metric.name.clone(), low, high, whole: self.whole, reference })
    }

    /// The same with random targets that are whole numbers.
    pub(super) fn whole(mut self) -> Self {
        self.whole = true;
        self
    }

    /// The same, measured by a transient analysis.
    pub(super) fn in_time(mut self) -> Self {
        self.transient = true;
        self
    }
}

/// A deck of a circuit and the signals that are read from it.
pub(super) struct DeckPlan {
    pub(super) deck: String,
    pub(super) probes: &'static [&'static str],
}

/// What a measurement works with.
pub(super) struct Station<'a> {
    /// One bench per deck.
    pub(super) benches: &'a mut [Bench],
    /// Values of the design's parameters.
    pub(super) numbers: &'a [f64],
    /// Supply voltage, V.
    pub(super) supply_v: f64,
    /// Total gate area, um^2.
    pub(super) gate_area_um2: f64,
    pub(super) options: &'a SizingOptions,
    pub(super) sweep: &'a Sweep,
    pub(super) frequencies: &'a [f64],
    values: &'a mut Vec<f64>,
    design_count: usize,
    temperature_c: f64,
}

impl Station<'_> {
    /// Sets one of the circuit's own parameters (by its place in [`Plan::own`]) for the analyses of bench `bench` that follow.
    pub(super) fn set_own(&mut self, bench: usize, own: usize, value: f64) -> Result<(), Miss> {
        self.values[self.design_count + own] = value;
        self.benches[bench].set(self.values, self.temperature_c)
    }

    /// Changes the temperature of one bench for the analyses that follow, Celsius.
    pub(super) fn set_temperature(&mut self, bench: usize, celsius: f64) -> Result<(), Miss> {
        self.benches[bench].set(self.values, celsius)
    }
}

/// Everything that makes one circuit an environment.
pub(super) struct Plan {
    pub(super) id: &'static str,
    pub(super) parameters: Vec<Parameter>,
    /// Start values, one per parameter: a design that biases.
    pub(super) start: Vec<f64>,
    pub(super) groups: Vec<Group>,
    pub(super) figures: Vec<Figure>,
    /// Own parameters of the decks; the first is the supply.
    pub(super) own: Vec<(&'static str, f64)>,
    pub(super) decks: Vec<DeckPlan>,
    /// Card text beside the transistors'.
    pub(super) extra_cards: &'static str,
    /// Bounds of the objective `figure-of-merit`, whose goal is the last figure.
    pub(super) bounds: Vec<Bound>,
    /// AC range, Hz.
    pub(super) range_hz: (f64, f64),
    /// True if the measurement estimates the step response from the AC analysis where the transient one is left out.
    pub(super) small_signal_step: bool,
    /// Whether walks normalise as AutoCkt's original does.
    pub(super) original_walk: bool,
    pub(super) measure: fn(&mut Station) -> Result<Vec<f64>, Miss>,
}

/// A sizing environment.
pub(super) struct Sizing {
    id: &'static str,
    space: DesignSpace,
    metrics: Vec<Metric>,
    /// Which of the measurement's values are metrics.
    kept: Vec<bool>,
    objectives: Vec<Objective>,
    walk: Option<WalkRules>,
    options: SizingOptions,
    /// The same without the transient analysis, where that is a level of fidelity.
    without_transient: Option<SizingOptions>,
    conditions: Vec<Condition>,
    template: Template,
    own: Vec<f64>,
    benches: Vec<Bench>,
    sweep: Sweep,
    frequencies: Vec<f64>,
    measure: fn(&mut Station) -> Result<Vec<f64>, Miss>,
    workers: Mutex<Vec<Worker>>,
}

/// Benches of one thread, with its work space.
struct Worker {
    benches: Vec<Bench>,
    values: Vec<f64>,
}

impl Sizing {
    /// Builds the environment of a plan.
    pub(super) fn new(plan: impl Fn(&SizingOptions) -> Plan, options: &Options) -> Result<Self, EnvError> {
        let parsed: SizingOptions = options.parse()?;
        let plan = plan(&parsed);
        if !(1..=1000).contains(&parsed.points_per_decade) {
            return Err(EnvError::invalid("points_per_decade", "give 1 to 1000"));
        }
        let cards = match &parsed.cards {
            None => Cards::default(),
            Some(path) => {
                let path = options.path(path);
                let text =
                    std::fs::read_to_string(&path).map_err(|source| EnvError::File { path, source })?;
                Cards { text, nmos: parsed.nmos.clone(), pmos: parsed.pmos.clone() }
            }
        };
        let cards = Cards { text: format!("{}\n{}", cards.text, plan.extra_cards), ..cards };
        let design: Vec<(&str, f64)> =
            plan.parameters.iter().map(|p| p.name.as_str()).zip(plan.start.iter().copied()).collect();
        let with_mismatch = parsed.mismatch.samples > 0;
        let mut templates: Vec<Template> = Vec::new();
        for deck in &plan.decks {
            templates.push(Template::new(&deck.deck, &cards, &design, &plan.own, with_mismatch));
        }
        let sweep =
            Sweep { per_decade: parsed.points_per_decade, from_hz: plan.range_hz.0, to_hz: plan.range_hz.1 };
        let frequencies = sweep.frequencies();
        let benches = templates
            .iter()
            .zip(&plan.decks)
            .map(|(template, deck)| Bench::new(template, deck.probes, parsed.engine, &frequencies))
            .collect::<Result<Vec<_>, _>>()?;
        let template = templates.swap_remove(0);
        let supplies =
            if parsed.supplies_v.is_empty() { vec![plan.own[0].1] } else { parsed.supplies_v.clone() };
        let conditions = conditions(
            &parsed.corners,
            &supplies,
            &parsed.temperatures_c,
            parsed.mismatch,
            template.transistors.len(),
        )?;
        let kept: Vec<bool> = plan.figures.iter().map(|f| parsed.transient || !f.transient).collect();
        let figures: Vec<&Figure> =
            plan.figures.iter().zip(&kept).filter(|(_, kept)| **kept).map(|(f, _)| f).collect();
        let objectives = objectives(&figures, &plan.bounds, parsed.target_seed);
        let specifications = specifications(&figures);
        let space = DesignSpace::new(plan.parameters)?.with_groups(plan.groups)?;
        let start = space.parameters().iter().zip(&plan.start);
        let start = start.map(|(parameter, value)| (parameter.name.as_str(), Value::number(*value)));
        let walk = (!specifications.is_empty()).then_some(WalkRules {
            start: space.design(start)?,
            steps: parsed.walk.steps.clone(),
            grid: parsed.walk.grid,
            specifications,
            success: parsed.walk.success,
            success_reward: parsed.walk.success_reward,
            horizon: parsed.walk.horizon,
            compat: plan.original_walk,
        });
        Ok(Self {
            id: plan.id,
            space,
            walk,
            metrics: figures.iter().map(|f| f.metric.clone()).collect(),
            kept,
            objectives,
            conditions,
            own: plan.own.iter().map(|(_, value)| *value).collect(),
            template,
            benches,
            frequencies,
            sweep,
            measure: plan.measure,
            workers: Mutex::new(Vec::new()),
            without_transient: (plan.small_signal_step && parsed.transient)
                .then(|| SizingOptions { transient: false, ..parsed.clone() }),
            options: parsed,
        })
    }

    /// Worst metrics over all conditions.
    fn measure(
        &self,
        numbers: &[f64],
        options: &SizingOptions,
        worker: &mut Worker,
    ) -> Result<Vec<f64>, Miss> {
        let mut worst: Vec<f64> = Vec::new();
        for condition in &self.conditions {
            let values = &mut worker.values;
            values.clear();
            values.extend_from_slice(numbers);
            values.extend_from_slice(&self.own);
            values[numbers.len()] = condition.supply_v;
            values.extend(condition.corner.values());
            debug_assert_eq!(CORNER_PARAMETERS.len(), condition.corner.values().len());
            for (transistor, deviate) in self.template.transistors.iter().zip(&condition.deviates) {
                let sigma = 1e-3 * self.options.mismatch.avt_mv_um / transistor.area_um2(numbers).sqrt();
                values.push(sigma * deviate);
            }
            for bench in &mut worker.benches {
                bench.set(values, condition.temperature_c)?;
            }
            let found = (self.measure)(&mut Station {
                benches: &mut worker.benches,
                numbers,
                supply_v: condition.supply_v,
                gate_area_um2: self.template.gate_area_um2(numbers),
                options,
                sweep: &self.sweep,
                frequencies: &self.frequencies,
                values,
                design_count: numbers.len(),
                temperature_c: condition.temperature_c,
            })?;
            let found = found.into_iter().zip(&self.kept).filter(|(_, kept)| **kept).map(|(value, _)| value);
            if worst.is_empty() {
                worst.extend(found);
            } else {
                for ((worst, value), metric) in worst.iter_mut().zip(found).zip(&self.metrics) {
                    *worst = metric.direction.worse(*worst, value);
                }
            }
        }
        Ok(worst)
    }
}

/// The target specifications, the figure of merit, all metrics as a Pareto front, and each metric alone.
fn objectives(figures: &[&Figure], bounds: &[Bound], seed: Option<u64>) -> Vec<Objective> {
    let mut random = seed.map(|seed| Random::derived(seed, "targets"));
    let targets: Vec<Target> = figures
        .iter()
        .filter_map(|figure| {
            let specification = figure.specification()?;
            let target = random.as_mut().map_or(specification.reference, |random| specification.draw(random));
            Some(Target { metric: specification.metric, target, tolerance: 0.0 })
        })
        .collect();
    let optimise = |figure: &&Figure| Goal::Optimise(figure.metric.name.clone());
    let mut list = Vec::new();
    if !targets.is_empty() {
        list.push(Objective::new("targets", vec![Goal::Targets(targets)]));
    }
    if !bounds.is_empty()
        && let Some(merit) = figures.last()
    {
        list.push(Objective::new("figure-of-merit", vec![optimise(merit)]).with_bounds(bounds.to_vec()));
    }
    list.push(Objective::new("pareto", figures.iter().map(optimise).collect()));
    list.extend(
        figures.iter().map(|figure| Objective::new(figure.metric.name.as_str(), vec![optimise(figure)])),
    );
    list
}

/// The figures with targets, by name as AutoCkt observes them.
fn specifications(figures: &[&Figure]) -> Vec<Specification> {
    let mut list: Vec<Specification> = figures.iter().filter_map(|figure| figure.specification()).collect();
    list.sort_by(|a, b| a.metric.cmp(&b.metric));
    list
}

impl Env for Sizing {
    fn id(&self) -> &str {
        self.id
    }

    fn space(&self) -> &DesignSpace {
        &self.space
    }

    fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    fn evaluate(&self, design: &Design, fidelity: Fidelity) -> Outcome {
        let options = match &self.without_transient {
            Some(options) if fidelity != Fidelity::FULL => options,
            _ => &self.options,
        };
        let numbers: Vec<f64> = (0..self.space.len()).map(|index| self.space.number(design, index)).collect();
        let idle = self.workers.lock().ok().and_then(|mut workers| workers.pop());
        let mut worker = idle.unwrap_or_else(|| Worker { benches: self.benches.clone(), values: Vec::new() });
        let measured = self.measure(&numbers, options, &mut worker);
        if let Ok(mut workers) = self.workers.lock() {
            workers.push(worker);
        }
        match measured {
            Ok(metrics) => match metrics.iter().position(|m| !m.is_finite()) {
                None => Outcome::feasible(metrics),
                Some(index) => {
                    Outcome::infeasible(format!("`{}` can be measured", self.metrics[index].name), 1.0)
                }
            },
            Err(miss) => miss.outcome(),
        }
    }

    /// Amplifiers also without the transient analysis: slew rate and settling time are then those of one pole without a limit to its slope.
    fn fidelities(&self) -> Vec<FidelityLevel> {
        let level = |name: &str, relative_cost| FidelityLevel { name: name.into(), relative_cost };
        let cheaper = self.without_transient.as_ref().map(|_| level("without-transient", 0.04));
        [level("full", 1.0)].into_iter().chain(cheaper).collect()
    }

    fn objectives(&self) -> Vec<Objective> {
        self.objectives.clone()
    }

    fn walk(&self) -> Option<WalkRules> {
        self.walk.clone()
    }

    fn provenance(&self) -> Vec<(String, String)> {
        let engine = match self.options.engine {
            Simulator::Native => "embedded".to_owned(),
            Simulator::Ngspice => super::ngspice::version().unwrap_or_else(|| "ngspice".into()),
        };
        vec![("circuit engine".into(), engine)]
    }
}

/// The registry entry of a circuit without options of its own.
pub(super) fn entry(id: &'static str, summary: &str, plan: fn(&SizingOptions) -> Plan) -> EnvEntry {
    shared_options(EnvEntry::new(id, summary, move |options| Ok(Box::new(Sizing::new(plan, options)?))))
}

/// The entry with the options that all circuit environments share.
pub(super) fn shared_options(entry: EnvEntry) -> EnvEntry {
    entry
        .option(
            "corners",
            "[tt]",
            "process corners (tt ff ss fs sf); metrics are the worst over all conditions",
        )
        .option("supplies_v", "[]", "supply voltages in V; empty for the circuit's own")
        .option("temperatures_c", "[27]", "temperatures in Celsius")
        .option(
            "mismatch",
            "(samples: 0, seed: 1, avt_mv_um: 3.5)",
            "mismatch Monte Carlo over all transistors",
        )
        .option("engine", "native", "native, or ngspice where it is installed")
        .option("transient", "true", "measure what needs a transient analysis; false is several times faster")
        .option("points_per_decade", "10", "AC points per decade")
        .option("cards", "None", "file with other model cards; `nmos` and `pmos` name the two to use")
        .option("target_seed", "None", "draw the target specifications at random with this seed")
        .option(
            "walk",
            "(steps: [-1, 0, 2], grid: 99, success: -0.02, success_reward: 10.0, horizon: 30)",
            "rules of the walk towards targets (`wrappers::TargetWalk`), AutoCkt's",
        )
}
