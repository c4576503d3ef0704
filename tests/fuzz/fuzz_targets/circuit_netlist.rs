//! The reader of SPICE decks: any text gives a circuit or an error, never a panic; what was accepted can be made ready and solved, or says
//! why not, the same on every try.
#![no_main]

use hwgym_circuit::{Circuit, ParseOptions, Prepared};
use libfuzzer_sys::fuzz_target;

/// Cards that the text may use, so that a mutated line alone gets far.
const PRELUDE: &str = "* fuzz
.param p=2 q={p*3}
.model nm nmos level=1 vto=0.5 kp=1e-4
.model dm d is=1e-14 cjo=1p
.model qm npn is=1e-16 bf=100
.subckt cell a b r=1k
r1 a b {r}
.ends
v9 n9 0 dc 1 ac 1
r9 n9 0 1k
";

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if text.len() > 4096 {
        return;
    }
    let deck = format!("{PRELUDE}{text}\n.op\n");
    let options = ParseOptions::default();
    let Ok(circuit) = Circuit::parse(&deck, &options) else { return };
    let solve = || {
        let mut prepared = Prepared::new(&circuit, &[]).map_err(|error| error.to_string())?;
        prepared.limit(1000, 2.0);
        prepared.operating_point().map_err(|error| error.to_string())?;
        let probe = prepared.probe("v(n9)").map_err(|error| error.to_string())?;
        Ok::<u64, String>(prepared.value(probe).to_bits())
    };
    assert_eq!(solve(), solve(), "the same deck, the same answer");
});
