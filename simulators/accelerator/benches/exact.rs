//! The exact mapper, EDP: a common layer, the slowest one of Eyeriss and ws256 each, and one with every bypass open.
use criterion::{Criterion, criterion_group, criterion_main};
use hwgym_accelerator::mapper::Goal;
use hwgym_accelerator::mapper::exact::solve;
use hwgym_accelerator::networks::Network;
use hwgym_accelerator::timeloop::{Model, Specification};

fn exact(c: &mut Criterion) {
    let base = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");
    let mut group = c.benchmark_group("exact");
    group.sample_size(10);
    let row_stationary: &[&str] = &["bypass.yaml", "row_stationary.yaml"];
    for (architecture, constraints, network, layer) in [
        ("eyeriss168", row_stationary, "resnet18", "conv2"),
        ("eyeriss168", row_stationary, "mobilenet-v2", "block2_1_depthwise"),
        ("ws256", &["bypass.yaml"], "resnet18", "conv2"),
        ("ws256", &["bypass.yaml"], "vgg16", "conv1_2"),
        ("ws256", &[], "bert-base", "query_key_value"),
    ] {
        let mut files =
            vec![format!("{base}/{architecture}/arch.yaml"), format!("{base}/problems/resnet18_l1.yaml")];
        files.extend(constraints.iter().map(|name| format!("{base}/{architecture}/{name}")));
        let spec = Specification::from_files(&files).expect("an example");
        let problems = Network::builtin(network).and_then(|n| n.problems()).expect("a shipped network");
        let (problem, _) = problems.into_iter().find(|(p, _)| p.name == layer).expect("a layer");
        let limits = spec.constraints.compile(&spec.architecture, &problem).expect("constraints");
        let model = Model::new(spec.architecture, problem).expect("a model");
        let name = format!(
            "{architecture} {network} {layer}{}",
            if constraints.is_empty() { ", bypass open" } else { "" }
        );
        group.bench_function(name, |b| b.iter(|| solve(&model, &limits, Goal::Edp, None)));
    }
    group.finish();
}

criterion_group!(benches, exact);
criterion_main!(benches);
