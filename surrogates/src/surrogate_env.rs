//! `surrogate-env-v0`: any environment, answered by a saved surrogate.

use std::path::PathBuf;

use hwgym_envs::catalogue::CatalogueError;
use hwgym_envs::{
    Design, DesignSpace, Env, EnvEntry, EnvError, Fidelity, Metric, Objective, Options, Outcome,
    Registry as EnvRegistry,
};
use serde::Deserialize;

use crate::{Prediction, Registry, SurrogateModel};

/// The id of the environment.
pub const ID: &str = "surrogate-env-v0";

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    model: PathBuf,
    member: usize,
}

/// An environment whose metrics are a surrogate's predictions. Its space, metrics and objectives are those of the environment that the
/// model imitates; [`stands_for`](Env::stands_for) names it.
pub struct SurrogateEnv {
    model: SurrogateModel,
    objectives: Vec<Objective>,
}

impl SurrogateEnv {
    /// An environment that this model answers. `truth` is the environment it imitates, which lends its named objectives.
    pub fn new(model: SurrogateModel, truth: Option<&dyn Env>) -> Self {
        let objectives = truth.map(Env::objectives).unwrap_or_default();
        Self { model, objectives }
    }
}

impl Env for SurrogateEnv {
    fn id(&self) -> &str {
        ID
    }
    fn space(&self) -> &DesignSpace {
        &self.model.header().origin.space
    }
    fn metrics(&self) -> &[Metric] {
        &self.model.header().origin.metrics
    }
    fn evaluate(&self, design: &Design, fidelity: Fidelity) -> Outcome {
        if let Some(table) = self.model.table() {
            return match table.class(design).map(|class| table.entry(class)) {
                Some(entry) if entry.is_feasible => Outcome::feasible(entry.values),
                _ => Outcome::infeasible("the surrogate expects no metrics", 1.0),
            };
        }
        let mut outcomes = self.evaluate_batch(std::slice::from_ref(design), fidelity);
        outcomes.pop().unwrap_or_else(|| Outcome::failed("the surrogate gave no prediction"))
    }
    fn evaluate_batch(&self, designs: &[Design], _: Fidelity) -> Vec<Outcome> {
        let outcome = |prediction: Prediction| match prediction.feasible {
            likely if likely >= 0.5 => Outcome::feasible(prediction.mean),
            unlikely => Outcome::infeasible(
                format!("the surrogate gives it a chance of {unlikely:.3} to have metrics"),
                0.5 - unlikely,
            ),
        };
        self.model.predict(designs).into_iter().map(outcome).collect()
    }
    /// That of the truth: a table knows it by itself.
    fn canonical(&self, design: &Design) -> Design {
        let mut canonical = design.clone();
        self.space().canonicalise(&mut canonical);
        let representative = self.model.table().and_then(|table| {
            let index = table.representative(table.class(&canonical)?)?;
            self.space().design_at(index as u128)
        });
        representative.unwrap_or(canonical)
    }
    fn objectives(&self) -> Vec<Objective> {
        if self.objectives.is_empty() {
            let names = self.metrics().iter().map(|m| m.name.clone());
            return names
                .map(|name| Objective::new(name.clone(), vec![hwgym_envs::Goal::Optimise(name)]))
                .collect();
        }
        self.objectives.clone()
    }
    fn provenance(&self) -> Vec<(String, String)> {
        let header = self.model.header();
        vec![
            ("surrogate".into(), header.surrogate.clone()),
            ("imitates".into(), format!("{} {}", header.origin.environment, header.origin.options)),
            ("training-rows".into(), header.training_rows.to_string()),
            ("training-hash".into(), header.training_hash.clone()),
        ]
    }
    fn stands_for(&self) -> Option<(String, Options)> {
        let origin = &self.model.header().origin;
        Some((origin.environment.clone(), Options::ron(origin.options.clone())))
    }
}

/// Adds `surrogate-env-v0` to a registry of environments: it reads models of these surrogates, which imitate one of those environments.
/// Errors: the id is taken.
pub fn register(registry: &mut EnvRegistry, surrogates: &Registry) -> Result<(), CatalogueError> {
    let (truths, surrogates) = (registry.clone(), surrogates.clone());
    let entry = EnvEntry::new(ID, "any environment, answered by a saved surrogate", move |options| {
        let settings: Settings = options.parse()?;
        if settings.model.as_os_str().is_empty() {
            return Err(EnvError::invalid(
                "model",
                "give the file of a saved model, made by `hwgym surrogate train`",
            ));
        }
        let path = options.folder().join(&settings.model);
        let mut model =
            SurrogateModel::load(&surrogates, &path).map_err(|e| EnvError::invalid("model", e))?;
        if settings.member > 0 {
            let sets = model.origins().count();
            model = model.member(settings.member).ok_or_else(|| {
                EnvError::invalid(
                    "member",
                    format!("{}: it learned from {sets} data set(s); count from 0", path.display()),
                )
            })?;
        }
        let origin = &model.header().origin;
        let truth = truths.make(&origin.environment, &Options::ron(origin.options.clone()));
        if let Ok(truth) = &truth
            && truth.space() != &origin.space
        {
            return Err(EnvError::invalid(
                "model",
                format!(
                    "{}: it was trained on another space of `{}` than this program has; train it again",
                    path.display(),
                    origin.environment
                ),
            ));
        }
        Ok(Box::new(SurrogateEnv::new(model, truth.ok().as_deref())))
    });
    let entry =
        entry.option("model", "(none: must be given)", "file of a saved model, relative to the study");
    registry.add(entry.option(
        "member",
        "0",
        "which of its data sets a model of several answers for, in the order of training",
    ))
}
