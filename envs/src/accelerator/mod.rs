//! Environments over the accelerator models.
//!
//! * `systolic-array-v1` (and `-v0`, with the counts of SCALE-Sim): shape, dataflow, buffers and bandwidth of a systolic array for a whole network;
//! * `accelerator-eyeriss-v1`: a row-stationary accelerator, ArchGym's TimeloopGym space;
//! * `accelerator-simba-v1`: a package of weight-stationary chiplets of vector units;
//! * `accelerator-template-v1`: a user's YAML architecture with named free parameters;
//! * `accelerator-mapping-v1`: the mapping of one layer onto one architecture in the loop-nest model;
//! * these four as `-v0`: the same with the counts of Timeloop;
//! * `maestro-mapping-v0`: the mapping of one layer in the data-centric model, ArchGym's MaestroGym space.
pub mod eyeriss;
pub mod maestro_mapping;
pub mod mapping;
mod network_env;
mod network_mapper;
pub mod simba;
pub mod systolic_array;
mod template;
pub mod user_template;

use hwgym_simulators::accelerator::{
    Error,
    networks::{Network, NetworkLayer},
    timeloop::Counting,
};

use crate::{EnvError, Options};

/// The versions of the environments over the loop-nest model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// The counts of Timeloop, errors included.
    V0,
    /// True counts.
    V1,
}

impl Version {
    fn counting(self) -> Counting {
        match self {
            Self::V0 => Counting::Timeloop,
            Self::V1 => Counting::Exact,
        }
    }

    /// The id of this version of an environment.
    fn id(self, name: &str) -> String {
        match self {
            Self::V0 => format!("{name}-v0"),
            Self::V1 => format!("{name}-v1"),
        }
    }

    /// The summary of this version of an environment.
    fn summary(self, name: &str, summary: &str) -> String {
        match self {
            Self::V0 => format!("{name}-v1 with the counts of Timeloop"),
            Self::V1 => summary.into(),
        }
    }

    /// What its numbers come from.
    fn provenance(self) -> (String, String) {
        let model = match self {
            Self::V0 => "loop nests, equal to Timeloop 4cf6d4c",
            Self::V1 => "loop nests, counted as sets of words",
        };
        ("model".into(), model.into())
    }
}

/// A built-in network by name, or a layer table by its path relative to the file of the options.
fn network(name: &str, options: &Options) -> Result<Network, EnvError> {
    options.note_if_file(name);
    Network::named_or_read(name, &options.folder()).map_err(|error| EnvError::invalid("network", error))
}

/// A layer of a network by name.
fn layer<'a>(network: &'a Network, name: &str) -> Result<&'a NetworkLayer, EnvError> {
    network.layers.iter().find(|layer| layer.name() == name).ok_or_else(|| {
        let names: Vec<&str> = network.layers.iter().map(|layer| layer.name()).collect();
        let hint = crate::suggest::suggestion(name, &names);
        EnvError::invalid("layer", format!("{} has no layer `{name}`{hint}", network.name))
    })
}

/// An error of a model as an error of an option.
fn invalid(option: &'static str) -> impl Fn(Error) -> EnvError {
    move |error| EnvError::invalid(option, error)
}
