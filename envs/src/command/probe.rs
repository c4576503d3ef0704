//! What `hwgym env check` does with a definition: runs the program a few times, and says in plain words what was found.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use super::Command;
use super::definition::Argument;
use super::extract::Place;
use super::file::Protocol;
use crate::number::significant;
use crate::{Design, Domain, Env, EnvError, Fidelity, Guard, Options, Outcome, evaluate};

/// Choices of a categorical up to which each is tried.
const EVERY_CHOICE: usize = 12;

/// What kind of sentence it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// As it should be.
    Good,
    /// Worth knowing.
    Note,
    /// To be mended before a study.
    Bad,
}

/// Probes the definition in this file; `say` gets each finding as it is made. True if nothing has to be mended. Errors: see
/// [`Command::load`].
pub fn probe(path: &Path, options: &Options, say: &mut dyn FnMut(Kind, &str)) -> Result<bool, EnvError> {
    let command = Arc::new(Command::load(&path.display().to_string(), path, options)?);
    let env: Arc<dyn Env> = command.clone();
    let mut probe = Probe { command, env, say, good: true, measured: Vec::new(), seconds: Vec::new() };
    probe.definition();
    if let Some(middle) = probe.ends() {
        probe.repeats(&middle);
        probe.extraction();
        probe.levels(&middle);
        probe.cost();
        probe.stops(&middle);
        probe.nonsense(&middle);
    }
    Ok(probe.good)
}

struct Probe<'a> {
    command: Arc<Command>,
    env: Arc<dyn Env>,
    say: &'a mut dyn FnMut(Kind, &str),
    good: bool,
    /// Metrics of every design that has them.
    measured: Vec<Vec<f64>>,
    seconds: Vec<f64>,
}

impl Probe<'_> {
    fn say(&mut self, kind: Kind, text: impl AsRef<str>) {
        self.good &= kind != Kind::Bad;
        (self.say)(kind, text.as_ref());
    }

    fn definition(&mut self) {
        let command = self.command.clone();
        let definition = &command.definition;
        let space = command.space();
        let size = space.size().map_or("infinitely many designs".into(), |size| format!("{size} designs"));
        let version = if definition.version.is_empty() {
            String::new()
        } else {
            format!(" ({})", definition.version.join("; "))
        };
        self.say(
            Kind::Good,
            format!(
                "the definition reads: {} parameters ({size}), {} metrics, program `{}`{version}",
                space.len(),
                definition.metrics.len(),
                definition.program.program
            ),
        );
        if !definition.description.is_empty() {
            self.say(Kind::Note, &definition.description);
        }
        for doubt in &definition.doubts {
            self.say(Kind::Bad, doubt);
        }
    }

    /// Evaluates and takes the time.
    fn evaluate(&mut self, design: &Design) -> Outcome {
        let begun = Instant::now();
        let outcome = evaluate(&self.env, design, Fidelity::FULL, &Guard::UNLIMITED);
        self.seconds.push(begun.elapsed().as_secs_f64());
        if let Some(metrics) = outcome.metrics() {
            self.measured.push(metrics.to_vec());
        }
        outcome
    }

    /// The ends of every range around a design in the middle, which is returned if it, or one of them, has metrics.
    fn ends(&mut self) -> Option<Design> {
        let env = self.env.clone();
        let space = env.space();
        let mut middle =
            Design::new(space.parameters().iter().map(|p| p.domain.from_unit(0.5)).collect::<Vec<_>>());
        space.canonicalise(&mut middle);
        if space.violation(&middle) > 0.0 {
            middle = space.sample(&mut crate::Random::derived(1, "probe"));
        }
        let outcome = self.evaluate(&middle);
        self.judge("in the middle of every range", &outcome);
        let mut with_metrics = outcome.metrics().is_some().then(|| middle.clone());
        let reference = outcome.metrics().map(<[f64]>::to_vec);
        for (index, parameter) in space.parameters().iter().enumerate() {
            let coordinates: Vec<f64> = match &parameter.domain {
                Domain::Categorical(choices) if choices.len() <= EVERY_CHOICE => {
                    (0..choices.len()).map(|level| level as f64).collect()
                }
                domain => vec![domain.from_unit(0.0), domain.from_unit(1.0)],
            };
            let mut matters = false;
            let mut tried = 0;
            for coordinate in coordinates {
                let Some(design) = around(space, &middle, index, coordinate) else {
                    let value = parameter.value(coordinate);
                    self.say(
                        Kind::Note,
                        format!(
                            "{}={value}: refused by the constraints around the middle design, not tried",
                            parameter.name
                        ),
                    );
                    continue;
                };
                let outcome = self.evaluate(&design);
                tried += 1;
                matters |= outcome.metrics() != reference.as_deref();
                if outcome.metrics().is_some() && with_metrics.is_none() {
                    with_metrics = Some(design.clone());
                }
                self.judge(&format!("{}={}", parameter.name, parameter.value(coordinate)), &outcome);
            }
            if !matters && tried > 1 && reference.is_some() {
                self.say(
                    Kind::Note,
                    format!("`{}` changes no metric between its ends; is it passed on?", parameter.name),
                );
            }
        }
        if with_metrics.is_none() {
            self.say(Kind::Bad, "no design that was tried has metrics; nothing more can be probed");
        }
        with_metrics
    }

    fn judge(&mut self, what: &str, outcome: &Outcome) {
        match outcome {
            Outcome::Feasible { metrics } => {
                let metrics = metrics.iter().zip(self.env.metrics());
                let values: Vec<String> = metrics
                    .map(|(value, metric)| {
                        format!("{} {} {}", metric.name, significant(*value, 4), metric.unit)
                    })
                    .collect();
                self.say(Kind::Good, format!("{what}: {}", values.join(", ")));
            }
            Outcome::Infeasible { constraint, amount, .. } => {
                self.say(
                    Kind::Good,
                    format!(
                        "{what}: infeasible, since it breaks \"{constraint}\" by {}",
                        significant(*amount, 4)
                    ),
                );
            }
            Outcome::TimedOut { limit_s } => {
                self.say(Kind::Bad, format!("{what}: not finished within {limit_s} s; raise `limits: (time_s: ...)`, or narrow the range"));
            }
            Outcome::Failed { reason, log_tail } => {
                let log = if log_tail.is_empty() {
                    String::new()
                } else {
                    format!("; its log ends with:\n    {}", log_tail.replace('\n', "\n    "))
                };
                self.say(Kind::Bad, format!("{what}: failed: {reason}{log}"));
            }
        }
    }

    /// The same design again, and beside itself.
    fn repeats(&mut self, design: &Design) {
        let first = self.evaluate(design);
        let (env, other) = (self.env.clone(), design.clone());
        let beside = std::thread::spawn(move || evaluate(&env, &other, Fidelity::FULL, &Guard::UNLIMITED));
        let again = self.evaluate(design);
        let beside = beside.join().unwrap_or_else(|_| Outcome::failed("the evaluation panicked"));
        let differing: Vec<String> = match (first.metrics(), again.metrics(), beside.metrics()) {
            (Some(a), Some(b), Some(c)) => {
                let names = self.env.metrics().iter().map(|metric| metric.name.clone());
                names
                    .zip(a.iter().zip(b).zip(c))
                    .filter(|(_, ((a, b), c))| a != b || a != c)
                    .map(|(name, _)| name)
                    .collect()
            }
            _ => {
                self.say(Kind::Bad, "the same design once has metrics and once has not");
                return;
            }
        };
        let definition = &self.command.definition;
        let clock = |name: &String| {
            let own = definition
                .extractions
                .iter()
                .find(|e| e.name == *name || format!("{}_spread", e.name) == *name);
            own.is_some_and(|e| matches!(e.place, Place::WallTime | Place::CpuTime | Place::PeakMemory))
        };
        let (clocks, others): (Vec<String>, Vec<String>) = differing.into_iter().partition(clock);
        if !clocks.is_empty() {
            self.say(Kind::Note, format!("{} differ from run to run, as measured times and memory do; a cached result stays what it was", clocks.join(", ")));
        }
        let noise = self.env.noise();
        if others.is_empty() {
            self.say(Kind::Good, "the same design has the same metrics, again and beside itself");
        } else if noise.is_some() {
            self.say(
                Kind::Note,
                format!(
                    "{} differ from run to run even with the same seed; repetitions are aggregated",
                    others.join(", ")
                ),
            );
        } else {
            self.say(
                Kind::Bad,
                format!(
                    "{} differ from run to run: pass `{{{{seed}}}}` to the program, or say that it is noisy by `repeats` and `aggregate`, or by \
                     the `deviation` of a metric",
                    others.join(", ")
                ),
            );
        }
    }

    /// The range of every metric over all that was measured.
    fn extraction(&mut self) {
        for (index, metric) in self.env.clone().metrics().iter().enumerate() {
            let values = || self.measured.iter().map(|row| row[index]);
            let (low, high) =
                (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
            let count = self.measured.len();
            let (name, unit) = (&metric.name, &metric.unit);
            if low == high && count > 1 && !name.ends_with("_spread") {
                self.say(
                    Kind::Note,
                    format!(
                        "`{name}` is {} {unit} in all {count} runs; is it the right number?",
                        significant(low, 6)
                    ),
                );
            } else {
                self.say(
                    Kind::Good,
                    format!(
                        "`{name}` is found: {} to {} {unit} in {count} runs",
                        significant(low, 4),
                        significant(high, 4)
                    ),
                );
            }
        }
    }

    fn levels(&mut self, design: &Design) {
        let full = self.seconds.last().copied().unwrap_or(0.0);
        for (index, level) in self.env.fidelities().into_iter().enumerate().skip(1) {
            let begun = Instant::now();
            let fidelity = Fidelity(u8::try_from(index).unwrap_or(u8::MAX));
            let outcome = evaluate(&self.env, design, fidelity, &Guard::UNLIMITED);
            let seconds = begun.elapsed().as_secs_f64();
            self.judge(&format!("fidelity `{}`", level.name), &outcome);
            self.say(
                Kind::Note,
                format!(
                    "fidelity `{}` took {} of the time of the full level; its `relative_cost` is {}",
                    level.name,
                    significant(seconds / full.max(1e-9), 2),
                    level.relative_cost
                ),
            );
        }
    }

    fn cost(&mut self) {
        let mut sorted = self.seconds.clone();
        sorted.sort_by(f64::total_cmp);
        let (median, most) = (sorted[sorted.len() / 2], sorted[sorted.len() - 1]);
        self.say(
            Kind::Good,
            format!(
                "an evaluation takes {} s in the median and {} s at most ({} were made); a thousand take {} minutes one after the other",
                significant(median, 3),
                significant(most, 3),
                sorted.len(),
                significant(median * 1000.0 / 60.0, 2)
            ),
        );
        let limit_s = self.command.definition.limits.time_s;
        if most > 0.5 * limit_s {
            self.say(Kind::Note, format!("that is more than half of the time limit of {limit_s} s"));
        }
    }

    /// Stops a run half way: what is left afterwards?
    fn stops(&mut self, design: &Design) {
        let mut sorted = self.seconds.clone();
        sorted.sort_by(f64::total_cmp);
        let limit_s = (0.3 * sorted[0] / self.command.definition.repeats as f64).max(0.001);
        let begun = Instant::now();
        let outcome = self.one_run(design, limit_s);
        let after = begun.elapsed().as_secs_f64() - limit_s;
        match outcome {
            Outcome::TimedOut { .. } => self.say(
                Kind::Good,
                format!(
                    "stopped half way, it is gone with all it has started {} s later",
                    significant(after.max(0.0), 2)
                ),
            ),
            _ => self.say(Kind::Note, "it is too quick to be stopped half way; that was not tried"),
        }
    }

    fn one_run(&self, design: &Design, limit_s: f64) -> Outcome {
        let command = &self.command;
        let Some(level) = command.level(Fidelity::FULL) else { return Outcome::failed("no level") };
        let seed = command.definition.seed;
        match command.definition.program.protocol {
            Protocol::OneShot => {
                command.definition.run(&command.runner, level, design, seed, Some(limit_s)).outcome
            }
            Protocol::JsonLines => command.ask(level, design, seed, Some(limit_s)).outcome,
        }
    }

    /// Gives the program nonsense: does a failure look like one?
    fn nonsense(&mut self, design: &Design) {
        let command = self.command.clone();
        let definition = &command.definition;
        let Some(level) = command.level(Fidelity::FULL) else { return };
        if definition.program.protocol == Protocol::JsonLines {
            return;
        }
        let spoilt = Spoilt::of(&command);
        if spoilt.nothing {
            return;
        }
        let outcome = definition.run_words(&command.runner, level, design, spoilt.words);
        let what = match (spoilt.arguments, definition.program.templates.is_empty()) {
            (true, true) => "with nonsense for every variable of the command",
            (false, _) => "with empty files for its templates",
            (true, false) => {
                "with nonsense for every variable of the command and empty files for its templates"
            }
        };
        match outcome {
            Outcome::Feasible { metrics } => {
                let same =
                    if self.measured.contains(&metrics) { "the metrics of a good design" } else { "metrics" };
                self.say(
                    Kind::Note,
                    format!(
                        "{what} it still ends well, with {same}: a failure of this program can look like a success; let it end with an exit \
                         code, or give its metrics a `range`"
                    ),
                );
            }
            Outcome::Infeasible { constraint, .. } => self.say(
                Kind::Note,
                format!(
                    "{what} the design counts as infeasible (\"{constraint}\"): that rule may hide failures"
                ),
            ),
            Outcome::Failed { reason, .. } => {
                self.say(Kind::Good, format!("{what} it fails as it should: {reason}"))
            }
            Outcome::TimedOut { .. } => self.say(Kind::Note, format!("{what} it runs into its time limit")),
        }
    }
}

/// A command with its variables spoilt.
struct Spoilt {
    words: Vec<String>,
    arguments: bool,
    nothing: bool,
}

impl Spoilt {
    fn of(command: &Command) -> Self {
        let program = &command.definition.program;
        let names = &command.definition.names;
        let mut words = program.launcher.clone();
        words.push(program.program.clone());
        let mut arguments = false;
        for argument in &program.arguments {
            if let Argument::Always(text) = argument {
                match text.fixed(names) {
                    Some(fixed) => words.push(fixed),
                    None => {
                        arguments = true;
                        words.push(text.spoilt("hwgym-nonsense"));
                    }
                }
            }
        }
        let templates = program.templates.iter().any(|template| !template.body.is_fixed());
        Self { words, arguments, nothing: !arguments && !templates }
    }
}

/// The design with another coordinate, if the constraints allow it; a parameter that it depends on is set so that it means something.
fn around(space: &crate::DesignSpace, middle: &Design, index: usize, coordinate: f64) -> Option<Design> {
    let mut design = middle.clone();
    let mut asked = index;
    for _ in 0..space.len() {
        let Some(condition) = &space.parameters()[asked].condition else { break };
        let parent = space.position(&condition.parameter).ok()?;
        let accepted =
            condition.is_one_of.iter().find_map(|value| space.parameters()[parent].coordinate(value).ok())?;
        if !space.is_active(&design, asked) {
            design.set(parent, accepted);
        }
        asked = parent;
    }
    design.set(index, coordinate);
    let mut canonical = design.clone();
    space.canonicalise(&mut canonical);
    (canonical.coordinate(index) == coordinate && space.violation(&canonical) == 0.0).then_some(canonical)
}
