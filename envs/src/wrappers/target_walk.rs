//! A walk over the grid of designs towards drawn target specifications: AutoCkt's formulation (Settaluri et al., DATE 2020).

use std::sync::Arc;

use super::Core;
use super::course::{Course, View};
use crate::episode::{Episode, Evaluated, Observation, Step};
use crate::objective::Target;
use crate::walk::WalkRules;
use crate::{Design, DesignSpace, Env, EnvError, Goal, Objective, Random};

/// An episode of small steps through the design space, towards targets that the reset draws.
///
/// The action has one parameter per parameter of the space, with the [steps](WalkRules::steps) as its values; indices stop at the ends of
/// their ranges. Every step evaluates the design that it arrives at. The observation is AutoCkt's: for each specification the normalised
/// value `(value - reference) / (|value| + |reference|)`, then for each the normalised target, then the index of each parameter
/// ([`observation_bounds`](Episode::observation_bounds) holds the ranges). The reward is minus the sum of the relative misses
/// `|value - target| / (|value| + |target|)` of the specifications that are not met; from [`success`](WalkRules::success) on it is
/// [`success_reward`](WalkRules::success_reward) and the episode is over. A design without metrics is observed as the worst, and its reward
/// is minus the number of specifications, which is the infimum of the others.
///
/// ```
/// use hwgym_envs::wrappers::TargetWalk;
/// use hwgym_envs::{Design, Episode, Options, Registry};
///
/// let env = Registry::builtin().make("opamp-autockt-v0", &Options::none())?;
/// let mut walk = TargetWalk::new(env)?;
/// assert_eq!(walk.reset(1).len(), 15); // 4 specifications, 4 targets, 7 indices
/// let stay = Design::new(vec![1.0; 7]); // the second of the steps -1, 0, +2
/// let step = walk.step(&stay);
/// assert!((-4.0..0.0).contains(&step.reward) || step.terminated);
/// # Ok::<(), hwgym_envs::EnvError>(())
/// ```
pub struct TargetWalk {
    env: Arc<dyn Env>,
    course: Course,
    view: View,
    /// The target sets that resets choose from; empty where each reset draws its own.
    pool: Vec<Vec<f64>>,
    core: Core,
    indices: Vec<usize>,
    targets: Vec<f64>,
    values: Option<Vec<f64>>,
    taken: usize,
}

impl TargetWalk {
    /// Wraps an environment that has [rules](Env::walk) of its own.
    ///
    /// # Errors
    /// An environment without them: use [`with_rules`](Self::with_rules).
    pub fn new(env: Arc<dyn Env>) -> Result<Self, EnvError> {
        let rules = env.walk().ok_or_else(|| {
            EnvError::Objective(format!(
                "`{}` has no target specifications to walk to; give rules of your own (`TargetWalk::with_rules`)",
                env.id()
            ))
        })?;
        Self::with_rules(env, rules)
    }

    /// Wraps any environment whose parameters are ordered.
    ///
    /// # Errors
    /// Unordered or conditional parameters, unknown metrics, steps and grids that lead nowhere.
    pub fn with_rules(env: Arc<dyn Env>, rules: WalkRules) -> Result<Self, EnvError> {
        let course = Course::new(env.space(), env.metrics(), rules)?;
        let targets = vec![0.0; course.rules().specifications.len()];
        let core = Core::new(env.clone(), &objective(course.rules(), &targets))?;
        Ok(Self {
            indices: course.start().to_vec(),
            view: View::Original,
            pool: Vec::new(),
            values: None,
            taken: 0,
            targets,
            core,
            course,
            env,
        })
    }

    /// The same, observed so.
    pub fn with_view(self, view: View) -> Self {
        Self { view, ..self }
    }

    /// The same with `count` target sets drawn from this seed, one of which every reset chooses: the training set of a study, for example
    /// (the original trains on 50 sets and is judged on 1,000 others).
    pub fn with_target_sets(mut self, seed: u64, count: usize) -> Self {
        let mut random = Random::derived(seed, "target-sets");
        self.pool = (0..count).map(|_| self.draw(&mut random)).collect();
        self
    }

    /// The rules of this walk.
    pub fn rules(&self) -> &WalkRules {
        self.course.rules()
    }

    /// The course that it goes over.
    pub fn course(&self) -> &Course {
        &self.course
    }

    /// The targets of the current episode, in the order of the specifications.
    pub fn targets(&self) -> &[f64] {
        &self.targets
    }

    /// The design that the walk stands at.
    pub fn design(&self) -> Design {
        self.course.design(&self.indices)
    }

    fn draw(&self, random: &mut Random) -> Vec<f64> {
        self.rules().specifications.iter().map(|s| s.draw(random)).collect()
    }

    /// Evaluates the current design and keeps its specified values.
    fn evaluate(&mut self) -> Evaluated {
        let evaluated = self.core.evaluate(self.design());
        self.values = evaluated.outcome.metrics().map(|metrics| self.course.values(metrics));
        evaluated
    }

    fn observe(&self) -> Observation {
        self.course.observe(self.view, self.values.as_deref(), &self.targets, &self.indices, self.taken)
    }
}

/// The targets as an objective: what scores the evaluations that the steps make.
fn objective(rules: &WalkRules, targets: &[f64]) -> Objective {
    let targets = rules
        .specifications
        .iter()
        .zip(targets)
        .map(|(s, target)| Target { metric: s.metric.clone(), target: *target, tolerance: 0.0 })
        .collect();
    Objective::new("targets", vec![Goal::Targets(targets)])
}

impl Episode for TargetWalk {
    fn observation_width(&self) -> usize {
        self.course.width(self.view)
    }

    fn observation_bounds(&self) -> Vec<(f64, f64)> {
        self.course.bounds(self.view)
    }

    fn action_space(&self) -> &DesignSpace {
        self.course.actions()
    }

    fn reset(&mut self, seed: u64) -> Observation {
        let mut random = Random::derived(seed, "targets");
        self.targets = match random.choose(&self.pool) {
            Some(targets) => targets.clone(),
            None => self.draw(&mut random),
        };
        // The metrics are those that `with_rules` has found.
        if let Ok(core) = Core::new(self.env.clone(), &objective(self.rules(), &self.targets)) {
            self.core = core;
        }
        self.indices = self.course.start().to_vec();
        self.taken = 0;
        self.evaluate();
        self.observe()
    }

    fn step(&mut self, action: &Design) -> Step {
        let steps = (0..action.len()).map(|parameter| action.level(parameter));
        self.course.go(&mut self.indices, steps);
        self.taken += 1;
        let evaluated = self.evaluate();
        let reward = self.course.reward(self.values.as_deref(), &self.targets);
        let rules = self.rules();
        let terminated = reward >= rules.success;
        Step {
            observation: self.observe(),
            reward: if terminated { rules.success_reward } else { reward },
            terminated,
            truncated: self.taken >= rules.horizon,
            evaluated: Some(evaluated),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::walk::Specification;
    use crate::{DesignSpace, Fidelity, Metric, Outcome, Parameter};

    /// The gain is the product, the power the sum of two numbers; (0, 0) cannot be measured.
    struct Product {
        space: DesignSpace,
        metrics: Vec<Metric>,
    }

    impl Env for Product {
        fn id(&self) -> &str {
            "product-v0"
        }
        fn space(&self) -> &DesignSpace {
            &self.space
        }
        fn metrics(&self) -> &[Metric] {
            &self.metrics
        }
        fn evaluate(&self, design: &Design, _: Fidelity) -> Outcome {
            let (a, b) = (self.space.number(design, 0), self.space.number(design, 1));
            if a == 0.0 {
                return Outcome::infeasible("a is above 0", 1.0);
            }
            Outcome::feasible([a * b, a + b])
        }
    }

    fn rules(start: &[f64]) -> WalkRules {
        let specification = |metric: &str, low, high, reference| Specification {
            metric: metric.into(),
            low,
            high,
            whole: false,
            reference,
        };
        WalkRules {
            start: Design::new(start),
            steps: vec![-1, 0, 2],
            grid: 11,
            specifications: vec![
                specification("gain", 20.0, 20.0, 10.0),
                specification("power", 9.5, 9.5, 10.0),
            ],
            success: -0.02,
            success_reward: 10.0,
            horizon: 3,
            compat: false,
        }
    }

    fn walk(start: &[f64]) -> TargetWalk {
        let space =
            DesignSpace::new(vec![Parameter::integer("a", 0, 9), Parameter::log_real("b", 0.1, 10.0)])
                .unwrap();
        let metrics = vec![Metric::maximise("gain", "1", "a b"), Metric::minimise("power", "W", "a plus b")];
        TargetWalk::with_rules(Arc::new(Product { space, metrics }), rules(start)).unwrap()
    }

    #[test]
    fn steps_move_indices_and_stop_at_the_ends() {
        let mut walk = walk(&[8.0, 1.0]);
        // gain 8 of 10, power 9 of 10; targets 20 and 9.5; indices 8 and 5 (the middle of a logarithmic range).
        let first = walk.reset(1);
        let expected = [-2.0 / 18.0, -1.0 / 19.0, 10.0 / 30.0, -0.5 / 19.5, 8.0, 5.0];
        assert!(first.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{first:?}");
        // +2 for both: a stops at 9, b is 10^0.4.
        let step = walk.step(&Design::new([2.0, 2.0]));
        assert_eq!(&step.observation[4..], [9.0, 7.0]);
        let (gain, power) = (9.0 * 10f64.powf(0.4), 9.0 + 10f64.powf(0.4));
        assert!((step.evaluated.unwrap().outcome.metrics().unwrap()[0] - gain).abs() < 1e-12);
        // The gain is met; the power is above its target.
        assert!((step.reward + (power - 9.5) / (power + 9.5)).abs() < 1e-12 && !step.terminated);
    }

    #[test]
    fn success_ends_an_episode_with_its_reward_and_the_horizon_cuts_it() {
        let mut near = walk(&[4.0, 4.8]);
        near.reset(1);
        // gain 19.2 misses by 0.8 of 39.2 = 0.0204, more than is forgiven; a step of nothing keeps b off the grid, where it started.
        let step = near.step(&Design::new([1.0, 1.0]));
        assert!(!step.terminated && (step.reward + 0.8 / 39.2).abs() < 1e-12, "{step:?}");
        let mut there = walk(&[4.0, 4.9]);
        there.reset(1);
        let step = there.step(&Design::new([1.0, 1.0]));
        assert!(step.terminated && step.reward == 10.0, "{step:?}");
        let cut: Vec<bool> = (0..2).map(|_| near.step(&Design::new([1.0, 1.0])).truncated).collect();
        assert_eq!(cut, [false, true]);
    }

    #[test]
    fn a_design_without_metrics_is_the_worst() {
        let mut walk = walk(&[1.0, 1.0]);
        walk.reset(1);
        let step = walk.step(&Design::new([0.0, 1.0]));
        assert_eq!(step.reward, -2.0);
        assert_eq!(step.observation[..2], [-1.0, 1.0]);
        assert!(!step.terminated);
    }

    #[test]
    fn observations_stay_in_their_bounds() {
        for view in [View::Original, View::Margins] {
            let mut walk = walk(&[5.0, 1.0]).with_view(view);
            let mut random = Random::new(3);
            for seed in 0..20 {
                let mut observation = walk.reset(seed);
                for _ in 0..6 {
                    assert_eq!(observation.len(), walk.observation_width());
                    for (value, (low, high)) in observation.iter().zip(walk.observation_bounds()) {
                        assert!((low..=high).contains(value), "{value} in {low}..{high}");
                    }
                    observation = walk.step(&walk.action_space().sample(&mut random)).observation;
                }
            }
        }
    }

    #[test]
    fn margins_are_logarithms_of_value_over_target() {
        let mut walk = walk(&[8.0, 1.0]).with_view(View::Margins);
        // gain 8 for a target of 20, power 9 for 9.5; indices 8 of 0 to 9, and 5 of 0 to 10; no step of three taken.
        let seen = walk.reset(1);
        let (gain, power) = ((8.0f64 / 20.0).ln(), (9.0f64 / 9.5).ln());
        let expected = [2.0 * 8.0 / 9.0 - 1.0, 0.0, 2.0 * gain, -1.0, 2.0 * power, 20.0 * power, -1.0];
        let expected = expected.map(|x: f64| x.clamp(-3.0, 3.0));
        for (index, (a, b)) in seen[4..].iter().zip(expected).enumerate() {
            let b = if index == 5 { b.clamp(-1.0, 1.0) } else { b };
            assert!((a - b).abs() < 1e-9, "{index}: {seen:?}");
        }
    }

    #[test]
    fn targets_come_from_a_seed_or_from_a_set() {
        let ranges = |walk: TargetWalk| {
            let mut rules = walk.rules().clone();
            rules.specifications[0] =
                Specification { low: 5.0, high: 8.0, whole: true, ..rules.specifications[0].clone() };
            TargetWalk::with_rules(walk.env.clone(), rules).unwrap()
        };
        let mut free = ranges(walk(&[5.0, 1.0]));
        let mut drawn: Vec<f64> = (0..40)
            .map(|seed| {
                free.reset(seed);
                free.targets()[0]
            })
            .collect();
        free.reset(7);
        assert_eq!(free.targets()[0], drawn[7], "same seed, same targets");
        drawn.sort_by(f64::total_cmp);
        drawn.dedup();
        assert_eq!(drawn, [5.0, 6.0, 7.0, 8.0]);
        let pool = walk(&[5.0, 1.0]);
        let mut rules = pool.rules().clone();
        rules.specifications[1].low = 1.0;
        let mut pool = TargetWalk::with_rules(pool.env.clone(), rules).unwrap().with_target_sets(3, 2);
        let mut powers: Vec<u64> = (0..40)
            .map(|seed| {
                pool.reset(seed);
                pool.targets()[1].to_bits()
            })
            .collect();
        powers.sort_unstable();
        powers.dedup();
        assert_eq!(powers.len(), 2, "two sets, both chosen");
    }

    #[test]
    fn rules_that_lead_nowhere_are_refused() {
        let refused = |change: fn(&mut WalkRules)| {
            let walk = walk(&[5.0, 1.0]);
            let mut rules = walk.rules().clone();
            change(&mut rules);
            TargetWalk::with_rules(walk.env.clone(), rules).err().map(|e| e.to_string()).unwrap_or_default()
        };
        assert!(refused(|r| r.steps = vec![1]).contains("such as [-1, 0, 2]"));
        assert!(refused(|r| r.grid = 1).contains("grid"));
        assert!(refused(|r| r.specifications[0].metric = "gian".into()).contains("gian"));
        assert!(refused(|r| r.start = Design::new([99.0, 1.0])).contains('a'));
    }
}
