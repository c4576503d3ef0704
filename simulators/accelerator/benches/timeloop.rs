//! Speed of the loop-nest model and its mappers: complete evaluations, rejected candidates, exact search.
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hwgym_accelerator::mapper::exact::solve;
use hwgym_accelerator::mapper::{Goal, Mapspace, evolutionary, random_pruned};
use hwgym_accelerator::timeloop::{Detail, Model, Nest, Specification};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

fn specification(folder: &str, constraints: &[&str]) -> Specification {
    let base = format!("{}/examples", env!("CARGO_MANIFEST_DIR"));
    let mut files = vec![format!("{base}/{folder}/arch.yaml"), format!("{base}/problems/resnet18_l1.yaml")];
    files.extend(constraints.iter().map(|c| format!("{base}/{folder}/{c}")));
    Specification::from_files(&files).unwrap()
}

/// Mappings that fit, or neighbours of such that do not.
fn candidates(model: &Model, space: &Mapspace, fit: bool) -> Vec<Nest> {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut list = Vec::new();
    while list.len() < 256 {
        let Some(mut nest) = space.draw(&mut rng) else { continue };
        if !fit {
            // A random neighbour some steps away mostly does not fit.
            for _ in 0..8 {
                space.mutate(&mut nest, &mut rng);
            }
        }
        if model.fits(&nest).is_ok() == fit {
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
        let limits = spec.constraints.compile(&spec.architecture, &spec.problem).unwrap();
        let space = Mapspace::new(&model, &limits);
        let valid = candidates(&model, &space, true);
        let invalid = candidates(&model, &space, false);
        group.throughput(Throughput::Elements(256));
        group.bench_function(format!("{folder} evaluate"), |bencher| {
            let mut detail = Detail::default();
            bencher.iter(|| {
                for nest in &valid {
                    let _ = black_box(model.evaluate(black_box(nest), &mut detail));
                }
            });
        });
        group.bench_function(format!("{folder} check one that does not fit"), |bencher| {
            bencher.iter(|| {
                for nest in &invalid {
                    let _ = black_box(model.fits(black_box(nest)));
                }
            });
        });
    }
    group.finish();
}

/// Candidates drawn at random and rejected, the drawing included; those that fit are in the time as well, but not in the number.
fn draws(criterion: &mut Criterion) {
    const REJECTED: u64 = 10_000;
    let mut group = criterion.benchmark_group("draw and reject");
    group.throughput(Throughput::Elements(REJECTED));
    for (folder, constraints) in [
        ("eyeriss168", &["bypass.yaml"][..]),
        ("eyeriss168", &["bypass.yaml", "row_stationary.yaml"]),
        ("eyeriss168", &[]),
        ("ws256", &["bypass.yaml"]),
        ("ws256", &[]),
        ("os64", &["bypass.yaml"]),
    ] {
        let spec = specification(folder, constraints);
        let model = spec.model().unwrap();
        let limits = spec.constraints.compile(&spec.architecture, &spec.problem).unwrap();
        let space = Mapspace::new(&model, &limits);
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let fits = (0..100_000).filter(|_| space.draw(&mut rng).is_some()).count();
        let name = format!("{folder} {constraints:?} ({:.2} % fit)", fits as f64 / 1000.0);
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let mut rejected = 0;
                while rejected < REJECTED {
                    rejected += u64::from(black_box(space.draw(&mut rng)).is_none());
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
        // A space of its own each time, whose tables are listed anew.
        group.bench_function(format!("{folder} random 2000"), |bencher| {
            bencher.iter(|| random_pruned(&Mapspace::new(&model, &limits), Goal::Edp, 2000, 1));
        });
        let space = Mapspace::new(&model, &limits);
        group.bench_function(format!("{folder} evolutionary 2000"), |bencher| {
            bencher.iter(|| evolutionary(&space, Goal::Edp, 2000, 1));
        });
    }
    group.finish();
}

criterion_group!(benches, evaluations, draws, mappers);
criterion_main!(benches);
