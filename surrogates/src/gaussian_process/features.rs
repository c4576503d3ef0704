//! From inputs to the features that the kernel compares: warped numbers, and categories as places in a plane.
//!
//! A number in [0, 1] may pass through Kumaraswamy's distribution function `w = 1 - (1 - x^a)^b` (Snoek et al. 2014), so that the process may
//! change fast near one end of a range and slowly near the other. A category may have a place per label in a plane (Zhang et al. 2020), so
//! that labels can be alike or different; without it any two labels are equally far apart. `ln a`, `ln b` and the places are found with the
//! lengths.

use super::kernel::Inputs;

/// Deviation of the priors of `ln a` and `ln b` about 0, and of a place about its start.
const DEVIATION: f64 = 0.5;

/// Keeps powers and logarithms away from the ends of [0, 1].
const MARGIN: f64 = 1e-4;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// The column as it is: a number, or a label that is compared by equality.
    Plain,
    /// `ln a` and `ln b` stand at this offset among the map's parameters.
    Warped(usize),
    /// Two coordinates for each of so many labels, from this offset on.
    Latent(usize, usize),
}

/// The map, without its parameters.
#[derive(Clone, Debug, Default)]
pub(super) struct FeatureMap {
    kinds: Vec<Kind>,
    parameters: usize,
    /// Per feature: the column it comes from, and whether it is a label.
    pub columns: Vec<usize>,
    pub categorical: Vec<bool>,
}

impl FeatureMap {
    /// `labels` has the number of labels of a column that gets places; 0, or nothing, for the others.
    pub fn new(categorical: &[bool], warped: bool, labels: &[usize]) -> Self {
        let mut map = Self::default();
        for (column, category) in categorical.iter().enumerate() {
            let labels = labels.get(column).copied().unwrap_or(0);
            let kind = match category {
                true if labels > 2 => Kind::Latent(map.parameters, labels),
                false if warped => Kind::Warped(map.parameters),
                _ => Kind::Plain,
            };
            let features = match kind {
                Kind::Plain => 1,
                Kind::Warped(_) => {
                    map.parameters += 2;
                    1
                }
                Kind::Latent(_, labels) => {
                    map.parameters += 2 * labels;
                    2
                }
            };
            for _ in 0..features {
                map.columns.push(column);
                map.categorical.push(*category && kind == Kind::Plain);
            }
            map.kinds.push(kind);
        }
        map
    }

    /// Number of columns that the map takes.
    pub fn width(&self) -> usize {
        self.kinds.len()
    }

    /// True if every feature is its column.
    pub fn is_identity(&self) -> bool {
        self.parameters == 0
    }

    /// Where they start: no warp, the labels on a circle in which neighbours of two or three are 1 apart.
    pub fn start(&self) -> Vec<f64> {
        let mut start = vec![0.0; self.parameters];
        for kind in &self.kinds {
            if let Kind::Latent(offset, labels) = kind {
                let step = std::f64::consts::TAU / *labels as f64;
                for label in 0..*labels {
                    let (sine, cosine) = (step * label as f64).sin_cos();
                    start[offset + 2 * label] = 0.577 * cosine;
                    start[offset + 2 * label + 1] = 0.577 * sine;
                }
            }
        }
        start
    }

    /// Smallest and largest value of any parameter.
    pub const BOUNDS: (f64, f64) = (-2.5, 2.5);

    /// The negative logarithm of the prior, and what it adds to the gradient.
    pub fn penalty(&self, parameters: &[f64], mut gradient: Option<&mut [f64]>) -> f64 {
        let mut sum = 0.0;
        for (k, (value, start)) in parameters.iter().zip(self.start()).enumerate() {
            let z = (value - start) / DEVIATION;
            sum += 0.5 * z * z;
            if let Some(gradient) = gradient.as_deref_mut() {
                gradient[k] += z / DEVIATION;
            }
        }
        sum
    }

    /// The features of a point.
    pub fn apply(&self, point: &[f64], parameters: &[f64], features: &mut Vec<f64>) {
        features.clear();
        for (kind, x) in self.kinds.iter().zip(point) {
            match *kind {
                Kind::Plain => features.push(*x),
                Kind::Warped(at) => features.push(warp(*x, parameters[at].exp(), parameters[at + 1].exp()).0),
                Kind::Latent(at, labels) => {
                    let place = at + 2 * label(*x, labels);
                    features.extend_from_slice(&parameters[place..place + 2]);
                }
            }
        }
    }

    /// The features of all points.
    pub fn map(&self, inputs: &Inputs, parameters: &[f64]) -> Inputs {
        let mut values = Vec::with_capacity(inputs.len() * self.columns.len());
        let mut features = Vec::new();
        for index in 0..inputs.len() {
            self.apply(inputs.row(index), parameters, &mut features);
            values.extend_from_slice(&features);
        }
        Inputs { categorical: self.categorical.clone(), values }
    }

    /// Adds to `gradient` (one entry per parameter) what a point's features contribute, given the derivative by each feature.
    pub fn pull_back(&self, point: &[f64], parameters: &[f64], by_feature: &[f64], gradient: &mut [f64]) {
        let mut feature = 0;
        for (kind, x) in self.kinds.iter().zip(point) {
            match *kind {
                Kind::Plain => feature += 1,
                Kind::Warped(at) => {
                    let (_, _, by_a, by_b) = warp(*x, parameters[at].exp(), parameters[at + 1].exp());
                    gradient[at] += by_feature[feature] * by_a;
                    gradient[at + 1] += by_feature[feature] * by_b;
                    feature += 1;
                }
                Kind::Latent(at, labels) => {
                    let place = at + 2 * label(*x, labels);
                    gradient[place] += by_feature[feature];
                    gradient[place + 1] += by_feature[feature + 1];
                    feature += 2;
                }
            }
        }
    }

    /// The derivative by each column from that by each feature; 0 for a category.
    pub fn to_columns(&self, point: &[f64], parameters: &[f64], by_feature: &[f64], by_column: &mut [f64]) {
        let mut feature = 0;
        for ((kind, x), place) in self.kinds.iter().zip(point).zip(by_column) {
            *place = match *kind {
                Kind::Plain => by_feature[feature],
                Kind::Warped(at) => {
                    by_feature[feature] * warp(*x, parameters[at].exp(), parameters[at + 1].exp()).1
                }
                Kind::Latent(..) => 0.0,
            };
            feature += if matches!(kind, Kind::Latent(..)) { 2 } else { 1 };
        }
    }
}

fn label(x: f64, labels: usize) -> usize {
    (x.max(0.0) as usize).min(labels - 1)
}

/// `w`, and its derivatives by `x`, `ln a` and `ln b`.
fn warp(x: f64, a: f64, b: f64) -> (f64, f64, f64, f64) {
    let inner = 1.0 - 2.0 * MARGIN;
    let x = MARGIN + inner * x.clamp(0.0, 1.0);
    let power = x.powf(a);
    let rest = 1.0 - power;
    let outer = rest.powf(b);
    let slope = b * outer / rest;
    (1.0 - outer, inner * slope * a * power / x, slope * a * power * x.ln(), -b * outer * rest.ln())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_derivatives_of_the_warp_are_exact() {
        let step = 1e-6;
        for (x, a, b) in [(0.2, 0.5, 1.7), (0.9, 2.0, 0.4), (0.5, 1.0, 1.0)] {
            let (_, by_x, by_a, by_b) = warp(x, a, b);
            let slope = |plus: f64, minus: f64| (plus - minus) / (2.0 * step);
            assert!((slope(warp(x + step, a, b).0, warp(x - step, a, b).0) - by_x).abs() < 1e-6);
            let (up, down) = (step.exp(), (-step).exp());
            assert!((slope(warp(x, a * up, b).0, warp(x, a * down, b).0) - by_a).abs() < 1e-6);
            assert!((slope(warp(x, a, b * up).0, warp(x, a, b * down).0) - by_b).abs() < 1e-6);
        }
        assert!((warp(0.3, 1.0, 1.0).0 - 0.3).abs() < 2e-4);
    }
}
