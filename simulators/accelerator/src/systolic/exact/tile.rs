//! How many different words of the input a fold asks for.
use std::ops::Range;

use super::super::config::Layer;

/// Counts the different input elements under a range of outputs and a range of the window.
pub(super) struct Tiles<'a> {
    layer: &'a Layer,
    /// Marks of the columns of one input row, a bit each.
    marks: Vec<u64>,
}

impl<'a> Tiles<'a> {
    pub fn new(layer: &'a Layer) -> Self {
        Self { layer, marks: vec![0; layer.ifmap_width.div_ceil(64) as usize] }
    }

    /// Different elements of `outputs` (in raster order) at the places `window` of their windows (row, column, channel).
    pub fn words(&mut self, outputs: Range<u64>, window: Range<u64>) -> u64 {
        let channels = self.layer.channels;
        // The window's cells are asked for in full, but for the first and the last.
        let (first, from) = (window.start / channels, window.start % channels);
        let (last, upto) = ((window.end - 1) / channels, (window.end - 1) % channels + 1);
        let mut borders = [0, from, upto, channels];
        borders.sort_unstable();
        let mut words = 0;
        for pair in borders.windows(2) {
            let (low, high) = (pair[0], pair[1]);
            let cells = first + u64::from(low < from)..last + u64::from(low < upto);
            if low < high && cells.start < cells.end {
                words += (high - low) * self.cells(&outputs, &cells);
            }
        }
        words
    }

    /// Different places of the input under `outputs` and the window's `cells`.
    fn cells(&mut self, outputs: &Range<u64>, cells: &Range<u64>) -> u64 {
        let layer = self.layer;
        let (width, filter) = (layer.output_width(), layer.filter_width);
        let rows = outputs.start / width..(outputs.end - 1) / width + 1;
        let lines = cells.start / filter..(cells.end - 1) / filter + 1;
        let stride = layer.stride_height;
        let mut count = 0;
        for y in rows.start * stride + lines.start..(rows.end - 1) * stride + lines.end {
            let mut touched: Option<Range<u64>> = None;
            // Output rows whose window line at y is one of `lines`.
            let low = (y + 1).saturating_sub(lines.end).div_ceil(stride).max(rows.start);
            let high = (y.saturating_sub(lines.start) / stride + 1).min(rows.end);
            for row in low..high {
                let line = y - row * stride;
                let part = |all: &Range<u64>, index: u64, length: u64| {
                    let start = all.start.max(index * length) - index * length;
                    start..all.end.min((index + 1) * length) - index * length
                };
                let span = self.mark(&part(outputs, row, width), &part(cells, line, filter));
                touched = Some(match touched {
                    Some(other) => other.start.min(span.start)..other.end.max(span.end),
                    None => span,
                });
            }
            if let Some(touched) = touched {
                let words =
                    &mut self.marks[(touched.start / 64) as usize..=((touched.end - 1) / 64) as usize];
                for word in words {
                    count += u64::from(word.count_ones());
                    *word = 0;
                }
            }
        }
        count
    }

    /// Marks the input columns of a run of outputs at a run of window columns; returns the range they lie in.
    fn mark(&mut self, outputs: &Range<u64>, columns: &Range<u64>) -> Range<u64> {
        let stride = self.layer.stride_width;
        let span = outputs.start * stride + columns.start..(outputs.end - 1) * stride + columns.end;
        if columns.end - columns.start >= stride || outputs.end - outputs.start == 1 {
            self.set(span.clone());
        } else {
            for output in outputs.clone() {
                self.set(output * stride + columns.start..output * stride + columns.end);
            }
        }
        span
    }

    fn set(&mut self, range: Range<u64>) {
        let (first, last) = ((range.start / 64) as usize, ((range.end - 1) / 64) as usize);
        let head = u64::MAX << (range.start % 64);
        let tail = u64::MAX >> (63 - (range.end - 1) % 64);
        if first == last {
            self.marks[first] |= head & tail;
        } else {
            self.marks[first] |= head;
            self.marks[first + 1..last].fill(u64::MAX);
            self.marks[last] |= tail;
        }
    }
}
