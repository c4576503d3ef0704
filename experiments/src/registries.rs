//! Everything that studies and commands know by name.

use hwgym_agents::AgentEntry;
use hwgym_envs::catalogue::CatalogueError;
use hwgym_envs::{EnvEntry, EnvError};
use hwgym_surrogates::SurrogateEntry;

/// The environments, agents and surrogates that a study or a command may name. A value, not a global: a program adds its own.
#[derive(Clone)]
pub struct Registries {
    pub(crate) envs: hwgym_envs::Registry,
    pub(crate) agents: hwgym_agents::Registry,
    surrogates: hwgym_surrogates::Registry,
}

impl Registries {
    /// Every environment of the project, surrogate-backed ones included, every agent and every surrogate. Errors: two of them share an id.
    pub fn builtin() -> Result<Self, EnvError> {
        let mut registries = Self {
            envs: hwgym_envs::Registry::builtin(),
            agents: hwgym_agents::Registry::builtin(),
            surrogates: hwgym_surrogates::Registry::builtin(),
        };
        registries.connect()?;
        Ok(registries)
    }

    /// Environments by id.
    pub fn envs(&self) -> &hwgym_envs::Registry {
        &self.envs
    }

    /// Agents by id.
    pub fn agents(&self) -> &hwgym_agents::Registry {
        &self.agents
    }

    /// Surrogates by id.
    pub fn surrogates(&self) -> &hwgym_surrogates::Registry {
        &self.surrogates
    }

    /// Adds an environment. Errors: the id is taken.
    pub fn add_env(&mut self, entry: EnvEntry) -> Result<(), CatalogueError> {
        self.envs.add(entry)?;
        self.connect()
    }

    /// Adds an agent. Errors: the id is taken.
    pub fn add_agent(&mut self, entry: AgentEntry) -> Result<(), CatalogueError> {
        self.agents.add(entry)
    }

    /// Adds a surrogate. Errors: the id is taken.
    pub fn add_surrogate(&mut self, entry: SurrogateEntry) -> Result<(), CatalogueError> {
        self.surrogates.add(entry)?;
        self.connect()
    }

    /// Makes the environment that saved surrogates answer anew, so that it knows every surrogate, and every environment that one may imitate.
    fn connect(&mut self) -> Result<(), CatalogueError> {
        self.envs.remove(hwgym_surrogates::surrogate_env::ID);
        hwgym_surrogates::register(&mut self.envs, &self.surrogates)
    }
}
