//! `policy`: a search by a policy that was trained on other instances.
//!
//! The default design is evaluated first; the first proposal of the policy comes after it. Nothing is learned during the search.

use std::path::PathBuf;

use hwgym_envs::{Design, Goal, Random};
use serde::{Deserialize, Serialize};

use super::Instance;
use super::checkpoint::{Checkpoint, CheckpointError, Stored};
use super::design::{DesignPolicy, Rollout};
use super::walk::{WalkPolicy, Walker};
use crate::neural::archive::Row;
use crate::{Agent, AgentEntry, AgentError, Evaluated, Goals, Problem};

/// Hyperparameters of `policy`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PolicySettings {
    /// The file of the policy, made by `hwgym train`.
    pub file: PathBuf,
}

/// A search by a policy over designs.
struct Proposing {
    problem: Problem,
    instance: Instance,
    policy: DesignPolicy,
    rollout: Rollout,
    random: Random,
    /// Proposals not told yet.
    pending: Vec<(Design, Row)>,
    start: Design,
    started: bool,
    broken: Option<String>,
}

impl Agent for Proposing {
    fn ask(&mut self, count: usize) -> Vec<Design> {
        if self.broken.is_some() || count == 0 {
            return Vec::new();
        }
        if !self.started {
            self.started = true;
            return vec![self.start.clone()];
        }
        let mut designs = Vec::new();
        let Self { problem, instance, policy, rollout, random, pending, .. } = self;
        for _ in 0..count {
            let canonical = |design: &Design| instance.canonical(design);
            let Some((drawn, _)) = rollout.propose(policy, &problem.space, &canonical, true, random) else {
                break;
            };
            pending.push((drawn.design.clone(), drawn.row));
            designs.push(drawn.design);
        }
        designs
    }

    fn tell(&mut self, results: &[Evaluated]) {
        for result in results {
            let own = self.pending.iter().position(|(design, _)| *design == result.design);
            let row = match own {
                Some(position) => self.pending.remove(position).1,
                None => Row::of(&self.problem.space, self.policy.heads(), &result.design),
            };
            if own.is_none() {
                self.rollout.note_tried(self.instance.canonical(&result.design));
            }
            self.rollout.note(&row, &result.score);
            if self.rollout.history().is_none() {
                self.broken = Some(
                    "the default design has no metrics or breaks a bound, so that the policy has nothing to begin with; search with `ippo`"
                        .into(),
                );
            }
        }
    }

    fn ended(&self) -> Option<&str> {
        self.broken.as_deref()
    }
}

/// A search by a policy that walks.
struct Walking {
    policy: WalkPolicy,
    walker: Walker,
    random: Random,
    waiting: bool,
    started: bool,
}

impl Agent for Walking {
    /// One design at a time: a step depends on what the last one measured.
    fn ask(&mut self, count: usize) -> Vec<Design> {
        if count == 0 {
            return Vec::new();
        }
        if self.started && !self.waiting {
            self.walker.go(&self.policy, &mut self.random);
        }
        self.started = true;
        self.waiting = true;
        vec![self.walker.design()]
    }

    fn tell(&mut self, results: &[Evaluated]) {
        let here = self.walker.design();
        for result in results.iter().filter(|result| result.design == here) {
            self.walker.note(result.outcome.metrics());
            self.waiting = false;
        }
    }
}

fn unfit(error: CheckpointError) -> AgentError {
    AgentError::unsupported("policy", error.to_string())
}

/// A search for a problem whose instance is known. Errors: a policy for something else.
fn make(checkpoint: &Checkpoint, problem: &Problem, seed: u64) -> Result<Box<dyn Agent>, AgentError> {
    let instance = problem.instance.clone().ok_or_else(|| {
        AgentError::unsupported("policy", "nothing is known of the instance that is searched; give the environment (`Problem::of_instance`)")
    })?;
    let random = Random::derived(seed, "policy");
    let space = &problem.space;
    match &checkpoint.policy {
        Stored::Design { .. } => {
            checkpoint.check_space(instance.env(), space).map_err(unfit)?;
            let objective = checkpoint.objective(instance.objective()).map_err(unfit)?;
            let start = instance.default_design().ok_or_else(|| {
                AgentError::unsupported("policy", "the environment has no default design to begin with")
            })?;
            let features = checkpoint.features(&instance.features()).map_err(unfit)?;
            let policy = checkpoint.design_policy().ok_or_else(|| damaged(checkpoint))?;
            Ok(Box::new(Proposing {
                problem: problem.clone(),
                rollout: Rollout::new(features, objective),
                pending: Vec::new(),
                started: false,
                broken: None,
                instance,
                policy,
                random,
                start,
            }))
        }
        Stored::Walk { .. } => {
            let rules = instance.walk().ok_or_else(|| {
                AgentError::unsupported(
                    "policy",
                    format!("`{}` has no target specifications to walk to", instance.env()),
                )
            })?;
            let targets = match instance.objective().goals.as_slice() {
                [Goal::Targets(targets)] => targets,
                _ => {
                    return Err(AgentError::unsupported(
                        "policy",
                        "a walk needs an objective of targets alone, such as `targets`",
                    ));
                }
            };
            let find = |metric: &String| targets.iter().find(|target| target.metric == *metric);
            let values = rules.specifications.iter().map(|s| Some(find(&s.metric)?.target));
            let values: Vec<f64> = values.collect::<Option<_>>().ok_or_else(|| {
                AgentError::unsupported(
                    "policy",
                    "the objective has no target for some specification of the walk",
                )
            })?;
            let course =
                checkpoint.course(instance.env(), space, instance.metrics(), rules).map_err(unfit)?;
            let policy = checkpoint.walk_policy().ok_or_else(|| damaged(checkpoint))?;
            let walker = Walker::new(course, values);
            Ok(Box::new(Walking { policy, walker, random, waiting: false, started: false }))
        }
    }
}

fn damaged(checkpoint: &Checkpoint) -> AgentError {
    AgentError::unsupported("policy", format!("policy `{}` is damaged", checkpoint.name))
}

pub(crate) fn entry() -> AgentEntry {
    AgentEntry::new(
        "policy",
        "a policy trained on other instances by `hwgym train`: first proposal after one simulation; one goal that it was trained for",
        |options, problem, seed| {
            let settings: PolicySettings = options.parse()?;
            if settings.file.as_os_str().is_empty() {
                return Err(AgentError::unsupported("policy", "no file is given; name one that `hwgym train` made, as `file: \"policy.json\"`"));
            }
            let checkpoint = Checkpoint::load(&options.path(&settings.file)).map_err(unfit)?;
            make(&checkpoint, problem, seed)
        },
    )
    .goals(Goals::One)
    .built_from(|options| {
        let file = options.parse::<PolicySettings>()?.file;
        Ok(if file.as_os_str().is_empty() { Vec::new() } else { vec![options.path(file)] })
    })
    .hyperparameter("file", "\"\"", "a file that `hwgym train` made", "the policy")
}
