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
pub(crate) struct Forest {
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
        if values.len() != nodes.len() {
            return Err(format!("{} values for {} nodes of trees", values.len(), nodes.len()));
        }
        if !(base.is_finite() && values.iter().all(|value| value.is_finite())) {
            return Err("a value of a tree is not finite".into());
        }
        // Children stand after their node, so that one pass from the end knows the steps from every node to its deepest leaf.
        let mut steps = vec![0u32; nodes.len()];
        for (index, node) in nodes.iter().enumerate().rev() {
            let left = node.left as usize;
            if left == index {
                continue;
            }
            if left < index || left + 1 >= nodes.len() {
                return Err(format!("node {index} of a tree points to node {left}, which is not below it"));
            }
            steps[index] = 1 + steps[left].max(steps[left + 1]);
        }
        let unfit = trees.iter().find(|tree| steps.get(tree.root as usize) != Some(&tree.depth));
        match unfit {
            Some(tree) => Err(format!("a tree of depth {} does not start at node {}", tree.depth, tree.root)),
            None => Ok(Self { base, trees, nodes, values }),
        }
    }
}

impl Forest {
    /// The trees of a trained booster.
    pub(crate) fn new(booster: &GradientBooster) -> Self {
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

    /// Checks that rows of this width have every feature that is asked. Errors: the first node that asks for another.
    pub(crate) fn check(&self, width: usize) -> Result<(), String> {
        match self.nodes.iter().position(|node| node.feature as usize >= width.max(1)) {
            None => Ok(()),
            Some(index) => Err(format!(
                "node {index} of a tree asks for feature {}, but the space has {width}",
                self.nodes[index].feature
            )),
        }
    }

    /// One prediction per row.
    pub(crate) fn predict(&self, features: &Features) -> Vec<f64> {
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
        let columns = features.column_major();
        let matrix = Matrix::new(&columns, features.rows(), 3);
        let mut booster = GradientBoosting::default().growth().booster(1);
        booster.fit_unweighted(&matrix, &targets, None).expect("it fits");
        let expected = booster.predict(&matrix, false);
        let forest = Forest::new(&booster);
        assert_eq!(forest.predict(&features), expected);
        let json = serde_json::to_string(&forest).expect("it is written");
        let again: Forest = serde_json::from_str(&json).expect("it is read");
        assert_eq!(again.predict(&features), expected);
        for (sound, broken) in [
            ("\"left\":1", "\"left\":4000000000"),
            ("\"left\":3", "\"left\":0"),
            ("\"depth\":6", "\"depth\":2"),
            ("\"root\":0", "\"root\":1000000"),
        ] {
            let broken = json.replacen(sound, broken, 1);
            assert_ne!(broken, json, "{sound}");
            assert!(serde_json::from_str::<Forest>(&broken).is_err(), "{broken}");
        }
        let unknown: Forest =
            serde_json::from_str(&json.replacen("\"feature\":1", "\"feature\":9", 1)).expect("reads");
        assert!(unknown.check(3).is_err() && again.check(3).is_ok());
    }
}
