//! The exact model of systolic arrays against hardware that is built register by register and word by word.
#[path = "oracle/array.rs"]
mod array;
#[path = "oracle/memory.rs"]
mod memory;

use std::collections::HashSet;

use hwgym_accelerator::systolic::{Array, Buffers, Dataflow, Layer, simulate_exact};
use rand::{Rng, RngExt, SeedableRng};

fn random_case(rng: &mut impl Rng) -> (Layer, Array, Buffers) {
    let (filter_height, filter_width) = (rng.random_range(1..4), rng.random_range(1..4));
    let layer = if rng.random_bool(0.3) {
        Layer::matrix_product(rng.random_range(1..14), rng.random_range(1..14), rng.random_range(1..10))
    } else {
        Layer {
            ifmap_height: filter_height + rng.random_range(0..7),
            ifmap_width: filter_width + rng.random_range(0..7),
            filter_height,
            filter_width,
            channels: rng.random_range(1..4),
            filters: rng.random_range(1..8),
            stride_height: rng.random_range(1..4),
            stride_width: rng.random_range(1..4),
        }
    };
    let array = Array {
        rows: rng.random_range(1..7),
        columns: rng.random_range(1..7),
        dataflow: Dataflow::ALL[rng.random_range(0..3)],
    };
    let mut size = || {
        let large = rng.random_bool(0.3);
        rng.random_range(12..if large { 200 } else { 50 })
    };
    let (ifmap_words, filter_words, ofmap_words) = (size(), size(), size());
    let words_per_cycle = rng.random_range(1..8);
    (layer, array, Buffers { ifmap_words, filter_words, ofmap_words, words_per_cycle })
}

fn check(layer: &Layer, array: &Array, buffers: &Buffers) -> memory::Memory {
    let case = format!("{layer:?} {array:?} {buffers:?}");
    let trace = array::run(layer, array);
    let shape = array::Shape::new(layer);
    // The hardware computes the convolution.
    for output in 0..shape.outputs() {
        for filter in 0..layer.filters {
            let expected: i64 = (0..shape.window)
                .map(|place| {
                    array::input_value(shape.input(output, place).address)
                        * array::weight_value(shape.weight(filter, place).address)
                })
                .sum();
            assert_eq!(trace.results[&(filter * shape.outputs() + output)], expected, "{case}");
        }
    }
    let exact = simulate_exact(layer, array, buffers, true).unwrap();
    let dense = layer.filter_height >= layer.stride_height && layer.filter_width >= layer.stride_width;
    let tensor = layer.ifmap_height * layer.ifmap_width * layer.channels;
    let memory = memory::play(&trace, array.dataflow, buffers, dense.then_some(tensor));
    let found = memory::Memory {
        stalls: exact.stall_cycles,
        drain: exact.drain_cycles,
        write_back: exact.write_back_cycles,
        fill: exact.fill_cycles,
        ifmap_words: exact.dram_words.ifmap,
        filter_words: exact.dram_words.filter,
        written_words: exact.dram_words.ofmap,
        read_back_words: exact.dram_partial_sum_reads,
    };
    assert_eq!(found, memory, "{case}");
    assert_eq!(exact.cycles - exact.stall_cycles, trace.cycles, "{case}");
    assert_eq!(exact.macs, trace.macs, "{case}");
    let slots = (array.rows * array.columns) as f64;
    let compute = 100.0 * trace.macs as f64 / (trace.computing as f64 * slots);
    assert!((exact.compute_utilization_percent - compute).abs() < 1e-9, "{case}");
    let overall = 100.0 * trace.macs as f64 / (exact.cycles as f64 * slots);
    assert!((exact.overall_utilization_percent - overall).abs() < 1e-9, "{case}");
    // Counts at the edges of the array.
    let (mut ifmap, mut filter, mut writes, mut added_to) = (0, 0, 0, 0);
    let (mut ifmap_words, mut filter_words) = (HashSet::new(), HashSet::new());
    for line in &trace.lines {
        ifmap += line.ifmap.len() as u64;
        filter += line.filter.len() as u64;
        writes += line.writes.len() as u64;
        added_to += line.writes.iter().filter(|write| trace.folds[write.1].0 > 0).count() as u64;
        ifmap_words.extend(line.ifmap.iter().map(|request| request.address));
        filter_words.extend(line.filter.iter().map(|request| request.address));
    }
    let sums = if array.dataflow == Dataflow::OutputStationary { 0 } else { added_to };
    assert_eq!((exact.sram_words.ifmap, exact.sram_words.filter), (ifmap, filter), "{case}");
    assert_eq!((exact.sram_words.ofmap, exact.partial_sum_reads), (writes, sums), "{case}");
    // What must hold whatever the hardware is.
    assert!(exact.overall_utilization_percent <= exact.compute_utilization_percent + 1e-9, "{case}");
    assert!(exact.compute_utilization_percent <= 100.0 + 1e-9, "{case}");
    assert!((ifmap_words.len() as u64..=ifmap).contains(&exact.dram_words.ifmap), "{case}");
    assert!((filter_words.len() as u64..=filter).contains(&exact.dram_words.filter), "{case}");
    assert!(exact.dram_words.ofmap >= shape.outputs() * layer.filters, "{case}");
    memory
}

#[test]
fn equal_to_the_registers_and_words_on_5000_random_cases() {
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(19);
    let (mut stalled, mut refetched, mut spilled) = (0, 0, 0);
    for _ in 0..5000 {
        let (layer, array, buffers) = random_case(&mut rng);
        let memory = check(&layer, &array, &buffers);
        stalled += u32::from(memory.stalls > 0);
        refetched += u32::from(memory.ifmap_words > layer.ifmap_elements());
        spilled += u32::from(memory.read_back_words > 0);
    }
    assert!(stalled > 1000 && refetched > 300 && spilled > 300, "{stalled} {refetched} {spilled}");
}

/// Many folds that run alike are leapt over.
#[test]
fn long_runs_of_equal_folds_are_equal_to_the_registers_and_words() {
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(20);
    for case in 0..60 {
        let layer =
            Layer::matrix_product(rng.random_range(1..60), rng.random_range(1..40), rng.random_range(1..40));
        let array = Array {
            rows: rng.random_range(1..4),
            columns: rng.random_range(1..4),
            dataflow: Dataflow::ALL[case % 3],
        };
        let mut size = || rng.random_range(8..60);
        let (ifmap_words, filter_words, ofmap_words) = (size(), size(), size());
        let words_per_cycle = rng.random_range(1..6);
        check(&layer, &array, &Buffers { ifmap_words, filter_words, ofmap_words, words_per_cycle });
    }
}
