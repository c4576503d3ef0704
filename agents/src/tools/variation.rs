//! Moves in mixed spaces: perturbing one coordinate, and mixing two designs.

use hwgym_envs::{Design, DesignSpace, Domain, Random};

use super::arrangements;

/// Another coordinate of the same domain. A category becomes any other one; an arrangement becomes a neighbour; an ordered value moves by a normal step of `scale` times its
/// range (at least one level), reflected at the ends. A domain of one value stays.
pub fn perturb(domain: &Domain, coordinate: f64, scale: f64, random: &mut Random) -> f64 {
    match (domain, domain.cardinality()) {
        (_, Some(0 | 1)) => coordinate,
        (domain, _) if domain.is_arrangement() => arrangements::step(domain, coordinate, scale, random),
        (Domain::Categorical(_) | Domain::Boolean, Some(levels)) => {
            let other = random.below(levels - 1) as f64;
            if other >= coordinate { other + 1.0 } else { other }
        }
        (_, Some(levels)) => {
            let last = (levels - 1) as f64;
            let size = (random.normal().abs() * scale * last).round().clamp(1.0, last);
            let step = if random.chance(0.5) { size } else { -size };
            let moved = reflect(coordinate + step, 0.0, last);
            if moved != coordinate {
                moved
            } else if coordinate > 0.0 {
                coordinate - 1.0
            } else {
                1.0
            }
        }
        (_, None) => {
            let unit = domain.to_unit(coordinate);
            domain.from_unit(reflect(unit + random.normal() * scale, 0.0, 1.0))
        }
    }
}

/// Folds a number back into `[low, high]`.
pub fn reflect(value: f64, low: f64, high: f64) -> f64 {
    let width = high - low;
    if width <= 0.0 || !value.is_finite() {
        return low;
    }
    let folded = (value - low).rem_euclid(2.0 * width);
    low + if folded > width { 2.0 * width - folded } else { folded }
}

/// Perturbs each parameter with this probability, at least one of them, and puts inactive parameters to their start.
pub fn mutate(space: &DesignSpace, design: &mut Design, probability: f64, scale: f64, random: &mut Random) {
    if space.is_empty() {
        return;
    }
    let forced = random.below(space.len());
    for (index, parameter) in space.parameters().iter().enumerate() {
        if index == forced || random.chance(probability) {
            design.set(index, perturb(&parameter.domain, design.coordinate(index), scale, random));
        }
    }
    space.canonicalise(design);
}

/// A child of two parents: simulated binary crossover (Deb and Agrawal 1995) on ordered parameters, rounded to levels where there are any,
/// either parent's value for categories, and a mixture of arrangements. A larger `spread_index` keeps children nearer to their parents.
pub fn crossover(
    space: &DesignSpace,
    first: &Design,
    second: &Design,
    spread_index: f64,
    random: &mut Random,
) -> Design {
    let mut child = first.clone();
    for (index, parameter) in space.parameters().iter().enumerate() {
        let (a, b) = (first.coordinate(index), second.coordinate(index));
        let from_second = random.chance(0.5);
        if a == b {
            continue;
        }
        if parameter.domain.is_arrangement() {
            let (near, far) = if from_second { (b, a) } else { (a, b) };
            child.set(index, arrangements::mix(&parameter.domain, near, far, random));
            continue;
        }
        let chosen = if from_second { b } else { a };
        let blended = parameter.domain.is_ordered()
            && parameter.domain.cardinality().is_none_or(|n| n > 2)
            && random.chance(0.5);
        if !blended {
            child.set(index, chosen);
            continue;
        }
        let (near, far) = if from_second { (b, a) } else { (a, b) };
        let (near, far) = (parameter.domain.to_unit(near), parameter.domain.to_unit(far));
        let u = random.uniform();
        let exponent = 1.0 / (spread_index + 1.0);
        let beta =
            if u <= 0.5 { (2.0 * u).powf(exponent) } else { (0.5 / (1.0 - u).max(1e-12)).powf(exponent) };
        let place = 0.5 * ((1.0 + beta) * near + (1.0 - beta) * far);
        child.set(index, parameter.domain.from_unit(reflect(place, 0.0, 1.0)));
    }
    child
}

#[cfg(test)]
mod tests {
    use super::*;
    use hwgym_envs::Parameter;

    #[test]
    fn perturbing_changes_discrete_values_and_stays_in_the_domain() {
        let mut random = Random::new(3);
        for parameter in [
            Parameter::categorical("c", ["a", "b", "c"]),
            Parameter::boolean("b"),
            Parameter::integer("i", 3, 12),
            Parameter::ordinal("o", [1.0, 5.0]),
            Parameter::log_real("r", 1e-3, 10.0),
            Parameter::permutation("p", ["a", "b", "c"]),
            Parameter::assignment("q", ["a", "b"], ["x", "y"]),
        ] {
            for _ in 0..200 {
                let before = parameter.domain.sample(&mut random);
                let after = perturb(&parameter.domain, before, 0.2, &mut random);
                let levels = parameter.domain.cardinality();
                let inside = match levels {
                    Some(levels) => after.fract() == 0.0 && (0.0..levels as f64).contains(&after),
                    None => (1e-3..=10.0).contains(&after),
                };
                assert!(inside, "{} {after}", parameter.name);
                assert!(after != before || levels.is_none());
            }
        }
    }

    #[test]
    fn reflection_folds_from_both_sides() {
        assert!((reflect(1.25, 0.0, 1.0) - 0.75).abs() < 1e-12);
        assert!((reflect(-0.25, 0.0, 1.0) - 0.25).abs() < 1e-12);
        assert!((reflect(-7.0, 0.0, 3.0) - 1.0).abs() < 1e-12);
    }
}
