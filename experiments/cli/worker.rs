//! `hwgym worker`: some trials of a study, as a plain process.

use std::collections::HashSet;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::Registries;
use crate::experiments::{Access, InputSource, Store, Trial};

use crate::failure::bad_input;

/// Run some trials of a study beside other workers, without a report
///
/// The study is started by `hwgym run` or `hwgym run --prepare`. Workers may run on any machines that see its directory: every trial has a
/// lock and a file of its own. `hwgym report DIR` reads what they wrote.
#[derive(clap::Args)]
pub struct WorkerArgs {
    /// The directory of the study
    directory: PathBuf,
    /// Run this trial only; may be repeated
    #[arg(long = "trial", value_name = "NAME", conflicts_with = "share")]
    trials: Vec<String>,
    /// Run one of so many equal shares of the trials, such as `3/16`
    #[arg(long, value_name = "K/N", value_parser = share, conflicts_with = "chunk")]
    share: Option<(usize, usize)>,
    /// Run so many trials: those that belong to this task of a job array, by the index that the engine gives it (Slurm, LSF, SGE, PBS,
    /// Kubernetes)
    #[arg(long, value_name = "TRIALS", value_parser = clap::value_parser!(u64).range(1..), conflicts_with = "trials")]
    chunk: Option<u64>,
    /// Take the trials named in this file, one a line, instead of all
    #[arg(long, value_name = "FILE", conflicts_with = "trials")]
    list: Option<PathBuf>,
    /// Searches that run at the same time; 0 for one per processor. The results are the same
    #[arg(short, long, default_value_t = 1)]
    jobs: usize,
    /// Go on with the copies of inputs in the study's directory, whatever became of the files that it was started with
    #[arg(long)]
    stored_inputs: bool,
    #[command(flatten)]
    cache: crate::arguments::CacheFolderArgs,
}

impl WorkerArgs {
    pub fn run(self, registries: &Registries) -> anyhow::Result<ExitCode> {
        let source = if self.stored_inputs { InputSource::Stored } else { InputSource::Original };
        let (store, mut study) = Store::resume(&self.directory, registries, Access::Shared, source)?;
        crate::run::share_results(&mut study, &store, &self.cache)?;
        let mut names = self.trials;
        if let Some(list) = &self.list {
            let text = std::fs::read_to_string(list)
                .map_err(|error| bad_input(format!("--list {}: {error}", list.display())))?;
            names.extend(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(String::from));
        }
        let all = if names.is_empty() && self.list.is_none() {
            study.trials()
        } else {
            named(study.trials(), &names)?
        };
        let chosen: Vec<Trial> = match (self.share, self.chunk) {
            (Some((share, of)), _) => all.into_iter().skip(share - 1).step_by(of).collect(),
            (None, Some(chunk)) => {
                let index = array_index(|name| std::env::var(name).ok()).map_err(bad_input)?;
                let chunk = usize::try_from(chunk).unwrap_or(usize::MAX);
                all.into_iter().skip(index.saturating_mul(chunk)).take(chunk).collect()
            }
            (None, None) => all,
        };
        let finished = crate::run::execute(&study, &store, &chosen, self.jobs)?;
        Ok(crate::run::exit_code(&finished, &store).unwrap_or(ExitCode::SUCCESS))
    }
}

/// The trials of these names, in the order of the study. Errors: a name that no trial has.
fn named<'a>(all: Vec<Trial<'a>>, names: &[String]) -> anyhow::Result<Vec<Trial<'a>>> {
    let known: HashSet<String> = all.iter().map(Trial::name).collect();
    if let Some(name) = names.iter().find(|name| !known.contains(*name)) {
        let known: Vec<String> = known.into_iter().collect();
        let hint = crate::envs::suggest::suggestion(name, &known);
        return Err(bad_input(format!("no trial is called `{name}`{hint}")));
    }
    let names: HashSet<&String> = names.iter().collect();
    Ok(all.into_iter().filter(|trial| names.contains(&trial.name())).collect())
}

/// Variables that hold the index of a task of a job array, and the index of the first task: a number, or another variable.
const INDICES: [(&str, &str, First); 6] = [
    ("Slurm", "SLURM_ARRAY_TASK_ID", First::Variable("SLURM_ARRAY_TASK_MIN", 0)),
    ("LSF", "LSB_JOBINDEX", First::Number(1)),
    ("SGE", "SGE_TASK_ID", First::Variable("SGE_TASK_FIRST", 1)),
    ("PBS Pro", "PBS_ARRAY_INDEX", First::Number(0)),
    ("Torque", "PBS_ARRAYID", First::Number(0)),
    ("Kubernetes", "JOB_COMPLETION_INDEX", First::Number(0)),
];

#[derive(Clone, Copy)]
enum First {
    Number(usize),
    /// A variable, and what it is where it is not set.
    Variable(&'static str, usize),
}

/// The index of this task, counted from 0. LSF and SGE number from 1; Slurm and SGE say where their array begins; arrays of PBS and Torque are
/// to begin at 0. An engine that is there but runs no array sets its variable to 0 or `undefined`.
fn array_index(variable: impl Fn(&str) -> Option<String>) -> Result<usize, String> {
    for (engine, name, first) in INDICES {
        let Some(text) = variable(name).filter(|text| text != "undefined") else { continue };
        let number = |text: &str| {
            text.parse::<usize>()
                .map_err(|_| format!("{name}={text}: expected a number, as {engine} gives it"))
        };
        let index = number(&text)?;
        let first = match first {
            First::Number(first) => first,
            First::Variable(name, usual) => {
                variable(name).and_then(|text| text.parse().ok()).unwrap_or(usual)
            }
        };
        // Outside of an array LSF says 0.
        if index == 0 && first == 1 {
            continue;
        }
        return index
            .checked_sub(first)
            .ok_or_else(|| format!("{name}={index} lies before the first task, {first}"));
    }
    let names: Vec<&str> = INDICES.iter().map(|(_, name, _)| *name).collect();
    Err(format!(
        "`--chunk` takes the index of its task from a job array, and none of {} is set; use `--share K/N` elsewhere",
        names.join(", ")
    ))
}

/// Reads `K/N`.
fn share(text: &str) -> Result<(usize, usize), String> {
    let parts = text.split_once('/').and_then(|(k, n)| Some((k.parse().ok()?, n.parse().ok()?)));
    parts
        .filter(|(k, n)| (1..=*n).contains(k))
        .ok_or_else(|| "expected K/N with K from 1 to N, such as 3/16".into())
}

#[cfg(test)]
mod tests {
    use super::array_index;

    fn index(variables: &[(&str, &str)]) -> Result<usize, String> {
        array_index(|name| variables.iter().find(|v| v.0 == name).map(|v| v.1.to_string()))
    }

    #[test]
    fn every_engine_tells_its_tasks_apart() {
        assert_eq!(index(&[("SLURM_ARRAY_TASK_ID", "3")]), Ok(3));
        assert_eq!(index(&[("SLURM_ARRAY_TASK_ID", "7"), ("SLURM_ARRAY_TASK_MIN", "5")]), Ok(2));
        assert_eq!(index(&[("LSB_JOBINDEX", "1")]), Ok(0));
        assert_eq!(index(&[("SGE_TASK_ID", "4"), ("SGE_TASK_FIRST", "2")]), Ok(2));
        assert_eq!(index(&[("SGE_TASK_ID", "undefined"), ("JOB_COMPLETION_INDEX", "9")]), Ok(9));
        assert_eq!(index(&[("PBS_ARRAY_INDEX", "0")]), Ok(0));
        assert_eq!(index(&[("PBS_ARRAYID", "6")]), Ok(6));
        for (variables, part) in [
            (&[][..], "none of SLURM_ARRAY_TASK_ID"),
            (&[("LSB_JOBINDEX", "0")], "none of"),
            (&[("SLURM_ARRAY_TASK_ID", "x")], "expected a number"),
            (&[("SLURM_ARRAY_TASK_ID", "1"), ("SLURM_ARRAY_TASK_MIN", "2")], "before the first"),
        ] {
            let error = index(variables).err().unwrap_or_default();
            assert!(error.contains(part), "{error}");
        }
    }
}
