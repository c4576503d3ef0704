//! What is fetched of one operand for each fold.
use super::{
    super::geometry::{Geometry, Operand, Side},
    fold::sum_of_ramps,
    tile::Tiles,
};
use crate::error::{Error, Result};

/// Most steps that counting the words of all folds may take.
const MOST_STEPS: u64 = 1 << 28;

/// How an operand comes from DRAM.
pub(super) struct Plan {
    /// Words that the array asks for, and words that come from DRAM.
    pub requests: u64,
    pub words: u64,
    /// Words that are there before the start.
    pub first_words: u64,
    pub kind: Kind,
    pub side: Side,
    half: u64,
}

/// Where the words are when the array asks for them.
pub(super) enum Kind {
    /// All of them in the buffer from the start.
    Resident,
    /// Fold by fold, all folds of one size alike: nothing is shared within a fold.
    Uniform,
    /// Fold by fold, with these numbers of different words, indexed as [`Plan::fold_words`] says.
    Counted(Vec<u64>),
}

/// What is fetched for one fold.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fetch {
    /// Nothing: the words of the fold before are used again, or all are there.
    Nothing,
    /// So many words, all before the first of them is used.
    Whole(u64),
    /// Words in the order of use, so many ports wide.
    InOrder(u64),
}

impl Plan {
    /// `tensor` is the number of words of the whole operand, those that nothing asks for included (0: the same).
    ///
    /// # Errors
    /// When half the buffer does not hold one cycle's words, or counting would take too long.
    pub fn new(g: &Geometry, operand: Operand, size: u64, tensor: u64) -> Result<Self> {
        let side = g.side(operand);
        let requests = match side {
            Side::RowStream => g.column_folds * g.over_rows * g.over_time,
            Side::ColumnStream => g.row_folds * g.over_columns * g.over_time,
            Side::Stationary => g.over_rows * g.over_columns,
        };
        let mut plan =
            Self { requests, words: 0, first_words: 0, kind: Kind::Resident, side, half: size / 2 };
        let distinct = g.distinct(operand);
        if distinct <= size {
            // A dense tensor is copied as it lies in memory, its last rows and columns included.
            let dense = g.layer.filter_height >= g.layer.stride_height
                && g.layer.filter_width >= g.layer.stride_width;
            let copied = operand == Operand::Input && dense && tensor <= size && tensor <= requests;
            plan.words = if copied { tensor.max(distinct) } else { distinct };
            plan.first_words = plan.words;
            return Ok(plan);
        }
        let ports = match side {
            Side::RowStream => g.used_rows(0).min(g.over_time),
            Side::ColumnStream => g.used_columns(0).min(g.over_time),
            Side::Stationary => g.used_columns(0),
        };
        if ports > plan.half {
            let name = if operand == Operand::Input { "input" } else { "filter" };
            return Err(Error::invalid(
                format!("half of an {name} buffer of {size} words does not hold a line of {ports} words"),
                "choose a larger buffer or a smaller array",
            ));
        }
        plan.kind = if operand == Operand::Input && g.layer.has_overlap() {
            Kind::Counted(count(g, side)?)
        } else {
            Kind::Uniform
        };
        plan.sum(g);
        Ok(plan)
    }

    /// Different words of a fold.
    fn fold_words(&self, g: &Geometry, row_fold: u64, column_fold: u64) -> u64 {
        match &self.kind {
            Kind::Resident => 0,
            Kind::Uniform => self.fold_requests(g, row_fold, column_fold),
            Kind::Counted(words) => match self.side {
                Side::RowStream => words[row_fold as usize],
                Side::ColumnStream => words[column_fold as usize],
                Side::Stationary => words[(column_fold * g.row_folds + row_fold) as usize],
            },
        }
    }

    fn fold_requests(&self, g: &Geometry, row_fold: u64, column_fold: u64) -> u64 {
        let (rows, columns) = (g.used_rows(row_fold), g.used_columns(column_fold));
        match self.side {
            Side::RowStream => rows * g.over_time,
            Side::ColumnStream => columns * g.over_time,
            Side::Stationary => rows * columns,
        }
    }

    /// What is fetched for a fold.
    pub fn fetch(&self, g: &Geometry, row_fold: u64, column_fold: u64) -> Fetch {
        if matches!(self.kind, Kind::Resident) {
            return Fetch::Nothing;
        }
        let words = self.fold_words(g, row_fold, column_fold);
        if words > self.half {
            return Fetch::InOrder(match self.side {
                Side::RowStream => g.used_rows(row_fold),
                _ => g.used_columns(column_fold),
            });
        }
        let same_as_before = match self.side {
            Side::RowStream => g.row_folds == 1 && column_fold > 0,
            Side::ColumnStream => row_fold > 0,
            Side::Stationary => false,
        };
        if same_as_before { Fetch::Nothing } else { Fetch::Whole(words) }
    }

    /// Whether all folds of one shape fetch alike, whatever their place.
    pub fn is_uniform(&self) -> bool {
        !matches!(self.kind, Kind::Counted(_))
    }

    /// Whether all columns of folds of one width fetch alike.
    pub fn columns_are_alike(&self) -> bool {
        self.is_uniform() || self.side == Side::RowStream
    }

    /// Words of half the buffer.
    pub fn half(&self) -> u64 {
        self.half
    }

    /// Adds up `words` and finds `first_words`.
    fn sum(&mut self, g: &Geometry) {
        let words_of = |fold: (u64, u64)| match self.fetch(g, fold.0, fold.1) {
            Fetch::Nothing => 0,
            Fetch::Whole(words) => words,
            Fetch::InOrder(_) => self.fold_requests(g, fold.0, fold.1),
        };
        let first = match self.fetch(g, 0, 0) {
            Fetch::InOrder(ports) => segments(g, self.side, ports, g.used_rows(0), self.half)
                .next()
                .map_or(0, |segment| segment.words),
            _ => words_of((0, 0)),
        };
        let rows = |column_fold: u64| -> u64 {
            if self.is_uniform() {
                let last = g.row_folds - 1;
                let middle = last.saturating_sub(1) * words_of((1.min(last), column_fold));
                let ends =
                    words_of((0, column_fold)) + if last > 0 { words_of((last, column_fold)) } else { 0 };
                return middle + ends;
            }
            (0..g.row_folds).map(|row_fold| words_of((row_fold, column_fold))).sum()
        };
        let last = g.column_folds - 1;
        let words = if self.columns_are_alike() {
            let middle = last.saturating_sub(1) * rows(1.min(last));
            middle + rows(0) + if last > 0 { rows(last) } else { 0 }
        } else {
            (0..=last).map(rows).sum()
        };
        self.words = words;
        self.first_words = first;
    }
}

/// Different input words of every fold that has its own.
fn count(g: &Geometry, side: Side) -> Result<Vec<u64>> {
    let layer = &g.layer;
    let (row_ranges, column_ranges) = (ranges(g.over_rows, g.rows), ranges(g.over_columns, g.columns));
    let all = 0..g.over_time;
    // Output rows times window rows of one fold.
    let (outputs, window) = match side {
        Side::RowStream if g.load_lines == 0 => (g.rows, layer.window()),
        Side::RowStream => (layer.outputs_per_filter(), g.rows),
        _ => (g.columns, g.rows),
    };
    let output_rows = (outputs / layer.output_width() + 2).min(layer.output_height());
    let window_rows = (window / (layer.filter_width * layer.channels) + 2).min(layer.filter_height);
    let folds = if side == Side::Stationary { g.folds() } else { g.row_folds };
    if folds.saturating_mul(output_rows).saturating_mul(window_rows) > MOST_STEPS {
        return Err(Error::invalid(
            format!("{folds} folds of an input with overlapping windows that does not fit into its buffer"),
            "split the layer, or choose a larger array or input buffer",
        ));
    }
    let mut tiles = Tiles::new(layer);
    Ok(match side {
        // Output stationary: the rows are outputs; weight stationary: they are places in the window.
        Side::RowStream if g.load_lines == 0 => {
            row_ranges.map(|rows| tiles.words(rows, all.clone())).collect()
        }
        Side::RowStream => row_ranges.map(|rows| tiles.words(all.clone(), rows)).collect(),
        _ => column_ranges
            .flat_map(|columns| row_ranges.clone().map(move |rows| (columns.clone(), rows)))
            .map(|(columns, rows)| tiles.words(columns, rows))
            .collect(),
    })
}

/// 0..`extent` in pieces of `length`.
fn ranges(extent: u64, length: u64) -> impl Iterator<Item = std::ops::Range<u64>> + Clone {
    (0..extent.div_ceil(length)).map(move |index| index * length..((index + 1) * length).min(extent))
}

/// Some cycles of a fold whose words fill at most half a buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment {
    /// First cycle, counted from the first request of the fold.
    pub line: u64,
    pub words: u64,
}

/// The segments of an operand that comes in the order of use.
pub(super) fn segments(
    g: &Geometry,
    side: Side,
    ports: u64,
    rows: u64,
    half: u64,
) -> impl Iterator<Item = Segment> {
    let time = if side == Side::Stationary { rows } else { g.over_time };
    let skewed = side != Side::Stationary;
    let before = move |line: u64| {
        if skewed { sum_of_ramps(line, ports, time, 1) } else { line.min(time) * ports }
    };
    let lines = if skewed { time + ports - 1 } else { time };
    cut(lines, half, before)
}

/// Cuts lines into segments of at most `half` words, each as long as possible; `before(line)` counts the words of earlier
/// lines.
pub(super) fn cut(lines: u64, half: u64, before: impl Fn(u64) -> u64) -> impl Iterator<Item = Segment> {
    let mut line = 0;
    std::iter::from_fn(move || {
        if line >= lines {
            return None;
        }
        let start = line;
        let done = before(start);
        let (mut fits, mut beyond) = (start + 1, lines + 1);
        if before(lines) - done <= half {
            fits = lines;
        } else {
            // A segment has no more lines than words and no fewer than half / (most words a line).
            while beyond - fits > 1 {
                let middle = fits + (beyond - fits) / 2;
                if before(middle) - done <= half {
                    fits = middle;
                } else {
                    beyond = middle;
                }
            }
        }
        line = fits;
        Some(Segment { line: start, words: before(fits) - done })
    })
}
