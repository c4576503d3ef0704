//! A surrogate: the mean of what it saw, the weakest of all.

use hwgym::prelude::*;
use serde::{Deserialize, Serialize};

struct Mean;

#[derive(Serialize, Deserialize)]
struct Trained {
    mean: f64,
    sd: f64,
}

impl Surrogate for Mean {
    fn fit(&self, _: &Features, targets: &[f64], _: u64) -> Result<Box<dyn Fitted>, SurrogateError> {
        let count = targets.len() as f64;
        let mean = targets.iter().sum::<f64>() / count;
        let variance = targets.iter().map(|target| (target - mean).powi(2)).sum::<f64>() / count;
        Ok(Box::new(Trained { mean, sd: variance.sqrt() }))
    }
}

impl Fitted for Trained {
    fn predict(&self, features: &Features) -> Vec<Estimate> {
        vec![Estimate { mean: self.mean, sd: self.sd }; features.rows()]
    }

    fn save(&self) -> Result<serde_json::Value, SurrogateError> {
        Ok(serde_json::to_value(self)?)
    }

    fn check(&self, _: usize) -> Result<(), String> {
        if self.sd >= 0.0 { Ok(()) } else { Err(format!("its standard deviation is {}", self.sd)) }
    }
}

pub fn entry() -> SurrogateEntry {
    SurrogateEntry::new(
        "mean",
        "the mean of the training rows",
        |_| Ok(Box::new(Mean)),
        |saved| Ok(Box::new(serde_json::from_value::<Trained>(saved)?)),
    )
}
