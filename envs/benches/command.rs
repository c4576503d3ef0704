//! What an evaluation by another program costs beside the program itself: `cargo bench -p hwgym-envs --bench command`.
//!
//! Each line is the median and the least of many evaluations, one after the other, on one thread: `true` as a plain child process and as a
//! `command-v0`; a worker of a few lines of Python, asked directly through its pipes and as a `command-v0` with `protocol: JsonLines`. The two
//! of a pair take turns, so that both see the same machine.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use hwgym_envs::{Env, Fidelity, Options, Registry};

type Failure = Box<dyn std::error::Error>;

const ONCE: &str = r#"(
    parameters: [(name: "x", domain: Integer(low: 0, high: 1000000))],
    command: ["/bin/true", "{{x}}"],
    metrics: [(name: "code", direction: Minimise, from: ExitCode)],
)"#;

const WORKER: &str = r#"(
    parameters: [(name: "x", domain: Integer(low: 0, high: 1000000))],
    protocol: JsonLines,
    command: ["python3", "-u", "-c", "import sys\nfor line in sys.stdin: print('{\"metrics\": {\"y\": 1}}', flush=True)"],
    metrics: [(name: "y", direction: Minimise)],
)"#;

fn main() -> ExitCode {
    if let Some(code) = hwgym_simulators::process::serve_if_asked() {
        return code;
    }
    match measure() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn measure() -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let once = environment(folder.path(), "once.ron", ONCE)?;
    let bare = || -> Result<(), Failure> {
        let status = Command::new("/bin/true")
            .arg("1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()?;
        if status.success() { Ok(()) } else { Err("`true` failed".into()) }
    };
    compare("a process", bare, "command-v0", once.as_ref(), 500)?;

    let worker = environment(folder.path(), "worker.ron", WORKER)?;
    let script = "import sys\nfor line in sys.stdin: print('{\"metrics\": {\"y\": 1}}', flush=True)";
    let mut child = Command::new("python3")
        .args(["-u", "-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut input = child.stdin.take().ok_or("no input")?;
    let mut output = BufReader::new(child.stdout.take().ok_or("no output")?);
    let mut line = String::new();
    let ask = || -> Result<(), Failure> {
        input.write_all(b"{\"design\": {\"x\": 1}, \"fidelity\": \"full\", \"constants\": {}, \"derived\": {}, \"seed\": 1}\n")?;
        line.clear();
        output.read_line(&mut line)?;
        serde_json::from_str::<serde_json::Value>(&line)?;
        Ok(())
    };
    compare("a line to a worker", ask, "command-v0, JsonLines", worker.as_ref(), 5000)?;
    child.kill()?;
    child.wait()?;
    Ok(())
}

fn environment(folder: &Path, name: &str, text: &str) -> Result<std::sync::Arc<dyn Env>, Failure> {
    let path = folder.join(name);
    std::fs::write(&path, text)?;
    Ok(Registry::builtin().make(&path.display().to_string(), &Options::none())?)
}

/// Takes the times of both in turn.
fn compare(
    plain: &str,
    mut bare: impl FnMut() -> Result<(), Failure>,
    name: &str,
    env: &dyn Env,
    count: usize,
) -> Result<(), Failure> {
    let (mut without, mut with) = (Vec::with_capacity(count), Vec::with_capacity(count));
    for index in 0..count + 20 {
        let begun = Instant::now();
        bare()?;
        let middle = Instant::now();
        let design = env.space().design_at(index as u128).ok_or("no design")?;
        let outcome = env.evaluate(&design, Fidelity::FULL);
        let end = Instant::now();
        if outcome.metrics().is_none() {
            return Err(format!("{outcome:?}").into());
        }
        // The first ones start what stays.
        if index >= 20 {
            without.push((middle - begun).as_secs_f64() * 1e3);
            with.push((end - middle).as_secs_f64() * 1e3);
        }
    }
    without.sort_by(f64::total_cmp);
    with.sort_by(f64::total_cmp);
    let (a, b) = (without[count / 2], with[count / 2]);
    println!("{plain}: median {a:.3} ms, least {:.3} ms", without[0]);
    println!(
        "{name}: median {b:.3} ms, least {:.3} ms; {:.3} ms more in the median, {:.3} ms in the least",
        with[0],
        b - a,
        with[0] - without[0]
    );
    Ok(())
}
