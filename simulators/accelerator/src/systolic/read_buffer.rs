//! The prefetching read buffer: at which cycles the window of prefetched sets has to move on, without touching elements.
//!
//! The prefetcher fetches the operand in one fixed order, cut into sets of a hundredth of the buffer. The sets form a
//! ring of which half a buffer is active; a miss turns the ring forward by the other half until the element is there.
//! Which misses happen does not depend on time or bandwidth. Positions in the order are arithmetic: inside a fold they
//! grow with the cycle, so the next miss is found by bisection.
use super::{
    config::Dataflow,
    geometry::{Geometry, Operand, Side},
    walk,
};
use crate::error::{Error, Result};

/// After the requests of cycle `line`, the ring has turned `rotations` times in total.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Event {
    pub line: u64,
    pub rotations: u64,
}

impl Event {
    pub fn record(events: &mut Vec<Event>, line: u64, rotations: u64) {
        match events.last_mut() {
            Some(last) if last.line == line => last.rotations = rotations,
            _ => events.push(Event { line, rotations }),
        }
    }
}

/// The ring of sets and its active window.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    /// Elements of a set.
    pub per_set: u64,
    /// Words of the active half, words of the prefetched half.
    pub active_words: u64,
    pub prefetch_words: u64,
    /// Sets on the ring, in the active window, and in one rotation.
    sets: u64,
    active: u64,
    step: u64,
    /// First active set.
    first: u64,
    /// Rotations so far.
    pub rotations: u64,
}

impl Window {
    pub fn new(size: u64, entries: u64) -> Self {
        let per_set = size.div_ceil(100);
        let active_words = size.div_ceil(2);
        let prefetch_words = size - active_words;
        let sets = entries / per_set + 1;
        let active = sets.min(active_words.div_ceil(per_set));
        let step = (sets - active).min(prefetch_words.div_ceil(per_set));
        Self { per_set, active_words, prefetch_words, sets, active, step, first: 0, rotations: 0 }
    }

    pub fn never_misses(&self) -> bool {
        self.step == 0
    }

    /// Distance of a set from the start of the window along the ring.
    fn offset(&self, set: u64) -> u64 {
        if set >= self.first { set - self.first } else { set + self.sets - self.first }
    }

    /// How often the ring must turn until `set` is active (0: it is).
    pub fn rotations_to(&self, set: u64) -> u64 {
        let offset = self.offset(set);
        if offset < self.active { 0 } else { (offset - self.active) / self.step + 1 }
    }

    pub fn rotate(&mut self, times: u64) {
        self.first = (self.first + times % self.sets * self.step) % self.sets;
        self.rotations += times;
    }
}

/// n (n + 1), twice the number of elements on n growing anti-diagonals, modulo 2^64.
fn twice_triangle(n: i64) -> i64 {
    if n <= 0 { 0 } else { n.wrapping_mul(n + 1) }
}

/// Number of array elements (m, c) with m < `height`, c < `width` on anti-diagonals before `diagonal`. The squares may
/// wrap; twice the result does not, so it is exact.
fn before_diagonal(height: i64, width: i64, diagonal: i64) -> i64 {
    twice_triangle(diagonal)
        .wrapping_sub(twice_triangle(diagonal - height))
        .wrapping_sub(twice_triangle(diagonal - width))
        .wrapping_add(twice_triangle(diagonal - height - width))
        / 2
}

/// Positions of a streamed operand: the folds' matrices, `time` rows each, stacked and read by anti-diagonals.
#[derive(Debug, Clone, Copy)]
struct Stream {
    ports: i64,
    /// Ports used by the last matrix.
    last_ports: i64,
    time: i64,
    /// Row at which the last matrix starts, and rows in total.
    last_start: i64,
    height: i64,
}

impl Stream {
    fn position(&self, row: u64, port: u64) -> u64 {
        let (row, port) = (row as i64, port as i64);
        let diagonal = row + port;
        if diagonal + 1 < self.last_start && diagonal >= self.ports {
            // Only full diagonals of full matrices before this one.
            return (self.ports * diagonal - self.ports * (self.ports - 1) / 2 + port) as u64;
        }
        let full = before_diagonal(self.last_start, self.ports, diagonal);
        let last = before_diagonal(self.time, self.last_ports, diagonal - self.last_start);
        // On the diagonal itself, ports before this one: those in full matrices, then those in the last.
        let in_full =
            (port - 1).min(self.ports - 1).min(diagonal) - (diagonal - self.last_start + 1).max(0) + 1;
        let in_last = (port - 1).min(diagonal - self.last_start).min(self.last_ports - 1)
            - (diagonal - self.height + 1).max(0)
            + 1;
        (full + last + in_full.max(0) + in_last.max(0)) as u64
    }
}

/// Follows one operand through the whole layer.
struct Follower<'a> {
    geometry: &'a Geometry,
    operand: Operand,
    stream: Stream,
    window: Window,
    events: Vec<Event>,
    /// Whether the same address can stand at several positions.
    repeats: bool,
    /// Per port, the next cycle of a fold in which its element is not known to be active.
    due: Vec<u64>,
}

/// Finds the rotations of the read buffer of an operand.
///
/// # Errors
/// When a walk over the elements is needed and the operand is too large for it.
pub(super) fn events(g: &Geometry, operand: Operand, size: u64) -> Result<(Window, Vec<Event>)> {
    let side = g.side(operand);
    let (ports, extent, folds) = match side {
        Side::RowStream => (g.rows, g.over_rows, g.row_folds),
        _ => (g.columns, g.over_columns, g.column_folds),
    };
    let entries = match side {
        Side::Stationary => g.over_rows * g.over_columns,
        _ => extent * g.over_time,
    };
    let window = Window::new(size, entries);
    if window.never_misses() && g.complete(operand) {
        return Ok((window, Vec::new()));
    }
    if !g.complete(operand) {
        // Elements outside the input have no position, which breaks the arithmetic.
        if entries > walk::MOST_ENTRIES {
            return Err(Error::invalid(
                format!(
                    "windows hang over the edge of an input of {} x {}, and it is too large to be followed element \
                     by element",
                    g.layer.ifmap_height, g.layer.ifmap_width
                ),
                "choose extents such that (extent - filter) is a multiple of the stride",
            ));
        }
        return Ok(walk::events(g, operand, size));
    }
    let stream = Stream {
        ports: ports as i64,
        last_ports: (extent - (folds - 1) * ports) as i64,
        time: g.over_time as i64,
        last_start: ((folds - 1) * g.over_time) as i64,
        height: (folds * g.over_time) as i64,
    };
    let mut follower = Follower {
        geometry: g,
        operand,
        stream,
        window,
        events: Vec::new(),
        repeats: operand == Operand::Input && g.layer.has_overlap(),
        due: vec![0; ports as usize],
    };
    let mut base = 0;
    for column_fold in 0..g.column_folds {
        for row_fold in 0..g.row_folds {
            match side {
                Side::RowStream if follower.repeats => {
                    follower.repeating_fold(base + g.load_lines, row_fold, g.used_rows(row_fold));
                }
                Side::RowStream => {
                    follower.streamed_fold(base + g.load_lines, row_fold, g.used_rows(row_fold));
                }
                Side::ColumnStream => follower.streamed_fold(base, column_fold, g.used_columns(column_fold)),
                Side::Stationary => follower.loaded_fold(base, column_fold, row_fold),
            }
            base += g.fold_lines;
        }
    }
    Ok((follower.window, follower.events))
}

impl Follower<'_> {
    /// One fold of a streamed operand: matrix `matrix`, whose first `used` ports are requested.
    fn streamed_fold(&mut self, base: u64, matrix: u64, used: u64) {
        let time = self.geometry.over_time;
        let start = matrix * time;
        let ports_of = |line: u64| {
            let first = line.saturating_sub(time - 1);
            let last = (used - 1).min(line);
            (first, last)
        };
        let stream = self.stream;
        let last_position = |line: u64| {
            let (_, last) = ports_of(line);
            stream.position(start + line - last, last)
        };
        let lines = time + used - 1;
        let end = last_position(lines - 1);
        let mut line = 0;
        while line < lines {
            let (first, _) = ports_of(line);
            let low = stream.position(start + line - first, first);
            let high = last_position(line);
            let next = self.run(base + line, low, high, |position| {
                let port = first + (position - low);
                (matrix * stream.ports as u64 + port, line - port)
            });
            if next > end {
                return;
            }
            // The first line that reaches `next`.
            let (mut below, mut at) = (line, lines - 1);
            while at - below > 1 {
                let middle = below + (at - below) / 2;
                if last_position(middle) >= next {
                    at = middle;
                } else {
                    below = middle;
                }
            }
            line = at;
        }
    }

    /// One fold of a streamed input whose elements stand at several positions.
    ///
    /// A port that was found active stays so for a while: the position that was found moves on by at most one set of ports
    /// a cycle, and keeps holding the port's element until the window over the input wraps. So each port is looked at
    /// again only when that time is over, or the ring has turned.
    fn repeating_fold(&mut self, base: u64, matrix: u64, used: u64) {
        let time = self.geometry.over_time;
        let mut due = std::mem::take(&mut self.due);
        for (port, due) in due.iter_mut().enumerate().take(used as usize) {
            *due = port as u64;
        }
        let due_ports = &mut due[..used as usize];
        loop {
            let line = due_ports.iter().copied().min().unwrap_or(u64::MAX);
            if line >= time + used - 1 {
                break;
            }
            for port in 0..used {
                if due_ports[port as usize] > line {
                    continue;
                }
                let step = line - port;
                if step >= time {
                    due_ports[port as usize] = u64::MAX;
                    continue;
                }
                let along = matrix * self.geometry.rows + port;
                let known = self.known_active(along, step, matrix * time + step, port);
                due_ports[port as usize] = match known {
                    Ok(cycles) => line + 1 + cycles,
                    Err(rotations) => {
                        self.window.rotate(rotations);
                        Event::record(&mut self.events, base + line, self.window.rotations);
                        // What was known of the others is void: those behind are looked at in this cycle, the rest
                        // in the next.
                        for (other, due) in due_ports.iter_mut().enumerate() {
                            let next = if other as u64 > port { line } else { line + 1 };
                            *due = next.max(other as u64).min(*due);
                        }
                        line + 1
                    }
                };
            }
        }
        self.due = due;
    }

    /// For how many more cycles the port is sure to find its element active, or how often the ring must turn first.
    fn known_active(&self, along: u64, step: u64, row: u64, port: u64) -> Result<u64, u64> {
        let ports = self.geometry.rows;
        let position = self.stream.position(row, port);
        let set = position / self.window.per_set;
        let offset = self.window.offset(set);
        if offset < self.window.active {
            let end = (set + self.window.active - offset) * self.window.per_set;
            return Ok((end - 1 - position) / ports);
        }
        let (rotations, found) = self.best_copy(along, step);
        if rotations > 0 {
            return Err(rotations.min(self.window.rotations_to(set)));
        }
        let set = found.position / self.window.per_set;
        let offset = self.window.offset(set);
        let end = (set + self.window.active - offset) * self.window.per_set;
        Ok(((end - 1 - found.position) / ports).min(found.holds))
    }

    /// One fold of a stationary operand: a block of rows, loaded bottom row first.
    fn loaded_fold(&mut self, base: u64, column_fold: u64, row_fold: u64) {
        let g = self.geometry;
        let (used_rows, used_columns) = (g.used_rows(row_fold), g.used_columns(column_fold));
        let strip = column_fold * g.columns * g.over_rows;
        let first_row = row_fold * g.rows;
        let at = |row: u64| strip + row * used_columns;
        let low = at(first_row);
        let high = at(first_row + used_rows) - 1;
        let offset = self.window.offset(low / self.window.per_set);
        if offset + high / self.window.per_set - low / self.window.per_set < self.window.active {
            return;
        }
        for row in (first_row..first_row + used_rows).rev() {
            let low = at(row);
            self.run(base + g.rows - 1 - (row - first_row), low, low + used_columns - 1, |position| {
                (column_fold * g.columns + (position - low), row)
            });
        }
    }

    /// Requests the positions `low..=high` in one cycle. Returns the first position after them that is not sure to be
    /// active.
    fn run(&mut self, line: u64, low: u64, high: u64, element: impl Fn(u64) -> (u64, u64)) -> u64 {
        let mut position = low;
        while position <= high {
            let set = position / self.window.per_set;
            let offset = self.window.offset(set);
            if offset < self.window.active {
                position = (set + self.window.active - offset) * self.window.per_set;
                continue;
            }
            let mut needed = self.window.rotations_to(set);
            if self.repeats {
                let (along, time) = element(position);
                needed = needed.min(self.best_copy(along, time).0);
            }
            if needed > 0 {
                self.window.rotate(needed);
                Event::record(&mut self.events, line, self.window.rotations);
            }
            // Another copy may be the active one: go on with the next element.
            position += 1;
        }
        position
    }

    /// Fewest rotations that make any copy of an input element active, and that copy.
    fn best_copy(&self, along: u64, time: u64) -> (u64, Copy) {
        let g = self.geometry;
        let layer = &g.layer;
        let (outer, inner) = g.element(self.operand, along, time);
        let width = layer.output_width();
        let per_row = layer.filter_width * layer.channels;
        let (filter_row, rest) = (inner / per_row, inner % per_row);
        let (filter_column, channel) = (rest / layer.channels, rest % layer.channels);
        let (own_row, own_column) = (outer / width, outer % width);
        let y = own_row * layer.stride_height + filter_row;
        let x = own_column * layer.stride_width + filter_column;
        let mut best = (u64::MAX, Copy { position: 0, holds: 0 });
        // Later outputs use the element earlier in their window, so their copies are the ones fetched already; those of
        // the same output row are nearest.
        let rows = outputs_over(y, layer.filter_height, layer.stride_height, layer.output_height());
        for other_row in std::iter::once(own_row).chain(rows.rev().filter(|&row| row != own_row)) {
            for other_column in outputs_over(x, layer.filter_width, layer.stride_width, width).rev() {
                let outer = other_row * width + other_column;
                let inner = ((y - other_row * layer.stride_height) * layer.filter_width
                    + (x - other_column * layer.stride_width))
                    * layer.channels
                    + channel;
                let position = self.position_of(outer, inner);
                let rotations = self.window.rotations_to(position / self.window.per_set);
                if rotations < best.0 {
                    // With the next time step both elements move on alike, until one of them wraps.
                    let holds = match g.dataflow {
                        Dataflow::OutputStationary => layer.channels - 1 - channel,
                        _ => width - 1 - own_column.max(other_column),
                    };
                    best = (rotations, Copy { position, holds });
                }
                if rotations == 0 {
                    return best;
                }
            }
        }
        best
    }

    /// Position of the input element (output position, place in the window) in the prefetch order.
    fn position_of(&self, outer: u64, inner: u64) -> u64 {
        let g = self.geometry;
        // `element` maps (along, time) to (outer, inner) and swaps or keeps them; it is its own inverse.
        let (along, time) = g.element(self.operand, outer, inner);
        match g.side(self.operand) {
            Side::Stationary => {
                let column_fold = along / g.columns;
                column_fold * g.columns * g.over_rows + time * g.used_columns(column_fold) + along % g.columns
            }
            _ => self.stream.position(along / g.rows * g.over_time + time, along % g.rows),
        }
    }
}

/// A copy of an input element: its position in the prefetch order, and for how many time steps it moves on with the
/// element it is a copy of.
struct Copy {
    position: u64,
    holds: u64,
}

/// Outputs whose window covers input coordinate `at`.
fn outputs_over(at: u64, filter: u64, stride: u64, outputs: u64) -> std::ops::RangeInclusive<u64> {
    let first = (at + 1).saturating_sub(filter).div_ceil(stride);
    first..=(at / stride).min(outputs - 1)
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};

    use super::*;
    use crate::systolic::{Array, Dataflow, Layer};

    /// The arithmetic and the walk over every element find the same rotations.
    #[test]
    fn arithmetic_equals_the_walk() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(7);
        let mut rotations = 0;
        for case in 0..600 {
            let (stride_height, stride_width) = (rng.random_range(1..4), rng.random_range(1..4));
            let (filter_height, filter_width) = (rng.random_range(1..5), rng.random_range(1..5));
            let layer = Layer {
                ifmap_height: filter_height + stride_height * rng.random_range(0..9),
                ifmap_width: filter_width + stride_width * rng.random_range(0..9),
                filter_height,
                filter_width,
                channels: rng.random_range(1..9),
                filters: rng.random_range(1..40),
                stride_height,
                stride_width,
            };
            let array = Array {
                rows: rng.random_range(1..20),
                columns: rng.random_range(1..20),
                dataflow: Dataflow::ALL[case % 3],
            };
            let size = rng.random_range(200..1500);
            let g = Geometry::new(&layer, &array);
            for operand in [Operand::Input, Operand::Filter] {
                let (fast, found) = events(&g, operand, size).unwrap();
                let (slow, expected) = walk::events(&g, operand, size);
                assert_eq!(found, expected, "{layer:?} {array:?} {operand:?} {size}");
                assert_eq!(fast.rotations, slow.rotations);
                rotations += fast.rotations;
            }
        }
        assert!(rotations > 1000, "the cases hardly miss: {rotations}");
    }
}
