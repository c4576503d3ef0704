//! Goals as a reader sees them: a name, a unit, and values in the units of the metric.

use hwgym_envs::{Direction, Goal, Metric};
use serde::Serialize;

/// A goal with the way from its reward to the value that people read.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GoalView {
    /// Name without its unit, such as `energy`.
    pub name: String,
    /// Unit, such as `pJ`; empty for a pure number.
    pub unit: String,
    /// value = sign * reward: -1 where less is better, otherwise 1.
    pub sign: f64,
}

impl GoalView {
    /// The view of a goal on these metrics.
    pub fn new(goal: &Goal, metrics: &[Metric]) -> Self {
        let of = |name: &str, sign: f64| {
            let unit = metrics.iter().find(|m| m.name == name).map_or("", |m| m.unit.as_str());
            Self {
                name: plain(name, unit),
                unit: if unit == "1" { String::new() } else { unit.into() },
                sign,
            }
        };
        let direction = |name: &str| metrics.iter().find(|m| m.name == name).map(|m| m.direction);
        let pure = |name: String, sign: f64| Self { name, unit: String::new(), sign };
        match goal {
            Goal::Optimise(name) if direction(name) == Some(Direction::Maximise) => of(name, 1.0),
            Goal::Optimise(name) | Goal::Minimise(name) => of(name, -1.0),
            Goal::Maximise(name) => of(name, 1.0),
            Goal::WeightedSum(_) => pure("weighted sum".into(), -1.0),
            Goal::Product(names) => {
                let parts: Vec<_> = names.iter().map(|name| of(name, -1.0)).collect();
                let join = |f: fn(&Self) -> &str, with: &str| {
                    parts.iter().map(f).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(with)
                };
                Self { name: join(|p| &p.name, " × "), unit: join(|p| &p.unit, "·"), sign: -1.0 }
            }
            Goal::Ratio { metric, .. } => pure(format!("{} against its target", of(metric, 1.0).name), 1.0),
            Goal::Targets(_) => pure("score of the targets".into(), 1.0),
            Goal::ArchGymTarget(_) => pure("reward of ArchGym".into(), 1.0),
        }
    }

    /// The value that belongs to a reward.
    pub fn value(&self, reward: f64) -> f64 {
        self.sign * reward
    }

    /// `energy (pJ)`.
    pub fn label(&self) -> String {
        if self.unit.is_empty() { self.name.clone() } else { format!("{} ({})", self.name, self.unit) }
    }
}

/// A metric's name without its unit: `total_time_ns` and `ns` make `total time`.
fn plain(name: &str, unit: &str) -> String {
    let suffix: String =
        unit.to_lowercase().chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
    let bare = name.strip_suffix(&suffix).and_then(|bare| bare.strip_suffix('_')).unwrap_or(name);
    bare.replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn units_leave_the_name() {
        assert_eq!(plain("total_time_ns", "ns"), "total time");
        assert_eq!(plain("bandwidth_gb_s", "GB/s"), "bandwidth");
        assert_eq!(plain("miss_rate", "1"), "miss rate");
    }
}
