//! Arrival processes: the time stamps of a synthetic trace.
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::trace::MAX_CYCLE;

/// When requests arrive, in trace clock cycles.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Arrival {
    /// One request every `interval` cycles; fractions accumulate, so 0.5 gives two requests per cycle.
    Constant {
        /// Cycles between requests, 0 to 1,000,000.
        interval: f64,
    },
    /// Independent random gaps (a Poisson process).
    Poisson {
        /// Mean cycles between requests, 0 to 1,000,000.
        interval: f64,
    },
    /// Bursts of requests with pauses between them.
    Bursty {
        /// Requests per burst, 1 to 1,000,000.
        burst: u32,
        /// Cycles between the requests of a burst, 0 to 1,000,000.
        interval: f64,
        /// Cycles from the last request of a burst to the first of the next, 0 to 1,000,000,000.
        idle: f64,
    },
}

/// The state of an arrival process.
#[derive(Debug, Clone)]
pub(super) struct Clock {
    arrival: Arrival,
    rng: ChaCha8Rng,
    now: f64,
    in_burst: u32,
}

impl Clock {
    pub(super) fn new(arrival: Arrival, rng: ChaCha8Rng) -> Self {
        Self { arrival, rng, now: 0.0, in_burst: 0 }
    }

    /// Time stamp of the next request: whole cycles, never decreasing, the first one 0.
    pub(super) fn next(&mut self) -> u64 {
        let cycle = self.now.min(MAX_CYCLE as f64) as u64;
        self.now += match self.arrival {
            Arrival::Constant { interval } => interval,
            // Inverse of the exponential distribution; 1 - u lies in (0, 1].
            Arrival::Poisson { interval } => -interval * (1.0 - self.rng.random::<f64>()).ln(),
            Arrival::Bursty { burst, interval, idle } => {
                self.in_burst += 1;
                if self.in_burst == burst {
                    self.in_burst = 0;
                    idle
                } else {
                    interval
                }
            }
        };
        cycle
    }
}
