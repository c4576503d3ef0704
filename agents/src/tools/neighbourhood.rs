//! The mixed neighbourhood of the searches that walk: one parameter moves, sometimes others with it, by steps of all sizes.

use hwgym_envs::{Design, DesignSpace, Random};

use super::seen::Seen;
use super::variation;
use crate::Evaluated;

/// How far a walk steps.
#[derive(Clone, Copy, Debug)]
pub struct Neighbourhood {
    /// Largest standard deviation of a move, as part of the range.
    pub scale: f64,
    /// Decades below it over which deviations are drawn.
    pub decades: f64,
    /// Probability that a move touches several parameters.
    pub several: f64,
    /// The probability of each of them then, beside the one that always moves.
    pub each: f64,
}

impl Neighbourhood {
    /// A neighbour of `current` that was not proposed before, as far as 20 draws find one; a random design without `current`. It is noted.
    pub fn step(
        &self,
        space: &DesignSpace,
        current: Option<&Evaluated>,
        seen: &mut Seen,
        random: &mut Random,
    ) -> Design {
        seen.fresh(space, 20, random, |random| {
            let Some(current) = current else { return space.sample(random) };
            let mut design = current.design.clone();
            let scale = self.scale * 10f64.powf(-self.decades * random.uniform());
            let probability = if random.chance(self.several) { self.each } else { 0.0 };
            variation::mutate(space, &mut design, probability, scale, random);
            design
        })
    }
}
