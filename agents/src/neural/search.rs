//! What drives an algorithm in a search: designs are drawn inside ask, learned from inside tell.

use std::collections::VecDeque;

use hwgym_envs::random::derive_seed;
use hwgym_envs::{Design, Random};

use super::archive::{Entry, RewardScale, Row, rewards};
use super::critics::{self, Critics};
use super::draw::{Chooser, Drawn, draw};
use super::fresh::Fresh;
use super::heads::Heads;
use crate::{Agent, AgentError, Evaluated, Problem};

/// What an algorithm of this family brings: how it decides (a [`Chooser`]) and how it learns.
pub trait Algorithm: Chooser + Send {
    /// Learns, once a batch of its own designs is evaluated.
    fn learn(&mut self, lesson: &Lesson, random: &mut Random);

    /// Forgets what it learned: it keeps proposing what it knows.
    fn restart(&mut self, random: &mut Random);
}

/// What there is to learn from.
pub struct Lesson<'a> {
    /// Everything evaluated so far.
    pub entries: &'a [Entry],
    /// The reward of each, as it ranks now.
    pub rewards: &'a [f32],
    /// Indices of the designs that were drawn since the last lesson.
    pub batch: &'a [usize],
    /// Share of the budget that is spent, from 0 to 1; a half where no budget is known.
    pub progress: f32,
}

impl Lesson<'_> {
    /// Decisions and rewards of the batch.
    pub fn rows(&self) -> (Vec<&Row>, Vec<f32>) {
        self.batch.iter().map(|index| (&self.entries[*index].row, self.rewards[*index])).unzip()
    }
}

/// The parts that every algorithm can use. Each can be switched off.
#[derive(Clone, Copy, Debug)]
pub struct Parts {
    /// How a score becomes a reward.
    pub reward: RewardScale,
    /// Never propose a design twice.
    pub unique: bool,
    /// Draws per proposal above which a policy counts as collapsed and starts anew; 0 never.
    pub restart: f64,
    /// Candidates that the critics choose from; 0 for no critics.
    pub screen: usize,
    /// Levels of a head.
    pub most_levels: usize,
}

impl Parts {
    /// Checks ranges. Errors: what is out of range, a batch larger than the budget included.
    pub fn check(&self, batch: usize, problem: &Problem) -> Result<(), AgentError> {
        in_range("batch", batch >= 1, batch, "at least 1")?;
        if let Some(budget) = problem.budget.filter(|budget| batch > *budget) {
            let expected = format!("at most the budget of {budget} evaluations, or it would never learn");
            return Err(AgentError::out_of_range("batch", batch, &expected));
        }
        in_range(
            "restart",
            (0.0..=1e9).contains(&self.restart),
            self.restart,
            "0 (never), or a number of draws",
        )?;
        in_range("screen", self.screen <= 4096, self.screen, "0 (off) to 4096")?;
        in_range("most_levels", (2..=4096).contains(&self.most_levels), self.most_levels, "2 to 4096")
    }
}

/// Checks one hyperparameter. Errors: it is not `ok`.
pub(crate) fn in_range(name: &str, ok: bool, value: impl ToString, expected: &str) -> Result<(), AgentError> {
    if ok { Ok(()) } else { Err(AgentError::out_of_range(name, value, expected)) }
}

/// An algorithm at work.
pub struct Search<A> {
    problem: Problem,
    parts: Parts,
    batch_size: usize,
    heads: Heads,
    algorithm: A,
    critics: Option<Critics>,
    fresh: Fresh,
    /// Proposals not told yet.
    pending: VecDeque<Drawn>,
    entries: Vec<Entry>,
    /// Entries of its own since the last lesson.
    batch: Vec<usize>,
    random: Random,
    broken: Option<String>,
}

impl<A: Algorithm> Search<A> {
    /// Starts a search; the algorithm is made from its heads and a random stream.
    pub fn new(
        problem: &Problem,
        parts: Parts,
        batch_size: usize,
        seed: u64,
        make: impl FnOnce(&Heads, &mut Random) -> A,
    ) -> Self {
        let heads = Heads::new(&problem.space, parts.most_levels);
        Self {
            algorithm: make(&heads, &mut Random::derived(seed, "networks")),
            critics: (parts.screen > 0).then(|| Critics::new(&heads, derive_seed(seed, "critics"))),
            fresh: Fresh::default(),
            pending: VecDeque::new(),
            entries: Vec::new(),
            batch: Vec::with_capacity(batch_size),
            random: Random::derived(seed, "policy"),
            broken: None,
            problem: problem.clone(),
            parts,
            batch_size,
            heads,
        }
    }

    fn propose(&mut self) -> Drawn {
        let space = self.problem.space.clone();
        let drawn = match self.screened() {
            Some(best) => best,
            None if self.parts.unique => {
                self.fresh.propose(&space, &self.heads, &mut self.algorithm, &mut self.random)
            }
            None => draw(&space, &self.heads, &mut self.algorithm, None, &mut self.random),
        };
        self.fresh.note(&drawn);
        drawn
    }

    /// The new draw that the critics think best of, if there are critics and anything new was drawn.
    fn screened(&mut self) -> Option<Drawn> {
        let critics = self.critics.as_mut().filter(|_| self.entries.len() > critics::FIRST)?;
        let space = &self.problem.space;
        let (mut best, mut draws, mut found): (Option<(f32, Drawn)>, usize, usize) = (None, 0, 0);
        for _ in 0..self.parts.screen {
            let mut fresh = None;
            for _ in 0..2 {
                let drawn = draw(space, &self.heads, &mut self.algorithm, None, &mut self.random);
                draws += 1;
                let broken = !space.constraints().is_empty() && space.violation(&drawn.design) > 0.0;
                if !(broken || self.parts.unique && self.fresh.knows(&drawn)) {
                    fresh = Some(drawn);
                    break;
                }
            }
            let Some(drawn) = fresh else { continue };
            found += 1;
            let value = critics.expect(&self.heads, &drawn.row);
            if best.as_ref().is_none_or(|(highest, _)| value > *highest) {
                best = Some((value, drawn));
            }
        }
        if found > 0 {
            self.fresh.count(draws, found);
        }
        best.map(|(_, drawn)| drawn)
    }

    fn learn(&mut self) {
        let rewards = rewards(&self.entries, self.parts.reward);
        let spent = self.entries.len() as f32;
        let progress = self.problem.budget.map_or(0.5, |budget| spent / budget.max(1) as f32).min(1.0);
        let lesson = Lesson { entries: &self.entries, rewards: &rewards, batch: &self.batch, progress };
        self.algorithm.learn(&lesson, &mut self.random);
        if let Some(critics) = &mut self.critics {
            critics.learn(&self.heads, &self.entries, &rewards, &mut self.random);
        }
        self.batch.clear();
        let effort = self.fresh.effort(&self.problem.space);
        if self.parts.unique && self.parts.restart > 0.0 && effort > self.parts.restart {
            self.algorithm.restart(&mut self.random);
        }
    }

    /// Why this result cannot be learned from.
    fn refuse(&self, result: &Evaluated) -> Option<String> {
        let reward = result.score.rewards.iter().find(|reward| !reward.is_finite())?;
        let values = self.problem.space.values(&result.design);
        let design: Vec<String> = values.iter().map(|(name, value)| format!("{name}={value}")).collect();
        Some(format!(
            "evaluation {} has the reward {reward}, from which nothing can be learned; its design is {}; mend the objective or the environment",
            self.entries.len() + 1,
            design.join(" ")
        ))
    }
}

impl<A: Algorithm> Agent for Search<A> {
    fn ask(&mut self, count: usize) -> Vec<Design> {
        if self.broken.is_some() {
            return Vec::new();
        }
        let room = self.batch_size.saturating_sub(self.batch.len() + self.pending.len()).max(1);
        let proposals: Vec<Drawn> = (0..count.min(room)).map(|_| self.propose()).collect();
        self.pending.extend(proposals.iter().cloned());
        proposals.into_iter().map(|drawn| drawn.design).collect()
    }

    /// Results that are not of its own proposals are ranked with the others and teach critics; a policy learns from what it drew.
    fn tell(&mut self, results: &[Evaluated]) {
        for result in results {
            if self.broken.is_none() {
                self.broken = self.refuse(result);
            }
            if self.broken.is_some() {
                return;
            }
            // Results may come out of order, and some proposals may never come back.
            let own = self.pending.iter().position(|drawn| drawn.design == result.design);
            let row = match own.and_then(|position| self.pending.remove(position)) {
                Some(drawn) => {
                    self.batch.push(self.entries.len());
                    drawn.row
                }
                None => {
                    self.fresh.note_design(&result.design);
                    Row::of(&self.problem.space, &self.heads, &result.design)
                }
            };
            self.entries.push(Entry::new(row, result));
            if self.batch.len() >= self.batch_size {
                self.learn();
            }
        }
    }

    fn ended(&self) -> Option<&str> {
        self.broken.as_deref()
    }
}

/// Declares the hyperparameters of an algorithm, and after them the parts that all share: a struct with docs, defaults and ranges, which
/// `hwgym agent show` prints.
macro_rules! settings {
    (
        $(#[doc = $about:literal])*
        $name:ident {
            $($(#[doc = $doc:literal])+ $field:ident: $type:ty = $default:expr, $shown:literal, $range:literal;)*
        }
    ) => {
        $(#[doc = $about])*
        #[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {
            $($(#[doc = $doc])+ pub $field: $type,)*
            /// Shape of the reward.
            pub reward: $crate::neural::archive::RewardScale,
            /// Never propose a design twice.
            pub unique: bool,
            /// Draws per new design above which the policy has collapsed and starts anew; 0 never.
            pub restart: f64,
            /// Draws of which three small critics choose one to propose; 0 for no critics.
            pub screen: usize,
            /// Levels of a decision; longer and real ranges are decided in two digits.
            pub most_levels: usize,
        }

        impl Default for $name {
            fn default() -> Self {
                Self {
                    $($field: $default,)*
                    reward: Default::default(),
                    unique: true,
                    restart: 5.0,
                    screen: 0,
                    most_levels: 32,
                }
            }
        }

        impl $name {
            fn parts(&self) -> $crate::neural::search::Parts {
                let Self { reward, unique, restart, screen, most_levels, .. } = *self;
                $crate::neural::search::Parts { reward, unique, restart, screen, most_levels }
            }

            fn document(entry: $crate::AgentEntry) -> $crate::AgentEntry {
                entry
                    $(.hyperparameter(stringify!($field), $shown, $range, concat!($($doc),+).trim_ascii()))*
                    .hyperparameter(
                        "reward",
                        "RankExponential",
                        "RankExponential, Rank or ZScore",
                        "shape of the reward: -ln of the share of evaluations that are better, that share itself, or deviations from the mean. Several goals: by what a design adds to the hypervolume",
                    )
                    .hyperparameter("unique", "true", "true or false", "never propose a design twice")
                    .hyperparameter(
                        "restart",
                        "5.0",
                        "0 (never) or more",
                        "draws per new design above which the policy has collapsed and starts anew",
                    )
                    .hyperparameter(
                        "screen",
                        "0",
                        "0 (off) to 4096",
                        "draws of which three small critics choose one to propose",
                    )
                    .hyperparameter(
                        "most_levels",
                        "32",
                        "2 to 4096",
                        "levels of a decision; longer and real ranges are decided in two digits",
                    )
            }
        }
    };
}
pub(crate) use settings;
