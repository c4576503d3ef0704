//! `nsga2`: the non-dominated sorting genetic algorithm (Deb et al. 2002), with mixed variation; `nsga3` shares all but the survival.

use hwgym_envs::{Design, Random};
use serde::{Deserialize, Serialize};

use crate::tools::{check_count, check_range, initial, ranking, seen::Seen, variation};
use crate::{Agent, AgentEntry, AgentError, Evaluated, Problem};

/// Hyperparameters of `nsga2` and `nsga3`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NsgaSettings {
    /// Size of the population, 4 to 10,000.
    pub population: usize,
    /// Probability of crossover, 0 to 1.
    pub crossover: f64,
    /// Probability with which each parameter is mutated, 0 to 1; one divided by the number of parameters if left out.
    pub mutation: Option<f64>,
    /// Largest standard deviation of a mutation, as part of the range; smaller ones are drawn over two decades. Above 0 to 1.
    pub mutation_scale: f64,
    /// Spread index of the crossover, 0 to 100.
    pub spread_index: f64,
}

impl Default for NsgaSettings {
    fn default() -> Self {
        Self { population: 24, crossover: 0.9, mutation: None, mutation_scale: 0.3, spread_index: 4.0 }
    }
}

impl NsgaSettings {
    /// Checks every range. Errors: the first hyperparameter outside its range.
    pub fn check(&self) -> Result<(), AgentError> {
        check_count("population", self.population, 4, 10_000)?;
        check_range("crossover", self.crossover, 0.0, 1.0)?;
        check_range("mutation", self.mutation.unwrap_or(0.5), 0.0, 1.0)?;
        check_range("mutation_scale", self.mutation_scale, 1e-9, 1.0)?;
        check_range("spread_index", self.spread_index, 0.0, 100.0)
    }
}

/// Keeps `count` of the results, best first.
pub(crate) type Survival = Box<dyn FnMut(&mut Vec<Evaluated>, usize, &mut Random) + Send>;

struct Nsga {
    settings: NsgaSettings,
    problem: Problem,
    random: Random,
    seen: Seen,
    waiting: Vec<Design>,
    parents: Vec<Evaluated>,
    children: Vec<Evaluated>,
    survive: Survival,
}

impl Agent for Nsga {
    fn ask(&mut self, count: usize) -> Vec<Design> {
        (0..count).map(|_| self.propose()).collect()
    }

    fn tell(&mut self, results: &[Evaluated]) {
        for result in results {
            self.seen.insert(&result.design);
            let known = |members: &[Evaluated]| members.iter().any(|m| m.design == result.design);
            if !known(&self.parents) && !known(&self.children) {
                self.children.push(result.clone());
            }
        }
        if self.children.len() >= self.settings.population
            || (self.parents.is_empty() && self.waiting.is_empty())
        {
            self.parents.append(&mut self.children);
            (self.survive)(&mut self.parents, self.settings.population, &mut self.random);
        }
    }
}

impl Nsga {
    fn propose(&mut self) -> Design {
        if let Some(design) = self.waiting.pop() {
            self.seen.insert(&design);
            return design;
        }
        let Self { settings, problem, random, seen, parents, .. } = self;
        let space = &problem.space;
        let probability = settings.mutation.unwrap_or(1.0 / space.len().max(1) as f64);
        seen.fresh(space, 20, random, |random| {
            if parents.is_empty() {
                return space.sample(random);
            }
            // Survivors stand in the order of their worth, so the smaller index wins a tournament of two.
            let mut pick = || random.below(parents.len()).min(random.below(parents.len()));
            let (first, second) = (pick(), pick());
            let mut child = parents[first].design.clone();
            let crossed = first != second && random.chance(settings.crossover);
            if crossed {
                let mate = &parents[second].design;
                child = variation::crossover(space, &child, mate, settings.spread_index, random);
            }
            if !crossed || random.chance(0.7) {
                let scale = settings.mutation_scale * 10f64.powf(-2.0 * random.uniform());
                variation::mutate(space, &mut child, probability, scale, random);
            }
            space.canonicalise(&mut child);
            child
        })
    }
}

pub(crate) fn build(
    settings: NsgaSettings,
    problem: &Problem,
    seed: u64,
    survive: Survival,
) -> Result<Box<dyn Agent>, AgentError> {
    settings.check()?;
    let mut random = Random::new(seed);
    let count = settings.population.min(problem.budget.unwrap_or(usize::MAX).div_ceil(2)).max(1);
    Ok(Box::new(Nsga {
        waiting: initial::latin_hypercube(&problem.space, count, &mut random),
        settings,
        problem: problem.clone(),
        random,
        seen: Seen::default(),
        parents: Vec::new(),
        children: Vec::new(),
        survive,
    }))
}

pub(crate) fn documented(entry: AgentEntry) -> AgentEntry {
    entry
        .arranging()
        .hyperparameter("population", "24", "4 to 10000", "size of the population")
        .hyperparameter("crossover", "0.9", "0 to 1", "probability of crossover")
        .hyperparameter("mutation", "None", "0 to 1", "probability per parameter; 1 / parameters if left out")
        .hyperparameter("mutation_scale", "0.3", "1e-9 to 1", "largest deviation of a mutation")
        .hyperparameter("spread_index", "4.0", "0 to 100", "larger keeps children nearer to their parents")
}

pub(crate) fn entry() -> AgentEntry {
    documented(AgentEntry::new(
        "nsga2",
        "non-dominated sorting genetic algorithm with crowding (NSGA-II)",
        |options, problem, seed| {
            let goals = problem.goals;
            let survive = move |results: &mut Vec<Evaluated>, count: usize, _: &mut Random| {
                ranking::sort_best_first(results, goals);
                results.truncate(count);
            };
            build(options.parse()?, problem, seed, Box::new(survive))
        },
    ))
}
