//! A trained forest in flat arrays, for prediction in batches.
//!
//! The nodes of a tree stand breadth first with both children side by side, so that a step downwards is one comparison and one
//! addition. A leaf is its own left child under a threshold that no feature reaches: every row then takes the same number of
//! steps, nothing is mispredicted, and the steps of neighbouring rows overlap.

use forust_ml::gradientbooster::GradientBooster;
use serde::{Deserialize, Serialize};

use crate::Features;

/// Rows that go down a tree together.
const BLOCK: usize = 16;

/// A node: rows with `feature` below `threshold` go to `left`, the others to the node after it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Node {
    threshold: f64,
    feature: u32,
    left: u32,
}

/// One tree: its root among all nodes, and the steps to its deepest leaf.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Tree {
    root: u32,
    depth: u32,
}

/// All trees.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub(super) struct Forest {
    base: f64,
    trees: Vec<Tree>,
    nodes: Vec<Node>,
    /// Value of each node; used where it is a leaf.
    values: Vec<f64>,
}

/// The numbers of a [`Forest`] in a file, before they are checked.
#[derive(Serialize, Deserialize)]
struct Stored {
    base: f64,
    trees: Vec<Tree>,
    nodes: Vec<Node>,
    values: Vec<f64>,
}

impl From<Forest> for Stored {
    fn from(Forest { base, trees, nodes, values }: Forest) -> Self {
        Self { base, trees, nodes, values }
    }
}

impl TryFrom<Stored> for Forest {
    type Error = String;

    fn try_from(Stored { base, trees, nodes, values }: Stored) -> Result<Self, String> {
        let inside = |index: u32| (index as usize) < nodes.len();
        let is_leaf = |index: usize, node: &Node| node.left as usize == index;
        let sound = trees.iter().all(|tree| inside(tree.root) && tree.depth < 64)
            && nodes.iter().enumerate().all(|(index, node)| is_leaf(index, node) || inside(node.left + 1))
            && values.len() == nodes.len();
        if sound {
            Ok(Self { base, trees, nodes, values })
        } else {
            Err("a tree points outside itself".into())
        }
    }
}

impl Forest {
    /// The trees of a trained booster.
    pub(super) fn new(booster: &GradientBooster) -> Self {
        let mut forest =
            Self { base: booster.base_score, trees: Vec::new(), nodes: Vec::new(), values: Vec::new() };
        for tree in &booster.trees {
            let start = forest.nodes.len();
            // Nodes of the booster's tree in breadth-first order, with their depth; index n stands at start + n.
            let mut order = vec![(0, 0)];
            let mut next = 0;
            while let Some(&(index, depth)) = order.get(next) {
                let node = &tree.nodes[index];
                let here = (start + next) as u32;
                forest.nodes.push(if node.is_leaf {
                    Node { threshold: f64::MAX, feature: 0, left: here }
                } else {
                    let left = (start + order.len()) as u32;
                    order.extend([(node.left_child, depth + 1), (node.right_child, depth + 1)]);
                    Node { threshold: node.split_value, feature: node.split_feature as u32, left }
                });
                forest.values.push(f64::from(node.weight_value));
                next += 1;
            }
            let depth = order.last().map_or(0, |(_, depth)| *depth);
            forest.trees.push(Tree { root: start as u32, depth });
        }
        forest
    }

    /// One prediction per row.
    pub(super) fn predict(&self, features: &Features) -> Vec<f64> {
        let mut sums = vec![self.base; features.rows()];
        let rows: Vec<&[f64]> = (0..features.rows()).map(|row| features.row(row)).collect();
        for (rows, sums) in rows.chunks(BLOCK).zip(sums.chunks_mut(BLOCK)) {
            for tree in &self.trees {
                let mut at = [tree.root; BLOCK];
                for _ in 0..tree.depth {
                    for (at, row) in at.iter_mut().zip(rows) {
                        let node = &self.nodes[*at as usize];
                        *at = node.left + u32::from(row[node.feature as usize] >= node.threshold);
                    }
                }
                for (sum, at) in sums.iter_mut().zip(at) {
                    *sum += self.values[at as usize];
                }
            }
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gradient_boosting::GradientBoosting;
    use forust_ml::data::Matrix;

    #[test]
    fn flat_trees_predict_what_the_booster_does() {
        let values: Vec<f64> = (0..300u32).map(|i| f64::from(i * 7919 % 1009) / 1009.0).collect();
        let features = Features::new(values, 3).expect("a multiple of three");
        let targets: Vec<f64> = (0..features.rows())
            .map(|i| features.row(i)[0] * 3.0 + (9.0 * features.row(i)[1]).sin())
            .collect();
        let booster = GradientBoosting::default().boost(&features, &targets, 1).expect("it fits");
        let columns = features.column_major();
        let expected = booster.predict(&Matrix::new(&columns, features.rows(), 3), false);
        let forest = Forest::new(&booster);
        assert_eq!(forest.predict(&features), expected);
        let json = serde_json::to_string(&forest).expect("it is written");
        let again: Forest = serde_json::from_str(&json).expect("it is read");
        assert_eq!(again.predict(&features), expected);
        let broken = json.replacen("\"left\":1", "\"left\":4000000000", 1);
        assert!(serde_json::from_str::<Forest>(&broken).is_err());
    }
}
