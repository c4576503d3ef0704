//! An augmented Lagrangian for searches that rank generations (Atamna, Auger and Hansen 2017).

use crate::Evaluated;

/// Per bound a multiplier and a weight of the squared violation, both learned from generation to generation.
#[derive(Clone, Debug)]
pub struct Lagrangian {
    bounds: Vec<Multiplier>,
    /// Mean value of the better half of the last generation.
    value: f64,
}

#[derive(Clone, Debug, Default)]
struct Multiplier {
    multiplier: f64,
    /// 0 until the bound was broken once.
    weight: f64,
    /// Mean violation of the better half of the last generation.
    violation: f64,
}

/// Factor on the usual first weight of a squared violation: budgets are small here.
const FIRST_WEIGHT: f64 = 10.0;

impl Lagrangian {
    /// For so many bounds, none of them broken yet.
    pub fn new(bounds: usize) -> Self {
        Self { bounds: vec![Multiplier::default(); bounds], value: f64::INFINITY }
    }

    /// What is minimised.
    fn of(&self, result: &Evaluated) -> f64 {
        let terms = result.score.slacks.iter().zip(&self.bounds).map(|(slack, bound)| {
            let Multiplier { multiplier, weight, .. } = *bound;
            if weight == 0.0 {
                0.0
            } else if *slack >= -multiplier / weight {
                multiplier * slack + 0.5 * weight * slack * slack
            } else {
                -multiplier * multiplier / (2.0 * weight)
            }
        });
        terms.sum::<f64>() - result.score.reward().unwrap_or(0.0)
    }

    /// Sorts a generation, and learns from its better half. All results have metrics.
    pub fn rank<T>(&mut self, generation: &mut [(T, Evaluated)], dimensions: f64) {
        let range = |mut values: Vec<f64>| {
            values.sort_by(f64::total_cmp);
            (values[3 * values.len() / 4] - values[values.len() / 4]).max(1e-300)
        };
        let spread = range(generation.iter().map(|(_, e)| e.score.reward().unwrap_or(0.0)).collect());
        for (j, bound) in self.bounds.iter_mut().enumerate() {
            let slacks: Vec<f64> = generation.iter().map(|(_, e)| e.score.slacks[j]).collect();
            if bound.weight == 0.0 && slacks.iter().any(|s| *s > 0.0) {
                let squares = range(slacks.iter().map(|s| s * s).collect());
                bound.weight = FIRST_WEIGHT * 2.0 * spread / (5.0 * dimensions * (range(slacks) + squares));
            }
        }
        generation.sort_by(|a, b| self.of(&a.1).total_cmp(&self.of(&b.1)));
        let better = &generation[..(generation.len() / 2).max(1)];
        let mean = |of: &dyn Fn(&Evaluated) -> f64| {
            better.iter().map(|(_, e)| of(e)).sum::<f64>() / better.len() as f64
        };
        let value = mean(&|e| self.of(e));
        let change = (value - self.value).abs();
        self.value = value;
        let step = 2f64.powf(1.0 / (5.0 * dimensions));
        for (j, bound) in self.bounds.iter_mut().enumerate() {
            let violation = mean(&|e: &Evaluated| e.score.slacks[j]);
            let before = std::mem::replace(&mut bound.violation, violation);
            if bound.weight == 0.0 {
                continue;
            }
            bound.multiplier = (bound.multiplier + bound.weight * violation / 5.0).clamp(0.0, 1e100);
            let grow = bound.weight * violation * violation < 3.0 * change / dimensions
                || 5.0 * (violation - before).abs() < before.abs();
            bound.weight = (bound.weight * if grow { step.powi(4) } else { 1.0 / step }).min(1e100);
        }
    }
}
