//! What is known by name: everything of hwgym, `python` for classes in modules, and what was registered under names of their own.

use std::ffi::OsString;
use std::sync::{Arc, Mutex, PoisonError};

use hwgym::Registries;
use hwgym::envs::catalogue::Field;
use pyo3::prelude::*;
use serde_json::{Value, json};

use crate::foreign::{self, Interpreter};
use crate::{bad_input, failure, threads};

/// What Python told this module.
#[derive(Default)]
struct Known {
    interpreter: Interpreter,
    /// Ids with the places of their classes.
    envs: Vec<(String, String)>,
    agents: Vec<(String, String)>,
    /// Made when it is first asked for.
    registries: Option<Arc<Registries>>,
}

static KNOWN: Mutex<Option<Known>> = Mutex::new(None);

fn with<R>(work: impl FnOnce(&mut Known) -> R) -> R {
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    work(known.get_or_insert_default())
}

/// Tells which interpreter runs Python classes in processes of their own, and how a guard of such processes is started.
#[pyfunction]
pub fn start(executable: &str, guard: Vec<String>) {
    threads::begin();
    with(|known| known.interpreter = Interpreter { program: executable.into() });
    hwgym::simulators::process::set_helper(guard.into_iter().map(OsString::from));
}

/// Everything that is known by name.
pub fn registries() -> PyResult<Arc<Registries>> {
    with(|known| {
        if let Some(registries) = &known.registries {
            return Ok(registries.clone());
        }
        let mut registries = hwgym::registries().map_err(failure)?;
        foreign::add(&mut registries, &known.interpreter, &known.envs, &known.agents).map_err(bad_input)?;
        let registries = Arc::new(registries);
        known.registries = Some(registries.clone());
        Ok(registries)
    })
}

/// Gives a class that is an environment an id of its own. `place` is `module:Class` or `file.py:Class`.
#[pyfunction]
pub fn register_env(id: &str, place: &str) -> PyResult<()> {
    register(|known| &mut known.envs, id, place)
}

/// Gives a class that is an agent an id of its own.
#[pyfunction]
pub fn register_agent(id: &str, place: &str) -> PyResult<()> {
    register(|known| &mut known.agents, id, place)
}

fn register(list: impl Fn(&mut Known) -> &mut Vec<(String, String)>, id: &str, place: &str) -> PyResult<()> {
    let before = with(|known| {
        let before = list(known).clone();
        list(known).retain(|(other, _)| other != id);
        list(known).push((id.into(), place.into()));
        known.registries = None;
        before
    });
    // An id that is taken by something else is refused, and forgotten.
    registries().map(|_| ()).inspect_err(|_| with(|known| *list(known) = before))
}

/// Environments, agents and surrogates with what they take, as JSON.
#[pyfunction]
pub fn catalogue() -> PyResult<String> {
    let registries = registries()?;
    let fields = |fields: &[Field]| -> Vec<Value> {
        let field = |f: &Field| json!({"name": f.name, "default": f.default, "range": f.range, "description": f.description});
        fields.iter().map(field).collect()
    };
    let envs = registries.envs().entries();
    let envs = envs.map(|e| json!({"id": e.id, "summary": e.summary, "options": fields(&e.options)}));
    let agents = registries.agents().entries();
    let agents = agents.map(|a| {
        json!({"id": a.id, "summary": a.summary, "goals": a.goals.to_string(), "hyperparameters": fields(&a.hyperparameters)})
    });
    let surrogates = registries.surrogates().entries();
    let surrogates = surrogates
        .map(|s| json!({"id": s.id, "summary": s.summary, "hyperparameters": fields(&s.hyperparameters)}));
    let all = json!({
        "environments": envs.collect::<Vec<_>>(),
        "agents": agents.collect::<Vec<_>>(),
        "surrogates": surrogates.collect::<Vec<_>>(),
    });
    Ok(all.to_string())
}
