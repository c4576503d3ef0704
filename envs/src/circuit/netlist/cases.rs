//! The simulations that one design takes: a deck at each condition, with each Monte Carlo sample.

use std::path::Path;

use hwgym_simulators::circuit::{Circuit, ParseOptions, included_files};

use super::options::{NetlistCondition, NetlistOptions};
use crate::{EnvError, Options, Random};

/// One simulation per design: a deck at a condition with the parameters it sets.
pub(super) struct Case {
    pub(super) name: String,
    pub(super) circuit: Circuit,
}

/// The deck with a `.temp` card before its end.
fn at_temperature(text: &str, celsius: Option<f64>) -> String {
    let Some(celsius) = celsius else { return text.to_owned() };
    let mut lines: Vec<&str> = text.lines().collect();
    let end = lines.iter().rposition(|line| line.trim().eq_ignore_ascii_case(".end")).unwrap_or(lines.len());
    let card = format!(".temp {celsius}");
    lines.insert(end, &card);
    lines.join("\n") + "\n"
}

/// One case per condition and Monte Carlo sample.
pub(super) fn cases(
    options: &NetlistOptions,
    text: &str,
    folder: &Path,
    source: &Options,
) -> Result<Vec<Case>, EnvError> {
    let mut conditions = options.conditions.clone();
    if conditions.is_empty() {
        conditions.push(NetlistCondition::default());
    }
    let monte_carlo = &options.monte_carlo;
    if monte_carlo.samples > 0 && monte_carlo.sigmas.is_empty() {
        return Err(EnvError::invalid(
            "monte_carlo",
            "`sigmas` names the parameters to vary; give at least one",
        ));
    }
    let mut cases = Vec::new();
    for condition in &conditions {
        let text = at_temperature(text, condition.temperature_c);
        let parse = ParseOptions {
            allowed_folders: options.allow_include.iter().map(|f| source.folder().join(f)).collect(),
            base_folder: Some(folder.to_path_buf()),
            ..ParseOptions::default()
        };
        source.note(included_files(&text, &parse).map_err(|error| EnvError::Simulator(error.to_string()))?);
        let circuit =
            Circuit::parse(&text, &parse).map_err(|error| EnvError::Simulator(error.to_string()))?;
        let mut random = Random::derived(monte_carlo.seed, "monte-carlo");
        for _ in 0..monte_carlo.samples.max(1) {
            let mut fixed = condition.parameters.clone();
            if monte_carlo.samples > 0 {
                fixed.extend(
                    monte_carlo.sigmas.iter().map(|(name, sigma)| (name.clone(), sigma * random.normal())),
                );
            }
            let mut circuit = circuit.clone();
            for (name, value) in &fixed {
                circuit.set_param(name, *value);
            }
            cases.push(Case { name: condition.name.clone(), circuit });
        }
    }
    Ok(cases)
}
