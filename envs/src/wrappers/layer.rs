//! An environment over another one: what most wrappers are.

use std::path::PathBuf;
use std::sync::Arc;

use crate::guide::Guide;
use crate::known_optima::KnownOptima;
use crate::walk::WalkRules;
use crate::{
    Design, DesignSpace, Env, EnvError, Feature, Fidelity, FidelityLevel, Metric, Noise, Objective, Options,
    Outcome,
};

/// A change to another environment. Whatever a layer does not define itself is that of [`inner`](Layer::inner), so that a method that
/// [`Env`] gains needs to be forwarded here only.
///
/// ```
/// use hwgym_envs::wrappers::Layer;
/// use hwgym_envs::prelude::*;
/// use std::sync::Arc;
///
/// /// Gives the metrics of another environment in other units.
/// struct Scaled { inner: Arc<dyn Env>, factor: f64 }
///
/// impl Layer for Scaled {
///     fn inner(&self) -> &dyn Env { self.inner.as_ref() }
///     fn evaluate(&self, design: &Design, fidelity: Fidelity) -> Outcome {
///         match self.inner().evaluate(design, fidelity) {
///             Outcome::Feasible { metrics } => {
///                 Outcome::feasible(metrics.iter().map(|m| self.factor * m).collect::<Vec<_>>())
///             }
///             other => other,
///         }
///     }
/// }
///
/// let inner = Registry::builtin().make("synthetic/ackley-v0", &Options::none())?;
/// let design = inner.space().design_at(0).unwrap_or(inner.space().sample(&mut hwgym_envs::Random::new(1)));
/// let plain = inner.evaluate(&design, Fidelity::FULL);
/// let scaled: Arc<dyn Env> = Arc::new(Scaled { inner, factor: 2.0 });
/// let doubled = scaled.evaluate(&design, Fidelity::FULL);
/// assert_eq!(doubled.metrics().map(|m| m[0]), plain.metrics().map(|m| 2.0 * m[0]));
/// # Ok::<(), EnvError>(())
/// ```
pub trait Layer: Send + Sync {
    /// The environment below.
    fn inner(&self) -> &dyn Env;

    /// See [`Env::id`].
    fn id(&self) -> &str {
        self.inner().id()
    }
    /// See [`Env::space`].
    fn space(&self) -> &DesignSpace {
        self.inner().space()
    }
    /// See [`Env::metrics`].
    fn metrics(&self) -> &[Metric] {
        self.inner().metrics()
    }
    /// See [`Env::evaluate`].
    fn evaluate(&self, design: &Design, fidelity: Fidelity) -> Outcome {
        self.inner().evaluate(design, fidelity)
    }
    /// See [`Env::evaluate_batch`]. One by one through this layer's own [`evaluate`](Layer::evaluate), unless overridden.
    fn evaluate_batch(&self, designs: &[Design], fidelity: Fidelity) -> Vec<Outcome> {
        designs.iter().map(|design| self.evaluate(design, fidelity)).collect()
    }
    /// See [`Env::prefers_batches`]. Only a layer that overrides [`evaluate_batch`](Layer::evaluate_batch) may pass the inner answer on.
    fn prefers_batches(&self) -> bool {
        false
    }
    /// See [`Env::fidelities`].
    fn fidelities(&self) -> Vec<FidelityLevel> {
        self.inner().fidelities()
    }
    /// See [`Env::noise`].
    fn noise(&self) -> Option<Noise> {
        self.inner().noise()
    }
    /// See [`Env::objectives`].
    fn objectives(&self) -> Vec<Objective> {
        self.inner().objectives()
    }
    /// See [`Env::walk`].
    fn walk(&self) -> Option<WalkRules> {
        self.inner().walk()
    }
    /// See [`Env::canonical`].
    fn canonical(&self, design: &Design) -> Design {
        self.inner().canonical(design)
    }
    /// See [`Env::anchor`]. A layer with another space than the inner one overrides it.
    fn anchor(&self, design: &Design) -> Option<Design> {
        self.inner().anchor(design)
    }
    /// See [`Env::descriptors`].
    fn descriptors(&self) -> Vec<&'static str> {
        self.inner().descriptors()
    }
    /// See [`Env::describe`]. A layer with another space than the inner one overrides it.
    fn describe(&self, design: &Design) -> Vec<f64> {
        self.inner().describe(design)
    }
    /// See [`Env::default_design`].
    fn default_design(&self) -> Option<Design> {
        self.inner().default_design()
    }
    /// See [`Env::features`].
    fn features(&self) -> Vec<Feature> {
        self.inner().features()
    }
    /// See [`Env::provenance`].
    fn provenance(&self) -> Vec<(String, String)> {
        self.inner().provenance()
    }
    /// See [`Env::fingerprint`].
    fn fingerprint(&self, fidelity: Fidelity) -> Option<String> {
        self.inner().fingerprint(fidelity)
    }
    /// See [`Env::inputs`].
    fn inputs(&self) -> Vec<PathBuf> {
        self.inner().inputs()
    }
    /// See [`Env::known_optima`].
    fn known_optima(&self) -> Result<Option<KnownOptima>, EnvError> {
        self.inner().known_optima()
    }
    /// See [`Env::guide`]. A layer with another space than the inner one overrides it.
    fn guide(&self) -> Option<Arc<dyn Guide>> {
        self.inner().guide()
    }
    /// See [`Env::stands_for`].
    fn stands_for(&self) -> Option<(String, Options)> {
        self.inner().stands_for()
    }
}

impl<L: Layer> Env for L {
    fn id(&self) -> &str {
        Layer::id(self)
    }
    fn space(&self) -> &DesignSpace {
        Layer::space(self)
    }
    fn metrics(&self) -> &[Metric] {
        Layer::metrics(self)
    }
    fn evaluate(&self, design: &Design, fidelity: Fidelity) -> Outcome {
        Layer::evaluate(self, design, fidelity)
    }
    fn evaluate_batch(&self, designs: &[Design], fidelity: Fidelity) -> Vec<Outcome> {
        Layer::evaluate_batch(self, designs, fidelity)
    }
    fn prefers_batches(&self) -> bool {
        Layer::prefers_batches(self)
    }
    fn fidelities(&self) -> Vec<FidelityLevel> {
        Layer::fidelities(self)
    }
    fn noise(&self) -> Option<Noise> {
        Layer::noise(self)
    }
    fn objectives(&self) -> Vec<Objective> {
        Layer::objectives(self)
    }
    fn walk(&self) -> Option<WalkRules> {
        Layer::walk(self)
    }
    fn canonical(&self, design: &Design) -> Design {
        Layer::canonical(self, design)
    }
    fn anchor(&self, design: &Design) -> Option<Design> {
        Layer::anchor(self, design)
    }
    fn descriptors(&self) -> Vec<&'static str> {
        Layer::descriptors(self)
    }
    fn describe(&self, design: &Design) -> Vec<f64> {
        Layer::describe(self, design)
    }
    fn default_design(&self) -> Option<Design> {
        Layer::default_design(self)
    }
    fn features(&self) -> Vec<Feature> {
        Layer::features(self)
    }
    fn provenance(&self) -> Vec<(String, String)> {
        Layer::provenance(self)
    }
    fn fingerprint(&self, fidelity: Fidelity) -> Option<String> {
        Layer::fingerprint(self, fidelity)
    }
    fn inputs(&self) -> Vec<PathBuf> {
        Layer::inputs(self)
    }
    fn known_optima(&self) -> Result<Option<KnownOptima>, EnvError> {
        Layer::known_optima(self)
    }
    fn guide(&self) -> Option<Arc<dyn Guide>> {
        Layer::guide(self)
    }
    fn stands_for(&self) -> Option<(String, Options)> {
        Layer::stands_for(self)
    }
}
