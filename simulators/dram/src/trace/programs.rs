//! Recorded programs played together: the contention of several cores on one memory.
//!
//! `mix:programs=bfs+sqlite+xz+sort,load=0.6` plays four of the recorded traces as four cores would run them. Each core takes the same share of
//! the requests, from the start of its program on; the time stamps of each are scaled so that all cores begin and end together and the mix asks
//! for `load` of the peak bandwidth. What a program does within its share (bursts, pauses, the order of reads and writes) stays as recorded.
//!
//! No two cores share a page: the frames of a core are those of its recording, moved round the memory of [`MEMORY_BYTES`] by a distance of its
//! own; a frame that an earlier core holds gives way to the next free one.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::generate::{each_setting, invalid, real, whole, within};
use super::paging::PAGE_BYTES;
use super::{MAX_CYCLE, ShippedTrace};
use crate::{Error, Request, Result};

/// The memory that the programs were recorded with, and that they share.
pub const MEMORY_BYTES: u64 = 1 << 30;

/// Most programs of a mix.
const MOST: usize = 16;

/// Names and meanings of the settings of a mix of programs.
pub const MIX_SETTINGS: [(&str, &str); 4] = [
    ("programs", "recorded traces played together, joined by `+`: one core each, 2 to 16"),
    ("load", "bandwidth asked for, as a share of the peak: above 0, at most 4"),
    ("requests", "number of requests of all cores together"),
    ("line-cycles", "cycles in which the memory moves 64 bytes at its peak; 4 for a 64-bit DDR bus"),
];

/// Recorded programs that share a memory.
///
/// ```
/// use hwgym_dram::trace::ProgramMix;
///
/// let mix = ProgramMix::parse("mix:programs=bfs+sort,load=0.5,requests=4000")?;
/// let requests = mix.requests()?;
/// assert_eq!(requests.len(), 4000);
/// // At half the load a line of 64 bytes comes every 8 cycles on average.
/// assert!((requests[3999].cycle as f64 / 4000.0 - 8.0).abs() < 0.1);
/// # Ok::<(), hwgym_dram::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProgramMix {
    /// Names of recorded traces, one per core; a name may come twice.
    pub programs: Vec<String>,
    /// Bandwidth asked for, as a share of the peak.
    pub load: f64,
    /// Requests of all cores together.
    pub requests: u64,
    /// Cycles in which the memory moves 64 bytes at its peak.
    pub line_cycles: f64,
}

impl Default for ProgramMix {
    fn default() -> Self {
        Self { programs: Vec::new(), load: 0.6, requests: 10_000, line_cycles: 4.0 }
    }
}

impl ProgramMix {
    /// True if the text asks for programs, and not for the synthetic generator `mix`.
    pub fn is_meant(text: &str) -> bool {
        let Some(settings) = text.strip_prefix("mix:") else { return false };
        settings.split(',').any(|setting| {
            let name = setting.split('=').next().unwrap_or("").trim();
            ["programs", "load", "line-cycles", "line_cycles"].contains(&name)
        })
    }

    /// Reads `mix:programs=A+B,load=0.6`.
    ///
    /// # Errors
    /// [`Error::UnknownName`] and [`Error::InvalidValue`]; the result is checked.
    pub fn parse(text: &str) -> Result<Self> {
        let settings = text.split_once(':').map_or("", |(_, settings)| settings);
        let mut mix = Self::default();
        for setting in
            each_setting(settings, "setting of a mix of programs", "mix:programs=bfs+sqlite,load=0.6")
        {
            let (name, value) = setting?;
            mix.set(name, value)?;
        }
        mix.check()?;
        Ok(mix)
    }

    /// Sets one property by its name in [`MIX_SETTINGS`]; underscores count as hyphens.
    ///
    /// # Errors
    /// [`Error::UnknownName`] for another name, [`Error::InvalidValue`] if the value has the wrong form.
    pub fn set(&mut self, name: &str, value: &str) -> Result<()> {
        match name.replace('_', "-").as_str() {
            "programs" => self.programs = value.split('+').map(|name| name.trim().to_owned()).collect(),
            "load" => self.load = real(name, value)?,
            "requests" => self.requests = whole(name, value)?,
            "line-cycles" => self.line_cycles = real(name, value)?,
            _ => {
                let known = MIX_SETTINGS.map(|(name, _)| name);
                return Err(Error::unknown("setting of a mix of programs", name, known));
            }
        }
        Ok(())
    }

    /// Checks every range and every name.
    ///
    /// # Errors
    /// [`Error::UnknownName`] for a program that was not recorded, [`Error::InvalidValue`] for the first property outside its range.
    pub fn check(&self) -> Result<()> {
        if !(2..=MOST).contains(&self.programs.len()) {
            return Err(invalid(
                "programs",
                self.programs.join("+"),
                format!("expected 2 to {MOST} recorded programs"),
                "join their names by `+`, for example `programs=bfs+sqlite+xz+sort`",
            ));
        }
        for program in &self.programs {
            ShippedTrace::find(program)?;
        }
        within("load", self.load, f64::MIN_POSITIVE, 4.0)?;
        within("requests", self.requests as f64, self.programs.len() as f64, 1e7)?;
        within("line-cycles", self.line_cycles, 0.01, 1e4)
    }

    /// The requests, in order of time; at the same cycle the first core comes first.
    ///
    /// # Errors
    /// Those of [`ProgramMix::check`].
    pub fn requests(&self) -> Result<Vec<Request>> {
        self.check()?;
        let cores = self.programs.len() as u64;
        let span = self.requests as f64 * self.line_cycles / self.load;
        let mut memory = Memory::default();
        let mut mixed = Vec::with_capacity(self.requests as usize);
        for (core, program) in (0..cores).zip(&self.programs) {
            // Where the number does not divide, the first cores have one request more.
            let count = (self.requests / cores + u64::from(core < self.requests % cores)) as usize;
            let recorded = ShippedTrace::find(program)?.load()?;
            memory.next_core(core);
            for (cycle, request) in stretched(&recorded, count, span) {
                mixed.push(Request { cycle, address: memory.place(request.address), ..request });
            }
        }
        mixed.sort_by_key(|request| request.cycle);
        Ok(mixed)
    }
}

/// The first `count` requests of a program that begins again when it is over, with time stamps that fill the span: the mean distance of two
/// requests is that from one of them to the next, and from the last to the end.
fn stretched(recorded: &[Request], count: usize, span: f64) -> impl Iterator<Item = (u64, Request)> {
    let start = recorded.first().map_or(0, |request| request.cycle);
    let length = recorded.last().map_or(0, |request| request.cycle) - start;
    let mean = length as f64 / (recorded.len() - 1).max(1) as f64;
    let at = move |number: usize| {
        let (round, index) = (number / recorded.len(), number % recorded.len());
        round as f64 * (length as f64 + mean) + (recorded[index].cycle - start) as f64
    };
    let last = at(count.saturating_sub(1));
    // A single request stands at the start, whatever the scale.
    let natural = if count > 1 { last * count as f64 / (count - 1) as f64 } else { 1.0 };
    let scale = if natural > 0.0 { span / natural } else { 0.0 };
    (0..count).map(move |number| {
        let cycle = (at(number) * scale).min(MAX_CYCLE as f64) as u64;
        (cycle, recorded[number % recorded.len()])
    })
}

/// Which frames are whose.
#[derive(Default)]
struct Memory {
    taken: HashSet<u64>,
    /// Recorded frame to frame of the present core.
    frames: HashMap<u64, u64>,
    distance: u64,
}

const FRAMES: u64 = MEMORY_BYTES / PAGE_BYTES;

impl Memory {
    fn next_core(&mut self, core: u64) {
        self.frames.clear();
        // Multiples of the golden section spread the cores evenly over the memory, however many there are.
        self.distance = (core as f64 * 0.618_033_988_75 * FRAMES as f64) as u64 % FRAMES;
    }

    fn place(&mut self, address: u64) -> u64 {
        let (page, offset) = (address / PAGE_BYTES, address % PAGE_BYTES);
        let (taken, distance) = (&mut self.taken, self.distance);
        let frame = *self.frames.entry(page).or_insert_with(|| {
            let mut frame = (page + distance) % FRAMES;
            while !taken.insert(frame) {
                frame = (frame + 1) % FRAMES;
            }
            frame
        });
        frame * PAGE_BYTES + offset
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mix(text: &str) -> Vec<Request> {
        ProgramMix::parse(text).unwrap().requests().unwrap()
    }

    #[test]
    fn cores_share_the_load_and_no_page() {
        for (programs, cores) in
            [("bfs+sort", 2), ("bfs+sqlite+xz+sort", 4), ("bfs+bfs+matmul+python+xz+sort+sqlite+xz", 8)]
        {
            for load in [0.3, 0.6, 0.9] {
                let requests = mix(&format!("mix:programs={programs},load={load}"));
                assert_eq!(requests.len(), 10_000);
                assert!(requests.windows(2).all(|pair| pair[0].cycle <= pair[1].cycle));
                // Every core's last request is one mean distance of its own before the end of the span.
                let end = requests[9_999].cycle as f64;
                let expected = 10_000.0 * 4.0 / load;
                let distance = cores as f64 * 4.0 / load;
                assert!(end <= expected && end >= expected - 2.0 * distance, "{programs} {load}: {end}");
                assert!(requests.iter().all(|request| request.address < MEMORY_BYTES));
            }
        }
        // Alone and in the mix a core has as many pages: none was merged with another core's.
        let pages = |requests: &[Request]| {
            requests.iter().map(|request| request.address / PAGE_BYTES).collect::<HashSet<_>>().len()
        };
        let alone = pages(&ShippedTrace::find("bfs").unwrap().load().unwrap()[..5_000]);
        assert_eq!(pages(&mix("mix:programs=bfs+bfs,load=0.6")), 2 * alone);
    }

    #[test]
    fn a_core_does_what_its_program_did() {
        let requests = mix("mix:programs=sort+xz,load=0.5,requests=4000");
        let recorded = ShippedTrace::find("sort").unwrap().load().unwrap();
        // The first core keeps its frames, so its requests are found by their addresses.
        let own: HashSet<u64> =
            recorded[..2_000].iter().map(|request| request.address / PAGE_BYTES).collect();
        let sort: Vec<_> = requests.iter().filter(|r| own.contains(&(r.address / PAGE_BYTES))).collect();
        assert_eq!(sort.len(), 2_000);
        for (played, recorded) in sort.iter().zip(&recorded) {
            assert_eq!((played.address, played.is_write), (recorded.address, recorded.is_write));
        }
        // 4,000 requests at half of one line per 4 cycles take 32,000 cycles; the same factor holds for every distance of this core.
        let factor = 32_000.0 / (recorded[1_999].cycle as f64 * 2_000.0 / 1_999.0);
        for (played, recorded) in sort.iter().zip(&recorded) {
            assert_eq!(played.cycle, (recorded.cycle as f64 * factor) as u64);
        }
    }

    #[test]
    fn a_program_that_is_over_begins_again() {
        let requests = mix("mix:programs=sort+bfs,load=1,requests=50000");
        assert_eq!(requests.len(), 50_000);
        let again = mix("mix:programs=sort+bfs,load=1,requests=50000");
        assert_eq!(requests, again);
    }

    #[test]
    fn wrong_mixes_are_refused_with_a_remedy() {
        for (text, part) in [
            ("mix:programs=bfs,load=0.5", "2 to 16 recorded programs"),
            ("mix:load=0.5", "2 to 16 recorded programs"),
            ("mix:programs=bfs+sqlit,load=0.5", "did you mean `sqlite`"),
            ("mix:programs=bfs+,load=0.5", "unknown trace"),
            ("mix:programs=bfs+sort,load=0", "load"),
            ("mix:programs=bfs+sort,load=60", "outside"),
            ("mix:programs=bfs+sort,load=x", "expected a number"),
            ("mix:programs=bfs+sort,lod=0.5", "did you mean `load`"),
            ("mix:programs=bfs+sort,seed=3", "unknown setting of a mix of programs"),
            ("mix:programs=bfs+sort,requests=1", "outside 2"),
            ("mix:programs=bfs+sort,load", "name=value"),
            ("mix:programs=bfs+sort,line-cycles=0", "line-cycles"),
        ] {
            assert!(ProgramMix::is_meant(text), "{text}");
            let error = ProgramMix::parse(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
        assert!(!ProgramMix::is_meant("mix:requests=7") && !ProgramMix::is_meant("random:load=1"));
    }
}
