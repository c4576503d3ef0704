//! `gradient-boosting`: boosted regression trees (forust).
//!
//! Source: Friedman, "Greedy function approximation: a gradient boosting machine", 2001; histogram splits as in XGBoost.

pub(crate) mod forest;

use forest::Forest;
use forust_ml::data::Matrix;
use forust_ml::gradientbooster::{GradientBooster, GrowPolicy};
use forust_ml::objective::ObjectiveType;
use hwgym_envs::Random;
use serde::{Deserialize, Serialize};

use crate::model::check_deviation;
use crate::{Estimate, Features, Fitted, Surrogate, SurrogateEntry, SurrogateError};

/// Hyperparameters of `gradient-boosting`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GradientBoosting {
    /// Number of trees.
    pub trees: usize,
    /// Share of each tree's correction that is taken.
    pub learning_rate: f32,
    /// Depth of a tree.
    pub max_depth: usize,
    /// L2 penalty on the leaves.
    pub l2: f32,
    /// Smallest number of rows in a leaf.
    pub min_leaf: f32,
}

impl Default for GradientBoosting {
    fn default() -> Self {
        Self { trees: 250, learning_rate: 0.12, max_depth: 6, l2: 1.0, min_leaf: 3.0 }
    }
}

#[derive(Serialize, Deserialize)]
struct Trained {
    forest: Forest,
    /// Root mean square error on rows that a first booster did not see.
    residual_sd: f64,
}

impl GradientBoosting {
    fn growth(&self) -> Growth {
        Growth {
            trees: self.trees,
            learning_rate: self.learning_rate,
            leaves: usize::MAX,
            max_depth: self.max_depth,
            l2: self.l2,
            min_leaf: self.min_leaf,
        }
    }

    fn boost(&self, features: &Features, targets: &[f64], seed: u64) -> Result<Forest, SurrogateError> {
        let growth = self.growth();
        growth.fit(features, targets, growth.booster(seed))
    }
}

/// How trees on squared errors grow, one after the other on what the earlier ones left: the booster that all models of trees share.
#[derive(Clone, Debug)]
pub(crate) struct Growth {
    pub trees: usize,
    pub learning_rate: f32,
    pub leaves: usize,
    pub max_depth: usize,
    pub l2: f32,
    /// Least weight of a leaf, where the mean row weighs 1.
    pub min_leaf: f32,
}

impl Growth {
    /// A booster on one thread, level by level.
    pub fn booster(&self, seed: u64) -> GradientBooster {
        GradientBooster::default()
            .set_objective_type(ObjectiveType::SquaredLoss)
            .set_iterations(self.trees)
            .set_learning_rate(self.learning_rate)
            .set_max_depth(self.max_depth)
            .set_max_leaves(self.leaves)
            .set_l2(self.l2)
            .set_min_leaf_weight(self.min_leaf)
            .set_nbins(256)
            .set_parallel(false)
            .set_seed(seed)
    }

    /// Grows the trees of a booster.
    pub fn fit(
        &self,
        features: &Features,
        targets: &[f64],
        mut booster: GradientBooster,
    ) -> Result<Forest, SurrogateError> {
        let columns = features.column_major();
        let matrix = Matrix::new(&columns, features.rows(), features.width());
        grown(booster.fit_unweighted(&matrix, targets, None))?;
        Ok(Forest::new(&booster))
    }

    /// Grows trees on weighted rows where they gain most, for [recipes](crate::class_table::recipe). The weights are above 0, and count
    /// relative to their mean.
    pub fn fit_weighted(
        &self,
        features: &Features,
        targets: &[f64],
        weights: &[f64],
        seed: u64,
    ) -> Result<Forest, SurrogateError> {
        let columns = features.column_major();
        let matrix = Matrix::new(&columns, features.rows(), features.width());
        let mean = weights.iter().sum::<f64>() / weights.len().max(1) as f64;
        let weights: Vec<f64> = weights.iter().map(|weight| weight / mean).collect();
        let mut booster = self.booster(seed);
        booster.grow_policy = GrowPolicy::LossGuide;
        grown(booster.fit(&matrix, targets, &weights, None))?;
        Ok(Forest::new(&booster))
    }
}

fn grown<E: std::fmt::Display>(result: Result<(), E>) -> Result<(), SurrogateError> {
    result.map_err(|error| SurrogateError::Training(format!("the trees do not fit: {error}")))
}

impl Surrogate for GradientBoosting {
    fn fit(
        &self,
        features: &Features,
        targets: &[f64],
        seed: u64,
    ) -> Result<Box<dyn Fitted>, SurrogateError> {
        let rows = features.rows();
        let order = Random::derived(seed, "gradient-boosting").sample_indices(rows, rows);
        let (held_out, seen) = order.split_at(rows / 8);
        let mut squares = 0.0;
        if !held_out.is_empty() {
            let pick = |indices: &[usize]| indices.iter().map(|i| targets[*i]).collect::<Vec<_>>();
            let probe = self.boost(&features.select(seen), &pick(seen), seed)?;
            let predicted = probe.predict(&features.select(held_out));
            squares = predicted.iter().zip(pick(held_out)).map(|(p, t)| (p - t).powi(2)).sum();
        }
        let residual_sd = (squares / held_out.len().max(1) as f64).sqrt();
        let forest = self.boost(features, targets, seed)?;
        Ok(Box::new(Trained { forest, residual_sd }))
    }
}

impl Fitted for Trained {
    fn predict(&self, features: &Features) -> Vec<Estimate> {
        let means = self.forest.predict(features);
        means.into_iter().map(|mean| Estimate { mean, sd: self.residual_sd }).collect()
    }

    fn save(&self) -> Result<serde_json::Value, SurrogateError> {
        Ok(serde_json::to_value(self)?)
    }

    fn check(&self, width: usize) -> Result<(), String> {
        check_deviation(self.residual_sd)?;
        self.forest.check(width)
    }
}

pub(crate) fn entry() -> SurrogateEntry {
    SurrogateEntry::new(
        "gradient-boosting",
        "boosted regression trees (Friedman 2001)",
        |options| {
            let settings: GradientBoosting = options.parse()?;
            if !(1..=100_000).contains(&settings.trees) {
                return Err(SurrogateError::out_of_range("trees", settings.trees, "1 to 100000"));
            }
            if !(settings.learning_rate > 0.0 && settings.learning_rate <= 1.0) {
                return Err(SurrogateError::out_of_range(
                    "learning_rate",
                    settings.learning_rate,
                    "above 0, at most 1",
                ));
            }
            if !(1..=20).contains(&settings.max_depth) {
                return Err(SurrogateError::out_of_range("max_depth", settings.max_depth, "1 to 20"));
            }
            Ok(Box::new(settings))
        },
        |saved| Ok(Box::new(serde_json::from_value::<Trained>(saved)?)),
    )
    .hyperparameter("trees", "250", "1 to 100000", "number of trees")
    .hyperparameter(
        "learning_rate",
        "0.12",
        "above 0, at most 1",
        "share of each tree's correction that is taken",
    )
    .hyperparameter("max_depth", "6", "1 to 20", "depth of a tree")
    .hyperparameter("l2", "1.0", "from 0", "L2 penalty on the leaves")
    .hyperparameter("min_leaf", "3.0", "from 0", "smallest number of rows in a leaf")
}
