//! Orders of items and places of items: parameters whose value is a whole arrangement.
//!
//! The coordinate of an order is its rank among all orders, in lexicographic sequence; that of an assignment the number whose digits are
//! the places, the first item's the most significant. Both are whole numbers, so that a design stays one number per parameter; an agent
//! works on the arrangement itself ([`Domain::arrangement`]), since neighbouring ranks are no neighbours.

use super::{Design, DesignSpace, Domain};

/// Number of arrangements that a parameter may have at most: each has an exact place in the unit interval.
pub(super) const MOST: u64 = 1 << 50;

impl Domain {
    /// The arrangement at a coordinate: for an order, the item at each position; for an assignment, the place of each item. `None` for any
    /// other domain.
    ///
    /// ```
    /// use hwgym_envs::{Domain, Parameter};
    ///
    /// let order = Parameter::permutation("loops", ["C", "M", "R"]).domain;
    /// assert_eq!(order.arrangement(3.0), Some(vec![1, 2, 0])); // M, R, C: the fourth of six
    /// assert_eq!(order.arranged(&[1, 2, 0]), 3.0);
    /// ```
    pub fn arrangement(&self, coordinate: f64) -> Option<Vec<usize>> {
        let mut rest = coordinate as u64;
        match self {
            Self::Permutation(items) => {
                let mut left: Vec<usize> = (0..items.len()).collect();
                let mut orders: u64 = (1..=items.len() as u64).product();
                let order = (0..items.len()).map(|_| {
                    orders /= left.len() as u64;
                    let item = left.remove((rest / orders) as usize);
                    rest %= orders;
                    item
                });
                Some(order.collect())
            }
            Self::Assignment { items, places } => {
                let mut digits = vec![0; items.len()];
                for digit in digits.iter_mut().rev() {
                    *digit = (rest % places.len() as u64) as usize;
                    rest /= places.len() as u64;
                }
                Some(digits)
            }
            _ => None,
        }
    }

    /// The coordinate of an arrangement, as [`arrangement`](Self::arrangement) gives it; 0 for any other domain.
    pub fn arranged(&self, arrangement: &[usize]) -> f64 {
        match self {
            Self::Permutation(items) => {
                let rank = (0..arrangement.len()).fold(0u64, |rank, position| {
                    let later = &arrangement[position + 1..];
                    let smaller = later.iter().filter(|item| **item < arrangement[position]).count();
                    rank * (items.len() - position) as u64 + smaller as u64
                });
                rank as f64
            }
            Self::Assignment { places, .. } => {
                let number =
                    arrangement.iter().fold(0u64, |n, place| n * places.len() as u64 + *place as u64);
                number as f64
            }
            _ => 0.0,
        }
    }

    /// True for an order or an assignment.
    pub fn is_arrangement(&self) -> bool {
        matches!(self, Self::Permutation(_) | Self::Assignment { .. })
    }

    /// Number of arrangements; `None` for any other domain, and past what fits.
    pub(super) fn arrangements(&self) -> Option<u64> {
        match self {
            Self::Permutation(items) => (1..=items.len() as u64).try_fold(1u64, u64::checked_mul),
            Self::Assignment { items, places } => (places.len() as u64).checked_pow(items.len() as u32),
            _ => None,
        }
    }

    /// An arrangement as a person writes it: `M,R,C`, or `filter:cpu,sort:dsp`.
    pub(super) fn arrangement_text(&self, coordinate: f64) -> String {
        let arrangement = self.arrangement(coordinate).unwrap_or_default();
        let words: Vec<String> = match self {
            Self::Permutation(items) => arrangement.iter().map(|item| items[*item].clone()).collect(),
            Self::Assignment { items, places } => items
                .iter()
                .zip(arrangement)
                .map(|(item, place)| format!("{item}:{}", places[place]))
                .collect(),
            _ => Vec::new(),
        };
        words.join(",")
    }

    /// The coordinate of a written arrangement; `None` if it is none of this domain. The items of an assignment may come in any order.
    pub(super) fn parse_arrangement(&self, text: &str) -> Option<f64> {
        let words = || text.split(',').map(str::trim);
        let index = |names: &[String], name: &str| names.iter().position(|n| n == name);
        let arrangement = match self {
            Self::Permutation(items) => {
                words().map(|word| index(items, word)).collect::<Option<Vec<usize>>>()?
            }
            Self::Assignment { items, places } => {
                let mut chosen = vec![None; items.len()];
                for word in words() {
                    let (item, place) = word.split_once(':')?;
                    let slot = &mut chosen[index(items, item.trim())?];
                    if slot.replace(index(places, place.trim())?).is_some() {
                        return None;
                    }
                }
                chosen.into_iter().collect::<Option<Vec<usize>>>()?
            }
            _ => return None,
        };
        let coordinate = self.arranged(&arrangement);
        let count = match self {
            Self::Permutation(items) | Self::Assignment { items, .. } => items.len(),
            _ => 0,
        };
        let once = arrangement.len() == count
            && (!matches!(self, Self::Permutation(_)) || (0..count).all(|item| arrangement.contains(&item)));
        once.then_some(coordinate)
    }

    /// What is wrong with the definition of an arrangement, if anything is.
    pub(super) fn check_arrangement(&self) -> Result<(), String> {
        let lists: Vec<(&str, &[String])> = match self {
            Self::Permutation(items) => vec![("item", items)],
            Self::Assignment { items, places } => vec![("item", items), ("place", places)],
            _ => return Ok(()),
        };
        for (kind, names) in lists {
            if names.is_empty() {
                return Err(format!("no {kind}s"));
            }
            for (index, name) in names.iter().enumerate() {
                if names[..index].contains(name) {
                    return Err(format!("{kind} `{name}` stands twice"));
                }
                if name.is_empty() || name.contains(|c: char| c == ',' || c == ':' || c.is_whitespace()) {
                    return Err(format!(
                        "{kind} `{name}` is written into lists such as `a,b` and `a:x,b:y`; give it a name without `,`, `:` and spaces"
                    ));
                }
            }
        }
        match self.arrangements() {
            Some(count) if count <= MOST => Ok(()),
            _ => Err("there are more than 2^50 arrangements (an order may have 17 items); split it into several parameters".into()),
        }
    }
}

impl DesignSpace {
    /// The arrangement of an order or an assignment: see [`Domain::arrangement`]. Empty for any other parameter.
    pub fn arrangement(&self, design: &Design, index: usize) -> Vec<usize> {
        self.parameters()[index].domain.arrangement(design.coordinate(index)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Parameter;
    use super::*;
    use crate::{Encoding, Random};

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|i| format!("t{i}")).collect()
    }

    #[test]
    fn every_arrangement_has_its_own_coordinate() {
        let order = Parameter::permutation("o", ["a", "b", "c", "d"]).domain;
        let places = Parameter::assignment("p", ["x", "y", "z"], ["cpu", "dsp"]).domain;
        for (domain, count) in [(order, 24), (places, 8)] {
            assert_eq!(domain.cardinality(), Some(count));
            let all: Vec<Vec<usize>> = (0..count).map(|c| domain.arrangement(c as f64).unwrap()).collect();
            assert!(all.windows(2).all(|w| w[0] < w[1]), "{all:?}");
            for (coordinate, arrangement) in all.iter().enumerate() {
                assert_eq!(domain.arranged(arrangement), coordinate as f64);
            }
        }
    }

    #[test]
    fn values_are_lists_and_read_back() {
        let order = Parameter::permutation("o", ["C", "M", "R"]);
        assert_eq!(order.value(3.0), "M,R,C".into());
        assert_eq!(order.coordinate(&"M, R, C".into()), Ok(3.0));
        let places = Parameter::assignment("p", ["x", "y"], ["cpu", "dsp"]);
        assert_eq!(places.value(2.0), "x:dsp,y:cpu".into());
        assert_eq!(places.coordinate(&"y:cpu,x:dsp".into()), Ok(2.0));
        for bad in ["", "C,M", "C,M,M", "C,M,R,C", "C,M,X", "C;M;R"] {
            let error = order.coordinate(&bad.into()).unwrap_err().to_string();
            assert!(error.contains("C, M, R in some order, such as `M,R,C`"), "{error}");
        }
        for bad in ["x:cpu", "x:cpu,x:dsp", "x:cpu,y:gpu", "x:cpu,y:dsp,z:cpu", "cpu,dsp"] {
            let error = places.coordinate(&bad.into()).unwrap_err().to_string();
            assert!(error.contains("such as `x:cpu,y:cpu`"), "{error}");
        }
    }

    #[test]
    fn definitions_that_cannot_work_are_refused() {
        let message =
            |p: Parameter| DesignSpace::new(vec![p]).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(message(Parameter::permutation("o", names(17))).is_empty());
        assert!(message(Parameter::permutation("o", names(18))).contains("split it"));
        assert!(message(Parameter::assignment("o", names(15), names(10))).is_empty());
        assert!(message(Parameter::assignment("o", names(60), names(10))).contains("split it"));
        assert!(message(Parameter::permutation("o", ["a", "a"])).contains("twice"));
        assert!(message(Parameter::permutation("o", ["a,b", "c"])).contains("without `,`"));
        assert!(message(Parameter::assignment("o", ["a"], Vec::<String>::new())).contains("no places"));
        let space =
            DesignSpace::new(vec![Parameter::permutation("o", ["a", "b"]), Parameter::integer("n", 0, 9)]);
        let related = space.unwrap().with_constraints(vec![crate::Constraint::ordered("", "o", "n")]);
        assert!(related.unwrap_err().to_string().contains("`o`"), "an order is no number");
    }

    #[test]
    fn every_encoding_keeps_large_arrangements() {
        let space = DesignSpace::new(vec![
            Parameter::permutation("o", names(17)),
            Parameter::assignment("p", names(15), names(10)),
            Parameter::assignment("q", names(3), names(1)),
        ])
        .unwrap();
        let mut random = Random::new(1);
        assert_eq!(Encoding::OneHot.width(&space), 17 + 150 + 3);
        for _ in 0..500 {
            let design = space.sample(&mut random);
            for encoding in [Encoding::Index, Encoding::UnitCube, Encoding::OneHot] {
                let vector = encoding.encode(&space, &design);
                assert_eq!(encoding.decode(&space, &vector), Some(design.clone()), "{encoding:?}");
            }
            let values = space.values(&design);
            assert_eq!(space.design(values), Ok(design));
        }
    }
}
