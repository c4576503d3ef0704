//! Fifo arbiter: accepts up to `MaxActiveTransactions` requests and answers in the order in which responses come.
use super::{Arbitrate, Message, Wires};
use std::collections::VecDeque;

/// Requests towards the channels, shared with the reordering arbiter.
pub(super) struct Acceptance {
    active: u32,
    max_active: u32,
    accepted: u64,
    outstanding: Option<u32>,
    /// Per channel: busy, waiting requests, clock of the last END_REQ.
    channels: Vec<(bool, VecDeque<u32>, Option<u64>)>,
}

impl Acceptance {
    pub(super) fn new(channels: usize, max_active: u32) -> Self {
        let channels = (0..channels).map(|_| (false, VecDeque::new(), None)).collect();
        Self { active: 0, max_active, accepted: 0, outstanding: None, channels }
    }

    fn accept(&mut self, handle: u32, wires: &mut impl Wires) {
        self.accepted += 1;
        let now = wires.now();
        let payload = wires.payload(handle);
        payload.number = self.accepted;
        payload.accepted = now;
        wires.player_end_request();
        wires.myself(Message::Arbitrate(handle));
    }

    pub(super) fn begin_request(&mut self, handle: u32, wires: &mut impl Wires) {
        if self.active < self.max_active {
            self.active += 1;
            self.accept(handle, wires);
        } else {
            self.outstanding = Some(handle);
        }
    }

    pub(super) fn arbitrate(&mut self, handle: u32, wires: &mut impl Wires) {
        let channel = wires.payload(handle).channel as usize;
        let (busy, waiting, ended) = &mut self.channels[channel];
        waiting.push_back(handle);
        if !*busy && let Some(first) = waiting.pop_front() {
            *busy = true;
            let delay = u64::from(*ended == Some(wires.now()));
            wires.controller_begin_request(first, delay);
        }
    }

    pub(super) fn end_request(&mut self, channel: usize, wires: &mut impl Wires) {
        let (busy, waiting, ended) = &mut self.channels[channel];
        *ended = Some(wires.now());
        match waiting.pop_front() {
            Some(handle) => wires.controller_begin_request(handle, 1),
            None => *busy = false,
        }
    }

    /// A request was answered: its place goes to the one outstanding.
    pub(super) fn leave(&mut self, wires: &mut impl Wires) {
        match self.outstanding.take() {
            Some(handle) => self.accept(handle, wires),
            None => self.active -= 1,
        }
    }
}

pub(crate) struct Fifo {
    acceptance: Acceptance,
    initiator_busy: bool,
    last_end_response: Option<u64>,
    responses: VecDeque<u32>,
}

impl Fifo {
    pub(crate) fn new(channels: usize, max_active: u32) -> Self {
        Self {
            acceptance: Acceptance::new(channels, max_active),
            initiator_busy: false,
            last_end_response: None,
            responses: VecDeque::new(),
        }
    }
}

impl Arbitrate for Fifo {
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
                self.responses.push_back(handle);
                if !self.initiator_busy
                    && let Some(first) = self.responses.pop_front()
                {
                    self.initiator_busy = true;
                    let delay = u64::from(self.last_end_response == Some(wires.now()));
                    wires.player_begin_response(first, delay);
                }
            }
            Message::EndResponse(_) => {
                self.last_end_response = Some(wires.now());
                self.acceptance.leave(wires);
                match self.responses.pop_front() {
                    Some(handle) => wires.player_begin_response(handle, 1),
                    None => self.initiator_busy = false,
                }
            }
        }
    }
}
