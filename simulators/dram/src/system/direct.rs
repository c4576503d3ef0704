//! The direct way through a system of one channel whose arbiter passes messages on.
//!
//! There a request or a response goes from process to process alone, four steps within one clock: arbiter, initiator,
//! arbiter, controller. Nothing else can happen in these steps, so they are walked at once, without queues. Notifications
//! are booked as if every step had been played: replaced ones stay in the kernel's heap, and their place there decides
//! between events of the same clock.
use super::arbiter::{Arbitrate, Message};
use super::pool::{Payload, Pool};
use super::{ARBITER, FIRST_CHANNEL, Fabric, Player, RESPONSE, WAKE, event, note_response};
use crate::controller::{Channel, CommandRecord, Port};
use crate::error::Result;
use crate::request::Request;
use crate::simulator::Observer;

/// Collects what the only controller says in one run.
struct Collector<'f, 'o, O> {
    fabric: &'f mut Fabric<'o, O>,
    admitted: bool,
    response: Option<u32>,
}

impl<O: Observer> Port for Collector<'_, '_, O> {
    #[inline]
    fn end_request(&mut self, _: usize) {
        self.admitted = true;
    }

    #[inline]
    fn begin_response(&mut self, channel: usize, handle: u32, payload: &Payload, delay: u64) {
        if delay == 0 {
            let now = self.fabric.kernel.now;
            note_response(&mut self.fabric.latencies, self.fabric.observer, payload, now);
            self.response = Some(handle);
        } else {
            self.fabric.begin_response(channel, handle, payload, delay);
        }
    }

    #[inline]
    fn wake_at(&mut self, channel: usize, clock: u64) {
        self.fabric.kernel.notify(event(channel, WAKE), clock);
    }

    #[inline]
    fn response_at(&mut self, channel: usize, clock: u64) {
        self.fabric.kernel.notify(event(channel, RESPONSE), clock);
    }

    #[inline]
    fn wants_commands(&self) -> bool {
        O::COMMANDS
    }

    #[inline]
    fn command(&mut self, record: CommandRecord) {
        self.fabric.observer.command(&record);
    }
}

/// Plays the present clock if these events leave only one way through it; `false` if its steps must be played one by one.
#[inline]
pub(super) fn play<A: Arbitrate, I: Iterator<Item = Result<Request>>, O: Observer>(
    arbiter: &mut A,
    channels: &mut [Channel],
    events: &[u32],
    player: &mut Player<'_, I>,
    fabric: &mut Fabric<'_, O>,
    pool: &mut Pool,
) -> Result<bool> {
    let Some(busy) = arbiter.transparent() else { return Ok(false) };
    let [channel] = channels else { return Ok(false) };
    if !channel.wakes_later() || !fabric.to_player.is_empty() || !fabric.to_arbiter.has_no_immediate() {
        return Ok(false);
    }
    let now = fabric.kernel.now;
    fabric.step += 1;
    if let [event] = events
        && *event as usize == ARBITER
    {
        if *busy {
            return Ok(false);
        }
        match fabric.to_arbiter.take_only_timed(now) {
            Some(Message::BeginRequest(handle)) => {
                *busy = true;
                accept(handle, now, channel, pool);
            }
            Some(other) => {
                fabric.to_arbiter.send(other, now, now, fabric.step - 1);
                return Ok(false);
            }
            None => return Ok(false),
        }
    } else if events.iter().any(|event| (*event as usize) < FIRST_CHANNEL) {
        return Ok(false);
    }
    loop {
        let mut said = Collector { fabric, admitted: false, response: None };
        channel.run(now, &mut pool.slots, &mut said);
        let (admitted, response) = (said.admitted, said.response);
        if !admitted && response.is_none() {
            return Ok(true);
        }
        // The arbiter passes on what the controller said.
        fabric.step += 4;
        fabric.kernel.step_alone(ARBITER, fabric.to_arbiter.next_clock());
        // The initiator takes the response and sends its next request.
        let (mut answers, mut runs) = (false, false);
        if let Some(handle) = response {
            player.answered += 1;
            player.last_response = now;
            pool.remove(handle);
            channel.end_response(now);
            (answers, runs) = (true, true);
        }
        if admitted {
            *busy = false;
            if let Some((handle, at)) = player.next(player.following(now), pool)? {
                if at <= now {
                    *busy = true;
                    accept(handle, now, channel, pool);
                    (answers, runs) = (true, true);
                } else {
                    fabric.to_arbiter.send(Message::BeginRequest(handle), at, now, fabric.step);
                    if !answers {
                        fabric.kernel.notify(ARBITER, at);
                    }
                }
            }
        }
        // The arbiter passes that on, too.
        if answers {
            fabric.kernel.step_alone(ARBITER, fabric.to_arbiter.next_clock());
        }
        if !runs || player.is_done() {
            return Ok(true);
        }
    }
}

/// A request that reaches the arbiter and the controller in the same clock.
#[inline]
fn accept(handle: u32, now: u64, channel: &mut Channel, pool: &mut Pool) {
    let payload = &mut pool.slots[handle as usize];
    payload.accepted = now;
    payload.arrived = now;
    channel.offer(handle, now);
}
