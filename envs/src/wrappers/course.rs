//! The rules of a walk applied: where it stands, what it sees, what a step earns. [`TargetWalk`](super::TargetWalk) adds the environment.

use crate::episode::Observation;
use crate::{Design, DesignSpace, Direction, Domain, EnvError, Metric, Parameter};

use crate::walk::WalkRules;

/// Normalised numbers of the original's formula are cut off here: it divides by `value + reference`, which may be 0.
const LARGEST: f64 = 1e6;

/// What an observation holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum View {
    /// AutoCkt's: normalised values and targets, then the index of each parameter.
    #[default]
    Original,
    /// The same with indices scaled to [-1, 1]; then per specification the margin `m = ln(value / target)` twice, as `2m` within -3 and 3 and
    /// as `20m` within -1 and 1; then the time, from -1 to 1. Learning needs the margins: near a target the normalised numbers hardly
    /// differ.
    Margins,
}

/// The grid that a walk goes over, and how it looks from a point of it.
#[derive(Clone, Debug)]
pub struct Course {
    rules: WalkRules,
    domains: Vec<Domain>,
    /// What actions are taken from: one parameter per parameter, with the steps as its values.
    actions: DesignSpace,
    /// Points per parameter.
    counts: Vec<usize>,
    start: Vec<usize>,
    /// Per specification: metric and direction.
    metrics: Vec<(usize, Direction)>,
}

impl Course {
    /// The course over a space.
    ///
    /// # Errors
    /// Unordered or conditional parameters, unknown metrics, steps and grids that lead nowhere.
    pub fn new(space: &DesignSpace, all: &[Metric], rules: WalkRules) -> Result<Self, EnvError> {
        space.validate(&rules.start)?;
        let steps: Vec<f64> = rules.steps.iter().map(|step| *step as f64).collect();
        if steps.len() < 2 || !steps.windows(2).all(|pair| pair[0] < pair[1]) {
            return Err(EnvError::invalid("steps", "give at least two, ascending, such as [-1, 0, 2]"));
        }
        if rules.grid < 2 || rules.horizon == 0 || rules.success > 0.0 || rules.success.is_nan() {
            return Err(EnvError::invalid(
                "walk",
                "give a grid of 2 or more, a horizon, and success at most 0",
            ));
        }
        if let Some(unfit) =
            space.parameters().iter().find(|p| !p.domain.is_ordered() || p.condition.is_some())
        {
            let message = format!("`{}` has no order, or is not always there; a walk needs both", unfit.name);
            return Err(EnvError::invalid("parameters", message));
        }
        if rules.specifications.is_empty() || rules.specifications.iter().any(|s| s.reference == 0.0) {
            return Err(EnvError::invalid(
                "specifications",
                "give at least one, with a reference other than 0",
            ));
        }
        let metrics = rules
            .specifications
            .iter()
            .map(|s| {
                let found = all.iter().position(|m| m.name == s.metric);
                found
                    .map(|index| (index, all[index].direction))
                    .ok_or_else(|| EnvError::Objective(format!("no metric is called `{}`", s.metric)))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let counts: Vec<usize> =
            space.parameters().iter().map(|p| p.domain.cardinality().unwrap_or(rules.grid)).collect();
        let start = (0..space.len())
            .map(|index| match &space.parameters()[index].domain {
                domain @ Domain::Real { .. } => {
                    (domain.to_unit(rules.start.coordinate(index)) * (rules.grid - 1) as f64).round() as usize
                }
                _ => rules.start.level(index),
            })
            .collect::<Vec<_>>();
        let actions = space.parameters().iter().map(|p| Parameter::ordinal(&p.name, steps.iter().copied()));
        let actions = DesignSpace::new(actions.collect())?;
        let domains = space.parameters().iter().map(|p| p.domain.clone()).collect();
        Ok(Self { rules, domains, actions, counts, start, metrics })
    }

    /// The rules.
    pub fn rules(&self) -> &WalkRules {
        &self.rules
    }

    /// What actions are taken from.
    pub fn actions(&self) -> &DesignSpace {
        &self.actions
    }

    /// The indices at which every walk starts.
    pub fn start(&self) -> &[usize] {
        &self.start
    }

    /// The design at these indices. A parameter that has not moved stands where it started, on the grid or not.
    pub fn design(&self, indices: &[usize]) -> Design {
        let mut design = self.rules.start.clone();
        for (index, domain) in self.domains.iter().enumerate() {
            let coordinate = match domain {
                Domain::Real { .. } if indices[index] == self.start[index] => continue,
                Domain::Real { .. } => domain.from_unit(indices[index] as f64 / (self.rules.grid - 1) as f64),
                _ => indices[index] as f64,
            };
            design.set(index, coordinate);
        }
        design
    }

    /// Takes a step: per parameter the index of one of the [`steps`](WalkRules::steps). Indices stop at the ends of their ranges.
    pub fn go(&self, indices: &mut [usize], steps: impl IntoIterator<Item = usize>) {
        for ((index, count), step) in indices.iter_mut().zip(&self.counts).zip(steps) {
            let step = self.rules.steps[step.min(self.rules.steps.len() - 1)];
            let moved = (*index as i64).saturating_add(step);
            *index = moved.clamp(0, *count as i64 - 1) as usize;
        }
    }

    /// The specified values among all metrics.
    pub fn values(&self, metrics: &[f64]) -> Vec<f64> {
        self.metrics.iter().map(|(index, _)| metrics[*index]).collect()
    }

    /// Minus the sum of the relative misses; without values, minus the number of specifications.
    pub fn reward(&self, values: Option<&[f64]>, targets: &[f64]) -> f64 {
        let Some(values) = values else { return -(self.metrics.len() as f64) };
        let misses =
            values.iter().zip(targets).zip(&self.metrics).map(|((value, target), (_, direction))| {
                let gain = self.normalised(*value, *target);
                if *direction == Direction::Minimise { -gain } else { gain }.min(0.0)
            });
        misses.sum()
    }

    /// Length of an observation.
    pub fn width(&self, view: View) -> usize {
        let specifications = self.metrics.len();
        let more = if view == View::Margins { 2 * specifications + 1 } else { 0 };
        2 * specifications + self.counts.len() + more
    }

    /// Smallest and largest value of each number of an observation.
    pub fn bounds(&self, view: View) -> Vec<(f64, f64)> {
        let largest = if self.rules.compat { LARGEST } else { 1.0 };
        let mut bounds = vec![(-largest, largest); 2 * self.metrics.len()];
        match view {
            View::Original => bounds.extend(self.counts.iter().map(|count| (0.0, (count - 1) as f64))),
            View::Margins => {
                bounds.extend(self.counts.iter().map(|_| (-1.0, 1.0)));
                bounds.extend(self.metrics.iter().flat_map(|_| [(-3.0, 3.0), (-1.0, 1.0)]));
                bounds.push((-1.0, 1.0));
            }
        }
        bounds
    }

    /// What there is to see after so many steps. A design without metrics looks like the worst.
    pub fn observe(
        &self,
        view: View,
        values: Option<&[f64]>,
        targets: &[f64],
        indices: &[usize],
        taken: usize,
    ) -> Observation {
        let references = || self.rules.specifications.iter().map(|s| s.reference);
        let mut observation: Observation = match values {
            Some(values) => values.iter().zip(references()).map(|(v, r)| self.normalised(*v, r)).collect(),
            None => self
                .metrics
                .iter()
                .map(|(_, direction)| if *direction == Direction::Minimise { 1.0 } else { -1.0 })
                .collect(),
        };
        observation.extend(targets.iter().zip(references()).map(|(t, r)| self.normalised(*t, r)));
        if view == View::Original {
            observation.extend(indices.iter().map(|index| *index as f64));
            return observation;
        }
        let places = indices.iter().zip(&self.counts);
        observation
            .extend(places.map(|(index, count)| 2.0 * *index as f64 / (*count as f64 - 1.0).max(1.0) - 1.0));
        for specification in 0..self.metrics.len() {
            let (value, target) =
                (observation[specification], observation[self.metrics.len() + specification]);
            let margin = log_ratio(value) - log_ratio(target);
            observation.extend([(2.0 * margin).clamp(-3.0, 3.0), (20.0 * margin).clamp(-1.0, 1.0)]);
        }
        observation.push((2.0 * taken as f64 / self.rules.horizon as f64 - 1.0).min(1.0));
        observation
    }

    fn normalised(&self, value: f64, reference: f64) -> f64 {
        relative(value, reference, self.rules.compat)
    }
}

/// The logarithm of `value / reference`, from `(value - reference) / (value + reference)`.
fn log_ratio(normalised: f64) -> f64 {
    ((1.0 + normalised).max(1e-6) / (1.0 - normalised).max(1e-6)).ln()
}

/// `(value - reference) / (|value| + |reference|)`, 0 for two zeros; without the bars in the original's formula.
fn relative(value: f64, reference: f64, compat: bool) -> f64 {
    let sum = if compat { value + reference } else { value.abs() + reference.abs() };
    let ratio = (value - reference) / sum;
    if ratio.is_nan() { 0.0 } else { ratio.clamp(-LARGEST, LARGEST) }
}
