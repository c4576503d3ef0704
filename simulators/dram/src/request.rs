//! One memory request: the unit a trace delivers and the controller serves.

/// Longest request accepted in a trace, in bytes.
pub const MAX_BYTES: u32 = 1 << 20;

/// One read or write, as it stands in a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Request {
    /// Earliest time at which the request may be sent, in trace clock cycles. One that is over by then is sent at once.
    pub cycle: u64,
    /// Byte address.
    pub address: u64,
    /// `true` for a write, `false` for a read.
    pub is_write: bool,
    /// Bytes asked for, at most [`MAX_BYTES`]. The bursts that hold them are moved, one or several; bytes of a burst that
    /// were not asked for are masked. 0 stands for the one burst that holds the address.
    pub bytes: u32,
}
