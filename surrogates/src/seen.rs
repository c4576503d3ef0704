//! Data sets as models see them: transformed targets, encoded rows, and their names.

use hwgym_envs::{Design, Encoding};

use crate::dataset::Origin;
use crate::joint::{JointTargets, SetNames};
use crate::model::{Header, Training};
use crate::transform::FittedTransform;
use crate::{Dataset, Features, SurrogateError};

/// The transforms of a data set's metrics, and its targets as the models see them, one column per metric. A metric that is seen in a logarithm
/// in an earlier data set, or by the model to go on with, is so here.
pub(crate) fn seen_targets(
    training: &Training,
    earlier: &[Header],
    data: &Dataset,
) -> Result<(Vec<FittedTransform>, Vec<Vec<f64>>), SurrogateError> {
    if data.len() < 2 {
        return Err(SurrogateError::Training(format!(
            "{} row(s) with metrics; a surrogate needs at least 2, and a useful one some hundred",
            data.len()
        )));
    }
    let base = training.base.as_deref();
    if let Some(base) = base {
        base.fits(&data.origin)?;
        if base.base().is_some() || base.table().is_some() {
            return Err(SurrogateError::Training(
                "the base is itself a residual or a table; give a model that was trained on data alone"
                    .into(),
            ));
        }
    }
    let start = training.start.iter().flat_map(|start| start.headers());
    let earlier: Vec<&Header> = start.chain(earlier).collect();
    let known = base.map(|base| base.estimate(&data.designs));
    let (mut transforms, mut columns) = (Vec::new(), Vec::new());
    for (index, metric) in data.origin.metrics.iter().enumerate() {
        let mut targets = data.targets(index);
        if let Some(row) = targets.iter().position(|t| !t.is_finite()) {
            return Err(SurrogateError::Training(format!(
                "`{}` of row {row} is not finite; leave such rows out",
                metric.name
            )));
        }
        let alike = earlier.iter().find_map(|header| {
            let place = header.origin.metrics.iter().position(|other| other.name == metric.name)?;
            header.transforms[place].again(&targets)
        });
        let fitted = match base {
            Some(base) => {
                let transform = base.header().transforms[index];
                targets.iter().all(|target| transform.forward(*target).is_finite()).then_some(transform)
            }
            None => alike.or_else(|| training.transform.fit_in(&metric.unit, &targets)),
        };
        let transform = fitted.ok_or_else(|| {
            SurrogateError::Training(format!(
                "`{}` has values of 0 or less, which have no logarithm; use another transform",
                metric.name
            ))
        })?;
        targets.iter_mut().for_each(|target| *target = transform.forward(*target));
        if let Some(known) = &known {
            let means = (0..data.len()).map(|row| known.at(row, index).mean);
            targets.iter_mut().zip(means).for_each(|(target, mean)| *target -= mean);
        }
        transforms.push(transform);
        columns.push(targets);
    }
    Ok((transforms, columns))
}

/// What a joint model learns from: rows with metrics, then those without.
pub(crate) fn joint_rows(
    data: &Dataset,
    columns: &[Vec<f64>],
    encoding: Encoding,
) -> Result<(Features, JointTargets), SurrogateError> {
    let without = data.unmeasured.iter().map(|row| row.design.clone());
    let designs: Vec<Design> = data.designs.iter().cloned().chain(without).collect();
    let targets = (0..data.len()).flat_map(|row| columns.iter().map(move |column| column[row]));
    let unknown = data.unmeasured.len() * columns.len();
    let targets = targets.chain(std::iter::repeat_n(f64::NAN, unknown)).collect();
    let feasible = (0..designs.len()).map(|row| row < data.len()).collect();
    let targets = JointTargets::new(targets, columns.len(), feasible)
        .ok_or_else(|| SurrogateError::Training("a target is infinite".into()))?;
    Ok((Features::encode(&data.origin.space, &designs, encoding), targets))
}

/// What data is called: its environment, and that with its options; features and metrics as the environment calls them.
pub(crate) fn names(origin: &Origin, encoding: Encoding) -> SetNames {
    SetNames {
        contexts: vec![origin.environment.clone(), format!("{} {}", origin.environment, origin.options)],
        features: Features::names(&origin.space, encoding),
        metrics: origin.metrics.iter().map(|metric| metric.name.clone()).collect(),
    }
}
