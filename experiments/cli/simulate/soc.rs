//! `hwgym simulate soc`: one design of a system on chip under one task graph.

use std::path::PathBuf;
use std::process::ExitCode;

use comfy_table::{Table, presets};
use serde_json::json;

use crate::envs::number::significant;
use crate::experiments::plot::{Bar, Gantt, Lane, gantt};
use crate::failure::{BadInput, bad_input};
use crate::simulators::soc::{
    Design, DesignText, Evaluator, Infeasible, Library, Model, NamedDesign, Report, Rules, WORKLOADS,
    Workload,
};

/// Run a task graph on a system of processors, accelerators, memories and buses
///
/// Example: hwgym simulate soc design.ron --workload edge_detection --plot gantt.svg
#[derive(clap::Args)]
pub struct SocArgs {
    /// The design: by names (.ron, .json), ArchGym's arrays or integers, or a record of the golden data (.json); without it, one block of
    /// each kind
    #[arg(value_name = "DESIGN")]
    design: Option<PathBuf>,
    /// Task graph: audio_decoder, edge_detection, hpvm_cava, or a file (.ron, .json); without it the one that the design names
    #[arg(long, value_name = "NAME|FILE")]
    workload: Option<String>,
    /// Library of blocks from a RON file; without it FARSI's
    #[arg(long, value_name = "FILE")]
    library: Option<PathBuf>,
    /// Compute as FARSI does, its defects included
    #[arg(long)]
    farsi_compat: bool,
    /// Draw the schedule, as SVG and as PNG
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl SocArgs {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let text = self.design.as_ref().map(DesignText::from_file).transpose().bad_input()?;
        let named = match &text {
            Some(text) => text.workload().bad_input()?,
            None => None,
        };
        let Some(workload) = self.workload.clone().or(named) else {
            return Err(bad_input(format!(
                "no task graph: give --workload {}, or a file, or a design that names one",
                WORKLOADS.join(", ")
            )));
        };
        let workload = Workload::named_or_read(&workload).bad_input()?;
        let library = match &self.library {
            Some(path) => Library::from_file(path, &workload).bad_input()?,
            None => Library::farsi(&workload),
        };
        let named = match &text {
            Some(text) => text.design(&workload, &library).bad_input()?,
            None => {
                let design = Design::least(&workload, &library);
                NamedDesign { names: design.names(), design }
            }
        };
        let rules = if self.farsi_compat { Rules::FARSI } else { Rules::CORRECTED };
        let model = Model { workload, library, rules };
        let mut evaluator = Evaluator::default();
        match evaluator.evaluate(&model, &named.design) {
            Err(reason) => self.refuse(&model, &named, &reason),
            Ok(summary) => self.show(&model, &evaluator.report(&model, &named, &summary)),
        }
    }

    /// A design without figures: exit code 1.
    fn refuse(&self, model: &Model, named: &NamedDesign, reason: &Infeasible) -> anyhow::Result<ExitCode> {
        if self.plot.is_some() {
            eprintln!("warning: --plot: there is no schedule to draw");
        }
        let explanation = explain(model, named, reason);
        if self.json {
            let value = json!({
                "workload": model.workload.name,
                "valid": false,
                "reason": reason.code(),
                "explanation": explanation,
            });
            println!("{value:#}");
        } else {
            println!("infeasible   {} ({explanation})", reason.code());
        }
        Ok(ExitCode::FAILURE)
    }

    fn show(&self, model: &Model, report: &Report) -> anyhow::Result<ExitCode> {
        if self.json {
            let mut value = json!({ "workload": model.workload.name, "valid": true, "reason": "valid" });
            if let (Some(value), Some(report)) =
                (value.as_object_mut(), serde_json::to_value(report)?.as_object_mut())
            {
                value.append(report);
            }
            println!("{value:#}");
        } else {
            print(model, report);
        }
        if let Some(path) = &self.plot {
            for file in gantt(path, &chart(model, report))? {
                eprintln!("wrote {}", file.display());
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The reason in words, with names.
fn explain(model: &Model, named: &NamedDesign, reason: &Infeasible) -> String {
    let design = &named.design;
    let processor = |index: usize| &named.names[index];
    let memory = |index: usize| &named.names[design.processors.len() + index];
    let bus = |index: usize| &named.names[design.processors.len() + design.memories.len() + index];
    let task = |index: usize| &model.workload.tasks[index];
    match *reason {
        Infeasible::BusToItself { bus: b, .. } => format!("bus {} is connected to itself", bus(b)),
        Infeasible::MemoryOnSeveralBuses { memory: m, .. } => {
            format!("memory {} is on several buses; it has one port", memory(m))
        }
        Infeasible::TaskProcessorMismatch { task: t, processor: p, .. } => format!(
            "task {} is on {}, which is {}",
            task(t),
            processor(p),
            model.library.processors[design.processors[p]].name
        ),
        Infeasible::ProcessorUnreachable { task: t, .. } => format!(
            "no path of buses leads from {} to {}, where task {} runs",
            processor(0),
            processor(design.task_processor[t]),
            task(t)
        ),
        Infeasible::LooseMemory { task: t, memory: m, .. } => {
            format!(
                "task {} writes to memory {}, which no bus connects to {}",
                task(t),
                memory(m),
                processor(0)
            )
        }
        Infeasible::SilentProcessor { processor: p } => {
            format!("no task of {} moves data over a bus", processor(p))
        }
        Infeasible::MemoryTooLarge { memory: m, bytes, limit } => {
            format!("memory {} must hold {bytes} bytes; the table of costs ends at {limit}", memory(m))
        }
        Infeasible::Deadlock { task: t } => {
            format!("task {} never starts: nothing runs that it could wait for", task(t))
        }
        Infeasible::NoBusHasMemory | Infeasible::NoReachableMemory => reason.to_string(),
    }
}

fn print(model: &Model, report: &Report) {
    let (summary, budget) = (&report.summary, &model.workload.budget);
    let row = |name: &str, value: f64, unit: &str, limit: Option<f64>| {
        let limit =
            limit.map_or_else(String::new, |limit| format!("  (budget {} {unit})", significant(limit, 4)));
        println!("{name:<13}{} {unit}{limit}", significant(value, 6));
    };
    println!("{:<13}{}", "task graph", model.workload.name);
    row("latency", summary.latency_s, "s", Some(budget.latency_s));
    row("power", summary.power_w, "W", Some(budget.power_w));
    row("energy", summary.energy_j, "J", None);
    row("area", summary.area_m2, "m2", None);
    row("  DRAM", summary.area_dram_m2, "m2", Some(budget.area_m2));
    row("  the rest", summary.area_m2 - summary.area_dram_m2, "m2", Some(budget.area_m2));
    println!("{:<13}{}", "budgets", if report.fits_budget { "all kept" } else { "not kept" });
    row("distance", report.distance, "", None);
    let table = |header: &[&str]| {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_header(header);
        table
    };
    let mut kernels = table(&["task", "on", "start s", "end s", "running s", "energy J", "bottleneck"]);
    for kernel in &report.kernels {
        kernels.add_row([
            kernel.task.clone(),
            kernel.processor.clone(),
            significant(kernel.start_s, 5),
            significant(kernel.end_s, 5),
            significant(kernel.running_s, 4),
            significant(kernel.energy_j, 4),
            kernel.bottleneck.clone().unwrap_or_default(),
        ]);
    }
    let mut blocks = table(&["block", "is", "on or beside", "area m2", "holds bytes"]);
    for block in &report.blocks {
        blocks.add_row([
            block.name.clone(),
            block.block.clone(),
            block.neighbours.join(", "),
            significant(block.area_m2, 4),
            block.peak_bytes.map_or_else(String::new, |bytes| bytes.to_string()),
        ]);
    }
    println!("\n{kernels}\n\n{blocks}");
}

/// The schedule: a lane per processor, coloured by the kind of the bottleneck.
fn chart(model: &Model, report: &Report) -> Gantt {
    let kind = |name: &Option<String>| {
        let block = name.as_ref().and_then(|name| report.blocks.iter().find(|block| block.name == *name));
        let Some(block) = block else { return 3 };
        match () {
            () if model.library.processor(&block.block).is_ok() => 0,
            () if model.library.memory(&block.block).is_ok() => 1,
            () => 2,
        }
    };
    let lanes = report.blocks.iter().filter(|block| report.kernels.iter().any(|k| k.processor == block.name));
    let lanes = lanes.map(|block| Lane {
        name: if block.block.chars().count() > 24 {
            block.name.clone()
        } else {
            format!("{} {}", block.name, block.block)
        },
        bars: report
            .kernels
            .iter()
            .filter(|kernel| kernel.processor == block.name)
            .flat_map(|kernel| {
                kernel.spans_s.iter().filter(|span| span.1 > span.0).map(|(from, to, bottleneck)| Bar {
                    name: kernel.task.clone(),
                    span_s: (*from, *to),
                    kind: kind(bottleneck),
                })
            })
            .collect(),
    });
    Gantt {
        name: format!("{}: {} s", model.workload.name, significant(report.summary.latency_s, 4)),
        lanes: lanes.collect(),
        kinds: ["limited by its processor", "limited by a memory", "limited by a bus"]
            .map(String::from)
            .to_vec(),
    }
}
