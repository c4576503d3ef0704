//! Element by element: every read request in order, and the prefetcher driven by such a walk. Slow and plain; used
//! where the arithmetic of [`super::read_buffer`] does not apply, and as its reference in the tests.
use super::{
    geometry::{Geometry, Operand, Side},
    read_buffer::{Event, Window},
};

/// Largest operand, in elements of its prefetch order, that is followed element by element.
pub(super) const MOST_ENTRIES: u64 = 1 << 25;

/// Calls `visit(line, address)` for every read request of an operand, in the order of the array's ports and cycles.
pub(super) fn for_each_request(g: &Geometry, operand: Operand, mut visit: impl FnMut(u64, u64)) {
    let mut base = 0;
    for column_fold in 0..g.column_folds {
        for row_fold in 0..g.row_folds {
            let used_rows = g.used_rows(row_fold);
            let used_columns = g.used_columns(column_fold);
            let mut request = |line: u64, along: u64, time: u64| {
                let (outer, inner) = g.element(operand, along, time);
                if let Some(address) = g.address(operand, outer, inner) {
                    visit(line, address);
                }
            };
            match g.side(operand) {
                Side::Stationary => {
                    for row in (0..used_rows).rev() {
                        for column in 0..used_columns {
                            request(
                                base + g.rows - 1 - row,
                                column_fold * g.columns + column,
                                row_fold * g.rows + row,
                            );
                        }
                    }
                }
                side => {
                    let (used, origin, delay) = if side == Side::RowStream {
                        (used_rows, row_fold * g.rows, g.load_lines)
                    } else {
                        (used_columns, column_fold * g.columns, 0)
                    };
                    for line in 0..g.over_time + used - 1 {
                        let first = line.saturating_sub(g.over_time - 1);
                        for port in first..used.min(line + 1) {
                            request(base + delay + line, origin + port, line - port);
                        }
                    }
                }
            }
            base += g.fold_lines;
        }
    }
}

/// The order in which the prefetcher fetches an operand: addresses, repeated ones included.
pub(super) fn prefetch_order(g: &Geometry, operand: Operand) -> Vec<u64> {
    let mut order = Vec::new();
    let mut push = |along: u64, time: u64| {
        let (outer, inner) = g.element(operand, along, time);
        order.extend(g.address(operand, outer, inner));
    };
    match g.side(operand) {
        Side::Stationary => {
            for column_fold in 0..g.column_folds {
                for row in 0..g.over_rows {
                    for column in 0..g.used_columns(column_fold) {
                        push(column_fold * g.columns + column, row);
                    }
                }
            }
        }
        side => {
            let (ports, extent, folds) = if side == Side::RowStream {
                (g.rows, g.over_rows, g.row_folds)
            } else {
                (g.columns, g.over_columns, g.column_folds)
            };
            let lines = folds * g.over_time;
            for diagonal in 0..lines + ports - 1 {
                let first = (diagonal + 1).saturating_sub(lines);
                for port in first..ports.min(diagonal + 1) {
                    let line = diagonal - port;
                    let along = line / g.over_time * ports + port;
                    if along < extent {
                        push(along, line % g.over_time);
                    }
                }
            }
        }
    }
    order
}

/// The prefetcher's rotations, found by walking every request.
pub(super) fn events(g: &Geometry, operand: Operand, size: u64) -> (Window, Vec<Event>) {
    let order = prefetch_order(g, operand);
    let mut window = Window::new(size, order.len() as u64);
    let mut events = Vec::new();
    if window.never_misses() {
        return (window, events);
    }
    // Sets that hold each address, in compressed rows.
    let addresses = order.iter().max().map_or(0, |&largest| largest as usize + 1);
    let mut starts = vec![0u32; addresses + 1];
    for &address in &order {
        starts[address as usize + 1] += 1;
    }
    for index in 0..addresses {
        starts[index + 1] += starts[index];
    }
    let mut fill = starts.clone();
    let mut sets = vec![0u32; order.len()];
    for (position, &address) in order.iter().enumerate() {
        sets[fill[address as usize] as usize] = (position as u64 / window.per_set) as u32;
        fill[address as usize] += 1;
    }
    for_each_request(g, operand, |line, address| {
        let held = &sets[starts[address as usize] as usize..starts[address as usize + 1] as usize];
        let needed = held.iter().map(|&set| window.rotations_to(u64::from(set))).min().unwrap_or(0);
        if needed > 0 {
            window.rotate(needed);
            Event::record(&mut events, line, window.rotations);
        }
    });
    (window, events)
}
