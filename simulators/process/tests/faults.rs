//! Every way in which a program can go wrong, with a guard and without: the report says why it ended, and nothing is left.
//!
//! This program is its own harness, since it has to serve as a guard before anything else.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use hwgym_process::{Ending, Job, Limits, LineProcess, Report, Runner, Silence};

type Tested = Result<(), Box<dyn std::error::Error>>;

/// Runs the rest without guards.
const DIRECTLY: &str = "HWGYM_TEST_DIRECTLY";

/// A name, and what is done.
type Story = (&'static str, fn() -> Tested);

fn main() -> ExitCode {
    if std::env::var_os(DIRECTLY).is_none()
        && let Some(code) = hwgym_process::serve_if_asked()
    {
        return code;
    }
    let mut tests: Vec<Story> = vec![
        ("a program ends by itself", ends),
        ("a program that hangs is stopped", hangs),
        ("a program that ignores SIGTERM is killed", ignores_sigterm),
        ("a program that takes too much memory is killed", too_much_memory),
        ("a program that prints without end is killed", prints_without_end),
        ("children that outlive the program are killed", children),
        ("nothing is inherited", inherits_nothing),
        ("a folder that the program takes away is no trouble", folder_is_gone),
        ("a program that is not there is an error", not_there),
        ("lines are answered, and silence is explained", lines),
        ("nothing of a runner is left", nothing_is_left),
    ];
    if std::env::var_os(DIRECTLY).is_none() {
        tests.push(("the same without guards", without_guards));
    }
    let mut failed = 0;
    for (name, test) in &tests {
        match test() {
            Ok(()) => println!("test {name} ... ok"),
            Err(error) => {
                failed += 1;
                println!("test {name} ... FAILED\n  {error}");
            }
        }
    }
    let passed = tests.len() - failed;
    println!(
        "\ntest result: {}. {passed} passed; {failed} failed; 0 ignored; 0 measured; 0 filtered out",
        if failed == 0 { "ok" } else { "FAILED" }
    );
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Fails with what was found.
fn expect(holds: bool, found: impl std::fmt::Debug) -> Tested {
    if holds { Ok(()) } else { Err(format!("found {found:?}").into()) }
}

fn shell(script: &str, folder: &Path, limits: Limits) -> Job {
    let arguments = vec!["-c".to_string(), script.to_string()];
    Job { program: "sh".into(), arguments, variables: Vec::new(), folder: folder.into(), limits }
}

/// Runs a script; returns the report, and what it wrote.
fn run(script: &str, limits: Limits) -> Result<(Report, String), Box<dyn std::error::Error>> {
    let runner = Runner::new(std::env::temp_dir());
    let folder = runner.folder()?;
    let (out, err) = (folder.path().with_extension("out"), folder.path().with_extension("err"));
    let report =
        runner.run(shell(script, folder.path(), limits), &File::create(&out)?, &File::create(&err)?)?;
    Ok((report, fs::read_to_string(&out).unwrap_or_default() + &fs::read_to_string(&err).unwrap_or_default()))
}

/// True if a process with these words in its command line is running.
fn is_running(words: &str) -> bool {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.any(|pid| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).replace('\0', " ").contains(words)
    })
}

fn ends() -> Tested {
    let (report, said) = run("echo hello; echo there >&2; exit 3", Limits::default())?;
    expect(report.ending == Ending::Exit(3) && said == "hello\nthere\n", (&report, said))?;
    expect(report.peak_memory_bytes > 100_000 && report.left.is_empty(), &report)?;
    let (report, _) = run("kill -SEGV $$", Limits::default())?;
    expect(report.ending == Ending::Signal(11), report)
}

fn hangs() -> Tested {
    let limits = Limits { time_s: Some(0.2), ..Limits::default() };
    let (report, _) = run("sleep 4711.1", limits)?;
    expect(report.ending == Ending::TimeLimit && !is_running("sleep 4711.1"), report)
}

fn ignores_sigterm() -> Tested {
    let limits = Limits { time_s: Some(0.2), grace_s: 0.2, ..Limits::default() };
    let (report, _) = run("trap '' TERM; while :; do sleep 4711.2; done", limits)?;
    expect(report.ending == Ending::TimeLimit && !is_running("sleep 4711.2"), report)
}

fn too_much_memory() -> Tested {
    let limits = Limits { time_s: Some(20.0), memory_bytes: Some(50 << 20), ..Limits::default() };
    // A child of the script holds the memory, slowly enough that it is seen.
    let (report, said) = run(
        "x=y; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26; do x=$x$x; done; sleep 5",
        limits,
    )?;
    expect(report.ending == Ending::MemoryLimit, (&report, said))?;
    expect(report.peak_memory_bytes > 50 << 20, report)
}

fn prints_without_end() -> Tested {
    let limits = Limits { time_s: Some(20.0), output_bytes: Some(1 << 20), ..Limits::default() };
    let (report, said) = run("exec yes", limits)?;
    // The limit is set a moment after the start, in which a fast machine writes some megabytes.
    expect(report.ending == Ending::OutputLimit && said.len() <= 64 << 20, &report)?;
    // Many files of modest size are seen as well.
    let many = "i=0; while [ $i -lt 40 ]; do i=$((i+1)); head -c 100000 /dev/zero > f$i; done; sleep 20";
    let (report, _) = run(many, limits)?;
    expect(report.ending == Ending::OutputLimit, report)
}

fn children() -> Tested {
    let script = "sleep 4711.3 & (setsid sleep 4711.4 &) ; sleep 0.1; exit 0";
    let (report, _) = run(script, Limits::default())?;
    expect(report.ending == Ending::Exit(0) && report.left.contains(&"sleep".to_string()), &report)?;
    expect(!is_running("sleep 4711.3") && !is_running("sleep 4711.4"), "a child that is still running")
}

fn inherits_nothing() -> Tested {
    // Looked for one by one: a shell that joins commands by pipes has descriptors of its own in between.
    let (_, said) = run(
        "i=3; while [ $i -lt 300 ]; do [ -e /proc/$$/fd/$i ] && echo open: $i; i=$((i+1)); done; cat; tty",
        Limits::default(),
    )?;
    expect(!said.contains("open:") && said.contains("not a tty"), said)
}

fn folder_is_gone() -> Tested {
    let (report, _) = run("rm -rf \"$PWD\"; echo done", Limits::default())?;
    expect(report.ending == Ending::Exit(0), report)
}

fn not_there() -> Tested {
    let runner = Runner::new(std::env::temp_dir());
    let folder = runner.folder()?;
    let job = Job { program: "/nowhere/at-all".into(), folder: folder.path().into(), ..Job::default() };
    let null = File::open("/dev/null")?;
    let error = runner.run(job, &null, &null).err();
    expect(error.as_ref().is_some_and(|e| e.kind() == std::io::ErrorKind::NotFound), error)
}

fn lines() -> Tested {
    let folder = tempfile::tempdir()?;
    let start = |script: &str| LineProcess::start(shell(script, folder.path(), Limits::default()), None);
    let second = Duration::from_secs(10);
    let echo = start("while read line; do echo got $line; done")?;
    for word in ["one", "two"] {
        echo.send(word);
        let answer = echo.receive(second);
        expect(answer == Ok(format!("got {word}\n")), answer)?;
    }
    let mute = start("echo I sulk >&2; exec sleep 4711.5")?;
    expect(mute.receive(Duration::from_millis(100)) == Err(Silence::TimedOut), "an answer")?;
    let (report, said) = mute.end(Duration::from_millis(1));
    expect(report.as_ref().is_some_and(|r| r.ending == Ending::Stopped) && said == "I sulk", (report, said))?;
    expect(!is_running("sleep 4711.5"), "a program that was stopped")?;
    let dying = start("read line; exit 7")?;
    dying.send("hello");
    expect(dying.receive(second) == Err(Silence::Ended), "an answer")?;
    let (report, _) = dying.end(Duration::from_millis(500));
    expect(report.as_ref().is_some_and(|r| r.ending == Ending::Exit(7)), report)
}

fn nothing_is_left() -> Tested {
    let base = tempfile::tempdir()?;
    let descriptors = || fs::read_dir("/proc/self/fd").map(Iterator::count);
    let before = descriptors()?;
    let limits = Limits { time_s: Some(30.0), ..Limits::default() };
    {
        let runner = Runner::new(base.path());
        for _ in 0..20 {
            let folder = runner.folder()?;
            let file = File::create(folder.path().join("log"))?;
            runner.run(
                shell("mkdir -p a/b; chmod 500 a; (setsid sleep 4711.6 &)", folder.path(), limits),
                &file,
                &file,
            )?;
        }
        expect(fs::read_dir(base.path())?.count() == 1, "more than one folder of the runner")?;
    }
    expect(fs::read_dir(base.path())?.count() == 0, "a folder")?;
    expect(!is_running("sleep 4711.6"), "a process")?;
    let after = descriptors()?;
    expect(after <= before, (before, after))?;
    let begun = Instant::now();
    let own = std::process::id().to_string();
    // Whoever still has this process as its parent is a guard that was not waited for.
    while begun.elapsed() < Duration::from_secs(2) {
        let entries = fs::read_dir("/proc")?.flatten();
        let stats = entries.filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok());
        let children = stats.filter(|stat| {
            stat.rsplit_once(')').is_some_and(|(_, rest)| rest.split_whitespace().nth(1) == Some(&own))
        });
        if children.count() == 0 {
            return Ok(());
        }
    }
    Err("a child is left".into())
}

fn without_guards() -> Tested {
    let output = Command::new(std::env::current_exe()?).env(DIRECTLY, "1").output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() { Ok(()) } else { Err(said.into()) }
}
