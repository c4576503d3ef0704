//! `hwgym evaluate`: one design of one environment.

use std::process::ExitCode;

use crate::Registries;
use crate::envs::number::significant;
use crate::envs::{Fidelity, Guard, Outcome, Value, evaluate};
use anyhow::Context;
use serde_json::{Map, json};

use crate::arguments::{EnvironmentArgs, pair};
use crate::env::plain_table;

/// Evaluate one design
#[derive(clap::Args)]
pub struct EvaluateArgs {
    #[command(flatten)]
    environment: EnvironmentArgs,
    /// The value of a parameter; may be repeated. Inactive parameters may be left out
    #[arg(short, long = "set", value_name = "NAME=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
    /// Instead of `--set`: draw the design at random with this seed
    #[arg(long, value_name = "SEED", conflicts_with = "set")]
    random: Option<u64>,
    /// Level of fidelity, by name
    #[arg(long)]
    fidelity: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    cache: crate::arguments::CacheFolderArgs,
}

impl EvaluateArgs {
    pub fn run(self, registries: &Registries) -> anyhow::Result<ExitCode> {
        let env = self.cache.remember(self.environment.make(registries)?)?;
        let space = env.space();
        let design = match self.random {
            Some(seed) => space.sample(&mut crate::envs::Random::new(seed)),
            None => space.design(self.set.iter().map(|(name, value)| (name, Value::parse(value))))?,
        };
        let fidelity = match &self.fidelity {
            None => Fidelity::FULL,
            Some(name) => {
                let names: Vec<_> = env.fidelities().into_iter().map(|level| level.name).collect();
                let found = names.iter().position(|known| known == name);
                let level = found.and_then(|i| u8::try_from(i).ok()).with_context(|| {
                    format!(
                        "no level of fidelity is called `{name}`{}",
                        crate::envs::suggest::suggestion(name, &names)
                    )
                });
                Fidelity(crate::failure::BadInput::bad_input(level)?)
            }
        };
        let outcome = evaluate(&env, &design, fidelity, &Guard::UNLIMITED);
        if self.json {
            let mut answer = Map::new();
            answer.insert("env".into(), env.id().into());
            answer.insert("design".into(), json!(space.values(&design).into_iter().collect::<Vec<_>>()));
            let design: Map<String, serde_json::Value> =
                space.values(&design).into_iter().map(|(name, value)| (name, json!(value))).collect();
            answer.insert("design".into(), design.into());
            answer.insert("status".into(), outcome.status().into());
            match &outcome {
                Outcome::Feasible { metrics } => {
                    let metrics: Map<String, serde_json::Value> =
                        env.metrics().iter().zip(metrics).map(|(m, v)| (m.name.clone(), json!(v))).collect();
                    answer.insert("metrics".into(), metrics.into());
                }
                other => {
                    answer.insert("outcome".into(), json!(other));
                }
            }
            println!("{}", serde_json::to_string_pretty(&answer)?);
        } else {
            let mut table = plain_table();
            match &outcome {
                Outcome::Feasible { metrics } => {
                    for (metric, value) in env.metrics().iter().zip(metrics) {
                        table.add_row([metric.name.clone(), significant(*value, 6), metric.unit.clone()]);
                    }
                }
                other => {
                    table.add_row([other.status().to_string(), format!("{other:?}")]);
                }
            }
            println!("{table}");
        }
        Ok(match outcome {
            Outcome::Feasible { .. } | Outcome::Infeasible { .. } => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        })
    }
}
