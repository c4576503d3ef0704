//! `model-based` and `multi-fidelity`: a model per metric that has a target or a bound, and the design that is expected to come nearest to
//! keeping all of them.
//!
//! Each model is a Gaussian process with a linear trend, on the metric itself or on its logarithm, whichever has more evidence; a further one
//! tells designs that can be measured from those that cannot. While something is missed, proposals maximise the expected improvement of the
//! total violation, every metric in standard deviations of its data, times the probability that the design can be measured; then, with a goal
//! beside the bounds, the expected improvement of the goal times the probability that the bounds hold. Batches believe the mean prediction of
//! what is pending. For budgets of some hundred: past `exact_limit` results the best half and the latest are kept.
//!
//! With `pretrained` the models are what a saved surrogate (of another corner, say) leaves over, and the first proposal is that surrogate's.
//! While something is missed, proposals then maximise the probability that nothing is: an expected improvement would circle around the nearest
//! miss.
//!
//! `multi-fidelity` looks at designs on a cheap level of the environment first. A process per quantity learns what the full level adds there; a
//! design gets the full level when, with what the cheap one said, it promises more than any that was not looked at, or when as much was spent
//! on cheap looks as a full evaluation costs.

mod outlook;
mod process;
mod quantity;
mod trained;

use std::collections::VecDeque;
use std::path::PathBuf;

use hwgym_envs::{Design, Fidelity, Random};
use serde::{Deserialize, Serialize};

use self::outlook::{Aim, Outlook, Term};
use self::process::{Kernel, Process};
use self::quantity::{Quantity, Subject};
use self::trained::Trained;
use super::coder::Coder;
use super::search::Search;
use crate::tools::{check_count, misses, seen};
use crate::{Agent, AgentEntry, AgentError, Evaluated, Goals, Problem};

/// Hyperparameters of `model-based`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModelBasedSettings {
    /// Size of the initial design, 1 to 1,000; none with a trained model.
    pub initial: usize,
    /// Uniform candidates per proposal, 10 to 100,000.
    pub candidates: usize,
    /// Candidates near the best designs, 0 to 100,000.
    pub near_candidates: usize,
    /// Results that the models use at most, 20 to 1,000.
    pub exact_limit: usize,
    /// File of a surrogate of the same circuit that was trained before; relative to the study.
    pub pretrained: Option<PathBuf>,
}

impl Default for ModelBasedSettings {
    fn default() -> Self {
        Self { initial: 6, candidates: 1200, near_candidates: 400, exact_limit: 200, pretrained: None }
    }
}

impl ModelBasedSettings {
    /// Checks every range. Errors: the first hyperparameter outside its range.
    pub fn check(&self) -> Result<(), AgentError> {
        check_count("initial", self.initial, 1, 1000)?;
        check_count("candidates", self.candidates, 10, 100_000)?;
        check_count("near_candidates", self.near_candidates, 0, 100_000)?;
        check_count("exact_limit", self.exact_limit, 20, 1000)
    }
}

/// Hyperparameters of `multi-fidelity`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MultiFidelitySettings {
    /// The cheap level by name; the cheapest if left out.
    pub level: Option<String>,
    /// Size of the initial design, all of it on the cheap level, 1 to 1,000.
    pub initial: usize,
    /// Uniform candidates per proposal, 10 to 100,000.
    pub candidates: usize,
    /// Candidates near the best designs, 0 to 100,000.
    pub near_candidates: usize,
    /// Results that the models use at most, 20 to 1,000.
    pub exact_limit: usize,
}

impl Default for MultiFidelitySettings {
    fn default() -> Self {
        Self { level: None, initial: 16, candidates: 800, near_candidates: 400, exact_limit: 200 }
    }
}

/// Results up to which kernels are fitted to every one; beyond, to every fourth, and past the second number to every tenth.
const EVERY_POINT_BELOW: usize = 16;
const EVERY_FOURTH_BELOW: usize = 60;

/// Steps around the best designs, and around the best candidates, as parts of the ranges.
const NEAR: [f64; 3] = [0.3, 0.15, 0.05];
const REFINED: [f64; 6] = [0.15, 0.07, 0.03, 0.03, 0.015, 0.007];
const BEST: usize = 6;
const PARENTS: usize = 20;
const CHILDREN: usize = 12;

/// With a trained model of all metrics at once, which predicts thousands of designs in no time: so many times the candidates. Targets that a
/// millionth of the designs meet are not among a few.
const WIDER: usize = 12;

/// The kernel of the process that tells which designs can be measured: variance, linear variance, noise of labels 0 and 1.
const GATE: (f64, f64, f64) = (0.15, 0.3, 0.02);

/// With a trained model: results after which every third proposal is that model's alone, away from what was tried, and how far away.
const STUCK_AFTER: usize = 5;
const AWAY: f64 = 0.15;

/// A level that is cheaper than the full one.
#[derive(Clone, Copy, Debug)]
struct Cheap {
    level: Fidelity,
    cost: f64,
}

/// A design that was looked at.
struct Known {
    point: Vec<f64>,
    design: Design,
    cheap: Option<Evaluated>,
    full: Option<Evaluated>,
}

impl Known {
    /// What the processes under the rise learn from: the cheap result where there is a cheap level, or else the full one.
    fn base(&self) -> Option<&Evaluated> {
        self.cheap.as_ref().or(self.full.as_ref())
    }
}

fn measured(result: Option<&Evaluated>) -> bool {
    result.is_some_and(|result| !result.score.rewards.is_empty())
}

struct ModelBased {
    settings: ModelBasedSettings,
    problem: Problem,
    coder: Coder,
    random: Random,
    waiting: VecDeque<Design>,
    /// Proposed at any level.
    seen: seen::Seen,
    known: Vec<Known>,
    /// Proposals without a result, and their level.
    pending: Vec<(Vec<f64>, Fidelity)>,
    quantities: Vec<Quantity>,
    limits: Vec<Term>,
    /// The goal beside the bounds; none where the targets are all.
    goal: Option<Term>,
    measurable: Option<Process>,
    trained: Option<Trained>,
    cheap: Option<Cheap>,
    /// The level of the last ask, and cheap looks since the last full evaluation was proposed.
    level: Fidelity,
    looks: usize,
    /// Results told, learned, and there when kernels were last fitted.
    told: usize,
    learned: usize,
    fitted: usize,
}

impl Agent for ModelBased {
    fn ask(&mut self, count: usize) -> Vec<Design> {
        // One level for all of a batch.
        self.level = Fidelity::FULL;
        let mut designs = Vec::new();
        while designs.len() < count {
            let Some((design, level)) = self.propose(designs.is_empty()) else { break };
            if designs.is_empty() {
                self.level = level;
            }
            designs.push(design);
        }
        designs
    }

    fn fidelity(&self) -> Fidelity {
        self.level
    }

    fn tell(&mut self, results: &[Evaluated]) {
        for result in results {
            if self.seen.insert(&result.design) {
                // A foreign result stands for one of the initial design.
                self.waiting.pop_back();
            }
            let point = self.coder.encode(&self.problem.space, &result.design);
            let pending = self.pending.iter().position(|(pending, _)| *pending == point);
            let level = pending.map_or(Fidelity::FULL, |at| self.pending.remove(at).1);
            let at = self.known.iter().position(|known| known.design == result.design);
            let at = at.unwrap_or_else(|| {
                let design = result.design.clone();
                self.known.push(Known { point, design, cheap: None, full: None });
                self.known.len() - 1
            });
            let known = &mut self.known[at];
            let slot = if level == Fidelity::FULL { &mut known.full } else { &mut known.cheap };
            if slot.is_none() {
                *slot = Some(result.clone());
                self.told += 1;
            }
        }
        if self.known.len() > self.settings.exact_limit {
            self.forget();
        }
    }
}

impl ModelBased {
    /// The next design and its level; `first` of a batch, whose level the others have.
    fn propose(&mut self, first: bool) -> Option<(Design, Fidelity)> {
        let space = self.problem.space.clone();
        let cheap = self.cheap.filter(|_| first || self.level != Fidelity::FULL);
        let look = cheap.map_or(Fidelity::FULL, |cheap| cheap.level);
        if first || self.level == look {
            while let Some(design) = self.waiting.pop_front() {
                if !self.seen.contains(&design) {
                    return Some(self.note(design, look));
                }
            }
        }
        self.learn();
        if let Some(cheap) = self.cheap
            && (first || self.level == Fidelity::FULL)
            && let Some(design) = self.promoted(cheap, first)
        {
            return Some(self.note(design, Fidelity::FULL));
        }
        if self.cheap.is_some() && !first && self.level == Fidelity::FULL {
            return None;
        }
        if self.seen.exhausts(&space) {
            return None;
        }
        let design = match self.best_point() {
            Some((_, point)) => self.coder.decode(&space, &point),
            None => seen::unseen_sample(&space, &self.seen, &mut self.random)?,
        };
        Some(self.note(design, look))
    }

    fn note(&mut self, design: Design, level: Fidelity) -> (Design, Fidelity) {
        self.seen.insert(&design);
        self.pending.push((self.coder.encode(&self.problem.space, &design), level));
        self.looks = if level == Fidelity::FULL { 0 } else { self.looks + 1 };
        (design, level)
    }

    /// The design that gets the full level next, if one does: see the module.
    fn promoted(&mut self, cheap: Cheap, first: bool) -> Option<Design> {
        let busy = |point: &Vec<f64>| self.pending.iter().any(|(pending, _)| pending == point);
        let looked: Vec<usize> = (0..self.known.len())
            .filter(|i| {
                let known = &self.known[*i];
                known.full.is_none() && measured(known.cheap.as_ref()) && !busy(&known.point)
            })
            .collect();
        let points: Vec<Vec<f64>> = looked.iter().map(|i| self.known[*i].point.clone()).collect();
        let worths = self.outlook(false).worth(&points);
        let best = (0..looked.len()).max_by(|a, b| worths[*a].total_cmp(&worths[*b]).then(b.cmp(a)))?;
        let spent = self.looks as f64 * cheap.cost;
        let exhausted = self.seen.exhausts(&self.problem.space);
        let promising = first && spent >= 1.0 || exhausted || {
            let unknown = self.best_point().map_or(f64::NEG_INFINITY, |(worth, _)| worth);
            worths[best] >= unknown
        };
        promising.then(|| self.known[looked[best]].design.clone())
    }

    /// Keeps the best half of the designs and the latest.
    fn forget(&mut self) {
        let (limit, count) = (self.settings.exact_limit, self.known.len());
        let results: Vec<Evaluated> = self
            .known
            .iter()
            .filter_map(|known| known.full.as_ref().or(known.cheap.as_ref()))
            .cloned()
            .collect();
        let order = misses::order(&results);
        let mut kept = vec![false; count];
        order.iter().take(limit / 2).for_each(|i| kept[*i] = true);
        let latest: Vec<usize> = (0..count).rev().filter(|i| !kept[*i]).take(limit / 4).collect();
        latest.into_iter().for_each(|i| kept[i] = true);
        let mut flags = kept.into_iter();
        self.known.retain(|_| flags.next().unwrap_or(false));
        (self.learned, self.fitted) = (0, 0);
    }

    /// Fits the models to the results, where there are new ones.
    fn learn(&mut self) {
        if self.learned == self.told {
            return;
        }
        self.learned = self.told;
        let count = self.known.len();
        let pause = if count <= EVERY_POINT_BELOW {
            1
        } else if count <= EVERY_FOURTH_BELOW {
            4
        } else {
            10
        };
        let due = self.fitted == 0 || count >= self.fitted + pause;
        if due {
            self.fitted = count;
        }
        let categorical = self.coder.categorical();
        let with_metrics: Vec<&Known> = self.known.iter().filter(|k| measured(k.base())).collect();
        let points: Vec<Vec<f64>> = with_metrics.iter().map(|known| known.point.clone()).collect();
        let both: Vec<&Known> = self
            .known
            .iter()
            .filter(|known| measured(known.cheap.as_ref()) && measured(known.full.as_ref()))
            .collect();
        let paired: Vec<Vec<f64>> = both.iter().map(|known| known.point.clone()).collect();
        let underlay = self.trained.as_ref().map(|trained| {
            let designs: Vec<Design> = with_metrics.iter().map(|known| known.design.clone()).collect();
            trained.look(&designs)
        });
        for (index, quantity) in self.quantities.iter_mut().enumerate() {
            if points.is_empty() {
                continue;
            }
            let subject = quantity.subject;
            let value = |result: Option<&Evaluated>| result.map_or(0.0, |result| subject.value(result));
            let values: Vec<f64> = with_metrics.iter().map(|known| value(known.base())).collect();
            match underlay.as_ref().and_then(|underlay| underlay.quantities[index].as_ref()) {
                Some(base) => {
                    let residuals: Vec<f64> =
                        values.iter().zip(base).map(|(v, base)| quantity.apply(*v) - base.0).collect();
                    quantity.learn_residuals(&categorical, &points, &residuals);
                }
                None => {
                    let limits: Vec<f64> = self
                        .problem
                        .limits
                        .iter()
                        .filter(|limit| Subject::Metric(limit.metric) == subject)
                        .map(|limit| limit.value)
                        .collect();
                    quantity.learn(&categorical, &points, &values, &limits, due);
                }
            }
            if !both.is_empty() {
                let pairs: Vec<(f64, f64)> =
                    both.iter().map(|k| (value(k.cheap.as_ref()), value(k.full.as_ref()))).collect();
                quantity.learn_rise(&categorical, &paired, &pairs);
            }
        }
        for (term, limit) in self.limits.iter_mut().zip(&self.problem.limits) {
            term.limit = limit.sign * self.quantities[term.quantity].apply(limit.value);
        }
        self.measurable = None;
        if with_metrics.len() < count {
            let kernel = Kernel {
                variance: GATE.0.ln(),
                linear: GATE.1.ln(),
                noise: GATE.2.ln(),
                ..Kernel::expected(categorical.len())
            };
            let all: Vec<Vec<f64>> = self.known.iter().map(|known| known.point.clone()).collect();
            let labels: Vec<f64> =
                self.known.iter().map(|known| f64::from(u8::from(measured(known.base())))).collect();
            self.measurable = Process::with(kernel, &categorical, &all, &labels);
        }
    }

    /// A result's value under a term, less being better.
    fn turned(&self, term: &Term, result: &Evaluated) -> f64 {
        let quantity = &self.quantities[term.quantity];
        term.sign * quantity.apply(quantity.subject.value(result))
    }

    /// The total violation of a result in standard deviations; infinite where nothing was measured.
    fn violation(&self, result: &Evaluated) -> f64 {
        if result.score.rewards.is_empty() {
            return f64::INFINITY;
        }
        self.limits.iter().map(|term| (self.turned(term, result) - term.limit).max(0.0)).sum()
    }

    /// The models with what is pending believed; `bare` leaves residuals out.
    fn outlook(&self, bare: bool) -> Outlook<'_> {
        let full = || self.known.iter().filter_map(|known| known.full.as_ref());
        let met = || full().filter(|result| result.score.is_met());
        let aim = match &self.goal {
            Some(goal) if met().next().is_some() => {
                Aim::Goal(met().map(|r| self.turned(goal, r)).fold(f64::INFINITY, f64::min))
            }
            _ if self.trained.is_some() => Aim::Keep,
            _ => Aim::Violation(full().map(|r| self.violation(r)).fold(f64::INFINITY, f64::min)),
        };
        let mut outlook = Outlook {
            space: &self.problem.space,
            coder: &self.coder,
            trained: self.trained.as_ref(),
            quantities: self.quantities.clone(),
            measurable: self.measurable.clone(),
            limits: self.limits.clone(),
            goal: self.goal,
            aim,
            bare,
        };
        // Nothing is known at the full level yet: the cheap one stands for it.
        if matches!(outlook.aim, Aim::Violation(least) if least.is_infinite()) && self.cheap.is_some() {
            let cheap = || self.known.iter().filter_map(|known| known.cheap.as_ref());
            let met = || cheap().filter(|result| result.score.is_met());
            outlook.aim = match &self.goal {
                Some(goal) if met().next().is_some() => {
                    Aim::Goal(met().map(|r| self.turned(goal, r)).fold(f64::INFINITY, f64::min))
                }
                _ => Aim::Violation(cheap().map(|r| self.violation(r)).fold(f64::INFINITY, f64::min)),
            };
        }
        let pending: Vec<Vec<f64>> = self.pending.iter().map(|(point, _)| point.clone()).collect();
        outlook.believe(&pending);
        outlook
    }

    /// The point that promises most, and its worth; none where all candidates are taken.
    fn best_point(&mut self) -> Option<(f64, Vec<f64>)> {
        let mut random = self.random.clone();
        let found = self.search(&mut random);
        self.random = random;
        found
    }

    fn search(&self, random: &mut Random) -> Option<(f64, Vec<f64>)> {
        let results: Vec<(&Known, f64)> =
            self.known.iter().filter_map(|known| Some((known, self.violation(known.base()?)))).collect();
        let mut order: Vec<usize> = (0..results.len()).collect();
        order.sort_by(|a, b| {
            let reward =
                |i: &usize| results[*i].0.base().and_then(|r| r.score.reward()).unwrap_or(f64::NEG_INFINITY);
            results[*a].1.total_cmp(&results[*b].1).then_with(|| reward(b).total_cmp(&reward(a)))
        });
        let best: Vec<&Vec<f64>> = order.iter().take(BEST).map(|i| &results[*i].0.point).collect();
        let count = self.known.len() + self.pending.len();
        let stuck = self.trained.is_some() && count >= STUCK_AFTER && count % 3 == 2;
        let outlook = self.outlook(stuck);
        let space = &self.problem.space;
        let taken: Vec<Vec<f64>> = self
            .known
            .iter()
            .map(|known| known.point.clone())
            .chain(self.pending.iter().map(|(point, _)| point.clone()))
            .collect();
        let wider = if self.trained.as_ref().is_some_and(Trained::is_quick) { WIDER } else { 1 };
        let search = Search {
            space,
            coder: &self.coder,
            seen: &self.seen,
            points: &taken,
            uniform: wider * self.settings.candidates,
            near: wider * self.settings.near_candidates,
        };
        let near = |point: &Vec<f64>| stuck && self.is_near(point, &taken);
        let free = |point: &Vec<f64>| !search.taken(point) && !near(point);
        if let Some(listing) = space.listing() {
            let designs = listing.designs();
            let most = search.uniform + search.near;
            let positions: Vec<usize> = if designs.len() <= most {
                (0..designs.len()).collect()
            } else {
                random.sample_indices(designs.len(), most)
            };
            let points: Vec<Vec<f64>> =
                positions.into_iter().map(|p| self.coder.encode(space, &designs[p])).collect();
            return outlook.rank(points).into_iter().find(|(_, point)| free(point));
        }
        let mut points: Vec<Vec<f64>> =
            (0..search.uniform).map(|_| self.coder.encode(space, &space.sample(random))).collect();
        for index in 0..if best.is_empty() { 0 } else { search.near } {
            let mut point = best[index % best.len()].clone();
            search.perturb(&mut point, NEAR[index / 2 % 3], index % 2 == 0, random);
            points.push(point);
        }
        points.retain(|point| search.allowed(point) && !near(point));
        let mut ranking = outlook.rank(points);
        for scale in REFINED {
            ranking.truncate(PARENTS);
            let mut children = Vec::new();
            for (_, parent) in &ranking {
                for index in 0..CHILDREN {
                    let mut child = parent.clone();
                    search.perturb(&mut child, scale, index % 2 == 0, random);
                    if search.allowed(&child) && !near(&child) {
                        children.push(child);
                    }
                }
            }
            ranking.extend(outlook.rank(children));
            ranking.sort_by(|a, b| b.0.total_cmp(&a.0));
        }
        ranking.into_iter().find(|(_, point)| free(point))
    }

    /// True near a point: within a mean distance per parameter.
    fn is_near(&self, point: &[f64], others: &[Vec<f64>]) -> bool {
        let categorical = self.coder.categorical();
        others.iter().any(|other| {
            let squares = point
                .iter()
                .zip(other)
                .zip(&categorical)
                .map(|((a, b), category)| if *category { f64::from(a != b) } else { (a - b) * (a - b) });
            squares.sum::<f64>() < AWAY * AWAY * point.len() as f64
        })
    }
}

fn build(
    settings: ModelBasedSettings,
    folder: &std::path::Path,
    cheap: Option<Cheap>,
    problem: &Problem,
    seed: u64,
) -> Result<Box<dyn Agent>, AgentError> {
    settings.check()?;
    let mut random = Random::new(seed);
    let width = problem.space.len();
    let mut subjects: Vec<Subject> = Vec::new();
    let mut place = |subject: Subject| {
        subjects.iter().position(|known| *known == subject).unwrap_or_else(|| {
            subjects.push(subject);
            subjects.len() - 1
        })
    };
    let limits = problem.limits.iter().map(|limit| Term {
        quantity: place(Subject::Metric(limit.metric)),
        sign: limit.sign,
        limit: 0.0,
    });
    let limits: Vec<Term> = limits.collect();
    let goal = (!problem.is_specified()).then(|| match problem.goal_metrics.first() {
        Some(Some((metric, factor))) => {
            Term { quantity: place(Subject::Metric(*metric)), sign: -factor.signum(), limit: 0.0 }
        }
        _ => Term { quantity: place(Subject::Goal), sign: 1.0, limit: 0.0 },
    });
    let trained = settings
        .pretrained
        .as_ref()
        .map(|path| Trained::read(&folder.join(path), problem, &subjects))
        .transpose()?;
    let quantities = subjects.iter().enumerate().map(|(index, subject)| {
        Quantity::new(*subject, width, trained.as_ref().and_then(|trained| trained.transform(index)))
    });
    let quantities: Vec<Quantity> = quantities.collect();
    let initial = problem.budget.map_or(settings.initial, |budget| settings.initial.min(budget.div_ceil(2)));
    let waiting = match trained {
        Some(_) => VecDeque::new(),
        None => super::initial_designs(problem, initial.max(1), &mut random),
    };
    let mut agent = ModelBased {
        coder: Coder::new(&problem.space),
        problem: problem.clone(),
        waiting,
        settings,
        random,
        seen: seen::Seen::default(),
        known: Vec::new(),
        pending: Vec::new(),
        quantities,
        limits,
        goal,
        measurable: None,
        trained,
        cheap,
        level: Fidelity::FULL,
        looks: 0,
        told: 0,
        learned: 0,
        fitted: 0,
    };
    for (term, limit) in agent.limits.iter_mut().zip(&problem.limits) {
        term.limit = limit.sign * agent.quantities[term.quantity].apply(limit.value);
    }
    Ok(Box::new(agent))
}

pub(crate) fn entry() -> AgentEntry {
    AgentEntry::new(
        "model-based",
        "a model per metric with a target or bound, expected improvement of the total violation: targets in few simulations",
        |options, problem, seed| build(options.parse()?, &options.folder(), None, problem, seed),
    )
    .goals(Goals::One)
    .built_from(|options| {
        let settings: ModelBasedSettings = options.parse()?;
        Ok(settings.pretrained.iter().map(|file| options.path(file)).collect())
    })
    .hyperparameter("initial", "6", "1 to 1000", "size of the initial design")
    .hyperparameter("candidates", "1200", "10 to 100000", "uniform candidates per proposal; twelve times as many with trained nets")
    .hyperparameter("near_candidates", "400", "0 to 100000", "candidates near the best designs; the same")
    .hyperparameter("exact_limit", "200", "20 to 1000", "results that the models use at most")
    .hyperparameter(
        "pretrained",
        "None",
        "a file",
        "surrogate of the same circuit to begin with, made by `hwgym surrogate train`",
    )
}

pub(crate) fn multi_fidelity_entry() -> AgentEntry {
    AgentEntry::new(
        "multi-fidelity",
        "looks at designs on a cheap level first, and gives the full one to what promises most",
        |options, problem, seed| {
            let settings: MultiFidelitySettings = options.parse()?;
            let cheap = cheap_level(problem, settings.level.as_deref())?;
            let settings = ModelBasedSettings {
                initial: settings.initial,
                candidates: settings.candidates,
                near_candidates: settings.near_candidates,
                exact_limit: settings.exact_limit,
                pretrained: None,
            };
            build(settings, &options.folder(), Some(cheap), problem, seed)
        },
    )
    .goals(Goals::One)
    .hyperparameter("level", "None", "a level's name", "the cheap level; the cheapest if left out")
    .hyperparameter("initial", "16", "1 to 1000", "size of the initial design, on the cheap level")
    .hyperparameter("candidates", "800", "10 to 100000", "uniform candidates per proposal")
    .hyperparameter("near_candidates", "400", "0 to 100000", "candidates near the best designs")
    .hyperparameter("exact_limit", "200", "20 to 1000", "designs that the models use at most")
}

/// The cheap level that is meant. Errors: the environment has none of that name, or none at all.
fn cheap_level(problem: &Problem, name: Option<&str>) -> Result<Cheap, AgentError> {
    let refused = |reason: String| AgentError::unsupported("multi-fidelity", reason);
    let all = problem.fidelities.iter().enumerate().skip(1);
    let mut cheaper: Vec<(usize, &hwgym_envs::FidelityLevel)> =
        all.filter(|(_, level)| level.relative_cost > 0.0 && level.relative_cost < 1.0).collect();
    cheaper.sort_by(|a, b| a.1.relative_cost.total_cmp(&b.1.relative_cost));
    let names: Vec<String> = cheaper.iter().map(|(_, level)| format!("`{}`", level.name)).collect();
    let chosen = match name {
        None => cheaper.first().ok_or_else(|| {
            refused(
                "the environment has no level of fidelity that is cheaper than the full one; use `bayesian` or `model-based`"
                    .into(),
            )
        })?,
        Some(name) => cheaper.iter().find(|(_, level)| level.name == name).ok_or_else(|| {
            let known = if names.is_empty() { "none".into() } else { names.join(", ") };
            refused(format!("the environment has no cheaper level of fidelity called `{name}`; it has {known}"))
        })?,
    };
    let level = u8::try_from(chosen.0).map_err(|_| refused("too many levels of fidelity".into()))?;
    Ok(Cheap { level: Fidelity(level), cost: chosen.1.relative_cost })
}
