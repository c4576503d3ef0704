//! Moves on orders and assignments: what a neighbour is, and how two are mixed.

use hwgym_envs::{Domain, Random};

/// A neighbour of an arrangement: an item of an order moves elsewhere or two change places; an item of an assignment gets another place.
/// A larger `scale` makes several such moves in a row, up to one per item. A domain of one arrangement stays.
pub fn step(domain: &Domain, coordinate: f64, scale: f64, random: &mut Random) -> f64 {
    let Some(mut arrangement) = domain.arrangement(coordinate) else { return coordinate };
    let count = arrangement.len();
    let moves = ((random.normal().abs() * scale * count as f64).round() as usize).clamp(1, count.max(1));
    for _ in 0..moves {
        match domain {
            Domain::Permutation(_) if count > 1 => {
                let from = random.below(count);
                let to = (from + 1 + random.below(count - 1)) % count;
                if random.chance(0.5) {
                    arrangement.swap(from, to);
                } else {
                    let item = arrangement.remove(from);
                    arrangement.insert(to, item);
                }
            }
            Domain::Assignment { places, .. } if places.len() > 1 => {
                let place = &mut arrangement[random.below(count)];
                *place = (*place + 1 + random.below(places.len() - 1)) % places.len();
            }
            _ => return coordinate,
        }
    }
    let moved = domain.arranged(&arrangement);
    // Several moves may undo each other; a single one never does.
    if moved == coordinate { step(domain, coordinate, 0.0, random) } else { moved }
}

/// A child of two arrangements. Orders: a stretch of the first stays where it is, the other items follow in the sequence of the second
/// (order crossover, Davis 1985). Assignments: each item has the place of either parent.
pub fn mix(domain: &Domain, first: f64, second: f64, random: &mut Random) -> f64 {
    let (Some(a), Some(b)) = (domain.arrangement(first), domain.arrangement(second)) else { return first };
    let count = a.len();
    let child: Vec<usize> = match domain {
        Domain::Permutation(_) => {
            let (one, other) = (random.below(count), random.below(count));
            let (start, end) = (one.min(other), one.max(other) + 1);
            let kept = &a[start..end];
            let mut rest = b.iter().filter(|item| !kept.contains(item));
            (0..count)
                .filter_map(|position| {
                    if (start..end).contains(&position) { Some(a[position]) } else { rest.next().copied() }
                })
                .collect()
        }
        _ => a.iter().zip(&b).map(|(a, b)| if random.chance(0.5) { *a } else { *b }).collect(),
    };
    domain.arranged(&child)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hwgym_envs::Parameter;

    #[test]
    fn a_small_step_is_one_move() {
        let mut random = Random::new(5);
        let order = Parameter::permutation("o", ["a", "b", "c", "d", "e"]).domain;
        let places = Parameter::assignment("p", ["x", "y", "z"], ["1", "2", "3"]).domain;
        for domain in [order, places] {
            for _ in 0..300 {
                let before = domain.sample(&mut random);
                let after = step(&domain, before, 0.01, &mut random);
                let (a, b) = (domain.arrangement(before).unwrap(), domain.arrangement(after).unwrap());
                assert_ne!(a, b);
                let one_place = a.iter().zip(&b).filter(|(a, b)| a != b).count() == 1;
                // One item taken out leaves the same sequence of the others, or two items are exchanged.
                let without = |list: &[usize], item: usize| -> Vec<usize> {
                    list.iter().copied().filter(|i| *i != item).collect()
                };
                let moved = (0..a.len()).any(|item| without(&a, item) == without(&b, item));
                let swapped = a.iter().zip(&b).filter(|(a, b)| a != b).count() == 2;
                assert!(
                    if matches!(domain, Domain::Permutation(_)) { moved || swapped } else { one_place },
                    "{a:?} {b:?}"
                );
            }
        }
        let single = Parameter::permutation("o", ["a"]).domain;
        assert_eq!(step(&single, 0.0, 1.0, &mut random), 0.0);
    }

    #[test]
    fn a_child_keeps_what_its_parents_share() {
        let mut random = Random::new(6);
        let places = Parameter::assignment("p", ["x", "y", "z"], ["1", "2", "3"]).domain;
        let order = Parameter::permutation("o", ["a", "b", "c", "d", "e"]).domain;
        for _ in 0..300 {
            let (a, b) = (places.sample(&mut random), places.sample(&mut random));
            let child = places.arrangement(mix(&places, a, b, &mut random)).unwrap();
            let (a, b) = (places.arrangement(a).unwrap(), places.arrangement(b).unwrap());
            assert!((0..3).all(|i| child[i] == a[i] || child[i] == b[i]));
            let (a, b) = (order.sample(&mut random), order.sample(&mut random));
            let child = mix(&order, a, b, &mut random);
            assert!((0.0..120.0).contains(&child) && child.fract() == 0.0);
            assert_eq!(mix(&order, a, a, &mut random), a);
        }
    }
}
