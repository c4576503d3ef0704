//! The conformance kit for surrogates: what third parties run on their own.

use hwgym_envs::conformance::Report;
use hwgym_envs::{Options, Random};

use crate::{Estimate, Features, Registry};

/// Checks the promises that [`Surrogate`](crate::Surrogate) makes, on small data of every kind.
pub fn check_surrogate(registry: &Registry, id: &str, seed: u64) -> Report {
    let mut report = Report::default();
    let mut random = Random::derived(seed, "check-surrogate");
    let values = (0..60 * 3).map(|_| random.uniform()).collect();
    let Some((features, flat)) = Features::new(values, 3).zip(Features::new(vec![1.0; 60], 1)) else {
        return report;
    };
    let targets: Vec<f64> = (0..60).map(|row| features.row(row).iter().sum::<f64>().sin()).collect();
    let check = |features: &Features, targets: &[f64]| compare(registry, id, features, targets, seed);
    report.rule("fits, predicts and is deterministic", check(&features, &targets).map(drop));
    report.rule("survives saving and loading", reload(registry, id, &features, &targets, seed));
    report.rule(
        "fits constant targets",
        check(&features, &[2.0; 60]).and_then(|estimates| {
            match estimates.iter().find(|e| (e.mean - 2.0).abs() > 0.1) {
                None => Ok(()),
                Some(estimate) => Err(format!("all targets are 2, but it predicts {}", estimate.mean)),
            }
        }),
    );
    report.rule("fits two rows", check(&features.select(&[0, 1]), &targets[..2]).map(drop));
    report.rule("fits rows that stand twice", {
        let twice: Vec<usize> = (0..40).map(|row| row % 20).collect();
        let doubled: Vec<f64> = twice.iter().map(|row| targets[*row]).collect();
        check(&features.select(&twice), &doubled).map(drop)
    });
    report.rule("fits a constant feature", check(&flat, &targets).map(drop));
    report
}

fn compare(
    registry: &Registry,
    id: &str,
    features: &Features,
    targets: &[f64],
    seed: u64,
) -> Result<Vec<Estimate>, String> {
    let fit = || {
        let surrogate = registry.make(id, &Options::none()).map_err(|e| e.to_string())?;
        surrogate.fit(features, targets, seed).map_err(|e| e.to_string())
    };
    let estimates = fit()?.predict(features);
    if estimates.len() != features.rows() {
        return Err(format!("{} estimates for {} rows", estimates.len(), features.rows()));
    }
    if let Some(bad) = estimates.iter().find(|e| !e.mean.is_finite() || !e.sd.is_finite() || e.sd < 0.0) {
        return Err(format!("an estimate is {bad:?}; mean and sd are finite, sd at least 0"));
    }
    if estimates != fit()?.predict(features) {
        return Err("two fits with one seed differ".into());
    }
    Ok(estimates)
}

fn reload(
    registry: &Registry,
    id: &str,
    features: &Features,
    targets: &[f64],
    seed: u64,
) -> Result<(), String> {
    let run = || {
        let fitted = registry.make(id, &Options::none())?.fit(features, targets, seed)?;
        let text = fitted.save()?.to_string();
        let again = registry.load(id, serde_json::from_str(&text)?)?;
        Ok::<_, crate::SurrogateError>(fitted.predict(features) == again.predict(features))
    };
    match run() {
        Ok(true) => Ok(()),
        Ok(false) => Err("the loaded model predicts other numbers".into()),
        Err(error) => Err(error.to_string()),
    }
}
