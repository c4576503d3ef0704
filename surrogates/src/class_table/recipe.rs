//! From a budget of simulations to a [`ClassTable`].
//!
//! 1. Every design is replaced by the representative of its class ([`Env::canonical`]), and every class by its anchor ([`Env::anchor`]). For the
//!    DRAM controller: 442,368 designs, 56,032 classes, 3,296 anchors.
//! 2. All anchors are simulated. Where there are none, or more than the budget allows, the method is direct: see 5.
//! 3. Of the other classes as many as the budget allows are drawn without replacement, with probability in proportion to `w s`: `w` designs
//!    of the class, `s` the sum over the metrics of `c^2 y^2`, with `y` that of its anchor relative to the mean, and `c` the coefficient of
//!    variation. The squared error sits in the large numbers of the metrics that vary most.
//! 4. Per metric, boosted trees learn `ln(y / y_anchor)` from one-hots, descriptors of the environment, and the anchor's metrics, with the weight `y^2`.
//! 5. The direct method draws classes in proportion to `w`, and learns `ln y` with the weight `y`.
//! 6. A metric that is, over everything simulated, a constant times another or over another, is computed from it.
//! 7. Expected errors are those of five-fold cross-validation, each row weighted by how many classes it stands for.
//!
//! Measured in `experiments/docs/surrogates.md`.

use std::sync::Arc;

use hwgym_envs::random::derive_seed;
use hwgym_envs::{Design, Encoding, Env, Fidelity, Guard, Outcome, Random, evaluate};
use rayon::prelude::*;

use super::{ClassTable, LARGEST, Relation, levels};
use crate::features::described;
use crate::gradient_boosting::Growth;
use crate::gradient_boosting::forest::Forest;
use crate::{Features, SurrogateError};

/// A budget of simulations, and a seed.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// Simulations at most.
    pub budget: usize,
    /// Seed of the sample and of the trees.
    pub seed: u64,
}

/// A table with what it cost and what it promises.
#[derive(Clone, Debug)]
pub struct Built {
    /// The table, as it comes back from a file.
    pub table: ClassTable,
    /// Everything that was simulated, representatives only.
    pub simulated: Vec<(Design, Outcome)>,
    /// Number of anchors; 0 for the direct method.
    pub anchors: usize,
    /// Per metric, the expected root mean square error over all designs, in per cent of their mean, by cross-validation. `None` where everything
    /// was simulated.
    pub expected_rmse_percent: Vec<Option<f64>>,
}

/// Trees on ratios; chosen by the cross-validation of one sample of `bfs`, of 3,704 rows. With fewer rows they have fewer leaves, down to 15:
/// see [`ROWS_PER_LEAF`].
const DELTA: Growth =
    Growth { trees: 600, learning_rate: 0.06, leaves: 48, max_depth: 14, l2: 0.3, min_leaf: 0.1 };
/// Trees on the metrics themselves.
const DIRECT: Growth =
    Growth { trees: 500, learning_rate: 0.08, leaves: 31, max_depth: 8, l2: 1.0, min_leaf: 0.1 };
/// Rows for each leaf that a tree may have.
const ROWS_PER_LEAF: usize = 75;
/// Parts of the cross-validation.
const FOLDS: usize = 5;
/// How exactly a metric follows from another.
const EXACT: f64 = 1e-9;

/// The classes of a space.
struct Classes {
    class_of: Vec<u32>,
    representatives: Vec<Design>,
    /// Designs of each class.
    weights: Vec<f64>,
    /// Refused by the space's constraints: not simulated.
    refused: Vec<bool>,
}

impl Classes {
    fn of(env: &dyn Env) -> Result<Self, SurrogateError> {
        let space = env.space();
        let size = space.size().filter(|size| *size <= LARGEST && levels(space).is_some());
        let size = size.ok_or_else(|| {
            SurrogateError::Training(format!(
                "`{}` has no table of classes: its space has a real parameter, or more than {LARGEST} designs; train a model with `hwgym surrogate train`",
                env.id()
            ))
        })? as usize;
        let place = |index: usize| -> Option<usize> {
            let canonical = env.canonical(&space.design_at(index as u128)?);
            space.index_of(&canonical).map(|index| index as usize)
        };
        let places: Vec<usize> =
            (0..size).into_par_iter().map(|index| place(index).unwrap_or(index)).collect();
        let mut number = vec![u32::MAX; size];
        let mut representatives = Vec::new();
        for index in (0..size).filter(|index| places[*index] == *index) {
            number[index] = representatives.len() as u32;
            representatives.extend(space.design_at(index as u128));
        }
        let class_of: Vec<u32> = places.iter().map(|place| number[*place]).collect();
        if class_of.contains(&u32::MAX) {
            return Err(SurrogateError::Training(format!(
                "`{}` names representatives that are not their own; run `hwgym env check`",
                env.id()
            )));
        }
        let mut weights = vec![0.0; representatives.len()];
        class_of.iter().for_each(|class| weights[*class as usize] += 1.0);
        let refused = representatives.iter().map(|design| space.violation(design) > 0.0).collect();
        Ok(Self { class_of, representatives, weights, refused })
    }
}

/// Runs the recipe. `tick` is called once per simulation. The result does not depend on the number of threads. Errors: a space that is not
/// discrete or too large, a budget of fewer than 20, nothing feasible.
pub fn build(env: &Arc<dyn Env>, recipe: &Recipe, tick: &(dyn Fn() + Sync)) -> Result<Built, SurrogateError> {
    if recipe.budget < 20 {
        return Err(SurrogateError::out_of_range("budget", recipe.budget, "20 simulations or more"));
    }
    let classes = Classes::of(env.as_ref())?;
    let count = classes.representatives.len();
    let metrics = env.metrics().len();
    let open: Vec<usize> = (0..count).filter(|class| !classes.refused[*class]).collect();

    // Anchors, if they leave half of the budget.
    let class = |design: &Design| {
        let index = env.space().index_of(design)? as usize;
        classes.class_of.get(index).map(|class| *class as usize)
    };
    let anchor = |class_: usize| class(&env.anchor(&classes.representatives[class_])?);
    let anchors: Option<Vec<usize>> = (0..count).map(anchor).collect();
    let mut distinct: Vec<usize> = anchors.iter().flatten().copied().collect();
    distinct.sort_unstable();
    distinct.dedup();
    distinct.retain(|class| !classes.refused[*class]);
    let fits = !distinct.is_empty() && 2 * distinct.len() <= recipe.budget.min(open.len());
    let anchors = anchors.filter(|_| fits).unwrap_or_else(|| (0..count).collect());
    let first = if fits { distinct } else { Vec::new() };

    let mut values = vec![f64::NAN; count * metrics];
    let (mut simulated, mut feasible) = (vec![false; count], vec![true; count]);
    let mut outcomes = Vec::new();
    (0..count).filter(|class| classes.refused[*class]).for_each(|class| feasible[class] = false);
    let mut simulate =
        |chosen: &[usize], values: &mut [f64], simulated: &mut [bool], feasible: &mut [bool]| {
            let run = |class: &usize| {
                let outcome =
                    evaluate(env, &classes.representatives[*class], Fidelity::FULL, &Guard::UNLIMITED);
                tick();
                outcome
            };
            let results: Vec<Outcome> = chosen.par_iter().with_max_len(16).map(run).collect();
            for (class, outcome) in chosen.iter().zip(results) {
                simulated[*class] = true;
                match outcome.metrics() {
                    Some(row) => values[class * metrics..(class + 1) * metrics].copy_from_slice(row),
                    None => feasible[*class] = false,
                }
                outcomes.push((classes.representatives[*class].clone(), outcome));
            }
        };
    simulate(&first, &mut values, &mut simulated, &mut feasible);

    // The sample.
    let row = |values: &[f64], class: usize| values[class * metrics..(class + 1) * metrics].to_vec();
    // Per metric, c^2 over the square of the mean.
    let scales: Vec<f64> = (0..metrics)
        .map(|metric| {
            let known = first.iter().filter(|class| feasible[**class]);
            let (mut sum, mut square, mut designs) = (0.0, 0.0, 0.0);
            for class in known {
                let (weight, value) = (classes.weights[*class], values[class * metrics + metric]);
                sum += weight * value;
                square += weight * value * value;
                designs += weight;
            }
            let mean = sum / designs;
            let scale = (square / designs / (mean * mean) - 1.0) / (mean * mean);
            if scale.is_finite() { scale.max(0.0) } else { 0.0 }
        })
        .collect();
    let size = |class: usize| {
        let row = row(&values, class);
        row.iter().zip(&scales).map(|(value, scale)| scale * value * value).sum::<f64>()
    };
    let average = {
        let known: Vec<f64> = first.iter().map(|class| size(*class)).filter(|s| s.is_finite()).collect();
        known.iter().sum::<f64>() / known.len().max(1) as f64
    };
    let importance = |class: usize| {
        if !fits || average <= 0.0 {
            return classes.weights[class];
        }
        // Beside an anchor without metrics nothing is known; it counts as an average one.
        let square = size(anchors[class]);
        classes.weights[class] * if square.is_finite() { square / average } else { 1.0 }
    };
    let mut random = Random::derived(recipe.seed, "sample");
    // The least of -ln(u) / p draw without replacement in proportion to p (Efraimidis and Spirakis 2006).
    let mut keys: Vec<(f64, usize, f64)> = open
        .iter()
        .filter(|class| !simulated[**class])
        .map(|class| {
            let share = importance(*class);
            (-(1.0 - random.uniform()).ln() / share.max(1e-300), *class, share)
        })
        .collect();
    keys.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let sampled = (recipe.budget - first.len()).min(keys.len());
    let threshold = keys.get(sampled).map_or(f64::INFINITY, |(key, ..)| *key);
    let sample: Vec<usize> = keys[..sampled].iter().map(|(_, class, _)| *class).collect();
    let inclusion: Vec<f64> =
        keys[..sampled].iter().map(|(.., share)| 1.0 - (-share * threshold).exp()).collect();
    simulate(&sample, &mut values, &mut simulated, &mut feasible);

    // What there is to learn from.
    let known = |class: &usize| feasible[*class] && feasible[anchors[*class]];
    let learn: Vec<usize> = (0..sample.len()).filter(|place| known(&sample[*place])).collect();
    let rows: Vec<usize> = learn.iter().map(|place| sample[*place]).collect();
    let all_known = open.iter().all(|class| simulated[*class]);
    if rows.len() < 10 && !all_known {
        return Err(SurrogateError::Training(format!(
            "only {} of {} simulated designs have metrics; raise the budget",
            rows.len(),
            sample.len()
        )));
    }
    let space = env.space();
    let width = Encoding::OneHot.width(space) + env.descriptors().len() + if fits { metrics } else { 0 };
    let features = |chosen: &[usize]| {
        let mut numbers = Vec::with_capacity(chosen.len() * width);
        for class in chosen {
            numbers.extend(described(env.as_ref(), &classes.representatives[*class]));
            if fits {
                numbers
                    .extend(row(&values, anchors[*class]).iter().map(|v| if *v > 0.0 { v.ln() } else { *v }));
            }
        }
        Features::new(numbers, width).unwrap_or_else(|| Features::encode(space, &[], Encoding::OneHot))
    };

    // Relations between metrics, then trees.
    let measured: Vec<usize> = (0..count).filter(|class| simulated[*class] && feasible[*class]).collect();
    let sources: Vec<Option<Relation>> =
        (0..metrics).map(|metric| relation(&values, &measured, metrics, metric)).collect();
    let learned: Vec<Learned> = (0..metrics)
        .map(|metric| Learned::choose(&values, &measured, &anchors, metrics, metric, fits))
        .collect();
    let missing: Vec<usize> = open.iter().copied().filter(|class| !simulated[*class]).collect();
    let mut relative_sd = vec![0.0; metrics];
    let mut expected = vec![None; metrics];
    if !missing.is_empty() {
        let all = features(&rows);
        let leaves = (rows.len() / ROWS_PER_LEAF).clamp(15, DELTA.leaves);
        let delta = Growth { leaves, ..DELTA };
        let settings = if fits { &delta } else { &DIRECT };
        let folds: Vec<usize> = {
            let mut folds: Vec<usize> = (0..rows.len()).map(|place| place % FOLDS).collect();
            Random::derived(recipe.seed, "folds").shuffle(&mut folds);
            folds
        };
        let fit = |metric: usize, held_out: Option<usize>| -> Result<(Forest, Vec<usize>), SurrogateError> {
            let (seen, rest): (Vec<usize>, Vec<usize>) =
                (0..rows.len()).partition(|place| Some(folds[*place]) != held_out);
            let targets: Vec<f64> =
                seen.iter().map(|place| learned[metric].target(&values, &anchors, rows[*place])).collect();
            let weights: Vec<f64> =
                seen.iter().map(|place| learned[metric].weight(&values, rows[*place])).collect();
            let seed = derive_seed(recipe.seed, &format!("trees-{metric}"));
            Ok((settings.fit_weighted(&all.select(&seen), &targets, &weights, seed)?, rest))
        };
        let jobs: Vec<(usize, Option<usize>)> = (0..metrics)
            .filter(|metric| sources[*metric].is_none())
            .flat_map(|metric| {
                std::iter::once(None).chain((0..FOLDS).map(Some)).map(move |fold| (metric, fold))
            })
            .collect();
        let fitted: Vec<(Forest, Vec<usize>)> = jobs
            .par_iter()
            .with_max_len(1)
            .map(|(metric, fold)| fit(*metric, *fold))
            .collect::<Result<_, _>>()?;

        // What is expected of classes that were not simulated: errors of the folds, each for as many classes as it stands for.
        for metric in (0..metrics).filter(|metric| sources[*metric].is_none()) {
            let (mut squares, mut relative, mut stands) = (0.0, 0.0, 0.0);
            for ((_, fold), (forest, rest)) in jobs.iter().zip(&fitted).filter(|((m, _), _)| *m == metric) {
                if fold.is_none() {
                    continue;
                }
                let predictions = forest.predict(&all.select(rest));
                for (place, prediction) in rest.iter().zip(predictions) {
                    let class = rows[*place];
                    let truth = values[class * metrics + metric];
                    let off = learned[metric].value(&values, &anchors, class, prediction) - truth;
                    let share = inclusion[learn[*place]].max(1e-12);
                    let weight = classes.weights[class] * (1.0 - share) / share;
                    squares += weight * off * off;
                    relative += weight * (off / truth.abs().max(1e-300)).powi(2);
                    stands += weight;
                }
            }
            relative_sd[metric] = if stands > 0.0 { (relative / stands).sqrt() } else { 0.0 };
            expected[metric] = Some(squares);
        }

        // Predict.
        let blocks: Vec<&[usize]> = missing.chunks(1024).collect();
        let predicted: Vec<Vec<Vec<f64>>> = blocks
            .par_iter()
            .map(|block| {
                let features = features(block);
                let forests = jobs.iter().zip(&fitted).filter(|((_, fold), _)| fold.is_none());
                forests.map(|(_, (forest, _))| forest.predict(&features)).collect()
            })
            .collect();
        let of_job: Vec<usize> =
            jobs.iter().filter(|(_, fold)| fold.is_none()).map(|(metric, _)| *metric).collect();
        let mut new = values.clone();
        for (block, predicted) in blocks.iter().zip(&predicted) {
            for (metric, predictions) in of_job.iter().zip(predicted) {
                for (class, prediction) in block.iter().zip(predictions) {
                    new[class * metrics + metric] =
                        learned[*metric].value(&values, &anchors, *class, *prediction);
                }
            }
        }
        for (metric, relation) in sources.iter().enumerate() {
            let Some(relation) = relation else { continue };
            relative_sd[metric] = relative_sd[relation.source];
            for class in &missing {
                new[class * metrics + metric] = relation.value(new[class * metrics + relation.source]);
            }
        }
        gate(&all_rows(&sample, &first), &feasible.clone(), &missing, &features, recipe.seed, &mut feasible)?;
        values = new;
        // An anchor without metrics says nothing of its class; nor does what came out as no number.
        for class in &missing {
            let sound = row(&values, *class).iter().all(|value| value.is_finite());
            feasible[*class] &= sound && feasible[anchors[*class]];
        }
    }

    for metric in 0..metrics {
        let Some(squares) = expected[metric] else { continue };
        let designs = |class: &usize| feasible[*class];
        let (sum, weight) = (0..count).filter(designs).fold((0.0, 0.0), |(sum, weight), class| {
            let designs = classes.weights[class];
            (sum + designs * values[class * metrics + metric], weight + designs)
        });
        expected[metric] = Some(100.0 * (squares / weight).sqrt() / (sum / weight).abs());
    }
    let table = ClassTable {
        levels: levels(space).unwrap_or_default(),
        representatives: super::first_of(&classes.class_of, count).unwrap_or_default(),
        class_of: classes.class_of,
        values,
        simulated,
        feasible,
        anchors: anchors.iter().map(|anchor| *anchor as u32).collect(),
        relative_sd,
        relations: sources,
    };
    // As it will be read, steps of the file included.
    let table = ClassTable::load(table.save()?, space, metrics).map_err(SurrogateError::Training)?;
    let anchors = first.len();
    Ok(Built { table, simulated: outcomes, anchors, expected_rmse_percent: expected })
}

fn all_rows(sample: &[usize], first: &[usize]) -> Vec<usize> {
    first.iter().chain(sample).copied().collect()
}

/// Decides which of the missing classes have metrics, where some of the simulated ones have none.
fn gate(
    shown: &[usize],
    labels: &[bool],
    missing: &[usize],
    features: &(dyn Fn(&[usize]) -> Features + Sync),
    seed: u64,
    feasible: &mut [bool],
) -> Result<(), SurrogateError> {
    if shown.iter().all(|class| labels[*class]) {
        return Ok(());
    }
    let targets: Vec<f64> = shown.iter().map(|class| f64::from(u8::from(labels[*class]))).collect();
    let finite = |chosen: &[usize]| {
        let features = features(chosen);
        let width = features.width();
        let numbers = features.values().iter().map(|v| if v.is_finite() { *v } else { 0.0 }).collect();
        Features::new(numbers, width).unwrap_or(features)
    };
    let forest = DIRECT.fit_weighted(&finite(shown), &targets, &vec![1.0; shown.len()], seed)?;
    for block in missing.chunks(1024) {
        for (class, likely) in block.iter().zip(forest.predict(&finite(block))) {
            feasible[*class] = likely >= 0.5;
        }
    }
    Ok(())
}

/// The relation of a metric to an earlier one, if all measured classes keep it.
fn relation(values: &[f64], measured: &[usize], metrics: usize, metric: usize) -> Option<Relation> {
    let at = |class: usize, metric: usize| values[class * metrics + metric];
    let first = *measured.first()?;
    // A constant one follows from nothing.
    measured.iter().find(|class| at(**class, metric) != at(first, metric))?;
    let holds = |relation: &Relation| {
        relation.factor.is_finite()
            && measured.iter().all(|class| {
                let (expected, truth) = (relation.value(at(*class, relation.source)), at(*class, metric));
                (expected - truth).abs() <= EXACT * truth.abs()
            })
    };
    (0..metric)
        // From what is learned itself, so that no chain is followed.
        .filter(|source| relation(values, measured, metrics, *source).is_none())
        .flat_map(|source| {
            let (here, there) = (at(first, metric), at(first, source));
            [(here / there, false), (here * there, true)].map(|(factor, inverse)| Relation {
                source,
                factor,
                inverse,
            })
        })
        .find(holds)
}

/// How a metric is learned.
#[derive(Clone, Copy, Debug)]
struct Learned {
    metric: usize,
    metrics: usize,
    /// As a ratio to the anchor, otherwise as it is.
    ratio: bool,
    /// As a logarithm; else as a difference to the anchor, or as it is.
    log: bool,
}

impl Learned {
    fn choose(
        values: &[f64],
        measured: &[usize],
        anchors: &[usize],
        metrics: usize,
        metric: usize,
        fits: bool,
    ) -> Self {
        let at = |class: usize| values[class * metrics + metric];
        let positive = |class: &usize| {
            at(*class) > 0.0 && (!fits || at(anchors[*class]).is_nan() || at(anchors[*class]) > 0.0)
        };
        Self { metric, metrics, ratio: fits, log: measured.iter().all(positive) }
    }

    fn base(&self, values: &[f64], anchors: &[usize], class: usize) -> f64 {
        let anchor = values[anchors[class] * self.metrics + self.metric];
        match (self.ratio, self.log) {
            (false, _) => 0.0,
            (true, true) => anchor.ln(),
            (true, false) => anchor,
        }
    }

    fn target(&self, values: &[f64], anchors: &[usize], class: usize) -> f64 {
        let value = values[class * self.metrics + self.metric];
        (if self.log { value.ln() } else { value }) - self.base(values, anchors, class)
    }

    fn weight(&self, values: &[f64], class: usize) -> f64 {
        let value = values[class * self.metrics + self.metric].abs();
        match (self.log, self.ratio) {
            (false, _) => 1.0,
            (true, true) => (value * value).max(1e-300),
            (true, false) => value.max(1e-300),
        }
    }

    fn value(&self, values: &[f64], anchors: &[usize], class: usize, prediction: f64) -> f64 {
        let sum = prediction + self.base(values, anchors, class);
        if self.log { sum.exp() } else { sum }
    }
}
