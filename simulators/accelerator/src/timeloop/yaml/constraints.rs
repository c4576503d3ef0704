//! Constraint sections: `architecture_constraints`, `mapspace_constraints`, `mapspace`, `constraints`, and the
//! constraints that stand at components (v0.4).
use super::architecture::{Owner, ReadArchitecture};
use super::document::{Node, Value};
use super::loops;
use crate::error::{Result, did_you_mean};
use crate::timeloop::architecture::Architecture;
use crate::timeloop::constraints::{Constraints, Factor, Rule};
use crate::workload::Problem;

/// Adds the rules of every constraint section of one file.
pub(crate) fn read(
    root: &Node,
    read: &ReadArchitecture,
    problem: &Problem,
    into: &mut Constraints,
) -> Result<()> {
    let architecture = &read.architecture;
    for key in
        ["architecture_constraints", "arch_constraints", "mapspace_constraints", "mapspace", "constraints"]
    {
        let Some(section) = root.get(key) else { continue };
        let list = section.any(&["targets", "constraints"]).unwrap_or(section);
        if matches!(list.value, Value::Map(_)) && list.get("template").is_some() {
            continue;
        }
        for item in list.items()? {
            let kind_node = item.need("type")?;
            let kind = kind_node.text()?;
            if matches!(kind, "utilization" | "parallelism") {
                push(item, Rule::Parallelism(item.need("min")?.number()?), architecture, problem, into)?;
                continue;
            }
            let target_node = item.any(&["target", "name"]).map_or_else(|| item.need("target"), Ok)?;
            let mut target = target_node.text()?.to_string();
            let fanout = read.fanouts.iter().find(|(name, _)| *name == target);
            if let Some(&(_, level)) = fanout {
                if kind != "spatial" {
                    // A fan-out neither loops in time nor stores.
                    continue;
                }
                target.clone_from(&architecture.levels[level].name);
            }
            architecture.level(&target).map_err(|e| target_node.place_error(e))?;
            let kind = match kind {
                "temporal" | "spatial" => kind,
                "datatype" | "bypass" | "bypassing" | "dataspace" => "dataspace",
                other => {
                    return Err(kind_node.error(
                        format!("unknown constraint type \"{other}\""),
                        did_you_mean(other, ["temporal", "spatial", "bypass", "dataspace", "utilization"]),
                    ));
                }
            };
            let rule = rule(item, kind, target, problem)?;
            push(item, rule, architecture, problem, into)?;
        }
    }
    Ok(())
}

/// Adds the rules of a node's own `constraints:` (v0.4).
pub(crate) fn read_component(
    node: &Node,
    owner: Owner,
    architecture: &Architecture,
    problem: &Problem,
    into: &mut Constraints,
) -> Result<()> {
    let name = |level: usize| architecture.levels[level].name.clone();
    let (own, mesh) = match owner {
        Owner::Level { level, above } => (Some(level), above),
        Owner::Fanout(above) | Owner::Arithmetic(above) => (None, Some(above)),
    };
    for (key, item) in node.entries()? {
        let (kind, level) = match key.as_str() {
            "temporal" => ("temporal", own),
            "dataspace" | "bypass" | "datatype" => ("dataspace", own),
            "spatial" => ("spatial", mesh),
            other => {
                return Err(item.error(
                    format!("unknown constraint \"{other}\""),
                    did_you_mean(other, ["temporal", "spatial", "dataspace"]),
                ));
            }
        };
        let Some(level) = level else { continue };
        let mut rule = rule(item, kind, name(level), problem)?;
        if let Rule::Keep { keep, bypass, .. } = &mut rule
            && bypass.is_empty()
        {
            // Here, unlike in the sections, what is kept is all that is kept.
            let others = problem.spaces.iter().map(|space| &space.name).filter(|name| !keep.contains(name));
            if !keep.is_empty() {
                *bypass = others.cloned().collect();
            }
        }
        push(item, rule, architecture, problem, into)?;
    }
    Ok(())
}

/// Adds the rules of the levels between fan-outs: nothing stored, no loops.
pub(crate) fn pass_through(read: &ReadArchitecture, problem: &Problem, into: &mut Constraints) {
    for &level in &read.pass_through {
        let target = &read.architecture.levels[level].name;
        into.rules.push(Rule::Keep {
            target: target.clone(),
            keep: Vec::new(),
            bypass: problem.spaces.iter().map(|space| space.name.clone()).collect(),
        });
        into.rules.push(Rule::Temporal {
            target: target.clone(),
            factors: problem.dims.iter().map(|dim| (dim.clone(), Factor::Exactly(1))).collect(),
            innermost: Vec::new(),
            outermost: Vec::new(),
        });
    }
}

fn push(
    node: &Node,
    rule: Rule,
    architecture: &Architecture,
    problem: &Problem,
    into: &mut Constraints,
) -> Result<()> {
    into.rules.push(rule);
    // Compiling after each rule puts a contradiction at the rule that makes it.
    into.compile(architecture, problem).map_err(|e| node.place_error(e))?;
    Ok(())
}

fn rule(node: &Node, kind: &str, target: String, problem: &Problem) -> Result<Rule> {
    for unsupported in
        ["no_reuse", "no_temporal_reuse", "no_multicast_no_reduction", "rmw_first_update", "no_coalesce"]
    {
        if let Some(list) = node.get(unsupported)
            && !list.words()?.is_empty()
        {
            return Err(list.error(
                format!("\"{unsupported}\" is not modelled"),
                "remove it: reuse, multicast and first-read elision are always on",
            ));
        }
    }
    if kind == "dataspace" {
        let list = |key: &str| -> Result<Vec<String>> {
            let Some(list) = node.get(key) else { return Ok(Vec::new()) };
            let names = list.words()?;
            for name in &names {
                problem.space(name).map_err(|e| list.place_error(e))?;
            }
            Ok(names)
        };
        return Ok(Rule::Keep { target, keep: list("keep")?, bypass: list("bypass")? });
    }
    let mut factors = Vec::new();
    for key in ["factors", "max_factors", "maximum_factors", "min_factors", "minimum_factors"] {
        let Some(list) = node.get(key) else { continue };
        for written in loops::factors(list, problem)? {
            let factor = match (key, written.factor) {
                ("max_factors" | "maximum_factors", Factor::Exactly(n)) => Factor::AtMost(n),
                ("min_factors" | "minimum_factors", Factor::Exactly(n)) => Factor::AtLeast(n),
                (_, factor) => factor,
            };
            factors.push((problem.dims[written.dim].clone(), factor));
        }
    }
    let (mut first, mut last) = (Vec::new(), Vec::new());
    if let Some(list) = node.get("permutation") {
        let (a, b) = loops::permutation(list, problem)?;
        let names = |dims: Vec<u8>| dims.into_iter().map(|d| problem.dims[d as usize].clone()).collect();
        (first, last) = (names(a), names(b));
    }
    if kind == "spatial" {
        let split = node.get("split").map(|n| n.whole()).transpose()?.map(|s| s as usize);
        first.extend(last);
        return Ok(Rule::Spatial { target, factors, permutation: first, split });
    }
    Ok(Rule::Temporal { target, factors, innermost: first, outermost: last })
}
