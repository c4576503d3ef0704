//! Systems on chip for a task graph: [`limited`] is ArchGym's space, [`rich`] the one of FARSI's explorer.

pub mod limited;
mod moves;
pub mod rich;
mod space;

use std::cell::RefCell;

use hwgym_simulators::soc::{
    Design as SocDesign, Evaluator, Library, Met, Model, Rules, Summary, WORKLOADS, Workload,
};
use serde::Deserialize;

use crate::objective::Bound;
use crate::prelude::*;

/// The registry entries.
pub fn entries() -> Vec<EnvEntry> {
    vec![limited::entry(), rich::entry()]
}

/// Options of both environments.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    workload: String,
    library: String,
    farsi_compat: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { workload: "edge_detection".into(), library: String::new(), farsi_compat: false }
    }
}

thread_local! {
    /// One evaluator per thread: it keeps its memory from design to design, and nothing else.
    static EVALUATOR: RefCell<Evaluator> = RefCell::default();
}

/// A model with its metrics.
struct Soc {
    model: Model,
    metrics: Vec<Metric>,
    compat: bool,
}

impl Soc {
    fn new(options: &Options) -> Result<Self, EnvError> {
        let settings: Settings = options.parse()?;
        let refused = |error: hwgym_simulators::soc::Error| EnvError::Simulator(error.to_string());
        let name = &settings.workload;
        let workload = if name.ends_with(".ron") || name.ends_with(".json") {
            Workload::from_file(options.path(name)).map_err(refused)?
        } else {
            Workload::builtin(name).map_err(|_| {
                let hint = crate::suggest::suggestion(name, &WORKLOADS);
                EnvError::invalid(
                    "workload",
                    format!("`{name}` is no task graph{hint}, or give a file (.ron)"),
                )
            })?
        };
        let library = if settings.library.is_empty() {
            Library::farsi(&workload)
        } else {
            Library::from_file(options.path(&settings.library), &workload).map_err(refused)?
        };
        let compat = settings.farsi_compat;
        let rules = if compat { Rules::FARSI } else { Rules::CORRECTED };
        Ok(Self { model: Model { workload, library, rules }, metrics: metrics(), compat })
    }

    /// Measures a design; `seen` may look at the evaluator afterwards.
    fn with_evaluation<T>(
        &self,
        design: &SocDesign,
        seen: impl FnOnce(Result<Summary, hwgym_simulators::soc::Infeasible>, &Evaluator) -> T,
    ) -> T {
        EVALUATOR.with_borrow_mut(|evaluator| {
            let result = evaluator.evaluate(&self.model, design);
            seen(result, evaluator)
        })
    }

    fn outcome(&self, design: &SocDesign) -> Outcome {
        let budget = &self.model.workload.budget;
        self.with_evaluation(design, |result, _| match result {
            Ok(summary) => Outcome::feasible([
                summary.latency_s,
                summary.power_w,
                summary.energy_j,
                summary.area_m2,
                summary.area_dram_m2,
                summary.distance(budget, Met::Eliminate),
                summary.distance(budget, Met::Dampen),
            ]),
            Err(reason) => Outcome::infeasible(format!("{}: {reason}", reason.code()), reason.amount()),
        })
    }

    /// The distance to the budgets first; then trade-offs.
    fn objectives(&self) -> Vec<Objective> {
        let minimise = |name: &str| Goal::Minimise(name.into());
        let budget = &self.model.workload.budget;
        let pareto = ["latency_s", "power_w", "area_m2"].map(minimise).to_vec();
        vec![
            Objective::new("budgets", vec![minimise("distance")]),
            Objective::new("budgets-dampened", vec![minimise("distance_dampened")]),
            Objective::new("pareto", pareto),
            Objective::new("least-energy", vec![minimise("energy_j")])
                .with_bounds(vec![Bound::at_most("latency_s", budget.latency_s)]),
        ]
    }

    fn provenance(&self) -> Vec<(String, String)> {
        let rules =
            if self.compat { "FARSI ce59c968, its defects included" } else { "FARSI ce59c968, corrected" };
        vec![("model".into(), rules.into()), ("workload".into(), self.model.workload.name.clone())]
    }
}

fn metrics() -> Vec<Metric> {
    vec![
        Metric::minimise("latency_s", "s", "end of the last task"),
        Metric::minimise("power_w", "W", "largest mean power of a slice of about 10 ms"),
        Metric::minimise("energy_j", "J", "energy of one run"),
        Metric::minimise("area_m2", "m2", "area of all blocks, stacked DRAM included"),
        Metric::minimise("area_dram_m2", "m2", "area of stacked DRAM"),
        Metric::minimise(
            "distance",
            "1",
            "sum of what is over budget, relative to it; 4e-9 where nothing is",
        ),
        Metric::minimise(
            "distance_dampened",
            "1",
            "the same with a tenth of the difference to every budget that is kept",
        ),
    ]
}

/// The options that both entries document.
fn documented(entry: EnvEntry) -> EnvEntry {
    entry
        .option(
            "workload",
            "\"edge_detection\"",
            "task graph: audio_decoder, edge_detection, hpvm_cava, or a file (.ron)",
        )
        .option("library", "\"\"", "path of a library of blocks (.ron); empty: FARSI's")
        .option("farsi_compat", "false", "compute as FARSI does, its defects included")
}
