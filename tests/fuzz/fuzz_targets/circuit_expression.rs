//! The parser of parameter expressions: any text gives a program or an error with a place inside the text, never a panic; a program gives a
//! number, and the same one when its text is in parentheses.
#![no_main]

use hwgym_circuit::netlist::expression::{Op, compile, parse, run};
use libfuzzer_sys::fuzz_target;

fn value(text: &str) -> Option<f64> {
    let tree = parse(text).inspect_err(|error| assert!(error.offset <= text.len(), "{error:?}")).ok()?;
    let double = parse("x+x").expect("a body");
    let function = |name: &str| (name == "double").then(|| (vec!["x".to_string()], double.clone()));
    let mut program = Vec::new();
    compile(&tree, &mut |name| Ok(Op::Push(name.len() as f64)), &function, &mut program).ok()?;
    Some(run(&program, &[]))
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Some(bare) = value(text) else { return };
    // One level more may be one level too deep.
    if let Some(wrapped) = value(&format!("({text})")) {
        assert!(bare.to_bits() == wrapped.to_bits() || bare.is_nan() && wrapped.is_nan(), "{bare} {wrapped}");
    }
});
