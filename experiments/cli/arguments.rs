//! Arguments that several commands share.

use std::sync::Arc;

use crate::Registries;
use crate::envs::{Env, Options};

/// An environment with its options.
#[derive(clap::Args, Debug)]
pub struct EnvironmentArgs {
    /// Id of the environment; `hwgym env list` shows them all
    #[arg(value_name = "ENV")]
    pub id: String,
    /// An option of the environment, such as `device=ddr4_2400_brc`; may be repeated
    #[arg(short, long = "option", value_name = "NAME=VALUE", value_parser = pair)]
    pub options: Vec<(String, String)>,
}

impl EnvironmentArgs {
    /// The options.
    pub fn options(&self) -> Options {
        options(&self.options)
    }

    /// Builds the environment.
    pub fn make(&self, registries: &Registries) -> anyhow::Result<Arc<dyn Env>> {
        Ok(registries.envs().make(&self.id, &self.options())?)
    }
}

/// Options from `NAME=VALUE` pairs.
pub fn options(pairs: &[(String, String)]) -> Options {
    Options::from_pairs(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())))
}

/// Reads `NAME=VALUE`.
pub fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().into(), value.trim().into())),
        _ => Err("expected NAME=VALUE".into()),
    }
}
