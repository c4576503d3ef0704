//! The `architecture:` section: subtrees with local components (v0.3) or tagged nodes (v0.4).
use std::rc::Rc;

use super::document::Node;
use super::tables::Tables;
use crate::error::{Result, did_you_mean};
use crate::timeloop::architecture::{AccessEnergy, Architecture, Arithmetic, Level};

const STORAGE: [&str; 11] = [
    "DRAM",
    "SRAM",
    "regfile",
    "SRAM_metadata",
    "smartbuffer",
    "smartbuffer_SRAM",
    "smartbuffer_RF",
    "smartbuffer_metadata",
    "simple_smartbuffer",
    "storage",
    "dummy_storage",
];
const COMPUTE: [&str; 8] = ["mac", "intmac", "fpmac", "compute", "intmac_8b", "mac_soft", "imac", "mac_unit"];
/// Attributes that give a component a size.
const SIZES: [&str; 5] = ["depth", "memory_depth", "data_storage_depth", "entries", "sizeKB"];
const NETWORK: [&str; 6] =
    ["XY_NoC", "Legacy", "ReductionTree", "SimpleMulticast", "reduction_tree", "simple_multicast"];

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

/// One component on the way in, outermost first.
struct Part {
    node: Rc<Node>,
    name: String,
    class: String,
    attributes: Vec<Rc<Node>>,
    instances: u64,
    mesh: Option<(u64, u64)>,
    /// A fan-out of its own (v0.4).
    fans_out: bool,
    container: bool,
}

/// Reads the architecture under `root`; `roots` are all files.
pub(crate) fn read(root: &Node, tables: &Tables, roots: &[Rc<Node>]) -> Result<ReadArchitecture> {
    let node = root.need("architecture")?;
    let mut parts = Vec::new();
    if node.get("subtree").is_some() || node.get("local").is_some() {
        subtree(node, 1, &[], &mut parts)?;
    } else if let Some(nodes) = node.get("nodes") {
        let mut state = Hierarchy { mesh: (1, 1), attributes: Vec::new() };
        hierarchy(nodes, &mut state, &mut parts)?;
    } else {
        return Err(node.error(
            "the architecture has neither `subtree:` (v0.3) nor `nodes:` (v0.4)",
            "give the components in one of the two forms",
        ));
    }
    build(node, parts, tables, &compound_classes(roots))
}

fn attribute<'a>(attributes: &'a [Rc<Node>], keys: &[&str]) -> Option<&'a Rc<Node>> {
    // The component's own attributes come last and win.
    attributes.iter().rev().find_map(|a| a.any(keys))
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

fn subtree(node: &Node, count: u64, outer: &[Rc<Node>], parts: &mut Vec<Part>) -> Result<()> {
    let mut attributes = outer.to_vec();
    if let Some(own) = node.get("attributes") {
        attributes.push(own.clone());
    }
    if let Some(local) = node.get("local") {
        for component in local.items()? {
            let (name, own) = indexed(component.need("name")?)?;
            let mut inherited = attributes.clone();
            if let Some(a) = component.get("attributes") {
                inherited.push(a.clone());
            }
            parts.push(Part {
                name,
                class: component.need("class")?.text()?.to_string(),
                instances: count.saturating_mul(own),
                mesh: None,
                attributes: inherited,
                node: component.clone(),
                fans_out: false,
                container: false,
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
        subtree(only, count.saturating_mul(own), &attributes, parts)?;
    }
    Ok(())
}

/// What the nodes so far hand to the next one.
struct Hierarchy {
    mesh: (u64, u64),
    attributes: Vec<Rc<Node>>,
}

fn hierarchy(list: &Node, state: &mut Hierarchy, parts: &mut Vec<Part>) -> Result<()> {
    for node in list.items()? {
        let kind = node.tag.as_deref().unwrap_or(if node.get("class").is_some() {
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
        let (name, count) = indexed(node.need("name")?)?;
        let mut fans_out = count > 1;
        state.mesh.0 = state.mesh.0.saturating_mul(count);
        if let Some(spatial) = node.get("spatial") {
            let axis = |keys: &[&str]| spatial.any(keys).map_or(Ok(1), |n| n.whole());
            let (x, y) = (axis(&["meshX", "mesh_x"])?, axis(&["meshY", "mesh_y"])?);
            fans_out |= x > 1 || y > 1;
            state.mesh = (state.mesh.0.saturating_mul(x), state.mesh.1.saturating_mul(y));
        }
        let own = node.get("attributes").cloned();
        let mut part = Part {
            name,
            class: String::new(),
            attributes: state.attributes.clone(),
            instances: state.mesh.0.saturating_mul(state.mesh.1),
            mesh: Some(state.mesh),
            node: node.clone(),
            fans_out,
            container: kind == "Container",
        };
        if part.container {
            state.attributes.extend(own);
        } else {
            part.class = node.need("class")?.text()?.to_string();
            part.attributes.extend(own);
        }
        parts.push(part);
    }
    Ok(())
}

fn is_storage(class: &str) -> bool {
    STORAGE.contains(&class) || class.ends_with("_storage") || class.to_ascii_uppercase().ends_with("DRAM")
}

fn is_compute(class: &str) -> bool {
    COMPUTE.contains(&class)
}

/// What a component is.
#[derive(PartialEq)]
enum Role {
    Storage,
    Compute,
    /// Networks and other helpers: nothing of the model.
    Other,
}

/// The role by class; a compound class that the files define is what its attributes and name say.
fn role(part: &Part, compound: &[String]) -> Result<Role> {
    if part.container {
        return Ok(Role::Other);
    }
    let class = part.class.as_str();
    if is_storage(class) {
        return Ok(Role::Storage);
    }
    if is_compute(class) {
        return Ok(Role::Compute);
    }
    if NETWORK.contains(&class) {
        return Ok(Role::Other);
    }
    if compound.iter().any(|name| name == class) {
        let sized = attribute(&part.attributes, &SIZES).is_some();
        return Ok(match (sized, class.to_ascii_lowercase().contains("mac")) {
            (_, true) => Role::Compute,
            (true, false) => Role::Storage,
            (false, false) => Role::Other,
        });
    }
    Err(part.node.need("class")?.error(
        format!("unknown class \"{class}\""),
        did_you_mean(class, STORAGE.into_iter().chain(COMPUTE).chain(NETWORK)),
    ))
}

/// Names of the classes that the files define themselves.
fn compound_classes(roots: &[Rc<Node>]) -> Vec<String> {
    let classes = |root: &Rc<Node>| -> Vec<String> {
        let list = root.get("compound_components").and_then(|section| section.get("classes"));
        let items = list.and_then(|list| list.items().ok()).unwrap_or_default();
        items.iter().filter_map(|item| Some(item.get("name")?.text().ok()?.to_string())).collect()
    };
    roots.iter().flat_map(classes).collect()
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
        let role = role(part, compound)?;
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
                levels.push(level(part, tables)?);
                nodes.push(part.node.clone());
            }
            Role::Compute if arithmetic.is_some() => {
                return Err(part
                    .node
                    .error("a second arithmetic component", "an architecture has one compute class"));
            }
            Role::Compute => {
                constraints.extend(own.zip(above).map(|(c, above)| (c, Owner::Arithmetic(above))));
                arithmetic = Some((mac(part, tables)?, part.node.clone()));
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
            format!("add one at the innermost place, with a class of: {}", COMPUTE.join(", ")),
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

/// Instances and meshX of a component.
fn mesh(part: &Part) -> Result<(u64, u64)> {
    if let Some((x, y)) = part.mesh {
        return Ok((x.saturating_mul(y), x));
    }
    let own = |keys: &[&str]| attribute(&part.attributes, keys).map(|n| n.whole()).transpose();
    let (instances, x, y) = (own(&["instances"])?, own(&["meshX", "mesh_x"])?, own(&["meshY", "mesh_y"])?);
    let count = instances.unwrap_or(part.instances);
    let fault = |n: u64, what: &str| {
        part.node.error(
            format!("\"{}\": {count} instances do not divide by {what} = {n}", part.name),
            "meshX times meshY is the number of instances",
        )
    };
    match (x, y) {
        (Some(0), _) => Err(fault(0, "meshX")),
        (_, Some(0)) => Err(fault(0, "meshY")),
        (Some(x), Some(y)) if x.saturating_mul(y) != count => {
            Err(fault(x.saturating_mul(y), "meshX * meshY"))
        }
        (Some(x), _) if !count.is_multiple_of(x) => Err(fault(x, "meshX")),
        (Some(x), _) => Ok((count, x)),
        (None, Some(y)) if !count.is_multiple_of(y) => Err(fault(y, "meshY")),
        (None, Some(y)) => Ok((count, count / y)),
        (None, None) => Ok((count, count)),
    }
}

fn level(part: &Part, tables: &Tables) -> Result<Level> {
    let find = |keys: &[&str]| attribute(&part.attributes, keys);
    let whole = |keys: &[&str]| find(keys).map(|n| n.whole()).transpose();
    let number = |keys: &[&str]| find(keys).map(|n| n.number()).transpose();
    let dram = part.class.to_ascii_uppercase().ends_with("DRAM");
    let word_bits = whole(&["word_bits", "word_width", "datawidth"])?.unwrap_or(16);
    let mut block = whole(&["block_size", "n_words"])?;
    let cluster = whole(&["cluster_size"])?;
    let width = whole(&["width", "memory_width", "data_storage_width"])?;
    for (value, keys) in [
        (Some(word_bits), &["word_bits", "word_width", "datawidth"][..]),
        (block, &["block_size", "n_words"]),
        (cluster, &["cluster_size"]),
        (width, &["width", "memory_width", "data_storage_width"]),
    ] {
        if value == Some(0) {
            let node = find(keys).unwrap_or(&part.node);
            return Err(node.error(format!("\"{}\" has {} 0", part.name, keys[0]), "it is at least 1"));
        }
    }
    let mut cluster = cluster.unwrap_or(1);
    if let Some(width) = width {
        let unit = word_bits.saturating_mul(block.unwrap_or(1));
        if !width.is_multiple_of(unit) {
            return Err(part.node.error(
                format!(
                    "\"{}\": width {width} is not a multiple of {unit} (word bits times block size)",
                    part.name
                ),
                "make the width a multiple",
            ));
        }
        match block {
            None => block = Some((width / cluster / word_bits).max(1)),
            Some(_) => cluster = width / unit,
        }
    }
    let block = block.unwrap_or(1);
    let depth = whole(&["depth", "memory_depth", "data_storage_depth"])?;
    let size = match (whole(&["entries"])?, number(&["sizeKB"])?, depth) {
        (Some(entries), _, _) => Some(entries),
        (None, Some(kb), _) => Some((kb * 1024.0 * 8.0 / word_bits as f64) as u64),
        (None, None, Some(depth)) => Some(depth.saturating_mul(block).saturating_mul(cluster)),
        (None, None, None) => None,
    };
    if size.is_none() && !dram && part.class != "dummy_storage" {
        return Err(part.node.error(
            format!("\"{}\" ({}) has no size", part.name, part.class),
            "give depth (and width), entries or sizeKB; only DRAM is unlimited",
        ));
    }
    let (instances, mesh_x) = mesh(part)?;
    let limit = |keys: &[&str]| -> Result<Option<f64>> {
        let value = number(keys)?;
        if value.is_some_and(|v| v <= 0.0) {
            let node = find(keys).unwrap_or(&part.node);
            return Err(node.error(
                format!("\"{}\" has {} {}", part.name, keys[0], value.unwrap_or(0.0)),
                "a bandwidth is positive (words per cycle); leave it out for no limit",
            ));
        }
        Ok(value)
    };
    let both = limit(&["bandwidth"])?.map(|b| b / 2.0);
    let given = number(&["vector_access_energy"])?;
    let fallback = if tables.any_energy {
        0.0
    } else {
        public_access_energy(dram, width.unwrap_or(word_bits * block), size, word_bits)
    };
    let entry = |actions: &[&str]| given.or_else(|| tables.energy(&part.name, actions)).unwrap_or(fallback);
    Ok(Level {
        name: part.name.clone(),
        size_words: size,
        multiple_buffering: number(&["multiple_buffering"])?.unwrap_or(1.0),
        min_utilization: number(&["min_utilization"])?.unwrap_or(0.0),
        word_bits,
        block_size: block,
        instances,
        mesh_x,
        read_bandwidth: limit(&["read_bandwidth"])?.or(both),
        write_bandwidth: limit(&["write_bandwidth"])?.or(both),
        shared_bandwidth: limit(&["shared_bandwidth"])?,
        energy: AccessEnergy {
            read_pj: entry(&["read", "random_read"]),
            fill_pj: entry(&["write", "random_fill", "fill", "random_write"]),
            update_pj: entry(&["update", "random_update", "write", "random_fill", "fill"]),
            leak_pj: tables.energy(&part.name, &["leak"]).unwrap_or(0.0),
        },
        area_um2: tables.area(&part.name).unwrap_or(0.0),
    })
}

fn mac(part: &Part, tables: &Tables) -> Result<Arithmetic> {
    let (instances, mesh_x) = mesh(part)?;
    let bits = attribute(&part.attributes, &["datawidth", "word_bits", "word_width", "multiplier_width"]);
    let word_bits = bits.map_or(Ok(16), |n| n.whole())?;
    // Without tables: 1 pJ for a 16-bit operation, growing with both operands' bits.
    let fallback = if tables.any_energy { 0.0 } else { (word_bits as f64 / 16.0).powi(2) };
    Ok(Arithmetic {
        name: part.name.clone(),
        word_bits,
        instances,
        mesh_x,
        compute_pj: tables.energy(&part.name, &["compute", "mac_random", "mac"]).unwrap_or(fallback),
        leak_pj: tables.energy(&part.name, &["leak"]).unwrap_or(0.0),
        area_um2: tables.area(&part.name).unwrap_or(0.0),
    })
}

/// Access energy in pJ of Timeloop's public technology model, used where no reference table is given.
fn public_access_energy(dram: bool, width_bits: u64, size: Option<u64>, word_bits: u64) -> f64 {
    let scale = width_bits as f64 / 16.0;
    match size {
        Some(words) if !dram => {
            let kb = words as f64 * word_bits as f64 / 8.0 / 1024.0;
            ((1.0 + 5.0 / 99.5 * (kb - 0.5)) * scale).max(0.0)
        }
        _ => 200.0 * scale,
    }
}
