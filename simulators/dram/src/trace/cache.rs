//! A cache hierarchy that turns the accesses of a processor into the requests that reach memory.
//!
//! Split first-level caches (instructions, data) in front of any number of shared levels. Every level is
//! set-associative with least-recently-used replacement, write-back and write-allocate. The hierarchy is inclusive: a
//! line that leaves a level also leaves the levels above it. Nothing is prefetched, and no time passes.
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// One cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CacheLevel {
    /// Capacity in bytes; `size_bytes / (ways * line_bytes)` is a power of two.
    pub size_bytes: u64,
    /// Associativity, 1 to 64.
    pub ways: u32,
    /// Line in bytes: a power of two from 16 to 4096, not smaller than that of the level above.
    pub line_bytes: u32,
}

impl CacheLevel {
    /// Reads `size:ways:line`, for example `32k:8:64`.
    ///
    /// # Errors
    /// [`Error::InvalidValue`].
    pub fn parse(text: &str) -> Result<Self> {
        let fields: Vec<_> = text.split(':').collect();
        let number = |field: &str| {
            let (digits, shift) = match field.as_bytes().last() {
                Some(b'k' | b'K') => (&field[..field.len() - 1], 10),
                Some(b'm' | b'M') => (&field[..field.len() - 1], 20),
                _ => (field, 0),
            };
            digits.parse::<u64>().ok().and_then(|value| value.checked_mul(1 << shift))
        };
        let level = match fields.as_slice() {
            [size, ways, line] => number(size).zip(ways.parse().ok()).zip(line.parse().ok()),
            _ => None,
        };
        let ((size_bytes, ways), line_bytes) =
            level.ok_or_else(|| invalid("cache", text, "expected SIZE:WAYS:LINE", "for example 32k:8:64"))?;
        let level = Self { size_bytes, ways, line_bytes };
        level.check("cache")?;
        Ok(level)
    }

    fn check(&self, name: &str) -> Result<()> {
        let show = format!("{}:{}:{}", self.size_bytes, self.ways, self.line_bytes);
        if !(1..=64).contains(&self.ways) {
            return Err(invalid(
                name,
                show,
                "the number of ways is outside 1 to 64",
                "common values are 4, 8 and 16",
            ));
        }
        if !self.line_bytes.is_power_of_two() || !(16..=4096).contains(&self.line_bytes) {
            return Err(invalid(
                name,
                show,
                "the line is no power of two from 16 to 4096 bytes",
                "64 is common",
            ));
        }
        let set_bytes = u64::from(self.ways) * u64::from(self.line_bytes);
        let sets = self.size_bytes / set_bytes;
        if !self.size_bytes.is_multiple_of(set_bytes) || !sets.is_power_of_two() || self.size_bytes > 1 << 30
        {
            let message = "size / (ways * line) is no power of two, or the size is above 1 GiB";
            return Err(invalid(name, show, message, "for example 32k:8:64 has 64 sets"));
        }
        Ok(())
    }
}

/// The hierarchy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CacheConfig {
    /// First-level instruction cache; without one, instruction fetches are not traced.
    pub instruction: Option<CacheLevel>,
    /// First-level data cache; without one, data accesses go to the shared levels directly.
    pub data: Option<CacheLevel>,
    /// Shared levels from near to far; may be empty.
    pub shared: Vec<CacheLevel>,
}

impl Default for CacheConfig {
    /// A small core: 32 KiB instructions and data, 512 KiB shared.
    fn default() -> Self {
        let first = CacheLevel { size_bytes: 32 << 10, ways: 8, line_bytes: 64 };
        let shared = vec![CacheLevel { size_bytes: 512 << 10, ways: 8, line_bytes: 64 }];
        Self { instruction: Some(first), data: Some(first), shared }
    }
}

impl CacheConfig {
    /// Checks every level and their order.
    ///
    /// # Errors
    /// [`Error::InvalidValue`] naming the level.
    pub fn check(&self) -> Result<()> {
        let first = [("instruction cache", self.instruction), ("data cache", self.data)];
        for (name, level) in first {
            level.map_or(Ok(()), |level| level.check(name))?;
        }
        if self.shared.len() > 4 {
            return Err(invalid("shared caches", self.shared.len(), "more than 4 levels", "leave some out"));
        }
        let mut above =
            first.iter().filter_map(|(_, level)| level.map(|level| level.line_bytes)).max().unwrap_or(0);
        for (number, level) in self.shared.iter().enumerate() {
            let name = format!("shared cache {}", number + 1);
            level.check(&name)?;
            if level.line_bytes < above {
                let message = format!("its line is shorter than the {above} bytes of the level above");
                return Err(invalid(&name, level.line_bytes, message, "lines may only grow towards memory"));
            }
            above = level.line_bytes;
        }
        Ok(())
    }

    /// Bytes of one memory request: the line of the last level, 64 without caches.
    pub fn request_bytes(&self) -> u32 {
        let first = self.data.or(self.instruction);
        self.shared.last().copied().or(first).map_or(64, |level| level.line_bytes)
    }
}

fn invalid(name: &str, value: impl ToString, message: impl Into<String>, remedy: &str) -> Error {
    Error::InvalidValue {
        parameter: name.into(),
        value: value.to_string(),
        message: message.into(),
        remedy: remedy.into(),
    }
}

/// Marks a way without a line.
const EMPTY: u64 = u64::MAX;

/// One cache: per set, its ways from the most to the least recently used, as line number * 2 + dirty.
#[derive(Debug, Clone)]
struct Cache {
    ways: usize,
    line_shift: u32,
    set_mask: u64,
    entries: Vec<u64>,
    hits: u64,
    misses: u64,
}

impl Cache {
    fn new(level: CacheLevel) -> Self {
        let ways = level.ways as usize;
        let sets = level.size_bytes / (u64::from(level.ways) * u64::from(level.line_bytes));
        Self {
            ways,
            line_shift: level.line_bytes.trailing_zeros(),
            set_mask: sets - 1,
            entries: vec![EMPTY; sets as usize * ways],
            hits: 0,
            misses: 0,
        }
    }

    fn set(&mut self, line: u64) -> &mut [u64] {
        let first = (line & self.set_mask) as usize * self.ways;
        &mut self.entries[first..first + self.ways]
    }

    /// Looks `line` up and makes it the most recent; on a hit with `write` it becomes dirty.
    fn touch(&mut self, line: u64, write: bool) -> bool {
        let set = self.set(line);
        let hit = match set.iter().position(|entry| entry >> 1 == line) {
            Some(way) => {
                set[..=way].rotate_right(1);
                set[0] |= u64::from(write);
                true
            }
            None => false,
        };
        *(if hit { &mut self.hits } else { &mut self.misses }) += 1;
        hit
    }

    /// Puts `line` in as the most recent; returns the line that leaves and whether it is dirty.
    fn insert(&mut self, line: u64, dirty: bool) -> Option<(u64, bool)> {
        let set = self.set(line);
        let way = set.iter().position(|entry| *entry == EMPTY).unwrap_or(set.len() - 1);
        let old = set[way];
        set[..=way].rotate_right(1);
        set[0] = line << 1 | u64::from(dirty);
        (old != EMPTY).then_some((old >> 1, old & 1 == 1))
    }

    /// Takes `line` out; returns whether it was dirty.
    fn invalidate(&mut self, line: u64) -> bool {
        let set = self.set(line);
        let Some(way) = set.iter().position(|entry| entry >> 1 == line) else { return false };
        let dirty = set[way] & 1 == 1;
        set[way..].rotate_left(1);
        set[set.len() - 1] = EMPTY;
        dirty
    }
}

/// A request that reaches memory: the address of a line and its direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineRequest {
    /// Address of the first byte of the line.
    pub address: u64,
    /// `true` for a write-back.
    pub is_write: bool,
}

/// The hierarchy with its contents.
#[derive(Debug, Clone)]
pub struct Hierarchy {
    /// The caches from near to far: instructions (0), data (1), then the shared ones.
    caches: Vec<Option<Cache>>,
    memory_shift: u32,
    traces_instructions: bool,
}

/// Index of the first shared level.
const SHARED: usize = 2;

impl Hierarchy {
    /// An empty hierarchy.
    ///
    /// # Errors
    /// Those of [`CacheConfig::check`].
    pub fn new(config: &CacheConfig) -> Result<Self> {
        config.check()?;
        let first = [config.instruction, config.data].map(|level| level.map(Cache::new));
        let shared = config.shared.iter().map(|level| Some(Cache::new(*level)));
        Ok(Self {
            caches: first.into_iter().chain(shared).collect(),
            memory_shift: config.request_bytes().trailing_zeros(),
            traces_instructions: config.instruction.is_some(),
        })
    }

    /// Whether instruction fetches have any effect.
    pub fn traces_instructions(&self) -> bool {
        self.traces_instructions
    }

    /// Fetches the instruction bytes at `address`; the requests to memory are appended to `out`, in order.
    pub fn fetch(&mut self, address: u64, bytes: u32, out: &mut Vec<LineRequest>) {
        if self.traces_instructions {
            self.span(0, address, bytes, false, out);
        }
    }

    /// Reads or writes data; the requests to memory are appended to `out`, in order.
    pub fn access(&mut self, address: u64, bytes: u32, is_write: bool, out: &mut Vec<LineRequest>) {
        self.span(1, address, bytes, is_write, out);
    }

    /// Hits and misses per cache: instructions, data, shared levels; absent caches are left out.
    pub fn statistics(&self) -> Vec<(u64, u64)> {
        self.caches.iter().flatten().map(|cache| (cache.hits, cache.misses)).collect()
    }

    /// Touches every line of an access.
    fn span(&mut self, entry: usize, address: u64, bytes: u32, is_write: bool, out: &mut Vec<LineRequest>) {
        let shift = self.caches[entry].as_ref().map_or(self.memory_shift, |cache| cache.line_shift);
        let last = address.saturating_add(u64::from(bytes.max(1)) - 1) >> shift;
        for line in address >> shift..=last {
            self.touch(entry, line << shift, is_write, out);
        }
    }

    /// One access to the line of `address` at `level`, which brings it in if needed.
    fn touch(&mut self, level: usize, address: u64, is_write: bool, out: &mut Vec<LineRequest>) {
        if level >= self.caches.len() {
            let address = address >> self.memory_shift << self.memory_shift;
            return out.push(LineRequest { address, is_write });
        }
        let below = if level < SHARED { SHARED } else { level + 1 };
        let Some(cache) = &mut self.caches[level] else { return self.touch(below, address, is_write, out) };
        let line = address >> cache.line_shift;
        if cache.touch(line, is_write) {
            return;
        }
        // The line comes in first: on its way it may push lines out of this level.
        self.touch(below, address, false, out);
        let Some(cache) = &mut self.caches[level] else { return };
        let shift = cache.line_shift;
        if let Some((victim, dirty)) = cache.insert(line, is_write) {
            let above_dirty = self.invalidate_above(level, victim << shift, shift);
            if dirty || above_dirty {
                self.write_back(below, victim << shift, out);
            }
        }
    }

    /// Takes the line out of the levels above `level`; returns whether any copy was dirty.
    fn invalidate_above(&mut self, level: usize, address: u64, shift: u32) -> bool {
        let above = if level < SHARED { 0..0 } else { 0..level };
        let mut dirty = false;
        for cache in self.caches[above].iter_mut().flatten() {
            for line in address >> cache.line_shift..(address + (1 << shift)) >> cache.line_shift {
                dirty |= cache.invalidate(line);
            }
        }
        dirty
    }

    /// A dirty line leaves the level above `level`: mark the copy below, which inclusion guarantees, or write memory.
    fn write_back(&mut self, level: usize, address: u64, out: &mut Vec<LineRequest>) {
        if let Some(Some(cache)) = self.caches.get_mut(level) {
            let line = address >> cache.line_shift;
            if let Some(entry) = cache.set(line).iter_mut().find(|entry| **entry >> 1 == line) {
                *entry |= 1;
                return;
            }
        }
        out.push(LineRequest { address: address >> self.memory_shift << self.memory_shift, is_write: true });
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn level(size_bytes: u64, ways: u32, line_bytes: u32) -> CacheLevel {
        CacheLevel { size_bytes, ways, line_bytes }
    }

    fn data_only(shared: &[CacheLevel], first: CacheLevel) -> Hierarchy {
        let config = CacheConfig { instruction: None, data: Some(first), shared: shared.to_vec() };
        Hierarchy::new(&config).unwrap()
    }

    fn run(hierarchy: &mut Hierarchy, accesses: &[(u64, bool)]) -> Vec<(u64, bool)> {
        let mut out = Vec::new();
        for (address, is_write) in accesses {
            hierarchy.access(*address, 1, *is_write, &mut out);
        }
        out.iter().map(|request| (request.address, request.is_write)).collect()
    }

    #[test]
    fn least_recently_used_line_leaves() {
        // One set of two ways.
        let mut cache = data_only(&[], level(128, 2, 64));
        let out =
            run(&mut cache, &[(0, false), (64, false), (0, false), (128, false), (0, false), (64, false)]);
        assert_eq!(out, [(0, false), (64, false), (128, false), (64, false)]);
        assert_eq!(cache.statistics(), [(2, 4)]);
    }

    #[test]
    fn dirty_lines_are_written_back_after_the_fill() {
        let mut cache = data_only(&[], level(64, 1, 64));
        assert_eq!(run(&mut cache, &[(5, true), (70, false)]), [(0, false), (64, false), (0, true)]);
    }

    #[test]
    fn dirty_data_above_reaches_memory_when_the_shared_level_evicts() {
        // First level of two lines, shared level of one set with two ways: the third line evicts the first from both.
        let mut cache = data_only(&[level(128, 2, 64)], level(256, 4, 64));
        let out = run(&mut cache, &[(0, true), (64, false), (128, false), (0, false)]);
        assert_eq!(out, [(0, false), (64, false), (128, false), (0, true), (0, false)]);
    }

    #[test]
    fn accesses_across_a_border_touch_both_lines() {
        let mut cache = data_only(&[], level(1024, 2, 64));
        let mut out = Vec::new();
        cache.access(60, 8, false, &mut out);
        assert_eq!(out.len(), 2);
        cache.fetch(0, 4, &mut out);
        assert_eq!(out.len(), 2, "no instruction cache, no fetches");
    }

    #[test]
    fn wrong_levels_are_refused() {
        for (text, part) in [
            ("32k", "SIZE:WAYS:LINE"),
            ("32k:0:64", "ways"),
            ("32k:8:48", "line"),
            ("33k:8:64", "power of two"),
            ("0:8:64", "power of two"),
        ] {
            let error = CacheLevel::parse(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
        let config = CacheConfig {
            instruction: None,
            data: Some(level(1024, 2, 128)),
            shared: vec![level(4096, 2, 64)],
        };
        assert!(config.check().unwrap_err().to_string().contains("shorter than"));
        assert_eq!(CacheLevel::parse("32k:8:64").unwrap(), level(32 << 10, 8, 64));
    }

    proptest! {
        /// Against memory itself: a line is read before it is used, and every written line that is no longer in a cache
        /// has been written back.
        #[test]
        fn no_write_is_lost(accesses in proptest::collection::vec((0_u64..64, any::<bool>()), 1..400)) {
            let mut cache = data_only(&[level(1024, 2, 64), level(2048, 2, 128)], level(256, 2, 64));
            let mut dirty: HashSet<u64> = HashSet::new();
            let mut out = Vec::new();
            for (block, is_write) in accesses {
                out.clear();
                cache.access(block * 64, 1, is_write, &mut out);
                for request in &out {
                    prop_assert_eq!(request.address % 128, 0);
                    if request.is_write {
                        let halves = [request.address / 64, request.address / 64 + 1].map(|half| dirty.remove(&half));
                        prop_assert!(halves[0] || halves[1], "clean line written back");
                    }
                }
                if is_write {
                    dirty.insert(block);
                }
                // Inclusion: whatever is dirty and not written back is held by the last level.
                let last = cache.caches.last_mut().and_then(Option::as_mut).unwrap();
                for line in &dirty {
                    let line = line / 2;
                    prop_assert!(last.set(line).iter().any(|entry| entry >> 1 == line));
                }
            }
        }
    }
}
