//! What an episode promises, with one agent or with many.

use std::sync::Arc;

use super::Report;
use crate::wrappers::{Joint, MultiAgent, Sequential, TargetWalk};
use crate::{Design, Env, EnvError, Episode, MultiAgentEpisode, MultiAgentStep, Observation, Random, Step};

/// Steps that a check takes after a reset, at most.
const STEPS: usize = 12;
/// Evaluations after which a check has seen enough.
const EVALUATIONS: usize = 3;

/// Checks an environment as an episode of every kind that it can be played as: joint, sequential, multi-agent, and as a walk where it has
/// rules for one. The goals are those of its default objective.
pub fn check_formulations(env: &Arc<dyn Env>, seed: u64) -> Report {
    let mut report = Report::default();
    let Some(objective) = env.objectives().into_iter().next() else {
        report.rule("there is an objective to play for", Err("the environment names none".into()));
        return report;
    };
    let joint = || Joint::new(env.clone(), &objective).map(boxed);
    let sequential = || Sequential::new(env.clone(), &objective).map(boxed);
    check_named(&mut report, "joint", check_episode(&joint, seed));
    check_named(&mut report, "sequential", check_episode(&sequential, seed));
    let many = || MultiAgent::new(env.clone(), &objective).map(|e| Box::new(e) as Box<dyn MultiAgentEpisode>);
    check_named(&mut report, "multi-agent", check_multi_agent_episode(&many, seed));
    if env.walk().is_some() {
        let walk = || TargetWalk::new(env.clone()).map(boxed);
        check_named(&mut report, "walk", check_episode(&walk, seed));
    }
    report
}

fn boxed(episode: impl Episode + 'static) -> Box<dyn Episode> {
    Box::new(episode)
}

fn check_named(report: &mut Report, name: &str, found: Report) {
    report.passed.extend(found.passed.into_iter().map(|rule| format!("{name}: {rule}")));
    report.failed.extend(found.failed.into_iter().map(|rule| format!("{name}: {rule}")));
}

/// Checks the promises that [`Episode`] makes. `make` builds a fresh one each time; actions are drawn with the seed.
///
/// ```
/// use hwgym_envs::conformance::check_episode;
/// use hwgym_envs::wrappers::Sequential;
/// use hwgym_envs::{Episode, Options, Registry};
///
/// let env = Registry::builtin().make("table-v0", &Options::none())?;
/// let objective = env.objectives().remove(0);
/// let make = || Ok(Box::new(Sequential::new(env.clone(), &objective)?) as Box<dyn Episode>);
/// let report = check_episode(&make, 1);
/// assert!(report.passed(), "{report}");
/// # Ok::<(), hwgym_envs::EnvError>(())
/// ```
pub fn check_episode(make: &dyn Fn() -> Result<Box<dyn Episode>, EnvError>, seed: u64) -> Report {
    check(&|| make().map(Single), seed)
}

/// Checks the promises that [`MultiAgentEpisode`] makes; see [`check_episode`].
pub fn check_multi_agent_episode(
    make: &dyn Fn() -> Result<Box<dyn MultiAgentEpisode>, EnvError>,
    seed: u64,
) -> Report {
    check(&|| make().map(Several), seed)
}

/// An episode of either kind, as a check sees it: one agent is several with one among them.
trait Played {
    type Step: Clone + PartialEq + std::fmt::Debug;

    fn width(&self) -> usize;
    fn bounds(&self) -> Vec<(f64, f64)>;
    fn reset(&mut self, seed: u64) -> Vec<Observation>;
    fn act(&mut self, random: &mut Random) -> Self::Step;
    /// Observations, rewards, whether it ended, whether a design was evaluated.
    fn parts(step: &Self::Step) -> (Vec<&Observation>, Vec<f64>, bool, bool);
}

struct Single(Box<dyn Episode>);

impl Played for Single {
    type Step = Step;

    fn width(&self) -> usize {
        self.0.observation_width()
    }
    fn bounds(&self) -> Vec<(f64, f64)> {
        self.0.observation_bounds()
    }
    fn reset(&mut self, seed: u64) -> Vec<Observation> {
        vec![self.0.reset(seed)]
    }
    fn act(&mut self, random: &mut Random) -> Step {
        let action = self.0.action_space().sample(random);
        self.0.step(&action)
    }
    fn parts(step: &Step) -> (Vec<&Observation>, Vec<f64>, bool, bool) {
        let ended = step.terminated || step.truncated;
        (vec![&step.observation], vec![step.reward], ended, step.evaluated.is_some())
    }
}

struct Several(Box<dyn MultiAgentEpisode>);

impl Played for Several {
    type Step = MultiAgentStep;

    fn width(&self) -> usize {
        self.0.observation_width()
    }
    fn bounds(&self) -> Vec<(f64, f64)> {
        self.0.observation_bounds()
    }
    fn reset(&mut self, seed: u64) -> Vec<Observation> {
        self.0.reset(seed)
    }
    fn act(&mut self, random: &mut Random) -> MultiAgentStep {
        let agents = self.0.agents().len();
        let actions: Vec<Design> =
            (0..agents).map(|agent| self.0.action_space(agent).sample(random)).collect();
        self.0.step(&actions)
    }
    fn parts(step: &MultiAgentStep) -> (Vec<&Observation>, Vec<f64>, bool, bool) {
        let ended = step.terminated || step.truncated;
        (step.observations.iter().collect(), step.rewards.clone(), ended, step.evaluated.is_some())
    }
}

/// What was seen of one episode.
type Rollout<P> = (Vec<Observation>, Vec<<P as Played>::Step>);

fn check<P: Played>(make: &dyn Fn() -> Result<P, EnvError>, seed: u64) -> Report {
    let mut report = Report::default();
    let (mut first, second) = match (make(), make()) {
        (Ok(first), Ok(second)) => (first, second),
        (Err(error), _) | (_, Err(error)) => {
            report.rule("it can be built", Err(error.to_string()));
            return report;
        }
    };
    let rollout = roll_out(&mut first, seed);
    report.rule("observations have their width and stay in their bounds", observations(&first, &rollout));
    report.rule("rewards are finite, one per agent", rewards::<P>(&rollout));
    let again = roll_out(&mut first, seed);
    report.rule("a reset begins the same episode again", same::<P>(&rollout, &again));
    let mut second = second;
    report.rule("another instance plays the same episode", same::<P>(&rollout, &roll_out(&mut second, seed)));
    report.rule("designs are evaluated", {
        let evaluated = rollout.1.iter().any(|step| P::parts(step).3);
        if evaluated || rollout.1.len() == STEPS { Ok(()) } else { Err("it ended without one".into()) }
    });
    report
}

/// Resets, and takes random steps until the episode ends or enough is seen.
fn roll_out<P: Played>(episode: &mut P, seed: u64) -> Rollout<P> {
    let mut random = Random::derived(seed, "check-episode");
    let first = episode.reset(seed);
    let (mut steps, mut evaluations) = (Vec::new(), 0);
    while steps.len() < STEPS && evaluations < EVALUATIONS {
        let step = episode.act(&mut random);
        let (_, _, ended, evaluated) = P::parts(&step);
        evaluations += usize::from(evaluated);
        steps.push(step);
        if ended {
            break;
        }
    }
    (first, steps)
}

fn observations<P: Played>(episode: &P, (first, steps): &Rollout<P>) -> Result<(), String> {
    let bounds = episode.bounds();
    if bounds.len() != episode.width() {
        return Err(format!("{} bounds for {} numbers", bounds.len(), episode.width()));
    }
    for observation in first.iter().chain(steps.iter().flat_map(|step| P::parts(step).0)) {
        if observation.len() != bounds.len() {
            return Err(format!("{} numbers where {} were declared", observation.len(), bounds.len()));
        }
        let outside =
            |(value, (low, high)): &(&f64, &(f64, f64))| !(value.is_finite() && (low..=high).contains(value));
        if let Some((value, (low, high))) = observation.iter().zip(&bounds).find(outside) {
            return Err(format!("{value} is outside of {low} to {high}"));
        }
    }
    Ok(())
}

fn rewards<P: Played>((first, steps): &Rollout<P>) -> Result<(), String> {
    for step in steps {
        let (observations, rewards, ..) = P::parts(step);
        if observations.len() != first.len() || rewards.len() != first.len() {
            return Err(format!("{} rewards for {} agents", rewards.len(), first.len()));
        }
        if let Some(reward) = rewards.iter().find(|reward| !reward.is_finite()) {
            return Err(format!("a reward is {reward}"));
        }
    }
    Ok(())
}

fn same<P: Played>(before: &Rollout<P>, after: &Rollout<P>) -> Result<(), String> {
    if before.0 != after.0 {
        return Err(format!("the first observation was {:?}, then {:?}", before.0, after.0));
    }
    match before.1.iter().zip(&after.1).position(|(a, b)| a != b) {
        Some(step) => Err(format!("step {} was {:?}, then {:?}", step + 1, before.1[step], after.1[step])),
        None if before.1.len() != after.1.len() => Err("one was longer than the other".into()),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DesignSpace, Parameter};

    /// Remembers the last episode, and leaves its bounds.
    struct Forgetful {
        space: DesignSpace,
        steps: f64,
    }

    impl Episode for Forgetful {
        fn observation_width(&self) -> usize {
            1
        }
        fn observation_bounds(&self) -> Vec<(f64, f64)> {
            vec![(0.0, 2.0)]
        }
        fn action_space(&self) -> &DesignSpace {
            &self.space
        }
        fn reset(&mut self, _: u64) -> Observation {
            vec![self.steps]
        }
        fn step(&mut self, _: &Design) -> Step {
            self.steps += 1.0;
            let observation = vec![self.steps];
            Step {
                observation,
                reward: f64::NAN,
                terminated: self.steps >= 3.0,
                truncated: false,
                evaluated: None,
            }
        }
    }

    #[test]
    fn what_breaks_its_promises_is_found() {
        let make = || -> Result<Box<dyn Episode>, EnvError> {
            let space = DesignSpace::new(vec![Parameter::boolean("b")])?;
            Ok(Box::new(Forgetful { space, steps: 0.0 }))
        };
        let report = check_episode(&make, 1);
        for expected in ["3 is outside of 0 to 2", "a reward is NaN", "then [[3.0]]", "ended without one"] {
            assert!(report.failed.iter().any(|rule| rule.contains(expected)), "{expected}: {report}");
        }
    }
}
