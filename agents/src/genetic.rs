//! `genetic`: an elitist genetic algorithm for mixed spaces, steady state.
//!
//! The population holds the best designs seen. Each proposal is a child of two tournament winners (simulated binary crossover, either
//! parent's category), mutated by steps whose size is drawn anew over three decades. A child enters if it beats the worst.

use hwgym_envs::{Design, Random};
use serde::{Deserialize, Serialize};

use crate::tools::{check_count, check_range, initial, ranking, seen::Seen, variation};
use crate::{Agent, AgentEntry, AgentError, Evaluated, Problem};

/// Hyperparameters of `genetic`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GeneticSettings {
    /// Size of the population, 4 to 10,000.
    pub population: usize,
    /// Designs in a tournament; the best becomes a parent. 1 to 100.
    pub tournament: usize,
    /// Probability of crossover; otherwise the first parent is mutated alone. 0 to 1.
    pub crossover: f64,
    /// Probability with which each parameter is mutated, 0 to 1; one divided by the number of parameters if left out.
    pub mutation: Option<f64>,
    /// Largest standard deviation of a mutation, as part of the range; smaller ones are drawn over three decades. Above 0 to 1.
    pub mutation_scale: f64,
    /// Spread index of the crossover; larger keeps children nearer to their parents. 0 to 100.
    pub spread_index: f64,
}

impl Default for GeneticSettings {
    fn default() -> Self {
        Self {
            population: 40,
            tournament: 3,
            crossover: 1.0,
            mutation: None,
            mutation_scale: 0.3,
            spread_index: 1.0,
        }
    }
}

impl GeneticSettings {
    /// Checks every range. Errors: the first hyperparameter outside its range.
    pub fn check(&self) -> Result<(), AgentError> {
        check_count("population", self.population, 4, 10_000)?;
        check_count("tournament", self.tournament, 1, 100)?;
        check_range("crossover", self.crossover, 0.0, 1.0)?;
        check_range("mutation", self.mutation.unwrap_or(0.5), 0.0, 1.0)?;
        check_range("mutation_scale", self.mutation_scale, 1e-9, 1.0)?;
        check_range("spread_index", self.spread_index, 0.0, 100.0)
    }
}

struct Genetic {
    settings: GeneticSettings,
    problem: Problem,
    random: Random,
    seen: Seen,
    /// Initial designs not proposed yet.
    waiting: Vec<Design>,
    /// The best so far, best first.
    population: Vec<Evaluated>,
}

impl Agent for Genetic {
    fn ask(&mut self, count: usize) -> Vec<Design> {
        (0..count).map(|_| self.propose()).collect()
    }

    fn tell(&mut self, results: &[Evaluated]) {
        for result in results {
            self.seen.insert(&result.design);
            if self.population.iter().any(|member| member.design == result.design) {
                continue;
            }
            self.population.push(result.clone());
        }
        ranking::sort_best_first(&mut self.population, self.problem.goals);
        self.population.truncate(self.settings.population);
    }
}

impl Genetic {
    fn propose(&mut self) -> Design {
        if let Some(design) = self.waiting.pop() {
            self.seen.insert(&design);
            return design;
        }
        let Self { settings, problem, random, seen, population, .. } = self;
        let space = &problem.space;
        let probability = settings.mutation.unwrap_or(1.0 / space.len().max(1) as f64);
        seen.fresh(space, 20, random, |random| {
            if population.is_empty() {
                return space.sample(random);
            }
            let mut pick = || {
                let entrants = (0..settings.tournament).map(|_| random.below(population.len()));
                // The population is sorted, so the smallest index wins.
                entrants.min().unwrap_or(0)
            };
            let (first, second) = (pick(), pick());
            let mut child = population[first].design.clone();
            let crossed = first != second && random.chance(settings.crossover);
            if crossed {
                let mate = &population[second].design;
                child = variation::crossover(space, &child, mate, settings.spread_index, random);
            }
            if !crossed || random.chance(0.7) {
                let scale = settings.mutation_scale * 10f64.powf(-3.0 * random.uniform());
                variation::mutate(space, &mut child, probability, scale, random);
            }
            space.canonicalise(&mut child);
            child
        })
    }
}

pub(crate) fn entry() -> AgentEntry {
    AgentEntry::new(
        "genetic",
        "elitist steady-state genetic algorithm for mixed spaces",
        |options, problem, seed| {
            let settings: GeneticSettings = options.parse()?;
            settings.check()?;
            let mut random = Random::new(seed);
            let count = settings.population.min(problem.budget.unwrap_or(usize::MAX).div_ceil(2)).max(1);
            let waiting = initial::latin_hypercube(&problem.space, count, &mut random);
            Ok(Box::new(Genetic {
                settings,
                problem: problem.clone(),
                random,
                seen: Seen::default(),
                waiting,
                population: Vec::new(),
            }))
        },
    )
    .arranging()
    .hyperparameter("population", "40", "4 to 10000", "size of the population")
    .hyperparameter(
        "tournament",
        "3",
        "1 to 100",
        "designs in a tournament, of which the best becomes a parent",
    )
    .hyperparameter("crossover", "1.0", "0 to 1", "probability of crossover")
    .hyperparameter("mutation", "None", "0 to 1", "probability per parameter; 1 / parameters if left out")
    .hyperparameter(
        "mutation_scale",
        "0.3",
        "1e-9 to 1",
        "largest deviation of a mutation, as part of the range",
    )
    .hyperparameter("spread_index", "1.0", "0 to 100", "larger keeps children nearer to their parents")
}
