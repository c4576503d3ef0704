//! What the models say of candidates, and what that is worth.

use hwgym_envs::{Design, DesignSpace};

use super::process::Process;
use super::quantity::Quantity;
use super::trained::{Trained, Underlay};
use crate::bayesian::acquisition::expected_violation_improvement;
use crate::bayesian::coder::Coder;
use crate::bayesian::normal;

/// The aim of a proposal.
#[derive(Clone, Copy, Debug)]
pub(super) enum Aim {
    /// Lower the total violation below this; infinite where nothing was measured.
    Violation(f64),
    /// Keep all limits.
    Keep,
    /// Lower the goal below this and keep the bounds.
    Goal(f64),
}

/// A limit or a goal, as a quantity and the sign that makes less of it better.
#[derive(Clone, Copy, Debug)]
pub(super) struct Term {
    pub quantity: usize,
    pub sign: f64,
    /// The limit, in the quantity's units times the sign; unused for a goal.
    pub limit: f64,
}

/// Part of a trained model's variance that stays once results of the instance are known, and what is added before.
const TRAINED_PART: f64 = 0.3;
const FIRST_VARIANCE: f64 = 0.01;

/// A design is never less likely to be measurable than this.
const LEAST_CHANCE: f64 = 0.03;

/// The models at one moment.
pub(super) struct Outlook<'a> {
    pub space: &'a DesignSpace,
    pub coder: &'a Coder,
    pub trained: Option<&'a Trained>,
    pub quantities: Vec<Quantity>,
    pub measurable: Option<Process>,
    pub limits: Vec<Term>,
    pub goal: Option<Term>,
    pub aim: Aim,
    /// Leave the residuals out: the trained model alone.
    pub bare: bool,
}

impl Outlook<'_> {
    fn underlay(&self, points: &[Vec<f64>]) -> Option<Underlay> {
        let trained = self.trained?;
        let designs: Vec<Design> = points.iter().map(|p| self.coder.decode(self.space, p)).collect();
        Some(trained.look(&designs))
    }

    /// Mean and deviation of each quantity (outer) at each point (inner), in the quantities' units.
    fn predict(&self, points: &[Vec<f64>], underlay: Option<&Underlay>) -> Vec<Vec<(f64, f64)>> {
        let one = |(index, quantity): (usize, &Quantity)| {
            let base = underlay.and_then(|u| u.quantities[index].as_ref());
            let process = quantity.process.as_ref().filter(|_| !(self.bare && base.is_some()));
            let left = process.map(|p| p.predict_all(points));
            let rise = quantity.rise.as_ref().map(|p| p.predict_all(points));
            (0..points.len())
                .map(|at| {
                    let (mut mean, mut variance) = match (&left, base) {
                        (Some(left), _) => (left[at].0, left[at].1 * left[at].1),
                        (None, Some(_)) => (0.0, FIRST_VARIANCE),
                        (None, None) => (0.0, 1.0),
                    };
                    if let Some(base) = base {
                        let part = if left.is_some() { TRAINED_PART } else { 1.0 };
                        mean += base[at].0;
                        variance += part * base[at].1 * base[at].1;
                    }
                    mean += quantity.mean_rise;
                    if let Some(rise) = &rise {
                        mean += rise[at].0;
                        variance += rise[at].1 * rise[at].1;
                    }
                    (mean, variance.max(1e-12).sqrt())
                })
                .collect()
        };
        self.quantities.iter().enumerate().map(one).collect()
    }

    /// Takes pending points as if they had come out as predicted; they are then what is to be improved on.
    pub fn believe(&mut self, pending: &[Vec<f64>]) {
        for point in pending {
            let one = std::slice::from_ref(point);
            let underlay = self.underlay(one);
            let predictions = self.predict(one, underlay.as_ref());
            let turned = |term: &Term| term.sign * predictions[term.quantity][0].0;
            let missed: f64 = self.limits.iter().map(|limit| (turned(limit) - limit.limit).max(0.0)).sum();
            match (&mut self.aim, self.goal) {
                (Aim::Violation(least), _) => *least = least.min(missed),
                (Aim::Goal(best), Some(goal)) if missed == 0.0 => *best = best.min(turned(&goal)),
                _ => {}
            }
            let processes = self.quantities.iter_mut().flat_map(|q| [q.process.as_mut(), q.rise.as_mut()]);
            for process in processes.chain([self.measurable.as_mut()]).flatten() {
                let (mean, _) = process.predict(point);
                process.add(point, mean);
            }
        }
    }

    /// The worth of each point: the logarithm of an expected improvement, or of a probability where nothing is known to improve on.
    pub fn worth(&self, points: &[Vec<f64>]) -> Vec<f64> {
        let underlay = self.underlay(points);
        let predictions = self.predict(points, underlay.as_ref());
        let measurable = self.measurable.as_ref().map(|p| p.predict_all(points));
        let limits: Vec<f64> = self.limits.iter().map(|limit| limit.limit).collect();
        let mut constraints: Vec<(f64, f64)> = Vec::new();
        let mut one = |at: usize| {
            let of = |term: &Term| {
                let (mean, deviation) = predictions[term.quantity][at];
                (term.sign * mean, deviation)
            };
            constraints.clear();
            constraints.extend(self.limits.iter().map(of));
            let holds = || -> f64 {
                let pairs = constraints.iter().zip(&limits);
                pairs
                    .map(|((mean, deviation), limit)| normal::log_cumulative((limit - mean) / deviation))
                    .sum()
            };
            let value = match (self.aim, &self.goal) {
                (Aim::Violation(least), _) if least.is_finite() => {
                    expected_violation_improvement(&constraints, &limits, least)
                }
                (Aim::Goal(best), Some(goal)) => {
                    let (mean, deviation) = of(goal);
                    deviation.ln() + normal::log_improvement((best - mean) / deviation) + holds()
                }
                _ => holds(),
            };
            let gate = underlay.as_ref().map_or(1.0, |u| u.measurable[at]);
            let chance = gate * measurable.as_ref().map_or(1.0, |m| m[at].0.clamp(0.0, 1.0));
            let worth = value + chance.max(LEAST_CHANCE).ln();
            if worth.is_nan() { f64::NEG_INFINITY } else { worth }
        };
        (0..points.len()).map(&mut one).collect()
    }

    /// The candidates with their worth, best first.
    pub fn rank(&self, points: Vec<Vec<f64>>) -> Vec<(f64, Vec<f64>)> {
        let mut ranking: Vec<(f64, Vec<f64>)> = self.worth(&points).into_iter().zip(points).collect();
        ranking.sort_by(|a, b| b.0.total_cmp(&a.0));
        ranking
    }
}
