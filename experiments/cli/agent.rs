//! `hwgym agent`: the agents by name.

use std::process::ExitCode;

use crate::agents::conformance::check_agent;

use crate::Registries;
use crate::env::plain_table;

/// List, show and check agents
#[derive(clap::Args)]
pub struct AgentArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// List all agents
    List,
    /// Show an agent and its hyperparameters
    Show {
        /// Id of the agent
        id: String,
    },
    /// Check that an agent keeps its promises, on small spaces of every kind
    Check {
        /// Id of the agent
        id: String,
        /// Seed of the agent
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
}

impl AgentArgs {
    pub fn run(self, registries: &Registries) -> anyhow::Result<ExitCode> {
        let agents = registries.agents();
        match self.action {
            Action::List => {
                let mut table = plain_table();
                for entry in agents.entries() {
                    table.add_row([&entry.id, &entry.summary]);
                }
                println!("{table}");
            }
            Action::Show { id } => {
                let entry = agents.get(&id)?;
                println!("{}: {}", entry.id, entry.summary);
                println!("Goals: {}", entry.goals);
                let mut table = plain_table();
                for h in &entry.hyperparameters {
                    table.add_row([h.name, h.default, h.range, h.description]);
                }
                println!("\nHyperparameters (name, default, range):\n{table}");
            }
            Action::Check { id, seed } => {
                agents.get(&id)?;
                let report = check_agent(agents, &id, seed);
                print!("{report}");
                return Ok(if report.passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
