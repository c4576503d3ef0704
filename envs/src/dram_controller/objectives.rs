//! The named objectives of `dram-controller-v0`.

use crate::objective::{ArchGymTarget, Target};
use crate::{Bound, Goal, Metric, Objective};

/// All of them, the default first. `baseline` holds the metrics of the default controller on this workload.
///
/// Power and latency alone reward a controller that lets requests wait in front of it: it draws little power and counts no latency. The
/// objectives on them therefore bound the total time to 5 % above that of the default controller.
pub(super) fn objectives(metrics: &[Metric], baseline: Option<&[f64]>) -> Vec<Objective> {
    let column = |name: &str| metrics.iter().position(|metric| metric.name == name);
    let baseline = |name: &str| Some(baseline?[column(name)?]);
    let plain = |name: &str, metrics: &[&str]| {
        Objective::new(name, metrics.iter().map(|metric| Goal::Optimise((*metric).into())).collect())
    };
    let in_time = |objective: Objective| match baseline("total_time_ns") {
        Some(time) => objective.with_bounds(vec![Bound::at_most("total_time_ns", 1.05 * time)]),
        None => objective,
    };
    let has_power = column("average_power_mw").is_some();
    let mut list = Vec::new();
    if has_power {
        list.push(in_time(plain("both", &["average_power_mw", "mean_latency_ns"])));
        list.push(in_time(plain("low-power", &["average_power_mw"])));
    }
    list.push(in_time(plain("low-latency", &["mean_latency_ns"])));
    list.push(in_time(plain("low-tail-latency", &["p99_latency_ns"])));
    list.push(plain("low-time", &["total_time_ns"]));
    if has_power {
        list.push(plain("low-energy", &["energy_pj"]));
        list.push(plain("energy-and-time", &["energy_pj", "total_time_ns"]));
        let product = vec!["energy_pj".into(), "total_time_ns".into()];
        list.push(Objective::new("energy-delay-product", vec![Goal::Product(product)]));
    } else {
        list.push(plain("latency-and-time", &["mean_latency_ns", "total_time_ns"]));
    }
    let targets: Vec<Target> = [("mean_latency_ns", 0.9), ("total_time_ns", 1.0), ("energy_pj", 1.0)]
        .into_iter()
        .filter_map(|(metric, factor)| {
            Some(Target { metric: metric.into(), target: factor * baseline(metric)?, tolerance: 0.0 })
        })
        .collect();
    if !targets.is_empty() {
        // A tenth less latency than the default controller, at no more time and energy.
        list.push(Objective::new("targets", vec![Goal::Targets(targets)]));
    }
    if has_power {
        list.extend(archgym());
    }
    list
}

/// ArchGym's own rewards, for comparison with published curves and for nothing else.
///
/// Its defects, which these reproduce: the target of the power is 1 W and that of the "latency" (the total time of the trace) 0.1 s (in its
/// reinforcement-learning class 0.1 ms, `rl`), so rewards compare a design with an arbitrary number; they are singular there (capped at
/// 1000) and fall again beyond it; traces take some 100 us, so the reward of `low-latency` *grows* with time, within 0.4 %, and a slower
/// design is the better one. ArchGym reads a time that its simulator prints in ps as ns, too, which these do not reproduce.
fn archgym() -> Vec<Objective> {
    let power = || ArchGymTarget { metric: "average_power_mw".into(), target: 1.0, scale: 1e-3 };
    let time = |scale| ArchGymTarget { metric: "total_time_ns".into(), target: 0.1, scale };
    let objective = |name: &str, targets| Objective::new(name, vec![Goal::ArchGymTarget(targets)]);
    vec![
        objective("archgym-low-power", vec![power()]),
        objective("archgym-low-latency", vec![time(1e-9)]),
        objective("archgym-both", vec![power(), time(1e-9)]),
        objective("archgym-rl-low-latency", vec![time(1e-6)]),
        objective("archgym-rl-both", vec![power(), time(1e-6)]),
    ]
}
