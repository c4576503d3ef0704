//! Every design of a discrete space in index order, and one at random.

use super::{Design, DesignSpace, Domain, Scale};
use crate::Random;

impl DesignSpace {
    /// The grid point with this index, the last parameter running fastest; `None` past the end, or with a real parameter.
    pub fn design_at(&self, index: u128) -> Option<Design> {
        if index >= self.size()? {
            return None;
        }
        let mut rest = index;
        let mut coordinates = vec![0.0; self.len()];
        for (coordinate, parameter) in coordinates.iter_mut().zip(self.parameters()).rev() {
            let levels = parameter.domain.cardinality()? as u128;
            *coordinate = (rest % levels) as f64;
            rest /= levels;
        }
        Some(Design::new(coordinates))
    }

    /// The index of a grid point: the inverse of [`design_at`](Self::design_at).
    pub fn index_of(&self, design: &Design) -> Option<u128> {
        self.size()?;
        self.parameters().iter().zip(design.coordinates()).try_fold(
            0u128,
            |index, (parameter, coordinate)| {
                Some(index * parameter.domain.cardinality()? as u128 + *coordinate as u128)
            },
        )
    }

    /// Every design that keeps the constraints, in index order, each once: inactive parameters stand at their start.
    /// Listed designs come in the order of their list. Nothing for a space with a real parameter and no list.
    pub fn designs(&self) -> impl Iterator<Item = Design> + '_ {
        let listed = self.listing().map_or(&[][..], |listing| listing.designs());
        let grid = if listed.is_empty() { self.size().unwrap_or(0) } else { 0 };
        let canonical = |design: &Design| {
            let mut canonical = design.clone();
            self.canonicalise(&mut canonical);
            canonical == *design
        };
        let all = listed.iter().cloned().chain((0..grid).filter_map(|index| self.design_at(index)));
        all.filter(move |design| canonical(design) && self.violation(design) == 0.0)
    }

    /// A uniformly drawn design: every level of a parameter alike, reals by their scale. Draws again while a constraint is broken,
    /// at most 1,000 times.
    pub fn sample(&self, random: &mut Random) -> Design {
        let mut design = Design::new(vec![0.0; self.len()]);
        for _ in 0..1000 {
            for (index, parameter) in self.parameters().iter().enumerate() {
                design.set(index, parameter.domain.sample(random));
            }
            self.canonicalise(&mut design);
            if self.constraints().is_empty() || self.violation(&design) == 0.0 {
                break;
            }
        }
        design
    }
}

impl Domain {
    /// A uniformly drawn coordinate: every level alike, reals by their scale.
    pub fn sample(&self, random: &mut Random) -> f64 {
        match self.cardinality() {
            Some(levels) => random.below(levels) as f64,
            None => self.from_unit(random.uniform()),
        }
    }

    /// The coordinate at a place of the unit interval: the level whose stratum it falls in, or the real number there.
    pub fn from_unit(&self, unit: f64) -> f64 {
        let unit = if unit.is_nan() { 0.0 } else { unit.clamp(0.0, 1.0) };
        match self {
            Self::Real { low, high, scale: Scale::Linear } => (low + unit * (high - low)).clamp(*low, *high),
            Self::Real { low, high, scale: Scale::Log } => {
                (low.ln() + unit * (high / low).ln()).exp().clamp(*low, *high)
            }
            Self::Integer { low, high, step, scale: Scale::Log } => {
                let number = (low.max(&1).to_owned() as f64).ln() + unit * (*high as f64 / *low as f64).ln();
                let levels = (high - low) / step;
                (((number.exp() - *low as f64) / *step as f64).round() as i64).clamp(0, levels) as f64
            }
            _ => {
                let levels = self.cardinality().unwrap_or(1);
                ((unit * levels as f64) as usize).min(levels - 1) as f64
            }
        }
    }

    /// The place of a coordinate in the unit interval: the middle of a level's stratum, or the real number's place by scale.
    pub fn to_unit(&self, coordinate: f64) -> f64 {
        match self {
            Self::Real { low, high, .. } if low == high => 0.5,
            Self::Real { low, high, scale: Scale::Linear } => (coordinate - low) / (high - low),
            Self::Real { low, high, scale: Scale::Log } => (coordinate / low).ln() / (high / low).ln(),
            Self::Integer { low, high, step, scale: Scale::Log } if low < high => {
                ((*low as f64 + coordinate * *step as f64) / *low as f64).ln()
                    / (*high as f64 / *low as f64).ln()
            }
            _ => (coordinate + 0.5) / self.cardinality().unwrap_or(1) as f64,
        }
    }
}
