//! The systolic-array model against rows produced by SCALE-Sim v2 (git 22f88b1).
use std::{collections::HashMap, io::Read, path::Path};

use hwgym_accelerator::systolic::{Array, Buffers, Dataflow, Layer, compute, estimate_dram, simulate};

struct Row(HashMap<String, String>);

impl Row {
    fn text(&self, name: &str) -> &str {
        &self.0[name]
    }

    fn number(&self, name: &str) -> f64 {
        self.0[name].parse().unwrap_or_else(|_| panic!("{name} = {}", self.0[name]))
    }

    fn count(&self, name: &str) -> u64 {
        self.number(name) as u64
    }

    fn case(&self) -> (Layer, Array, Buffers) {
        let layer = Layer {
            ifmap_height: self.count("ifmap_h"),
            ifmap_width: self.count("ifmap_w"),
            filter_height: self.count("filt_h"),
            filter_width: self.count("filt_w"),
            channels: self.count("channels"),
            filters: self.count("num_filters"),
            stride_height: self.count("stride"),
            stride_width: self.count("stride"),
        };
        let dataflow: Dataflow = self.text("dataflow").parse().unwrap();
        let array = Array { rows: self.count("array_h"), columns: self.count("array_w"), dataflow };
        let buffers = Buffers::from_kb(
            self.count("ifmap_sram_kB"),
            self.count("filter_sram_kB"),
            self.count("ofmap_sram_kB"),
            self.count("bandwidth_words_per_cycle"),
        );
        (layer, array, buffers)
    }
}

fn rows(text: &str) -> Vec<Row> {
    let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).from_reader(text.as_bytes());
    reader.deserialize().map(|row| Row(row.unwrap())).collect()
}

fn golden() -> Vec<Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/accelerator/scalesim.csv.gz");
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    rows(&text)
}

/// Names of the columns in which a row differs from the model.
fn differences(row: &Row) -> Vec<String> {
    let (layer, array, buffers) = row.case();
    let computation = compute(&layer, &array, true).unwrap();
    let (cycles, stalls, utilization, dram, span) = if row.text("mode") == "CALC" {
        let dram = estimate_dram(&layer, &array, &buffers).unwrap();
        (computation.cycles, 0, computation.overall_utilization_percent, dram, computation.sram_span)
    } else {
        let simulation = simulate(&layer, &array, &buffers, true).unwrap();
        let span = simulation.computation.sram_span;
        let utilization = simulation.overall_utilization_percent;
        (simulation.cycles, simulation.stall_cycles, utilization, simulation.dram, span)
    };
    let rates = computation.sram_words_per_cycle(cycles);
    let mut columns = vec![
        ("total_cycles", cycles as f64),
        ("stall_cycles", stalls as f64),
        ("overall_util_pct", utilization),
        ("mapping_eff_pct", computation.mapping_efficiency_percent),
        ("compute_util_pct", computation.compute_utilization_percent),
        ("avg_ifmap_sram_bw", rates.ifmap),
        ("avg_filter_sram_bw", rates.filter),
        ("avg_ofmap_sram_bw", rates.ofmap),
        ("ifmap_sram_reads", computation.sram.ifmap as f64),
        ("filter_sram_reads", computation.sram.filter as f64),
        ("ofmap_sram_writes", computation.sram.ofmap as f64),
        ("ifmap_dram_reads", dram.ifmap.words as f64),
        ("ifmap_dram_start", dram.ifmap.start as f64),
        ("ifmap_dram_stop", dram.ifmap.stop as f64),
        ("filter_dram_reads", dram.filter.words as f64),
        ("filter_dram_start", dram.filter.start as f64),
        ("filter_dram_stop", dram.filter.stop as f64),
        ("ofmap_dram_writes", dram.ofmap.words as f64),
        ("ofmap_dram_start", dram.ofmap.start as f64),
        ("ofmap_dram_stop", dram.ofmap.stop as f64),
        ("avg_ifmap_dram_bw", dram.ifmap.words_per_cycle()),
        ("avg_filter_dram_bw", dram.filter.words_per_cycle()),
        ("avg_ofmap_dram_bw", dram.ofmap.words_per_cycle()),
    ];
    columns.extend([
        ("ifmap_sram_start", span.ifmap.start as f64),
        ("ifmap_sram_stop", span.ifmap.stop as f64),
        ("filter_sram_start", span.filter.start as f64),
        ("filter_sram_stop", span.filter.stop as f64),
        ("ofmap_sram_start", span.ofmap.start as f64),
        ("ofmap_sram_stop", span.ofmap.stop as f64),
    ]);
    columns
        .into_iter()
        .filter_map(|(name, ours)| {
            let theirs = row.number(name);
            let same = (ours - theirs).abs() <= 1e-9 * theirs.abs().max(1.0);
            (!same).then(|| format!("{name}: {ours} instead of {theirs}"))
        })
        .collect()
}

fn assert_equal(rows: &[Row], mode: &str) {
    let rows: Vec<&Row> = rows.iter().filter(|row| row.text("mode") == mode).collect();
    assert!(!rows.is_empty());
    let wrong: Vec<String> = rows
        .iter()
        .filter_map(|row| {
            let wrong = differences(row);
            (!wrong.is_empty()).then(|| format!("{}: {}", row.text("id"), wrong.join(", ")))
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {} {mode} rows differ:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

#[test]
fn every_calc_row_is_equal_in_every_column() {
    assert_equal(&golden(), "CALC");
}

#[test]
fn every_bandwidth_limited_row_is_equal_in_every_column() {
    assert_equal(&golden(), "USER");
}

#[test]
fn the_true_count_of_output_writes_differs_from_compat_only_for_output_stationary() {
    for row in golden() {
        let (layer, array, _) = row.case();
        let right = compute(&layer, &array, false).unwrap();
        let compat = compute(&layer, &array, true).unwrap();
        assert_eq!(right.sram.ofmap == compat.sram.ofmap, array.dataflow != Dataflow::OutputStationary);
        assert_eq!(right.cycles, compat.cycles);
    }
}

/// The six start and stop columns move with the stalls: a kept-back case of the reference.
#[test]
fn sram_times_are_those_of_the_run_with_its_stalls() {
    let layer = Layer {
        ifmap_height: 23,
        ifmap_width: 19,
        filter_height: 5,
        filter_width: 3,
        channels: 7,
        filters: 13,
        stride_height: 1,
        stride_width: 1,
    };
    let array = Array { rows: 64, columns: 16, dataflow: Dataflow::OutputStationary };
    let simulation = simulate(&layer, &array, &Buffers::from_kb(2, 2, 2, 32), true).unwrap();
    let ofmap = simulation.computation.sram_span.ofmap;
    assert_eq!((ofmap.start, ofmap.stop), (139, 6614));
}
