//! Whole evaluations of amplifiers, one thread, new sizes each time: what the sizing environments pay.

use criterion::{Criterion, criterion_group, criterion_main};
use hwgym_circuit::{Circuit, Prepared, Probe, StartPoint, TranSpec, cards};
use std::hint::black_box;

fn prepare(deck: &str, card: &str, parameters: &[&str]) -> (Prepared, Probe) {
    let (title, rest) = deck.split_once('\n').expect("title");
    let circuit = Circuit::parse(&format!("{title}\n{card}\n{rest}"), &Default::default()).expect("deck");
    let mut prepared = Prepared::new(&circuit, parameters).expect("circuit");
    prepared.operating_point().expect("operating point");
    prepared.keep_reference();
    let out = prepared.probe("v(out)").expect("node");
    (prepared, out)
}

/// Sizes that wander by up to 30 % around the nominal ones.
fn sizes(k: usize) -> [f64; 7] {
    let vary = |i: usize| 1.0 + 0.3 * ((k * (i + 3)) as f64 * 0.7).sin();
    [
        10e-6 * vary(0),
        0.5e-6 * vary(1),
        10e-6 * vary(2),
        0.5e-6 * vary(3),
        10e-6 * vary(4),
        0.5e-6 * vary(5),
        15e-6 * vary(6),
    ]
}

const NAMES: [&str; 7] = ["w1", "l1", "w3", "l3", "w5", "l5", "ib"];

fn benches(c: &mut Criterion) {
    let frequencies: Vec<f64> = (0..=100).map(|i| 10f64.powf(f64::from(i) / 10.0)).collect();
    let cases = [
        ("two-stage, 8 BSIM4", include_str!("decks/two_stage.cir"), cards::BSIM4_BASE),
        ("five-transistor, level 1", include_str!("decks/ota5t_level1.cir"), cards::LEVEL1),
    ];
    for (name, deck, card) in cases {
        for start in [StartPoint::Cold, StartPoint::Reference] {
            let (mut circuit, out) = prepare(deck, card, &NAMES);
            circuit.set_start(start);
            let mut h = Vec::new();
            let mut k = 0;
            c.bench_function(&format!("{name}: op + 101-point ac, {start:?}"), |b| {
                b.iter(|| {
                    k += 1;
                    circuit.set(&sizes(k)).expect("sizes");
                    circuit.operating_point().expect("op");
                    circuit.ac(&frequencies, out, &mut h).expect("ac");
                    black_box(h.last().copied())
                });
            });
            if card == cards::BSIM4_BASE {
                c.bench_function(&format!("{name}: op + ac + 91-point noise, {start:?}"), |b| {
                    b.iter(|| {
                        k += 1;
                        circuit.set(&sizes(k)).expect("sizes");
                        circuit.operating_point().expect("op");
                        circuit.ac(&frequencies, out, &mut h).expect("ac");
                        black_box(circuit.noise(&frequencies[..91], out, "vsig").expect("noise"))
                    });
                });
            }
        }
    }
    let (mut circuit, out) = prepare(include_str!("decks/two_stage_buffer.cir"), cards::BSIM4_BASE, &NAMES);
    let mut wave = Vec::new();
    let mut k = 0;
    c.bench_function("two-stage, 8 BSIM4: 1000-point transient", |b| {
        b.iter(|| {
            k += 1;
            circuit.set(&sizes(k)).expect("sizes");
            let spec = TranSpec { step: 2e-9, stop: 2e-6, start: 0.0, max_step: None, uic: false };
            circuit.transient(spec, &[out], &mut wave).expect("transient");
            black_box(wave.len())
        });
    });
}

criterion_group!(group, benches);
criterion_main!(group);
