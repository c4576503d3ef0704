//! `random-forest`: deep regression trees on bootstrap samples (forust grows them); the spread between trees is the deviation.
//!
//! Sources: Breiman, "Random forests", 2001; the deviation as in SMAC, Hutter et al. 2011. As is usual for regression, a split may use every feature
//! that its tree has.

use hwgym_envs::Random;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::gradient_boosting::Growth;
use crate::gradient_boosting::forest::Forest;
use crate::{Estimate, Features, Fitted, Surrogate, SurrogateEntry, SurrogateError};

/// Hyperparameters of `random-forest`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomForest {
    /// Number of trees.
    pub trees: usize,
    /// Depth of a tree.
    pub max_depth: usize,
    /// Smallest number of rows in a leaf.
    pub min_leaf: f32,
    /// Share of the features that a tree has.
    pub features: f64,
}

impl Default for RandomForest {
    fn default() -> Self {
        Self { trees: 100, max_depth: 18, min_leaf: 2.0, features: 1.0 }
    }
}

#[derive(Serialize, Deserialize)]
struct Trained {
    trees: Vec<Forest>,
}

impl Surrogate for RandomForest {
    fn fit(
        &self,
        features: &Features,
        targets: &[f64],
        seed: u64,
    ) -> Result<Box<dyn Fitted>, SurrogateError> {
        let growth = Growth {
            trees: 1,
            learning_rate: 1.0,
            leaves: usize::MAX,
            max_depth: self.max_depth,
            l2: 0.0,
            min_leaf: self.min_leaf,
        };
        let grow = |tree: usize| {
            let mut random = Random::derived(seed, &format!("tree-{tree}"));
            let rows: Vec<usize> = (0..features.rows()).map(|_| random.below(features.rows())).collect();
            let sample = features.select(&rows);
            let targets: Vec<f64> = rows.iter().map(|row| targets[*row]).collect();
            let booster = growth.booster(random.seed()).set_colsample_bytree(self.features);
            growth.fit(&sample, &targets, booster)
        };
        let trees = (0..self.trees).into_par_iter().with_max_len(1).map(grow);
        Ok(Box::new(Trained { trees: trees.collect::<Result<_, SurrogateError>>()? }))
    }
}

impl Fitted for Trained {
    fn predict(&self, features: &Features) -> Vec<Estimate> {
        let mut sums = vec![(0.0, 0.0); features.rows()];
        for tree in &self.trees {
            for ((sum, square), value) in sums.iter_mut().zip(tree.predict(features)) {
                *sum += value;
                *square += value * value;
            }
        }
        let count = self.trees.len() as f64;
        let estimate = |(sum, square): (f64, f64)| {
            let mean = sum / count;
            Estimate { mean, sd: (square / count - mean * mean).max(0.0).sqrt() }
        };
        sums.into_iter().map(estimate).collect()
    }

    fn save(&self) -> Result<serde_json::Value, SurrogateError> {
        Ok(serde_json::to_value(self)?)
    }

    fn check(&self, width: usize) -> Result<(), String> {
        if self.trees.is_empty() {
            return Err("a forest without trees".into());
        }
        self.trees.iter().try_for_each(|tree| tree.check(width))
    }
}

pub(crate) fn entry() -> SurrogateEntry {
    SurrogateEntry::new(
        "random-forest",
        "deep trees on bootstrap samples (Breiman 2001)",
        |options| {
            let settings: RandomForest = options.parse()?;
            if !(1..=10_000).contains(&settings.trees) {
                return Err(SurrogateError::out_of_range("trees", settings.trees, "1 to 10000"));
            }
            if !(1..=30).contains(&settings.max_depth) {
                return Err(SurrogateError::out_of_range("max_depth", settings.max_depth, "1 to 30"));
            }
            if settings.min_leaf.is_nan() || settings.min_leaf < 1.0 {
                return Err(SurrogateError::out_of_range("min_leaf", settings.min_leaf, "from 1"));
            }
            if !(settings.features > 0.0 && settings.features <= 1.0) {
                return Err(SurrogateError::out_of_range(
                    "features",
                    settings.features,
                    "above 0, at most 1",
                ));
            }
            Ok(Box::new(settings))
        },
        |saved| Ok(Box::new(serde_json::from_value::<Trained>(saved)?)),
    )
    .hyperparameter("trees", "100", "1 to 10000", "number of trees")
    .hyperparameter("max_depth", "18", "1 to 30", "depth of a tree")
    .hyperparameter("min_leaf", "2.0", "from 1", "smallest number of rows in a leaf")
    .hyperparameter("features", "1.0", "above 0, at most 1", "share of the features that a tree has")
}
