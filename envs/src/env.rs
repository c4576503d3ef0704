//! The core trait: an environment is a pure, thread-safe function from a design to an outcome.

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::guide::Guide;
use crate::known_optima::KnownOptima;
use crate::walk::WalkRules;
use crate::{Design, DesignSpace, EnvError, Goal, Metric, Objective, Options, Outcome};

/// An environment: a design space, named metrics, and a function from one to the other.
///
/// Four methods are required. [`evaluate`](Env::evaluate) must be deterministic and must not panic: what goes wrong for a design is an
/// [`Outcome`]. Users of environments call [`evaluate`](crate::evaluate::evaluate), the door that holds an environment to this. Episodes
/// (Gym's `reset` and `step`, one agent or many) are [wrappers](crate::wrappers) over this core.
///
/// ```
/// use hwgym_envs::prelude::*;
///
/// struct Resistor { space: DesignSpace, metrics: Vec<Metric> }
///
/// impl Env for Resistor {
///     fn id(&self) -> &str { "resistor-v0" }
///     fn space(&self) -> &DesignSpace { &self.space }
///     fn metrics(&self) -> &[Metric] { &self.metrics }
///     fn evaluate(&self, design: &Design, _: Fidelity) -> Outcome {
///         let ohm = self.space.number(design, 0);
///         Outcome::feasible([1.0 / ohm])
///     }
/// }
///
/// let env = Resistor {
///     space: DesignSpace::new(vec![Parameter::log_real("R", 1.0, 1e6).unit("ohm")])?,
///     metrics: vec![Metric::minimise("power_w", "W", "power at 1 V")],
/// };
/// let design = env.space().design([("R", 10.0.into())])?;
/// assert_eq!(env.evaluate(&design, Fidelity::FULL).metrics(), Some(&[0.1][..]));
/// # Ok::<(), EnvError>(())
/// ```
pub trait Env: Send + Sync {
    /// The versioned id, such as `dram-controller-v0`.
    fn id(&self) -> &str;

    /// The designs there are.
    fn space(&self) -> &DesignSpace;

    /// What is measured, in the order in which an outcome lists it.
    fn metrics(&self) -> &[Metric];

    /// Measures one design of [`space`](Env::space) at a level of [`fidelities`](Env::fidelities).
    fn evaluate(&self, design: &Design, fidelity: Fidelity) -> Outcome;

    /// Measures many designs; an environment that is cheaper in batches overrides it. One outcome per design, in order.
    fn evaluate_batch(&self, designs: &[Design], fidelity: Fidelity) -> Vec<Outcome> {
        designs.iter().map(|design| self.evaluate(design, fidelity)).collect()
    }

    /// True for an environment that answers [`evaluate_batch`](Env::evaluate_batch) faster than design by design, threads considered.
    fn prefers_batches(&self) -> bool {
        false
    }

    /// The levels of fidelity, the full one first; the others are cheaper and less exact.
    fn fidelities(&self) -> Vec<FidelityLevel> {
        vec![FidelityLevel { name: "full".into(), relative_cost: 1.0 }]
    }

    /// How much the metrics of this environment stray, if it measures something noisy. Its answers are repeatable all the same: the noise
    /// is that of neighbouring designs, and of another seed of the tool.
    fn noise(&self) -> Option<Noise> {
        None
    }

    /// The objectives that users of this environment would ask for by name, the default first.
    ///
    /// Without an override: each metric alone, and all of them as a Pareto objective.
    fn objectives(&self) -> Vec<Objective> {
        let names: Vec<&str> = self.metrics().iter().map(|m| m.name.as_str()).collect();
        let mut objectives: Vec<_> =
            names.iter().map(|name| Objective::new(*name, vec![Goal::Optimise((*name).into())])).collect();
        if names.len() > 1 {
            objectives.push(Objective::new(
                "pareto",
                names.iter().map(|name| Goal::Optimise((*name).into())).collect(),
            ));
        }
        objectives
    }

    /// The rules under which this environment is played as a walk towards drawn targets, for
    /// [`TargetWalk`](crate::wrappers::TargetWalk); `None` where nothing is specified.
    fn walk(&self) -> Option<WalkRules> {
        None
    }

    /// The representative of all designs that provably have the same outcome as this one.
    ///
    /// Enumeration and caches evaluate representatives only. The default knows of inactive parameters, nothing else.
    fn canonical(&self, design: &Design) -> Design {
        let mut design = design.clone();
        self.space().canonicalise(&mut design);
        design
    }

    /// A relative whose metrics say most about this design's, and that many designs share: models learn the ratio to it. It is a representative
    /// of its class, and its own anchor. `None` where nothing is known.
    fn anchor(&self, _: &Design) -> Option<Design> {
        None
    }

    /// Names of the numbers of [`describe`](Env::describe). Empty where the parameters say it all.
    fn descriptors(&self) -> Vec<&'static str> {
        Vec::new()
    }

    /// What a model should see of a design beside its parameters: one finite number per [descriptor](Env::descriptors), cheap to compute.
    fn describe(&self, _: &Design) -> Vec<f64> {
        Vec::new()
    }

    /// The design that people use who do not search; `None` where there is none. Policies that carry over from instance to instance begin with
    /// it.
    fn default_design(&self) -> Option<Design> {
        self.walk().map(|rules| rules.start)
    }

    /// What tells this instance from others of its id: a workload in numbers, together with what one evaluation of
    /// [`default_design`](Env::default_design) says. Costs at most that one evaluation. Empty where nothing is known.
    fn features(&self) -> Vec<Feature> {
        Vec::new()
    }

    /// What a record of a study should remember of this instance: workload, engine version, model cards.
    fn provenance(&self) -> Vec<(String, String)> {
        Vec::new()
    }

    /// A hash of everything that outcomes at this level depend on, beside the design: definition, contents of files, version of a tool. Two
    /// instances with one fingerprint answer alike, so that results may be shared between them, and between programs. `None` where
    /// evaluating again costs no more than looking a result up.
    fn fingerprint(&self, _: Fidelity) -> Option<String> {
        None
    }

    /// The files that this instance was built from: decks with all that they include, traces, tables, models. A study records their
    /// contents, and does not go on with other ones.
    fn inputs(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    /// The truth about this very instance, where its space has been enumerated: reports measure regret against it. Errors: damaged data.
    fn known_optima(&self) -> Result<Option<KnownOptima>, EnvError> {
        Ok(None)
    }

    /// What is known of the structure of designs beyond their metrics, for agents that search by it. `None` where nothing is.
    fn guide(&self) -> Option<Arc<dyn Guide>> {
        None
    }

    /// The environment that this one imitates, as id and options: that of a surrogate, for example. A study re-simulates its best designs
    /// there. `None` for an environment that is the truth itself.
    fn stands_for(&self) -> Option<(String, Options)> {
        None
    }
}

/// One number about an instance of an environment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Feature {
    /// Its name.
    pub name: String,
    /// The number: about -1 to 1 for everyday instances, and never beyond -3 and 3.
    pub value: f64,
}

impl Feature {
    /// A feature; the value is cut off at -3 and 3, and 0 if it is no number.
    pub fn new(name: &str, value: f64) -> Self {
        Self { name: name.into(), value: if value.is_nan() { 0.0 } else { value.clamp(-3.0, 3.0) } }
    }
}

/// The index of a level in [`Env::fidelities`]; 0 is the truth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Fidelity(pub u8);

impl Fidelity {
    /// The truth.
    pub const FULL: Fidelity = Fidelity(0);
}

/// A level of fidelity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FidelityLevel {
    /// Its name, such as `full` or `first-tenth-of-the-trace`.
    pub name: String,
    /// Cost of one evaluation, relative to the full level.
    pub relative_cost: f64,
}

/// How far the metrics of a noisy environment stray.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Noise {
    /// Runs of the tool that one evaluation takes together.
    pub repeats: usize,
    /// Standard deviation of one evaluation, per metric and in its unit; `None` where it is not known.
    pub deviations: Vec<Option<f64>>,
}
