//! Designs as vectors of numbers, once for all agents and surrogates.

use serde::{Deserialize, Serialize};

use crate::space::{Design, DesignSpace, Domain};

/// How a design becomes a vector of numbers.
///
/// ```
/// use hwgym_envs::{DesignSpace, Encoding, Parameter};
/// let space = DesignSpace::new(vec![Parameter::categorical("Bus", ["A", "B", "C"]), Parameter::integer("N", 1, 4)])?;
/// let design = space.design([("Bus", "B".into()), ("N", 4.into())])?;
/// assert_eq!(Encoding::Index.encode(&space, &design), [1.0, 3.0]);
/// assert_eq!(Encoding::OneHot.encode(&space, &design), [0.0, 1.0, 0.0, 1.0]);
/// let unit = Encoding::UnitCube.encode(&space, &design);
/// assert_eq!(Encoding::UnitCube.decode(&space, &unit), Some(design));
/// # Ok::<(), hwgym_envs::SpaceError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Encoding {
    /// The coordinates themselves: level indices, real numbers.
    Index,
    /// One place in [0, 1] per parameter; levels in the middle of equal strata, reals and log integers by their scale.
    UnitCube,
    /// One 0/1 per choice of a categorical, and per item and place of an assignment; the position of every item of an order, scaled to
    /// [0, 1]; every other parameter by its number scaled to [0, 1] from first to last.
    #[default]
    OneHot,
}

impl Encoding {
    /// Length of the vector.
    pub fn width(self, space: &DesignSpace) -> usize {
        match self {
            Self::Index | Self::UnitCube => space.len(),
            Self::OneHot => space.parameters().iter().map(|p| one_hot_width(&p.domain)).sum(),
        }
    }

    /// The vector of a design.
    pub fn encode(self, space: &DesignSpace, design: &Design) -> Vec<f64> {
        let mut vector = vec![0.0; self.width(space)];
        self.encode_into(space, design, &mut vector);
        vector
    }

    /// Writes the vector of a design; `vector` has [`width`](Self::width) elements.
    pub fn encode_into(self, space: &DesignSpace, design: &Design, vector: &mut [f64]) {
        match self {
            Self::Index => vector.copy_from_slice(design.coordinates()),
            Self::UnitCube => {
                for ((place, parameter), coordinate) in
                    vector.iter_mut().zip(space.parameters()).zip(design.coordinates())
                {
                    *place = parameter.domain.to_unit(*coordinate);
                }
            }
            Self::OneHot => {
                let mut start = 0;
                for (parameter, coordinate) in space.parameters().iter().zip(design.coordinates()) {
                    let width = one_hot_width(&parameter.domain);
                    let places = &mut vector[start..start + width];
                    match &parameter.domain {
                        Domain::Categorical(_) => {
                            places.fill(0.0);
                            places[*coordinate as usize] = 1.0;
                        }
                        Domain::Boolean => places[0] = *coordinate,
                        domain @ Domain::Permutation(items) => {
                            let last = (items.len() - 1).max(1) as f64;
                            let order = domain.arrangement(*coordinate).unwrap_or_default();
                            for (position, item) in order.into_iter().enumerate() {
                                places[item] = position as f64 / last;
                            }
                        }
                        domain @ Domain::Assignment { places: choices, .. } => {
                            places.fill(0.0);
                            let chosen = domain.arrangement(*coordinate).unwrap_or_default();
                            for (item, place) in chosen.into_iter().enumerate() {
                                places[item * choices.len() + place] = 1.0;
                            }
                        }
                        domain => {
                            let (first, last) =
                                (domain.to_unit(domain.first()), domain.to_unit(last(domain)));
                            places[0] = if last > first {
                                (domain.to_unit(*coordinate) - first) / (last - first)
                            } else {
                                0.5
                            };
                        }
                    }
                    start += width;
                }
            }
        }
    }

    /// The design nearest to a vector, canonical; `None` for a vector of another length. One-hot takes the largest of the choices, and
    /// sorts the items of an order by their numbers.
    pub fn decode(self, space: &DesignSpace, vector: &[f64]) -> Option<Design> {
        if vector.len() != self.width(space) {
            return None;
        }
        let mut start = 0;
        let mut coordinates = Vec::with_capacity(space.len());
        for parameter in space.parameters() {
            let domain = &parameter.domain;
            let width = if self == Self::OneHot { one_hot_width(domain) } else { 1 };
            let places = &vector[start..start + width];
            start += width;
            coordinates.push(match (self, domain) {
                (Self::UnitCube, _) => domain.from_unit(places[0]),
                (Self::OneHot, Domain::Categorical(_)) => largest(places) as f64,
                (Self::OneHot, Domain::Permutation(_)) => {
                    let mut order: Vec<usize> = (0..width).collect();
                    order.sort_by(|a, b| places[*a].total_cmp(&places[*b]));
                    domain.arranged(&order)
                }
                (Self::OneHot, Domain::Assignment { places: choices, .. }) => {
                    let chosen: Vec<usize> = places.chunks(choices.len()).map(largest).collect();
                    domain.arranged(&chosen)
                }
                (Self::OneHot, Domain::Boolean) => f64::from(places[0] >= 0.5),
                (Self::OneHot, _) => {
                    let (first, last) = (domain.to_unit(domain.first()), domain.to_unit(last(domain)));
                    domain.from_unit(first + places[0] * (last - first))
                }
                (Self::Index, Domain::Real { low, high, .. }) => places[0].clamp(*low, *high),
                (Self::Index, _) => {
                    places[0].round().clamp(0.0, domain.cardinality().unwrap_or(1) as f64 - 1.0)
                }
            });
        }
        let mut design = Design::new(coordinates);
        space.canonicalise(&mut design);
        Some(design)
    }
}

fn one_hot_width(domain: &Domain) -> usize {
    match domain {
        Domain::Categorical(choices) => choices.len(),
        Domain::Permutation(items) => items.len(),
        Domain::Assignment { items, places } => items.len() * places.len(),
        _ => 1,
    }
}

/// Index of the largest number, the first of equal ones.
fn largest(numbers: &[f64]) -> usize {
    (0..numbers.len()).max_by(|a, b| numbers[*a].total_cmp(&numbers[*b]).then(b.cmp(a))).unwrap_or(0)
}

fn last(domain: &Domain) -> f64 {
    match domain {
        Domain::Real { high, .. } => *high,
        _ => domain.cardinality().unwrap_or(1) as f64 - 1.0,
    }
}
