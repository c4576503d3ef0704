//! Conversion from the trace's clock to the memory's.
use crate::config::rules::Rules;

/// Trace clock and memory clock, in picoseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TraceClock {
    trace_ps: u64,
    memory_ps: u64,
    next_edge: bool,
}

impl TraceClock {
    /// `rules` decide whether a follow-up request may be sent in the clock of the last acceptance.
    pub(crate) fn new(trace_ps: u64, memory_ps: u64, rules: Rules) -> Self {
        Self { trace_ps, memory_ps, next_edge: rules.follow_up_waits_for_edge }
    }

    /// Memory clock of a trace cycle, rounded up.
    #[inline]
    pub(crate) fn scheduled(&self, cycle: u64) -> u64 {
        if self.trace_ps == self.memory_ps {
            return cycle;
        }
        let ps = u128::from(cycle) * u128::from(self.trace_ps);
        ps.div_ceil(u128::from(self.memory_ps)) as u64
    }

    /// Earliest clock for a request that follows one accepted at `now`.
    #[inline]
    pub(crate) fn following(&self, now: u64) -> u64 {
        match (self.next_edge, self.trace_ps == self.memory_ps) {
            (false, _) => now,
            (true, true) => now + 1,
            (true, false) => {
                let edge = u128::from(now) * u128::from(self.memory_ps) / u128::from(self.trace_ps) + 1;
                (edge * u128::from(self.trace_ps)).div_ceil(u128::from(self.memory_ps)) as u64
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Reference;

    #[test]
    fn other_clocks_are_rounded_up_to_the_memory_clock() {
        let [waits, follows] = [Reference::DRAMSys4, Reference::DRAMSys5].map(Rules::of);
        let clock = TraceClock::new(1000, 1250, waits);
        assert_eq!((clock.scheduled(0), clock.scheduled(1), clock.scheduled(5)), (0, 1, 4));
        assert_eq!(clock.following(4), 5);
        assert_eq!(TraceClock::new(1250, 1250, waits).following(4), 5);
        assert_eq!(TraceClock::new(1250, 1250, follows).following(4), 4);
    }
}
