//! The double-buffered memories, word by word.
use std::collections::{BTreeMap, HashSet};

use hwgym_accelerator::systolic::{Buffers, Dataflow};

use super::array::{Line, Request, Trace};

/// What is fetched of an operand, in order: from which line on it is needed, and the words.
struct Loads {
    resident: bool,
    list: Vec<(usize, Vec<u64>)>,
}

/// Results of the memories.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Memory {
    pub stalls: u64,
    pub drain: u64,
    pub write_back: u64,
    pub fill: u64,
    pub ifmap_words: u64,
    pub filter_words: u64,
    pub written_words: u64,
    pub read_back_words: u64,
}

fn distinct(words: impl IntoIterator<Item = u64>) -> Vec<u64> {
    let mut seen = HashSet::new();
    words.into_iter().filter(|&word| seen.insert(word)).collect()
}

/// `dense` are the words of the whole tensor where it is copied as it lies in memory.
fn loads(trace: &Trace, of: impl Fn(&Line) -> &Vec<Request>, size: u64, dense: Option<u64>) -> Loads {
    let half = (size / 2) as usize;
    let all = distinct(trace.lines.iter().flat_map(|line| of(line).iter().map(|request| request.address)));
    let requests: usize = trace.lines.iter().map(|line| of(line).len()).sum();
    if all.len() as u64 <= size {
        let words = match dense {
            Some(words) if words <= size && words <= requests as u64 => (0..words).collect(),
            _ => all,
        };
        return Loads { resident: true, list: vec![(0, words)] };
    }
    let mut list = Vec::new();
    let mut before: Vec<(u64, u64)> = Vec::new();
    for fold in 0..trace.folds.len() {
        let lines: Vec<usize> = (0..trace.lines.len())
            .filter(|&line| trace.lines[line].fold == fold && !of(&trace.lines[line]).is_empty())
            .collect();
        let asked: Vec<&Request> = lines.iter().flat_map(|&line| of(&trace.lines[line])).collect();
        let places: Vec<(u64, u64)> = asked.iter().map(|request| (request.outer, request.inner)).collect();
        let words = distinct(asked.iter().map(|request| request.address));
        if words.len() <= half {
            if places != before {
                list.push((lines[0], words));
            }
        } else {
            let mut segment: (usize, Vec<u64>) = (lines[0], Vec::new());
            for &line in &lines {
                let words: Vec<u64> = of(&trace.lines[line]).iter().map(|request| request.address).collect();
                if segment.1.len() + words.len() > half {
                    list.push(std::mem::replace(&mut segment, (line, Vec::new())));
                }
                segment.1.extend(words);
            }
            list.push(segment);
        }
        before = places;
    }
    Loads { resident: false, list }
}

/// An interface to DRAM that fills one half while the other is used.
struct Reader {
    loads: Loads,
    /// Load in use; None before the first.
    used: Option<usize>,
    present: HashSet<u64>,
    other: HashSet<u64>,
    waiting: Vec<u64>,
    moved: u64,
}

impl Reader {
    fn new(loads: Loads) -> Self {
        let mut reader = Self {
            used: None,
            present: loads.list[0].1.iter().copied().collect(),
            other: HashSet::new(),
            waiting: Vec::new(),
            moved: loads.list[0].1.len() as u64,
            loads,
        };
        reader.request(1);
        reader
    }

    fn request(&mut self, load: usize) {
        if let Some((_, words)) = self.loads.list.get(load) {
            self.waiting = words.iter().rev().copied().collect();
        }
    }

    /// Goes over to the other half where `line` needs it; false: it is not ready.
    fn ready(&mut self, line: usize) -> bool {
        if self.loads.resident {
            return true;
        }
        let Some(used) = self.used else {
            if self.loads.list[0].0 == line {
                self.used = Some(0);
            }
            return true;
        };
        if self.loads.list.get(used + 1).is_some_and(|load| load.0 == line) {
            if !self.waiting.is_empty() {
                return false;
            }
            self.present = std::mem::take(&mut self.other);
            self.used = Some(used + 1);
            self.request(used + 2);
        }
        true
    }

    fn transfer(&mut self, width: u64) {
        for _ in 0..width {
            if let Some(word) = self.waiting.pop() {
                self.other.insert(word);
                self.moved += 1;
            }
        }
    }
}

/// The output buffer: words of each switch, and of these the ones that come back before they are added to.
struct Writer {
    switches: Vec<(usize, u64, u64)>,
    done: usize,
    waiting: u64,
    written: u64,
    read_back: u64,
}

impl Writer {
    fn new(trace: &Trace, dataflow: Dataflow, size: u64) -> Self {
        let half = size / 2;
        let mut switches = Vec::new();
        for (fold, &(row, _)) in trace.folds.iter().enumerate() {
            let mut lines: BTreeMap<usize, u64> = BTreeMap::new();
            for (index, line) in trace.lines.iter().enumerate() {
                let words = line.writes.iter().filter(|write| write.1 == fold).count() as u64;
                if words > 0 {
                    lines.insert(index, words);
                }
            }
            let (&first, total) = (lines.keys().next().unwrap(), lines.values().sum::<u64>());
            if dataflow != Dataflow::OutputStationary && total <= half {
                if row == 0 {
                    switches.push((first, total, 0));
                }
                continue;
            }
            let back = dataflow != Dataflow::OutputStationary && row > 0;
            let mut segment = (first, 0);
            let mut push = |segment: (usize, u64)| {
                switches.push((segment.0, segment.1, if back { segment.1 } else { 0 }));
            };
            for (line, words) in lines {
                if segment.1 + words > half {
                    push(segment);
                    segment = (line, 0);
                }
                segment.1 += words;
            }
            push(segment);
        }
        Self { switches, done: 0, waiting: 0, written: 0, read_back: 0 }
    }

    fn ready(&mut self, line: usize) -> bool {
        if self.switches.get(self.done).is_some_and(|switch| switch.0 == line) {
            if self.waiting > 0 {
                return false;
            }
            // The half that was filled is drained, then loaded for the switch after this one.
            let drained = if self.done > 0 { self.switches[self.done - 1].1 } else { 0 };
            let loaded = self.switches.get(self.done + 1).map_or(0, |next| next.2);
            self.waiting = drained + loaded;
            self.written += drained;
            self.read_back += loaded;
            self.done += 1;
        }
        true
    }
}

/// Plays the lines of the array against the memories, one cycle after the other.
pub fn play(trace: &Trace, dataflow: Dataflow, buffers: &Buffers, dense: Option<u64>) -> Memory {
    let width = buffers.words_per_cycle;
    let mut ifmap = Reader::new(loads(trace, |line| &line.ifmap, buffers.ifmap_words, dense));
    let mut filter = Reader::new(loads(trace, |line| &line.filter, buffers.filter_words, None));
    let mut writer = Writer::new(trace, dataflow, buffers.ofmap_words);
    let fill = ifmap.moved.max(filter.moved).div_ceil(width);
    let mut time = 0u64;
    let mut line = 0;
    let mut switched = [false; 3];
    let mut end_of_macs = 0;
    while line < trace.lines.len() {
        if !switched[0] {
            switched[0] = ifmap.ready(line);
        }
        if !switched[1] {
            switched[1] = filter.ready(line);
        }
        if !switched[2] {
            switched[2] = writer.ready(line);
        }
        if switched == [true; 3] {
            for request in &trace.lines[line].ifmap {
                assert!(ifmap.present.contains(&request.address));
            }
            for request in &trace.lines[line].filter {
                assert!(filter.present.contains(&request.address));
            }
            line += 1;
            switched = [false; 3];
            if line as u64 == trace.cycles {
                end_of_macs = time + 1;
            }
        }
        ifmap.transfer(width);
        filter.transfer(width);
        writer.waiting = writer.waiting.saturating_sub(width);
        time += 1;
        for (reader, words) in [(&ifmap, buffers.ifmap_words), (&filter, buffers.filter_words)] {
            assert!(
                reader.loads.resident || reader.present.len().max(reader.other.len()) as u64 <= words / 2
            );
        }
    }
    let end = time;
    let last = writer.switches[writer.done - 1].1;
    let mut write_back = writer.waiting.div_ceil(width) + last.div_ceil(width);
    writer.written += last;
    // An interface that has been idle since long ago adds nothing.
    if last == 0 {
        write_back = 0;
    }
    Memory {
        stalls: end_of_macs - trace.cycles,
        drain: end - end_of_macs,
        write_back,
        fill,
        ifmap_words: ifmap.moved,
        filter_words: filter.moved,
        written_words: writer.written,
        read_back_words: writer.read_back,
    }
}
