//! When the array waits for the three memories.
//!
//! Each memory has a list of switches: cycles of the array in which it goes over to its other half. The other half must be
//! ready: filled (inputs, filters), or drained and loaded with partial sums (outputs). Work on it began when the memory
//! went over to the present half. So a switch in array cycle l, with S stalls so far, happens in cycle
//! max(l + S, last switch + cycles of the transfer), and S grows to the largest difference over the memories. Folds that
//! begin in the same state run alike; they are leapt over.
use std::collections::VecDeque;

use super::{
    super::geometry::{Geometry, Side},
    fold::{Folds, Outputs},
    plan::{Fetch, Plan, Segment, cut, segments},
};

/// Long ago.
const NEVER: i64 = i64::MIN / 4;

/// What the memories add to the cycles of the array.
pub(super) struct Run {
    /// Stalls up to the last multiply-accumulate, and after it.
    pub stalls: u64,
    pub drain_stalls: u64,
    /// Cycles from the last result that leaves the array to the last word in DRAM.
    pub write_back: u64,
}

/// The switches of one operand in the present fold.
struct Reader<'a> {
    plan: &'a Plan,
    /// What `switches` was made for: fetch and rows.
    made_for: (Fetch, u64),
    switches: Vec<Segment>,
    next: usize,
    last_switch: i64,
}

/// A switch of the output buffer: words that the half will hold, and partial sums loaded into it before.
#[derive(Clone, Copy)]
struct OutputSwitch {
    line: u64,
    words: u64,
    partial_sums: u64,
}

pub(super) struct Timing<'a> {
    folds: &'a Folds<'a>,
    width: u64,
    readers: [Reader<'a>; 2],
    /// Half of the output buffer.
    half: u64,
    /// Segments of the outputs of a fold of some rows and columns.
    output_shape: (u64, u64),
    output_segments: Vec<Segment>,
    output_switches: VecDeque<OutputSwitch>,
    last_output_switch: i64,
    /// Words in the present and in the other half.
    present_words: u64,
    other_words: u64,
    /// Array cycle in which the present fold begins, stalls so far.
    base: u64,
    stalls: i64,
    /// No transfer takes longer.
    longest: i64,
}

impl<'a> Timing<'a> {
    pub fn new(folds: &'a Folds<'a>, plans: [&'a Plan; 2], outputs: &Outputs, width: u64) -> Self {
        let largest = plans[0].half().max(plans[1].half()).max(2 * outputs.half);
        Self {
            folds,
            width,
            readers: plans.map(|plan| Reader {
                plan,
                made_for: (Fetch::Nothing, 0),
                switches: Vec::new(),
                next: 0,
                last_switch: NEVER,
            }),
            half: outputs.half,
            output_shape: (0, 0),
            output_segments: Vec::new(),
            output_switches: VecDeque::new(),
            last_output_switch: NEVER,
            present_words: 0,
            other_words: 0,
            base: 0,
            stalls: 0,
            longest: largest.div_ceil(width) as i64 + 1,
        }
    }

    pub fn run(mut self) -> Run {
        let g = self.folds.g;
        let alike = self.readers.iter().all(|reader| reader.plan.columns_are_alike());
        let last = g.column_folds - 1;
        let mut states = States::default();
        let mut column_fold = 0;
        while column_fold < last {
            self.column(column_fold, g.row_folds);
            column_fold += 1;
            // The first column differs: nothing was fetched before it.
            if alike && column_fold > 1 {
                let again = last - column_fold;
                if states.repeats(&self) && again > 0 {
                    self.leap(&states, again);
                    column_fold = last;
                }
            }
            states.note(&self);
        }
        self.column(last, g.row_folds - 1);
        let (rows, columns) = self.folds.last_shape();
        self.prepare(g.row_folds - 1, last, rows, columns);
        let before = self.base + self.folds.last_mac(rows, columns);
        self.pass(before);
        let stalls = self.stalls;
        self.pass(u64::MAX);
        let end = (before + self.folds.drain_cycles()) as i64 + self.stalls;
        let drained = self.last_output_switch + self.cycles(self.other_words);
        let write_back = (drained - end).max(0) + self.cycles(self.present_words);
        Run {
            stalls: stalls as u64,
            drain_stalls: (self.stalls - stalls) as u64,
            write_back: write_back as u64,
        }
    }

    /// The first `count` folds of a column of folds.
    fn column(&mut self, column_fold: u64, count: u64) {
        let g = self.folds.g;
        let columns = g.used_columns(column_fold);
        let uniform = self.readers.iter().all(|reader| reader.plan.is_uniform());
        let mut states = States::default();
        let mut row_fold = 0;
        while row_fold < count {
            let rows = g.used_rows(row_fold);
            self.prepare(row_fold, column_fold, rows, columns);
            let end = self.base + self.folds.length(rows, columns);
            self.pass(end);
            self.base = end;
            row_fold += 1;
            // The first fold differs, and the last one may be smaller.
            let again = count.min(g.row_folds - 1).saturating_sub(row_fold);
            if uniform && row_fold > 1 && again > 0 && states.repeats(self) {
                self.leap(&states, again);
                row_fold += again;
            }
            states.note(self);
        }
    }

    fn cycles(&self, words: u64) -> i64 {
        words.div_ceil(self.width) as i64
    }

    /// Lists the switches of a fold.
    fn prepare(&mut self, row_fold: u64, column_fold: u64, rows: u64, columns: u64) {
        let folds = self.folds;
        let g = folds.g;
        for reader in &mut self.readers {
            reader.prepare(g, reader.plan.fetch(g, row_fold, column_fold), rows);
        }
        let first = self.base + folds.first_output(rows);
        if folds.accumulates(columns, self.half) {
            if row_fold == 0 {
                let words = g.over_time * columns;
                self.output_switches.push_back(OutputSwitch { line: first, words, partial_sums: 0 });
            }
            return;
        }
        if self.output_shape != (rows, columns) {
            self.output_shape = (rows, columns);
            let lines =
                if folds.output_stationary { 2 * (rows - 1) + columns } else { g.over_time + columns - 1 };
            self.output_segments.clear();
            self.output_segments
                .extend(cut(lines, self.half, |line| folds.written_before(rows, columns, line)));
        }
        let added = !folds.output_stationary && row_fold > 0;
        self.output_switches.extend(self.output_segments.iter().map(|segment| OutputSwitch {
            line: first + segment.line,
            words: segment.words,
            partial_sums: if added { segment.words } else { 0 },
        }));
    }

    /// All switches before array cycle `end`, in order; those of one cycle do not wait for each other to begin.
    fn pass(&mut self, end: u64) {
        loop {
            let lines = [
                self.readers[0].next_line(self.base),
                self.readers[1].next_line(self.base),
                self.output_switches.front().map_or(u64::MAX, |switch| switch.line),
            ];
            let line = lines[0].min(lines[1]).min(lines[2]);
            if line >= end || line == u64::MAX {
                return;
            }
            let now = line as i64 + self.stalls;
            let mut latest = now;
            for (index, &reader_line) in lines[..2].iter().enumerate() {
                if reader_line == line {
                    let reader = &self.readers[index];
                    let transfer = self.cycles(reader.switches[reader.next].words);
                    let reader = &mut self.readers[index];
                    let switch = now.max(reader.last_switch + transfer);
                    // The second half is free from the start, not from the first use of the first.
                    reader.last_switch = if reader.last_switch == NEVER { 0 } else { switch };
                    reader.next += 1;
                    latest = latest.max(switch);
                }
            }
            if lines[2] == line
                && let Some(switch) = self.output_switches.pop_front()
            {
                let transfer = self.cycles(self.other_words + switch.partial_sums);
                self.last_output_switch = now.max(self.last_output_switch + transfer);
                self.other_words = self.present_words;
                self.present_words = switch.words;
                latest = latest.max(self.last_output_switch);
            }
            self.stalls += latest - now;
        }
    }

    /// Goes on as from the state before last to the last one, `times` more times.
    fn leap(&mut self, states: &States, times: u64) {
        let lines = times * (self.base - states.base);
        let stalls = times as i64 * (self.stalls - states.stalls);
        self.base += lines;
        self.stalls += stalls;
        for switch in &mut self.output_switches {
            switch.line += lines;
        }
        for last in [&mut self.last_output_switch]
            .into_iter()
            .chain(self.readers.iter_mut().map(|reader| &mut reader.last_switch))
        {
            if *last != NEVER {
                *last += lines as i64 + stalls;
            }
        }
    }
}

impl Reader<'_> {
    fn prepare(&mut self, g: &Geometry, fetch: Fetch, rows: u64) {
        self.next = 0;
        if self.made_for == (fetch, rows) {
            return;
        }
        self.made_for = (fetch, rows);
        self.switches.clear();
        match fetch {
            Fetch::Nothing => {}
            Fetch::Whole(words) => self.switches.push(Segment { line: 0, words }),
            Fetch::InOrder(ports) => {
                self.switches.extend(segments(g, self.plan.side, ports, rows, self.plan.half()));
            }
        }
        // A stationary operand is loaded before the other one streams in.
        let loading = if self.plan.side == Side::RowStream && g.load_lines > 0 { rows } else { 0 };
        for switch in &mut self.switches {
            switch.line += loading;
        }
    }

    fn next_line(&self, base: u64) -> u64 {
        self.switches.get(self.next).map_or(u64::MAX, |switch| base + switch.line)
    }
}

/// The state at the begin of a fold, relative to that time.
#[derive(Default)]
struct States {
    relative: Vec<i64>,
    scratch: Vec<i64>,
    base: u64,
    stalls: i64,
}

impl States {
    fn write(timing: &Timing, to: &mut Vec<i64>) {
        to.clear();
        let now = timing.base as i64 + timing.stalls;
        let relative = |time: i64| (time - now).max(-timing.longest);
        to.extend(timing.readers.iter().map(|reader| relative(reader.last_switch)));
        to.push(relative(timing.last_output_switch));
        to.extend([timing.present_words as i64, timing.other_words as i64]);
        for switch in &timing.output_switches {
            to.push((switch.line - timing.base) as i64);
            to.extend([switch.words as i64, switch.partial_sums as i64]);
        }
    }

    fn note(&mut self, timing: &Timing) {
        Self::write(timing, &mut self.relative);
        (self.base, self.stalls) = (timing.base, timing.stalls);
    }

    /// Whether the state is that of the last `note`.
    fn repeats(&mut self, timing: &Timing) -> bool {
        let mut scratch = std::mem::take(&mut self.scratch);
        Self::write(timing, &mut scratch);
        let same = scratch == self.relative;
        self.scratch = scratch;
        same
    }
}
