//! Shortcuts through chains of steps in which a single process runs at a time.
//!
//! With one channel and the simple arbiter, a message from the controller passes arbiter, initiator and arbiter again
//! before the controller runs; if nothing else is pending in that clock, no other order is possible and the chain is
//! followed at once. In all other cases the steps are played one by one.
use super::arbiter::{Arbitrate, Message};
use super::pool::Pool;
use super::{ARBITER, Fabric, Player};
use crate::controller::Channel;
use crate::error::Result;
use crate::request::Request;
use crate::simulator::Observer;

/// Follows what the controller just sent; `false` if the steps have to be played one by one.
#[inline]
pub(super) fn pass_on<A: Arbitrate, I: Iterator<Item = Result<Request>>, O: Observer>(
    arbiter: &mut A,
    channels: &mut [Channel],
    player: &mut Player<'_, I>,
    fabric: &mut Fabric<'_, O>,
    pool: &mut Pool,
) -> Result<bool> {
    let Some(busy) = arbiter.transparent() else { return Ok(false) };
    let [channel] = channels else { return Ok(false) };
    let from_controller = |message| matches!(message, Message::EndRequest(_) | Message::BeginResponse(..));
    if !fabric.kernel.next_is_only(ARBITER)
        || !fabric.to_player.is_empty()
        || !fabric.to_arbiter.has_no_timed()
        || !fabric.to_arbiter.immediate().all(from_controller)
    {
        return Ok(false);
    }
    let now = fabric.kernel.now;
    fabric.kernel.drop_step();
    fabric.step += 4;
    let mut runs = false;
    while let Some(message) = fabric.to_arbiter.take_immediate() {
        match message {
            Message::BeginResponse(_, handle) => {
                player.answered += 1;
                player.last_response = now;
                pool.remove(handle);
                channel.end_response(now);
                runs = true;
            }
            _ => {
                *busy = false;
                if let Some((mut payload, at)) = player.next(player.following(now))? {
                    if at <= now {
                        *busy = true;
                        payload.accepted = now;
                        payload.arrived = now;
                        channel.offer(pool.insert(payload), now);
                        runs = true;
                    } else {
                        let handle = pool.insert(payload);
                        fabric.send_arbiter(Message::BeginRequest(handle), at - now);
                    }
                }
            }
        }
    }
    if runs && !player.is_done() {
        channel.run(now, &mut pool.slots, fabric);
    }
    Ok(true)
}

/// A request whose clock has come goes straight to the controller if nothing else happens in this step.
#[inline]
pub(super) fn arrive<A: Arbitrate, O: Observer>(
    arbiter: &mut A,
    channels: &mut [Channel],
    events: &[u32],
    fabric: &mut Fabric<'_, O>,
    pool: &mut Pool,
) -> bool {
    let now = fabric.kernel.now;
    let Some(busy) = arbiter.transparent() else { return false };
    let ([channel], [event]) = (channels, events) else { return false };
    if *event as usize != ARBITER || *busy || !fabric.to_player.is_empty() {
        return false;
    }
    match fabric.to_arbiter.take_only_timed(now) {
        Some(Message::BeginRequest(handle)) => {
            *busy = true;
            let payload = &mut pool.slots[handle as usize];
            payload.accepted = now;
            payload.arrived = now;
            channel.offer(handle, now);
            fabric.step += 2;
            channel.run(now, &mut pool.slots, fabric);
            true
        }
        Some(message) => {
            fabric.to_arbiter.send(message, now, now, fabric.step);
            false
        }
        None => false,
    }
}
