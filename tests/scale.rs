//! Studies at scale: looked at before they run, watched while they do, tried again where they failed, handed to a job array.

mod common;

use std::fs;

use common::{Result, hwgym, records, run};

const STUDY: &str = r#"(
    name: "sweep",
    environments: [(id: "synthetic/zdt1-v0", label: "one"), (id: "synthetic/zdt2-v0", label: "two")],
    agents: [
        (id: "random"),
        (id: "nsga2", hyperparameters: (population: Logarithmic(4, 16, 3))),
    ],
    seeds: 3,
    budget: 20,
)
"#;

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_study_is_looked_at_before_it_runs() -> Result {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("study.ron"), STUDY)?;
    let check = run(folder.path(), &["study", "check", "study.ron"])?;
    assert_eq!(
        text(&check.stdout).trim(),
        "sweep: 2 tasks x 4 contestants x 3 seeds = 24 searches of up to 20 evaluations, 480 in all"
    );
    let expand = text(&run(folder.path(), &["study", "expand", "study.ron"])?.stdout);
    for expected in ["one/problem", "population=4", "population=8", "population=16", "Seeds: 1 2 3"] {
        assert!(expand.contains(expected), "{expected}: {expand}");
    }
    let trials = text(&run(folder.path(), &["study", "expand", "study.ron", "--trials"])?.stdout);
    assert_eq!(trials.lines().count(), 24);
    let cost = text(&run(folder.path(), &["study", "cost", "study.ron", "--jobs", "2"])?.stdout);
    assert!(cost.contains("on 2 threads, for the evaluations alone"), "{cost}");
    // 24 searches of at most a microsecond each.
    let short = STUDY.replace("budget: 20", "budget: (evaluations: 20, seconds: 0.000001)");
    fs::write(folder.path().join("short.ron"), short)?;
    let cost = text(&run(folder.path(), &["study", "cost", "short.ron", "--jobs", "1"])?.stdout);
    let seconds = cost.lines().last().and_then(|line| line.strip_prefix("about "));
    assert!(seconds.is_some_and(|line| line.contains(" us of processor time")), "{cost}");
    assert!(!folder.path().join("out").exists(), "nothing was run");
    Ok(())
}

#[test]
fn the_status_follows_a_study_and_its_records_are_proven_whole() -> Result {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("study.ron"), STUDY)?;
    run(folder.path(), &["run", "study.ron", "--out", "out", "--prepare"])?;
    let before = run(folder.path(), &["status", "out"])?;
    assert_eq!(
        text(&before.stdout).trim(),
        "sweep: 0 of 24 searches over, 0 running, 0 stopped, 24 waiting, 0 failed; 0 of up to 480 evaluations"
    );
    // The chunk of a task of an array, as the engine numbers it.
    let chunk =
        hwgym(folder.path(), &["worker", "out", "--chunk", "10"]).env("SLURM_ARRAY_TASK_ID", "2").output()?;
    assert!(chunk.status.success(), "{}", text(&chunk.stderr));
    let after = text(&run(folder.path(), &["status", "out"])?.stdout);
    assert!(
        after.starts_with("sweep: 4 of 24 searches over, 0 running, 0 stopped, 20 waiting"),
        "the last chunk is short: {after}"
    );
    let alone = hwgym(folder.path(), &["worker", "out", "--chunk", "10"]).output()?;
    assert_eq!(alone.status.code(), Some(2));
    assert!(text(&alone.stderr).contains("SLURM_ARRAY_TASK_ID"), "{}", text(&alone.stderr));
    let collected = run(folder.path(), &["collect", "out"])?;
    assert!(collected.status.success() && text(&collected.stdout).contains("4 of 24 searches over"));
    let verified = run(folder.path(), &["study", "verify", "out"])?;
    assert!(verified.status.success());
    assert!(
        text(&verified.stdout)
            .contains("80 evaluations of 24 searches are whole, 4 searches are over, 0 files are damaged"),
        "{}",
        text(&verified.stdout)
    );
    // One changed digit.
    let file = fs::read_dir(folder.path().join("out/trials"))?
        .flatten()
        .map(|entry| entry.path())
        .min()
        .ok_or("no records")?;
    fs::write(&file, fs::read_to_string(&file)?.replacen("\"evaluation\":3,", "\"evaluation\":4,", 1))?;
    let damaged = run(folder.path(), &["study", "verify", "out"])?;
    assert_eq!(damaged.status.code(), Some(1));
    assert!(text(&damaged.stdout).contains(":3: this is not what was written"), "{}", text(&damaged.stdout));
    Ok(())
}

#[test]
fn a_report_is_written_elsewhere_where_its_study_cannot_be_written_to() -> Result {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("study.ron"), STUDY)?;
    run(folder.path(), &["run", "study.ron", "--out", "out"])?;
    // A file where the folder would be: nothing can be written there, by nobody.
    fs::remove_dir_all(folder.path().join("out/report"))?;
    fs::write(folder.path().join("out/report"), "")?;
    assert!(!run(folder.path(), &["report", "out"])?.status.success());
    let elsewhere = run(folder.path(), &["report", "out", "--out", "elsewhere"])?;
    assert!(elsewhere.status.success(), "{}", text(&elsewhere.stderr));
    for file in
        ["report.html", "report.md", "ranks.png", "lottery.one.problem.svg", "attainment.two.problem.tex"]
    {
        assert!(folder.path().join("elsewhere").join(file).exists(), "{file}");
    }
    Ok(())
}

#[test]
fn a_failed_search_shows_and_is_tried_again_alone() -> Result {
    let folder = tempfile::tempdir()?;
    let agents = r#"agents: [(id: "random"), (id: "external", label: "mine", hyperparameters: (command: [["sh", "agent.sh"]])),"#;
    let study = STUDY.replace("agents: [\n        (id: \"random\"),", agents).replace("seeds: 3", "seeds: 1");
    fs::write(folder.path().join("study.ron"), study)?;
    fs::write(folder.path().join("agent.sh"), "exit 3\n")?;
    let first = run(folder.path(), &["run", "study.ron", "--out", "out"])?;
    assert_eq!(first.status.code(), Some(1), "{}", text(&first.stderr));
    let status = run(folder.path(), &["status", "out", "--trials"])?;
    assert_eq!(status.status.code(), Some(1));
    let shown = text(&status.stdout);
    let report = fs::read_to_string(folder.path().join("out/report/report.md"))?;
    // A list of one value is no sweep, and is in no name.
    assert!(report.contains("| mine |") && !report.contains("command="), "{report}");
    assert!(shown.contains("2 failed") && shown.contains("failed: one.problem.mine.s1: "), "{shown}");
    let json = run(folder.path(), &["status", "out", "--json"])?;
    let json: serde_json::Value = serde_json::from_slice(&json.stdout)?;
    assert_eq!(json["trials"].as_array().map(Vec::len), Some(10));
    let before = records(&folder.path().join("out"))?;
    let again = run(folder.path(), &["resume", "out", "--failed-only"])?;
    assert!(text(&again.stderr).contains("2 trials of up to 20 evaluations"), "{}", text(&again.stderr));
    assert_eq!(before, records(&folder.path().join("out"))?, "the others are left alone");
    Ok(())
}

#[test]
fn a_study_is_written_as_a_job_array() -> Result {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("study.ron"), STUDY)?;
    let submitted = run(
        folder.path(),
        &[
            "submit",
            "study.ron",
            "--out",
            "out",
            "--chunk",
            "10",
            "--sbatch",
            "--partition=short --time=30",
            "--dry-run",
        ],
    )?;
    assert!(submitted.status.success(), "{}", text(&submitted.stderr));
    let script = fs::read_to_string(folder.path().join("out/submitted/1.sh"))?;
    for expected in ["#SBATCH --array=0-2\n", "#SBATCH --partition=short --time=30\n", "--chunk 10"] {
        assert!(script.contains(expected), "{expected}: {script}");
    }
    let list = fs::read_to_string(folder.path().join("out/submitted/1.trials"))?;
    assert_eq!(list.lines().count(), 24);
    // As Slurm would: the script itself, with the number of a task in its environment.
    for task in ["0", "1", "2"] {
        let output = std::process::Command::new("sh")
            .arg(folder.path().join("out/submitted/1.sh"))
            .env("SLURM_ARRAY_TASK_ID", task)
            .output()?;
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    run(folder.path(), &["run", "study.ron", "--out", "local"])?;
    assert_eq!(records(&folder.path().join("local"))?, records(&folder.path().join("out"))?);
    let nothing = text(&run(folder.path(), &["submit", "out", "--dry-run"])?.stdout);
    assert!(nothing.contains("nothing is left to submit"), "{nothing}");
    Ok(())
}

#[test]
fn the_difficulty_of_an_environment_is_said_with_its_origin() -> Result {
    let folder = tempfile::tempdir()?;
    let arguments = [
        "env",
        "difficulty",
        "dram-controller-v0",
        "-o",
        "workload=mix:programs=bfs+sort,load=0.9,requests=300",
        "--objective",
        "low-latency",
        "--samples",
        "60",
        "--climbs",
        "2",
    ];
    let output = run(folder.path(), &arguments)?;
    let said = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    for expected in [
        "442368",
        "the optimum is not known",
        "60, evaluated",
        "of 2 end at the best value",
        "fitness-distance correlation",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    let wrong =
        run(folder.path(), &["env", "difficulty", "dram-controller-v0", "--objective", "low-latncy"])?;
    assert_eq!(wrong.status.code(), Some(2));
    assert!(text(&wrong.stderr).contains("did you mean `low-latency`"), "{}", text(&wrong.stderr));
    Ok(())
}

#[test]
fn studies_are_compared_where_they_have_a_task_in_common() -> Result {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("one.ron"), STUDY)?;
    fs::write(
        folder.path().join("two.ron"),
        STUDY.replace("synthetic/zdt2-v0\", label: \"two\"", "synthetic/dtlz2-v0\", label: \"three\""),
    )?;
    for study in ["one", "two"] {
        run(folder.path(), &["run", &format!("{study}.ron"), "--out", study])?;
    }
    let compared = run(folder.path(), &["compare", "one", "two"])?;
    let said = text(&compared.stdout);
    assert!(compared.status.success(), "{}", text(&compared.stderr));
    assert!(said.contains("p against the best") && said.contains("nsga2 population=16"), "{said}");
    assert!(
        said.contains("two/problem: only in one") && said.contains("three/problem: only in two"),
        "{said}"
    );
    Ok(())
}

#[test]
fn the_doctor_says_what_is_there_and_how_to_get_the_rest() -> Result {
    let folder = tempfile::tempdir()?;
    let output = hwgym(folder.path(), &["doctor"]).env("PATH", folder.path()).output()?;
    let said = text(&output.stdout);
    assert!(
        output.status.success() && said.contains("ngspice") && said.contains("apt-get install ngspice"),
        "{said}"
    );
    assert_eq!(said.matches("not found").count(), 9, "{said}");
    Ok(())
}

#[test]
fn a_running_study_is_shown_to_a_browser_on_this_machine_alone() -> Result {
    use std::io::{BufRead, BufReader, Read, Write};
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("study.ron"), STUDY)?;
    run(folder.path(), &["run", "study.ron", "--out", "out", "--prepare"])?;
    hwgym(folder.path(), &["worker", "out", "--share", "1/4"]).output()?;
    let mut server =
        hwgym(folder.path(), &["report", "out", "--serve"]).stdout(std::process::Stdio::piped()).spawn()?;
    let mut line = String::new();
    BufReader::new(server.stdout.take().ok_or("no output")?).read_line(&mut line)?;
    let address = line.split('/').nth(2).ok_or("no address")?.to_string();
    let ask = |path: &str, host: &str| -> Result<String> {
        let mut stream = std::net::TcpStream::connect(&address)?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    let (page, missing, foreign) = (ask("/", &address), ask("/study.ron", &address), ask("/", "example.com"));
    server.kill()?;
    server.wait()?;
    let page = page?;
    assert!(
        page.starts_with("HTTP/1.1 200 OK") && page.contains("Some searches are not over"),
        "{}",
        &page[..200.min(page.len())]
    );
    assert!(missing?.starts_with("HTTP/1.1 404") && foreign?.starts_with("HTTP/1.1 403"));
    Ok(())
}

#[test]
fn a_shell_and_man_know_the_commands() -> Result {
    let folder = tempfile::tempdir()?;
    for shell in ["bash", "zsh", "fish"] {
        let script = text(&run(folder.path(), &["completions", shell])?.stdout);
        assert!(script.contains("submit") && script.contains("hwgym"), "{shell}: {script}");
    }
    let written = run(folder.path(), &["man", "man1"])?;
    assert!(written.status.success(), "{}", text(&written.stderr));
    let page = fs::read_to_string(folder.path().join("man1/hwgym-submit.1"))?;
    assert!(page.contains("\\-\\-chunk"), "{page}");
    Ok(())
}

/// Every ready study begins with the question that it answers, and is one that the program takes. Files for `hwgym train` are none, and one study
/// searches on a model that is trained first.
#[test]
fn every_ready_study_is_read() -> Result {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut studies = 0;
    for entry in fs::read_dir(root.join("experiments/studies"))?.flatten() {
        let path = entry.path();
        let name = path.display().to_string();
        let content = fs::read_to_string(&path)?;
        assert!(content.starts_with("//"), "{name} does not begin with the question that it answers");
        if content.contains("environments:") && !content.contains("model: \"") {
            let checked = run(root, &["study", "check", &name])?;
            assert!(checked.status.success(), "{name}: {}", text(&checked.stderr));
            studies += 1;
        }
    }
    assert!(studies > 5, "{studies}");
    Ok(())
}

/// Every ready study runs: a dozen of its searches, with a tiny budget. A file for `hwgym train` trains with a tiny one; the study on a learned model
/// gets one of a few designs.
#[test]
fn every_ready_study_runs() -> Result {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir()?;
    for steps in [
        "dataset build dram-controller-v0 -o workload=bfs -o requests=2000 --designs 30 --out bfs.csv",
        "surrogate train bfs.csv --model gaussian-process --out bfs-surrogate.json",
    ] {
        let made = run(folder.path(), &steps.split(' ').collect::<Vec<_>>())?;
        assert!(made.status.success(), "{steps}: {}", text(&made.stderr));
    }
    let (mut studies, mut trainings) = (0, 0);
    for entry in fs::read_dir(root.join("experiments/studies"))?.flatten() {
        let content = fs::read_to_string(entry.path())?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let tiny = content.lines().map(|line| match line.split_once(':').map(|(name, _)| name) {
            Some("    seeds") => "    seeds: 1,".to_string(),
            Some("    budget") => "    budget: 20,".to_string(),
            Some("    batch") => "    batch: 1,".to_string(),
            Some("    re_simulate") => "    re_simulate: 3,".to_string(),
            Some("    train") if line.contains("Walks") => {
                format!("{line} simulations: 300, hidden: [8], steps: 100, part: 50,")
            }
            Some("    train") => {
                format!("{line} elite_evaluations: 20, cloning_steps: 20, pairs: 1, episodes: 2,")
            }
            Some("        iterations") => "        iterations: 1,".to_string(),
            _ => line.replace("Drawn(count: 100,", "Drawn(count: 2,").replace("../../out/", ""),
        });
        fs::write(folder.path().join(&name), tiny.collect::<Vec<_>>().join("\n"))?;
        if content.contains("    train:") {
            let trained = run(folder.path(), &["train", &name, "--out", "policy.json"])?;
            assert!(trained.status.success(), "{name}: {}", text(&trained.stderr));
            trainings += 1;
            continue;
        }
        let out = format!("{name}.out");
        let prepared = run(folder.path(), &["run", &name, "--out", &out, "--prepare"])?;
        assert!(prepared.status.success(), "{name}: {}", text(&prepared.stderr));
        let trials =
            text(&run(folder.path(), &["study", "expand", "--trials", &name])?.stdout).lines().count();
        let share = format!("1/{}", trials.div_ceil(12));
        let worked = run(folder.path(), &["worker", &out, "--share", &share])?;
        let ran = records(&folder.path().join(&out))?;
        assert!(!ran.is_empty() && ran.len() <= 12, "{name}: {} of {trials}", ran.len());
        assert!(ran.iter().all(|(_, lines)| lines.len() > 1), "{name}: {}", text(&worked.stderr));
        studies += 1;
    }
    assert!(studies > 5 && trainings == 5, "{studies} studies, {trainings} trainings");
    Ok(())
}
