//! Task graphs: what is to be done, the data that flows, what accelerators exist for it, and the budgets.
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::source::{Source, read_text};

/// The task graphs that come with the crate.
pub const WORKLOADS: [&str; 3] = ["audio_decoder", "edge_detection", "hpvm_cava"];

/// Bytes of one burst.
const BURST_BYTES: f64 = 1024.0;

/// A task as it is written.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TaskFile {
    name: String,
    #[serde(default)]
    instructions: f64,
}

/// An edge as it is written.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EdgeFile {
    from: String,
    to: String,
    bytes: f64,
}

/// An accelerator as it is written.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AcceleratorFile {
    task: String,
    cycles: f64,
    energy_fj: f64,
    area_um2: f64,
    #[serde(default = "one")]
    iterations: u64,
}

fn one() -> u64 {
    1
}

/// A task graph as it is written.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename = "Workload")]
struct WorkloadFile {
    name: String,
    tasks: Vec<TaskFile>,
    edges: Vec<EdgeFile>,
    #[serde(default)]
    last: Option<String>,
    budget: Budget,
    #[serde(default)]
    accelerators: Vec<AcceleratorFile>,
}

/// What a design may take.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Latency, in seconds.
    pub latency_s: f64,
    /// Power, in watts.
    pub power_w: f64,
    /// Area, in square metres; stacked DRAM has as much again.
    pub area_m2: f64,
}

/// What a task is in the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The one task without parents: it stands for the input and takes no time.
    Source,
    /// A task without children: it stands for the output and takes no time.
    Sink,
    /// A task inside the graph that does nothing.
    Dummy,
    /// A task that works.
    Work,
}

/// Data that one task writes and another reads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Edge {
    /// The task that writes.
    pub parent: usize,
    /// The task that reads.
    pub child: usize,
    /// How much, in bytes.
    pub bytes: f64,
}

/// Measured figures of an accelerator for one task, before technology factors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Accelerator {
    /// The task it runs.
    pub task: usize,
    /// Cycles of one run at 100 MHz.
    pub cycles: f64,
    /// Energy of one run, in 1e-15 J.
    pub energy_fj: f64,
    /// Area, in square micrometres.
    pub area_um2: f64,
    /// Iterations of its loop: how far it can be unrolled.
    pub iterations: u64,
}

/// A checked task graph. Tasks and edges are indices; edges are sorted by parent, then child.
#[derive(Clone, Debug)]
pub struct Workload {
    /// Its name.
    pub name: String,
    /// Names of the tasks.
    pub tasks: Vec<String>,
    /// Instructions per task; 0 for a dummy.
    pub work: Vec<f64>,
    /// What each task is.
    pub roles: Vec<Role>,
    /// The data.
    pub edges: Vec<Edge>,
    /// The task whose end is the latency.
    pub last: usize,
    /// The budgets.
    pub budget: Budget,
    /// Accelerators that can be built, in library order.
    pub accelerators: Vec<Accelerator>,
    /// Edges out of task t: `first_child[t]..first_child[t + 1]`.
    first_child: Vec<usize>,
    /// Edges into each task, by ascending parent.
    parents: Vec<Vec<usize>>,
    /// Per edge: bytes of one burst unit as the parent writes it, and as the child reads it.
    pub(crate) units: Vec<[f64; 2]>,
    /// Per edge: bytes per instruction of the child that reads, and of the parent that writes (index: `READ`, `WRITE`).
    pub(crate) ratios: Vec<[f64; 2]>,
}

impl Workload {
    /// The built-in task graph of this name.
    ///
    /// # Errors
    /// [`Error::UnknownName`] if there is none.
    pub fn builtin(name: &str) -> Result<Self> {
        let text = match name {
            "audio_decoder" => include_str!("../tables/audio_decoder.ron"),
            "edge_detection" => include_str!("../tables/edge_detection.ron"),
            "hpvm_cava" => include_str!("../tables/hpvm_cava.ron"),
            _ => return Err(Error::unknown("workload", name, WORKLOADS)),
        };
        Self::from_text(text, &format!("{name}.ron"))
    }

    /// The built-in task graph of this name, or the one in the file of that name if it ends in `.ron` or `.json`.
    ///
    /// # Errors
    /// [`Error::UnknownName`], [`Error::Io`], or [`Error::Source`] with line and column.
    pub fn named_or_read(name: &str) -> Result<Self> {
        if name.ends_with(".ron") || name.ends_with(".json") {
            Self::from_file(name)
        } else {
            Self::builtin(name)
        }
    }

    /// Reads a task graph from a file.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read, [`Error::Source`] with line and column if it is wrong.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Self::from_text(&read_text(path)?, &path.display().to_string())
    }

    /// Reads a task graph from a text; `file` is its name in messages.
    ///
    /// # Errors
    /// [`Error::Source`] with line and column: a cycle, an unknown or repeated name, a number out of range.
    pub fn from_text(text: &str, file: &str) -> Result<Self> {
        let source = Source { file, text };
        let parsed: WorkloadFile = source.read()?;
        check(&parsed, &source)?;
        let index = |name: &str| parsed.tasks.iter().position(|task| task.name == name).unwrap_or(0);
        let work: Vec<f64> = parsed.tasks.iter().map(|task| task.instructions).collect();
        let mut edges: Vec<Edge> = parsed
            .edges
            .iter()
            .map(|edge| Edge { parent: index(&edge.from), child: index(&edge.to), bytes: edge.bytes })
            .collect();
        edges.sort_by_key(|edge| (edge.parent, edge.child));
        let count = work.len();
        let first_child: Vec<usize> =
            (0..=count).map(|task| edges.partition_point(|edge| edge.parent < task)).collect();
        let parents: Vec<Vec<usize>> =
            (0..count).map(|task| (0..edges.len()).filter(|e| edges[*e].child == task).collect()).collect();
        let role = |task: usize| match () {
            () if parents[task].is_empty() => Role::Source,
            () if first_child[task] == first_child[task + 1] => Role::Sink,
            () if work[task] == 0.0 => Role::Dummy,
            () => Role::Work,
        };
        let roles: Vec<Role> = (0..count).map(role).collect();
        let ratio = |bytes: f64, task: usize| if work[task] > 0.0 { bytes / work[task] } else { 1.0 };
        let bursts: Vec<f64> = (0..count)
            .map(|task| {
                let read = least(parents[task].iter().map(|e| edges[*e].bytes));
                let written = least(edges[first_child[task]..first_child[task + 1]].iter().map(|e| e.bytes));
                bursts(roles[task], work[task], read, written)
            })
            .collect();
        let last = match &parsed.last {
            Some(name) => index(name),
            // The sink stands for the output: it ends when everything has.
            None => roles.iter().position(|role| *role == Role::Sink).unwrap_or(0),
        };
        let accelerator = |written: &AcceleratorFile| Accelerator {
            task: index(&written.task),
            cycles: written.cycles,
            energy_fj: written.energy_fj,
            area_um2: written.area_um2,
            iterations: written.iterations,
        };
        Ok(Self {
            units: edges
                .iter()
                .map(|e| [(e.bytes / bursts[e.child]).floor(), (e.bytes / bursts[e.parent]).floor()])
                .collect(),
            ratios: edges.iter().map(|e| [ratio(e.bytes, e.child), ratio(e.bytes, e.parent)]).collect(),
            accelerators: parsed.accelerators.iter().map(accelerator).collect(),
            tasks: parsed.tasks.into_iter().map(|task| task.name).collect(),
            name: parsed.name,
            budget: parsed.budget,
            work,
            roles,
            edges,
            last,
            first_child,
            parents,
        })
    }

    /// Number of tasks.
    pub fn len(&self) -> usize {
        self.work.len()
    }

    /// True for a graph without tasks, which cannot be built.
    pub fn is_empty(&self) -> bool {
        self.work.is_empty()
    }

    /// The task that stands for the input.
    pub fn source(&self) -> usize {
        self.roles.iter().position(|role| *role == Role::Source).unwrap_or(0)
    }

    /// Indices of the edges out of a task, by ascending child.
    pub fn edges_out(&self, task: usize) -> std::ops::Range<usize> {
        self.first_child[task]..self.first_child[task + 1]
    }

    /// Indices of the edges into a task, by ascending parent.
    pub fn edges_in(&self, task: usize) -> &[usize] {
        &self.parents[task]
    }

    /// The index of a task. Errors: no task has this name.
    pub fn task(&self, name: &str) -> Result<usize> {
        self.tasks
            .iter()
            .position(|task| task == name)
            .ok_or_else(|| Error::unknown("task", name, self.tasks.iter().cloned()))
    }
}

fn least(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(f64::INFINITY, f64::min)
}

/// Into how many bursts a task cuts what it reads, so that every burst still writes a byte and takes an instruction.
fn bursts(role: Role, work: f64, read: f64, written: f64) -> f64 {
    if matches!(role, Role::Source | Role::Sink) {
        return 1.0;
    }
    let bursts = (read / BURST_BYTES).floor().max(1.0);
    if (written / bursts).floor() == 0.0 || (work / bursts).floor() == 0.0 { 1.0 } else { bursts }
}

/// Everything that can be wrong with a graph that reads well.
fn check(parsed: &WorkloadFile, source: &Source) -> Result<()> {
    let names: Vec<&str> = parsed.tasks.iter().map(|task| task.name.as_str()).collect();
    let quoted =
        |name: &str, nth: usize, message: String, remedy: &str| source.about(name, nth, message, remedy);
    let positive = "give a number above 0";
    for (index, task) in parsed.tasks.iter().enumerate() {
        if names[..index].contains(&names[index]) {
            let message = format!("two tasks are called `{}`", task.name);
            return Err(quoted(&task.name, 1, message, "rename one of them"));
        }
        if !(task.instructions.is_finite() && task.instructions >= 0.0) {
            let message = format!("task `{}` has {} instructions", task.name, task.instructions);
            return Err(quoted(
                &task.name,
                0,
                message,
                "give a number of instructions, 0 for a task without work",
            ));
        }
    }
    let known = |name: &str, what: &str| {
        if names.contains(&name) {
            return Ok(());
        }
        let meant = closest_of(name, &names);
        let message = format!("{what} names the task `{name}`, which is not among `tasks`{meant}");
        Err(quoted(name, 0, message, &format!("expected one of: {}", names.join(", "))))
    };
    for (index, edge) in parsed.edges.iter().enumerate() {
        let label = format!("the edge from `{}` to `{}`", edge.from, edge.to);
        known(&edge.from, &label)?;
        known(&edge.to, &label)?;
        if !(edge.bytes.is_finite() && edge.bytes > 0.0) {
            let message = format!("{label} moves {} bytes", edge.bytes);
            return Err(quoted(&edge.from, 1, message, positive));
        }
        if parsed.edges[..index].iter().any(|other| (&other.from, &other.to) == (&edge.from, &edge.to)) {
            return Err(quoted(
                &edge.from,
                1,
                format!("{label} stands twice"),
                "add up their bytes in one edge",
            ));
        }
    }
    if let Some(last) = &parsed.last {
        known(last, "`last`")?;
    }
    for (index, accelerator) in parsed.accelerators.iter().enumerate() {
        let name = &accelerator.task;
        known(name, "an accelerator")?;
        if parsed.accelerators[..index].iter().any(|other| other.task == *name) {
            return Err(quoted(name, 1, format!("task `{name}` has two accelerators"), "remove one of them"));
        }
        let figures = [
            ("cycles", accelerator.cycles),
            ("energy_fj", accelerator.energy_fj),
            ("area_um2", accelerator.area_um2),
            ("iterations", accelerator.iterations as f64),
        ];
        for (figure, value) in figures {
            if !(value.is_finite() && value > 0.0) {
                let message = format!("the accelerator of `{name}` has {figure}: {value}");
                return Err(quoted(name, 1, message, positive));
            }
        }
        if parsed.tasks.iter().any(|task| task.name == *name && task.instructions == 0.0) {
            let message = format!("task `{name}` has an accelerator but no instructions");
            return Err(quoted(name, 0, message, "give the task `instructions`, or remove its accelerator"));
        }
    }
    let budget = parsed.budget;
    for (name, value) in
        [("latency_s", budget.latency_s), ("power_w", budget.power_w), ("area_m2", budget.area_m2)]
    {
        if !(value.is_finite() && value > 0.0) {
            return Err(quoted("", 0, format!("the budget has {name}: {value}"), positive));
        }
    }
    check_shape(parsed, source, &names)
}

/// One source and one sink without work, and no cycle.
fn check_shape(parsed: &WorkloadFile, source: &Source, names: &[&str]) -> Result<()> {
    let mut left: Vec<usize> =
        names.iter().map(|name| parsed.edges.iter().filter(|edge| edge.to == *name).count()).collect();
    let ends = |edges: &dyn Fn(&EdgeFile) -> &str, what: &str, remedy: &str| -> Result<()> {
        let found: Vec<&str> = names
            .iter()
            .copied()
            .filter(|name| !parsed.edges.iter().any(|edge| edges(edge) == *name))
            .collect();
        match found[..] {
            [only] if parsed.tasks.iter().any(|task| task.name == only && task.instructions == 0.0) => Ok(()),
            [only] => Err(source.about(
                only,
                0,
                format!("`{only}` is the only task without {what}, but has work to do"),
                remedy,
            )),
            // A graph in which everybody has parents is a cycle, which is told below.
            [] => Ok(()),
            _ => Err(source.about(
                found[1],
                0,
                format!("{} tasks have no {what}: {}", found.len(), found.join(", ")),
                remedy,
            )),
        }
    };
    ends(
        &|edge| &edge.to,
        "parents",
        "add a task without instructions and an edge from it to every task that reads input",
    )?;
    ends(
        &|edge| &edge.from,
        "children",
        "add a task without instructions and an edge to it from every task that writes output",
    )?;
    let mut ready: Vec<usize> = (0..names.len()).filter(|task| left[*task] == 0).collect();
    let mut ordered = 0;
    while let Some(task) = ready.pop() {
        ordered += 1;
        for edge in parsed.edges.iter().filter(|edge| edge.from == names[task]) {
            if let Some(child) = names.iter().position(|name| *name == edge.to) {
                left[child] -= 1;
                if left[child] == 0 {
                    ready.push(child);
                }
            }
        }
    }
    if ordered == names.len() && ordered > 0 {
        return Ok(());
    }
    let cycle = cycle(parsed, names, &left);
    let first = cycle.first().copied().unwrap_or_default();
    let path = cycle.iter().chain(cycle.first()).copied().collect::<Vec<_>>().join(" -> ");
    let message = if names.is_empty() {
        "there are no tasks".to_owned()
    } else {
        format!("the tasks wait for each other in a cycle: {path}")
    };
    Err(source.about(
        first,
        0,
        message,
        "a task graph has a first and a last task; remove an edge of the cycle",
    ))
}

/// A cycle among the tasks that still wait for somebody: every one of them waits for another one.
fn cycle<'a>(parsed: &WorkloadFile, names: &[&'a str], left: &[usize]) -> Vec<&'a str> {
    let waits_for = |task: usize| {
        (0..names.len()).find(|other| {
            left[*other] > 0
                && parsed.edges.iter().any(|edge| edge.from == names[*other] && edge.to == names[task])
        })
    };
    let Some(start) = (0..names.len()).find(|task| left[*task] > 0) else { return Vec::new() };
    let mut trail = vec![start];
    while let Some(next) = waits_for(trail[trail.len() - 1]) {
        if let Some(at) = trail.iter().position(|task| *task == next) {
            // In the direction of the data, from the first task of the list on.
            let mut cycle: Vec<usize> = trail[at..].iter().rev().copied().collect();
            let first = (0..cycle.len()).min_by_key(|place| cycle[*place]).unwrap_or(0);
            cycle.rotate_left(first);
            return cycle.into_iter().map(|task| names[task]).collect();
        }
        trail.push(next);
    }
    Vec::new()
}

fn closest_of(name: &str, names: &[&str]) -> String {
    crate::error::closest(name, names.iter().copied())
        .map_or_else(String::new, |best| format!("; did you mean `{best}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_graphs_read() {
        for (name, tasks, edges) in [("audio_decoder", 18, 23), ("edge_detection", 8, 8), ("hpvm_cava", 9, 8)]
        {
            let workload = Workload::builtin(name).unwrap();
            assert_eq!((workload.len(), workload.edges.len()), (tasks, edges), "{name}");
        }
        let audio = Workload::builtin("audio_decoder").unwrap();
        assert_eq!(audio.tasks[audio.last], "dummy_last");
        assert_eq!(audio.roles[audio.last], Role::Dummy);
        // Units as the reference tabulates them: psychoFilter cuts its work into 54 bursts, zoomProcess into one.
        let unit = |from: &str, to: &str| {
            let (from, to) = (audio.task(from).unwrap(), audio.task(to).unwrap());
            let edge = audio.edges.iter().position(|e| (e.parent, e.child) == (from, to)).unwrap();
            audio.units[edge]
        };
        assert_eq!(unit("souurce", "psychoFilter_fxp_cloned"), [3584.0, 193_576.0]);
        assert_eq!(unit("zoomProcess_fxp_cloned", "setAndFFT_left_fxp_cloned"), [1024.0, 131_136.0]);
    }

    #[test]
    fn wrong_graphs_are_refused_with_their_place() {
        let graph = |tasks: &str, edges: &str| {
            let text = format!(
                "(name: \"g\", tasks: [{tasks}],\nedges: [{edges}],\nbudget: (latency_s: 1, power_w: 1, area_m2: 1))"
            );
            Workload::from_text(&text, "g.ron").err().map(|error| error.to_string()).unwrap_or_default()
        };
        let tasks =
            "(name: \"in\"), (name: \"a\", instructions: 9), (name: \"b\", instructions: 9), (name: \"out\")";
        let edge = |from: &str, to: &str| format!("(from: \"{from}\", to: \"{to}\", bytes: 8)");
        let edges = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(from, to)| edge(from, to)).collect::<Vec<_>>().join(", ")
        };
        let good = [("in", "a"), ("a", "b"), ("b", "out")];
        assert_eq!(graph(tasks, &edges(&good)), "");
        let cyclic = graph(tasks, &edges(&[("in", "a"), ("a", "b"), ("b", "a"), ("b", "out")]));
        assert!(cyclic.contains("g.ron:1:") && cyclic.contains("cycle: a -> b -> a"), "{cyclic}");
        let unknown = graph(tasks, &edges(&[("in", "a"), ("a", "bb"), ("b", "out")]));
        assert!(unknown.contains("g.ron:2:") && unknown.contains("`bb`"), "{unknown}");
        let sources = graph(tasks, &edges(&[("in", "a"), ("a", "out"), ("b", "out")]));
        assert!(sources.contains("2 tasks have no parents: in, b"), "{sources}");
        let zero = graph(tasks, &edges(&good).replace("bytes: 8", "bytes: 0"));
        assert!(zero.contains("0 bytes"), "{zero}");
    }
}
