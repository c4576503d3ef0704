//! Loop orders of one level that can matter, up to dominance.
//!
//! An order counts only through, for each data space, the innermost run of loops that leave it in place; and, for a sliding
//! window, the loops up to the first one that moves it along a second axis. Of two orders, one whose runs contain the
//! other's is at least as good.
use crate::timeloop::model::Model;
use crate::timeloop::space::Space;
use crate::workload::MAX_DIMS;

/// An order of the active dimensions, innermost first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Order {
    pub dims: Vec<u8>,
    /// Innermost run of dimensions irrelevant to each plain data space (all of them, for a space nothing moves).
    pub runs: Vec<u16>,
    /// Loops of the sliding data space until it turns.
    pub slide: Vec<u8>,
}

/// The orders of the dimensions in `active` that no other order dominates.
pub(crate) fn orders(model: &Model, active: u16, innermost: &[u8], outermost: &[u8]) -> Vec<Order> {
    let mut found = Vec::new();
    let mut prefix = Vec::new();
    extend(model, active, innermost, outermost, &mut prefix, &mut found);
    let exact = slides_by_points(model);
    let mut best: Vec<Order> = Vec::new();
    for order in found {
        if best.iter().any(|b| dominates(b, &order, exact)) {
            continue;
        }
        best.retain(|b| !dominates(&order, b, exact));
        best.push(order);
    }
    best
}

fn dominates(a: &Order, b: &Order, exact: bool) -> bool {
    let still = |slide: &[u8], run: u16| slide.iter().take_while(|&&d| run >> d & 1 == 1).count();
    let runs = a.runs.iter().zip(&b.runs).all(|(x, y)| x & y == *y);
    if !runs {
        return false;
    }
    if exact {
        // Equal loops that leave the window in place, then all those of the other order.
        let same = a.runs.last() == b.runs.last();
        let still = a.runs.last().map_or(0, |&run| still(&a.slide, run));
        return same && a.slide.get(still..).unwrap_or(&[]).starts_with(b.slide.get(still..).unwrap_or(&[]));
    }
    // For the sliding space `runs` holds its own innermost still loops as well; the moving part must extend the other's.
    let (a_still, b_still) = match (a.runs.last(), b.runs.last()) {
        (Some(&x), Some(&y)) => (still(&a.slide, x), still(&b.slide, y)),
        _ => (0, 0),
    };
    a.slide[a_still..].starts_with(&b.slide[b_still..])
}

fn slides_by_points(model: &Model) -> bool {
    model.spaces.iter().any(|space| !space.plain && space.point_windows().is_some())
}

fn extend(
    model: &Model,
    active: u16,
    innermost: &[u8],
    outermost: &[u8],
    prefix: &mut Vec<u8>,
    found: &mut Vec<Order>,
) {
    let used = prefix.iter().fold(0u16, |m, d| m | 1 << d);
    let left = active & !used;
    if left == 0 || all_closed(model, prefix) {
        let mut dims = prefix.clone();
        let fixed = |d: &u8| left >> *d & 1 == 1;
        dims.extend(innermost.iter().copied().filter(fixed));
        dims.extend(
            (0..model.dims as u8).filter(|d| fixed(d) && !innermost.contains(d) && !outermost.contains(d)),
        );
        dims.extend(outermost.iter().copied().filter(|d| fixed(d) && !innermost.contains(d)));
        found.push(outcome(model, dims));
        return;
    }
    let forced = innermost.iter().copied().find(|d| left >> *d & 1 == 1);
    let free = left & !outermost.iter().fold(0u16, |m, d| m | 1 << d);
    let last = outermost.iter().copied().find(|d| left >> *d & 1 == 1);
    let mut tried: Vec<u8> = Vec::new();
    for d in 0..model.dims as u8 {
        let allowed = match forced {
            Some(only) => d == only,
            None if free != 0 => free >> d & 1 == 1,
            None => Some(d) == last,
        };
        // Dimensions that no data space tells apart come in one order only.
        if !allowed || tried.iter().any(|&t| alike(model, t, d)) {
            continue;
        }
        tried.push(d);
        prefix.push(d);
        extend(model, active, innermost, outermost, prefix, found);
        prefix.pop();
    }
}

fn alike(model: &Model, a: u8, b: u8) -> bool {
    model.spaces.iter().all(|s| {
        let (x, y) = (s.relevant >> a & 1, s.relevant >> b & 1);
        x == y && (x == 0 || s.plain || (single(s, a) && single(s, b)))
    })
}

/// Whether a dimension moves a sliding space along a rank of its own.
fn single(space: &Space, dim: u8) -> bool {
    if space.point_windows().is_some() {
        return space.is_single(dim);
    }
    space.moves[dim as usize].iter().all(|&(rank, c)| c == 1 && space.terms[rank].len() == 1)
}

fn all_closed(model: &Model, prefix: &[u8]) -> bool {
    let o = outcome(model, prefix.to_vec());
    let all = prefix.iter().fold(0u16, |m, d| m | 1 << d);
    // Runs of the plain spaces come first.
    let plain = model.spaces.iter().filter(|s| s.plain).zip(&o.runs).all(|(_, r)| *r != all);
    plain && (model.spaces.iter().all(|s| s.plain) || o.slide.len() < prefix.len())
}

/// Runs by data space (the sliding one last) and the sliding loops of an order.
fn outcome(model: &Model, dims: Vec<u8>) -> Order {
    let mut runs = Vec::new();
    let mut slide = Vec::new();
    for space in model.spaces.iter().filter(|s| s.plain) {
        runs.push(dims.iter().take_while(|&&d| space.relevant >> d & 1 == 0).fold(0u16, |m, d| m | 1 << d));
    }
    if let Some(space) = model.spaces.iter().find(|s| !s.plain) {
        runs.push(dims.iter().take_while(|&&d| space.relevant >> d & 1 == 0).fold(0u16, |m, d| m | 1 << d));
        let mut axis: Option<u16> = None;
        for &d in &dims {
            // Beyond a loop along a dimension of its own no step finds a word in place.
            let ends = match space.point_windows() {
                Some(_) => space.is_single(d),
                None => !continues(space, d, &mut axis),
            };
            if ends {
                break;
            }
            slide.push(d);
        }
    }
    Order { dims, runs, slide }
}

/// Whether a loop on `dim` keeps a sliding window on its axis (`axis` is set by the first moving loop).
pub(crate) fn continues(space: &Space, dim: u8, axis: &mut Option<u16>) -> bool {
    let ranks = space.moves[dim as usize].iter().fold(0u16, |m, &(rank, _)| m | 1 << rank);
    if ranks == 0 {
        return true;
    }
    match *axis {
        None => {
            *axis = Some(ranks);
            true
        }
        Some(first) => ranks & !first == 0,
    }
}

const _: () = assert!(MAX_DIMS <= 16);
