//! Arbiters: what stands between the initiator and the controllers. One per file.
mod fifo;
mod reorder;
mod simple;

pub(crate) use fifo::Fifo;
pub(crate) use reorder::Reorder;
pub(crate) use simple::Simple;

use super::pool::Payload;

/// A message to the arbiter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Message {
    /// The initiator sends a request.
    BeginRequest(u32),
    /// A controller admitted its request.
    EndRequest(usize),
    /// A controller sends a response.
    BeginResponse(usize, u32),
    /// The initiator took a response.
    EndResponse(u32),
    /// An accepted request is to be passed on.
    Arbitrate(u32),
    /// A response is to be passed on.
    Respond(u32),
}

/// What an arbiter may do.
pub(crate) trait Wires {
    /// Present clock.
    fn now(&self) -> u64;
    /// The requests in flight.
    fn payload(&mut self, handle: u32) -> &mut Payload;
    /// END_REQ to the initiator.
    fn player_end_request(&mut self);
    /// BEGIN_RESP to the initiator.
    fn player_begin_response(&mut self, handle: u32, delay: u64);
    /// BEGIN_REQ to the controller of the request's channel.
    fn controller_begin_request(&mut self, handle: u32, delay: u64);
    /// END_RESP to a controller.
    fn controller_end_response(&mut self, channel: usize);
    /// A message to the arbiter itself, for the next step.
    fn myself(&mut self, message: Message);
}

/// An arbiter: handles one message after the other.
pub(crate) trait Arbitrate {
    fn handle(&mut self, message: Message, wires: &mut impl Wires);

    /// If this arbiter only passes messages on (one channel, nothing waiting): its mark for "channel busy".
    fn transparent(&mut self) -> Option<&mut bool> {
        None
    }
}
