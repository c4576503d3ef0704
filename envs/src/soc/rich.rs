//! `soc-v0`: systems of processors, accelerators, memories and buses for a task graph, the space of FARSI's explorer.
//!
//! A task may have an accelerator of its own, whose unrolling, clock and bus are then parameters, too; all other tasks are assigned to four
//! processors. What a task writes is assigned to one of six memories (DRAM or SRAM, of a rate). Processors, accelerators and memories hang on
//! up to four buses, which form a tree of any shape. A block exists where something uses it. Tasks without work are on the first processor.

use std::sync::Arc;

use hwgym_simulators::soc::{Explanation, Summary};

use super::Soc;
use super::moves::{AREA, LATENCY, POWER, STACKED_AREA, Scene};
use super::space::{BUSES, Blueprint, Layout, MEMORIES, PROCESSORS, Part, System};
use crate::guide::{Aim, Diagnosis, Figure, Guide, Move};
use crate::prelude::*;

/// The registry entry.
pub fn entry() -> EnvEntry {
    super::documented(EnvEntry::new(
        "soc-v0",
        "a system on chip for a task graph: accelerators, memories, buses, mapping; FARSI's model and budgets",
        |options| Ok(Box::new(Rich(Arc::new(Core::new(options)?)))),
    ))
}

struct Rich(Arc<Core>);

/// The space and the model behind it.
struct Core {
    soc: Soc,
    layout: Layout,
}

impl Core {
    fn new(options: &Options) -> Result<Self, EnvError> {
        let soc = Soc::new(options)?;
        let layout = Layout::new(&soc.model)?;
        Ok(Self { soc, layout })
    }

    fn system(&self, design: &Design) -> (Blueprint, System) {
        let blueprint = self.layout.read(&self.soc.model, design);
        let system = blueprint.system(&self.layout, &self.soc.model);
        (blueprint, system)
    }

    /// Figures and their explanation; `None` for a design that has none.
    fn explain(&self, system: &System) -> Option<(Summary, Explanation)> {
        self.soc.with_evaluation(&system.design, |result, evaluator| {
            result.ok().map(|summary| (summary, evaluator.explain(&self.soc.model, &system.design)))
        })
    }

    /// FARSI's effort for the blocks: software for a processor, hardware for an accelerator, memory by MiB, buses.
    fn cost(&self, system: &System, explanation: &Explanation) -> f64 {
        let workload = &self.soc.model.workload;
        let least = workload.work.iter().copied().filter(|work| *work > 0.0).fold(f64::INFINITY, f64::min);
        let on = |processor: usize| {
            let hosted =
                (0..workload.len()).filter(move |task| system.design.task_processor[*task] == processor);
            hosted.map(|task| workload.work[task] / least).sum::<f64>()
        };
        let blocks = system.parts.iter().enumerate().map(|(block, part)| match part {
            Part::Processor(_) => on(block),
            Part::Accelerator(_) => 100.0 * on(block),
            Part::Memory(_) => {
                let memory = block - system.design.processors.len();
                0.1 * (explanation.peak_bytes[memory] / 1_048_576.0).ceil()
            }
            Part::Bus(_) => 0.1,
        });
        blocks.sum()
    }
}

impl Env for Rich {
    fn id(&self) -> &str {
        "soc-v0"
    }

    fn space(&self) -> &DesignSpace {
        &self.0.layout.space
    }

    fn metrics(&self) -> &[Metric] {
        &self.0.soc.metrics
    }

    fn evaluate(&self, design: &Design, _: Fidelity) -> Outcome {
        self.0.soc.outcome(&self.0.system(design).1.design)
    }

    fn objectives(&self) -> Vec<Objective> {
        self.0.soc.objectives()
    }

    fn guide(&self) -> Option<Arc<dyn Guide>> {
        Some(self.0.clone())
    }

    /// Blocks that nothing uses are at the start of their domains.
    fn canonical(&self, design: &Design) -> Design {
        let Core { soc, layout } = &*self.0;
        let (mut blueprint, system) = self.0.system(design);
        let first = layout.read(&soc.model, &Design::new(vec![0.0; layout.space.len()]));
        let used = |part: Part| system.parts.contains(&part);
        for index in (0..PROCESSORS).filter(|index| !used(Part::Processor(*index))) {
            blueprint.processors[index] = first.processors[index];
        }
        for index in (0..MEMORIES).filter(|index| !used(Part::Memory(*index))) {
            blueprint.memories[index] = first.memories[index];
        }
        for index in (0..BUSES).filter(|index| !used(Part::Bus(*index))) {
            blueprint.buses[index] = first.buses[index];
            blueprint.links[index] = first.links[index];
        }
        layout.write(&soc.model, &blueprint)
    }

    fn provenance(&self) -> Vec<(String, String)> {
        self.0.soc.provenance()
    }
}

impl Guide for Core {
    fn start(&self) -> Design {
        self.layout.least(&self.soc.model)
    }

    fn diagnose(&self, design: &Design) -> Option<Diagnosis> {
        let (blueprint, system) = self.system(design);
        let (summary, explanation) = self.explain(&system)?;
        let model = &self.soc.model;
        let scene = Scene {
            layout: &self.layout,
            model,
            blueprint: &blueprint,
            system: &system,
            summary: &summary,
            explanation: &explanation,
        };
        let tasks = model.workload.len();
        let area = |figure: usize| -> Vec<f64> {
            let of = |task: usize| {
                let used =
                    (0..system.parts.len()).filter(|block| scene.uses(task, system.parts[*block], figure));
                used.map(|block| explanation.area_m2[block]).sum()
            };
            (0..tasks).map(of).collect()
        };
        let names = ["latency", "power", "area", "stacked area"];
        let parts = [
            explanation.running_s.clone(),
            explanation.energy_j.iter().map(|blocks| blocks.iter().sum()).collect(),
            area(AREA),
            area(STACKED_AREA),
        ];
        const { assert!(LATENCY == 0 && POWER == 1 && AREA == 2 && STACKED_AREA == 3) };
        let excess = summary.excess(&model.workload.budget);
        let figures = names.into_iter().zip(excess).zip(parts);
        Some(Diagnosis {
            figures: figures
                .map(|((name, excess), parts)| Figure { name: name.into(), excess, parts })
                .collect(),
            cost: self.cost(&system, &explanation),
        })
    }

    fn moves(&self, design: &Design, aim: Aim) -> Vec<Move> {
        let (blueprint, system) = self.system(design);
        let Some((summary, explanation)) = self.explain(&system) else { return Vec::new() };
        let scene = Scene {
            layout: &self.layout,
            model: &self.soc.model,
            blueprint: &blueprint,
            system: &system,
            summary: &summary,
            explanation: &explanation,
        };
        let steps = scene.moves(aim.figure, aim.part).into_iter();
        steps
            .map(|(kind, blueprint)| Move { kind, design: self.layout.write(&self.soc.model, &blueprint) })
            .filter(|step| step.design != *design)
            .collect()
    }
}
