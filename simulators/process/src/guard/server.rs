//! The guard's side.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::ExitCode;

use super::wire::{Answer, Order, receive, send};
use crate::contain::{Running, Scope, Wake};
use crate::job::{Ending, Job};
use crate::scratch;

/// Serves as a guard: takes orders from standard input until it ends, then ends whatever is at work. For programs whose guard is another one:
/// see [`set_helper`](super::set_helper).
pub fn serve() -> ExitCode {
    // Each of these only fails where it is not needed: a leader of a session already, a system without the notion.
    let _ = rustix::process::setsid();
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
    close_fds::set_fds_cloexec(3, &[]);
    let Ok(orders) = io::stdin().as_fd().try_clone_to_owned().map(UnixStream::from) else {
        return ExitCode::from(2);
    };
    let mut remove = None;
    let result = serve_orders(&orders, &mut remove);
    if let Some(folder) = remove {
        scratch::remove(&folder);
    }
    if result.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(2) }
}

fn serve_orders(orders: &UnixStream, remove: &mut Option<PathBuf>) -> io::Result<()> {
    while let Some((order, files)) = receive::<Order>(orders)? {
        let (job, folder) = match order {
            Order::Start { job, remove } => (job, remove),
            Order::Farewell => {
                *remove = None;
                return Ok(());
            }
            // A job that is over by itself has crossed an order to stop it.
            Order::Stop => continue,
        };
        remove.clone_from(&folder);
        match start(job, files) {
            Ok(mut running) => {
                send(orders, &Answer::Started(running.pid().as_raw_nonzero().get()), &[])?;
                let Some(answer) = attend(&mut running, orders, remove)? else { return Ok(()) };
                send(orders, &answer, &[])?;
            }
            Err(error) => send(orders, &Answer::Refused(error.raw_os_error(), error.to_string()), &[])?,
        }
    }
    Ok(())
}

fn start(job: Job, files: Vec<File>) -> io::Result<Running> {
    let files: [File; 3] =
        files.try_into().map_err(|_| io::Error::other("an order comes with three files"))?;
    Running::start(job, files, Scope::Everything)
}

/// Waits for the end of a job; `None` if whoever ordered it is gone, or says farewell. In any case the job is over.
fn attend(
    running: &mut Running,
    orders: &UnixStream,
    remove: &mut Option<PathBuf>,
) -> io::Result<Option<Answer>> {
    loop {
        match running.wait(Some(orders.as_fd()), None)? {
            Wake::Over(report) => return Ok(Some(Answer::Ended(report))),
            Wake::Order => match receive::<Order>(orders) {
                Ok(Some((Order::Stop, _))) => return Ok(Some(Answer::Ended(running.stop(Ending::Stopped)))),
                Ok(Some((Order::Start { .. }, _))) => {}
                Ok(Some((Order::Farewell, _))) => {
                    *remove = None;
                    running.stop(Ending::Stopped);
                    return Ok(None);
                }
                Ok(None) | Err(_) => {
                    running.stop(Ending::Stopped);
                    return Ok(None);
                }
            },
            Wake::Pause => {}
        }
    }
}
