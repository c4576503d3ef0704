//! What a study found about one task: an environment with an objective.

use std::collections::HashMap;

use hwgym_envs::random::derive_seed;
use hwgym_envs::{Goal, Objective};
use serde::Serialize;

use super::trial::{Count, TrialReport, by_reason};
use super::{Attained, GoalView, Tuned};
use crate::StudyError;
use crate::pareto::{Archive, front, hypervolume};
use crate::statistics::{Reached, Spread, TargetOutcome, holm, mann_whitney};
use crate::store::Store;
use crate::store::manifest::{ContestantFacts, TaskFacts};
use crate::store::status::{Phase, TrialStatus};
use crate::store::trial_log::records;
use crate::study::{file_part, trial_name};

/// Dominated designs of a contestant that are kept for a picture, at most and about.
const CLOUD: usize = 4096;

/// The findings of one task.
#[derive(Debug, Serialize)]
pub struct TaskReport {
    /// Label of the environment.
    pub environment: String,
    /// Name of the objective.
    pub objective: String,
    /// The goals.
    pub goals: Vec<GoalView>,
    /// Reference point of the hypervolume in units of the goals; empty with one goal.
    pub reference: Vec<f64>,
    /// Where the reference point is from.
    pub reference_origin: String,
    /// Hypervolume against which shares are taken: that of the known front, or of the best that all trials found together.
    pub full_hypervolume: f64,
    /// The best values known from an enumeration of the whole space, if there is one: with one goal, the optimum.
    pub known_optimum: Option<f64>,
    /// Values of the goals on the known front, by falling first reward; empty where it is not known. With one goal, the optimum.
    #[serde(skip)]
    pub known_values: Vec<Vec<f64>>,
    /// True if `full_hypervolume` is that of the known front.
    pub known_front: bool,
    /// The design that people use who do not search, where the environment knows one.
    pub default_design: Option<DefaultPoint>,
    /// Bounds and targets that lie on a goal.
    pub marks: Vec<Mark>,
    /// The bounds that a solution keeps, in words; empty if there are none.
    pub bounds: String,
    /// What counts as solved, in words: all targets, or the known optimum; empty where there is neither.
    pub target: String,
    /// Evaluations per trial that are counted.
    pub budget: usize,
    /// The contestants.
    pub contestants: Vec<ContestantReport>,
    /// Front over all trials.
    pub front: Vec<FrontPoint>,
    /// What tuning an agent comes to, where one was swept.
    pub lottery: Vec<Tuned>,
    /// With two goals, what the runs of each contestant attain of them.
    pub attained: Vec<Attained>,
}

/// The default design of an environment, seen by a task.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DefaultPoint {
    /// Values of the goals.
    pub values: Vec<f64>,
    /// True if it keeps the bounds.
    pub keeps_bounds: bool,
    /// The design.
    pub design: serde_json::Map<String, serde_json::Value>,
}

/// A value of a goal that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Mark {
    /// Place of the goal.
    pub goal: usize,
    /// The value, in units of the goal.
    pub value: f64,
    /// `bound` or `target`.
    pub what: &'static str,
}

/// A point of a front.
#[derive(Clone, Debug, Serialize)]
pub struct FrontPoint {
    /// Label of the contestant that found it first.
    pub contestant: String,
    /// Seed of its trial.
    pub seed: u64,
    /// Evaluation in its trial, counted from 1.
    pub evaluation: usize,
    /// Values of the goals.
    pub values: Vec<f64>,
    /// The design.
    pub design: serde_json::Map<String, serde_json::Value>,
}

/// The findings about one contestant.
#[derive(Debug, Serialize)]
pub struct ContestantReport {
    /// Its label.
    pub label: String,
    /// The hyperparameters that the study varies.
    pub varied: Vec<(String, String)>,
    /// Its trials.
    pub trials: Vec<TrialReport>,
    /// What is missing of them, in words; empty if every trial is finished.
    pub missing: Vec<String>,
    /// Reasons of evaluations that failed or timed out, with their number, the most frequent first.
    pub failures: Vec<(String, usize)>,
    /// Best value, or share of the hypervolume, over the trials.
    pub quality: Option<Spread>,
    /// Regret over the trials, where the optimum is known: relative distance to it.
    pub regret: Option<Spread>,
    /// Evaluations until the task is solved, where it can be.
    pub reached: Option<Reached>,
    /// Whether it differs from the contestant with the best median: p-value of the Mann-Whitney test over the seeds, adjusted for the number of
    /// contestants (Holm). `None` for the best one itself, and where either has fewer than three seeds.
    pub p_value: Option<f64>,
}

impl TaskReport {
    /// Reads the records of a task and works everything out. Finished trials count; with `allow_unfinished` every trial that was started, all
    /// of them up to the evaluation that the slowest has reached.
    pub fn of(store: &Store, task: &TaskFacts, allow_unfinished: bool) -> Result<Self, StudyError> {
        let manifest = store.manifest();
        let metrics = manifest.metrics(task);
        let budget = manifest.evaluations();
        let limit = if allow_unfinished { reached(store, task)?.unwrap_or(budget) } else { budget };
        let cloud =
            if task.objective.goals.len() > 1 { (CLOUD / manifest.seeds.len().max(1)).max(64) } else { 0 };
        let count = Count { budget, limit, unfinished: allow_unfinished, cloud };
        let goals: Vec<GoalView> =
            task.objective.goals.iter().map(|goal| GoalView::new(goal, metrics)).collect();
        let mut contestants: Vec<ContestantReport> = Vec::new();
        for contestant in &manifest.contestants {
            let trials = manifest.seeds.iter().map(|seed| {
                let name = trial_name(&task.environment, &task.objective.name, &contestant.label, *seed);
                let path = store.records(&name);
                TrialReport::read(name, *seed, &path, count)
            });
            contestants.push(ContestantReport::new(contestant, trials.collect(), budget));
        }
        for contestant in &mut contestants {
            contestant.failures = by_reason(contestant.trials.iter());
        }
        let known = task.known.as_ref().map(|known| known.front.iter().map(|o| o.rewards.clone()).collect());
        let reference = task.objective.scorer(metrics)?.reference().to_vec();
        let mut report = Self {
            environment: task.environment.clone(),
            objective: task.objective.name.clone(),
            goals,
            reference: Vec::new(),
            reference_origin: String::new(),
            full_hypervolume: 0.0,
            known_optimum: None,
            known_values: Vec::new(),
            known_front: false,
            default_design: None,
            marks: marks(&task.objective),
            bounds: task.objective.bounds_in_words(metrics),
            target: String::new(),
            budget: limit,
            front: union_front(&contestants),
            contestants,
            lottery: Vec::new(),
            attained: Vec::new(),
        };
        report.add_designs(store)?;
        for point in &mut report.front {
            for (value, goal) in point.values.iter_mut().zip(&report.goals) {
                *value = goal.value(*value);
            }
        }
        report.known_values = (known.iter().flatten())
            .map(|rewards: &Vec<f64>| {
                report.goals.iter().zip(rewards).map(|(goal, reward)| goal.value(*reward)).collect()
            })
            .collect();
        report.measure(&reference, known);
        report.measure_targets(&task.objective.goals);
        report.compare();
        report.default_design = task.default_design.as_ref().map(|default| DefaultPoint {
            values: report.goals.iter().zip(&default.rewards).map(|(goal, r)| goal.value(*r)).collect(),
            keeps_bounds: default.violation == 0.0,
            design: default.design.clone(),
        });
        report.lottery = Tuned::of(&report);
        report.attained = Attained::of(&report);
        Ok(report)
    }

    /// Looks up the designs of the front: records are read again, so that no more of them is kept than the report shows.
    fn add_designs(&mut self, store: &Store) -> Result<(), StudyError> {
        for contestant in &self.contestants {
            for trial in &contestant.trials {
                let mut wanted: HashMap<usize, &mut FrontPoint> = (self.front.iter_mut())
                    .filter(|point| point.contestant == contestant.label && point.seed == trial.seed)
                    .map(|point| (point.evaluation, point))
                    .collect();
                let last = wanted.keys().max().copied().unwrap_or(0);
                for record in records(&store.records(&trial.name))?.take(last) {
                    let record = record?;
                    if let Some(point) = wanted.get_mut(&record.evaluation) {
                        point.design = record.design;
                    }
                }
            }
        }
        Ok(())
    }

    /// `environment/objective`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.environment, self.objective)
    }

    /// The name as part of a file's name: as in the names of trials.
    pub fn file_name(&self) -> String {
        format!("{}.{}", file_part(&self.environment), file_part(&self.objective))
    }

    /// What `quality` is, for tables and axes.
    pub fn quality_label(&self) -> String {
        match &self.goals[..] {
            [goal] => format!("best {}", goal.label()),
            _ => "hypervolume (%)".into(),
        }
    }

    /// True if no contestant has more than five seeds: an interval is then from the smallest to the largest value, and is called that.
    pub fn has_few_seeds(&self) -> bool {
        self.contestants.iter().filter_map(|c| c.quality).all(|quality| quality.count <= 5)
    }

    /// True if a smaller quality is better.
    pub fn smaller_is_better(&self) -> bool {
        matches!(&self.goals[..], [goal] if goal.sign < 0.0)
    }

    /// The distance of a quality to the known optimum, relative to it (absolute where it is 0).
    pub fn regret(&self, quality: f64) -> Option<f64> {
        self.known_optimum.map(|best| relative_distance(quality, best))
    }

    /// The number of a contestant's trials that found the known optimum, to a part in a thousand million.
    pub fn at_the_optimum(&self, contestant: &ContestantReport) -> usize {
        let regrets = contestant.trials.iter().filter_map(|trial| self.regret(trial.quality?));
        regrets.filter(|regret| *regret <= 1e-9).count()
    }

    fn measure(&mut self, given: &[f64], known: Option<Vec<Vec<f64>>>) {
        if self.goals.len() == 1 {
            self.measure_one_goal(known);
        } else {
            self.measure_front(given, known);
        }
        let name = self.name();
        let optimum = self.known_optimum;
        let regret = |q: &f64| optimum.map(|best| relative_distance(*q, best));
        for contestant in &mut self.contestants {
            let seed = derive_seed(0, &format!("{name}/{}", contestant.label));
            let qualities: Vec<f64> = contestant.trials.iter().filter_map(|trial| trial.quality).collect();
            contestant.quality = Spread::of(&qualities, seed);
            let regrets: Option<Vec<f64>> = qualities.iter().map(regret).collect();
            contestant.regret = regrets.and_then(|regrets| Spread::of(&regrets, seed));
        }
    }

    /// Counts the evaluations until the task is solved: all targets met, or the known optimum found to a part in a thousand.
    fn measure_targets(&mut self, goals: &[Goal]) {
        let targets: Vec<usize> =
            (0..goals.len()).filter(|goal| matches!(goals[*goal], Goal::Targets(_))).collect();
        let optimum = self.known_optimum;
        let sign = self.goals.first().map_or(1.0, |goal| goal.sign);
        self.target = match (targets.is_empty(), optimum) {
            (false, _) => "all targets met".into(),
            (true, Some(_)) => "within 0.1 % of the known optimum".into(),
            (true, None) => return,
        };
        // A reward of zero says that a goal's targets are met.
        let solves = |rewards: &[f64]| match optimum {
            _ if !targets.is_empty() => targets.iter().all(|goal| rewards[*goal] >= 0.0),
            Some(best) => relative_distance(sign * rewards[0], best) <= 1e-3,
            None => false,
        };
        let name = self.name();
        for contestant in &mut self.contestants {
            // The first that solves it has nothing before it that is as good: it is an improvement.
            let outcome = |trial: &TrialReport| {
                let met = trial.improvements.iter().find(|(_, rewards)| solves(rewards));
                met.map_or(TargetOutcome::Censored(trial.evaluations), |(evaluation, _)| {
                    TargetOutcome::Met(*evaluation)
                })
            };
            let runs: Vec<TargetOutcome> =
                contestant.trials.iter().filter(|trial| trial.counted).map(outcome).collect();
            let seed = derive_seed(0, &format!("{name}/{}", contestant.label));
            contestant.reached = (!runs.is_empty()).then(|| Reached::of(&runs, seed));
        }
    }

    /// Compares every contestant with the best one.
    fn compare(&mut self) {
        let worst = if self.smaller_is_better() { f64::INFINITY } else { f64::NEG_INFINITY };
        // A search that found nothing is the worst of all; ranks need no more than that.
        let samples: Vec<Vec<f64>> = (self.contestants.iter())
            .map(|c| c.trials.iter().filter(|t| t.counted).map(|t| t.quality.unwrap_or(worst)).collect())
            .collect();
        let median = |contestant: usize| self.contestants[contestant].quality.map(|quality| quality.median);
        let measured: Vec<usize> = (0..samples.len()).filter(|c| median(*c).is_some()).collect();
        let better = |a: &usize, b: &usize| {
            let order = median(*a).partial_cmp(&median(*b)).unwrap_or(std::cmp::Ordering::Equal);
            if worst > 0.0 { order } else { order.reverse() }
        };
        let Some(best) = measured.iter().copied().min_by(better) else { return };
        let others: Vec<usize> = (0..samples.len())
            .filter(|c| *c != best && samples[*c].len() >= 3 && samples[best].len() >= 3)
            .collect();
        let raw: Option<Vec<f64>> =
            others.iter().map(|c| mann_whitney(&samples[*c], &samples[best])).collect();
        for (contestant, p) in others.iter().zip(holm(&raw.unwrap_or_default())) {
            self.contestants[*contestant].p_value = Some(p);
        }
    }

    fn measure_one_goal(&mut self, known: Option<Vec<Vec<f64>>>) {
        let goal = self.goals[0].clone();
        self.known_optimum = known.and_then(|front| front.first().map(|rewards| goal.value(rewards[0])));
        for trial in self.contestants.iter_mut().flat_map(|c| &mut c.trials) {
            let mut best = f64::NEG_INFINITY;
            trial.fill(|rewards| {
                best = best.max(rewards[0]);
                goal.value(best)
            });
        }
    }

    fn measure_front(&mut self, given: &[f64], known: Option<Vec<Vec<f64>>>) {
        let signs: Vec<f64> = self.goals.iter().map(|goal| goal.sign).collect();
        let found: Vec<Vec<f64>> =
            self.front.iter().map(|p| p.values.iter().zip(&signs).map(|(v, s)| v * s).collect()).collect();
        let truth = known.filter(|front| !front.is_empty());
        let best = truth.as_ref().unwrap_or(&found);
        if best.is_empty() {
            return;
        }
        let reference: Vec<f64> = if given.is_empty() {
            (0..signs.len())
                .map(|goal| {
                    let low = best.iter().map(|p| p[goal]).fold(f64::INFINITY, f64::min);
                    let high = best.iter().map(|p| p[goal]).fold(f64::NEG_INFINITY, f64::max);
                    let range = if high > low { high - low } else { low.abs().max(1e-12) };
                    low - 0.1 * range
                })
                .collect()
        } else {
            given.to_vec()
        };
        self.reference_origin = match (given.is_empty(), truth.is_some()) {
            (false, _) => "given by the objective",
            (true, true) => "the worst values on the known Pareto front, made worse by 10 % of the front's range",
            (true, false) => {
                "the worst values on the front of all trials together, made worse by 10 % of the front's range"
            }
        }
        .into();
        self.known_front = truth.is_some();
        self.full_hypervolume = hypervolume(best, &reference);
        for trial in self.contestants.iter_mut().flat_map(|c| &mut c.trials) {
            let mut archive = Archive::new(&reference);
            let full = self.full_hypervolume;
            trial.fill(|rewards| if full > 0.0 { 100.0 * archive.add(rewards) / full } else { 0.0 });
        }
        self.reference = reference.iter().zip(&signs).map(|(r, s)| r * s).collect();
    }
}

impl ContestantReport {
    fn new(facts: &ContestantFacts, trials: Vec<TrialReport>, budget: usize) -> Self {
        Self {
            label: facts.label.clone(),
            varied: facts.varied.clone(),
            missing: trials.iter().filter_map(|trial| trial.shortfall(budget)).collect(),
            trials,
            failures: Vec::new(),
            quality: None,
            regret: None,
            reached: None,
            p_value: None,
        }
    }

    /// Its name for readers: what a sweep varies instead of a number, such as `genetic population=32`.
    pub fn title(&self) -> String {
        if self.varied.is_empty() {
            return self.label.clone();
        }
        let stem = self.label.rsplit_once('#').map_or(self.label.as_str(), |(stem, _)| stem);
        let varied: Vec<String> = self.varied.iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("{stem} {}", varied.join(" "))
    }

    /// Evaluations that are counted, and those of them that failed or timed out.
    pub fn evaluations(&self) -> (usize, usize) {
        let failed = self.failures.iter().map(|(_, count)| count).sum();
        (self.trials.iter().map(|trial| trial.evaluations).sum(), failed)
    }
}

/// Bounds and targets that lie on a goal of the objective.
fn marks(objective: &Objective) -> Vec<Mark> {
    let mut marks = Vec::new();
    for (goal, of) in objective.goals.iter().enumerate() {
        match of {
            Goal::Optimise(name) | Goal::Minimise(name) | Goal::Maximise(name) => {
                let bounds = objective.bounds.iter().filter(|bound| bound.metric == *name);
                for value in bounds.flat_map(|bound| [bound.at_most, bound.at_least]).flatten() {
                    marks.push(Mark { goal, value, what: "bound" });
                }
            }
            // The score is 0 where all targets are met, the ratio 1 where its target is.
            Goal::Targets(_) => marks.push(Mark { goal, value: 0.0, what: "target" }),
            Goal::Ratio { .. } => marks.push(Mark { goal, value: 1.0, what: "target" }),
            Goal::WeightedSum(_) | Goal::Product(_) | Goal::ArchGymTarget(_) => {}
        }
    }
    marks
}

/// Evaluations that the slowest search which is not over has made; `None` if all of those that began are over.
fn reached(store: &Store, task: &TaskFacts) -> Result<Option<usize>, StudyError> {
    let mut least: Option<usize> = None;
    for name in store.manifest().trials(&task.environment, &task.objective.name) {
        let status = TrialStatus::of(store, name, store.manifest().evaluations())?;
        if status.phase != Phase::Over && status.evaluations > 0 {
            least = Some(least.map_or(status.evaluations, |least| least.min(status.evaluations)));
        }
    }
    Ok(least)
}

/// The front of all trials together, values as rewards.
fn union_front(contestants: &[ContestantReport]) -> Vec<FrontPoint> {
    let mut all = Vec::new();
    for contestant in contestants {
        for trial in &contestant.trials {
            all.extend(trial.improvements.iter().map(|(evaluation, rewards)| FrontPoint {
                contestant: contestant.label.clone(),
                seed: trial.seed,
                evaluation: *evaluation,
                values: rewards.clone(),
                design: Default::default(),
            }));
        }
    }
    let rewards: Vec<&[f64]> = all.iter().map(|point| point.values.as_slice()).collect();
    front(&rewards).into_iter().map(|index| all[index].clone()).collect()
}

fn relative_distance(quality: f64, best: f64) -> f64 {
    let distance = (quality - best).abs();
    if best == 0.0 { distance } else { distance / best.abs() }
}
