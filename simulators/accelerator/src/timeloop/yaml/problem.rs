//! The `problem:` section: shape (dimensions, coefficients, data spaces) and instance (bounds).
use std::rc::Rc;

use super::document::{Node, Value};
use super::expression::Scope;
use crate::error::{Result, did_you_mean};
use crate::workload::{DataSpace, Problem, Term};

/// Reads the problem under `root`; bounds may name variables.
pub(crate) fn read(root: &Node, variables: &[Rc<Node>]) -> Result<Problem> {
    let scope = Scope { maps: variables };
    let node = root.need("problem")?;
    let instance = node.get("instance").unwrap_or(node);
    let shape_node = node.get("shape").unwrap_or(node);
    let shape_text;
    let shape: &Node = match &shape_node.value {
        Value::Scalar(name) => {
            shape_text = builtin(shape_node, name, instance)?;
            &shape_text
        }
        // Bounds alone are those of the convolution.
        _ if node.get("shape").is_none() && node.get("dimensions").is_none() => {
            shape_text = builtin(node, "cnn_layer", instance)?;
            &shape_text
        }
        _ => shape_node,
    };
    let dims = shape.need("dimensions")?.words()?;
    let mut coefficients: Vec<(String, u64)> = Vec::new();
    if let Some(list) = shape.get("coefficients") {
        for item in list.items()? {
            let name = item.need("name")?.text()?.to_string();
            let value = match instance.get(&name.replace('-', "_")) {
                Some(given) => scope.whole(given)?,
                None => item.get("default").map_or(Ok(1), |n| scope.whole(n))?,
            };
            if value == 0 {
                let at = instance.get(&name).unwrap_or(item);
                return Err(
                    at.error(format!("coefficient {name} is 0"), "strides and dilations are at least 1")
                );
            }
            coefficients.push((name, value));
        }
    }
    let mut bounds = Vec::new();
    for dim in &dims {
        let bound = instance.get(dim).ok_or_else(|| {
            instance.error(
                format!("the bound of dimension {dim} is missing"),
                format!("add `{dim}: 1` or its size"),
            )
        })?;
        let value = scope.whole(bound)?;
        if value == 0 {
            return Err(bound.error(format!("dimension {dim} has the bound 0"), "a bound is at least 1"));
        }
        bounds.push(value);
    }
    let mut spaces = Vec::new();
    for space in shape.need("data_spaces")?.items()? {
        let mut ranks = Vec::new();
        for rank in space.need("projection")?.items()? {
            ranks.push(self::rank(rank, &dims, &coefficients)?);
        }
        spaces.push(DataSpace {
            name: space.need("name")?.text()?.to_string(),
            ranks,
            read_write: space.get("read_write").map_or(Ok(false), |n| n.truth())?,
        });
    }
    let name = shape.get("name").and_then(|n| n.text().ok()).unwrap_or("problem").to_string();
    Problem { name, dims, bounds, spaces }.checked().map_err(|e| node.place_error(e))
}

/// One rank: a dimension, or a list of products `[dim]` and `[dim, coefficient]`.
fn rank(node: &Rc<Node>, dims: &[String], coefficients: &[(String, u64)]) -> Result<Vec<Term>> {
    let products: Vec<&Rc<Node>> = match &node.value {
        Value::List(items) => items.iter().collect(),
        _ => vec![node],
    };
    let mut terms = Vec::new();
    for product in products {
        let factors: Vec<&Rc<Node>> = match &product.value {
            Value::List(items) => items.iter().collect(),
            _ => vec![product],
        };
        let mut term: Option<Term> = None;
        let mut scale = 1u64;
        for factor in factors {
            let name = factor.text()?;
            if let Some(dim) = dims.iter().position(|d| d == name) {
                if term.replace(Term { dim, coefficient: 1 }).is_some() {
                    return Err(factor.error(
                        "a product of two dimensions",
                        "a rank is a sum of dimension times coefficient",
                    ));
                }
            } else if let Some((_, value)) = coefficients.iter().find(|(c, _)| c == name) {
                scale = scale.saturating_mul(*value);
            } else {
                let known =
                    dims.iter().map(String::as_str).chain(coefficients.iter().map(|(c, _)| c.as_str()));
                return Err(factor.error(
                    format!("the projection names \"{name}\", which is no dimension or coefficient"),
                    did_you_mean(name, known),
                ));
            }
        }
        let Some(mut term) = term else {
            return Err(product.error("a product without a dimension", "write [dimension, coefficient]"));
        };
        term.coefficient = scale;
        terms.push(term);
    }
    Ok(terms)
}

/// The shapes that Timeloop names: the convolution, with K (or M, where the instance has it) output channels, and the product.
fn builtin(node: &Node, name: &str, instance: &Node) -> Result<Node> {
    const CONVOLUTION: &str = "{name: cnn_layer, dimensions: [R, S, P, Q, C, K, N],
 coefficients: [{name: Wstride, default: 1}, {name: Hstride, default: 1}, {name: Wdilation, default: 1}, {name: Hdilation, default: 1}],
 data_spaces: [{name: Weights, projection: [[[C]], [[K]], [[R]], [[S]]]},
  {name: Inputs, projection: [[[N]], [[C]], [[R, Wdilation], [P, Wstride]], [[S, Hdilation], [Q, Hstride]]]},
  {name: Outputs, projection: [[[N]], [[K]], [[Q]], [[P]]], read_write: true}]}";
    const PRODUCT: &str = "{name: gemm_ABZ, dimensions: [M, N, K],
 data_spaces: [{name: A, projection: [[[M]], [[K]]]}, {name: B, projection: [[[N]], [[K]]]},
  {name: Z, projection: [[[M]], [[N]]], read_write: true}]}";
    let text = match name.trim_end_matches(".yaml").replace('-', "_").as_str() {
        "cnn_layer" if instance.get("M").is_some() => &CONVOLUTION.replace('K', "M"),
        "cnn_layer" => CONVOLUTION,
        "gemm_ABZ" => PRODUCT,
        _ => {
            return Err(node.error(
                format!("unknown shape \"{name}\""),
                "cnn_layer and gemm_ABZ are built in; write another out (dimensions, coefficients, data_spaces)",
            ));
        }
    };
    let root = super::document::parse("built-in shape", text)?;
    Ok((*root).clone())
}
