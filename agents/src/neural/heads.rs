//! Any design space as a row of categorical choices, one head per parameter.

use hwgym_envs::{Design, DesignSpace, Domain};

/// The heads of some parameters of a space: what one learner decides.
///
/// A discrete parameter with at most `most_levels` levels has a head of that size. Any other is cut into `most_levels` equal strata of its
/// unit interval (by its scale), and a choice stands for the middle of one.
#[derive(Clone, Debug)]
pub struct Heads {
    /// Positions of the parameters in the space.
    pub parameters: Vec<usize>,
    /// Choices per head.
    pub sizes: Vec<usize>,
    domains: Vec<Domain>,
}

impl Heads {
    /// The heads of the parameters at these positions.
    pub fn new(space: &DesignSpace, parameters: Vec<usize>, most_levels: usize) -> Self {
        let domains: Vec<Domain> = parameters.iter().map(|p| space.parameters()[*p].domain.clone()).collect();
        let sizes =
            domains.iter().map(|d| d.cardinality().unwrap_or(usize::MAX).min(most_levels.max(1))).collect();
        Self { parameters, sizes, domains }
    }

    /// Sum of the sizes: the width of the policy's output.
    pub fn width(&self) -> usize {
        self.sizes.iter().sum()
    }

    /// Writes the coordinates that these choices stand for into a design.
    pub fn apply(&self, choices: &[usize], design: &mut Design) {
        for (head, choice) in choices.iter().enumerate() {
            let (domain, size) = (&self.domains[head], self.sizes[head]);
            let coordinate = match domain.cardinality() {
                Some(levels) if levels == size => *choice as f64,
                _ => domain.from_unit((*choice as f64 + 0.5) / size as f64),
            };
            design.set(self.parameters[head], coordinate);
        }
    }

    /// Which heads mean something in this design, as 1 and 0: the mask of conditional parameters.
    pub fn mask(&self, space: &DesignSpace, design: &Design) -> Vec<f32> {
        self.parameters.iter().map(|p| f32::from(u8::from(space.is_active(design, *p)))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hwgym_envs::Parameter;

    #[test]
    fn choices_reach_every_level_and_both_ends_of_a_real_range() {
        let parameters = vec![Parameter::integer("n", 1, 4), Parameter::real("x", -1.0, 1.0)];
        let Ok(space) = DesignSpace::new(parameters) else { panic!("the space is sound") };
        let heads = Heads::new(&space, vec![0, 1], 10);
        assert_eq!(heads.sizes, [4, 10]);
        let mut design = Design::new(vec![0.0, 0.0]);
        heads.apply(&[3, 9], &mut design);
        assert_eq!(space.number(&design, 0), 4.0);
        assert!((space.number(&design, 1) - 0.9).abs() < 1e-12);
    }
}
