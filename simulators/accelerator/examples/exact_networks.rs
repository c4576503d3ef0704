//! Times of the exact mapper over the layers of shipped networks:
//! `cargo run --release -p hwgym-accelerator --example exact_networks -- eyeriss168 edp alexnet vgg16`.
use std::time::Duration;

use hwgym_accelerator::mapper::Goal;
use hwgym_accelerator::mapper::exact::solve;
use hwgym_accelerator::networks::Network;
use hwgym_accelerator::timeloop::{Model, Specification};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().unwrap_or_else(|| "eyeriss168".into());
    let goal = match arguments.next().as_deref() {
        Some("energy") => Goal::Energy,
        Some("delay") => Goal::Delay,
        _ => Goal::Edp,
    };
    let mut networks: Vec<String> = arguments.collect();
    if networks.is_empty() {
        networks = ["alexnet", "vgg16", "resnet18", "mobilenet-v2", "bert-base"].map(String::from).to_vec();
    }
    let base = format!("{}/examples", env!("CARGO_MANIFEST_DIR"));
    let mut files = vec![format!("{base}/{folder}/arch.yaml"), format!("{base}/problems/resnet18_l1.yaml")];
    for constraints in ["bypass.yaml", "row_stationary.yaml"] {
        let path = format!("{base}/{folder}/{constraints}");
        if std::path::Path::new(&path).exists() {
            files.push(path);
        }
    }
    let spec = Specification::from_files(&files)?;
    let mut seconds = Vec::new();
    for name in &networks {
        let start = cpu_seconds();
        let only = std::env::var("ONLY").unwrap_or_default();
        for (problem, _) in Network::builtin(name)?.problems()? {
            let layer = problem.name.clone();
            if !layer.contains(&only) {
                continue;
            }
            let limits = spec.constraints.compile(&spec.architecture, &problem)?;
            let model = Model::new(spec.architecture.clone(), problem)?;
            let begun = cpu_seconds();
            let outcome = solve(&model, &limits, goal, Some(Duration::from_secs(10)))?;
            let took = cpu_seconds() - begun;
            seconds.push(took);
            println!("{name} {layer}: {took:.4} s, {} nodes, gap {:.4}", outcome.nodes, outcome.proof.gap);
        }
        println!("{name}: {:.3} s together", cpu_seconds() - start);
    }
    seconds.sort_by(f64::total_cmp);
    if let (Some(median), Some(worst)) = (seconds.get(seconds.len() / 2), seconds.last()) {
        println!("{folder}: {} layers, median {median:.4} s, worst {worst:.4} s", seconds.len());
    }
    Ok(())
}

/// Seconds this thread has been on a processor, so that a busy machine does not spoil the figures.
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split_whitespace().next().and_then(|ns| ns.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1e9
}
