//! `hwgym simulate timeloop`: one mapping of one layer on one architecture, from Timeloop's own files.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::simulators::accelerator::timeloop::{Report, Specification};

use super::counting::CountingArgs;
use crate::failure::{BadInput, bad_input};

/// Evaluate one mapping from Timeloop's YAML files (architecture, problem, mapping, energy and area tables); exit code 1
/// where it does not fit
#[derive(clap::Args)]
pub struct TimeloopArgs {
    /// YAML files; each holds one or more sections, in any order
    #[arg(required = true, value_name = "FILE.yaml")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    counting: CountingArgs,
    /// With `--counting timeloop`: count transfers between neighbouring elements, where they lower the traffic from above
    #[arg(long)]
    link_transfers: bool,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

impl TimeloopArgs {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let specification = Specification::from_files(&self.files).bad_input()?;
        let Some(nest) = specification.mapping else {
            return Err(bad_input(
                "no `mapping:` section in these files\n  remedy: add a mapping file, or search one with `hwgym map timeloop`",
            ));
        };
        let model = self.counting.with_links(self.counting.model(&specification)?, self.link_transfers)?;
        let report = model.report(&nest).bad_input()?;
        if let Some(mesh) = report.violations.iter().find(|found| found.constraint.starts_with("mesh")) {
            return Err(bad_input(format!(
                "the mapping's spatial factors do not fit the mesh: {mesh}\n  remedy: lower the spatial factors of \"{}\", or move \
                 its `split`",
                mesh.level
            )));
        }
        let differences = self.counting.explain(&model, &nest)?;
        if self.json {
            let mut answer = serde_json::to_value(&report)?;
            answer["counting"] = self.counting.counting().name().into();
            if let Some(differences) = differences {
                answer["differences"] = differences.json();
            }
            println!("{}", serde_json::to_string_pretty(&answer)?);
        } else {
            print(&report);
            if let Some(differences) = differences {
                differences.print();
            }
        }
        // A mapping that does not fit is no result.
        Ok(if report.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Prints a report as a table.
pub fn print(report: &Report) {
    println!("cycles       {}", report.cycles);
    println!("utilization  {:.4}", report.utilization);
    println!("energy       {:.3} uJ", report.energy_pj / 1e6);
    println!("EDP          {:.6e} pJ x cycles", report.edp_pj_cycles);
    println!("area         {:.6} mm2", report.area_um2 / 1e6);
    println!("operations   {}", report.macs);
    let mut table = comfy_table::Table::new();
    table.set_header([
        "level",
        "instances",
        "cycles",
        "data space",
        "tile",
        "reads",
        "fills",
        "updates",
        "energy uJ",
    ]);
    for level in &report.levels {
        for (name, space) in &level.dataspaces {
            table.add_row([
                level.name.clone(),
                level.utilized_instances.to_string(),
                level.cycles.to_string(),
                name.clone(),
                space.tile_words.to_string(),
                space.reads.to_string(),
                space.fills.to_string(),
                space.updates.to_string(),
                format!("{:.3}", space.energy_pj / 1e6),
            ]);
        }
    }
    println!("{table}");
    for violation in &report.violations {
        println!("does not fit: {violation}");
    }
}
