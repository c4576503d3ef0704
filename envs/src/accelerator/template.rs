//! Architecture templates of the loop-nest environments: storage by class, and the row-stationary and
//! weight-stationary arrays built from it.
use hwgym_simulators::accelerator::{
    Error, Result,
    energy::{Component, DramKind},
    timeloop::{
        AccessEnergy, Architecture, Arithmetic, Constraints, Level,
        constraints::{Factor, Rule},
    },
};

/// Bits of a word of every template.
pub const WORD_BITS: u64 = 16;
/// Names of the tensors of a convolution.
pub const SPACES: [&str; 3] = ["Weights", "Inputs", "Outputs"];

/// Classes of storage. The smart ones add two address generators: an adder each that counts through the depth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    RegisterFile,
    SmartBufferSram,
    SmartBufferRegisterFile,
    Sram,
}

impl Class {
    /// ArchGym's names, in its order.
    pub const NAMES: [&str; 4] = ["regfile", "smartbuffer_SRAM", "smartbuffer_RF", "SRAM"];
    pub const ALL: [Self; 4] =
        [Self::RegisterFile, Self::SmartBufferSram, Self::SmartBufferRegisterFile, Self::Sram];
}

/// One on-chip memory.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Storage {
    pub class: Class,
    /// Rows.
    pub depth: u64,
    /// Words of a row.
    pub block_size: u64,
    pub banks: u32,
    /// Words per cycle.
    pub read_bandwidth: Option<f64>,
    pub write_bandwidth: Option<f64>,
}

impl Storage {
    /// The level of `instances` such memories, of which `mesh_x` stand in a row.
    pub fn level(&self, name: &str, instances: u64, mesh_x: u64, technology_nm: f64) -> Result<Level> {
        let width_bits = (self.block_size * WORD_BITS) as u32;
        let component = match self.class {
            Class::RegisterFile | Class::SmartBufferRegisterFile => {
                Component::RegisterFile { width_bits, depth: self.depth }
            }
            Class::Sram | Class::SmartBufferSram => {
                Component::Sram { width_bits, depth: self.depth, banks: self.banks }
            }
        };
        let mut estimate = component.estimate(technology_nm)?;
        if matches!(self.class, Class::SmartBufferSram | Class::SmartBufferRegisterFile) {
            let address_bits = self.depth.max(2).next_power_of_two().trailing_zeros();
            let adder = Component::IntAdder { width_bits: address_bits }.estimate(technology_nm)?;
            estimate.read_pj += adder.read_pj;
            estimate.write_pj += adder.write_pj;
            estimate.area_um2 += 2.0 * adder.area_um2;
        }
        Ok(Level {
            name: name.into(),
            size_words: Some(self.depth * self.block_size),
            word_bits: WORD_BITS,
            block_size: self.block_size,
            instances,
            mesh_x,
            read_bandwidth: self.read_bandwidth,
            write_bandwidth: self.write_bandwidth,
            energy: AccessEnergy {
                read_pj: estimate.read_pj,
                fill_pj: estimate.write_pj,
                update_pj: estimate.write_pj,
                leak_pj: 0.0,
            },
            area_um2: estimate.area_um2,
            ..Level::default()
        })
    }
}

/// LPDDR4 of 64 bits.
pub fn dram() -> Result<Level> {
    let estimate = Component::Dram { width_bits: 64, kind: DramKind::Lpddr4 }.estimate(45.0)?;
    Ok(Level {
        name: "DRAM".into(),
        word_bits: WORD_BITS,
        block_size: 64 / WORD_BITS,
        energy: AccessEnergy {
            read_pj: estimate.read_pj,
            fill_pj: estimate.write_pj,
            update_pj: estimate.write_pj,
            leak_pj: 0.0,
        },
        ..Level::default()
    })
}

/// Integer multiply-accumulate units of 16 bits.
pub fn arithmetic(instances: u64, mesh_x: u64, technology_nm: f64) -> Result<Arithmetic> {
    let mac = Component::IntMac { width_bits: WORD_BITS as u32 }.estimate(technology_nm)?;
    Ok(Arithmetic {
        name: "mac".into(),
        word_bits: WORD_BITS,
        instances,
        mesh_x,
        compute_pj: mac.read_pj,
        leak_pj: 0.0,
        area_um2: mac.area_um2,
    })
}

/// A row-stationary array after Eyeriss (Chen et al., JSSC 2017), as the Timeloop exercises and ArchGym describe it:
/// DRAM, a shared buffer, 14 columns behind a buffer that stores nothing, and three scratchpads in every element.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Eyeriss {
    pub pes: u64,
    pub mesh_x: u64,
    pub ifmap: Storage,
    pub weights: Storage,
    pub psum: Storage,
    pub dummy: Storage,
    pub glb: Storage,
}

/// Columns of the array.
const COLUMNS: u64 = 14;

impl Default for Eyeriss {
    /// The 168 elements of the chip.
    fn default() -> Self {
        let spad = |depth: u64| Storage {
            class: Class::SmartBufferRegisterFile,
            depth,
            block_size: 1,
            banks: 1,
            read_bandwidth: Some(2.0),
            write_bandwidth: Some(2.0),
        };
        Self {
            pes: 168,
            mesh_x: 14,
            ifmap: spad(12),
            weights: Storage { class: Class::SmartBufferSram, ..spad(192) },
            psum: spad(16),
            dummy: Storage {
                class: Class::RegisterFile,
                read_bandwidth: None,
                write_bandwidth: None,
                ..spad(16)
            },
            glb: Storage {
                class: Class::SmartBufferSram,
                depth: 16384,
                block_size: 4,
                banks: 32,
                read_bandwidth: Some(16.0),
                write_bandwidth: Some(16.0),
            },
        }
    }
}

impl Eyeriss {
    /// The architecture, innermost level first.
    pub fn architecture(&self, technology_nm: f64) -> Result<Architecture> {
        let pe = |storage: &Storage, name: &str| storage.level(name, self.pes, self.mesh_x, technology_nm);
        Architecture {
            name: "eyeriss".into(),
            levels: vec![
                pe(&self.psum, "psum_spad")?,
                pe(&self.weights, "weights_spad")?,
                pe(&self.ifmap, "ifmap_spad")?,
                self.dummy.level("DummyBuffer", COLUMNS, self.mesh_x.min(COLUMNS), technology_nm)?,
                self.glb.level("shared_glb", 1, 1, technology_nm)?,
                dram()?,
            ],
            arithmetic: arithmetic(self.pes, self.mesh_x, technology_nm)?,
        }
        .checked()
    }

    /// The dataflow: which level keeps what, rows of filters and outputs over the array, and what each scratchpad loops
    /// over (the constraints that the Timeloop exercises give for this design).
    pub fn constraints() -> Constraints {
        let ones = |dims: &str| dims.chars().map(|dim| (dim.to_string(), Factor::Exactly(1))).collect();
        let names = |dims: &str| dims.chars().map(|dim| dim.to_string()).collect::<Vec<_>>();
        let temporal = |target: &str, innermost: &str, fixed: &str| Rule::Temporal {
            target: target.into(),
            factors: ones(fixed),
            innermost: names(innermost),
            outermost: Vec::new(),
        };
        let spatial = |target: &str, permutation: &str, fixed: &str, split: usize| Rule::Spatial {
            target: target.into(),
            factors: ones(fixed),
            permutation: names(permutation),
            split: Some(split),
        };
        let mut constraints = Self::keeping();
        constraints.rules.extend([
            spatial("shared_glb", "NCPRSQM", "NCPRS", 7),
            spatial("DummyBuffer", "NPQRSCM", "NPQR", 0),
            temporal("DummyBuffer", "NCPRSQM", "NCPRSQM"),
            temporal("ifmap_spad", "NMCPQRS", "NMCPQRS"),
            temporal("weights_spad", "NMPQSCR", "NMPQS"),
            temporal("psum_spad", "NCPQRSM", "NCPQRS"),
        ]);
        constraints
    }

    /// Only what each level keeps.
    pub fn keeping() -> Constraints {
        Constraints::none()
            .keeping("shared_glb", &["Inputs", "Outputs"], &SPACES)
            .keeping("DummyBuffer", &[], &SPACES)
            .keeping("ifmap_spad", &["Inputs"], &SPACES)
            .keeping("weights_spad", &["Weights"], &SPACES)
            .keeping("psum_spad", &["Outputs"], &SPACES)
    }
}

/// A package of weight-stationary chiplets after Simba (Shao et al., MICRO 2019).
///
/// Levels, outermost first: DRAM; a global buffer for inputs and outputs in every chiplet; an input buffer in every processing
/// element; a weight and an accumulation buffer for every vector unit; a register for the weight of every lane. Output channels
/// lie over the vector units of an element and input channels over the lanes of a unit; the elements of a chiplet
/// share output channels along X and input channels along Y, so that no two of a chiplet hold the same weight.
///
/// Links between chiplets: no partial sum leaves its chiplet (input channels are not split over the package), so whatever
/// enters a chiplet is written to its global buffer (inputs, partial sums) or to exactly one of its weight buffers, and what leaves
/// it updates DRAM. These three actions therefore carry the energy of a word's way: [`LINK_PJ_PER_BIT`] for every hop from a
/// DRAM port at one corner of the mesh, each destination reached on its own (multicast is not merged), on average over the
/// chiplets. On one chiplet the way is the hop into it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Simba {
    /// Chiplets of the package along X and Y.
    pub chiplets: (u64, u64),
    /// Processing elements of a chiplet along X and Y.
    pub pes: (u64, u64),
    /// Multiply-accumulate units of a processing element: vector units (output channels) times their width (input channels).
    pub vectors: u64,
    pub vector_width: u64,
    pub input: Storage,
    pub weight: Storage,
    pub accumulation: Storage,
    pub global: Storage,
    /// Words per cycle between DRAM and the package, each way.
    pub package_bandwidth: f64,
}

/// Energy of a bit over one ground-referenced link between chiplets, in pJ (Poulton et al., "A 1.17-pJ/b, 25-Gb/s/pin
/// ground-referenced single-ended serial link", JSSC 2019; Simba's links).
pub const LINK_PJ_PER_BIT: f64 = 1.17;

/// How the chiplets of a package share a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Partition {
    /// Output channels along X, output positions and batch along Y.
    ChannelsAndPositions,
    /// Output channels along both axes.
    Channels,
}

impl Simba {
    /// The architecture, innermost level first. The weights of a vector unit stay in its register.
    pub fn architecture(&self, technology_nm: f64) -> Result<Architecture> {
        let ((chips_x, chips_y), (pes_x, pes_y)) = (self.chiplets, self.pes);
        let (x, y) = (chips_x * pes_x, chips_y * pes_y);
        let units = x * y * self.vectors;
        let unit_x = x * self.vectors;
        let register = Storage {
            class: Class::RegisterFile,
            depth: 1,
            block_size: 1,
            banks: 1,
            read_bandwidth: None,
            write_bandwidth: None,
        };
        let macs = units * self.vector_width;
        let hops = 1.0 + (chips_x - 1) as f64 / 2.0 + (chips_y - 1) as f64 / 2.0;
        let link_pj = LINK_PJ_PER_BIT * WORD_BITS as f64 * hops;
        let mut weight = self.weight.level("weight_buffer", units, unit_x, technology_nm)?;
        let mut global = self.global.level("global_buffer", chips_x * chips_y, chips_x, technology_nm)?;
        let mut dram = dram()?;
        // Energies are those of a row.
        for (level, action) in [(&mut weight, 0), (&mut global, 0), (&mut dram, 1)] {
            let energy = &mut level.energy;
            let per_row = if action == 0 { &mut energy.fill_pj } else { &mut energy.update_pj };
            *per_row += link_pj * level.block_size as f64;
        }
        dram.read_bandwidth = Some(self.package_bandwidth);
        dram.write_bandwidth = Some(self.package_bandwidth);
        Architecture {
            name: "simba".into(),
            levels: vec![
                register.level("weight_register", macs, unit_x, technology_nm)?,
                self.accumulation.level("accumulation_buffer", units, unit_x, technology_nm)?,
                weight,
                self.input.level("input_buffer", x * y, x, technology_nm)?,
                global,
                dram,
            ],
            arithmetic: arithmetic(macs, unit_x, technology_nm)?,
        }
        .checked()
    }

    /// What each level keeps, and which dimensions lie over which mesh: the first ones along X, the others along Y.
    pub fn constraints(partition: Partition) -> Constraints {
        let spatial = |target: &str, x: &str, y: &str| {
            let others = "CMRSNPQ".chars().filter(|dim| !x.contains(*dim) && !y.contains(*dim));
            Rule::Spatial {
                target: target.into(),
                factors: others.clone().map(|dim| (dim.to_string(), Factor::Exactly(1))).collect(),
                permutation: x.chars().chain(y.chars()).chain(others).map(|dim| dim.to_string()).collect(),
                split: Some(if y.is_empty() { 7 } else { x.len() }),
            }
        };
        let mut constraints = Constraints::none()
            .keeping("global_buffer", &["Inputs", "Outputs"], &SPACES)
            .keeping("input_buffer", &["Inputs"], &SPACES)
            .keeping("weight_buffer", &["Weights"], &SPACES)
            .keeping("accumulation_buffer", &["Outputs"], &SPACES)
            .keeping("weight_register", &["Weights"], &SPACES);
        constraints.rules.push(match partition {
            Partition::ChannelsAndPositions => spatial("DRAM", "M", "NPQ"),
            Partition::Channels => Rule::Spatial {
                target: "DRAM".into(),
                factors: "CRSNPQ".chars().map(|dim| (dim.to_string(), Factor::Exactly(1))).collect(),
                permutation: Vec::new(),
                split: None,
            },
        });
        constraints.rules.push(spatial("global_buffer", "M", "C"));
        constraints.rules.push(spatial("input_buffer", "M", ""));
        constraints.rules.push(spatial("accumulation_buffer", "", "C"));
        constraints
    }
}

/// Refuses what no template can be built from, with the reason as text.
pub fn reason(error: Error) -> String {
    match error {
        Error::Invalid { message, .. } => message,
        other => other.to_string(),
    }
}
