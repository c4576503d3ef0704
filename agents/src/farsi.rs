//! `farsi`: FARSI's architecture-aware explorer (Boroujerdian et al., TECS 2023). It asks what limits the best design so far, picks the figure
//! that is farthest over budget, the part of the system that contributes most to it, and one of the moves that may help; from the result it
//! goes on, for a chain of moves, whatever each of them brought.
//!
//! It serves environments that say what limits a design ([`Env::guide`](hwgym_envs::Env::guide)), such as `soc-v0`, and pursues their budgets,
//! whatever the objective's goal is. It proposes one design at a time.

use std::collections::HashMap;
use std::sync::Arc;

use hwgym_envs::guide::{Aim, Diagnosis, Guide, Move};
use hwgym_envs::{Design, Random};
use serde::{Deserialize, Serialize};

use crate::tools::{check_count, seen::Seen};
use crate::{Agent, AgentEntry, AgentError, Evaluated, Goals, Problem};

/// A figure counts as kept below this excess.
const KEPT: f64 = 1e-3;
/// What a figure adds to the strict distance that is kept.
const KEPT_TERM: f64 = 1e-9;
/// Least improvement of the distance that makes a new best design.
const IMPROVEMENT: f64 = 1e-4;
/// Draws before a chain that leads nowhere new is given up.
const DRAWS: usize = 20;

/// How the parts and moves are picked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Awareness {
    /// By what limits the design.
    #[default]
    Architecture,
    /// Any figure, any part, any move: FARSI's baseline.
    Random,
}

/// Hyperparameters of `farsi`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FarsiSettings {
    /// Moves in a row from the best design, 1 to 1,000.
    pub depth: usize,
    /// Chains without a better design after which a part is passed over, 1 to 1,000.
    pub patience: usize,
    /// How parts and moves are picked.
    pub awareness: Awareness,
}

impl Default for FarsiSettings {
    fn default() -> Self {
        Self { depth: 10, patience: 3, awareness: Awareness::Architecture }
    }
}

impl FarsiSettings {
    /// Checks every range. Errors: the first hyperparameter outside its range.
    pub fn check(&self) -> Result<(), AgentError> {
        check_count("depth", self.depth, 1, 1000)?;
        check_count("patience", self.patience, 1, 1000)
    }
}

/// An evaluated design.
#[derive(Clone)]
struct Node {
    design: Design,
    diagnosis: Diagnosis,
}

impl Node {
    fn fits(&self) -> bool {
        self.diagnosis.figures.iter().all(|figure| figure.excess < KEPT)
    }

    /// Smaller is better: what is over budget, and a tenth of the difference to what is kept; among designs that fit, the cost.
    fn distance(&self) -> f64 {
        if self.fits() {
            return self.diagnosis.cost;
        }
        let terms = self
            .diagnosis
            .figures
            .iter()
            .map(|figure| if figure.excess < KEPT { figure.excess.abs() / 10.0 } else { figure.excess });
        terms.sum()
    }

    /// Whether this is better than another one by more than a trifle. A design that fits is better than one that does not.
    fn improves(&self, other: &Self) -> bool {
        match (self.fits(), other.fits()) {
            (true, false) => true,
            (false, true) => false,
            (true, true) => self.distance() < other.distance() * (1.0 - IMPROVEMENT),
            (false, false) => self.distance() < other.distance() - IMPROVEMENT,
        }
    }
}

struct Farsi {
    settings: FarsiSettings,
    guide: Arc<dyn Guide>,
    problem: Problem,
    random: Random,
    seen: Seen,
    /// The best design when the chain began.
    best: Option<Node>,
    /// The best one of the chain, if it is better than that.
    better: Option<Node>,
    /// Where the chain is; the best design at its start.
    tip: Option<Node>,
    /// Moves made in this chain.
    length: usize,
    /// What the chain began with.
    first: Option<usize>,
    /// Per part: chains in a row that began with it and found nothing better.
    stagnant: HashMap<usize, usize>,
    proposed: Option<Design>,
}

impl Agent for Farsi {
    fn ask(&mut self, count: usize) -> Vec<Design> {
        if count == 0 {
            return Vec::new();
        }
        let design = self.propose();
        self.seen.insert(&design);
        self.proposed = Some(design.clone());
        vec![design]
    }

    fn tell(&mut self, results: &[Evaluated]) {
        for result in results {
            let own = self.proposed.as_ref() == Some(&result.design);
            if own {
                self.proposed = None;
                self.length += 1;
            }
            self.seen.insert(&result.design);
            let measured = result.outcome.metrics().is_some();
            let diagnosis = measured.then(|| self.guide.diagnose(&result.design)).flatten();
            if let Some(diagnosis) = diagnosis {
                let node = Node { design: result.design.clone(), diagnosis };
                let rival = self.better.as_ref().or(self.best.as_ref());
                if rival.is_none_or(|rival| node.improves(rival)) {
                    self.better = Some(node.clone());
                }
                if own {
                    self.tip = Some(node);
                }
            }
            if self.best.is_none() || self.length >= self.settings.depth {
                self.end_chain();
            }
        }
    }
}

impl Farsi {
    /// The next design of the chain; a new chain where this one leads nowhere new.
    fn propose(&mut self) -> Design {
        if self.best.is_none() {
            let start = self.guide.start();
            if !self.seen.contains(&start) {
                return start;
            }
        }
        for restart in [false, true] {
            if restart {
                self.end_chain();
            }
            for draw in 0..DRAWS {
                // Where what limits the design leads nowhere new, anything else is tried.
                let aware = draw < DRAWS / 2 && self.settings.awareness == Awareness::Architecture;
                if let Some(design) = self.step(aware) {
                    return design;
                }
            }
        }
        self.problem.space.sample(&mut self.random)
    }

    /// Ends a chain: its best design is the new best, or else the part it began with has stagnated once more.
    fn end_chain(&mut self) {
        if let Some(better) = self.better.take() {
            self.best = Some(better);
            self.stagnant.clear();
        } else if let Some(part) = self.first {
            *self.stagnant.entry(part).or_default() += 1;
        }
        self.tip = self.best.clone();
        self.length = 0;
        self.first = None;
    }

    /// One move from the tip to a new design, if there is one.
    fn step(&mut self, aware: bool) -> Option<Design> {
        let tip = self.tip.clone()?;
        let aims = if aware {
            self.aims(&tip.diagnosis)
        } else {
            self.any_aim(&tip.diagnosis).into_iter().collect()
        };
        for aim in aims {
            let mut moves = self.guide.moves(&tip.design, aim);
            moves.retain(|step| !self.seen.contains(&step.design));
            if let Some(design) = self.pick(&moves) {
                self.first = self.first.or(Some(aim.part));
                return Some(design);
            }
        }
        None
    }

    /// The figure that is farthest over budget and the parts that contribute to it, the largest first; parts that have stagnated are left out.
    fn aims(&self, diagnosis: &Diagnosis) -> Vec<Aim> {
        let strict = |excess: f64| if excess < KEPT { KEPT_TERM } else { excess };
        let figures = 0..diagnosis.figures.len();
        let worst = |a: &usize, b: &usize| {
            strict(diagnosis.figures[*a].excess)
                .total_cmp(&strict(diagnosis.figures[*b].excess))
                .then(b.cmp(a))
        };
        let Some(figure) = figures.max_by(worst) else { return Vec::new() };
        let parts = &diagnosis.figures[figure].parts;
        let is_open = |part: &usize| {
            parts[*part] > 0.0 && self.stagnant.get(part).is_none_or(|times| *times < self.settings.patience)
        };
        let mut open: Vec<usize> = (0..parts.len()).filter(is_open).collect();
        open.sort_by(|a, b| parts[*b].total_cmp(&parts[*a]));
        open.into_iter().map(|part| Aim { figure, part }).collect()
    }

    /// Any figure and any part that contributes to it.
    fn any_aim(&mut self, diagnosis: &Diagnosis) -> Option<Aim> {
        let figure = self.random.below(diagnosis.figures.len());
        let parts = &diagnosis.figures.get(figure)?.parts;
        let used: Vec<usize> = (0..parts.len()).filter(|part| parts[*part] > 0.0).collect();
        self.random.choose(&used).map(|part| Aim { figure, part: *part })
    }

    /// A kind of move with equal chances, then one of that kind.
    fn pick(&mut self, moves: &[Move]) -> Option<Design> {
        let mut kinds: Vec<&str> = moves.iter().map(|step| step.kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        let kind = *self.random.choose(&kinds)?;
        let of_kind: Vec<&Move> = moves.iter().filter(|step| step.kind == kind).collect();
        self.random.choose(&of_kind).map(|step| step.design.clone())
    }
}

pub(crate) fn entry() -> AgentEntry {
    AgentEntry::new(
        "farsi",
        "moves that relieve the bottleneck, as FARSI's explorer; for environments that name it (`soc-v0`)",
        |options, problem, seed| {
            let settings: FarsiSettings = options.parse()?;
            settings.check()?;
            let Some(guide) = problem.guide.clone() else {
                return Err(AgentError::unsupported(
                    "farsi",
                    "this environment does not say what limits a design, as `soc-v0` does; \
                     use an agent that needs no such help, such as `genetic` or `bayesian`",
                ));
            };
            Ok(Box::new(Farsi {
                settings,
                guide,
                problem: problem.clone(),
                random: Random::new(seed),
                seen: Seen::default(),
                best: None,
                better: None,
                tip: None,
                length: 0,
                first: None,
                stagnant: HashMap::new(),
                proposed: None,
            }))
        },
    )
    .goals(Goals::One)
    .arranging()
    .hyperparameter("depth", "10", "1 to 1000", "moves in a row from the best design")
    .hyperparameter(
        "patience",
        "3",
        "1 to 1000",
        "chains without a better design after which a part is passed over",
    )
    .hyperparameter(
        "awareness",
        "Architecture",
        "Architecture, Random",
        "parts and moves by what limits the design, or any",
    )
}
