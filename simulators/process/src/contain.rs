//! One job at work: started, watched, and ended with all its processes.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Resource, Rlimit, Signal, WaitOptions};
use wait4::{ResUse, Wait4};

use crate::job::{Ending, Job, Limits, Report};
use crate::tree;

/// How often memory is looked at.
const MEMORY_PERIOD: Duration = Duration::from_millis(10);
/// How often it is looked for processes that a job has started since.
const TREE_PERIOD: Duration = Duration::from_millis(100);
/// How often the size of a job's folder is looked at.
const FOLDER_PERIOD: Duration = Duration::from_millis(500);
/// How long a killed process is waited for. One that still is there then hangs in the system, where nobody can help it.
const LAST_WAIT: Duration = Duration::from_secs(5);

/// Environment variable that tells the processes of a job from others, where nothing better does.
const MARK: &str = "HWGYM_JOB";

/// How processes that left their parents are found.
pub(crate) enum Scope {
    /// This process starts one job at a time and nothing else, and inherits its orphans: whatever descends from it is the job's.
    Everything,
    /// By an environment variable with this value.
    Marked(String),
}

impl Scope {
    /// A mark that no other job has.
    pub fn mark() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        Self::Marked(format!("{}.{number}", std::process::id()))
    }

    fn processes(&self) -> Vec<i32> {
        match self {
            Self::Everything => tree::descendants(std::process::id() as i32),
            Self::Marked(mark) => tree::marked(&format!("{MARK}={mark}")),
        }
    }
}

/// A job at work.
pub(crate) struct Running {
    child: Child,
    pid: Pid,
    /// Readable once the program has ended; `None` where the system has no such thing.
    exit: Option<OwnedFd>,
    job: Job,
    scope: Scope,
    started: Instant,
    /// When memory, processes and folder are looked at next.
    next: [Instant; 3],
    tree: Vec<i32>,
    peak: u64,
    /// Bytes that its folder may hold at most: what it held at the start, and what the job may write.
    folder_limit: Option<u64>,
    over: bool,
}

/// Why [`Running::wait`] returned.
pub(crate) enum Wake {
    /// The job is over.
    Over(Report),
    /// There is something to read from whoever gives orders.
    Order,
    /// The pause is over.
    Pause,
}

impl Running {
    /// Starts a job with these files as standard input, output and error.
    pub fn start(job: Job, [input, output, error]: [File; 3], scope: Scope) -> io::Result<Self> {
        let mut command = Command::new(&job.program);
        command.args(&job.arguments).current_dir(&job.folder).stdin(input).stdout(output).stderr(error);
        command.envs(job.variables.iter().map(|(name, value)| (name, value)));
        if let Scope::Marked(mark) = &scope {
            command.env(MARK, mark);
            // A guard has seen to this when it started.
            close_fds::set_fds_cloexec_threadsafe(3, &[]);
        }
        // A group of its own: it is stopped with all that it has started.
        command.process_group(0);
        let folder_limit =
            job.limits.output_bytes.map(|most| tree::bytes_in(&job.folder, u64::MAX).saturating_add(most));
        let child = command.spawn()?;
        let pid = Pid::from_child(&child);
        limit(pid, &job.limits);
        let now = Instant::now();
        Ok(Self {
            exit: exit_of(pid),
            tree: vec![pid.as_raw_nonzero().get()],
            child,
            pid,
            job,
            scope,
            started: now,
            next: [now + MEMORY_PERIOD, now, now + FOLDER_PERIOD],
            peak: 0,
            folder_limit,
            over: false,
        })
    }

    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Waits until the job is over, orders can be read, or the pause has passed.
    pub fn wait(&mut self, orders: Option<BorrowedFd>, pause: Option<Duration>) -> io::Result<Wake> {
        let pause = pause.map(|pause| Instant::now() + pause);
        let deadline = self.job.limits.time_s.map(|seconds| self.started + seconds_of(seconds));
        loop {
            if let Some(used) = self.child.try_wait4()? {
                return Ok(Wake::Over(self.close(ending(used.status), Some(&used))));
            }
            let now = Instant::now();
            if deadline.is_some_and(|deadline| now >= deadline) {
                return Ok(Wake::Over(self.stop(Ending::TimeLimit)));
            }
            if let Some(broken) = self.watch(now) {
                return Ok(Wake::Over(self.stop(broken)));
            }
            if pause.is_some_and(|pause| now >= pause) {
                return Ok(Wake::Pause);
            }
            let memory = self.job.limits.memory_bytes.map(|_| self.next[0]);
            let folder = self.job.limits.output_bytes.map(|_| self.next[2]);
            let coarse = self.exit.is_none().then(|| now + Duration::from_millis(1));
            let until = [deadline, pause, memory, folder, coarse].into_iter().flatten().min();
            if self.sleep(orders, until)? {
                return Ok(Wake::Order);
            }
        }
    }

    /// Sleeps until the program ends or this instant is reached; true if orders can be read.
    fn sleep(&self, orders: Option<BorrowedFd>, until: Option<Instant>) -> io::Result<bool> {
        let timeout = until.map(|until| timespec(until.saturating_duration_since(Instant::now())));
        let mut waiting: Vec<PollFd> = Vec::with_capacity(2);
        waiting.extend(orders.map(|orders| PollFd::from_borrowed_fd(orders, PollFlags::IN)));
        waiting.extend(self.exit.as_ref().map(|exit| PollFd::new(exit, PollFlags::IN)));
        match poll(&mut waiting, timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(orders.is_some() && waiting.first().is_some_and(|orders| !orders.revents().is_empty()))
    }

    /// Looks at memory and folder where it is time; returns the limit that is broken.
    fn watch(&mut self, now: Instant) -> Option<Ending> {
        if let Some(limit) = self.job.limits.memory_bytes.filter(|_| now >= self.next[0]) {
            if now >= self.next[1] {
                self.tree = self.scope.processes();
                self.next[1] = now + TREE_PERIOD;
            }
            let used = self.tree.iter().map(|pid| tree::resident_bytes(*pid)).sum();
            self.peak = self.peak.max(used);
            self.next[0] = now + MEMORY_PERIOD;
            if used > limit {
                return Some(Ending::MemoryLimit);
            }
        }
        if now >= self.next[2] {
            self.next[2] = now + FOLDER_PERIOD;
            if self.is_too_full() {
                return Some(Ending::OutputLimit);
            }
        }
        None
    }

    /// True if the folder holds what the job may write, or more.
    fn is_too_full(&self) -> bool {
        self.folder_limit.is_some_and(|limit| tree::bytes_in(&self.job.folder, limit) >= limit)
    }

    /// Ends the job: politely first where there is time to be polite, then by force.
    pub fn stop(&mut self, why: Ending) -> Report {
        let grace = if why == Ending::MemoryLimit { 0.0 } else { self.job.limits.grace_s };
        let mut used = None;
        if grace > 0.0 {
            let _ = rustix::process::kill_process_group(self.pid, Signal::TERM);
            used = self.ended_within(seconds_of(grace));
        }
        if used.is_none() {
            let _ = rustix::process::kill_process_group(self.pid, Signal::KILL);
            used = self.ended_within(LAST_WAIT);
        }
        self.close(why, used.as_ref())
    }

    fn ended_within(&mut self, time: Duration) -> Option<ResUse> {
        let until = Instant::now() + time;
        loop {
            match self.child.try_wait4() {
                Ok(Some(used)) => return Some(used),
                Ok(None) if Instant::now() < until => {}
                _ => return None,
            }
            let step = if self.exit.is_some() { until } else { Instant::now() + Duration::from_millis(1) };
            if self.sleep(None, Some(step.min(until))).is_err() {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }

    /// The program has ended: kills what it left behind, and reports.
    fn close(&mut self, ending: Ending, used: Option<&ResUse>) -> Report {
        let wall_s = self.started.elapsed().as_secs_f64();
        self.over = true;
        let left = self.sweep();
        // A file that was cut off at its limit is no result, whatever the program made of that.
        let own = matches!(ending, Ending::Exit(_) | Ending::Signal(_));
        let ending = if own && self.is_too_full() { Ending::OutputLimit } else { ending };
        let usage = used.map(|used| used.rusage);
        let left = if matches!(ending, Ending::Exit(_) | Ending::Signal(_)) { left } else { Vec::new() };
        Report {
            ending,
            wall_s,
            cpu_s: usage.map_or(0.0, |usage| (usage.utime + usage.stime).as_secs_f64()),
            peak_memory_bytes: usage.map_or(0, |usage| usage.maxrss).max(self.peak),
            left,
        }
    }

    /// Kills every process of the job that is still there; returns their names.
    fn sweep(&self) -> Vec<String> {
        let mut names = Vec::new();
        let begun = Instant::now();
        // A process that is about to become another program shows no mark for a moment: one look is not enough.
        let mut empty = 0;
        loop {
            if matches!(self.scope, Scope::Everything) && !reap() {
                return names;
            }
            let left = self.scope.processes();
            let _ = rustix::process::kill_process_group(self.pid, Signal::KILL);
            if names.is_empty() {
                names.extend(left.iter().filter_map(|pid| tree::name(*pid)));
            }
            for pid in &left {
                if let Some(pid) = Pid::from_raw(*pid) {
                    let _ = rustix::process::kill_process(pid, Signal::KILL);
                }
            }
            empty = if left.is_empty() && matches!(self.scope, Scope::Marked(_)) { empty + 1 } else { 0 };
            if empty == 2 || begun.elapsed() > LAST_WAIT {
                return names;
            }
            std::thread::sleep(Duration::from_micros(if empty == 1 { 1000 } else { 200 }));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.over {
            self.stop(Ending::Stopped);
        }
    }
}

/// Asks for every child that has ended; false if there are no children at all.
fn reap() -> bool {
    loop {
        match rustix::process::wait(WaitOptions::NOHANG) {
            Ok(Some(_)) | Err(rustix::io::Errno::INTR) => {}
            Ok(None) => return true,
            Err(_) => return false,
        }
    }
}

/// Kills a process group, such as that of a child that was started with `process_group(0)`.
pub fn kill_group(leader: &Child) {
    kill_group_of(leader.id());
}

/// The same by the leader's process id.
pub fn kill_group_of(leader: u32) {
    if let Some(leader) = i32::try_from(leader).ok().and_then(Pid::from_raw) {
        let _ = rustix::process::kill_process_group(leader, Signal::KILL);
    }
}

/// Limits that the system itself sees to. They are set from outside, between the start of the program and its first own instruction that
/// matters: the loader alone takes longer. A system that refuses leaves what is watched here.
fn limit(pid: Pid, limits: &Limits) {
    let set = |resource, most: u64| {
        let _ = rustix::process::prlimit(
            Some(pid),
            resource,
            Rlimit { current: Some(most), maximum: Some(most) },
        );
    };
    set(Resource::Core, 0);
    if let Some(bytes) = limits.output_bytes {
        set(Resource::Fsize, bytes);
    }
    if let Some(bytes) = limits.memory_bytes {
        // What is resident is watched; this stops one process that asks for far too much at once.
        set(Resource::Data, bytes.saturating_mul(2));
    }
}

#[cfg(target_os = "linux")]
fn exit_of(pid: Pid) -> Option<OwnedFd> {
    rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).ok()
}

#[cfg(not(target_os = "linux"))]
fn exit_of(_: Pid) -> Option<OwnedFd> {
    None
}

fn ending(status: ExitStatus) -> Ending {
    match (status.code(), status.signal()) {
        (Some(code), _) => Ending::Exit(code),
        (None, Some(25)) => Ending::OutputLimit,
        (None, signal) => Ending::Signal(signal.unwrap_or(0)),
    }
}

fn seconds_of(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::from_secs(u32::MAX.into()))
}

fn timespec(time: Duration) -> Timespec {
    Timespec { tv_sec: time.as_secs() as i64, tv_nsec: i64::from(time.subsec_nanos()) as _ }
}

/// A duplicate of a descriptor as a file, for a job.
pub(crate) fn file(of: impl AsFd) -> io::Result<File> {
    Ok(File::from(of.as_fd().try_clone_to_owned()?))
}
