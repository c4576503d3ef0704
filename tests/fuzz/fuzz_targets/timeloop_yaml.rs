//! The reader of Timeloop's YAML: any text gives a specification or an error with a place, never a panic; what was accepted can
//! be evaluated.
#![no_main]

use hwgym_accelerator::timeloop::Specification;
use libfuzzer_sys::fuzz_target;

/// Sections that the text may leave out, so that a mutated file alone gets far.
const PROBLEM: &str = "problem:
  instance: {C: 4, M: 2, P: 3}
  shape:
    name: gemm
    dimensions: [C, M, P]
    data_spaces:
    - {name: Weights, projection: [[[C]], [[M]]]}
    - {name: Inputs, projection: [[[C]], [[P]]]}
    - {name: Outputs, projection: [[[M]], [[P]]], read_write: true}
";
const ARCHITECTURE: &str = "architecture:
  version: 0.3
  subtree:
  - name: system
    local:
    - {name: DRAM, class: DRAM, attributes: {width: 64, word_bits: 16}}
    - {name: buf, class: SRAM, attributes: {width: 16, word_bits: 16, depth: 64}}
    - {name: 'mac[0..3]', class: intmac, attributes: {datawidth: 16, meshX: 4}}
";

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    // Sections of later files replace those of earlier ones.
    let texts = [("problem.yaml", PROBLEM), ("architecture.yaml", ARCHITECTURE), ("fuzz.yaml", text)];
    let Ok(specification) = Specification::from_texts(&texts) else { return };
    let Ok(model) = specification.model() else { return };
    if let Some(nest) = specification.mapping {
        let report = model.report(&nest).expect("a mapping that was read is complete");
        assert!(report.energy_pj >= 0.0);
    }
});
