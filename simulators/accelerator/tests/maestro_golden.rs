//! The data-centric model against rows produced by MAESTRO (git 4eb08d1), with mappings in its own language.
use std::{io::Read, path::Path};

use hwgym_accelerator::maestro::{Evaluation, Evaluator, Hardware, MappingFile, PerTensor};
use serde_json::Value;

fn golden() -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/accelerator/maestro.jsonl.gz");
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| value.as_str().unwrap().parse().unwrap())
}

fn evaluate(row: &Value, compat: bool) -> Evaluation {
    let file = MappingFile::parse("golden.m", row["mapping_text"].as_str().unwrap()).unwrap();
    let given = |name: &str| number(&row["hw"][name]) as i64;
    let hardware = Hardware {
        num_pes: given("num_pes"),
        noc_bw: given("noc_bw"),
        noc_hops: 1,
        noc_hop_latency: 1,
        offchip_bw: given("offchip_bw"),
        num_simd_lanes: given("simd"),
        l1_size: Some(given("l1")),
        l2_size: Some(given("l2")),
    };
    let layer = &file.layers[0];
    Evaluator::new().evaluate(&layer.layer, &layer.directives, &hardware, compat).unwrap()
}

fn columns(result: &Evaluation) -> Vec<(String, f64)> {
    let mut columns: Vec<(String, f64)> = [
        ("Runtime (Cycles)", result.runtime_cycles as f64),
        ("Activity count-based Energy (nJ)", result.energy_nj),
        ("Throughput (MACs/Cycle)", result.throughput_macs_per_cycle),
        ("Throughput Per Energy (GMACs/s*J)", result.throughput_macs_per_cycle / result.energy_nj * 1e9),
        ("Ops/J", result.macs_per_joule()),
        ("Area", result.area_um2),
        ("Power", result.power.total_mw()),
        ("PE power", result.power.pe_mw),
        ("L1 power", result.power.l1_mw),
        ("L2 power", result.power.l2_mw),
        ("NOC power", result.power.noc_mw),
        ("NoC BW Req (Elements/cycle)", result.delays.peak_bandwidth as f64),
        ("Avg BW Req", result.delays.mean_bandwidth),
        ("Offchip BW Req (Elements/cycle)", result.offchip_bandwidth as f64),
        ("L2 SRAM Size Req (Bytes)", result.l2_bytes as f64),
        ("L1 SRAM Size Req (Bytes)", result.l1_bytes as f64),
        ("Num MACs", result.macs as f64),
        ("Ingress Delay (Min)", result.delays.ingress[0] as f64),
        ("Ingress Delay (Max)", result.delays.ingress[1] as f64),
        ("Ingress Delay (Avg)", result.delays.ingress[2] as f64),
        ("Egress Delay (Min)", result.delays.egress[0] as f64),
        ("Egress Delay (Max)", result.delays.egress[1] as f64),
        ("Egress Delay (Avg)", result.delays.egress[2] as f64),
        // The header of the reference names this column twice; the second one is the maximum.
        ("Compute Delay (Min)", result.delays.compute[1] as f64),
        ("Compute Delay (Avg)", result.delays.compute[2] as f64),
        ("Avg number of utilized PEs", result.active_pes),
        ("Arithmetic Intensity", result.arithmetic_intensity),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec();
    let tables = [
        ("l1 read", result.l1_read),
        ("l1 write", result.l1_write),
        ("l2 read", result.l2_read),
        ("l2 write", result.l2_write),
    ];
    for (table, counts) in tables {
        let PerTensor { input, filter, output } = counts;
        for (tensor, count) in [("input", input), ("filter", filter), ("output", output)] {
            columns.push((format!("{tensor} {table}"), count as f64));
        }
    }
    columns
}

/// The reference prints six significant digits.
fn same(ours: f64, theirs: f64) -> bool {
    (ours - theirs).abs() <= 6e-6 * theirs.abs().max(1e-9)
}

#[test]
fn every_column_of_every_row_is_equal_in_compat_mode() {
    let rows = golden();
    assert!(rows.len() > 200);
    let mut wrong = Vec::new();
    for row in &rows {
        let result = evaluate(row, true);
        for (name, ours) in columns(&result) {
            let theirs = number(&row["out"][&name]);
            if !same(ours, theirs) {
                wrong.push(format!("{} {}: {name}: {ours} instead of {theirs}", row["id"], row["flags"]));
            }
        }
        assert_eq!(result.true_macs as f64, number(&row["true_macs"]), "{}", row["id"]);
        assert_eq!(result.l1_violation.is_some(), result.l1_bytes as f64 > number(&row["hw"]["l1"]));
        assert_eq!(result.l2_violation.is_some(), result.l2_bytes as f64 > number(&row["hw"]["l2"]));
    }
    assert!(
        wrong.is_empty(),
        "{} differences, for example:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(40)].join("\n")
    );
}

#[test]
fn the_counted_operations_are_the_true_ones_exactly_where_the_reference_is_right() {
    for row in golden() {
        let result = evaluate(&row, false);
        let flagged = !row["flags"].as_array().unwrap().is_empty();
        assert_eq!(result.macs != result.true_macs, flagged, "{}", row["id"]);
    }
}

#[test]
fn the_default_energy_adds_the_private_buffers_of_clustered_mappings() {
    let mut added = 0;
    for row in golden() {
        let (right, compat) = (evaluate(&row, false), evaluate(&row, true));
        let clustered = row["mapping_text"].as_str().unwrap().contains("Cluster");
        assert_eq!(right.runtime_cycles, compat.runtime_cycles);
        if clustered {
            let accesses = |counts: PerTensor| counts.input + counts.filter + counts.output;
            let l1 = 0.000_23 * 1.68 * (accesses(right.l1_read) + accesses(right.l1_write)) as f64;
            assert!(same(right.energy_nj, compat.energy_nj + l1));
            added += 1;
        } else {
            assert_eq!(right.energy_nj, compat.energy_nj);
        }
    }
    assert!(added > 100);
}
