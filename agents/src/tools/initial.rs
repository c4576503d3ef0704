//! Initial designs: Latin hypercubes, and the most spread-out of several.

use hwgym_envs::{Design, DesignSpace, Domain, Random};

/// `count` designs of one random Latin hypercube: each parameter is cut into `count` strata, and each stratum is used once.
pub fn latin_hypercube(space: &DesignSpace, count: usize, random: &mut Random) -> Vec<Design> {
    let mut designs = vec![Design::new(vec![0.0; space.len()]); count];
    let mut strata: Vec<usize> = (0..count).collect();
    for (index, parameter) in space.parameters().iter().enumerate() {
        random.shuffle(&mut strata);
        for (design, stratum) in designs.iter_mut().zip(&strata) {
            let place = (*stratum as f64 + random.uniform()) / count as f64;
            design.set(index, from_stratum(&parameter.domain, place));
        }
    }
    for design in &mut designs {
        space.canonicalise(design);
        repair(space, design, random);
    }
    designs
}

/// The best of `tries` Latin hypercubes: the one whose nearest two designs are farthest apart, a difference of category counting 0.3
/// in the squared distance of the unit cube.
pub fn spread_latin_hypercube(
    space: &DesignSpace,
    count: usize,
    tries: usize,
    around: &[Design],
    random: &mut Random,
) -> Vec<Design> {
    let mut best = (f64::NEG_INFINITY, Vec::new());
    for _ in 0..tries.max(1) {
        let designs = latin_hypercube(space, count, random);
        let mut nearest = f64::INFINITY;
        for (index, design) in designs.iter().enumerate() {
            for other in designs[..index].iter().chain(around) {
                nearest = nearest.min(squared_distance(space, design, other));
            }
        }
        if nearest > best.0 {
            best = (nearest, designs);
        }
    }
    best.1
}

/// The design in the middle of every ordered domain; categories take their middle choice.
pub fn centre(space: &DesignSpace) -> Design {
    let place = |domain: &Domain| match domain.cardinality() {
        Some(levels) => ((levels - 1) / 2) as f64,
        None => domain.from_unit(0.5),
    };
    let mut design = Design::new(space.parameters().iter().map(|p| place(&p.domain)).collect::<Vec<_>>());
    space.canonicalise(&mut design);
    design
}

/// Squared distance in the unit cube; a difference of category or arrangement counts 0.3.
pub fn squared_distance(space: &DesignSpace, a: &Design, b: &Design) -> f64 {
    space
        .parameters()
        .iter()
        .zip(a.coordinates().iter().zip(b.coordinates()))
        .map(|(parameter, (a, b))| match parameter.domain {
            Domain::Boolean => 0.3 * f64::from(a != b),
            _ if !parameter.domain.is_ordered() => 0.3 * f64::from(a != b),
            _ => (parameter.domain.to_unit(*a) - parameter.domain.to_unit(*b)).powi(2),
        })
        .sum()
}

/// Draws the design anew where it breaks a constraint of the space, as far as drawing helps.
fn repair(space: &DesignSpace, design: &mut Design, random: &mut Random) {
    if !space.constraints().is_empty() && space.violation(design) > 0.0 {
        *design = space.sample(random);
    }
}

/// Like [`Domain::from_unit`], but every level of a log integer alike.
fn from_stratum(domain: &Domain, place: f64) -> f64 {
    match domain.cardinality() {
        Some(levels) => ((place * levels as f64) as usize).min(levels - 1) as f64,
        None => domain.from_unit(place),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hwgym_envs::Parameter;

    #[test]
    fn every_stratum_is_used_once() -> Result<(), hwgym_envs::SpaceError> {
        let space = DesignSpace::new(vec![Parameter::real("x", 0.0, 1.0), Parameter::integer("n", 1, 10)])?;
        let designs = latin_hypercube(&space, 10, &mut Random::new(1));
        for index in 0..2 {
            let mut strata: Vec<usize> = designs
                .iter()
                .map(|d| match index {
                    0 => (d.coordinate(0) * 10.0) as usize,
                    _ => d.level(1),
                })
                .collect();
            strata.sort_unstable();
            assert_eq!(strata, (0..10).collect::<Vec<_>>());
        }
        Ok(())
    }
}
