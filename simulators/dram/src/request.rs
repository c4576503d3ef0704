//! One memory request: the unit a trace delivers and the controller serves.

/// One read or write of one burst, as it stands in a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Request {
    /// Earliest time at which the request may be sent, in trace clock cycles. Never decreases along a trace.
    pub cycle: u64,
    /// Byte address.
    pub address: u64,
    /// `true` for a write, `false` for a read.
    pub is_write: bool,
    /// Bytes moved; at most one burst of the device. 0 stands for one full burst.
    pub bytes: u32,
}
