//! The side of the program that has jobs.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal};

use super::wire::{Answer, Order, receive, send};
use crate::job::{Ending, Job, Report};

/// How long a guard is waited for when it is not needed any more.
const LAST_WAIT: Duration = Duration::from_secs(7);

/// A guard at this program's service.
pub(crate) struct Guard {
    socket: Option<UnixStream>,
    process: Child,
    /// The process of the job at work.
    job: Option<(Pid, Instant)>,
}

impl Guard {
    /// Starts a guard.
    pub fn start(helper: &[OsString]) -> io::Result<Self> {
        let Some((program, arguments)) = helper.split_first() else {
            return Err(io::Error::other("there is no program that guards commands"));
        };
        let (own, its) = UnixStream::pair()?;
        let mut command = Command::new(program);
        command.args(arguments).arg0("command-guard");
        command.stdin(OwnedFd::from(its)).stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn()?;
        Ok(Self { socket: Some(own), process, job: None })
    }

    /// Starts a job with these files as standard input, output and error. `remove` is a folder that goes when this process is gone.
    pub fn order(&mut self, job: Job, files: &[File; 3], remove: Option<&Path>) -> io::Result<()> {
        let order = Order::Start { job, remove: remove.map(Path::to_path_buf) };
        let files = files.each_ref().map(AsFd::as_fd);
        send(self.socket()?, &order, &files)?;
        match receive::<Answer>(self.socket()?)? {
            Some((Answer::Started(pid), _)) => {
                self.job = Pid::from_raw(pid).map(|pid| (pid, Instant::now()));
                Ok(())
            }
            Some((Answer::Refused(Some(number), _), _)) => Err(io::Error::from_raw_os_error(number)),
            Some((Answer::Refused(None, words), _)) => Err(io::Error::other(words)),
            _ => Err(io::Error::other("the process that guards commands is gone")),
        }
    }

    /// Waits for the end of the job. A guard that was killed takes its job with it.
    pub fn report(&mut self) -> Report {
        let answer = self.socket().and_then(receive::<Answer>);
        let job = self.job.take();
        if let Ok(Some((Answer::Ended(report), _))) = answer {
            return report;
        }
        self.socket = None;
        if let Some((pid, _)) = job {
            let _ = rustix::process::kill_process_group(pid, Signal::KILL);
        }
        let wall_s = job.map_or(0.0, |(_, started)| started.elapsed().as_secs_f64());
        Report { ending: Ending::Lost, wall_s, cpu_s: 0.0, peak_memory_bytes: 0, left: Vec::new() }
    }

    /// True if the job ends by itself within this time.
    pub fn ends_within(&self, moment: Duration) -> bool {
        let Ok(socket) = self.socket() else { return true };
        let timeout = Timespec::try_from(moment).unwrap_or_default();
        poll(&mut [PollFd::new(socket, PollFlags::IN)], Some(&timeout)).is_ok_and(|ready| ready > 0)
    }

    /// Asks to stop the job at work; [`report`](Self::report) then comes soon.
    pub fn stop(&self) {
        // A guard that cannot be asked is gone, which its report says.
        let _ = self.socket().and_then(|socket| send(socket, &Order::Stop, &[]));
    }

    /// True if it can take another job.
    pub fn is_usable(&self) -> bool {
        self.socket.is_some() && self.job.is_none()
    }

    fn socket(&self) -> io::Result<&UnixStream> {
        self.socket.as_ref().ok_or_else(|| io::Error::other("the process that guards commands is gone"))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // At the end of its orders a guard ends its job, then itself. One that cannot be reached is gone.
        let _ = self.socket().and_then(|socket| send(socket, &Order::Farewell, &[]));
        self.socket = None;
        let begun = Instant::now();
        while matches!(self.process.try_wait(), Ok(None)) {
            if begun.elapsed() > LAST_WAIT {
                let _ = self.process.kill();
                let _ = self.process.wait();
                return;
            }
            std::thread::sleep(Duration::from_micros(500));
        }
    }
}
