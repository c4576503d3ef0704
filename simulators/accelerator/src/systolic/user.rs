//! The array behind buffers with a limited DRAM bandwidth: read and write stalls put together.
use serde::Serialize;

use super::{
    calc::{Computation, Counts, Span, compute_geometry},
    config::{Array, Buffers, Layer},
    geometry::{Geometry, Operand, Side},
    read_buffer::{self, Event, Window},
    traffic::{MemoryTraffic, Transfer},
    write_buffer::WriteBuffer,
};
use crate::error::Result;

/// One layer on one array with limited memory.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Simulation {
    /// Cycles including stalls.
    pub cycles: u64,
    /// Cycles in which the array waits for one of the three memories.
    pub stall_cycles: u64,
    /// Share of the array's multiply-accumulate slots that did work, in percent of all cycles.
    pub overall_utilization_percent: f64,
    /// The array by itself; the times in `sram_span` are those of the run with its stalls.
    pub computation: Computation,
    /// DRAM traffic.
    pub dram: MemoryTraffic,
}

/// Simulates one layer on one array behind `buffers`. `compat` is as for [`super::compute`].
///
/// # Errors
/// When the layer, the array or the buffers do not pass their `check`, or the layer is too large for the walk over its
/// elements that is needed where windows hang over the edge of an input that does not fit into its buffer.
pub fn simulate(layer: &Layer, array: &Array, buffers: &Buffers, compat: bool) -> Result<Simulation> {
    layer.check()?;
    array.check()?;
    buffers.check_prefetcher()?;
    let g = Geometry::new(layer, array);
    let input = Reader::new(&g, Operand::Input, buffers.ifmap_words, buffers.words_per_cycle)?;
    let filter = Reader::new(&g, Operand::Filter, buffers.filter_words, buffers.words_per_cycle)?;
    let mut writer = WriteBuffer::new(buffers.ofmap_words, buffers.words_per_cycle);
    let mut computation = compute_geometry(&g, array, compat);
    let mut marks = Marks::new(&computation.sram_span);
    let (cycles, stall) = run(&g, [&input, &filter], &mut writer, &mut marks);
    computation.sram_span = marks.spans();
    Ok(Simulation {
        cycles,
        stall_cycles: stall,
        overall_utilization_percent: computation.utilization_percent(cycles, array),
        computation,
        dram: MemoryTraffic {
            ifmap: input.transfer(&g),
            filter: filter.transfer(&g),
            ofmap: writer.finish(cycles as i64),
        },
    })
}

/// The rotations of one read buffer with the bandwidth behind it.
struct Reader {
    operand: Operand,
    window: Window,
    events: Vec<Event>,
    width: u64,
    /// Cycles of one rotation.
    cycles: u64,
}

impl Reader {
    fn new(g: &Geometry, operand: Operand, size: u64, width: u64) -> Result<Self> {
        let (window, events) = read_buffer::events(g, operand, size)?;
        Ok(Self { operand, window, events, width, cycles: window.prefetch_words.div_ceil(width) })
    }

    /// Cycle in which rotation number `rotations` is complete; the fill before the start is free.
    fn complete_at(&self, rotations: u64) -> i64 {
        (rotations * (self.cycles + 1)) as i64 - 1
    }

    fn transfer(&self, g: &Geometry) -> Transfer {
        let padded = match g.side(self.operand) {
            Side::RowStream => g.row_folds * g.over_time * g.rows,
            Side::ColumnStream => g.column_folds * g.over_time * g.columns,
            Side::Stationary => g.column_folds * g.over_rows * g.columns,
        };
        let fill = self.window.active_words.div_ceil(self.width).min(padded.div_ceil(self.width));
        let rotations = self.window.rotations;
        Transfer {
            words: (fill + rotations * self.cycles) * self.width,
            start: -(fill as i64),
            stop: self.complete_at(rotations),
            latest: self.complete_at(rotations),
        }
    }
}

/// Words written in the first `lines` cycles of a fold.
fn written(g: &Geometry, (row_fold, column_fold): (u64, u64), lines: u64) -> i64 {
    let (offset, height) = g.write_window(row_fold);
    let columns = g.used_columns(column_fold) as i64;
    let ramp = |x: i64| {
        if x <= 0 {
            0
        } else if x < columns {
            x * (x + 1) / 2
        } else {
            columns * x - columns * (columns - 1) / 2
        }
    };
    let x = lines as i64 - offset as i64;
    ramp(x) - ramp(x - height as i64)
}

/// The lines in which each memory is busy first and last, and when they are served.
struct Marks {
    /// Line, memory (input, filter, output), and whether it is the memory's last; in the order of the lines.
    lines: Vec<(u64, usize, bool)>,
    next: usize,
    served: [Span; 3],
}

impl Marks {
    /// From the times of a run without stalls, in which a read is served one cycle after its line starts.
    fn new(spans: &Counts<Span>) -> Self {
        let mut lines = Vec::with_capacity(6);
        for (memory, (span, latency)) in
            [(spans.ifmap, 1), (spans.filter, 1), (spans.ofmap, 0)].into_iter().enumerate()
        {
            lines.push(((span.start - latency) as u64, memory, false));
            lines.push(((span.stop - latency) as u64, memory, true));
        }
        lines.sort_unstable();
        Self { lines, next: 0, served: [Span::default(); 3] }
    }

    fn next_line(&self) -> u64 {
        self.lines.get(self.next).map_or(u64::MAX, |mark| mark.0)
    }

    /// Notes when the three memories have served `line`.
    fn record(&mut self, line: u64, served: [i64; 3]) {
        while let Some(&(at, memory, last)) = self.lines.get(self.next)
            && at == line
        {
            let span = &mut self.served[memory];
            *(if last { &mut span.stop } else { &mut span.start }) = served[memory];
            self.next += 1;
        }
    }

    fn spans(self) -> Counts<Span> {
        let [ifmap, filter, ofmap] = self.served;
        Counts { ifmap, filter, ofmap }
    }
}

/// Walks the whole layer; returns the cycles it takes and the stalls.
fn run(g: &Geometry, readers: [&Reader; 2], writer: &mut WriteBuffer, marks: &mut Marks) -> (u64, u64) {
    let mut stalls = 0;
    let mut next = [0; 2];
    let last_line = g.lines() - 1;
    let mut cycles = 0;
    let mut base = 0;
    for column_fold in 0..g.column_folds {
        for row_fold in 0..g.row_folds {
            let fold = (row_fold, column_fold);
            let end = base + g.fold_lines;
            let mut line = base;
            while line < end {
                let event_line = (0..2)
                    .filter_map(|reader| readers[reader].events.get(next[reader]).map(|event| event.line))
                    .fold(marks.next_line(), u64::min);
                let until = event_line.min(last_line).min(end);
                write_lines(g, fold, writer, base, line..until, &mut stalls);
                line = until;
                if line == end {
                    break;
                }
                // A line on its own: reads may wait, and the last one decides the number of cycles.
                let now = line as i64 + stalls;
                let words = written(g, fold, line - base + 1) - written(g, fold, line - base);
                let write_stall = writer.write(now, words as u64);
                if line == last_line {
                    cycles = (now + write_stall) as u64;
                }
                let mut stall = write_stall;
                let mut served = [now + 1, now + 1, now + write_stall];
                for reader in 0..2 {
                    let list = &readers[reader].events;
                    if let Some(event) = list.get(next[reader]).filter(|event| event.line == line) {
                        served[reader] = served[reader].max(readers[reader].complete_at(event.rotations));
                        stall = stall.max(served[reader] - now - 1);
                        next[reader] += 1;
                    }
                }
                marks.record(line, served);
                stalls += stall.max(0);
                line += 1;
            }
            base = end;
        }
    }
    (cycles, stalls as u64)
}

/// The output writes of some lines of a fold, in leaps from one event of the write buffer to the next.
fn write_lines(
    g: &Geometry,
    fold: (u64, u64),
    writer: &mut WriteBuffer,
    base: u64,
    lines: std::ops::Range<u64>,
    stalls: &mut i64,
) {
    let mut line = lines.start;
    while line < lines.end {
        let now = line as i64 + *stalls;
        let (room, limit) = if now >= writer.end() {
            (writer.room_before_drain(), lines.end)
        } else {
            (writer.room_before_wait(), lines.end.min((writer.end() - *stalls) as u64))
        };
        let before = written(g, fold, line - base);
        // The furthest line that can be reached without an event.
        let (mut reached, mut beyond) = (line, limit + 1);
        if written(g, fold, limit - base) - before <= room {
            reached = limit;
        } else {
            while beyond - reached > 1 {
                let middle = reached + (beyond - reached) / 2;
                if written(g, fold, middle - base) - before <= room {
                    reached = middle;
                } else {
                    beyond = middle;
                }
            }
        }
        writer.append(written(g, fold, reached - base) - before);
        line = reached;
        if line < limit {
            let words = written(g, fold, line - base + 1) - written(g, fold, line - base);
            *stalls += writer.write(line as i64 + *stalls, words as u64);
            line += 1;
        }
    }
}

/// The output writes of the whole layer without read stalls; the stalls of the writes are ignored.
pub(super) fn write_all(g: &Geometry, writer: &mut WriteBuffer) {
    let mut base = 0;
    for column_fold in 0..g.column_folds {
        for row_fold in 0..g.row_folds {
            let end = base + g.fold_lines;
            write_lines(g, (row_fold, column_fold), writer, base, base..end, &mut 0);
            base = end;
        }
    }
}
