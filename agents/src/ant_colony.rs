//! `ant-colony`: ArchGym's rules. Every value of every parameter has a pheromone; an ant takes the strongest with probability
//! `greediness` and draws by strength otherwise.
//!
//! After each ant, the pheromones on its way move towards the start: `(1 - decay) p + decay start`. After each generation, those of the best
//! ant are raised: `(1 - evaporation) p + evaporation quality`. ArchGym's quality is the raw reward (or a tenth of the inverse cost), which
//! depends on its unit; here it is the reward's place between the worst and the best one seen. Reals are cut into `levels` strata.

use hwgym_envs::{Design, Random};
use serde::{Deserialize, Serialize};

use crate::tools::{check_count, check_range, seen::Seen};
use crate::{Agent, AgentEntry, AgentError, Evaluated, Goals, Problem};

/// Hyperparameters of `ant-colony`, by ArchGym's names.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AntColonySettings {
    /// Ants per generation, 1 to 10,000.
    pub ant_count: usize,
    /// Probability of the strongest pheromone, 0 to 1.
    pub greediness: f64,
    /// How much the best ant changes its pheromones, 0 to 1.
    pub evaporation: f64,
    /// How much each ant weakens its way, 0 to 1.
    pub decay: f64,
    /// Pheromone at the start, above 0 to 1.
    pub start: f64,
    /// Generations after which the pheromones start over, 1 to 100,000; never if left out. ArchGym ends its search there.
    pub depth: Option<usize>,
    /// Strata of a real parameter, 2 to 1,000.
    pub levels: usize,
}

impl Default for AntColonySettings {
    fn default() -> Self {
        Self {
            ant_count: 16,
            greediness: 0.5,
            evaporation: 0.1,
            decay: 0.1,
            start: 0.1,
            depth: None,
            levels: 32,
        }
    }
}

impl AntColonySettings {
    /// Checks every range. Errors: the first hyperparameter outside its range.
    pub fn check(&self) -> Result<(), AgentError> {
        check_count("ant_count", self.ant_count, 1, 10_000)?;
        check_range("greediness", self.greediness, 0.0, 1.0)?;
        check_range("evaporation", self.evaporation, 0.0, 1.0)?;
        check_range("decay", self.decay, 0.0, 1.0)?;
        check_range("start", self.start, 1e-9, 1.0)?;
        check_count("depth", self.depth.unwrap_or(1), 1, 100_000)?;
        check_count("levels", self.levels, 2, 1000)
    }
}

struct AntColony {
    settings: AntColonySettings,
    problem: Problem,
    random: Random,
    seen: Seen,
    /// Per parameter, per value.
    pheromones: Vec<Vec<f64>>,
    best: Option<Evaluated>,
    range: (f64, f64),
    ants: usize,
    generations: usize,
}

impl Agent for AntColony {
    fn ask(&mut self, count: usize) -> Vec<Design> {
        (0..count).map(|_| self.walk()).collect()
    }

    fn tell(&mut self, results: &[Evaluated]) {
        for result in results {
            self.seen.insert(&result.design);
            self.ants += 1;
            if let (true, Some(reward)) = (result.score.is_feasible(), result.score.reward()) {
                self.range = (self.range.0.min(reward), self.range.1.max(reward));
            }
            if self.best.as_ref().is_none_or(|b| result.score.compare(&b.score).is_gt()) {
                self.best = Some(result.clone());
            }
            if self.ants >= self.settings.ant_count {
                self.ants = 0;
                self.generations += 1;
                self.reward_best();
            }
        }
    }
}

impl AntColony {
    fn start(&mut self) {
        let levels = |p: &hwgym_envs::Parameter| p.domain.cardinality().unwrap_or(self.settings.levels);
        self.pheromones =
            self.problem.space.parameters().iter().map(|p| vec![self.settings.start; levels(p)]).collect();
    }

    fn stratum(&self, index: usize, coordinate: f64) -> usize {
        let domain = &self.problem.space.parameters()[index].domain;
        match domain.cardinality() {
            Some(_) => coordinate as usize,
            None => {
                let levels = self.settings.levels;
                ((domain.to_unit(coordinate) * levels as f64) as usize).min(levels - 1)
            }
        }
    }

    fn walk(&mut self) -> Design {
        let Self { settings, problem, random, seen, pheromones, .. } = self;
        let space = &problem.space;
        let design = seen.fresh(space, 20, random, |random| {
            let mut design = Design::new(vec![0.0; space.len()]);
            for (index, parameter) in space.parameters().iter().enumerate() {
                let strengths = &pheromones[index];
                let value = if random.chance(settings.greediness) {
                    let largest = strengths.iter().copied().fold(0.0, f64::max);
                    let alike: Vec<usize> =
                        (0..strengths.len()).filter(|v| strengths[*v] == largest).collect();
                    alike.get(random.below(alike.len())).copied().unwrap_or(0)
                } else {
                    random.weighted(strengths)
                };
                let coordinate = match parameter.domain.cardinality() {
                    Some(_) => value as f64,
                    None => {
                        parameter.domain.from_unit((value as f64 + random.uniform()) / strengths.len() as f64)
                    }
                };
                design.set(index, coordinate);
            }
            space.canonicalise(&mut design);
            design
        });
        for index in 0..design.len() {
            let value = self.stratum(index, design.coordinate(index));
            let strength = &mut self.pheromones[index][value];
            *strength = (1.0 - self.settings.decay) * *strength + self.settings.decay * self.settings.start;
        }
        design
    }

    fn reward_best(&mut self) {
        let Some(best) = self.best.clone() else { return };
        let (low, high) = self.range;
        let quality = match best.score.reward() {
            Some(reward) if best.score.is_feasible() && high > low => (reward - low) / (high - low),
            Some(_) if best.score.is_feasible() => 1.0,
            // Nothing feasible yet: the less is broken, the better.
            _ => 0.5 / (1.0 + best.score.violation),
        };
        for index in 0..best.design.len() {
            let value = self.stratum(index, best.design.coordinate(index));
            let strength = &mut self.pheromones[index][value];
            *strength = (1.0 - self.settings.evaporation) * *strength + self.settings.evaporation * quality;
        }
        if self.settings.depth.is_some_and(|depth| self.generations.is_multiple_of(depth)) {
            self.start();
        }
    }
}

pub(crate) fn entry() -> AgentEntry {
    AgentEntry::new("ant-colony", "ant colony with ArchGym's rules and names", |options, problem, seed| {
        let settings: AntColonySettings = options.parse()?;
        settings.check()?;
        let mut agent = AntColony {
            settings,
            problem: problem.clone(),
            random: Random::new(seed),
            seen: Seen::default(),
            pheromones: Vec::new(),
            best: None,
            range: (f64::INFINITY, f64::NEG_INFINITY),
            ants: 0,
            generations: 0,
        };
        agent.start();
        Ok(Box::new(agent))
    })
    .goals(Goals::One)
    .hyperparameter("ant_count", "16", "1 to 10000", "ants per generation")
    .hyperparameter("greediness", "0.5", "0 to 1", "probability of the strongest pheromone")
    .hyperparameter("evaporation", "0.1", "0 to 1", "how much the best ant changes its pheromones")
    .hyperparameter("decay", "0.1", "0 to 1", "how much each ant weakens its way")
    .hyperparameter("start", "0.1", "1e-9 to 1", "pheromone at the start")
    .hyperparameter("depth", "None", "1 to 100000", "generations after which the pheromones start over")
    .hyperparameter("levels", "32", "2 to 1000", "strata of a real parameter")
}
