//! Which parameters matter for a result, and which way: a forest of regression trees is fitted to what was evaluated, and asked.
//!
//! * *permutation*: how much of the variance is lost when the column is shuffled (L. Breiman, "Random forests", Machine Learning 45, 2001),
//!   on rows that the forest has not seen;
//! * *Shapley*: the mean size of the parameter's share of a prediction (S. Lundberg, S.-I. Lee, NeurIPS 2017; exact for trees), in units of
//!   the result, with the way it works;
//! * *interaction*: the share of the joint effect of two parameters that is no sum of single effects (J. Friedman, B. Popescu, "Predictive
//!   learning via rule ensembles", Annals of Applied Statistics 2(3), 2008, the H statistic).
//!
//! What the forest does not explain, these numbers do not explain either: its R² on unseen rows stands beside them. They describe the designs
//! that were evaluated; a search looks where it is good, so they are no statement about the whole space.

use forust_ml::Matrix;
use forust_ml::gradientbooster::{ContributionsMethod, GradientBooster};
use forust_ml::objective::ObjectiveType;
use hwgym_envs::Random;
use serde::Serialize;

/// Rows that are looked at, at most: evenly spaced.
const ROWS: usize = 4_000;
/// Rows of which Shapley values are worked out, at most.
const EXPLAINED: usize = 500;
/// Shuffles of a column.
const SHUFFLES: usize = 5;
/// The fewest rows that say anything.
const FEWEST: usize = 40;
/// Parameters of which pairs are looked at, the most important ones.
const PAIRED: usize = 5;
/// Points of a partial dependence, and rows that it is averaged over.
const POINTS: usize = 24;

/// What a set of evaluations says about its parameters.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Importance {
    /// Rows that were used.
    pub rows: usize,
    /// Share of the variance that the forest explains on rows that it has not seen; what is at 0 or below says nothing.
    pub r_squared: f64,
    /// The parameters, the most important first.
    pub parameters: Vec<ParameterImportance>,
    /// Pairs that act together, the strongest first.
    pub interactions: Vec<Interaction>,
}

/// How much one parameter matters.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ParameterImportance {
    /// Its name.
    pub name: String,
    /// Share of the variance that is lost when its column is shuffled.
    pub permutation: f64,
    /// Mean size of its Shapley value, in units of the result.
    pub shapley: f64,
    /// Correlation of its value with its Shapley value: +1 where more of it raises the result throughout, -1 where it lowers it; 0 where it
    /// does not vary. For a choice, the values are ordered by the mean result.
    pub way: f64,
}

/// How much of the joint effect of two parameters is no sum of single effects.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Interaction {
    /// Their names.
    pub pair: (String, String),
    /// Friedman and Popescu's H², 0 to about 1.
    pub h_squared: f64,
}

/// Works the importance of parameters out: `columns` are names with one number per row, `results` one per row. `None` for fewer than 40 rows,
/// for results that do not vary, or for parameters that do not.
pub fn parameter_importance(
    columns: &[(String, Vec<f64>)],
    results: &[f64],
    seed: u64,
) -> Option<Importance> {
    let stride = results.len().div_ceil(ROWS).max(1);
    let rows: Vec<usize> =
        (0..results.len()).step_by(stride).filter(|row| results[*row].is_finite()).collect();
    let varies = |values: &[f64]| rows.iter().any(|row| values[*row] != values[rows[0]]);
    if rows.len() < FEWEST || !varies(results) {
        return None;
    }
    let columns: Vec<&(String, Vec<f64>)> = columns.iter().filter(|(_, values)| varies(values)).collect();
    if columns.is_empty() {
        return None;
    }
    let mut random = Random::derived(seed, "importance");
    let order: Vec<usize> =
        random.sample_indices(rows.len(), rows.len()).into_iter().map(|i| rows[i]).collect();
    let (unseen, seen) = order.split_at(rows.len() / 5);
    let pick = |rows: &[usize]| Table::of(columns.iter().map(|(_, values)| values), rows);
    let (train, test) = (pick(seen), pick(unseen));
    let target = |rows: &[usize]| rows.iter().map(|row| results[*row]).collect::<Vec<f64>>();
    let forest = fit(&train, &target(seen), seed)?;
    let truth = target(unseen);
    let variance = squared_error(&vec![mean(&truth); truth.len()], &truth);
    if variance == 0.0 {
        return None;
    }
    let base = squared_error(&predict(&forest, &test), &truth);
    let explained = test.head(EXPLAINED);
    let shapley = forest.predict_contributions(&explained.matrix(), ContributionsMethod::Shapley, false);
    let mut parameters: Vec<(usize, ParameterImportance)> = (0..columns.len())
        .map(|column| {
            let lost: Vec<f64> = (0..SHUFFLES)
                .map(|_| {
                    let mut shuffled = test.clone();
                    random.shuffle(shuffled.column_mut(column));
                    squared_error(&predict(&forest, &shuffled), &truth) - base
                })
                .collect();
            // One row per design: a number per column, then the mean prediction.
            let of_rows: Vec<f64> = shapley.chunks(columns.len() + 1).map(|row| row[column]).collect();
            let importance = ParameterImportance {
                name: columns[column].0.clone(),
                permutation: mean(&lost) / variance,
                shapley: of_rows.iter().map(|value| value.abs()).sum::<f64>() / of_rows.len() as f64,
                way: correlation(explained.column(column), &of_rows),
            };
            (column, importance)
        })
        .collect();
    parameters.sort_by(|a, b| b.1.shapley.total_cmp(&a.1.shapley).then(a.0.cmp(&b.0)));
    let strongest: Vec<usize> = parameters.iter().take(PAIRED).map(|(column, _)| *column).collect();
    Some(Importance {
        rows: rows.len(),
        r_squared: 1.0 - base / variance,
        interactions: interactions(&forest, &test.head(POINTS), &strongest, &columns),
        parameters: parameters.into_iter().map(|(_, importance)| importance).collect(),
    })
}

/// Numbers for the values of a choice, by the mean of their results, so that a tree parts good from bad ones and "more" means better.
pub(crate) fn by_mean_result<T: PartialEq + Clone>(values: &[T], results: &[f64]) -> Vec<f64> {
    let mut groups: Vec<(T, f64, f64)> = Vec::new();
    for (value, result) in values.iter().zip(results) {
        match groups.iter_mut().find(|group| group.0 == *value) {
            Some(group) => (group.1, group.2) = (group.1 + result, group.2 + 1.0),
            None => groups.push((value.clone(), *result, 1.0)),
        }
    }
    groups.sort_by(|a, b| (a.1 / a.2).total_cmp(&(b.1 / b.2)));
    let place = |value: &T| groups.iter().position(|group| group.0 == *value).unwrap_or(0) as f64;
    values.iter().map(place).collect()
}

/// Rows of numbers, column after column.
#[derive(Clone)]
struct Table {
    values: Vec<f64>,
    rows: usize,
}

impl Table {
    fn of<'a>(columns: impl Iterator<Item = &'a Vec<f64>>, rows: &[usize]) -> Self {
        let values = columns.flat_map(|column| rows.iter().map(|row| column[*row])).collect();
        Self { values, rows: rows.len() }
    }

    fn width(&self) -> usize {
        self.values.len() / self.rows
    }

    fn matrix(&self) -> Matrix<'_, f64> {
        Matrix::new(&self.values, self.rows, self.width())
    }

    fn column(&self, column: usize) -> &[f64] {
        &self.values[column * self.rows..(column + 1) * self.rows]
    }

    fn column_mut(&mut self, column: usize) -> &mut [f64] {
        let rows = self.rows;
        &mut self.values[column * rows..(column + 1) * rows]
    }

    /// The first rows.
    fn head(&self, rows: usize) -> Self {
        let rows = rows.min(self.rows);
        let values =
            (0..self.width()).flat_map(|column| self.column(column)[..rows].iter().copied()).collect();
        Self { values, rows }
    }
}

fn fit(table: &Table, results: &[f64], seed: u64) -> Option<GradientBooster> {
    let mut forest = GradientBooster::default()
        .set_objective_type(ObjectiveType::SquaredLoss)
        .set_iterations(150)
        .set_learning_rate(0.1)
        .set_max_depth(5)
        .set_max_leaves(usize::MAX)
        .set_min_leaf_weight(3.0)
        .set_nbins(256)
        .set_parallel(false)
        .set_seed(seed);
    forest.fit_unweighted(&table.matrix(), results, None).ok()?;
    Some(forest)
}

fn predict(forest: &GradientBooster, table: &Table) -> Vec<f64> {
    forest.predict(&table.matrix(), false)
}

/// H² of every pair of these columns.
fn interactions(
    forest: &GradientBooster,
    table: &Table,
    chosen: &[usize],
    columns: &[&(String, Vec<f64>)],
) -> Vec<Interaction> {
    // The mean prediction with these columns set to the values of one row, over all rows; centred.
    let dependence = |set: &[usize]| -> Vec<f64> {
        let at = |row: usize| {
            let mut fixed = table.clone();
            for column in set {
                let value = table.column(*column)[row];
                fixed.column_mut(*column).fill(value);
            }
            mean(&predict(forest, &fixed))
        };
        let values: Vec<f64> = (0..table.rows).map(at).collect();
        let middle = mean(&values);
        values.iter().map(|value| value - middle).collect()
    };
    let single: Vec<Vec<f64>> = chosen.iter().map(|column| dependence(&[*column])).collect();
    let mut pairs = Vec::new();
    for one in 0..chosen.len() {
        for other in one + 1..chosen.len() {
            let joint = dependence(&[chosen[one], chosen[other]]);
            let rest = (0..joint.len()).map(|row| joint[row] - single[one][row] - single[other][row]);
            let total: f64 = joint.iter().map(|value| value * value).sum();
            let h_squared = if total > 0.0 { rest.map(|r| r * r).sum::<f64>() / total } else { 0.0 };
            let pair = (columns[chosen[one]].0.clone(), columns[chosen[other]].0.clone());
            pairs.push(Interaction { pair, h_squared });
        }
    }
    pairs.sort_by(|a, b| b.h_squared.total_cmp(&a.h_squared));
    pairs
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn squared_error(predicted: &[f64], truth: &[f64]) -> f64 {
    predicted.iter().zip(truth).map(|(p, t)| (p - t).powi(2)).sum::<f64>() / truth.len() as f64
}

fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let (mean_a, mean_b) = (mean(a), mean(b));
    let sum =
        |f: &dyn Fn(f64, f64) -> f64| a.iter().zip(b).map(|(x, y)| f(x - mean_a, y - mean_b)).sum::<f64>();
    let (covariance, spread) = (sum(&|x, y| x * y), (sum(&|x, _| x * x) * sum(&|_, y| y * y)).sqrt());
    if spread > 0.0 { covariance / spread } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, values: Vec<f64>) -> (String, Vec<f64>) {
        (name.into(), values)
    }

    /// 10 a - 3 b + 8 c d, and a parameter that does nothing.
    fn example() -> (Vec<(String, Vec<f64>)>, Vec<f64>) {
        let mut random = Random::new(5);
        let mut draw = || (0..1_500).map(|_| random.uniform()).collect::<Vec<f64>>();
        let (a, b, c, d, nothing) = (draw(), draw(), draw(), draw(), draw());
        let results =
            (0..a.len()).map(|i| 10.0 * a[i] - 3.0 * b[i] + 8.0 * (c[i] - 0.5) * (d[i] - 0.5)).collect();
        let columns = vec![
            column("nothing", nothing),
            column("a", a),
            column("b", b),
            column("c", c),
            column("d", d),
            column("constant", vec![1.0; 1_500]),
        ];
        (columns, results)
    }

    #[test]
    fn what_matters_is_found_with_its_way_and_its_partner() {
        let (columns, results) = example();
        let importance = parameter_importance(&columns, &results, 1).unwrap_or_else(|| panic!("it varies"));
        assert!(importance.r_squared > 0.95, "{}", importance.r_squared);
        let names: Vec<&str> = importance.parameters.iter().map(|p| p.name.as_str()).collect();
        assert_eq!((names[0], names[1], names.len()), ("a", "b", 5), "a constant is no parameter: {names:?}");
        assert_eq!(names[4], "nothing");
        let of = |name: &str| {
            importance.parameters.iter().find(|p| p.name == name).cloned().unwrap_or_else(|| panic!("{name}"))
        };
        // A uniform parameter with slope s has Shapley values s (x - 1/2), of mean size s / 4, and shuffling it costs s² / 6.
        assert!(
            (of("a").shapley - 2.5).abs() < 0.3 && (of("b").shapley - 0.75).abs() < 0.15,
            "{importance:?}"
        );
        let variance = 100.0 / 12.0 + 9.0 / 12.0 + 64.0 / 144.0;
        assert!((of("a").permutation - 100.0 / 6.0 / variance).abs() < 0.25, "{importance:?}");
        assert!(of("nothing").permutation.abs() < 0.02, "{importance:?}");
        assert!(of("a").way > 0.95 && of("b").way < -0.9, "{importance:?}");
        let first = &importance.interactions[0];
        let pair = [&first.pair.0, &first.pair.1];
        assert!(pair.contains(&&"c".to_string()) && pair.contains(&&"d".to_string()), "{importance:?}");
        assert!(first.h_squared > 0.5, "{importance:?}");
        let linear = importance.interactions.iter().find(|i| i.pair == ("a".into(), "b".into()));
        assert!(linear.is_some_and(|pair| pair.h_squared < 0.02), "{importance:?}");
        assert_eq!(
            Some(importance),
            parameter_importance(&columns, &results, 1),
            "the same seed says the same"
        );
    }

    #[test]
    fn shares_add_up_to_the_prediction() {
        let (columns, results) = example();
        let rows: Vec<usize> = (0..200).collect();
        let table = Table::of(columns[..5].iter().map(|(_, values)| values), &rows);
        let forest = fit(&table, &results[..200], 3).unwrap_or_else(|| panic!("it fits"));
        let shapley = forest.predict_contributions(&table.matrix(), ContributionsMethod::Shapley, false);
        for (shares, predicted) in shapley.chunks(6).zip(predict(&forest, &table)) {
            // Leaves are single precision.
            assert!((shares.iter().sum::<f64>() - predicted).abs() < 1e-3, "{shares:?} {predicted}");
        }
    }

    #[test]
    fn little_says_nothing() {
        let (columns, results) = example();
        let few: Vec<(String, Vec<f64>)> =
            columns.iter().map(|(n, v)| (n.clone(), v[..39].to_vec())).collect();
        assert_eq!(parameter_importance(&few, &results[..39], 1), None);
        assert_eq!(parameter_importance(&columns, &vec![1.0; 1_500], 1), None);
        assert_eq!(by_mean_result(&["x", "y", "x"], &[3.0, 1.0, 5.0]), [1.0, 0.0, 1.0]);
    }
}
