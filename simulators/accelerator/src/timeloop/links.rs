//! Link transfers: a child takes its new words from a mesh neighbour that had exactly these words one step earlier.
//!
//! With the visits of the closed form in `reuse`: a step of loop `j` moves all children by `t_j`, so child `p` finds
//! its new words at neighbour `q` where `offset(q) - offset(p) = t_j` and the step before brought a part of the same
//! shape. Used only where it lowers the words the level above sends in that step.
use super::mapping::Nest;
use super::reuse::Loop;
use super::space::{Ranks, Space};
use crate::workload::{MAX_DIMS, MAX_RANKS};

/// Words of one data space below one instance of a level, over the whole run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Moved {
    /// Words the level sends (each group of equal children once).
    pub from_above: u64,
    /// Words passed between children.
    pub between_children: u64,
}

/// Shape of the words a step brings.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Nothing,
    New,
    Whole,
}

/// Traffic from `level` to its children with link transfers; `loops` are all temporal loops above the children.
pub(crate) fn transfers(
    space: &Space,
    nest: &Nest,
    level: usize,
    dims: usize,
    fanout: (u64, u64),
    child: &[u64; MAX_DIMS],
    loops: &[Loop],
) -> Moved {
    let mesh = Mesh::new(space, nest, level, dims, fanout, child);
    let size = space.box_of(child);
    let tile = space.tile(child);
    // What each loop's step brings.
    let mut inside: Ranks = [0; MAX_RANKS];
    let mut first: Option<Ranks> = None;
    let mut steps: Vec<(Part, Ranks, u64)> = Vec::with_capacity(loops.len());
    for l in loops {
        let mut moved: Ranks = inside.map(|x| -x);
        for &(rank, c) in &space.moves[l.dim as usize] {
            moved[rank] += c * l.step as i64;
            inside[rank] += c * l.step as i64;
        }
        let part = if moved == [0; MAX_RANKS] {
            Part::Nothing
        } else if *first.get_or_insert(moved) == moved {
            // A part that overlaps nothing is the whole tile.
            if space.new_part(&size, &moved) == tile { Part::Whole } else { Part::New }
        } else {
            Part::Whole
        };
        let words = match part {
            Part::Nothing => 0,
            Part::New => space.new_part(&size, &moved),
            Part::Whole => tile,
        };
        steps.push((part, moved, words));
    }
    let mut total = Moved::default();
    let mut send = |words: u64, weight: u64, linked: Option<Ranks>| {
        let plain = mesh.groups(None);
        let with = linked.map(|t| mesh.groups(Some(t)));
        match with {
            Some((groups, children)) if groups * words < plain.0 * words => {
                total.from_above += groups * words * weight;
                total.between_children += children * words * weight;
            }
            _ => total.from_above += plain.0 * words * weight,
        }
    };
    send(tile, 1, None);
    for (j, &(part, moved, words)) in steps.iter().enumerate() {
        let times = u64::from(loops[j].bound) - 1;
        let outside: u64 = loops[j + 1..].iter().map(|l| u64::from(l.bound)).product();
        if part == Part::Nothing {
            continue;
        }
        if j > 0 {
            let linked = (steps[0].0 == part).then_some(moved);
            send(words, times * outside, linked);
            continue;
        }
        // The innermost loop's step comes after the first visit of all, or after a step of an outer loop.
        send(words, times, (part == Part::Whole).then_some(moved));
        for k in 1..loops.len() {
            let weight = (u64::from(loops[k].bound) - 1)
                * loops[k + 1..].iter().map(|l| u64::from(l.bound)).product::<u64>();
            send(words, times * weight, (steps[k].0 == part).then_some(moved));
        }
    }
    total
}

/// Offsets of the children's tiles, by their place in the physical mesh.
struct Mesh {
    width: usize,
    /// Offset of the child at each place, `None` where no child is in use.
    offsets: Vec<Option<Ranks>>,
}

impl Mesh {
    fn new(
        space: &Space,
        nest: &Nest,
        level: usize,
        dims: usize,
        fanout: (u64, u64),
        child: &[u64; MAX_DIMS],
    ) -> Self {
        let used = nest.mesh_used(level, dims);
        let width = used.0.max(fanout.0) as usize;
        let height = used.1.max(fanout.1) as usize;
        let mut offsets = vec![None; width * height];
        let mut index = [0u32; MAX_DIMS];
        'children: loop {
            // Children are numbered densely, dimensions along X first, and the number is read as a place in the physical
            // mesh: what the reference does, so that neighbours are those of a mesh used to its full width.
            let (mut place, mut stride) = (0, 1);
            let mut offset = [0i64; MAX_RANKS];
            for wanted in [0, 1] {
                for &dim in &nest.spatial_order[level][..dims] {
                    let dim = dim as usize;
                    if nest.along_y[level] >> dim & 1 != wanted {
                        continue;
                    }
                    place += index[dim] as usize * stride;
                    stride *= nest.spatial[level][dim] as usize;
                    for &(rank, c) in &space.moves[dim] {
                        offset[rank] += i64::from(index[dim]) * c * child[dim] as i64;
                    }
                }
            }
            offsets[place] = Some(offset);
            for dim in 0..dims {
                index[dim] += 1;
                if index[dim] < nest.spatial[level][dim] {
                    continue 'children;
                }
                index[dim] = 0;
            }
            break;
        }
        Self { width, offsets }
    }

    /// Groups of equal children the level above must serve, and children served by a neighbour `moved` away.
    fn groups(&self, moved: Option<Ranks>) -> (u64, u64) {
        let mut linked = 0;
        let mut rest = std::collections::BTreeSet::new();
        for (place, offset) in self.offsets.iter().enumerate() {
            let Some(offset) = offset else { continue };
            if let Some(t) = moved
                && self.neighbours(place).any(|q| {
                    self.offsets[q].is_some_and(|o| (0..MAX_RANKS).all(|r| o[r] - offset[r] == t[r]))
                })
            {
                linked += 1;
            } else {
                rest.insert(*offset);
            }
        }
        (rest.len() as u64, linked)
    }

    fn neighbours(&self, place: usize) -> impl Iterator<Item = usize> {
        let (x, last) = (place % self.width, self.offsets.len());
        let width = self.width;
        [
            (x > 0).then(|| place - 1),
            (x + 1 < width).then(|| place + 1),
            place.checked_sub(width),
            (place + width < last).then_some(place + width),
        ]
        .into_iter()
        .flatten()
    }
}
