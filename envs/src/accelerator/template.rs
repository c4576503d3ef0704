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

/// A weight-stationary array after Simba (Shao et al., MICRO 2019): chiplets with a shared buffer, processing elements with
/// input, weight and accumulation buffers, and vector units of multiply-accumulates inside.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Simba {
    /// Processing elements along X and Y.
    pub pes_x: u64,
    pub pes_y: u64,
    /// Multiply-accumulate units of a processing element: vector units (output channels) times their width (input channels).
    pub vectors: u64,
    pub vector_width: u64,
    pub input: Storage,
    pub weight: Storage,
    pub accumulation: Storage,
    pub global: Storage,
}

impl Simba {
    /// The architecture, innermost level first. The weights of a vector unit stay in its register.
    pub fn architecture(&self, technology_nm: f64) -> Result<Architecture> {
        let pes = self.pes_x * self.pes_y;
        let lanes = self.vectors * self.vector_width;
        let register = Storage {
            class: Class::RegisterFile,
            depth: 1,
            block_size: 1,
            banks: 1,
            read_bandwidth: None,
            write_bandwidth: None,
        };
        let macs = pes * lanes;
        let mac_x = self.pes_x * self.vectors;
        Architecture {
            name: "simba".into(),
            levels: vec![
                register.level("weight_register", macs, mac_x, technology_nm)?,
                self.accumulation.level("accumulation_buffer", pes * self.vectors, mac_x, technology_nm)?,
                self.weight.level("weight_buffer", pes * self.vectors, mac_x, technology_nm)?,
                self.input.level("input_buffer", pes, self.pes_x, technology_nm)?,
                self.global.level("global_buffer", 1, 1, technology_nm)?,
                dram()?,
            ],
            arithmetic: arithmetic(macs, mac_x, technology_nm)?,
        }
        .checked()
    }

    /// What each level keeps, and the dataflow: input channels over the lanes of a vector unit, output channels over the
    /// vector units.
    pub fn constraints() -> Constraints {
        let only = |dims: &str| {
            "CMRSNPQ"
                .chars()
                .filter(|dim| !dims.contains(*dim))
                .map(|dim| (dim.to_string(), Factor::Exactly(1)))
                .collect()
        };
        let spatial = |target: &str, dims: &str, split: usize| Rule::Spatial {
            target: target.into(),
            factors: only(dims),
            permutation: "NPQRSCM".chars().map(|dim| dim.to_string()).collect(),
            split: Some(split),
        };
        let mut constraints = Constraints::none()
            .keeping("global_buffer", &["Inputs", "Outputs"], &SPACES)
            .keeping("input_buffer", &["Inputs"], &SPACES)
            .keeping("weight_buffer", &["Weights"], &SPACES)
            .keeping("accumulation_buffer", &["Outputs"], &SPACES)
            .keeping("weight_register", &["Weights"], &SPACES);
        constraints.rules.push(spatial("input_buffer", "M", 7));
        constraints.rules.push(spatial("accumulation_buffer", "C", 0));
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
