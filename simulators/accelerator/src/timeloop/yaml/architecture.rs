//! The `architecture:` section: subtrees with local components (v0.3) or tagged nodes (v0.4).
use std::rc::Rc;

use super::component::{Part, Role, compound_classes};
use super::document::{Node, Value};
use super::expression::Scope;
use super::tables::Tables;
use crate::error::{Result, did_you_mean};
use crate::timeloop::architecture::{Architecture, Level};

/// The architecture and what stands at its nodes (v0.4).
pub(crate) struct ReadArchitecture {
    pub architecture: Architecture,
    /// The constraints of components and of fan-outs.
    pub constraints: Vec<(Rc<Node>, Owner)>,
    /// Names that stand for a fan-out, and the level whose spatial block it is: containers, and Timeloop's
    /// `inter_NAME_spatial`.
    pub fanouts: Vec<(String, usize)>,
    /// Levels between two fan-outs: they store nothing and loop over nothing.
    pub pass_through: Vec<usize>,
}

/// Whose constraints they are.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Owner {
    /// A storage level; its spatial constraints speak of the fan-out above it.
    Level { level: usize, above: Option<usize> },
    /// A container with a fan-out in the spatial block of this level.
    Fanout(usize),
    /// The arithmetic, below the fan-out in the spatial block of this level.
    Arithmetic(usize),
}

/// Timeloop's name of the level above a fan-out.
fn between(name: &str) -> String {
    format!("inter_{name}_spatial")
}

/// Reads the architecture under `root`; `roots` are all files.
pub(crate) fn read(root: &Node, tables: &Tables, roots: &[Rc<Node>]) -> Result<ReadArchitecture> {
    let node = root.any(&["architecture", "arch"]).map_or_else(|| root.need("architecture"), Ok)?;
    let mut parts = Vec::new();
    let variables = variables(roots);
    if node.get("storage").is_some() {
        list(node, &variables, &mut parts)?;
    } else if node.get("subtree").is_some() || node.get("local").is_some() {
        subtree(node, 1, &variables, variables.len(), &mut parts)?;
    } else if let Some(nodes) = node.get("nodes") {
        let mut state = Hierarchy { mesh: (1, 1), variables: variables.len(), names: variables };
        hierarchy(nodes, &mut state, &mut parts)?;
    } else {
        return Err(node.error(
            "the architecture has neither `subtree:` (v0.3) nor `nodes:` (v0.4) nor `storage:` (the list of before)",
            "give the components in one of these forms",
        ));
    }
    build(node, parts, tables, &compound_classes(roots))
}

/// The `variables:` of all files (v0.4: every section with that word in its name).
pub(crate) fn variables(roots: &[Rc<Node>]) -> Vec<Rc<Node>> {
    let sections = roots.iter().filter_map(|root| match &root.value {
        Value::Map(sections) => Some(sections),
        _ => None,
    });
    let named = sections.flatten().filter(|(key, _)| key.contains("variables"));
    named.map(|(_, section)| section.clone()).collect()
}

/// `name[0..n]` gives the name and `n + 1`.
fn indexed(node: &Node) -> Result<(String, u64)> {
    let text = node.text()?;
    let Some((name, rest)) = text.split_once('[') else { return Ok((text.to_string(), 1)) };
    let range = rest.strip_suffix(']').and_then(|r| r.split_once(".."));
    match range.and_then(|(a, b)| Some((a.trim().parse::<u64>().ok()?, b.trim().parse::<u64>().ok()?))) {
        Some((from, to)) if to >= from && to - from < u64::from(u32::MAX) => {
            Ok((name.to_string(), to - from + 1))
        }
        _ => Err(node.error(
            format!("\"{text}\" is not a name with an index range"),
            "write name[0..13] for 14 instances (the second index is not below the first)",
        )),
    }
}

/// The list form of before version 0.3: `arithmetic:` and `storage:`, innermost first, with their counts.
fn list(node: &Node, variables: &[Rc<Node>], parts: &mut Vec<Part>) -> Result<()> {
    let mut part = |item: &Rc<Node>, name: String, class: &str| {
        let mut names = variables.to_vec();
        names.push(item.clone());
        parts.push(Part {
            name,
            class: class.to_owned(),
            instances: 1,
            mesh: None,
            names,
            variables: variables.len(),
            node: item.clone(),
            fans_out: false,
            container: false,
            public: true,
        });
    };
    for item in node.need("storage")?.items()?.iter().rev() {
        let is = |key: &str| {
            item.get(key)
                .and_then(|value| value.text().ok())
                .is_some_and(|text| text.eq_ignore_ascii_case("DRAM"))
        };
        let class = if is("technology") || is("class") { "DRAM" } else { "SRAM" };
        part(item, item.need("name")?.text()?.to_owned(), class);
    }
    let arithmetic = node.need("arithmetic")?;
    let name = arithmetic.get("name").map_or(Ok("MAC"), |name| name.text())?;
    part(arithmetic, name.to_owned(), "intmac");
    Ok(())
}

fn subtree(
    node: &Node,
    count: u64,
    outer: &[Rc<Node>],
    variables: usize,
    parts: &mut Vec<Part>,
) -> Result<()> {
    let mut names = outer.to_vec();
    names.extend(node.get("attributes").cloned());
    if let Some(local) = node.get("local") {
        for component in local.items()? {
            let (name, own) = indexed(component.need("name")?)?;
            let mut inherited = names.clone();
            inherited.extend(component.get("attributes").cloned());
            if !is_enabled(component)? {
                continue;
            }
            parts.push(Part {
                name,
                class: component.need("class")?.text()?.to_string(),
                instances: count.saturating_mul(own),
                mesh: None,
                names: inherited,
                variables,
                node: component.clone(),
                fans_out: false,
                container: false,
                public: false,
            });
        }
    }
    if let Some(inner) = node.get("subtree") {
        let items = inner.items()?;
        let [only] = items else {
            return Err(inner.error(
                format!("{} subtrees side by side", items.len()),
                "a hierarchy has one subtree at each depth",
            ));
        };
        let own = match only.get("name") {
            Some(name) => indexed(name)?.1,
            None => 1,
        };
        subtree(only, count.saturating_mul(own), &names, variables, parts)?;
    }
    Ok(())
}

fn is_enabled(node: &Node) -> Result<bool> {
    node.get("enabled").map_or(Ok(true), |enabled| enabled.truth())
}

/// What the nodes so far hand to the next one.
struct Hierarchy {
    mesh: (u64, u64),
    /// Variables and the attributes of containers.
    names: Vec<Rc<Node>>,
    variables: usize,
}

fn hierarchy(list: &Node, state: &mut Hierarchy, parts: &mut Vec<Part>) -> Result<()> {
    for node in list.items()? {
        let kind = node.tag.as_deref().unwrap_or(if node.get("nodes").is_some() {
            "Hierarchical"
        } else if node.get("class").is_some() {
            "Component"
        } else {
            "Container"
        });
        match kind {
            "Hierarchical" | "Parallel" | "Pipelined" => {
                hierarchy(node.need("nodes")?, state, parts)?;
                continue;
            }
            "Nothing" => continue,
            "Container" | "Component" => {}
            other => {
                return Err(node.error(
                    format!("unknown node kind !{other}"),
                    did_you_mean(other, ["Container", "Component", "Hierarchical", "Parallel"]),
                ));
            }
        }
        if !is_enabled(node)? {
            continue;
        }
        let (name, count) = indexed(node.need("name")?)?;
        let mut names = state.names.clone();
        names.extend(node.get("attributes").cloned());
        let mut fans_out = count > 1;
        state.mesh.0 = state.mesh.0.saturating_mul(count);
        if let Some(spatial) = node.get("spatial") {
            let scope = Scope { maps: &names };
            let axis = |keys: &[&str]| match spatial.any(keys) {
                None => Ok(1),
                Some(size) => match scope.whole(size)? {
                    0 => {
                        Err(size
                            .error(format!("\"{name}\" has {} 0", keys[0]), "a mesh has at least 1 instance"))
                    }
                    size => Ok(size),
                },
            };
            let (x, y) = (axis(&["meshX", "mesh_x"])?, axis(&["meshY", "mesh_y"])?);
            fans_out |= x > 1 || y > 1;
            state.mesh = (state.mesh.0.saturating_mul(x), state.mesh.1.saturating_mul(y));
        }
        let container = kind == "Container";
        let class = if container { String::new() } else { node.need("class")?.text()?.to_string() };
        if container {
            state.names.clone_from(&names);
        }
        parts.push(Part {
            name,
            class,
            names,
            variables: state.variables,
            instances: state.mesh.0.saturating_mul(state.mesh.1),
            mesh: Some(state.mesh),
            node: node.clone(),
            fans_out,
            container,
            public: false,
        });
    }
    Ok(())
}

fn build(root: &Node, parts: Vec<Part>, tables: &Tables, compound: &[String]) -> Result<ReadArchitecture> {
    let mut levels: Vec<Level> = Vec::new();
    let mut nodes = Vec::new();
    // Levels are counted from the outside here and from the inside later.
    let mut constraints = Vec::new();
    let mut fanouts = Vec::new();
    let mut pass_through = Vec::new();
    let mut arithmetic = None;
    // The mesh of a fan-out that no level has taken up yet.
    let mut pending: Option<(u64, u64)> = None;
    for part in &parts {
        let role = part.role(compound)?;
        if part.fans_out && (part.container || role != Role::Other) {
            if let Some((x, y)) = pending.take() {
                // Two fan-outs in a row need a level between them.
                pass_through.push(levels.len());
                levels.push(Level {
                    name: between(&part.name),
                    instances: x.saturating_mul(y),
                    mesh_x: x,
                    ..Level::default()
                });
                nodes.push(part.node.clone());
            }
            if let Some(above) = levels.len().checked_sub(1) {
                fanouts.push((between(&part.name), above));
                if part.container {
                    fanouts.push((part.name.clone(), above));
                }
            }
            pending = part.mesh;
        }
        let own = part.node.get("constraints").cloned();
        let above = levels.len().checked_sub(1);
        match role {
            Role::Storage => {
                pending = None;
                constraints.extend(own.map(|c| (c, Owner::Level { level: levels.len(), above })));
                let level = part.level(tables)?;
                levels.push(if level.size_words == Some(0) {
                    // A memory without entries stores nothing: a point where the mesh fans out.
                    pass_through.push(levels.len());
                    let (name, instances, mesh_x) = (level.name, level.instances, level.mesh_x);
                    Level { name, instances, mesh_x, word_bits: level.word_bits, ..Level::default() }
                } else {
                    level
                });
                nodes.push(part.node.clone());
            }
            Role::Compute if arithmetic.is_some() => {
                return Err(part
                    .node
                    .error("a second arithmetic component", "an architecture has one compute class"));
            }
            Role::Compute => {
                constraints.extend(own.zip(above).map(|(c, above)| (c, Owner::Arithmetic(above))));
                arithmetic = Some((part.arithmetic(tables)?, part.node.clone()));
            }
            Role::Other if part.fans_out => {
                constraints.extend(own.zip(above).map(|(c, above)| (c, Owner::Fanout(above))));
            }
            Role::Other => {}
        }
    }
    let Some((arithmetic, mac_node)) = arithmetic else {
        return Err(root.error(
            "no arithmetic component",
            "add one at the innermost place, with the class mac, intmac, fpmac or compute",
        ));
    };
    levels.reverse();
    nodes.reverse();
    nodes.push(mac_node);
    let name = root.get("name").and_then(|n| n.text().ok()).unwrap_or("architecture").to_string();
    let architecture =
        Architecture { name, levels, arithmetic }.checked().map_err(|e| blame(&nodes, root, e))?;
    let inner = |level: usize| architecture.levels.len() - 1 - level;
    let constraints = constraints.into_iter().map(|(node, owner)| {
        let owner = match owner {
            Owner::Level { level, above } => Owner::Level { level: inner(level), above: above.map(inner) },
            Owner::Fanout(level) => Owner::Fanout(inner(level)),
            Owner::Arithmetic(level) => Owner::Arithmetic(inner(level)),
        };
        (node, owner)
    });
    Ok(ReadArchitecture {
        constraints: constraints.collect(),
        fanouts: fanouts.into_iter().map(|(name, level)| (name, inner(level))).collect(),
        pass_through: pass_through.into_iter().map(inner).collect(),
        architecture,
    })
}

/// Puts an error that names a level in quotes at that level's node.
fn blame(nodes: &[Rc<Node>], root: &Node, error: crate::Error) -> crate::Error {
    let text = error.to_string();
    let named = nodes.iter().find(|n| {
        n.get("name")
            .and_then(|n| n.text().ok())
            .is_some_and(|name| text.contains(&format!("\"{}\"", name.split('[').next().unwrap_or(name))))
    });
    named.map_or_else(|| root.place_error(error.clone()), |node| node.place_error(error.clone()))
}
