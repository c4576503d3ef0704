//! Objectives: from an outcome to rewards. Rewards are always "higher is better" and finite.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::number::significant;
use crate::suggest::suggestion;
use crate::{Design, DesignSpace, Direction, EnvError, Metric, Outcome};

/// The amount of violation that stands for "no metrics at all": a simulator that broke or ran out of time.
const NO_METRICS: f64 = 1e9;

/// What a search is after: one or several goals, under bounds on metrics.
///
/// One goal makes a scalar search; several are kept apart (Pareto). In RON:
/// `(name: "frugal", goals: [Minimise("energy_pj")], bounds: [(metric: "total_time_ns", at_most: Some(1e5))])`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Objective {
    /// Its name in reports.
    pub name: String,
    /// The goals, at least one.
    pub goals: Vec<Goal>,
    /// Bounds on metrics that a design must keep to count as a solution.
    #[serde(default)]
    pub bounds: Vec<Bound>,
    /// The reference point of the hypervolume: one value per goal, in the goal's own units (those of its metric); empty if none is given.
    #[serde(default)]
    pub reference: Vec<f64>,
}

/// One thing to be optimised.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Goal {
    /// The metric, in its own direction.
    Optimise(String),
    /// The metric, smaller is better.
    Minimise(String),
    /// The metric, larger is better.
    Maximise(String),
    /// Sum of weight times metric, smaller is better; a negative weight rewards a larger value.
    WeightedSum(Vec<(String, f64)>),
    /// Product of the metrics, smaller is better (an energy-delay product, for example).
    Product(Vec<String>),
    /// How many times better than a target: target / value where less is better, value / target where more is.
    Ratio {
        /// The metric.
        metric: String,
        /// Its target, above 0.
        target: f64,
    },
    /// Target specifications: 0 when all are met, and the episode is done; below that, minus the sum of the relative misses
    /// `|value - target| / (|value| + |target|)`, as in AutoCkt (DATE 2020).
    Targets(Vec<Target>),
    /// ArchGym's reward: the product over the targets of `target / |scale * value - target|`, capped at 1000.
    ///
    /// It is here to reproduce published curves, with its defects: it is singular at the target, where the value is far below the target
    /// it falls as the value improves, and the result depends on the unit that `scale` picks.
    ArchGymTarget(Vec<ArchGymTarget>),
}

/// A target of [`Goal::Targets`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// The metric; its direction says which side of the target is good.
    pub metric: String,
    /// The value to reach.
    pub target: f64,
    /// Relative slack within which the target counts as met.
    #[serde(default)]
    pub tolerance: f64,
}

/// A target of [`Goal::ArchGymTarget`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchGymTarget {
    /// The metric.
    pub metric: String,
    /// The target, in ArchGym's unit.
    pub target: f64,
    /// Factor from this project's unit to ArchGym's.
    pub scale: f64,
}

/// A bound on a metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bound {
    /// The metric.
    pub metric: String,
    /// Largest allowed value, if there is one.
    #[serde(default)]
    pub at_most: Option<f64>,
    /// Smallest allowed value, if there is one.
    #[serde(default)]
    pub at_least: Option<f64>,
}

impl Bound {
    /// `metric <= limit`.
    pub fn at_most(metric: &str, limit: f64) -> Self {
        Self { metric: metric.into(), at_most: Some(limit), at_least: None }
    }

    /// `metric >= limit`.
    pub fn at_least(metric: &str, limit: f64) -> Self {
        Self { metric: metric.into(), at_most: None, at_least: Some(limit) }
    }
}

impl Objective {
    /// An objective without bounds.
    pub fn new(name: impl Into<String>, goals: Vec<Goal>) -> Self {
        Self { name: name.into(), goals, bounds: Vec::new(), reference: Vec::new() }
    }

    /// The same with these bounds.
    pub fn with_bounds(mut self, bounds: Vec<Bound>) -> Self {
        self.bounds = bounds;
        self
    }

    /// The same with this reference point: see [`reference`](Self::reference).
    pub fn with_reference(mut self, reference: Vec<f64>) -> Self {
        self.reference = reference;
        self
    }

    /// The objective in words, such as `minimise energy_pj and mean_latency_ns, where total_time_ns is at most 91.35e3 ns`. The directions and
    /// units are those of these metrics.
    pub fn describe(&self, metrics: &[Metric]) -> String {
        let goals: Vec<String> = self.goals.iter().map(|goal| goal.describe(metrics)).collect();
        let bounds = self.bounds_in_words(metrics);
        if bounds.is_empty() {
            goals.join(" and ")
        } else {
            format!("{}, where {bounds}", goals.join(" and "))
        }
    }

    /// The bounds in words; empty if there are none.
    pub fn bounds_in_words(&self, metrics: &[Metric]) -> String {
        let bounds = self.bounds.iter().map(|bound| {
            let limit =
                |word: &str, limit: f64| format!("{word} {}", with_unit(&bound.metric, limit, metrics));
            let limits =
                [bound.at_least.map(|l| limit("at least", l)), bound.at_most.map(|l| limit("at most", l))];
            let limits: Vec<String> = limits.into_iter().flatten().collect();
            format!("{} is {}", bound.metric, limits.join(" and "))
        });
        bounds.collect::<Vec<_>>().join(", ")
    }

    /// Resolves the names against an environment's metrics. Errors: unknown metrics, no goal, targets that make no sense.
    pub fn scorer(&self, metrics: &[Metric]) -> Result<Scorer, EnvError> {
        if self.goals.is_empty() {
            return Err(EnvError::Objective(format!("`{}` has no goal; give at least one", self.name)));
        }
        let goals: Vec<Resolved> =
            self.goals.iter().map(|goal| Resolved::new(goal, metrics)).collect::<Result<_, _>>()?;
        let mut bounds = Vec::new();
        for bound in &self.bounds {
            let (index, _) = find(&bound.metric, metrics)?;
            if bound.at_most.is_none() && bound.at_least.is_none() {
                return Err(EnvError::Objective(format!(
                    "the bound on `{}` gives neither `at_most` nor `at_least`",
                    bound.metric
                )));
            }
            bounds.extend(bound.at_most.map(|limit| (index, 1.0, limit)));
            bounds.extend(bound.at_least.map(|limit| (index, -1.0, -limit)));
        }
        if !self.reference.is_empty() && self.reference.len() != self.goals.len() {
            return Err(EnvError::Objective(format!(
                "the reference point of `{}` has {} values for {} goals; give one per goal",
                self.name,
                self.reference.len(),
                self.goals.len()
            )));
        }
        let reference = goals.iter().zip(&self.reference).map(|(goal, value)| goal.sign() * value).collect();
        let targets = goals.iter().flat_map(Resolved::targets).copied().collect();
        let names = metrics.iter().map(|metric| metric.name.clone()).collect();
        Ok(Scorer { names, goals, bounds, targets, reference })
    }
}

impl Goal {
    /// The goal in words.
    fn describe(&self, metrics: &[Metric]) -> String {
        let direction = |name: &str| metrics.iter().find(|metric| metric.name == name).map(|m| m.direction);
        let maximise = |name: &str| direction(name) == Some(Direction::Maximise);
        match self {
            Self::Optimise(name) if maximise(name) => format!("maximise {name}"),
            Self::Optimise(name) | Self::Minimise(name) => format!("minimise {name}"),
            Self::Maximise(name) => format!("maximise {name}"),
            Self::WeightedSum(terms) => {
                let terms: Vec<_> = terms.iter().map(|(name, weight)| format!("{weight} × {name}")).collect();
                format!("minimise {}", terms.join(" + "))
            }
            Self::Product(names) => format!("minimise {}", names.join(" × ")),
            Self::Ratio { metric, target } => {
                format!(
                    "maximise how many times better {metric} is than {}",
                    with_unit(metric, *target, metrics)
                )
            }
            Self::Targets(targets) => {
                let targets = targets.iter().map(|target| {
                    let side = if maximise(&target.metric) { "at least" } else { "at most" };
                    format!("{} {side} {}", target.metric, with_unit(&target.metric, target.target, metrics))
                });
                format!("reach {}", targets.collect::<Vec<_>>().join(", "))
            }
            Self::ArchGymTarget(targets) => {
                let targets = targets.iter().map(|target| {
                    format!(
                        "{} × {} near {}",
                        significant(target.scale, 4),
                        target.metric,
                        significant(target.target, 4)
                    )
                });
                format!("maximise ArchGym's reward for {}", targets.collect::<Vec<_>>().join(", "))
            }
        }
    }
}

/// A value with the unit of its metric.
fn with_unit(name: &str, value: f64, metrics: &[Metric]) -> String {
    let unit = metrics.iter().find(|metric| metric.name == name).map_or("1", |metric| metric.unit.as_str());
    let value = significant(value, 4);
    if unit == "1" { value } else { format!("{value} {unit}") }
}

/// An [`Objective`] resolved against the metrics of an environment.
#[derive(Clone, Debug)]
pub struct Scorer {
    /// Of all metrics.
    names: Vec<String>,
    goals: Vec<Resolved>,
    /// Metric, sign, limit: `sign * value <= limit`.
    bounds: Vec<(usize, f64, f64)>,
    /// Those of all goals [`Goal::Targets`].
    targets: Vec<Specified>,
    reference: Vec<f64>,
}

/// A limit on a metric: a bound, or a target with its tolerance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit {
    /// The place of the metric among the environment's.
    pub metric: usize,
    /// 1 for a metric that is to be at most [`value`](Self::value), -1 for one that is to be at least that.
    pub sign: f64,
    /// The limit, in the metric's unit.
    pub value: f64,
}

/// A target, resolved.
#[derive(Clone, Copy, Debug)]
struct Specified {
    metric: usize,
    direction: Direction,
    target: f64,
    tolerance: f64,
}

impl Specified {
    /// By how much the target is missed, in the metric's unit; the tolerance not taken off. Not above 0 on the good side.
    fn miss(&self, metrics: &[f64]) -> f64 {
        match self.direction {
            Direction::Minimise => metrics[self.metric] - self.target,
            Direction::Maximise => self.target - metrics[self.metric],
        }
    }

    /// At most 0 where the target counts as met, otherwise by how much it is missed, relative to it.
    fn slack(&self, metrics: &[f64]) -> f64 {
        let scale = if self.target == 0.0 { 1.0 } else { self.target.abs() };
        (self.miss(metrics) - self.tolerance * self.target.abs()) / scale
    }
}

/// What an agent learns of one evaluation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// One per goal, higher is better, finite. Empty where the outcome has no metrics.
    pub rewards: Vec<f64>,
    /// One per bound, then one per target of [`Goal::Targets`]: at most 0 where it is kept, otherwise by how much it is missed, relative to
    /// its limit (for a limit of 0: in the metric's unit). Empty where the outcome has no metrics.
    pub slacks: Vec<f64>,
    /// Sum of everything that is broken, each relative to its limit: 0 for a solution. A missed target breaks nothing: it is in the reward.
    pub violation: f64,
    /// True when every target specification is met.
    pub done: bool,
}

impl Score {
    /// True for a design that was measured and keeps every bound.
    pub fn is_feasible(&self) -> bool {
        self.violation == 0.0 && !self.rewards.is_empty()
    }

    /// The reward of a task with one goal; `None` without metrics. With several goals it is their sum, which mixes units: agents that
    /// serve several goals look at [`rewards`](Self::rewards) or at [`dominates`](Self::dominates).
    pub fn reward(&self) -> Option<f64> {
        (!self.rewards.is_empty()).then(|| self.rewards.iter().sum())
    }

    /// True for a design that was measured, keeps every bound and meets every target.
    pub fn is_met(&self) -> bool {
        self.is_feasible() && self.slacks.iter().all(|slack| *slack <= 0.0)
    }

    /// Deb's rules: feasible beats infeasible, a smaller violation beats a larger one, a higher reward beats a lower one.
    /// `Greater` means `self` is better.
    pub fn compare(&self, other: &Self) -> Ordering {
        other.violation.total_cmp(&self.violation).then_with(|| {
            let worst = f64::NEG_INFINITY;
            self.reward().unwrap_or(worst).total_cmp(&other.reward().unwrap_or(worst))
        })
    }

    /// Pareto dominance under Deb's rules: at least as good in every goal and better in one.
    pub fn dominates(&self, other: &Self) -> bool {
        match (self.is_feasible(), other.is_feasible()) {
            (true, false) => true,
            (false, true) => false,
            (false, false) => self.violation < other.violation,
            (true, true) => {
                let pairs = || self.rewards.iter().zip(&other.rewards);
                pairs().all(|(a, b)| a >= b) && pairs().any(|(a, b)| a > b)
            }
        }
    }
}

impl Scorer {
    /// Number of goals.
    pub fn goal_count(&self) -> usize {
        self.goals.len()
    }

    /// Number of bounds, a two-sided one counted twice.
    pub fn bound_count(&self) -> usize {
        self.bounds.len()
    }

    /// Number of targets of all goals [`Goal::Targets`]: in [`Score::slacks`] they come after the bounds.
    pub fn target_count(&self) -> usize {
        self.targets.len()
    }

    /// The names of the environment's metrics, in the order in which outcomes list them.
    pub fn metric_names(&self) -> &[String] {
        &self.names
    }

    /// What is behind each of [`Score::slacks`].
    pub fn limits(&self) -> Vec<Limit> {
        let bounds = self.bounds.iter().map(|(metric, sign, limit)| Limit {
            metric: *metric,
            sign: *sign,
            value: sign * limit,
        });
        let targets = self.targets.iter().map(|t| {
            let sign = if t.direction == Direction::Minimise { 1.0 } else { -1.0 };
            Limit { metric: t.metric, sign, value: t.target + sign * t.tolerance * t.target.abs() }
        });
        bounds.chain(targets).collect()
    }

    /// Per goal: the metric that it is, and its reward's factor; `None` for a goal that is made of several or of a target.
    pub fn goal_metrics(&self) -> Vec<Option<(usize, f64)>> {
        let metric = |goal: &Resolved| match goal {
            Resolved::Linear(terms) if terms.len() == 1 => Some(terms[0]),
            _ => None,
        };
        self.goals.iter().map(metric).collect()
    }

    /// The reference point as rewards, one per goal; empty if the objective gives none.
    pub fn reference(&self) -> &[f64] {
        &self.reference
    }

    /// The score of an outcome.
    pub fn score(&self, outcome: &Outcome) -> Score {
        let metrics = match outcome {
            Outcome::Feasible { metrics } => metrics,
            Outcome::Infeasible { amount, relative, .. } => {
                return Score {
                    rewards: vec![],
                    slacks: vec![],
                    violation: relative.unwrap_or(*amount).min(NO_METRICS),
                    done: false,
                };
            }
            _ => return Score { rewards: vec![], slacks: vec![], violation: NO_METRICS, done: false },
        };
        let rewards: Vec<f64> = self.goals.iter().map(|goal| finite(goal.reward(metrics))).collect();
        let slacks: Vec<f64> = self
            .bounds
            .iter()
            .map(|(index, sign, limit)| {
                let scale = if *limit == 0.0 { 1.0 } else { limit.abs() };
                finite((sign * metrics[*index] - limit) / scale)
            })
            .chain(self.targets.iter().map(|target| finite(target.slack(metrics))))
            .collect();
        let violation = slacks[..self.bounds.len()].iter().map(|s| s.max(0.0)).sum();
        let done = violation == 0.0
            && self.goals.iter().any(|g| matches!(g, Resolved::Targets(_)))
            && self.goals.iter().zip(&rewards).all(|(g, r)| !matches!(g, Resolved::Targets(_)) || *r == 0.0);
        Score { rewards, slacks, violation, done }
    }

    /// The outcome of a design that the space's own constraints refuse before any simulation; `None` if they do not. It names the
    /// constraint that is broken most, relative to its limit, and says by how much in that constraint's units.
    pub fn refuse(space: &DesignSpace, design: &Design) -> Option<Outcome> {
        let violations = space.violations(design);
        let worst = violations.iter().max_by(|a, b| a.relative.total_cmp(&b.relative))?;
        let sum = violations.iter().map(|v| v.relative).sum();
        Some(Outcome::infeasible(worst.meaning.clone(), worst.amount).ranked_by(sum))
    }
}

fn finite(value: f64) -> f64 {
    if value.is_nan() { -f64::MAX / 1e3 } else { value.clamp(-f64::MAX / 1e3, f64::MAX / 1e3) }
}

fn find(name: &str, metrics: &[Metric]) -> Result<(usize, Direction), EnvError> {
    metrics.iter().position(|m| m.name == name).map(|i| (i, metrics[i].direction)).ok_or_else(|| {
        let known: Vec<_> = metrics.iter().map(|m| &m.name).collect();
        EnvError::Objective(format!("no metric is called `{name}`{}", suggestion(name, &known)))
    })
}

#[derive(Clone, Debug)]
enum Resolved {
    /// Reward = sum of factor times metric.
    Linear(Vec<(usize, f64)>),
    Product(Vec<usize>),
    Ratio(usize, Direction, f64),
    Targets(Vec<Specified>),
    ArchGym(Vec<(usize, f64, f64)>),
}

impl Resolved {
    fn new(goal: &Goal, metrics: &[Metric]) -> Result<Self, EnvError> {
        Ok(match goal {
            Goal::Optimise(name) => {
                let (index, direction) = find(name, metrics)?;
                Self::Linear(vec![(index, if direction == Direction::Maximise { 1.0 } else { -1.0 })])
            }
            Goal::Minimise(name) => Self::Linear(vec![(find(name, metrics)?.0, -1.0)]),
            Goal::Maximise(name) => Self::Linear(vec![(find(name, metrics)?.0, 1.0)]),
            Goal::WeightedSum(terms) => Self::Linear(
                terms
                    .iter()
                    .map(|(name, weight)| match weight.is_finite() {
                        true => Ok((find(name, metrics)?.0, -weight)),
                        false => Err(EnvError::Objective(format!("the weight of `{name}` is not finite"))),
                    })
                    .collect::<Result<_, _>>()?,
            ),
            Goal::Product(names) => Self::Product(
                names.iter().map(|name| Ok(find(name, metrics)?.0)).collect::<Result<_, EnvError>>()?,
            ),
            Goal::Ratio { metric, target } => {
                let (index, direction) = find(metric, metrics)?;
                if !(target.is_finite() && *target > 0.0) {
                    return Err(EnvError::Objective(format!(
                        "the target ratio of `{metric}` needs a target above 0"
                    )));
                }
                Self::Ratio(index, direction, *target)
            }
            Goal::Targets(targets) => Self::Targets(
                targets
                    .iter()
                    .map(|t| -> Result<_, EnvError> {
                        let (metric, direction) = find(&t.metric, metrics)?;
                        Ok(Specified { metric, direction, target: t.target, tolerance: t.tolerance })
                    })
                    .collect::<Result<_, _>>()?,
            ),
            Goal::ArchGymTarget(targets) => Self::ArchGym(
                targets
                    .iter()
                    .map(|t| Ok((find(&t.metric, metrics)?.0, t.target, t.scale)))
                    .collect::<Result<_, EnvError>>()?,
            ),
        })
    }

    /// Its targets, if it has any.
    fn targets(&self) -> &[Specified] {
        if let Self::Targets(targets) = self { targets } else { &[] }
    }

    /// The sign between a value in the goal's units and its reward.
    fn sign(&self) -> f64 {
        match self {
            Self::Linear(terms) if terms.len() == 1 => terms[0].1,
            Self::Linear(_) | Self::Product(_) => -1.0,
            _ => 1.0,
        }
    }

    fn reward(&self, metrics: &[f64]) -> f64 {
        match self {
            Self::Linear(terms) => terms.iter().map(|(index, factor)| factor * metrics[*index]).sum(),
            Self::Product(indices) => -indices.iter().map(|index| metrics[*index]).product::<f64>(),
            Self::Ratio(index, Direction::Minimise, target) => {
                target / metrics[*index].max(f64::MIN_POSITIVE)
            }
            Self::Ratio(index, Direction::Maximise, target) => metrics[*index] / target,
            Self::Targets(targets) => targets
                .iter()
                .map(|specified| {
                    let (miss, size) = (specified.miss(metrics), specified.target.abs());
                    let met = miss <= specified.tolerance * size;
                    if met { 0.0 } else { -miss / (metrics[specified.metric].abs() + size) }
                })
                .sum(),
            Self::ArchGym(targets) => targets
                .iter()
                .map(|(index, target, scale)| (target / (scale * metrics[*index] - target).abs()).min(1e3))
                .product(),
        }
    }
}
