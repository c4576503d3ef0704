//! The reader of MAESTRO's mapping language: any text gives layers or an error with a place, never a panic; what was accepted is
//! evaluated or refused.
#![no_main]

use hwgym_accelerator::maestro::{Evaluator, Hardware, MappingFile};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(file) = MappingFile::parse("fuzz.m", text) else { return };
    let hardware = Hardware { num_pes: 256, noc_bw: 32, noc_hop_latency: 1, ..Hardware::default() };
    let mut evaluator = Evaluator::new();
    for layer in file.layers.iter().take(8) {
        let once = evaluator.evaluate(&layer.layer, &layer.directives, &hardware, false);
        // What an evaluator remembers does not change its answers.
        let again = Evaluator::new().evaluate(&layer.layer, &layer.directives, &hardware, false);
        assert_eq!(once.map(|result| result.runtime_cycles), again.map(|result| result.runtime_cycles));
    }
});
