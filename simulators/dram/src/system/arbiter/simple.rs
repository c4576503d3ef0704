//! Simple arbiter: requests and responses are passed through; a busy channel or initiator lets them queue.
use super::{Arbitrate, Message, Wires};
use std::collections::VecDeque;

pub(crate) struct Simple {
    /// Per channel: busy with a request, and those waiting.
    requests: Vec<(bool, VecDeque<u32>)>,
    initiator_busy: bool,
    responses: VecDeque<u32>,
}

impl Simple {
    pub(crate) fn new(channels: usize) -> Self {
        let requests = (0..channels).map(|_| (false, VecDeque::new())).collect();
        Self { requests, initiator_busy: false, responses: VecDeque::new() }
    }
}

impl Arbitrate for Simple {
    #[inline]
    fn transparent(&mut self) -> Option<&mut bool> {
        match self.requests.as_mut_slice() {
            [(busy, waiting)] if waiting.is_empty() && !self.initiator_busy => Some(busy),
            _ => None,
        }
    }

    #[inline]
    fn handle(&mut self, message: Message, wires: &mut impl Wires) {
        match message {
            Message::BeginRequest(handle) => {
                let now = wires.now();
                let payload = wires.payload(handle);
                payload.accepted = now;
                let (busy, waiting) = &mut self.requests[payload.channel as usize];
                if *busy {
                    waiting.push_back(handle);
                } else {
                    *busy = true;
                    wires.controller_begin_request(handle, 0);
                }
            }
            Message::EndRequest(channel) => {
                wires.player_end_request();
                let (busy, waiting) = &mut self.requests[channel];
                match waiting.pop_front() {
                    Some(handle) => wires.controller_begin_request(handle, 1),
                    None => *busy = false,
                }
            }
            Message::BeginResponse(_, handle) => {
                if self.initiator_busy {
                    self.responses.push_back(handle);
                } else {
                    self.initiator_busy = true;
                    wires.player_begin_response(handle, 0);
                }
            }
            Message::EndResponse(handle) => {
                let channel = wires.payload(handle).channel as usize;
                wires.controller_end_response(channel);
                match self.responses.pop_front() {
                    Some(handle) => wires.player_begin_response(handle, 1),
                    None => self.initiator_busy = false,
                }
            }
            Message::Arbitrate(_) | Message::Respond(_) => {}
        }
    }
}
