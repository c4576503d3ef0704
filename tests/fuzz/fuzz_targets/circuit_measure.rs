//! The reader of `.measure` cards: any text gives measures or an error, never a panic; what was accepted gives a number or a reason on the
//! results of four analyses.
#![no_main]

use hwgym_circuit::{Circuit, ParseOptions};
use libfuzzer_sys::fuzz_target;

const PRELUDE: &str = "* fuzz
.param p=0.5
v1 in 0 dc 1 ac 1 pulse(0 1 0 1n 1n 5n 20n)
r1 in out 1k
c1 out 0 1p
.op
.dc v1 0 1 0.25
.ac dec 2 1meg 1g
.tran 1n 20n
.noise v(out) v1 dec 1 1meg 1g
";

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if text.len() > 1024 {
        return;
    }
    // Every line is a measure: other cards have their own target.
    let cards: String = text.lines().map(|line| format!(".measure {line}\n")).collect();
    let Ok(circuit) = Circuit::parse(&format!("{PRELUDE}{cards}"), &ParseOptions::default()) else { return };
    if let Ok(results) = circuit.simulate() {
        assert!(results.measures.iter().all(|m| m.value.as_ref().map_or_else(|e| !e.is_empty(), |_| true)));
    }
});
