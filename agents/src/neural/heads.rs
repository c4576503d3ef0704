//! Any design space as a row of categorical decisions, the heads.

use std::ops::Range;

use hwgym_envs::{Design, DesignSpace, Domain};

/// The heads of a space, in its order.
///
/// A discrete parameter with at most `most_levels` levels is one head of that size. Any other takes two heads, a coarse digit and a fine
/// one: together they reach every level of a parameter of up to `most_levels` squared levels, and that many strata of a longer or real
/// range, for the middle of which they stand.
#[derive(Clone, Debug)]
pub struct Heads {
    /// Per head.
    heads: Vec<Head>,
    /// Where the one-hot of each head begins, counted without the positions; then the sum of the sizes.
    starts: Vec<usize>,
    domains: Vec<Domain>,
    /// Per parameter, its first head.
    first: Vec<usize>,
}

#[derive(Clone, Copy, Debug)]
struct Head {
    parameter: usize,
    size: usize,
}

impl Heads {
    /// The heads of a space.
    pub fn new(space: &DesignSpace, most_levels: usize) -> Self {
        let most = most_levels.max(2);
        let (mut heads, mut first) = (Vec::new(), Vec::new());
        for (parameter, definition) in space.parameters().iter().enumerate() {
            first.push(heads.len());
            let mut head = |size| heads.push(Head { parameter, size });
            match definition.domain.cardinality() {
                Some(levels) if levels <= most => head(levels),
                Some(levels) if levels <= most * most => {
                    let fine = levels.div_ceil(most);
                    head(levels.div_ceil(fine));
                    head(fine);
                }
                _ => {
                    head(most);
                    head(most);
                }
            }
        }
        let mut starts = vec![0];
        for head in &heads {
            starts.push(starts[starts.len() - 1] + head.size);
        }
        let domains = space.parameters().iter().map(|p| p.domain.clone()).collect();
        Self { heads, starts, domains, first }
    }

    /// Number of heads.
    pub fn len(&self) -> usize {
        self.heads.len()
    }

    /// True for a space without parameters.
    pub fn is_empty(&self) -> bool {
        self.heads.is_empty()
    }

    /// Sum of the sizes: the width of a one-hot design, and of a policy's output.
    pub fn width(&self) -> usize {
        self.starts[self.heads.len()]
    }

    /// Position of the parameter that a head decides, alone or in part.
    pub fn parameter(&self, head: usize) -> usize {
        self.heads[head].parameter
    }

    /// Where the choices of a head lie in a row of all choices.
    pub fn range(&self, head: usize) -> Range<usize> {
        self.starts[head]..self.starts[head + 1]
    }

    /// Index of a choice in a row of all choices.
    pub fn one_hot(&self, head: usize, choice: usize) -> usize {
        self.starts[head] + choice
    }

    /// Writes what a head's choice means into a design; its parameter's earlier digit stands in `choices` already.
    pub fn apply(&self, head: usize, choices: &[u16], design: &mut Design) {
        let parameter = self.heads[head].parameter;
        let domain = &self.domains[parameter];
        let first = self.first[parameter];
        let coarse = usize::from(choices[first]);
        let split = self.heads.get(first + 1).filter(|next| next.parameter == parameter);
        let coordinate = match (split, domain.cardinality()) {
            (None, _) => coarse as f64,
            (Some(fine), levels) => {
                // While the fine digit is open, the parameter stands in the middle of its stratum.
                let digit = if head > first { usize::from(choices[head]) } else { fine.size / 2 };
                let index = coarse * fine.size + digit;
                let strata = self.heads[first].size * fine.size;
                match levels {
                    Some(levels) if levels <= strata => index.min(levels - 1) as f64,
                    _ => domain.from_unit((index as f64 + 0.5) / strata as f64),
                }
            }
        };
        design.set(parameter, coordinate);
    }

    /// The choices that come nearest to a design.
    pub fn choices(&self, design: &Design) -> Vec<u16> {
        let mut choices = vec![0u16; self.heads.len()];
        for (parameter, domain) in self.domains.iter().enumerate() {
            let (first, coordinate) = (self.first[parameter], design.coordinate(parameter));
            match self.heads.get(first + 1).filter(|next| next.parameter == parameter) {
                None => choices[first] = coordinate as u16,
                Some(fine) => {
                    let strata = self.heads[first].size * fine.size;
                    let index = match domain.cardinality() {
                        Some(levels) if levels <= strata => coordinate as usize,
                        _ => ((domain.to_unit(coordinate) * strata as f64) as usize).min(strata - 1),
                    };
                    choices[first] = (index / fine.size) as u16;
                    choices[first + 1] = (index % fine.size) as u16;
                }
            }
        }
        choices
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hwgym_envs::Parameter;

    fn reached(parameter: Parameter, most: usize) -> Vec<f64> {
        let Ok(space) = DesignSpace::new(vec![parameter]) else { panic!("the space is sound") };
        let heads = Heads::new(&space, most);
        let mut found = Vec::new();
        let sizes: Vec<usize> = (0..heads.len()).map(|head| heads.range(head).len()).collect();
        for coarse in 0..sizes[0] {
            for fine in 0..sizes.get(1).copied().unwrap_or(1) {
                let choices = [coarse as u16, fine as u16];
                let mut design = Design::new([0.0]);
                (0..heads.len()).for_each(|head| heads.apply(head, &choices, &mut design));
                found.push(design.coordinate(0));
            }
        }
        found.dedup();
        found
    }

    #[test]
    fn every_level_is_reached_once_and_reals_from_end_to_end() {
        let levels = |n: usize| (0..n).map(|level| level as f64).collect::<Vec<_>>();
        assert_eq!(reached(Parameter::integer("n", 1, 4), 10), levels(4));
        assert_eq!(reached(Parameter::integer("n", 1, 128), 32), levels(128));
        assert_eq!(reached(Parameter::integer("n", 0, 100), 32), levels(101));
        let reals = reached(Parameter::real("x", -1.0, 1.0), 10);
        assert_eq!(reals.len(), 100);
        assert!((reals[0] + 0.99).abs() < 1e-12 && (reals[99] - 0.99).abs() < 1e-12);
        assert_eq!(reached(Parameter::integer("n", 0, 999_999), 10).len(), 100);
    }

    #[test]
    fn choices_are_the_inverse_of_designs() {
        let parameters = vec![
            Parameter::integer("n", 1, 100),
            Parameter::boolean("b"),
            Parameter::log_real("x", 1.0, 1e3),
        ];
        let Ok(space) = DesignSpace::new(parameters) else { panic!("the space is sound") };
        let heads = Heads::new(&space, 16);
        let mut random = hwgym_envs::Random::new(1);
        for _ in 0..100 {
            let mut design = space.sample(&mut random);
            let choices = heads.choices(&design);
            let mut back = design.clone();
            (0..heads.len()).for_each(|head| heads.apply(head, &choices, &mut back));
            assert_eq!(heads.choices(&back), choices);
            design.set(2, back.coordinate(2));
            assert_eq!(design, back, "levels are exact; reals within their stratum");
        }
    }
}
