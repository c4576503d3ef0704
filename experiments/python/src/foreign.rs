//! Environments and agents that are Python classes. Each runs in processes of its own, so that they use all cores, and so that what breaks
//! there breaks nothing here: an environment over `command-v0`'s protocol of lines, an agent over that of `external`.

use std::path::{Path, PathBuf};
use std::process::Command;

use hwgym::Registries;
use hwgym::agents::{Agent, AgentEntry, AgentError, Problem};
use hwgym::envs::catalogue::CatalogueError;
use hwgym::envs::{Env, EnvEntry, EnvError, Options};
use serde::Deserialize;
use serde_json::{Map, Value};

/// The id under which a class is named by its module.
const ID: &str = "python";

/// The interpreter that classes run in.
#[derive(Clone, Default)]
pub struct Interpreter {
    pub program: String,
}

/// What `python -m hwgym.worker describe` answers.
#[derive(Deserialize)]
struct Description {
    /// A definition of `command-v0`.
    definition: String,
    /// The files that the class was read from.
    files: Vec<PathBuf>,
}

/// Options that are handed on: everything but these.
struct Given {
    place: Option<String>,
    time_limit_s: Option<f64>,
    arguments: Map<String, Value>,
}

impl Given {
    fn read(options: &Options) -> Result<Self, EnvError> {
        let mut arguments = match options.text().trim() {
            "" => Map::new(),
            _ => {
                let value: ron::Value = options.parse()?;
                match serde_json::to_value(value) {
                    Ok(Value::Object(map)) => map,
                    // `()`
                    Ok(Value::Null) => Map::new(),
                    _ => return Err(EnvError::invalid("options", "give them as `(name: value, ...)`")),
                }
            }
        };
        let place = match arguments.remove("module") {
            None => None,
            Some(Value::String(place)) => Some(place),
            Some(other) => {
                let message = format!("{other} is no text such as \"my_model:Cache\"");
                return Err(EnvError::invalid("module", message));
            }
        };
        let time_limit_s = match arguments.remove("time_limit_s") {
            None => None,
            Some(limit) => Some(limit.as_f64().filter(|limit| *limit > 0.0).ok_or_else(|| {
                EnvError::invalid("time_limit_s", format!("{limit} is no number of seconds above 0"))
            })?),
        };
        Ok(Self { place, time_limit_s, arguments })
    }

    fn place(&self, fixed: Option<&str>) -> Result<String, EnvError> {
        match (fixed, &self.place) {
            (Some(fixed), None) => Ok(fixed.into()),
            (None, Some(place)) => Ok(place.clone()),
            (None, None) => Err(EnvError::invalid(
                "module",
                "say which class it is, such as `module: \"my_model:Cache\"` for the class `Cache` of `my_model.py`",
            )),
            (Some(fixed), Some(_)) => Err(EnvError::invalid(
                "module",
                format!("this id stands for `{fixed}` already; leave it out"),
            )),
        }
    }
}

impl Interpreter {
    /// The words that start a worker.
    fn words(&self, task: &str, place: &str, folder: &Path, arguments: &Map<String, Value>) -> Vec<String> {
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.into());
        // The current folder has no name of its own.
        let folder =
            if folder.as_os_str().is_empty() { std::env::current_dir().unwrap_or_default() } else { folder };
        let folder = folder.display().to_string();
        let arguments = Value::Object(arguments.clone()).to_string();
        [&self.program, "-m", "hwgym.worker", task, place, &folder, &arguments].map(String::from).into()
    }

    fn env(&self, id: &str, fixed: Option<&str>, options: &Options) -> Result<Box<dyn Env>, EnvError> {
        let given = Given::read(options)?;
        let place = given.place(fixed)?;
        let words = self.words("describe", &place, &options.folder(), &given.arguments);
        let output = Command::new(&words[0])
            .args(&words[1..])
            .output()
            .map_err(|error| EnvError::invalid("module", format!("{}: {error}", self.program)))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(EnvError::invalid("module", format!("`{place}`: {}", said.trim())));
        }
        let text = String::from_utf8_lossy(&output.stdout);
        let answer = text.lines().rev().find(|line| line.starts_with('{')).unwrap_or_default();
        let description: Description = serde_json::from_str(answer).map_err(|error| {
            EnvError::invalid("module", format!("`{place}` cannot be described: {error}"))
        })?;
        options.note(description.files);
        let limit = given.time_limit_s.map(|limit| format!("(time_s: {limit:?})"));
        hwgym::envs::command::of_text(
            id,
            &description.definition,
            &place,
            &options.folder(),
            limit.as_deref().unwrap_or_default(),
        )
    }

    fn agent(
        &self,
        fixed: Option<&str>,
        options: &Options,
        problem: &Problem,
        seed: u64,
    ) -> Result<Box<dyn Agent>, AgentError> {
        let given = Given::read(options)?;
        let words = self.words("agent", &given.place(fixed)?, &options.folder(), &given.arguments);
        let limit = given.time_limit_s.unwrap_or(60.0);
        let external = Options::ron(format!("(command: {words:?}, time_limit_s: {limit:?})"));
        hwgym::agents::Registry::builtin().make("external", &external, problem, seed)
    }
}

/// The file of a module in this folder, if the class is in one.
fn file(options: &Options) -> Result<Vec<PathBuf>, AgentError> {
    let Some(place) = Given::read(options)?.place else { return Ok(Vec::new()) };
    let module = place.rsplit_once(':').map_or(place.as_str(), |(module, _)| module);
    let name =
        if module.ends_with(".py") { module.into() } else { format!("{}.py", module.replace('.', "/")) };
    let path = options.folder().join(name);
    Ok(if path.is_file() { vec![path] } else { Vec::new() })
}

/// Adds `python`, for environments and for agents, and the ids that classes were given.
pub fn add(
    registries: &mut Registries,
    interpreter: &Interpreter,
    envs: &[(String, String)],
    agents: &[(String, String)],
) -> Result<(), CatalogueError> {
    let env = |id: &str, summary: &str, fixed: Option<String>| {
        let (interpreter, own) = (interpreter.clone(), id.to_string());
        EnvEntry::new(id, summary, move |options| interpreter.env(&own, fixed.as_deref(), options))
    };
    let agent = |id: &str, summary: &str, fixed: Option<String>| {
        let interpreter = interpreter.clone();
        AgentEntry::new(id, summary, move |options, problem, seed| {
            interpreter.agent(fixed.as_deref(), options, problem, seed)
        })
        .arranging()
        .built_from(file)
    };
    let of_module = env(ID, "a Python class with `space`, `metrics` and `evaluate`", None)
        .option(
            "module",
            "",
            "the class, such as \"my_model:Cache\"; every other option is an argument of it",
        )
        .option("time_limit_s", "3600.0", "seconds in which each answer must come");
    registries.add_env(of_module)?;
    let of_module = agent(ID, "a Python class with `ask` and `tell`", None)
        .hyperparameter("module", "", "a class", "such as \"my_agent:Mine\"; all others are arguments of it")
        .hyperparameter("time_limit_s", "60.0", "0.001 to 86400", "seconds in which each answer must come");
    registries.add_agent(of_module)?;
    for (id, place) in envs {
        registries.add_env(env(id, &format!("the Python class {place}"), Some(place.clone())))?;
    }
    for (id, place) in agents {
        registries.add_agent(agent(id, &format!("the Python class {place}"), Some(place.clone())))?;
    }
    Ok(())
}
