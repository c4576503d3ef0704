//! Registers of every processing element, clock by clock. Slow, and as plain as possible.
use std::collections::HashMap;

use hwgym_accelerator::systolic::{Array, Dataflow, Layer};

/// A word of an operand: its place in the operand's matrix, and its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    pub outer: u64,
    pub inner: u64,
    pub address: u64,
}

/// What the edges of the array do in one cycle. `fold` of a write is the fold that it belongs to.
#[derive(Debug, Clone, Default)]
pub struct Line {
    pub ifmap: Vec<Request>,
    pub filter: Vec<Request>,
    /// Address of the result and fold.
    pub writes: Vec<(u64, usize)>,
    /// Fold whose operands enter.
    pub fold: usize,
}

/// A whole layer.
pub struct Trace {
    pub lines: Vec<Line>,
    /// Cycles to the last multiply-accumulate.
    pub cycles: u64,
    /// Cycles in which folds compute.
    pub computing: u64,
    pub macs: u64,
    /// Row and column index of each fold.
    pub folds: Vec<(u64, u64)>,
    /// Sums of products, by address.
    pub results: HashMap<u64, i64>,
}

pub struct Shape {
    layer: Layer,
    pub output_height: u64,
    pub output_width: u64,
    pub window: u64,
}

impl Shape {
    pub fn new(layer: &Layer) -> Self {
        Self {
            layer: *layer,
            output_height: (layer.ifmap_height - layer.filter_height) / layer.stride_height + 1,
            output_width: (layer.ifmap_width - layer.filter_width) / layer.stride_width + 1,
            window: layer.filter_height * layer.filter_width * layer.channels,
        }
    }

    pub fn outputs(&self) -> u64 {
        self.output_height * self.output_width
    }

    /// Element `inner` of the window of output `outer`.
    pub fn input(&self, outer: u64, inner: u64) -> Request {
        let layer = &self.layer;
        let (row, column) = (outer / self.output_width, outer % self.output_width);
        let channel = inner % layer.channels;
        let cell = inner / layer.channels;
        let y = row * layer.stride_height + cell / layer.filter_width;
        let x = column * layer.stride_width + cell % layer.filter_width;
        Request { outer, inner, address: (y * layer.ifmap_width + x) * layer.channels + channel }
    }

    pub fn weight(&self, outer: u64, inner: u64) -> Request {
        Request { outer, inner, address: outer * self.window + inner }
    }
}

pub fn input_value(address: u64) -> i64 {
    (address * 7 + 3) as i64 % 23 - 11
}

pub fn weight_value(address: u64) -> i64 {
    (address * 5 + 1) as i64 % 19 - 9
}

/// Runs all folds.
pub fn run(layer: &Layer, array: &Array) -> Trace {
    let shape = Shape::new(layer);
    let (over_rows, over_columns) = match array.dataflow {
        Dataflow::OutputStationary => (shape.outputs(), layer.filters),
        Dataflow::WeightStationary => (shape.window, layer.filters),
        Dataflow::InputStationary => (shape.window, shape.outputs()),
    };
    let mut trace = Trace {
        lines: Vec::new(),
        cycles: 0,
        computing: 0,
        macs: 0,
        folds: Vec::new(),
        results: HashMap::new(),
    };
    let mut start = 0u64;
    let mut column = 0;
    while column * array.columns < over_columns {
        let mut row = 0;
        while row * array.rows < over_rows {
            let rows: Vec<u64> = (row * array.rows..((row + 1) * array.rows).min(over_rows)).collect();
            let columns: Vec<u64> =
                (column * array.columns..((column + 1) * array.columns).min(over_columns)).collect();
            trace.folds.push((row, column));
            let mut fold = Fold { trace: &mut trace, shape: &shape, start, first_mac: None, last_mac: 0 };
            start = match array.dataflow {
                Dataflow::OutputStationary => fold.output_stationary(&rows, &columns),
                _ => fold.loaded(&rows, &columns, array),
            };
            row += 1;
        }
        column += 1;
    }
    trace
}

struct Fold<'a> {
    trace: &'a mut Trace,
    shape: &'a Shape,
    start: u64,
    first_mac: Option<u64>,
    last_mac: u64,
}

impl Fold<'_> {
    fn line(&mut self, cycle: u64) -> &mut Line {
        let at = (self.start + cycle) as usize;
        if self.trace.lines.len() <= at {
            self.trace.lines.resize(at + 1, Line::default());
        }
        &mut self.trace.lines[at]
    }

    fn ifmap(&mut self, cycle: u64, request: Request) -> i64 {
        let fold = self.trace.folds.len() - 1;
        let line = self.line(cycle);
        line.fold = fold;
        line.ifmap.push(request);
        input_value(request.address)
    }

    fn filter(&mut self, cycle: u64, request: Request) -> i64 {
        let fold = self.trace.folds.len() - 1;
        let line = self.line(cycle);
        line.fold = fold;
        line.filter.push(request);
        weight_value(request.address)
    }

    fn write(&mut self, cycle: u64, output: u64, filter: u64, value: i64) {
        let fold = self.trace.folds.len() - 1;
        let address = filter * self.shape.outputs() + output;
        self.line(cycle).writes.push((address, fold));
        *self.trace.results.entry(address).or_default() += value;
    }

    fn mac(&mut self, cycle: u64) {
        self.first_mac.get_or_insert(cycle);
        self.last_mac = cycle;
        self.trace.macs += 1;
        self.trace.cycles = self.start + cycle + 1;
    }

    /// Returns the cycle in which the next fold begins.
    fn output_stationary(&mut self, outputs: &[u64], filters: &[u64]) -> u64 {
        let time = self.shape.window;
        let (rows, columns) = (outputs.len(), filters.len());
        let mut right = vec![vec![None; columns]; rows];
        let mut down = vec![vec![None; columns]; rows];
        let mut sums = vec![vec![(0i64, 0u64); columns]; rows];
        let mut chain: Vec<Vec<Option<(u64, u64, i64)>>> = vec![vec![None; columns]; rows];
        let mut written = 0;
        let mut cycle = 0;
        let mut first_written = None;
        while written < rows * columns {
            for column in 0..columns {
                if let Some((output, filter, sum)) = chain[0][column].take() {
                    self.write(cycle, output, filter, sum);
                    first_written.get_or_insert(cycle);
                    written += 1;
                }
                for row in 1..rows {
                    chain[row - 1][column] = chain[row][column].take();
                }
            }
            for row in 0..rows {
                for column in (1..columns).rev() {
                    right[row][column] = right[row][column - 1];
                }
                let step = cycle.checked_sub(row as u64).filter(|&step| step < time);
                right[row][0] = step.map(|step| self.ifmap(cycle, self.shape.input(outputs[row], step)));
            }
            for column in 0..columns {
                for row in (1..rows).rev() {
                    down[row][column] = down[row - 1][column];
                }
                let step = cycle.checked_sub(column as u64).filter(|&step| step < time);
                down[0][column] =
                    step.map(|step| self.filter(cycle, self.shape.weight(filters[column], step)));
            }
            for row in 0..rows {
                for column in 0..columns {
                    if let (Some(a), Some(b)) = (right[row][column], down[row][column]) {
                        let a: i64 = a;
                        self.mac(cycle);
                        let (sum, count) = &mut sums[row][column];
                        *sum += a * b;
                        *count += 1;
                        if *count == time {
                            assert!(chain[row][column].is_none(), "two results in one register");
                            chain[row][column] = Some((outputs[row], filters[column], *sum));
                        }
                    }
                }
            }
            cycle += 1;
        }
        let last_written = cycle - 1;
        self.trace.computing += self.last_mac - self.first_mac.unwrap() + 1;
        // The first result of the next fold is written no earlier than one cycle after the last of this one.
        let earliest = (self.start + last_written + 1).saturating_sub(first_written.unwrap());
        (self.start + self.last_mac + 1).max(earliest)
    }

    /// Weight or input stationary: `places` of the window over the rows, filters or outputs over the columns.
    fn loaded(&mut self, places: &[u64], across: &[u64], array: &Array) -> u64 {
        let weights_stay = array.dataflow == Dataflow::WeightStationary;
        let time = if weights_stay { self.shape.outputs() } else { self.shape.layer.filters };
        let (rows, columns) = (places.len(), across.len());
        let all_rows = array.rows as usize;
        let mut stationary = vec![vec![0i64; columns]; rows];
        for (cycle, &place) in places.iter().rev().enumerate() {
            for row in (1..rows).rev() {
                stationary[row] = stationary[row - 1].clone();
            }
            for column in 0..columns {
                stationary[0][column] = if weights_stay {
                    self.filter(cycle as u64, self.shape.weight(across[column], place))
                } else {
                    self.ifmap(cycle as u64, self.shape.input(across[column], place))
                };
            }
        }
        let mut right: Vec<Vec<Option<(u64, i64)>>> = vec![vec![None; columns]; rows];
        let mut sums: Vec<Vec<Option<(u64, i64)>>> = vec![vec![None; columns]; all_rows];
        let mut written = 0;
        let mut cycle = rows as u64;
        while written < time * columns as u64 {
            for column in 0..columns {
                if let Some((step, sum)) = sums[all_rows - 1][column] {
                    let (output, filter) =
                        if weights_stay { (step, across[column]) } else { (across[column], step) };
                    self.write(cycle, output, filter, sum);
                    written += 1;
                }
            }
            for row in 0..rows {
                for column in (1..columns).rev() {
                    right[row][column] = right[row][column - 1];
                }
                let step = (cycle - rows as u64).checked_sub(row as u64).filter(|&step| step < time);
                right[row][0] = step.map(|step| {
                    let value = if weights_stay {
                        self.ifmap(cycle, self.shape.input(step, places[row]))
                    } else {
                        self.filter(cycle, self.shape.weight(step, places[row]))
                    };
                    (step, value)
                });
            }
            for column in 0..columns {
                for row in (0..all_rows).rev() {
                    let above = if row > 0 { sums[row - 1][column] } else { None };
                    sums[row][column] = if row < rows {
                        right[row][column].map(|(step, value)| {
                            self.mac(cycle);
                            let before = above.map_or(0, |(other, sum)| {
                                assert_eq!(other, step, "sums of two results meet");
                                sum
                            });
                            (step, before + value * stationary[row][column])
                        })
                    } else {
                        above
                    };
                }
            }
            cycle += 1;
        }
        self.trace.computing += self.last_mac - self.first_mac.unwrap() + 1;
        self.start + self.last_mac + 1
    }
}
