//! The designs of a space that is no full grid: a table of recorded designs.

use std::collections::HashMap;

use super::{Design, Parameter};

/// The only designs that a space has, such as the rows of a table. Every other point of the grid means the nearest of them.
///
/// The distance is the sum over the parameters of the level difference over the number of levels less one (for reals: over the range); two
/// different categories are 1 apart. Of designs alike the first counts.
#[derive(Clone, Debug)]
pub struct Listing {
    designs: Vec<Design>,
    position: HashMap<Design, usize>,
    /// Coordinates, parameter by parameter: a scan for the nearest design then runs over plain arrays.
    columns: Vec<Vec<f64>>,
    /// Per parameter: the distance of neighbouring levels; `None` for a category.
    weights: Vec<Option<f64>>,
}

impl PartialEq for Listing {
    fn eq(&self, other: &Self) -> bool {
        self.designs == other.designs
    }
}

impl Listing {
    /// These designs of a space of these parameters, each once; repetitions are dropped.
    pub(super) fn new(parameters: &[Parameter], all: Vec<Design>) -> Self {
        let mut position = HashMap::with_capacity(all.len());
        let mut designs = Vec::with_capacity(all.len());
        for design in all {
            if !position.contains_key(&design) {
                position.insert(design.clone(), designs.len());
                designs.push(design);
            }
        }
        let columns =
            (0..parameters.len()).map(|j| designs.iter().map(|d| d.coordinate(j)).collect()).collect();
        let weights = parameters
            .iter()
            .map(|p| match p.domain.cardinality() {
                _ if !p.domain.is_ordered() => None,
                Some(levels) => Some(1.0 / (levels.max(2) - 1) as f64),
                None => {
                    let width = p.domain.from_unit(1.0) - p.domain.from_unit(0.0);
                    Some(if width > 0.0 { 1.0 / width } else { 1.0 })
                }
            })
            .collect();
        Self { designs, position, columns, weights }
    }

    /// All of them, in the order in which they were given.
    pub fn designs(&self) -> &[Design] {
        &self.designs
    }

    /// Where a design stands among them, if it does.
    pub fn position(&self, design: &Design) -> Option<usize> {
        self.position.get(design).copied()
    }

    /// The distance of every listed design from this one.
    pub fn distances(&self, design: &Design) -> Vec<f64> {
        let mut distances = vec![0.0; self.designs.len()];
        for ((column, at), weight) in self.columns.iter().zip(design.coordinates()).zip(&self.weights) {
            match weight {
                Some(weight) => {
                    distances.iter_mut().zip(column).for_each(|(d, c)| *d += (c - at).abs() * weight);
                }
                None => distances.iter_mut().zip(column).for_each(|(d, c)| *d += f64::from(c != at)),
            }
        }
        distances
    }

    /// The nearest listed design, as a position, and its distance: itself and 0 for a listed one.
    pub fn nearest(&self, design: &Design) -> (usize, f64) {
        if let Some(position) = self.position(design) {
            return (position, 0.0);
        }
        let mut best = (0, f64::INFINITY);
        for (position, distance) in self.distances(design).into_iter().enumerate() {
            if distance < best.1 {
                best = (position, distance);
            }
        }
        best
    }
}
