//! The memory of what was proposed or told, so that no evaluation is spent twice.

use std::collections::HashSet;

use hwgym_envs::{Design, DesignSpace, Random};

/// Designs that were proposed or told.
#[derive(Clone, Debug, Default)]
pub struct Seen(HashSet<Design>);

impl Seen {
    /// Notes a design; true if it is new.
    pub fn insert(&mut self, design: &Design) -> bool {
        self.0.insert(design.clone())
    }

    /// True if the design was noted before.
    pub fn contains(&self, design: &Design) -> bool {
        self.0.contains(design)
    }

    /// Number of designs noted.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True before the first design.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// True if a discrete space has no design left that could be new. Designs with inactive parameters off their start never count, so
    /// for a conditional space this may stay false although nothing is left.
    pub fn exhausts(&self, space: &DesignSpace) -> bool {
        let size = space.listing().map(|listing| listing.designs().len() as u128).or_else(|| space.size());
        size.is_some_and(|size| self.0.len() as u128 >= size)
    }

    /// The first design of `draw` that is new and keeps the space's constraints, within `tries` draws; the least broken, newest one
    /// otherwise. The design is noted.
    pub fn fresh(
        &mut self,
        space: &DesignSpace,
        tries: usize,
        random: &mut Random,
        mut draw: impl FnMut(&mut Random) -> Design,
    ) -> Design {
        let mut best: Option<(bool, f64, Design)> = None;
        for _ in 0..tries.max(1) {
            let design = draw(random);
            let known = self.contains(&design);
            let violation = if space.constraints().is_empty() { 0.0 } else { space.violation(&design) };
            if !known && violation == 0.0 {
                best = Some((known, violation, design));
                break;
            }
            let better = best.as_ref().is_none_or(|(k, v, _)| (known, violation) < (*k, *v));
            if better {
                best = Some((known, violation, design));
            }
        }
        let design = best.map_or_else(|| space.sample(random), |(_, _, design)| design);
        self.insert(&design);
        design
    }
}

/// A uniformly drawn design that is new, if one is found: by drawing, and in small discrete spaces by looking through all of them.
pub fn unseen_sample(space: &DesignSpace, seen: &Seen, random: &mut Random) -> Option<Design> {
    for _ in 0..64 {
        let design = space.sample(random);
        if !seen.contains(&design) {
            return Some(design);
        }
    }
    if let Some(listing) = space.listing() {
        let (designs, start) = (listing.designs(), random.below(listing.designs().len()));
        let new = |design: &&Design| space.violation(design) == 0.0 && !seen.contains(design);
        return designs[start..].iter().chain(&designs[..start]).find(new).cloned();
    }
    let size = space.size().filter(|size| *size <= 1 << 16)?;
    let start = random.below_u128(size);
    (0..size).filter_map(|k| space.design_at((start + k) % size)).find(|design| {
        let mut canonical = design.clone();
        space.canonicalise(&mut canonical);
        canonical == *design && space.violation(design) == 0.0 && !seen.contains(design)
    })
}
