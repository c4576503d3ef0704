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
    // Several sections may stand beside each other: `architecture_constraints`, `mapspace_constraints`, `constraints_1`.
    let Value::Map(sections) = &root.value else { return Ok(()) };
    for (key, section) in sections {
        if !key.contains("constraints") && key != "mapspace" {
            continue;
        }
        let mut list = section.any(&["targets", "constraints"]).unwrap_or(section);
        // Files of before YAML may have several lists, one of which is named.
        if let Value::Scalar(name) = &list.value {
            list = section.get(&format!("constraints_{}", name.replace('-', "_"))).ok_or_else(|| {
                list.error(format!("there is no list `constraints_{name}`"), "write it beside this line")
            })?;
        }
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

/// What a constraint on loops may say.
const LOOPS: [&str; 16] = [
    "type",
    "target",
    "name",
    "factors",
    "factors_only",
    "max_factors",
    "maximum_factors",
    "min_factors",
    "minimum_factors",
    "default_max_factor",
    "default_min_factor",
    "no_iteration_over_dataspaces",
    "must_iterate_over_dataspaces",
    "permutation",
    "split",
    // There are no link transfers unless they are asked for.
    "no_link_transfer",
];
/// What a constraint on data spaces may say.
const SPACES: [&str; 7] = ["type", "target", "name", "keep", "bypass", "keep_only", "bypass_only"];
/// What is not modelled; a list of data spaces, fine where it is empty.
const UNMODELLED: [&str; 8] = [
    "no_reuse",
    "no_temporal_reuse",
    "no_multicast_no_reduction",
    "rmw_first_update",
    "rmw_on_first_writeback",
    "passthrough_on_first_writeback",
    "no_coalesce",
    "maximize_dims",
];

/// Refuses what would change the mappings without a word.
fn refuse_unknown(node: &Node, known: &[&str]) -> Result<()> {
    for (key, value) in node.entries()? {
        if UNMODELLED.contains(&key.as_str()) {
            if matches!(&value.value, Value::List(items) if items.is_empty()) {
                continue;
            }
            let remedy = match key.as_str() {
                "maximize_dims" => "write the factors that it stands for",
                _ => "remove it: reuse, multicast and first-read elision are always on",
            };
            return Err(value.error(format!("\"{key}\" is not modelled"), remedy));
        }
        if !known.contains(&key.as_str()) {
            return Err(value.error(
                format!("unknown key \"{key}\" in a constraint"),
                did_you_mean(key, known.iter().copied()),
            ));
        }
    }
    Ok(())
}

/// The dimensions that the data spaces in a list depend on.
fn dims_of(list: &Node, problem: &Problem) -> Result<Vec<usize>> {
    let mut dims = Vec::new();
    for name in list.words()? {
        let space = problem.space(&name).map_err(|e| list.place_error(e))?;
        dims.extend(problem.spaces[space].ranks.iter().flatten().map(|term| term.dim));
    }
    Ok(dims)
}

fn rule(node: &Node, kind: &str, target: String, problem: &Problem) -> Result<Rule> {
    if kind == "dataspace" {
        refuse_unknown(node, &SPACES)?;
        let list = |key: &str| -> Result<Option<Vec<String>>> {
            let Some(list) = node.get(key) else { return Ok(None) };
            let names = list.words()?;
            for name in &names {
                problem.space(name).map_err(|e| list.place_error(e))?;
            }
            Ok(Some(names))
        };
        let others = |names: &[String]| -> Vec<String> {
            problem
                .spaces
                .iter()
                .map(|space| space.name.clone())
                .filter(|name| !names.contains(name))
                .collect()
        };
        let (mut keep, mut bypass) = (list("keep")?.unwrap_or_default(), list("bypass")?.unwrap_or_default());
        if let Some(only) = list("keep_only")? {
            bypass.extend(others(&only));
            keep.extend(only);
        }
        if let Some(only) = list("bypass_only")? {
            keep.extend(others(&only));
            bypass.extend(only);
        }
        return Ok(Rule::Keep { target, keep, bypass });
    }
    refuse_unknown(node, &LOOPS)?;
    let mut factors = Vec::new();
    let mut open: Vec<usize> = (0..problem.dims.len()).collect();
    for key in ["factors", "factors_only", "max_factors", "maximum_factors", "min_factors", "minimum_factors"]
    {
        let Some(list) = node.get(key) else { continue };
        for written in loops::factors(list, problem)? {
            let factor = match (key, written.factor) {
                ("max_factors" | "maximum_factors", Factor::Exactly(n)) => Factor::AtMost(n),
                ("min_factors" | "minimum_factors", Factor::Exactly(n)) => Factor::AtLeast(n),
                (_, factor) => factor,
            };
            open.retain(|&dim| dim != written.dim);
            factors.push((problem.dims[written.dim].clone(), factor));
        }
    }
    // The defaults speak of dimensions that have no factor of their own.
    for (key, limit) in [
        ("default_max_factor", Factor::AtMost as fn(u32) -> Factor),
        ("default_min_factor", Factor::AtLeast as fn(u32) -> Factor),
    ] {
        let Some(number) = node.get(key) else { continue };
        let number_u32 = u32::try_from(number.whole()?).unwrap_or(u32::MAX);
        factors.extend(open.iter().map(|&dim| (problem.dims[dim].clone(), limit(number_u32))));
    }
    let mut idle = if node.get("factors_only").is_some() { open } else { Vec::new() };
    if let Some(list) = node.get("no_iteration_over_dataspaces") {
        idle.extend(dims_of(list, problem)?);
    }
    if let Some(list) = node.get("must_iterate_over_dataspaces") {
        let moved = dims_of(list, problem)?;
        idle.extend((0..problem.dims.len()).filter(|dim| !moved.contains(dim)));
    }
    factors.extend(idle.into_iter().map(|dim| (problem.dims[dim].clone(), Factor::Exactly(1))));
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
