//! The `mapping:` section: one directive for each block of loops and each level's data spaces.
use super::architecture::ReadArchitecture;
use super::document::Node;
use super::loops;
use crate::error::{Result, did_you_mean};
use crate::timeloop::constraints::Factor;
use crate::timeloop::mapping::{Nest, check};
use crate::workload::{MAX_DIMS, Problem};

/// Reads the mapping list `node`.
pub(crate) fn read(node: &Node, read: &ReadArchitecture, problem: &Problem) -> Result<Nest> {
    let architecture = &read.architecture;
    let mut nest = Nest::unit();
    for &level in &read.pass_through {
        nest.keep[level] = 0;
    }
    let mut seen: Vec<(usize, &str)> = Vec::new();
    for directive in node.items()? {
        let target = directive.need("target")?;
        let fanout = read.fanouts.iter().find(|(name, _)| target.text().is_ok_and(|text| text == name));
        let level = match fanout {
            Some(&(_, level)) => level,
            None => architecture.level(target.text()?).map_err(|e| target.place_error(e))?,
        };
        let kind_node = directive.need("type")?;
        let kind = match kind_node.text()? {
            "temporal" => "temporal",
            "spatial" => "spatial",
            "datatype" | "bypass" | "bypassing" | "dataspace" => "bypass",
            other => {
                return Err(kind_node.error(
                    format!("unknown directive type \"{other}\""),
                    did_you_mean(other, ["temporal", "spatial", "bypass", "dataspace"]),
                ));
            }
        };
        if fanout.is_some() && kind != "spatial" {
            nothing(directive, kind, problem)?;
            continue;
        }
        if seen.contains(&(level, kind)) {
            return Err(directive.error(
                format!("a second {kind} directive for \"{}\"", architecture.levels[level].name),
                "merge the two",
            ));
        }
        seen.push((level, kind));
        match kind {
            "bypass" => {
                bypass(directive, level, problem, &mut nest)?;
                if read.pass_through.contains(&level)
                    && directive
                        .get("keep")
                        .map_or(Ok(false), |list| list.words().map(|words| !words.is_empty()))?
                {
                    return Err(directive.error(
                        format!("\"{}\" has no entries and keeps nothing", architecture.levels[level].name),
                        "keep the data spaces at another level, or give this one entries",
                    ));
                }
            }
            _ => block(directive, level, kind == "spatial", problem, &mut nest)?,
        }
    }
    check(&nest, architecture, problem).map_err(|e| node.place_error(e))?;
    Ok(nest)
}

/// A fan-out neither loops in time nor stores.
fn nothing(directive: &Node, kind: &str, problem: &Problem) -> Result<()> {
    let loops = match directive.get("factors") {
        Some(node) if kind == "temporal" => loops::factors(node, problem)?,
        _ => Vec::new(),
    };
    let keeps = directive.get("keep").map_or(Ok(Vec::new()), |list| list.words())?;
    if loops.iter().all(|written| written.factor == Factor::Exactly(1))
        && (kind == "temporal" || keeps.is_empty())
    {
        return Ok(());
    }
    Err(directive.error(
        "a fan-out has no loops in time and keeps nothing",
        "move the factors or the data spaces to a storage level",
    ))
}

fn bypass(directive: &Node, level: usize, problem: &Problem, nest: &mut Nest) -> Result<()> {
    let mask = |key: &str| -> Result<u8> {
        let Some(list) = directive.get(key) else { return Ok(0) };
        let mut mask = 0;
        for name in list.words()? {
            mask |= 1 << problem.space(&name).map_err(|e| list.place_error(e))?;
        }
        Ok(mask)
    };
    let (keep, bypass) = (mask("keep")?, mask("bypass")?);
    if keep & bypass != 0 {
        return Err(directive.error("a data space is both kept and bypassed", "name it in one list only"));
    }
    nest.keep[level] &= !bypass;
    Ok(())
}

fn block(directive: &Node, level: usize, spatial: bool, problem: &Problem, nest: &mut Nest) -> Result<()> {
    let dims = problem.dims.len();
    let row = if spatial { &mut nest.spatial[level] } else { &mut nest.temporal[level] };
    if let Some(node) = directive.get("factors") {
        for written in loops::factors(node, problem)? {
            let name = &problem.dims[written.dim];
            let Factor::Exactly(factor) = written.factor else {
                return Err(node.error(
                    format!("the factor of {name} is not one number above 0"),
                    "a mapping states every factor exactly, as in C=4",
                ));
            };
            if written.residual.is_some_and(|r| r != factor) {
                return Err(node.error(
                    format!("dimension {name} has an imperfect factor (a residual)"),
                    "only perfect factors are modelled: choose divisors of the bound",
                ));
            }
            row[written.dim] = factor;
        }
    }
    let row = *row;
    let mut order = nest.order[level];
    let mut given = 0;
    if let Some(node) = directive.get("permutation") {
        let (first, last) = loops::permutation(node, problem)?;
        given = first.len() + last.len();
        if given != dims {
            let missing: Vec<&str> = (0..dims)
                .filter(|d| !first.contains(&(*d as u8)) && !last.contains(&(*d as u8)))
                .map(|d| problem.dims[d].as_str())
                .collect();
            return Err(node.error(
                format!("the permutation lacks {}", missing.join(", ")),
                "name every dimension once, innermost first, also those with factor 1",
            ));
        }
        order[..first.len()].copy_from_slice(&first);
        order[first.len()..dims].copy_from_slice(&last);
    } else if !spatial && row[..dims].iter().filter(|&&f| f > 1).count() > 1 {
        return Err(directive.error(
            "several loops but no permutation",
            "add `permutation:` with every dimension, innermost first",
        ));
    }
    if spatial {
        nest.spatial_order[level] = order;
        let split = match directive.get("split") {
            Some(node) => {
                let split = node.whole()? as usize;
                if split < dims && split > 0 && given == 0 {
                    return Err(node
                        .error("a split without a permutation", "add `permutation:` with every dimension"));
                }
                split
            }
            None => dims,
        };
        nest.along_y[level] =
            order[split.min(MAX_DIMS)..dims.max(split.min(MAX_DIMS))].iter().fold(0, |mask, d| mask | 1 << d);
    } else {
        nest.order[level] = order;
    }
    Ok(())
}
