//! Workloads drawn at random, for policies that are to serve any.

use crate::Random;

/// The options of an environment with a workload drawn at random: a generator's kind, pace, mix, footprint and skew. `fixed` are further
/// options, such as `requests: 1500`.
pub(super) fn draw(random: &mut Random, fixed: &str) -> String {
    let log_uniform =
        |random: &mut Random, low: f64, high: f64| (low.ln() + random.uniform() * (high / low).ln()).exp();
    let power = |random: &mut Random, low: u32, high: u32| {
        1u64 << (low + random.below((high - low + 1) as usize) as u32)
    };
    let kinds = ["stream", "random", "strided", "mix", "bursty", "pointer-chase", "zipf"];
    let kind = kinds[random.below(kinds.len())];
    let mut settings = vec![format!("seed={}", random.seed() % 1_000_000)];
    let interval = match kind {
        "pointer-chase" => log_uniform(random, 20.0, 120.0),
        _ => log_uniform(random, 2.0, 80.0),
    };
    settings.push(format!("interval={interval:.2}"));
    if random.chance(0.8) {
        settings.push(format!("write-fraction={:.3}", random.between(0.0, 0.6)));
        settings.push(format!("write-run={}", log_uniform(random, 1.0, 20.0).round()));
    } else {
        settings.push("write-fraction=0".into());
    }
    settings.push(format!("footprint-bytes={}", power(random, 16, 28)));
    match kind {
        "strided" => settings.push(format!("stride-bytes={}", power(random, 6, 17))),
        "zipf" => settings.push(format!("exponent={:.3}", random.between(0.5, 1.5))),
        "bursty" => {
            settings.push(format!("burst={}", log_uniform(random, 4.0, 200.0).round()));
            settings.push(format!("idle={}", log_uniform(random, 30.0, 2000.0).round()));
        }
        _ => {}
    }
    let comma = if fixed.is_empty() { "" } else { ", " };
    format!("(workload: \"{kind}:{}\"{comma}{fixed})", settings.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, Registry};

    #[test]
    fn drawn_workloads_are_built_and_seen_as_finite_features() {
        let mut random = Random::new(3);
        let mut seen = std::collections::HashSet::new();
        for _ in 0..30 {
            let options = draw(&mut random, "requests: 200");
            let env = match Registry::builtin().make("dram-controller-v0", &Options::ron(options.clone())) {
                Ok(env) => env,
                Err(error) => panic!("{options}: {error}"),
            };
            let features = env.features();
            assert_eq!(features.len(), 18);
            assert!(features.iter().all(|feature| feature.value.abs() <= 3.0), "{options}: {features:?}");
            let start = env.default_design();
            assert!(start.is_some_and(|start| env.space().validate(&start).is_ok()));
            seen.insert(options);
        }
        assert_eq!(seen.len(), 30);
    }
}
