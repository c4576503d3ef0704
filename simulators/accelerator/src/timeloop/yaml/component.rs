//! One component of an architecture: what it is by its class, and its level or arithmetic by its attributes.
use std::rc::Rc;

use super::document::{Node, Value};
use super::expression::Scope;
use super::tables::Tables;
use crate::energy::{Component, DramKind, Estimate};
use crate::error::{Result, did_you_mean};
use crate::timeloop::architecture::{AccessEnergy, Arithmetic, Level};

/// Classes of storage; further ones join more words with `_`, as in `smartbuffer_SRAM`.
const STORAGE: [&str; 5] = ["DRAM", "SRAM", "regfile", "smartbuffer", "storage"];
/// Classes of arithmetic.
const COMPUTE: [&str; 5] = ["mac", "intmac", "fpmac", "imac", "compute"];
/// Classes that are no part of the model.
const OTHER: [&str; 18] = [
    "XY_NoC",
    "Legacy",
    "ReductionTree",
    "SimpleMulticast",
    "reduction_tree",
    "simple_multicast",
    "nothing",
    "wire",
    "adder",
    "intadder",
    "fpadder",
    "multiplier",
    "intmultiplier",
    "fpmultiplier",
    "comparator",
    "counter",
    "register",
    "crossbar",
];
/// Attributes that give a component a size.
const SIZES: [&str; 5] = ["depth", "memory_depth", "data_storage_depth", "entries", "sizeKB"];
/// Largest memory in words that is estimated as registers where its class does not say what it is.
const MOST_REGISTERS: u64 = 64;

/// One component on the way in, outermost first.
pub(super) struct Part {
    pub node: Rc<Node>,
    pub name: String,
    pub class: String,
    /// Variables of all files, then attributes, the component's own last.
    pub names: Vec<Rc<Node>>,
    /// How many of `names` are variables.
    pub variables: usize,
    pub instances: u64,
    pub mesh: Option<(u64, u64)>,
    /// A fan-out of its own (v0.4).
    pub fans_out: bool,
    pub container: bool,
    /// Energies without a table are those of the public technology model: the list form (`arch:`).
    pub public: bool,
}

/// What a component is.
#[derive(PartialEq)]
pub(super) enum Role {
    Storage,
    Compute,
    /// Networks and other helpers: nothing of the model.
    Other,
}

impl Part {
    /// An attribute; the component's own win over inherited ones.
    fn find(&self, keys: &[&str]) -> Option<&Rc<Node>> {
        self.names[self.variables..].iter().rev().find_map(|map| map.any(keys))
    }

    fn scope(&self) -> Scope<'_> {
        Scope { maps: &self.names }
    }

    fn whole(&self, keys: &[&str]) -> Result<Option<u64>> {
        self.find(keys).map(|node| self.scope().whole(node)).transpose()
    }

    fn number(&self, keys: &[&str]) -> Result<Option<f64>> {
        self.find(keys).map(|node| self.scope().number(node)).transpose()
    }

    fn is_dram(&self) -> bool {
        self.class.to_ascii_uppercase().ends_with("DRAM") || self.has_word(&["DRAM"])
    }

    /// Whether one of the words between the class's underscores is among these.
    fn has_word(&self, words: &[&str]) -> bool {
        self.class.split('_').any(|word| words.contains(&word))
    }

    /// The role by class; a compound class that the files define is what its attributes and name say.
    pub fn role(&self, compound: &[String]) -> Result<Role> {
        if self.container {
            return Ok(Role::Other);
        }
        let class = self.class.as_str();
        if self.has_word(&STORAGE) || self.is_dram() {
            return Ok(Role::Storage);
        }
        if self.has_word(&COMPUTE) {
            return Ok(Role::Compute);
        }
        if OTHER.contains(&class) {
            return Ok(Role::Other);
        }
        if compound.iter().any(|name| name == class) {
            let sized = self.find(&SIZES).is_some();
            return Ok(match (sized, class.to_ascii_lowercase().contains("mac")) {
                (_, true) => Role::Compute,
                (true, false) => Role::Storage,
                (false, false) => Role::Other,
            });
        }
        Err(self.node.need("class")?.error(
            format!("unknown class \"{class}\""),
            format!(
                "{} (a class of your own is defined under `compound_components: classes:`)",
                did_you_mean(class, STORAGE.into_iter().chain(COMPUTE).chain(OTHER))
            ),
        ))
    }

    /// Instances and meshX.
    fn mesh(&self) -> Result<(u64, u64)> {
        if let Some((x, y)) = self.mesh {
            return Ok((x.saturating_mul(y), x));
        }
        let count = self.whole(&["instances"])?.unwrap_or(self.instances);
        let (x, y) = (self.whole(&["meshX", "mesh_x"])?, self.whole(&["meshY", "mesh_y"])?);
        let fault = |n: u64, what: &str| {
            self.node.error(
                format!("\"{}\": {count} instances do not divide by {what} = {n}", self.name),
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

    /// Attributes that change numbers and are not modelled.
    fn refuse_unmodelled(&self) -> Result<()> {
        let refuse = |node: &Node, key: &str| {
            Err(node.error(
                format!("\"{}\": {key} is not modelled", self.name),
                "remove it for the numbers without it",
            ))
        };
        for key in ["router_energy", "wire_energy", "energy_per_hop", "energy_per_ingress", "addr_gen_energy"]
        {
            if let Some(node) = self.find(&[key])
                && self.scope().number(node)? > 0.0
            {
                return refuse(node, key);
            }
        }
        for key in ["network_read", "network_fill", "network_update", "network_drain"] {
            if let Some(node) = self.find(&[key]) {
                return refuse(node, key);
            }
        }
        if let Some(node) = self.find(&["power_gated_at"])
            && !matches!(node.text()?, "None" | "")
            && node.text()? != self.name
        {
            return refuse(node, "power_gated_at");
        }
        for (key, usual) in [("allow_overbooking", false), ("reduction_supported", true)] {
            if let Some(node) = self.find(&[key])
                && node.truth()? != usual
            {
                return refuse(node, &format!("{key}: {}", !usual));
            }
        }
        if let Some(scales) = self.find(&["per_dataspace_bandwidth_consumption_scale"]) {
            for (_, scale) in scales.entries()? {
                if self.scope().number(scale)? != 1.0 {
                    return refuse(scale, "per_dataspace_bandwidth_consumption_scale");
                }
            }
        }
        Ok(())
    }

    /// The storage level.
    pub fn level(&self, tables: &Tables) -> Result<Level> {
        self.refuse_unmodelled()?;
        let dram = self.is_dram();
        const WORD: [&str; 3] = ["word_bits", "word_width", "datawidth"];
        const BLOCK: [&str; 2] = ["block_size", "n_words"];
        const WIDTH: [&str; 3] = ["width", "memory_width", "data_storage_width"];
        let word_bits = self.whole(&WORD)?.unwrap_or(16);
        let (mut block, cluster, width) =
            (self.whole(&BLOCK)?, self.whole(&["cluster_size"])?, self.whole(&WIDTH)?);
        for (value, keys) in [
            (Some(word_bits), &WORD[..]),
            (block, &BLOCK[..]),
            (cluster, &["cluster_size"][..]),
            (width, &WIDTH[..]),
        ] {
            if value == Some(0) {
                let node = self.find(keys).unwrap_or(&self.node);
                return Err(node.error(format!("\"{}\" has {} 0", self.name, keys[0]), "it is at least 1"));
            }
        }
        let mut cluster = cluster.unwrap_or(1);
        if let Some(width) = width {
            let unit = word_bits.saturating_mul(block.unwrap_or(1));
            let asked = if block.is_some() { 1 } else { cluster };
            if !width.is_multiple_of(unit.saturating_mul(asked)) {
                return Err(self.node.error(
                    format!(
                        "\"{}\": width {width} is not a multiple of {} (word bits times block or cluster size)",
                        self.name,
                        unit.saturating_mul(asked)
                    ),
                    "make the width a multiple",
                ));
            }
            match block {
                None => block = Some(width / cluster / word_bits),
                Some(_) if cluster > 1 && cluster != width / unit => {
                    return Err(self.node.error(
                        format!(
                            "\"{}\": block size times word bits times cluster size is not the width {width}",
                            self.name
                        ),
                        "leave out one of block_size and cluster_size",
                    ));
                }
                Some(_) => cluster = width / unit,
            }
        }
        let block = block.unwrap_or(1);
        let depth = self.whole(&["depth", "memory_depth", "data_storage_depth"])?;
        // The instances of a cluster share its depth, each has its own columns.
        let size = match (self.whole(&["entries"])?, self.number(&["sizeKB"])?, depth) {
            (Some(entries), _, _) => Some(entries),
            (None, _, Some(depth)) => Some(depth.saturating_mul(block)),
            (None, Some(kb), None) => Some((kb * 1024.0 * 8.0 / word_bits as f64) as u64),
            (None, None, None) => None,
        };
        if size.is_none() && !dram && self.class != "dummy_storage" {
            return Err(self.node.error(
                format!("\"{}\" ({}) has no size", self.name, self.class),
                "give depth (and width), entries or sizeKB; only DRAM is unlimited",
            ));
        }
        let (instances, mesh_x) = self.mesh()?;
        let limit = |keys: &[&str]| -> Result<Option<f64>> {
            let value = self.number(keys)?;
            if value.is_some_and(|v| v <= 0.0) {
                let node = self.find(keys).unwrap_or(&self.node);
                return Err(node.error(
                    format!("\"{}\" has {} {}", self.name, keys[0], value.unwrap_or(0.0)),
                    "a bandwidth is positive (words per cycle); leave it out for no limit",
                ));
            }
            Ok(value)
        };
        let both = limit(&["bandwidth"])?.map(|b| b / 2.0);
        let latency = |key: &str| self.whole(&[key]).map(|cycles| cycles.unwrap_or(0));
        let memory = Memory { dram, size, word_bits, block, cluster };
        let without_tables = if tables.any_energy || self.public || self.class == "dummy_storage" {
            memory.public(dram)
        } else {
            self.estimate_memory(&memory)?
        };
        let given = self.number(&["vector_access_energy"])?;
        let entry = |actions: &[&str], fallback: f64| {
            given.or_else(|| tables.energy(&self.name, actions)).unwrap_or(fallback)
        };
        let area = match self.number(&["cluster_area"])? {
            Some(area) => Some(area / cluster as f64),
            None => tables.area(&self.name),
        };
        let estimated_area = if tables.any_energy || tables.any_area { 0.0 } else { without_tables.area_um2 };
        Ok(Level {
            name: self.name.clone(),
            size_words: size,
            multiple_buffering: self.number(&["multiple_buffering"])?.unwrap_or(1.0),
            min_utilization: self.number(&["min_utilization"])?.unwrap_or(0.0),
            word_bits,
            block_size: block,
            cluster_size: cluster,
            instances,
            mesh_x,
            read_bandwidth: limit(&["read_bandwidth"])?.or(both),
            write_bandwidth: limit(&["write_bandwidth"])?.or(both),
            shared_bandwidth: limit(&["shared_bandwidth"])?,
            network_latency: latency("network_fill_latency")?
                .saturating_add(latency("network_drain_latency")?),
            // The reference's order of names for each action.
            energy: AccessEnergy {
                read_pj: entry(&["random_read", "read"], without_tables.read_pj),
                fill_pj: entry(&["random_fill", "random_write", "fill", "write"], without_tables.write_pj),
                update_pj: entry(
                    &["random_update", "random_write", "update", "write"],
                    without_tables.write_pj,
                ),
                leak_pj: tables.energy(&self.name, &["leak"]).unwrap_or(0.0),
            },
            area_um2: area.unwrap_or(estimated_area),
        })
    }

    /// The arithmetic. Its leakage is in no total of the reference, so it is not read.
    pub fn arithmetic(&self, tables: &Tables) -> Result<Arithmetic> {
        let (instances, mesh_x) = self.mesh()?;
        let bits = self.whole(&["datawidth", "word_bits", "word_width", "multiplier_width"])?;
        let word_bits = bits.unwrap_or(16);
        let without_tables = if tables.any_energy || self.public {
            // The public technology model: 1 pJ for a 16-bit operation, growing with both operands' bits.
            let energy = (word_bits as f64 / 16.0).powi(2);
            Estimate { read_pj: energy, write_pj: energy, leak_mw: 0.0, area_um2: 0.0 }
        } else {
            let width_bits = u32::try_from(word_bits).unwrap_or(u32::MAX);
            let float = self.class.starts_with("fp");
            let unit =
                if float { Component::FloatMac { width_bits } } else { Component::IntMac { width_bits } };
            unit.estimate(self.technology_nm()?).map_err(|e| self.node.place_error(e))?
        };
        let compute = ["mac_random", "mult_random", "mac", "mult", "compute"];
        let fallback = self.number(&["energy"])?.unwrap_or(without_tables.read_pj);
        let estimated_area = if tables.any_energy || tables.any_area { 0.0 } else { without_tables.area_um2 };
        let area = tables.area(&self.name).map_or_else(|| self.number(&["area"]), |area| Ok(Some(area)))?;
        Ok(Arithmetic {
            name: self.name.clone(),
            word_bits,
            instances,
            mesh_x,
            compute_pj: tables.energy(&self.name, &compute).unwrap_or(fallback),
            leak_pj: 0.0,
            area_um2: area.unwrap_or(estimated_area),
        })
    }

    /// The technology in nm, `45nm` or `45`; 45 where nothing else is said.
    fn technology_nm(&self) -> Result<f64> {
        let Some(node) = self.names.iter().rev().find_map(|map| map.get("technology")) else {
            return Ok(45.0);
        };
        let text = node.text()?.trim().trim_end_matches("nm").trim();
        if text == "SET ME" {
            return Ok(45.0);
        }
        text.parse().map_err(|_| {
            node.error(format!("\"{text}\" is not a technology"), "write a feature size such as 45nm")
        })
    }

    /// A memory where the files have no tables of energies.
    fn estimate_memory(&self, memory: &Memory) -> Result<Estimate> {
        let width_bits = u32::try_from(memory.width()).unwrap_or(u32::MAX);
        let subclass = self.node.get("subclass").map(|n| n.text()).transpose()?.unwrap_or("");
        let says =
            |what: &[&str]| self.has_word(what) || subclass.split('_').any(|word| what.contains(&word));
        let depth = memory.size.map_or(1, |words| words.div_ceil(memory.block).max(1));
        let component = if memory.dram {
            let kind = match self.find(&["type"]) {
                Some(node) => node.text()?.parse().map_err(|e| node.place_error(e))?,
                None => DramKind::Lpddr4,
            };
            Component::Dram { width_bits, kind }
        } else if says(&["regfile", "RF", "register"])
            || !says(&["SRAM"]) && memory.size.is_some_and(|words| words <= MOST_REGISTERS)
        {
            Component::RegisterFile { width_bits, depth }
        } else {
            let banks = self.whole(&["n_banks", "num_banks"])?.unwrap_or(1);
            Component::Sram { width_bits, depth, banks: u32::try_from(banks).unwrap_or(u32::MAX) }
        };
        let estimate = component.estimate(self.technology_nm()?).map_err(|e| self.node.place_error(e))?;
        Ok(memory.each(estimate))
    }
}

/// What the energy of a memory depends on.
struct Memory {
    dram: bool,
    size: Option<u64>,
    word_bits: u64,
    block: u64,
    cluster: u64,
}

impl Memory {
    /// Bits of an access of all instances of a cluster.
    fn width(&self) -> u64 {
        self.word_bits.saturating_mul(self.block).saturating_mul(self.cluster)
    }

    /// The share of an instance in the area of its cluster.
    fn each(&self, whole: Estimate) -> Estimate {
        Estimate { area_um2: whole.area_um2 / self.cluster as f64, ..whole }
    }

    /// Access energy of Timeloop's public technology model, which it takes for what its tables leave out.
    fn public(&self, dram: bool) -> Estimate {
        let scale = self.width() as f64 / 16.0;
        let energy = match self.size {
            Some(words) if !dram => {
                let kb = words.div_ceil(self.block) as f64 * self.width() as f64 / 8.0 / 1024.0;
                ((1.0 + 5.0 / 99.5 * (kb - 0.5)) * scale).max(0.0) / self.cluster as f64
            }
            _ => 200.0 * scale,
        };
        Estimate { read_pj: energy, write_pj: energy, leak_mw: 0.0, area_um2: 0.0 }
    }
}

/// Names of the classes that the files define themselves.
pub(super) fn compound_classes(roots: &[Rc<Node>]) -> Vec<String> {
    let mut names = Vec::new();
    for root in roots {
        let Value::Map(sections) = &root.value else { continue };
        for (_, section) in sections.iter().filter(|(key, _)| key.contains("components")) {
            let list = section.get("classes").and_then(|list| list.items().ok()).unwrap_or_default();
            names.extend(list.iter().filter_map(|item| Some(item.get("name")?.text().ok()?.to_string())));
        }
    }
    names
}
