//! Environments over the accelerator models.
//!
//! * `systolic-array-v1` (and `-v0`, with the counts of SCALE-Sim): shape, dataflow, buffers and bandwidth of a systolic array for a whole network;
//! * `accelerator-eyeriss-v0`: a row-stationary accelerator, ArchGym's TimeloopGym space;
//! * `accelerator-simba-v0`: a package of weight-stationary chiplets of vector units;
//! * `accelerator-template-v0`: a user's YAML architecture with named free parameters;
//! * `accelerator-mapping-v0`: the mapping of one layer onto one architecture in the loop-nest model;
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
};

use crate::{EnvError, Options};

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
