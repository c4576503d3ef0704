//! Reordering arbiter: as the Fifo one, but answers leave in the order in which requests were accepted.
use super::fifo::Acceptance;
use super::{Arbitrate, Message, Wires};
use std::collections::VecDeque;

pub(crate) struct Reorder {
    acceptance: Acceptance,
    initiator_busy: bool,
    last_end_response: Option<u64>,
    /// Responses by number, from `next` up.
    responses: VecDeque<Option<u32>>,
    next: u64,
}

impl Reorder {
    pub(crate) fn new(channels: usize, max_active: u32) -> Self {
        Self {
            acceptance: Acceptance::new(channels, max_active),
            initiator_busy: false,
            last_end_response: None,
            responses: VecDeque::new(),
            next: 1,
        }
    }

    /// The response whose turn it is, if it has come.
    fn pop(&mut self) -> Option<u32> {
        let handle = self.responses.front().copied().flatten()?;
        self.responses.pop_front();
        self.next += 1;
        Some(handle)
    }
}

impl Arbitrate for Reorder {
    #[inline]
    fn handle(&mut self, message: Message, wires: &mut impl Wires) {
        match message {
            Message::BeginRequest(handle) => self.acceptance.begin_request(handle, wires),
            Message::Arbitrate(handle) => self.acceptance.arbitrate(handle, wires),
            Message::EndRequest(channel) => self.acceptance.end_request(channel, wires),
            Message::BeginResponse(channel, handle) => {
                wires.controller_end_response(channel);
                wires.myself(Message::Respond(handle));
            }
            Message::Respond(handle) => {
                let slot = (wires.payload(handle).number - self.next) as usize;
                if slot >= self.responses.len() {
                    self.responses.resize(slot + 1, None);
                }
                self.responses[slot] = Some(handle);
                if !self.initiator_busy
                    && let Some(first) = self.pop()
                {
                    self.initiator_busy = true;
                    let delay = u64::from(self.last_end_response == Some(wires.now()));
                    wires.player_begin_response(first, delay);
                }
            }
            Message::EndResponse(_) => {
                self.last_end_response = Some(wires.now());
                self.acceptance.leave(wires);
                match self.pop() {
                    Some(handle) => wires.player_begin_response(handle, 1),
                    None => self.initiator_busy = false,
                }
            }
        }
    }
}
