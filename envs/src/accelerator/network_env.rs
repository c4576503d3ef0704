//! What the environments over an architecture template share: a network, mapped layer by layer onto the architecture of a
//! design.
use std::marker::PhantomData;

use hwgym_simulators::accelerator::{
    Result, mapper,
    timeloop::{Architecture, Constraints},
};
use serde::{Deserialize, de::DeserializeOwned};

use super::{
    Version, invalid, network,
    network_mapper::{self, Mapper, NetworkMapper},
    template,
};
use crate::prelude::*;

/// An architecture with free parameters.
pub trait Template: Send + Sync + 'static {
    /// Id without its version, and one-line summary of the environment.
    const NAME: &'static str;
    const SUMMARY: &'static str;
    /// Default and meaning of the option `dataflow`.
    const DATAFLOW: (&'static str, &'static str);

    /// What the mapper may do.
    type Dataflow: std::fmt::Debug + Clone + Default + DeserializeOwned + Send + Sync;

    /// The parameters.
    fn space() -> std::result::Result<DesignSpace, EnvError>;

    /// The accelerator of a design; `number` gives the value of the parameter at an index.
    fn architecture(
        number: &dyn Fn(usize) -> f64,
        design: &Design,
        technology_nm: f64,
    ) -> Result<Architecture>;

    /// What each level keeps and how it may loop.
    fn constraints(dataflow: &Self::Dataflow) -> Constraints;

    /// The objectives, the default first.
    fn objectives() -> Vec<Objective> {
        network_mapper::objectives()
    }
}

/// Options of the environment.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields, bound(deserialize = "D: Default + Deserialize<'de>"))]
struct Settings<D> {
    network: String,
    mapper: Mapper,
    metric: mapper::Goal,
    dataflow: D,
    technology_nm: f64,
}

impl<D: Default> Default for Settings<D> {
    fn default() -> Self {
        Self {
            network: "alexnet-conv".into(),
            mapper: Mapper::Exact,
            metric: mapper::Goal::Delay,
            dataflow: D::default(),
            technology_nm: 45.0,
        }
    }
}

/// The environment.
pub struct NetworkEnv<T: Template> {
    id: String,
    version: Version,
    space: DesignSpace,
    metrics: Vec<Metric>,
    settings: Settings<T::Dataflow>,
    mapper: NetworkMapper,
    constraints: Constraints,
    template: PhantomData<T>,
}

/// The registry entry of a template.
pub fn entry<T: Template>(version: Version) -> EnvEntry {
    let (dataflow, meaning) = T::DATAFLOW;
    let (id, summary) = (version.id(T::NAME), version.summary(T::NAME, T::SUMMARY));
    EnvEntry::new(&id, &summary, move |options| Ok(Box::new(NetworkEnv::<T>::new(options, version)?)))
        .option("network", "\"alexnet-conv\"", "a built-in network, or the path of a layer table (.ron)")
        .option(
            "mapper",
            "Exact",
            "`Exact`, `Random(evaluations: 2000, seed: 1)` or `Evolutionary(evaluations: 2000, seed: 1)`",
        )
        .option(
            "metric",
            "Delay",
            "what the mapper minimises: Delay (then energy, as ArchGym), Energy or Edp",
        )
        .option("dataflow", dataflow, meaning)
        .option("technology_nm", "45.0", "technology of the energy and area estimates, 5 to 180 nm")
}

impl<T: Template> NetworkEnv<T> {
    /// The environment with these options.
    pub fn new(options: &Options, version: Version) -> std::result::Result<Self, EnvError> {
        let settings: Settings<T::Dataflow> = options.parse()?;
        let network = network(&settings.network, options)?;
        let mapper = NetworkMapper::new(&network, settings.metric, settings.mapper, version.counting())?;
        template::arithmetic(1, 1, settings.technology_nm).map_err(invalid("technology_nm"))?;
        let constraints = T::constraints(&settings.dataflow);
        let metrics = network_mapper::metrics();
        let (id, space) = (version.id(T::NAME), T::space()?);
        Ok(Self { id, version, space, metrics, settings, mapper, constraints, template: PhantomData })
    }
}

impl<T: Template> Env for NetworkEnv<T> {
    fn id(&self) -> &str {
        &self.id
    }

    fn space(&self) -> &DesignSpace {
        &self.space
    }

    fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    fn evaluate(&self, design: &Design, _: Fidelity) -> Outcome {
        let number = |index: usize| self.space.number(design, index);
        match T::architecture(&number, design, self.settings.technology_nm) {
            Ok(architecture) => network_mapper::outcome(&self.mapper, &architecture, &self.constraints),
            Err(error) => Outcome::infeasible(template::reason(error), 1.0),
        }
    }

    fn objectives(&self) -> Vec<Objective> {
        T::objectives()
    }

    fn provenance(&self) -> Vec<(String, String)> {
        vec![
            self.version.provenance(),
            ("network".into(), self.settings.network.clone()),
            ("mapper".into(), format!("{:?}, {:?}", self.settings.mapper, self.settings.metric)),
            ("dataflow".into(), format!("{:?}", self.settings.dataflow)),
            ("technology_nm".into(), self.settings.technology_nm.to_string()),
        ]
    }
}
