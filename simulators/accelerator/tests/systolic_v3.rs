//! The cycles that SCALE-Sim v3 prints first, on its own reference run (`test/general/golden_trace_calc` in its sources).
use hwgym_accelerator::systolic::{Array, Buffers, Dataflow, Layer, estimate_dram};

#[test]
fn cycles_from_the_first_prefetch_to_the_last_write() {
    let layer = Layer {
        ifmap_height: 224,
        ifmap_width: 224,
        filter_height: 11,
        filter_width: 11,
        channels: 3,
        filters: 96,
        stride_height: 4,
        stride_width: 4,
    };
    let array = Array { rows: 32, columns: 32, dataflow: Dataflow::WeightStationary };
    let traffic = estimate_dram(&layer, &array, &Buffers::from_kb(64, 64, 64, 10)).unwrap();
    assert_eq!(traffic.cycles_with_prefetch(), 116_210);
}
