//! The output buffer: a queue of memory lines that is drained half a buffer at a time.
use std::collections::VecDeque;

use super::traffic::Transfer;

/// State of the output buffer. Times are cycles, `width` is the DRAM bandwidth in words per cycle and thereby the
/// length of a memory line.
#[derive(Debug)]
pub(super) struct WriteBuffer {
    width: i64,
    half: i64,
    drain: i64,
    free: i64,
    end: i64,
    /// Words in the line being filled.
    open: i64,
    /// Lines closed and lines drained so far.
    closed: i64,
    drained: i64,
    /// Lines that were closed early: number of the line, words missing.
    partial: VecDeque<(i64, i64)>,
    transfer: Option<Transfer>,
}

impl WriteBuffer {
    pub fn new(size: u64, width: u64) -> Self {
        let size = size as i64;
        let half = (size + 1) / 2;
        Self {
            width: width as i64,
            half,
            drain: size - half,
            free: size,
            end: 0,
            open: 0,
            closed: 0,
            drained: 0,
            partial: VecDeque::new(),
            transfer: None,
        }
    }

    /// Writes `words` words in one cycle that starts at `now`; returns the cycles the array has to wait.
    pub fn write(&mut self, now: i64, words: u64) -> i64 {
        let mut words = words as i64;
        let mut time = now;
        while words > 0 {
            if time < self.end {
                let until_full = self.free.max(1);
                if words < until_full {
                    self.append(words);
                    break;
                }
                self.append(until_full);
                words -= until_full;
                time = self.end;
            } else {
                let until_half = (self.free - self.half + 1).max(1);
                if words < until_half {
                    self.append(words);
                    break;
                }
                self.append(until_half);
                words -= until_half;
                self.drain_at(time);
            }
        }
        time - now
    }

    /// Words that can be written from now on before a drain starts, once the last drain has ended.
    pub fn room_before_drain(&self) -> i64 {
        (self.free - self.half).max(0)
    }

    /// Words that can be written before the array has to wait for the running drain.
    pub fn room_before_wait(&self) -> i64 {
        (self.free - 1).max(0)
    }

    /// Time at which the last drain ends.
    pub fn end(&self) -> i64 {
        self.end
    }

    /// Adds words that cause no drain and no wait.
    pub fn append(&mut self, words: i64) {
        self.free -= words;
        self.open += words;
        self.closed += self.open / self.width;
        self.open %= self.width;
    }

    /// Starts to write half a buffer to memory.
    fn drain_at(&mut self, time: i64) {
        if self.open > 0 {
            self.partial.push_back((self.closed, self.width - self.open));
            self.closed += 1;
            self.open = 0;
        }
        let lines = ((self.drain + self.width - 1) / self.width).min(self.closed - self.drained);
        let last = self.drained + lines - 1;
        let mut missing = 0;
        // Only the last line taken is credited with its true length; shorter lines before it count as full.
        while let Some(&(line, short)) = self.partial.front() {
            if line > last {
                break;
            }
            if line == last {
                missing = short;
            }
            self.partial.pop_front();
        }
        self.drained += lines;
        let words = lines * self.width - missing;
        self.free += words;
        self.end = time + lines - 1;
        let transfer =
            self.transfer.get_or_insert(Transfer { words: 0, start: time, stop: self.end, latest: self.end });
        transfer.words += words as u64;
        transfer.stop = self.end;
        transfer.latest = transfer.latest.max(self.end);
    }

    /// Drains what is left, from `time` on, and returns the whole transfer.
    pub fn finish(mut self, mut time: i64) -> Transfer {
        while self.open > 0 || self.closed > self.drained {
            self.drain_at(time);
            time = self.end + 1;
        }
        self.transfer.unwrap_or_default()
    }
}
