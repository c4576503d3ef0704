//! `hwgym play`: an environment as a game, one episode step by step.

use std::process::ExitCode;
use std::sync::Arc;

use crate::Registries;
use crate::envs::episode::Evaluated;
use crate::envs::number::significant;
use crate::envs::wrappers::{Joint, MultiAgent, Sequential, TargetWalk, TimeLimit};
use crate::envs::{Design, DesignSpace, Env, Episode, MultiAgentEpisode, Outcome, Player, Policy};
use serde_json::{Map, Value, json};

use crate::arguments::{EnvironmentArgs, objective};
use crate::experiments::store::design_to_json;

/// Play one episode of an environment with a plain policy, and print it step by step
#[derive(clap::Args)]
pub struct PlayArgs {
    #[command(flatten)]
    environment: EnvironmentArgs,
    /// How the environment is played
    #[arg(long, value_enum, default_value_t = Formulation::Joint)]
    formulation: Formulation,
    /// A named objective of the environment; its default if left out. A walk has targets of its own
    #[arg(long)]
    objective: Option<String>,
    /// Who plays: random, persistent or middle
    #[arg(long, default_value = "random")]
    policy: String,
    /// Seed of the episode and of the policy
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Steps after which the episode is cut
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    steps: u64,
    /// Print one JSON object per step
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Formulation {
    /// One action is one whole design
    Joint,
    /// One parameter per step; the last step evaluates the design
    Sequential,
    /// One agent per group of parameters, all at once
    MultiAgent,
    /// Small steps of every parameter towards drawn targets
    Walk,
}

impl PlayArgs {
    pub fn run(self, registries: &Registries) -> anyhow::Result<ExitCode> {
        let env = self.environment.make(registries)?;
        let policy: Policy = self.policy.parse()?;
        let objective = objective(env.as_ref(), self.objective.as_deref())?;
        let limit = usize::try_from(self.steps).unwrap_or(usize::MAX);
        match self.formulation {
            Formulation::Joint => {
                self.single(&env, TimeLimit::new(Joint::new(env.clone(), &objective)?, limit), policy)
            }
            Formulation::Sequential => {
                self.single(&env, TimeLimit::new(Sequential::new(env.clone(), &objective)?, limit), policy);
            }
            Formulation::Walk => {
                self.single(&env, TimeLimit::new(TargetWalk::new(env.clone())?, limit), policy)
            }
            Formulation::MultiAgent => {
                self.several(&env, MultiAgent::new(env.clone(), &objective)?, policy, limit)
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    fn single(&self, env: &Arc<dyn Env>, mut episode: impl Episode, policy: Policy) {
        let mut player = Player::new(policy, self.seed, "agent");
        let mut observation = episode.reset(self.seed);
        let mut reward = None;
        for number in 1.. {
            let space = episode.action_space().clone();
            let action = player.act(&space, reward);
            let step = episode.step(&action);
            self.print(
                env.as_ref(),
                &Played {
                    number,
                    observations: std::slice::from_ref(&observation),
                    actions: &[("agent".into(), &space, action)],
                    rewards: &[step.reward],
                    ended: (step.terminated, step.truncated),
                    evaluated: step.evaluated.as_ref(),
                },
            );
            if step.terminated || step.truncated {
                return;
            }
            (observation, reward) = (step.observation, Some(step.reward));
        }
    }

    fn several(&self, env: &Arc<dyn Env>, mut episode: impl MultiAgentEpisode, policy: Policy, limit: usize) {
        let names = episode.agents();
        let mut players: Vec<Player> =
            names.iter().map(|name| Player::new(policy, self.seed, name)).collect();
        let mut observations = episode.reset(self.seed);
        let mut rewards: Option<Vec<f64>> = None;
        for number in 1..=limit {
            let actions: Vec<Design> = (players.iter_mut().enumerate())
                .map(|(agent, player)| {
                    player.act(episode.action_space(agent), rewards.as_ref().map(|r| r[agent]))
                })
                .collect();
            let step = episode.step(&actions);
            let named: Vec<(String, &DesignSpace, Design)> = (actions.into_iter().enumerate())
                .map(|(agent, action)| (names[agent].clone(), episode.action_space(agent), action))
                .collect();
            self.print(
                env.as_ref(),
                &Played {
                    number,
                    observations: &observations,
                    actions: &named,
                    rewards: &step.rewards,
                    ended: (step.terminated, step.truncated || number == limit),
                    evaluated: step.evaluated.as_ref(),
                },
            );
            if step.terminated || step.truncated {
                return;
            }
            (observations, rewards) = (step.observations, Some(step.rewards));
        }
    }

    fn print(&self, env: &dyn Env, step: &Played) {
        if self.json {
            println!("{}", step.json(env));
        } else {
            print!("{}", step.text(env));
        }
    }
}

/// One step as it is printed.
struct Played<'a> {
    number: usize,
    /// What was seen before it, per agent.
    observations: &'a [Vec<f64>],
    /// Per agent: its name, what it chose from, and what it chose.
    actions: &'a [(String, &'a DesignSpace, Design)],
    rewards: &'a [f64],
    /// Reached its goal, was cut.
    ended: (bool, bool),
    evaluated: Option<&'a Evaluated>,
}

impl Played<'_> {
    fn text(&self, env: &dyn Env) -> String {
        let pairs = |space: &DesignSpace, design: &Design| -> String {
            let pairs = space.values(design).into_iter().map(|(name, value)| format!("{name}={value}"));
            pairs.collect::<Vec<_>>().join(" ")
        };
        let mut text = String::new();
        for ((name, space, action), reward) in self.actions.iter().zip(self.rewards) {
            let agent = if self.actions.len() > 1 { format!(" {name}") } else { String::new() };
            text += &format!(
                "step {}{agent}: {}, reward {}\n",
                self.number,
                pairs(space, action),
                significant(*reward, 6)
            );
        }
        if let Some(evaluated) = self.evaluated {
            let found = match &evaluated.outcome {
                Outcome::Feasible { metrics } => {
                    let values = env
                        .metrics()
                        .iter()
                        .zip(metrics)
                        .map(|(m, v)| format!("{} {}", m.name, significant(*v, 6)));
                    values.collect::<Vec<_>>().join(", ")
                }
                other => serde_json::to_string(other).unwrap_or_default(),
            };
            text += &format!("  {}\n  {found}\n", pairs(env.space(), &evaluated.design));
        }
        match self.ended {
            (true, _) => text += "the goal is reached\n",
            (_, true) => text += "the episode is cut\n",
            _ => {}
        }
        text
    }

    fn json(&self, env: &dyn Env) -> Value {
        let actions: Map<String, Value> = (self.actions.iter())
            .map(|(name, space, action)| (name.clone(), design_to_json(space, action).into()))
            .collect();
        json!({
            "step": self.number,
            "observations": self.observations,
            "actions": actions,
            "rewards": self.rewards,
            "terminated": self.ended.0,
            "truncated": self.ended.1,
            "design": self.evaluated.map(|e| design_to_json(env.space(), &e.design)),
            "outcome": self.evaluated.map(|e| &e.outcome),
        })
    }
}
