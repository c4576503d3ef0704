//! Never propose a design twice: environments are deterministic, so that a repeat teaches nothing and costs an evaluation.

use hwgym_envs::{DesignSpace, Random};

use super::draw::{Chooser, Drawn, draw};
use super::heads::Heads;
use crate::tools::seen::{Seen, unseen_sample};

/// Draws until a new design comes up; after that, random changes of the last one.
const DRAWS: usize = 32;

/// Random changes of one head each, until the space is searched by other means.
const CHANGES: usize = 64;

/// The designs proposed or told so far, and how hard it was to find new ones.
#[derive(Debug, Default)]
pub struct Fresh {
    seen: Seen,
    /// Nothing new is left.
    exhausted: bool,
    draws: usize,
    proposals: usize,
}

impl Fresh {
    /// Notes a design.
    pub fn note(&mut self, drawn: &Drawn) {
        self.seen.insert(&drawn.design);
    }

    /// Notes a design that somebody else proposed.
    pub fn note_design(&mut self, design: &hwgym_envs::Design) {
        self.seen.insert(design);
    }

    /// True for a design that was noted.
    pub fn knows(&self, drawn: &Drawn) -> bool {
        self.seen.contains(&drawn.design)
    }

    /// Counts draws that a proposal took.
    pub fn count(&mut self, draws: usize, proposals: usize) {
        self.draws += draws;
        self.proposals += proposals;
    }

    /// A new design that keeps the constraints of the space: drawn, or else the last draw with random changes; a repeat once nothing is left.
    pub fn propose(
        &mut self,
        space: &DesignSpace,
        heads: &Heads,
        chooser: &mut dyn Chooser,
        random: &mut Random,
    ) -> Drawn {
        let mut drawn = draw(space, heads, chooser, None, random);
        if self.exhausted {
            self.count(1, 1);
            return drawn;
        }
        let mut draws = 1;
        let mut repeats = 0;
        while draws < DRAWS && self.is_bad(space, &drawn, &mut repeats) {
            drawn = draw(space, heads, chooser, None, random);
            draws += 1;
        }
        // Draws that break a constraint are no sign of a policy that has collapsed.
        self.count(1 + repeats.min(draws - 1), 1);
        if !self.is_bad(space, &drawn, &mut repeats) {
            return drawn;
        }
        let mut changed = drawn.clone();
        for _ in 0..CHANGES {
            let mut choices = changed.row.choices.to_vec();
            let head = random.below(heads.len());
            if heads.is_empty() {
                break;
            }
            choices[head] = random.below(heads.range(head).len()) as u16;
            changed = draw(space, heads, chooser, Some(&choices), random);
            if !self.is_bad(space, &changed, &mut repeats) {
                return changed;
            }
        }
        match unseen_sample(space, &self.seen, random) {
            Some(design) => draw(space, heads, chooser, Some(&heads.choices(&design)), random),
            None => {
                self.exhausted =
                    self.seen.exhausts(space) || space.size().is_some_and(|size| size <= 1 << 16);
                drawn
            }
        }
    }

    fn is_bad(&self, space: &DesignSpace, drawn: &Drawn, repeats: &mut usize) -> bool {
        let known = self.knows(drawn);
        *repeats += usize::from(known);
        known || (!space.constraints().is_empty() && space.violation(&drawn.design) > 0.0)
    }

    /// Draws per proposal since it was asked last; relative to what uniform draws would need, where the size of the space is known.
    pub fn effort(&mut self, space: &DesignSpace) -> f64 {
        let effort = self.draws as f64 / self.proposals.max(1) as f64;
        (self.draws, self.proposals) = (0, 0);
        let used = space.size().map_or(0.0, |size| self.seen.len() as f64 / size as f64);
        effort * (1.0 - used).max(0.0)
    }
}
