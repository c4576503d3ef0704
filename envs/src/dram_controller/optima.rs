//! The truth about shipped workloads: exact optima and Pareto fronts, from complete enumerations.
//!
//! To add a workload: `hwgym env enumerate dram-controller-v0 --workload W`, copy the folder's `optima.json.gz` to
//! `envs/data/dram-controller/W.json.gz`, and name it in `data!`. A test runs the simulator against every file: after a change of its
//! results the enumeration has to be repeated.

use crate::known_optima::{KnownObjective, KnownOptima};
use crate::{Env, EnvError};

macro_rules! data {
    ($($workload:literal),* $(,)?) => {
        const DATA: &[(&str, &[u8])] =
            &[$(($workload, include_bytes!(concat!("../../data/dram-controller/", $workload, ".json.gz")))),*];
    };
}

data!("bfs", "matmul", "python", "sort", "sqlite", "xz");

/// Workloads of which the truth is known, with the default options.
pub fn known_workloads() -> Vec<&'static str> {
    DATA.iter().map(|(workload, _)| *workload).collect()
}

/// The truth about a workload with the default options, for one named objective; `None` if it is not known. Errors: damaged data.
///
/// ```
/// use hwgym_envs::dram_controller::known_optima;
///
/// // Nobody has enumerated this one.
/// assert!(known_optima("random:seed=7", "low-power")?.is_none());
/// # Ok::<(), hwgym_envs::EnvError>(())
/// ```
pub fn known_optima(workload: &str, objective: &str) -> Result<Option<KnownObjective>, EnvError> {
    let Some((name, bytes)) = DATA.iter().find(|(known, _)| *known == workload) else { return Ok(None) };
    let optima = KnownOptima::read(name, bytes)?;
    Ok(optima.objectives.into_iter().find(|known| known.objective.name == objective))
}

/// The truth about this very environment (same device, workload, space and simulator), if it is known. Errors: damaged data.
pub(super) fn of(env: &dyn Env) -> Result<Option<KnownOptima>, EnvError> {
    for (name, bytes) in DATA {
        let optima = KnownOptima::read(name, bytes)?;
        if optima.fits(env) {
            return Ok(Some(optima));
        }
    }
    Ok(None)
}
