//! Studies, end to end through the real binary: results that do not depend on threads or kills, and mistakes that are reported once, with
//! their place, and leave nothing behind.

mod common;

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use common::{Result, hwgym, records, run};

const STUDY: &str = r#"(
    name: "small",
    environments: [
        (id: "dram-controller-v0", label: "sort", options: (workload: "sort"), objectives: ["both", "low-latency"]),
    ],
    agents: [
        (id: "random"),
        (id: "genetic", hyperparameters: (population: [8, 16])),
    ],
    seeds: 2,
    budget: 24,
    batch: 3,
)
"#;

#[test]
fn the_number_of_jobs_changes_nothing_and_neither_does_being_killed() -> Result {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("study.ron"), STUDY)?;
    let one = run(folder.path(), &["run", "study.ron", "--out", "one", "--jobs", "1"])?;
    assert!(one.status.success(), "{}", String::from_utf8_lossy(&one.stderr));
    let two = run(folder.path(), &["run", "study.ron", "--out", "two", "--jobs", "2"])?;
    assert!(two.status.success(), "{}", String::from_utf8_lossy(&two.stderr));
    let expected = records(&folder.path().join("one"))?;
    assert_eq!(expected.len(), 2 * 3 * 2);
    assert!(expected.iter().all(|(_, lines)| lines.len() == 25), "24 evaluations and an end");
    assert_eq!(expected, records(&folder.path().join("two"))?);

    // Killed twenty times, after 20 to 139 ms; the study is made before the first evaluation, so there is always something to resume.
    let killed = folder.path().join("killed");
    for number in 0..20 {
        let arguments: &[&str] = match number {
            0 => &["run", "study.ron", "--out", "killed", "--jobs", "2"],
            _ => &["resume", "killed", "--jobs", "2"],
        };
        let mut child =
            hwgym(folder.path(), arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        while number == 0 && !killed.join("lock").exists() && child.try_wait()?.is_none() {
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(20 + 37 * number % 120));
        child.kill()?;
        child.wait()?;
    }
    let resumed = run(folder.path(), &["resume", "killed"])?;
    assert!(resumed.status.success(), "{}", String::from_utf8_lossy(&resumed.stderr));
    assert_eq!(expected, records(&killed)?);
    Ok(())
}

#[test]
fn a_report_holds_a_page_tables_and_plots() -> Result {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("study.ron"), STUDY)?;
    let output = run(folder.path(), &["run", "study.ron", "--out", "done"])?;
    let text = String::from_utf8(output.stdout)?;
    for file in [
        "report.md",
        "summary.csv",
        "pareto.sort.both.png",
        "pareto.sort.both.svg",
        "convergence.sort.low-latency.png",
        "regret.sort.low-latency.png",
    ] {
        let path = folder.path().join("done/report").join(file);
        assert!(text.contains(file) && fs::metadata(&path)?.len() > 100, "{file}");
    }
    let again = run(folder.path(), &["run", "study.ron", "--out", "done"])?;
    assert_eq!(again.status.code(), Some(2));
    assert!(String::from_utf8(again.stderr)?.contains("hwgym resume done"));
    Ok(())
}

/// A line of records with the checksum that belongs to it.
fn sealed(line: &str) -> String {
    let body = line.split(",\"crc\"").next().unwrap_or(line);
    let mut sum = flate2::Crc::new();
    sum.update(body.as_bytes());
    format!("{body},\"crc\":\"{:08x}\"}}", sum.sum())
}

#[test]
fn a_record_of_another_design_is_refused_with_trial_and_evaluation() -> Result {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("study.ron"), STUDY)?;
    run(folder.path(), &["run", "study.ron", "--out", "done"])?;
    let path = folder.path().join("done/trials/sort.both.random.s1.jsonl");
    let text = fs::read_to_string(&path)?;
    let lines: Vec<&str> = text.lines().take(6).collect();
    let changed = lines[4].replace("\"MaxActiveTransactions\":", "\"MaxActiveTransactions\":1");
    for (changed, expected) in [
        (
            changed.clone(),
            "sort.both.random.s1.jsonl:5: this is not what was written: its checksum does not fit",
        ),
        (sealed(&changed), "trial `sort.both.random.s1`, evaluation 5: the agent now proposes"),
    ] {
        let lines = [&lines[..4], &[changed.as_str()], &lines[5..]].concat();
        fs::write(&path, lines.join("\n") + "\n")?;
        let output = run(folder.path(), &["resume", "done"])?;
        let message = String::from_utf8(output.stderr)?;
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert!(message.contains(expected), "{message}");
    }
    Ok(())
}

/// One mistake: what is replaced by what, and what the message must say.
fn refused(from: &str, to: &str, expected: &[&str]) -> Result {
    let folder = tempfile::tempdir()?;
    assert!(STUDY.contains(from), "{from}");
    fs::write(folder.path().join("study.ron"), STUDY.replacen(from, to, 1))?;
    let trace: String = (1..=9000)
        .map(
            |n| if n == 7213 { "72130:\trea".into() } else { format!("{}:\tread\t0x{:x}\n", n * 10, n * 64) },
        )
        .collect();
    fs::write(folder.path().join("torn.stl"), trace)?;
    let output = run(folder.path(), &["run", "study.ron", "--out", "made"])?;
    let message = String::from_utf8(output.stderr)?;
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert_eq!(message.matches("error:").count(), 1, "{message}");
    for part in expected {
        assert!(message.contains(part), "`{part}` is not in: {message}");
    }
    let left = fs::read_dir(folder.path())?.count();
    assert_eq!(left, 2, "a half-made study is left behind");
    Ok(())
}

#[test]
fn an_unknown_field_is_refused() -> Result {
    refused(
        "budget: 24",
        "budgget: 24",
        &["study.ron:11:5: there is no field `budgget`; did you mean `budget`?"],
    )
}

#[test]
fn a_misspelt_agent_is_refused() -> Result {
    refused(
        "(id: \"genetic\"",
        "(id: \"genetik\"",
        &["study.ron:8:14: no agent is called `genetik`; did you mean `genetic`?"],
    )
}

#[test]
fn a_misspelt_environment_is_refused() -> Result {
    refused(
        "dram-controller-v0",
        "dram-controler-v0",
        &["study.ron:4:14: ", "did you mean `dram-controller-v0`?"],
    )
}

#[test]
fn a_misspelt_objective_is_refused() -> Result {
    refused("\"low-latency\"", "\"low-latancy\"", &["study.ron:4:", "did you mean `low-latency`?"])
}

#[test]
fn an_unknown_metric_of_an_objective_is_refused() -> Result {
    let objective = "(name: \"mine\", goals: [Minimise(\"enregy_pj\")])";
    refused(
        "\"low-latency\"",
        objective,
        &["study.ron:4:", "no metric is called `enregy_pj`; did you mean `energy_pj`?"],
    )
}

#[test]
fn a_hyperparameter_out_of_range_is_refused() -> Result {
    refused(
        "[8, 16]",
        "[8, 1]",
        &["study.ron:8:", "hyperparameter `population` is 1; expected an integer from"],
    )
}

#[test]
fn a_batch_beyond_the_budget_is_refused() -> Result {
    refused(
        "batch: 3",
        "batch: 25",
        &["study.ron:12:12: `batch` is 25; expected 1 to the budget of 24 evaluations"],
    )
}

#[test]
fn a_missing_trace_is_refused() -> Result {
    refused("(workload: \"sort\")", "(workload: \"none.stl\")", &["study.ron:4:", "none.stl: No such file"])
}

#[test]
fn a_truncated_trace_is_refused_at_its_line() -> Result {
    refused(
        "(workload: \"sort\")",
        "(workload: \"torn.stl\")",
        &["study.ron:4:", "torn.stl:7213:", "expected `read` or `write`"],
    )
}

/// An external agent that breaks ends its own trials; the others run on and are reported.
#[test]
fn a_broken_external_agent_ends_its_trial_and_nothing_else() -> Result {
    let folder = tempfile::tempdir()?;
    let study = STUDY.replace(
        "(id: \"random\"),",
        r#"(id: "random"),
        (id: "external", label: "crash", hyperparameters: (command: [["sh", "-c", "echo no licence >&2; exit 3"]])),
        (id: "external", label: "garbage", hyperparameters: (command: [["sh", "-c", "read a; read b; echo hello"]])),
        (id: "external", label: "outside", hyperparameters: (command: [["sh", "-c", "read a; read b; echo '{\"designs\": [{}]}'"]])),
        (id: "external", label: "silent", hyperparameters: (command: [["sleep", "60"]], time_limit_s: 1.0)),"#,
    );
    fs::write(folder.path().join("study.ron"), study)?;
    let output = run(folder.path(), &["run", "study.ron", "--out", "done"])?;
    let (text, errors) = (String::from_utf8(output.stdout)?, String::from_utf8(output.stderr)?);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    for expected in
        ["it said: no licence", "its answer `hello` is not", "designs", "did not answer within 1 s"]
    {
        assert!(errors.contains(expected), "{expected}: {errors}");
    }
    assert!(errors.contains("16 of 28 trials failed") && errors.contains("hwgym resume done"), "{errors}");
    assert!(text.contains("report.md") && folder.path().join("done/report/report.md").exists(), "{text}");
    Ok(())
}

#[test]
fn several_goals_are_one_only_where_the_user_says_so() -> Result {
    let folder = tempfile::tempdir()?;
    let study = |agent: &str| {
        format!(
            "(name: \"s\", environments: [(id: \"synthetic/zdt1-v0\", objectives: [\"problem\"])],\n agents: [{agent}],\n seeds: 1, budget: 40)"
        )
    };
    fs::write(folder.path().join("bare.ron"), study("(id: \"hill-climber\")"))?;
    let output = run(folder.path(), &["run", "bare.ron", "--out", "bare"])?;
    let message = String::from_utf8(output.stderr)?;
    assert_eq!(output.status.code(), Some(2), "{message}");
    for part in ["bare.ron:2:", "hill-climber", "one goal", "`nsga2`", "Scalarise"] {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert!(!folder.path().join("bare").exists());

    let wrapped =
        "(id: \"hill-climber\", wrappers: [Scalarise(weights: [2, 1], method: Chebyshev), Deduplicate])";
    fs::write(folder.path().join("wrapped.ron"), study(wrapped))?;
    let output = run(folder.path(), &["run", "wrapped.ron", "--out", "wrapped"])?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // The records keep the goals as they are.
    let records = records(&folder.path().join("wrapped"))?;
    assert!(records[0].1[0].contains("\"rewards\":[") && records[0].1[0].matches("\"rewards\"").count() == 1);

    let late = "(id: \"genetic\", wrappers: [Deduplicate, Scalarise()])";
    fs::write(folder.path().join("late.ron"), study(late))?;
    let message = String::from_utf8(run(folder.path(), &["run", "late.ron"])?.stderr)?;
    assert!(message.contains("the first of the wrappers"), "{message}");
    Ok(())
}
