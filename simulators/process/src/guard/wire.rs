//! Messages between a program and its guards: a length, JSON, and with an order the three files of a job.

use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::job::{Job, Report};

/// To a guard.
#[derive(Serialize, Deserialize)]
pub enum Order {
    /// Start this job. The folder is removed once the program that gave the order is gone.
    Start { job: Job, remove: Option<PathBuf> },
    /// Stop it.
    Stop,
    /// The guard is not needed any more: what was to be removed stays.
    Farewell,
}

/// From a guard.
#[derive(Serialize, Deserialize)]
pub enum Answer {
    /// The job is started; this is the id of its process.
    Started(i32),
    /// It cannot be started: error number of the system, and its words.
    Refused(Option<i32>, String),
    /// It has ended.
    Ended(Report),
}

/// Longest message, in bytes. An order with longer arguments than that is refused by the system anyway.
const LONGEST: usize = 64 << 20;

/// Sends a message with these files.
pub fn send(socket: &UnixStream, message: &impl Serialize, files: &[BorrowedFd]) -> io::Result<()> {
    let body = serde_json::to_vec(message)?;
    let length = u32::try_from(body.len()).map_err(io::Error::other)?.to_le_bytes();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !files.is_empty() && !control.push(SendAncillaryMessage::ScmRights(files)) {
        return Err(io::Error::other("too many files for a message"));
    }
    // A few bytes go through a socket as a whole or not at all.
    sendmsg(socket, &[IoSlice::new(&length)], &mut control, SendFlags::NOSIGNAL)?;
    (&*socket).write_all(&body)
}

/// Receives a message with its files; `None` at the end of the stream.
pub fn receive<T: DeserializeOwned>(socket: &UnixStream) -> io::Result<Option<(T, Vec<File>)>> {
    let mut length = [0; 4];
    let mut files: Vec<OwnedFd> = Vec::new();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let count = loop {
        let mut buffer = [IoSliceMut::new(&mut length)];
        match recvmsg(socket.as_fd(), &mut buffer, &mut control, RecvFlags::CMSG_CLOEXEC) {
            Ok(received) => break received.bytes,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    };
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(received) = message {
            files.extend(received);
        }
    }
    if count == 0 {
        return Ok(None);
    }
    (&*socket).read_exact(&mut length[count..])?;
    let length = u32::from_le_bytes(length) as usize;
    if length > LONGEST {
        return Err(io::Error::other("a message of impossible length"));
    }
    let mut body = vec![0; length];
    (&*socket).read_exact(&mut body)?;
    Ok(Some((serde_json::from_slice(&body)?, files.into_iter().map(File::from).collect())))
}
