//! Synthetic traces: an address pattern, an arrival process and a mix of reads and writes, all from one seed.
//!
//! `spec` describes and checks, `pattern` makes addresses, `arrival` makes time stamps. To add a pattern: a variant of
//! [`Pattern`], its state in `pattern.rs`, a preset in `spec.rs`.
mod arrival;
mod pattern;
mod spec;

pub use arrival::Arrival;
pub use pattern::Pattern;
pub use spec::{GeneratorSpec, PRESETS, SETTINGS};
pub(in crate::trace) use spec::{each_setting, invalid, real, whole, within};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::Request;
use arrival::Clock;
use pattern::Addresses;

/// An endless-looking iterator that ends after [`GeneratorSpec::requests`] requests. Made by
/// [`GeneratorSpec::generator`].
#[derive(Debug, Clone)]
pub struct Generator {
    addresses: Addresses,
    clock: Clock,
    /// Separate streams of the seed, so that changing one property leaves the others as they were.
    address_rng: ChaCha8Rng,
    direction_rng: ChaCha8Rng,
    write_fraction: f64,
    write_run: u32,
    run_left: u32,
    is_write: bool,
    bytes: u32,
    left: u64,
}

impl Generator {
    fn new(spec: &GeneratorSpec) -> Self {
        let stream = |number| {
            let mut rng = ChaCha8Rng::seed_from_u64(spec.seed);
            rng.set_stream(number);
            rng
        };
        let mut address_rng = stream(0);
        Self {
            addresses: Addresses::new(spec, &mut address_rng),
            clock: Clock::new(spec.arrival, stream(2)),
            address_rng,
            direction_rng: stream(1),
            write_fraction: spec.write_fraction,
            write_run: spec.write_run,
            run_left: 0,
            is_write: false,
            bytes: spec.request_bytes,
            left: spec.requests,
        }
    }
}

impl Iterator for Generator {
    type Item = Request;

    fn next(&mut self) -> Option<Request> {
        self.left = self.left.checked_sub(1)?;
        if self.run_left == 0 {
            self.is_write = self.direction_rng.random_bool(self.write_fraction);
            self.run_left = self.write_run;
        }
        self.run_left -= 1;
        let address = self.addresses.next(&mut self.address_rng);
        Some(Request { cycle: self.clock.next(), address, is_write: self.is_write, bytes: self.bytes })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        (left, Some(left))
    }
}
