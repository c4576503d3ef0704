//! Random search over the sizes of a two-stage amplifier: `random_sizing [EVALUATIONS] [cold|reference|previous] [op|ac|noise|tran|ota]`.

use hwgym_circuit::measure::amplifier::open_loop;
use hwgym_circuit::{Circuit, CircuitError, Prepared, StartPoint, TranSpec, cards};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn prepare(deck: &str, card: &str, parameters: &[&str]) -> Result<Prepared, CircuitError> {
    let (title, rest) = deck.split_once('\n').unwrap_or((deck, ""));
    Prepared::new(&Circuit::parse(&format!("{title}\n{card}\n{rest}"), &Default::default())?, parameters)
}

fn main() -> Result<(), CircuitError> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let count: usize = arguments.first().and_then(|n| n.parse().ok()).unwrap_or(1000);
    let start = match arguments.get(1).map(String::as_str) {
        Some("reference") => StartPoint::Reference,
        Some("previous") => StartPoint::Previous,
        _ => StartPoint::Cold,
    };
    let what = arguments.get(2).map_or("ac", String::as_str);
    let nominal: &[(&str, f64)] = &[
        ("w1", 10e-6),
        ("l1", 0.5e-6),
        ("w3", 10e-6),
        ("l3", 0.5e-6),
        ("w5", 10e-6),
        ("l5", 0.5e-6),
        ("ib", 15e-6),
        ("m6", 12.0),
        ("m7", 6.0),
        ("rz", 1.5e3),
        ("cc", 1.5e-12),
    ];
    let ota = what == "ota";
    let nominal = if ota { &nominal[..7] } else { nominal };
    let names: Vec<&str> = nominal.iter().map(|p| p.0).collect();
    let (deck, card) = match what {
        "tran" => (include_str!("../benches/decks/two_stage_buffer.cir"), cards::BSIM4_BASE),
        "ota" => (include_str!("../benches/decks/ota5t_level1.cir"), cards::LEVEL1),
        _ => (include_str!("../benches/decks/two_stage.cir"), cards::BSIM4_BASE),
    };
    let mut amplifier = prepare(deck, card, &names)?;
    amplifier.set_start(start);
    amplifier.operating_point()?;
    amplifier.keep_reference();
    let out = amplifier.probe("v(out)")?;
    let frequencies: Vec<f64> = (0..=100).map(|i| 10f64.powf(f64::from(i) / 10.0)).collect();
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let (mut best, mut failed, mut points) = (f64::NEG_INFINITY, 0, 0);
    let (mut h, mut wave, mut values) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..count {
        values.clear();
        values.extend(nominal.iter().map(|(_, v)| v * rng.random_range(0.7..1.4)));
        amplifier.set(&values)?;
        if what == "tran" {
            let spec = TranSpec { step: 2e-9, stop: 2.4e-6, start: 0.0, max_step: None, uic: false };
            amplifier.transient(spec, &[out], &mut wave)?;
            points += wave.len() / 2;
            continue;
        }
        if amplifier.operating_point().is_err() {
            failed += 1;
            continue;
        }
        if what == "op" {
            continue;
        }
        amplifier.ac(&frequencies, out, &mut h)?;
        if what == "noise" {
            amplifier.noise(&frequencies[..91], out, "vsig")?;
        }
        best = best.max(open_loop(&frequencies, &h).gain_db);
    }
    println!(
        "best gain {best:.2} dB, {failed} of {count} did not converge, {points} time points, {} Newton iterations",
        amplifier.iterations()
    );
    Ok(())
}
