//! How a layer is cut into folds of the array: the index arithmetic every other file here builds on.
use super::config::{Array, Dataflow, Layer};

/// The array runs `row_folds * column_folds` folds, columns outermost, each [`Geometry::fold_lines`] cycles long.
#[derive(Debug, Clone, Copy)]
pub(super) struct Geometry {
    pub layer: Layer,
    pub dataflow: Dataflow,
    /// R and C.
    pub rows: u64,
    pub columns: u64,
    /// Extents laid over the rows, over the columns and over time.
    pub over_rows: u64,
    pub over_columns: u64,
    pub over_time: u64,
    pub row_folds: u64,
    pub column_folds: u64,
    /// Cycles of one fold.
    pub fold_lines: u64,
    /// Cycles at the start of a fold in which the stationary operand is loaded (0 for output stationary).
    pub load_lines: u64,
}

/// One of the two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operand {
    Input,
    Filter,
}

/// How an operand enters the array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// Streams through the row ports, skewed by one cycle a row.
    RowStream,
    /// Streams through the column ports, skewed by one cycle a column.
    ColumnStream,
    /// Is loaded through the column ports before the fold, bottom row first.
    Stationary,
}

impl Geometry {
    pub fn new(layer: &Layer, array: &Array) -> Self {
        let (outputs, window, filters) = (layer.outputs_per_filter(), layer.window(), layer.filters);
        let (over_rows, over_columns, over_time) = match array.dataflow {
            Dataflow::OutputStationary => (outputs, filters, window),
            Dataflow::WeightStationary => (window, filters, outputs),
            Dataflow::InputStationary => (window, outputs, filters),
        };
        let load_lines = if array.dataflow == Dataflow::OutputStationary { 0 } else { array.rows };
        Self {
            layer: *layer,
            dataflow: array.dataflow,
            rows: array.rows,
            columns: array.columns,
            over_rows,
            over_columns,
            over_time,
            row_folds: over_rows.div_ceil(array.rows),
            column_folds: over_columns.div_ceil(array.columns),
            fold_lines: over_time + load_lines + array.rows + array.columns - 2,
            load_lines,
        }
    }

    pub fn folds(&self) -> u64 {
        self.row_folds * self.column_folds
    }

    /// Cycles of the whole layer without stalls, plus one.
    pub fn lines(&self) -> u64 {
        self.folds() * self.fold_lines
    }

    pub fn used_rows(&self, row_fold: u64) -> u64 {
        (self.over_rows - row_fold * self.rows).min(self.rows)
    }

    pub fn used_columns(&self, column_fold: u64) -> u64 {
        (self.over_columns - column_fold * self.columns).min(self.columns)
    }

    pub fn side(&self, operand: Operand) -> Side {
        match (self.dataflow, operand) {
            (Dataflow::OutputStationary, Operand::Input)
            | (Dataflow::WeightStationary, Operand::Input)
            | (Dataflow::InputStationary, Operand::Filter) => Side::RowStream,
            (Dataflow::OutputStationary, Operand::Filter) => Side::ColumnStream,
            (Dataflow::WeightStationary, Operand::Filter) | (Dataflow::InputStationary, Operand::Input) => {
                Side::Stationary
            }
        }
    }

    /// First output write of a fold after its start, and how many cycles each column writes.
    pub fn write_window(&self, row_fold: u64) -> (u64, u64) {
        match self.dataflow {
            Dataflow::OutputStationary => {
                let used = self.used_rows(row_fold);
                (self.over_time - 1 + self.rows - used, used)
            }
            _ => (2 * self.rows - 1, self.over_time),
        }
    }

    /// Address of element (`outer`, `inner`) of an operand, where `inner` counts along the window. For the input
    /// `outer` is the output position; for the filter it is the filter. `None` where a window hangs over the edge.
    pub fn address(&self, operand: Operand, outer: u64, inner: u64) -> Option<u64> {
        let layer = &self.layer;
        match operand {
            Operand::Filter => Some(outer * layer.window() + inner),
            Operand::Input => {
                let width = layer.output_width();
                let (row, column) = (outer / width, outer % width);
                let per_row = layer.filter_width * layer.channels;
                let (filter_row, rest) = (inner / per_row, inner % per_row);
                let (filter_column, channel) = (rest / layer.channels, rest % layer.channels);
                let y = row * layer.stride_height + filter_row;
                let x = column * layer.stride_width + filter_column;
                (y < layer.ifmap_height && x < layer.ifmap_width)
                    .then(|| (y * layer.ifmap_width + x) * layer.channels + channel)
            }
        }
    }

    /// The (outer, inner) pair of [`Geometry::address`] at array coordinate `along` (rows for row-side operands,
    /// columns for column streams) and time step `time`; for stationary operands `along` is the column coordinate and
    /// `time` the row coordinate.
    pub fn element(&self, operand: Operand, along: u64, time: u64) -> (u64, u64) {
        match (self.dataflow, operand) {
            (Dataflow::OutputStationary, _) => (along, time),
            (Dataflow::WeightStationary, Operand::Input) => (time, along),
            (Dataflow::InputStationary, Operand::Filter) => (time, along),
            (Dataflow::WeightStationary, Operand::Filter) | (Dataflow::InputStationary, Operand::Input) => {
                (along, time)
            }
        }
    }

    /// Whether the operand's elements all have an address.
    pub fn complete(&self, operand: Operand) -> bool {
        operand == Operand::Filter || !self.layer.has_overhang()
    }

    /// Number of different addresses of an operand.
    pub fn distinct(&self, operand: Operand) -> u64 {
        let layer = &self.layer;
        let covered = |outputs: u64, filter: u64, stride: u64, extent: u64| {
            if filter >= stride {
                ((outputs - 1) * stride + filter).min(extent)
            } else {
                (outputs - 1) * filter + (extent - (outputs - 1) * stride).min(filter)
            }
        };
        match operand {
            Operand::Filter => layer.filters * layer.window(),
            Operand::Input => {
                covered(layer.output_height(), layer.filter_height, layer.stride_height, layer.ifmap_height)
                    * covered(layer.output_width(), layer.filter_width, layer.stride_width, layer.ifmap_width)
                    * layer.channels
            }
        }
    }
}
