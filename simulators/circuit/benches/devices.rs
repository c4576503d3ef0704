//! Cost of one device evaluation and of one re-sizing.

use criterion::{Criterion, criterion_group, criterion_main};
use hwgym_circuit::devices::{Device, Model, ModelCard, Pass, Stamp, Surroundings};

/// The first card of one of our card files.
fn first_card(text: &str) -> ModelCard {
    let joined = text.replace("\n+", " ").replace('=', " = ");
    let line = joined.lines().find(|line| line.starts_with(".model")).unwrap_or_default();
    let words: Vec<&str> = line.split_whitespace().collect();
    let number = |word: &str| {
        let (mantissa, scale) = match word.chars().last() {
            Some('n') => (&word[..word.len() - 1], 1e-9),
            Some('u') => (&word[..word.len() - 1], 1e-6),
            Some('m') => (&word[..word.len() - 1], 1e-3),
            Some('p') => (&word[..word.len() - 1], 1e-12),
            _ => (word, 1.0),
        };
        mantissa.parse::<f64>().unwrap_or(0.0) * scale
    };
    let parameters: Vec<(&str, f64)> = words[3..].chunks(3).map(|c| (c[0], number(c[2]))).collect();
    ModelCard::new(words[1], words[2], &parameters)
}

fn benches(c: &mut Criterion) {
    let surroundings = Surroundings::default();
    let sizes = [("w".to_owned(), 5e-6), ("l".to_owned(), 0.3e-6)];
    for (name, text) in
        [("bsim4 base", hwgym_circuit::cards::BSIM4_BASE), ("bsim4 full", hwgym_circuit::cards::BSIM4_FULL)]
    {
        let Ok((model, _)) = Model::from_card(&first_card(text), 300.15) else { continue };
        let Ok(mut device) = Device::new("m1", &model, &sizes, &surroundings) else { continue };
        let n = device.node_count();
        let mut v = vec![0.0; n];
        (v[0], v[1]) = (0.9, 0.7);
        let mut stamp = Stamp::default();
        let mut step = 0.0;
        for charges in [false, true] {
            let what = if charges { "with charges" } else { "static" };
            c.bench_function(&format!("{name}, {what}"), |b| {
                b.iter(|| {
                    step = if step > 0.5 { 0.0 } else { step + 1e-4 };
                    v[1] = 0.4 + step;
                    device.evaluate(&v, Pass::Free, charges, &mut stamp);
                    stamp.i[0]
                });
            });
        }
        let width = device.parameter_index("w").unwrap_or(0);
        let mut w = 5e-6;
        c.bench_function(&format!("{name}, re-sizing"), |b| {
            b.iter(|| {
                w = if w > 6e-6 { 5e-6 } else { w + 1e-9 };
                device.set_parameter(width, w);
                device.update(&surroundings)
            });
        });
    }
}

criterion_group!(all, benches);
criterion_main!(all);
