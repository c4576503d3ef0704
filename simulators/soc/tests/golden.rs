//! The simulator under FARSI's rules against designs that FARSI evaluated (tests/golden/soc).
use std::collections::HashMap;
use std::io::Read;
use std::path::PathBuf;

use hwgym_soc::{Arrays, DesignText, Evaluator, Met, Model, NamedDesign, Rules, WORKLOADS, Workload};
use serde::Deserialize;
use serde_json::{Value, json};

/// Both compute in double precision, and add up in different orders.
const TOLERANCE: f64 = 1e-12;

#[derive(Deserialize)]
struct Measured {
    id: String,
    workload: String,
    result: [f64; 10],
    kernels: Vec<(usize, f64, f64, f64)>,
}

#[derive(Deserialize)]
struct Judged {
    id: String,
    workload: String,
    encoding: Vec<i64>,
    strict: String,
}

fn rows<T: serde::de::DeserializeOwned>(name: &str) -> Vec<T> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/soc").join(name);
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn models() -> HashMap<&'static str, Model> {
    WORKLOADS.iter().map(|name| (*name, Model::new(Workload::builtin(name).unwrap(), Rules::FARSI))).collect()
}

fn close(ours: f64, theirs: f64) -> bool {
    (ours - theirs).abs() <= TOLERANCE * theirs.abs().max(1e-30)
}

/// The design of a record, read as the program reads it: the order of tasks is a record's, what was measured is nothing to it.
fn design(row: &Measured, value: &Value, model: &Model) -> NamedDesign {
    let mut record = value.clone();
    let order: Vec<Value> = row.kernels.iter().map(|kernel| json!({ "t": kernel.0 })).collect();
    record["kernels"] = order.into();
    let text = DesignText::new(record.to_string(), row.id.as_str());
    text.design(&model.workload, &model.library).unwrap_or_else(|error| panic!("{}: {error}", row.id))
}

#[test]
fn designs_have_farsis_figures() {
    let models = models();
    let mut evaluator = Evaluator::default();
    let values: Vec<Value> = rows("designs.jsonl.gz");
    assert!(values.len() > 800);
    for value in &values {
        let row: Measured = serde_json::from_value(value.clone()).unwrap();
        let model = &models[row.workload.as_str()];
        let named = design(&row, value, model);
        let summary =
            evaluator.evaluate(model, &named.design).unwrap_or_else(|reason| panic!("{}: {reason}", row.id));
        let budget = &model.workload.budget;
        let ours = [
            summary.latency_s,
            summary.power_w,
            summary.energy_j,
            summary.area_m2,
            summary.area_dram_m2,
            summary.area_sram_m2,
            summary.area_processor_m2,
            summary.area_accelerator_m2,
            summary.distance(budget, Met::Eliminate),
            summary.distance(budget, Met::Dampen),
        ];
        for (position, (ours, theirs)) in ours.iter().zip(row.result).enumerate() {
            assert!(close(*ours, theirs), "{}: figure {position} is {ours}, FARSI has {theirs}", row.id);
        }
        let report = evaluator.report(model, &named, &summary);
        assert_eq!(report.kernels.len(), row.kernels.len(), "{}", row.id);
        for (ours, (task, end_s, running_s, energy_j)) in report.kernels.iter().zip(&row.kernels) {
            let id = &row.id;
            assert_eq!(ours.task, model.workload.tasks[*task], "{id}: order of tasks");
            assert!(close(ours.end_s, *end_s), "{id}: {} ends at {}, not {end_s}", ours.task, ours.end_s);
            // Running times are sums of differences of the clock.
            assert!((ours.running_s - running_s).abs() <= 1e-12 * summary.latency_s, "{id}: {}", ours.task);
            assert!((ours.energy_j - energy_j).abs() <= 1e-12 * summary.energy_j, "{id}: {}", ours.task);
        }
    }
}

#[test]
fn encodings_are_judged_as_by_farsi() {
    let models = models();
    let mut evaluator = Evaluator::default();
    let rows: Vec<Judged> = rows("validity.jsonl.gz");
    let mut different = Vec::new();
    for row in &rows {
        let model = &models[row.workload.as_str()];
        let arrays = Arrays::from_encoding(&row.encoding, &model.workload).unwrap();
        let design = arrays.design(&model.workload, &model.library).unwrap();
        let ours = evaluator.evaluate(model, &design).map_or_else(|reason| reason.code(), |_| "valid");
        if ours != row.strict {
            different.push(format!("{}: {ours}, not {}", row.id, row.strict));
        }
    }
    assert!(different.is_empty(), "{} of {}: {different:?}", different.len(), rows.len());
}
