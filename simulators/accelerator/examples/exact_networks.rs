//! Times and certified gaps of the exact mapper over the layers of shipped networks, in seconds of CPU of all threads together
//! (several threads build the tables where many bypass patterns are open).
//!
//! `cargo run --release -p hwgym-accelerator --example exact_networks -- eyeriss168 edp alexnet vgg16` maps the layers that
//! differ; `all` stands for every shipped network, and none for AlexNet, VGG16, ResNet-18, MobileNetV2 and BERT.
//! `counting=timeloop` takes Timeloop's counts; `bypass=free` leaves the bypass of every level open, `dataflow=free` the loops; `limit=10` is the time limit in seconds;
//! `layer=depthwise` leaves the layers with that in their name.
use std::time::Duration;

use hwgym_accelerator::mapper::Goal;
use hwgym_accelerator::mapper::exact::solve;
use hwgym_accelerator::networks::Network;
use hwgym_accelerator::timeloop::{Counting, Model, Specification};
use hwgym_accelerator::workload::Problem;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (options, names): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|argument| argument.contains('='));
    let mut names = names.into_iter();
    let folder = names.next().unwrap_or_else(|| "eyeriss168".into());
    let goal = match names.next().as_deref() {
        Some("energy") => Goal::Energy,
        Some("delay") => Goal::Delay,
        None | Some("edp") => Goal::Edp,
        Some(other) => return Err(format!("{other} is not energy, delay or edp").into()),
    };
    let option = |name: &str| options.iter().find_map(|o| o.strip_prefix(name)?.strip_prefix('='));
    let limit: f64 = option("limit").unwrap_or("10").parse()?;
    let counting = if option("counting") == Some("timeloop") { Counting::Timeloop } else { Counting::Exact };
    let base = format!("{}/examples", env!("CARGO_MANIFEST_DIR"));
    let mut files = vec![format!("{base}/{folder}/arch.yaml"), format!("{base}/problems/resnet18_l1.yaml")];
    for (what, constraints) in [("bypass", "bypass.yaml"), ("dataflow", "row_stationary.yaml")] {
        let path = format!("{base}/{folder}/{constraints}");
        if option(what) != Some("free") && std::path::Path::new(&path).exists() {
            files.push(path);
        }
    }
    let spec = Specification::from_files(&files)?;
    let mut layers = layers(&names.collect::<Vec<_>>())?;
    layers.retain(|(name, _)| option("layer").is_none_or(|part| name.contains(part)));
    let (mut seconds, mut open) = (Vec::new(), Vec::new());
    for (name, problem) in &layers {
        let limits = spec.constraints.compile(&spec.architecture, problem)?;
        let model = Model::with_counting(spec.architecture.clone(), problem.clone(), counting)?;
        let begun = cpu_seconds();
        let outcome = solve(&model, &limits, goal, Some(Duration::from_secs_f64(limit)))?;
        let took = cpu_seconds() - begun;
        seconds.push(took);
        let gap = outcome.proof.gap;
        println!("{took:.4} s {name}: {} nodes, gap {:.2} %", outcome.nodes, gap * 100.0);
        if !outcome.proof.optimal {
            open.push((gap, name));
        }
    }
    seconds.sort_by(f64::total_cmp);
    if let (Some(median), Some(worst)) = (seconds.get(seconds.len() / 2), seconds.last()) {
        println!("{folder}: {} layers, median {median:.4} s, worst {worst:.4} s", seconds.len());
    }
    open.sort_by(|a, b| b.0.total_cmp(&a.0));
    println!("not proven within {limit} s: {} of {}", open.len(), layers.len());
    for (gap, name) in open {
        println!("  {:.2} % {name}", gap * 100.0);
    }
    Ok(())
}

/// The layers of these networks that differ in more than their name.
fn layers(names: &[String]) -> Result<Vec<(String, Problem)>, Box<dyn std::error::Error>> {
    let five = || ["alexnet", "vgg16", "resnet18", "mobilenet-v2", "bert-base"].map(String::from).to_vec();
    let names = match names {
        [] => five(),
        [all] if all == "all" => Network::names().map(String::from).collect(),
        some => some.to_vec(),
    };
    let mut layers: Vec<(String, Problem)> = Vec::new();
    for name in &names {
        for (problem, _) in Network::builtin(name)?.problems()? {
            let unnamed = |p: &Problem| Problem { name: String::new(), ..p.clone() };
            if !layers.iter().any(|(_, known)| unnamed(known) == unnamed(&problem)) {
                layers.push((format!("{name} {}", problem.name), problem));
            }
        }
    }
    Ok(layers)
}

/// Seconds that all threads of this process together have been on a processor, so that a busy machine does not spoil the figures.
fn cpu_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
