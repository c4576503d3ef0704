//! Everything that studies know by name.

use hwgym_envs::EnvError;

/// The environments and agents that a study may name. A value, not a global: a program may add its own.
#[derive(Clone, Default)]
pub struct Registries {
    /// Environments by id.
    pub envs: hwgym_envs::Registry,
    /// Agents by id.
    pub agents: hwgym_agents::Registry,
}

impl Registries {
    /// Every environment of the project, surrogate-backed ones included, and every agent. Errors: two of them share an id.
    pub fn builtin() -> Result<Self, EnvError> {
        let mut envs = hwgym_envs::Registry::builtin();
        hwgym_surrogates::register(&mut envs)?;
        Ok(Self { envs, agents: hwgym_agents::Registry::builtin() })
    }
}
