//! Arguments that several commands share.

use std::path::PathBuf;
use std::sync::Arc;

use crate::Registries;
use crate::envs::results::ResultCache;
use crate::envs::{Env, Objective, Options};
use crate::failure::bad_input;

/// An environment with its options.
#[derive(clap::Args, Debug)]
pub struct EnvironmentArgs {
    /// Id of the environment (`hwgym env list` shows them all), or the RON file that describes a program
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

/// A folder of results that several commands and studies share.
#[derive(clap::Args, Debug)]
pub struct CacheFolderArgs {
    /// Look results up in this folder, and keep new ones there; for environments that run another program
    #[arg(long = "cache", value_name = "DIR")]
    pub folder: Option<PathBuf>,
}

impl CacheFolderArgs {
    /// The folder of results, if one is given. Errors: it cannot be made, or holds something else.
    pub fn open(&self) -> anyhow::Result<Option<ResultCache>> {
        let open = |folder: &PathBuf| {
            ResultCache::open(folder)
                .map_err(|error| bad_input(format!("--cache {}: {error}", folder.display())))
        };
        self.folder.as_ref().map(open).transpose()
    }

    /// The environment, answering from the folder where it can.
    pub fn remember(&self, env: Arc<dyn Env>) -> anyhow::Result<Arc<dyn Env>> {
        Ok(match self.open()? {
            Some(cache) => cache.remember(env),
            None => env,
        })
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

/// An objective of an environment: its default, one by name, or one that is written out as in a study, `(name: .., goals: [..])`. Errors: what
/// does not fit its metrics.
pub fn objective(env: &dyn Env, text: Option<&str>) -> anyhow::Result<Objective> {
    let named = env.objectives();
    let found = match text {
        None => named.into_iter().next(),
        Some(text) if text.trim_start().starts_with('(') => Some(Options::ron(text).parse()?),
        Some(name) => {
            let names: Vec<String> = named.iter().map(|objective| objective.name.clone()).collect();
            let found = named.into_iter().find(|objective| objective.name == name);
            Some(found.ok_or_else(|| {
                let hint = crate::envs::suggest::suggestion(name, &names);
                bad_input(format!("no objective is called `{name}`{hint} (known: {})", names.join(", ")))
            })?)
        }
    };
    let objective = found.ok_or_else(|| bad_input("the environment names no objective; give one"))?;
    objective.scorer(env.metrics())?;
    Ok(objective)
}
