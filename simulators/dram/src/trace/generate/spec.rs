//! The description of a synthetic trace: typed, checked, settable by name.
use serde::{Deserialize, Serialize};

use super::{Arrival, Generator, Pattern};
use crate::{Error, Result};

/// A synthetic trace. Fields left out of a RON file take the values of [`GeneratorSpec::default`].
///
/// ```
/// use hwgym_dram::trace::GeneratorSpec;
///
/// let spec = GeneratorSpec::parse("zipf:requests=3,seed=7,exponent=1.1")?;
/// let requests: Vec<_> = spec.generator()?.collect();
/// assert_eq!(requests.len(), 3);
/// assert_eq!(requests, spec.generator()?.collect::<Vec<_>>());
/// # Ok::<(), hwgym_dram::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GeneratorSpec {
    /// Which addresses.
    pub pattern: Pattern,
    /// When.
    pub arrival: Arrival,
    /// Number of requests, 1 to 10^12.
    pub requests: u64,
    /// Share of writes, 0 to 1.
    pub write_fraction: f64,
    /// Consecutive requests that share a direction, 1 to 1,000,000.
    pub write_run: u32,
    /// First byte of the footprint, a multiple of `access_bytes`.
    pub base_address: u64,
    /// Bytes addressed from `base_address` on, a multiple of `access_bytes`; at most 2^24 lines for
    /// [`Pattern::PointerChase`].
    pub footprint_bytes: u64,
    /// Distance of two neighbouring lines in bytes: a power of two from 1 to 4096.
    pub access_bytes: u32,
    /// Bytes noted with every request: 0 (one full burst of the device) to `access_bytes`.
    pub request_bytes: u32,
    /// Seed of every random choice.
    pub seed: u64,
}

impl Default for GeneratorSpec {
    fn default() -> Self {
        Self {
            pattern: Pattern::Stream,
            arrival: Arrival::Constant { interval: 4.0 },
            requests: 10_000,
            write_fraction: 0.0,
            write_run: 1,
            base_address: 0,
            footprint_bytes: 256 << 20,
            access_bytes: 64,
            request_bytes: 0,
            seed: 1,
        }
    }
}

/// Names and one-line descriptions of the presets.
pub const PRESETS: [(&str, &str); 7] = [
    ("stream", "sequential reads at the peak rate of a 64-bit DDR bus"),
    ("random", "uniformly random reads"),
    ("strided", "reads 64 KiB apart: another row each time"),
    ("mix", "random, one third writes, in runs of 4"),
    ("bursty", "sequential bursts of 32 requests with pauses, one quarter writes"),
    ("pointer-chase", "dependent reads through a shuffled list, one every 60 cycles"),
    ("zipf", "reads of popular lines, exponent 0.99, one fifth writes"),
];

/// Names and meanings of what [`GeneratorSpec::set`] understands.
pub const SETTINGS: [(&str, &str); 13] = [
    ("requests", "number of requests"),
    ("seed", "seed of every random choice"),
    ("write-fraction", "share of writes, 0 to 1"),
    ("write-run", "consecutive requests that share a direction"),
    ("base-address", "first byte of the footprint"),
    ("footprint-bytes", "bytes addressed"),
    ("access-bytes", "distance of neighbouring lines in bytes"),
    ("request-bytes", "bytes noted with every request, 0 for a full burst"),
    ("interval", "cycles between requests (mean, if random)"),
    ("burst", "requests per burst (bursty arrival)"),
    ("idle", "cycles between bursts (bursty arrival)"),
    ("stride-bytes", "step of the strided pattern"),
    ("exponent", "skew of the zipf pattern"),
];

impl GeneratorSpec {
    /// The preset of that name, see [`PRESETS`].
    ///
    /// # Errors
    /// [`Error::UnknownName`].
    pub fn preset(name: &str) -> Result<Self> {
        let base = Self::default();
        let constant = |interval| Arrival::Constant { interval };
        Ok(match name {
            "stream" => base,
            "random" => Self { pattern: Pattern::Random, arrival: constant(8.0), ..base },
            "strided" => {
                Self { pattern: Pattern::Strided { stride_bytes: 65_536 }, arrival: constant(10.0), ..base }
            }
            "mix" => Self {
                pattern: Pattern::Random,
                arrival: Arrival::Poisson { interval: 8.0 },
                write_fraction: 1.0 / 3.0,
                write_run: 4,
                ..base
            },
            "bursty" => Self {
                arrival: Arrival::Bursty { burst: 32, interval: 1.0, idle: 400.0 },
                write_fraction: 0.25,
                write_run: 8,
                ..base
            },
            "pointer-chase" => Self {
                pattern: Pattern::PointerChase,
                arrival: constant(60.0),
                footprint_bytes: 64 << 20,
                ..base
            },
            "zipf" => Self {
                pattern: Pattern::Zipf { exponent: 0.99 },
                arrival: Arrival::Poisson { interval: 8.0 },
                write_fraction: 0.2,
                ..base
            },
            _ => return Err(Error::unknown("generator", name, PRESETS.map(|(name, _)| name))),
        })
    }

    /// Reads `preset` or `preset:setting=value,setting=value`.
    ///
    /// # Errors
    /// [`Error::UnknownName`] and [`Error::InvalidValue`]; the result is checked.
    pub fn parse(text: &str) -> Result<Self> {
        let (preset, settings) = text.split_once(':').unwrap_or((text, ""));
        let mut spec = Self::preset(preset)?;
        for setting in each_setting(settings, "generator setting", "random:requests=5000,seed=3") {
            let (name, value) = setting?;
            spec.set(name, value)?;
        }
        spec.check()?;
        Ok(spec)
    }

    /// Sets one property by its name in [`SETTINGS`]; underscores count as hyphens.
    ///
    /// # Errors
    /// [`Error::UnknownName`] for another name, [`Error::InvalidValue`] if the value has the wrong form or does not
    /// belong to the pattern or arrival of this trace.
    pub fn set(&mut self, name: &str, value: &str) -> Result<()> {
        match name.replace('_', "-").as_str() {
            "requests" => self.requests = whole(name, value)?,
            "seed" => self.seed = whole(name, value)?,
            "write-fraction" => self.write_fraction = real(name, value)?,
            "write-run" => self.write_run = narrow(name, value)?,
            "base-address" => self.base_address = whole(name, value)?,
            "footprint-bytes" => self.footprint_bytes = whole(name, value)?,
            "access-bytes" => self.access_bytes = narrow(name, value)?,
            "request-bytes" => self.request_bytes = narrow(name, value)?,
            "interval" => match &mut self.arrival {
                Arrival::Constant { interval }
                | Arrival::Poisson { interval }
                | Arrival::Bursty { interval, .. } => {
                    *interval = real(name, value)?;
                }
            },
            "burst" => match &mut self.arrival {
                Arrival::Bursty { burst, .. } => *burst = narrow(name, value)?,
                _ => return Err(foreign(name, value, "bursty")),
            },
            "idle" => match &mut self.arrival {
                Arrival::Bursty { idle, .. } => *idle = real(name, value)?,
                _ => return Err(foreign(name, value, "bursty")),
            },
            "stride-bytes" => match &mut self.pattern {
                Pattern::Strided { stride_bytes } => *stride_bytes = whole(name, value)?,
                _ => return Err(foreign(name, value, "strided")),
            },
            "exponent" => match &mut self.pattern {
                Pattern::Zipf { exponent } => *exponent = real(name, value)?,
                _ => return Err(foreign(name, value, "zipf")),
            },
            _ => return Err(Error::unknown("generator setting", name, SETTINGS.map(|(name, _)| name))),
        }
        Ok(())
    }

    /// Checks every range.
    ///
    /// # Errors
    /// [`Error::InvalidValue`] for the first property outside its range.
    pub fn check(&self) -> Result<()> {
        within("requests", self.requests as f64, 1.0, 1e12)?;
        within("write_fraction", self.write_fraction, 0.0, 1.0)?;
        within("write_run", f64::from(self.write_run), 1.0, 1e6)?;
        let access = self.access_bytes;
        if !access.is_power_of_two() || access > 4096 {
            return Err(invalid(
                "access_bytes",
                access,
                "expected a power of two from 1 to 4096",
                "64 is a common cache line",
            ));
        }
        within("request_bytes", f64::from(self.request_bytes), 0.0, f64::from(access))?;
        for (name, bytes) in [("base_address", self.base_address), ("footprint_bytes", self.footprint_bytes)]
        {
            if bytes % u64::from(access) != 0 {
                let message = format!("expected a multiple of access_bytes = {access}");
                return Err(invalid(name, bytes, message, "round it to whole lines"));
            }
        }
        within("footprint_bytes", self.footprint_bytes as f64, f64::from(access), 2_f64.powi(50))?;
        within("base_address", self.base_address as f64, 0.0, 2_f64.powi(50))?;
        match self.pattern {
            Pattern::Stream | Pattern::Random => {}
            Pattern::Strided { stride_bytes } => {
                within("stride_bytes", stride_bytes as f64, f64::from(access), 2_f64.powi(50))?;
                if stride_bytes % u64::from(access) != 0 {
                    let message = format!("expected a multiple of access_bytes = {access}");
                    return Err(invalid("stride_bytes", stride_bytes, message, "round it to whole lines"));
                }
            }
            Pattern::PointerChase => {
                let limit = f64::from(access) * 2_f64.powi(24);
                within("footprint_bytes", self.footprint_bytes as f64, f64::from(access), limit)?;
            }
            Pattern::Zipf { exponent } => within("exponent", exponent, 0.0, 10.0)?,
        }
        match self.arrival {
            Arrival::Constant { interval } | Arrival::Poisson { interval } => {
                within("interval", interval, 0.0, 1e6)
            }
            Arrival::Bursty { burst, interval, idle } => {
                within("burst", f64::from(burst), 1.0, 1e6)?;
                within("interval", interval, 0.0, 1e6)?;
                within("idle", idle, 0.0, 1e9)
            }
        }
    }

    /// The requests.
    ///
    /// # Errors
    /// Those of [`GeneratorSpec::check`].
    pub fn generator(&self) -> Result<Generator> {
        self.check()?;
        Ok(Generator::new(self))
    }
}

/// Names and values of `name=value,name=value`, without spaces round them; an error, with an example of the whole, where one has no value.
pub(in crate::trace) fn each_setting<'a>(
    settings: &'a str,
    what: &'static str,
    example: &'static str,
) -> impl Iterator<Item = Result<(&'a str, &'a str)>> {
    settings.split(',').filter(|setting| !setting.is_empty()).map(move |setting| {
        match setting.split_once('=') {
            Some((name, value)) => Ok((name.trim(), value.trim())),
            None => Err(invalid(what, setting, "expected `name=value`", &format!("for example `{example}`"))),
        }
    })
}

pub(in crate::trace) fn invalid(
    name: &str,
    value: impl ToString,
    message: impl Into<String>,
    remedy: &str,
) -> Error {
    Error::InvalidValue {
        parameter: name.into(),
        value: value.to_string(),
        message: message.into(),
        remedy: remedy.into(),
    }
}

/// A setting that belongs to another kind of trace.
fn foreign(name: &str, value: &str, owner: &str) -> Error {
    invalid(
        name,
        value,
        format!("only the generator `{owner}` has this setting"),
        "leave it out or choose that generator",
    )
}

pub(in crate::trace) fn within(name: &str, value: f64, low: f64, high: f64) -> Result<()> {
    if (low..=high).contains(&value) {
        return Ok(());
    }
    Err(invalid(name, value, format!("outside {low} to {high}"), "choose a value inside the range"))
}

/// A whole number, decimal or with `0x`, with an optional suffix `k`, `M` or `G` for powers of 1024.
pub(in crate::trace) fn whole(name: &str, value: &str) -> Result<u64> {
    let (digits, shift) = match value.as_bytes().last() {
        Some(b'k' | b'K') => (&value[..value.len() - 1], 10),
        Some(b'M') => (&value[..value.len() - 1], 20),
        Some(b'G') => (&value[..value.len() - 1], 30),
        _ => (value, 0),
    };
    let parsed = match digits.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => digits.replace('_', "").parse().ok(),
    };
    parsed
        .and_then(|number: u64| number.checked_mul(1 << shift))
        .ok_or_else(|| invalid(name, value, "expected a whole number", "for example 10000, 0x1000 or 64M"))
}

fn narrow(name: &str, value: &str) -> Result<u32> {
    u32::try_from(whole(name, value)?)
        .map_err(|_| invalid(name, value, "expected a number below 2^32", "choose a smaller value"))
}

pub(in crate::trace) fn real(name: &str, value: &str) -> Result<f64> {
    match value.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        _ => Err(invalid(name, value, "expected a number", "for example 0.25")),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::Request;

    fn requests(text: &str) -> Vec<Request> {
        GeneratorSpec::parse(text).unwrap().generator().unwrap().collect()
    }

    #[test]
    fn every_preset_keeps_its_promises() {
        for (name, _) in PRESETS {
            let spec = GeneratorSpec::preset(name).unwrap();
            let list: Vec<_> = spec.generator().unwrap().collect();
            assert_eq!(list.len(), 10_000, "{name}");
            assert_eq!(list[0].cycle, 0);
            assert!(list.windows(2).all(|pair| pair[0].cycle <= pair[1].cycle), "{name}");
            assert!(
                list.iter()
                    .all(|request| request.address % 64 == 0 && request.address < spec.footprint_bytes)
            );
            let writes = list.iter().filter(|request| request.is_write).count() as f64 / 10_000.0;
            assert!((writes - spec.write_fraction).abs() < 0.03, "{name}: {writes}");
            assert_eq!(list, spec.generator().unwrap().collect::<Vec<_>>(), "{name}");
            let text = ron::to_string(&spec).unwrap();
            assert_eq!(ron::from_str::<GeneratorSpec>(&text).unwrap(), spec);
        }
    }

    #[test]
    fn patterns_have_their_shape() {
        let stream = requests("stream:requests=5,footprint-bytes=192,base-address=0x1000");
        assert_eq!(
            stream.iter().map(|r| r.address).collect::<Vec<_>>(),
            [0x1000, 0x1040, 0x1080, 0x1000, 0x1040]
        );
        let strided = requests("strided:requests=6,footprint-bytes=256,stride-bytes=128");
        assert_eq!(strided.iter().map(|r| r.address).collect::<Vec<_>>(), [0, 128, 64, 192, 0, 128]);
        let chase = requests("pointer-chase:requests=200,footprint-bytes=6400");
        let lines: HashSet<_> = chase[..100].iter().map(|r| r.address).collect();
        assert_eq!(lines.len(), 100);
        assert_eq!(
            chase[..100].iter().map(|r| r.address).collect::<Vec<_>>(),
            chase[100..].iter().map(|r| r.address).collect::<Vec<_>>()
        );
        let bursty = requests("bursty:requests=5,burst=2,interval=3,idle=100");
        assert_eq!(bursty.iter().map(|r| r.cycle).collect::<Vec<_>>(), [0, 3, 103, 106, 206]);
        let halves = requests("stream:requests=4,interval=0.5");
        assert_eq!(halves.iter().map(|r| r.cycle).collect::<Vec<_>>(), [0, 0, 1, 1]);
    }

    #[test]
    fn seeds_matter_and_streams_are_separate() {
        assert_ne!(requests("random:seed=1"), requests("random:seed=2"));
        let reads = requests("random:requests=100");
        let mixed = requests("random:requests=100,write-fraction=0.5");
        assert!(reads.iter().zip(&mixed).all(|(a, b)| a.address == b.address && a.cycle == b.cycle));
    }

    #[test]
    fn wrong_settings_are_refused_with_a_remedy() {
        for (text, part) in [
            ("steam", "did you mean `stream`"),
            ("random:request=5", "did you mean `requests`"),
            ("random:requests", "name=value"),
            ("random:requests=0", "outside 1 to"),
            ("random:write-fraction=1.5", "outside 0 to 1"),
            ("random:write-fraction=NaN", "expected a number"),
            ("random:exponent=1", "only the generator `zipf`"),
            ("random:burst=1", "only the generator `bursty`"),
            ("random:access-bytes=48", "power of two"),
            ("random:footprint-bytes=100", "multiple of access_bytes"),
            ("random:footprint-bytes=0", "outside 64"),
            ("strided:stride-bytes=0", "outside 64"),
            ("pointer-chase:footprint-bytes=4G", "outside"),
            ("random:seed=99999999999999999999", "whole number"),
            ("bursty:burst=0", "outside 1"),
        ] {
            let error = GeneratorSpec::parse(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
        assert!(ron::from_str::<GeneratorSpec>("(request: 5)").is_err());
    }
}
