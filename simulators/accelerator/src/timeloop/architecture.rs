//! The hardware: storage levels with their sizes, bandwidths and energies, and the arithmetic below them.
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, did_you_mean};

/// The most storage levels an architecture may have.
pub const MAX_LEVELS: usize = 10;

/// Energies of one storage level, in pJ for an access of a whole vector (`block_size` words).
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct AccessEnergy {
    /// Reading.
    pub read_pj: f64,
    /// Writing on a fill from the level above.
    pub fill_pj: f64,
    /// Writing on an update from the level below.
    pub update_pj: f64,
    /// Leakage for one cycle and instance.
    pub leak_pj: f64,
}

/// One storage level.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Level {
    /// Name, unique in the architecture.
    pub name: String,
    /// Capacity of one instance in words; `None` is unlimited.
    pub size_words: Option<u64>,
    /// Capacity is divided by this (2 for double buffering).
    pub multiple_buffering: f64,
    /// A mapping must fill at least this fraction of the capacity.
    pub min_utilization: f64,
    /// Bits of a word.
    pub word_bits: u64,
    /// Words of one vector access.
    pub block_size: u64,
    /// Instances that are columns of one memory: an access serves all of a cluster's instances in use.
    pub cluster_size: u64,
    /// Instances in the whole chip.
    pub instances: u64,
    /// Instances along X.
    pub mesh_x: u64,
    /// Words read per cycle and instance at most; `None` is unlimited.
    pub read_bandwidth: Option<f64>,
    /// Words written per cycle and instance at most.
    pub write_bandwidth: Option<f64>,
    /// Words read and written per cycle and instance at most.
    pub shared_bandwidth: Option<f64>,
    /// Cycles to fill and to drain the network below this level, which come on top of all others.
    pub network_latency: u64,
    /// Access energies.
    pub energy: AccessEnergy,
    /// Area of one instance in square micrometres.
    pub area_um2: f64,
}

impl Default for Level {
    fn default() -> Self {
        Self {
            name: String::new(),
            size_words: None,
            multiple_buffering: 1.0,
            min_utilization: 0.0,
            word_bits: 16,
            block_size: 1,
            cluster_size: 1,
            instances: 1,
            mesh_x: 1,
            read_bandwidth: None,
            write_bandwidth: None,
            shared_bandwidth: None,
            network_latency: 0,
            energy: AccessEnergy::default(),
            area_um2: 0.0,
        }
    }
}

impl Level {
    /// Instances along Y.
    pub fn mesh_y(&self) -> u64 {
        self.instances / self.mesh_x.max(1)
    }

    /// Words a mapping may occupy (`floor(size / multiple_buffering)`); `None` is unlimited.
    pub fn effective_size(&self) -> Option<u64> {
        self.size_words.map(|words| (words as f64 / self.multiple_buffering).floor() as u64)
    }
}

/// The multiply-accumulate units.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Arithmetic {
    /// Name.
    pub name: String,
    /// Bits of an operand.
    pub word_bits: u64,
    /// Instances in the whole chip.
    pub instances: u64,
    /// Instances along X.
    pub mesh_x: u64,
    /// Energy of one operation, in pJ.
    pub compute_pj: f64,
    /// Leakage for one cycle and instance, in pJ.
    pub leak_pj: f64,
    /// Area of one instance in square micrometres.
    pub area_um2: f64,
}

/// A storage hierarchy above an array of multiply-accumulate units.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Architecture {
    /// Name; no result depends on it.
    pub name: String,
    /// Storage levels, innermost first; the last one (DRAM) keeps everything.
    pub levels: Vec<Level>,
    /// The arithmetic below level 0.
    pub arithmetic: Arithmetic,
}

impl Architecture {
    /// Checks counts, meshes, sizes, bandwidths and energies.
    ///
    /// # Errors
    /// [`Error::Invalid`] that names the level at fault.
    pub fn checked(self) -> Result<Self> {
        if self.levels.is_empty() || self.levels.len() > MAX_LEVELS {
            return Err(Error::invalid(
                format!(
                    "an architecture has 1 to {MAX_LEVELS} storage levels, this one has {}",
                    self.levels.len()
                ),
                "merge or drop levels",
            ));
        }
        for (index, level) in self.levels.iter().enumerate() {
            let name = &level.name;
            if self.levels[..index].iter().any(|other| other.name == *name) {
                return Err(Error::invalid(
                    format!("two levels are called \"{name}\""),
                    "give each level a name of its own",
                ));
            }
            let positive = [
                ("instances", level.instances),
                ("meshX", level.mesh_x),
                ("word_bits", level.word_bits),
                ("block_size", level.block_size),
                ("cluster_size", level.cluster_size),
            ];
            for (what, value) in positive {
                if value == 0 {
                    return Err(Error::invalid(
                        format!("level \"{name}\" has {what} 0"),
                        format!("{what} is at least 1"),
                    ));
                }
            }
            if !level.instances.is_multiple_of(level.cluster_size) {
                return Err(Error::invalid(
                    format!(
                        "level \"{name}\": {} instances do not form clusters of {}",
                        level.instances, level.cluster_size
                    ),
                    "cluster_size divides the number of instances",
                ));
            }
            if level.network_latency > u64::from(u32::MAX) {
                return Err(Error::invalid(
                    format!("level \"{name}\" has a network latency of {} cycles", level.network_latency),
                    "give a number that fits 32 bits",
                ));
            }
            if level.size_words == Some(0) {
                return Err(Error::invalid(
                    format!("level \"{name}\" has no capacity (0 words)"),
                    "give it a depth of at least 1, or remove the level",
                ));
            }
            for (what, value) in [
                ("read_bandwidth", level.read_bandwidth),
                ("write_bandwidth", level.write_bandwidth),
                ("shared_bandwidth", level.shared_bandwidth),
            ] {
                if value.is_some_and(|v| !(v > 0.0 && v.is_finite())) {
                    return Err(Error::invalid(
                        format!("level \"{name}\" has {what} {}", value.unwrap_or(0.0)),
                        "a bandwidth is positive (words per cycle); leave it out for no limit",
                    ));
                }
            }
            if !(level.multiple_buffering >= 1.0 && level.multiple_buffering.is_finite()) {
                return Err(Error::invalid(
                    format!("level \"{name}\" has multiple_buffering {}", level.multiple_buffering),
                    "1 is a single buffer, 2 is double buffering",
                ));
            }
            if !(0.0..=1.0).contains(&level.min_utilization) {
                return Err(Error::invalid(
                    format!("level \"{name}\" has min_utilization {}", level.min_utilization),
                    "a fraction between 0 and 1",
                ));
            }
            let e = level.energy;
            if [e.read_pj, e.fill_pj, e.update_pj, e.leak_pj, level.area_um2]
                .iter()
                .any(|v| !(*v >= 0.0 && v.is_finite()))
            {
                return Err(Error::invalid(
                    format!("level \"{name}\" has a negative or infinite energy or area"),
                    "energies (pJ) and areas (um2) are finite and not negative",
                ));
            }
        }
        let mac = &self.arithmetic;
        if mac.instances == 0 || mac.mesh_x == 0 || mac.word_bits == 0 {
            return Err(Error::invalid(
                format!("arithmetic \"{}\" has no instances, meshX or word bits", mac.name),
                "all three are at least 1",
            ));
        }
        if ![mac.compute_pj, mac.leak_pj, mac.area_um2].iter().all(|v| *v >= 0.0 && v.is_finite()) {
            return Err(Error::invalid(
                format!("arithmetic \"{}\" has a negative or infinite energy or area", mac.name),
                "energies (pJ) and areas (um2) are finite and not negative",
            ));
        }
        for index in 0..self.levels.len() {
            let outer = &self.levels[index];
            let (inner_name, inner, inner_x) = match index {
                0 => (&mac.name, mac.instances, mac.mesh_x),
                _ => {
                    let l = &self.levels[index - 1];
                    (&l.name, l.instances, l.mesh_x)
                }
            };
            let inner_y = inner / inner_x.max(1);
            let mesh = |who: &str, count: u64, x: u64| {
                Error::invalid(
                    format!("\"{who}\": {count} instances do not form rows of meshX = {x}"),
                    "meshX divides the number of instances",
                )
            };
            if !inner.is_multiple_of(inner_x) {
                return Err(mesh(inner_name, inner, inner_x));
            }
            if !outer.instances.is_multiple_of(outer.mesh_x) {
                return Err(mesh(&outer.name, outer.instances, outer.mesh_x));
            }
            if !inner.is_multiple_of(outer.instances)
                || !inner_x.is_multiple_of(outer.mesh_x)
                || !inner_y.is_multiple_of(outer.mesh_y().max(1))
            {
                return Err(Error::invalid(
                    format!(
                        "\"{inner_name}\" ({inner_x} x {inner_y}) does not divide evenly below \"{}\" ({} x {})",
                        outer.name,
                        outer.mesh_x,
                        outer.mesh_y()
                    ),
                    "the instances and meshX of an inner level are multiples of those of the level above it",
                ));
            }
        }
        Ok(self)
    }

    /// Index of the level called `name`, or of this number (0 is the innermost) as files of before YAML have it.
    ///
    /// # Errors
    /// [`Error::Invalid`] with the closest known name.
    pub fn level(&self, name: &str) -> Result<usize> {
        let named = self.levels.iter().position(|l| l.name == name);
        let numbered = || name.parse().ok().filter(|&index: &usize| index < self.levels.len());
        named.or_else(numbered).ok_or_else(|| {
            Error::invalid(
                format!("there is no storage level \"{name}\""),
                did_you_mean(name, self.levels.iter().map(|l| l.name.as_str())),
            )
        })
    }

    /// Fan-out (X, Y) from level `index` to the level (or arithmetic) below it.
    pub fn fanout(&self, index: usize) -> (u64, u64) {
        let outer = &self.levels[index];
        let (x, y) = match index {
            0 => (self.arithmetic.mesh_x, self.arithmetic.instances / self.arithmetic.mesh_x),
            _ => (self.levels[index - 1].mesh_x, self.levels[index - 1].mesh_y()),
        };
        (x / outer.mesh_x, y / outer.mesh_y().max(1))
    }

    /// Area of all storage and arithmetic instances in square micrometres.
    pub fn area_um2(&self) -> f64 {
        self.levels.iter().map(|l| l.area_um2 * l.instances as f64).sum::<f64>()
            + self.arithmetic.area_um2 * self.arithmetic.instances as f64
    }
}
