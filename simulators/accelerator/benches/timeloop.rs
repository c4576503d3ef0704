//! Speed of the loop-nest model and its mappers: complete evaluations, rejected candidates, exact search.
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hwgym_accelerator::mapper::exact::solve;
use hwgym_accelerator::mapper::{Goal, Mapspace, evolutionary};
use hwgym_accelerator::timeloop::{Detail, Model, Nest, Specification};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

fn specification(folder: &str, constraints: &[&str]) -> Specification {
    let base = format!("{}/examples", env!("CARGO_MANIFEST_DIR"));
    let mut files = vec![format!("{base}/{folder}/arch.yaml"), format!("{base}/problems/resnet18_l1.yaml")];
    files.extend(constraints.iter().map(|c| format!("{base}/{folder}/{c}")));
    Specification::from_files(&files).unwrap()
}

fn candidates(model: &Model, spec: &Specification, fit: bool) -> Vec<Nest> {
    let limits = spec.constraints.compile(&spec.architecture, &spec.problem).unwrap();
    let space = Mapspace::new(model, &limits);
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut list = Vec::new();
    while list.len() < 256 {
        if let Some(nest) = space.draw(&mut rng)
            && model.fits(&nest).is_ok() == fit
        {
            list.push(nest);
        }
    }
    list
}

fn evaluations(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("timeloop");
    for folder in ["eyeriss168", "ws256"] {
        let spec = specification(folder, &["bypass.yaml"]);
        let model = spec.model().unwrap();
        let valid = candidates(&model, &spec, true);
        let invalid = candidates(&model, &spec, false);
        group.throughput(Throughput::Elements(256));
        group.bench_function(format!("{folder} evaluate"), |bencher| {
            let mut detail = Detail::default();
            bencher.iter(|| {
                for nest in &valid {
                    let _ = black_box(model.evaluate(black_box(nest), &mut detail));
                }
            });
        });
        group.bench_function(format!("{folder} reject"), |bencher| {
            bencher.iter(|| {
                for nest in &invalid {
                    let _ = black_box(model.fits(black_box(nest)));
                }
            });
        });
    }
    group.finish();
}

fn mappers(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("mapper");
    group.sample_size(10);
    for (folder, constraints) in
        [("eyeriss168", &["bypass.yaml", "row_stationary.yaml"][..]), ("ws256", &["bypass.yaml"][..])]
    {
        let spec = specification(folder, constraints);
        let model = spec.model().unwrap();
        let limits = spec.constraints.compile(&spec.architecture, &spec.problem).unwrap();
        group.bench_function(format!("{folder} exact edp"), |bencher| {
            bencher.iter(|| solve(&model, &limits, Goal::Edp, None));
        });
        let space = Mapspace::new(&model, &limits);
        group.bench_function(format!("{folder} evolutionary 2000"), |bencher| {
            bencher.iter(|| evolutionary(&space, Goal::Edp, 2000, 1));
        });
    }
    group.finish();
}

criterion_group!(benches, evaluations, mappers);
criterion_main!(benches);
