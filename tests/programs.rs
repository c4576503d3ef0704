//! Programs of the user's own, described by a RON file: what goes wrong with real tools, and what must never happen.

mod common;

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use common::{Result, hwgym, run};

/// A definition around a script of the shell, which is given `x`.
fn definition(script: &str, more: &str) -> String {
    format!(
        "(name: \"t\", parameters: [(name: \"x\", domain: Integer(low: 0, high: 99))],\n command: [\"sh\", \"-c\", {script:?}, \"sh\", \"{{{{x}}}}\"],\n \
         metrics: [(name: \"m\", direction: Minimise, from: Stdout)],\n limits: (time_s: 20, memory_mb: 64, output_mb: 4, grace_s: 0.2), {more})"
    )
}

/// Evaluates a design of a definition in a folder whose scratch folders are counted afterwards: none may be left.
fn evaluate(text: &str, x: &str) -> Result<(String, i32)> {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("t.ron"), text)?;
    let scratch = folder.path().join("scratch");
    fs::create_dir(&scratch)?;
    let output = hwgym(folder.path(), &["evaluate", "t.ron", "-s", &format!("x={x}"), "--json"])
        .env("TMPDIR", &scratch)
        .output()?;
    assert_eq!(fs::read_dir(&scratch)?.count(), 0, "a scratch folder is left");
    Ok((said(&output), output.status.code().unwrap_or(-1)))
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Processes with these words in their command line.
fn running(words: &str) -> usize {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let lines = entries.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    lines.filter(|line| String::from_utf8_lossy(line).replace('\0', " ").contains(words)).count()
}

fn gone(words: &str) -> bool {
    let begun = Instant::now();
    while running(words) > 0 {
        if begun.elapsed() > Duration::from_secs(20) {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    true
}

fn is_there(program: &str) -> bool {
    let found =
        Command::new("sh").args(["-c", &format!("command -v {program}")]).stdout(Stdio::null()).status();
    let found = found.is_ok_and(|status| status.success());
    if !found {
        println!("skipped: `{program}` is not there");
    }
    found
}

#[test]
fn each_fault_costs_one_evaluation_with_its_reason() -> Result {
    let failing = [
        ("exit 7", "exit code 7"),
        ("echo trouble >&2; exit 1", "trouble"),
        ("kill -SEGV $$", "SIGSEGV"),
        ("kill -KILL $$", "SIGKILL"),
        ("exit 0", "the standard output is empty"),
        ("echo 5 >&2", "the standard output is empty"),
        ("echo NaN", "metric `m` is NaN"),
        ("echo inf", "metric `m` is inf"),
        ("echo fast", "`fast` is no number"),
        ("echo 3 Hz", "cannot be given in 1"),
        ("yes | head -c 1000000000", "output limit of 4 MiB"),
        ("head -c 1000000000 /dev/zero > big; echo 1", "output limit of 4 MiB"),
        ("x=y; while :; do x=$x$x; done", "limit of 64 MiB"),
    ];
    for (script, reason) in failing {
        let (said, code) = evaluate(&definition(script, ""), "3")?;
        assert_eq!(code, 1, "{script}: {said}");
        assert!(said.contains("\"status\": \"failed\"") && said.contains(reason), "{script}: {said}");
    }
    let (said, _) = evaluate(&definition("rm -rf \"$PWD\"; echo 4", ""), "3")?;
    assert!(said.contains("\"m\": 4.0"), "{said}");
    let gone = definition("cd /; rm -rf \"$OLDPWD\"", "")
        .replace("from: Stdout", "from: Json(file: \"o.json\", pointer: \"/m\")");
    let (said, _) = evaluate(&gone, "3")?;
    assert!(said.contains("gone with the scratch folder"), "{said}");
    Ok(())
}

#[test]
fn what_hangs_is_ended_with_everything_it_started() -> Result {
    for (script, words) in [
        ("sleep 5811.1", "sleep 5811.1"),
        ("trap '' TERM; while :; do sleep 5811.2; done", "sleep 5811.2"),
        ("setsid sleep 5811.3 & sleep 5811.3", "sleep 5811.3"),
        ("(setsid sh -c 'sleep 5811.4 & wait' &) ; sleep 5811.4", "sleep 5811.4"),
    ] {
        let (said, code) = evaluate(&definition(script, "").replace("time_s: 20", "time_s: 0.3"), "3")?;
        assert!(code == 1 && said.contains("\"timed-out\""), "{script}: {said}");
        assert_eq!(running(words), 0, "{script}");
    }
    // Children that outlive a program which ends well take nothing from its result, and do not stay.
    let (said, code) = evaluate(&definition("(setsid sleep 5811.5 &); sleep 5811.5 & echo 8", ""), "3")?;
    assert!(code == 0 && said.contains("\"m\": 8.0"), "{said}");
    assert_eq!(running("sleep 5811.5"), 0);
    let (said, _) = evaluate(&definition("sleep 5811.6 & sleep 0.2; exit 0", ""), "3")?;
    assert!(said.contains("it left `sleep` running, which was ended"), "{said}");
    assert_eq!(running("sleep 5811.6"), 0);
    Ok(())
}

#[test]
fn a_program_inherits_nothing() -> Result {
    // A descriptor that this process leaves open, as shells do.
    let folder = tempfile::tempdir()?;
    fs::write(
        folder.path().join("t.ron"),
        definition("cat; ls /proc/self/fd | grep -vc 'x' | awk '{ print $1 - 1 }'", ""),
    )?;
    let line = format!("exec 7</dev/null; exec {} evaluate t.ron -s x=1 --json", env!("CARGO_BIN_EXE_hwgym"));
    let mut child = Command::new("sh")
        .args(["-c", &line])
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let input = child.stdin.take();
    let output = child.wait_with_output()?;
    drop(input);
    assert!(said(&output).contains("\"m\": 3.0"), "{}", said(&output));
    Ok(())
}

#[test]
fn a_design_stays_a_value() -> Result {
    let nasty = [
        "; rm -rf canary",
        "$(rm -rf canary)",
        "`rm -rf canary`",
        "../canary",
        "a'b",
        "a\"b",
        "a\nb",
        "{{x}}",
        "a\\",
        "| tee out",
        "&& false",
        "> out",
        "*",
        "-n",
        "$HOME",
        "''",
        "\\n",
    ];
    let folder = tempfile::tempdir()?;
    fs::create_dir(folder.path().join("canary"))?;
    let choices = serde_json::to_string(&nasty)?;
    // Every way in which a text reaches a program; each must arrive as it is.
    let text = format!(
        r##"(
    parameters: [(name: "x", domain: Categorical({choices}))],
    command: ["sh", "-c", "sh check.sh \"$1\" \"$2\" && printf '%s' {{{{x}}}} > c && printf '%s' \"{{{{x}}}}\" > d && cmp -s a c && cmp -s a d && echo 1", "sh", "{{{{x}}}}", "--x={{{{x}}}}"],
    env: {{"X": "{{{{x}}}}"}},
    design_file: "design.json",
    templates: [
        (text: "#!/bin/sh\nprintf '%s' \"$1\" > a; printf -- '--x=%s' \"$1\" > b; printf '%s' \"$2\" | cmp -s b - && printf '%s' \"$X\" | cmp -s a - && printf '%s' {{{{x}}}} | cmp -s a -\n", to: "check.sh"),
        (text: "{{\"x\": {{{{x}}}}, \"y\": \"{{{{x}}}}\"}}", to: "out.json"),
        (text: "{{{{x}}}}", to: "plain"),
    ],
    metrics: [(name: "m", direction: Minimise, from: Stdout)],
    keep: Always,
)"##
    );
    fs::write(folder.path().join("t.ron"), text)?;
    for (index, choice) in nasty.iter().enumerate() {
        fs::remove_dir_all(folder.path().join("kept")).ok();
        let output = run(folder.path(), &["evaluate", "t.ron", "-s", &format!("x={choice}"), "--json"])?;
        assert!(said(&output).contains("\"m\": 1.0"), "{index} {choice}: {}", said(&output));
        let kept =
            fs::read_dir(folder.path().join("kept"))?.next().ok_or("nothing is kept")??.path().join("work");
        let json: serde_json::Value = serde_json::from_str(&fs::read_to_string(kept.join("out.json"))?)?;
        assert_eq!((json["x"].as_str(), json["y"].as_str()), (Some(*choice), Some(*choice)));
        let design: serde_json::Value = serde_json::from_str(&fs::read_to_string(kept.join("design.json"))?)?;
        assert_eq!(design["design"]["x"], *choice);
        assert_eq!(fs::read_to_string(kept.join("plain"))?, *choice);
    }
    assert!(folder.path().join("canary").is_dir());
    // Where a language has no place for such a text, the definition is refused.
    for (template, to) in [
        ("assign x = {{x}};", "top.v"),
        ("// {{x}}", "top.v"),
        (".param x={{x}}", "deck.cir"),
        ("cat <<E\n{{x}}\nE", "run.sh"),
        ("x", "{{x}}.txt"),
        ("x", "../x.txt"),
        ("x", "/tmp/x.txt"),
    ] {
        let text = format!(
            "(parameters: [(name: \"x\", domain: Categorical({choices}))], command: [\"true\"],\n templates: [(text: {template:?}, to: {to:?})],\n \
             metrics: [(name: \"m\", direction: Minimise, from: ExitCode)])"
        );
        fs::write(folder.path().join("t.ron"), text)?;
        let output = run(folder.path(), &["evaluate", "t.ron", "--random", "1"])?;
        assert!(
            output.status.code() == Some(2) && said(&output).contains("t.ron:2:"),
            "{template} {to}: {}",
            said(&output)
        );
    }
    Ok(())
}

#[test]
fn a_kill_leaves_no_orphan_and_resume_goes_on() -> Result {
    let folder = tempfile::tempdir()?;
    let scratch = folder.path().join("scratch");
    fs::create_dir(&scratch)?;
    // The fourth run hangs, in a child of a child of its own session, until a file appears.
    let script =
        "[ $1 -lt 3 ] || [ -e $GO ] || { (setsid sleep 5811.7 &); sh -c 'sleep 5811.7; true'; }; echo $1";
    let text = definition(script, "env: {\"GO\": \"{{folder}}/go\"},")
        .replace("time_s: 20", "time_s: 600")
        .replace("high: 99", "high: 5");
    fs::write(folder.path().join("t.ron"), text)?;
    let study = "(name: \"s\", environments: [(environment: \"t.ron\", objectives: [\"m\"])], agents: [(id: \"grid\")], seeds: 1, budget: 6)";
    fs::write(folder.path().join("s.ron"), study)?;
    let mut child = hwgym(folder.path(), &["run", "s.ron", "--out", "out"])
        .env("TMPDIR", &scratch)
        .stderr(Stdio::null())
        .spawn()?;
    let begun = Instant::now();
    while running("sleep 5811.7") < 2 {
        assert!(begun.elapsed() < Duration::from_secs(60), "the fourth run does not begin");
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill()?;
    child.wait()?;
    assert!(gone("sleep 5811.7"), "an orphan runs on");
    let begun = Instant::now();
    while fs::read_dir(&scratch)?.count() > 0 {
        assert!(begun.elapsed() < Duration::from_secs(20), "a scratch folder is left");
    }
    fs::write(folder.path().join("go"), "")?;
    let output = hwgym(folder.path(), &["resume", "out"]).env("TMPDIR", &scratch).output()?;
    assert!(output.status.success(), "{}", said(&output));
    let records = common::records(&folder.path().join("out"))?;
    assert_eq!(records[0].1.len(), 7, "six evaluations and an end");
    Ok(())
}

#[test]
fn mistakes_are_told_with_place_and_remedy() -> Result {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("top.v.in"), "module top;\n  parameter W = {{widht}};\nendmodule\n")?;
    let good = [
        (
            "parameters",
            "[(name: \"width\", domain: Integer(low: 1, high: 8)), (name: \"kind\", domain: Categorical([\"a\", \"b\"]))]",
        ),
        ("command", "[\"true\", \"{{width}}\"]"),
        ("metrics", "[(name: \"m\", direction: Minimise, from: Stdout)]"),
    ];
    let text = |field: &str, value: &str| {
        let mut fields: Vec<(&str, &str)> = good.to_vec();
        match fields.iter_mut().find(|(name, _)| *name == field) {
            Some(found) => found.1 = value,
            None => fields.push((field, value)),
        }
        let lines: Vec<String> =
            fields.iter().map(|(name, value)| format!("    {name}: {value},\n")).collect();
        format!("(\n{})\n", lines.concat())
    };
    let metric = |from: &str| format!("[(name: \"m\", direction: Minimise, from: {from})]");
    let mistakes = [
        (
            "templates",
            "[(from: \"top.v.in\")]".to_string(),
            "top.v.in:2:17: `{{widht}}` names no parameter",
            "did you mean `width`?",
        ),
        ("command", "[\"true\", \"{{widht}}\"]".into(), "t.ron:3:23: `{{widht}}`", "did you mean `width`?"),
        ("command", "[\"verilatr\"]".into(), "t.ron:3:15: `verilatr` is not there", "PATH"),
        ("command", "[\"ngspice-of-nowhere\"]".into(), "t.ron:3:15", "is not there"),
        ("needs", "[\"openroad\"]".into(), "t.ron:5:13: `openroad` is not there", "OpenROAD"),
        (
            "command",
            "[\"{{kind}}\"]".into(),
            "t.ron:3:15: the program cannot depend on a design",
            "arguments",
        ),
        ("command", "[]".into(), "t.ron:3:14: `command` is empty", "python3"),
        (
            "metrics",
            "[(name: \"m\", direction: Minimise)]".into(),
            "t.ron:4:15: metric `m` is never extracted",
            "from: Json",
        ),
        (
            "metrics",
            metric("Regex(pattern: \"f: ([0-9]+)\")"),
            "t.ron:4:69: the pattern `f: ([0-9]+)` has no group named `value`",
            "(?P<value>",
        ),
        ("metrics", metric("Regex(pattern: \"(?P<value>[0-9+)\")"), "t.ron:4:69", "is no regular expression"),
        (
            "metrics",
            metric("Regex(pattern: \"(?P<value>x)(?P<prefix>y)\")"),
            "t.ron:4:69",
            "nothing reads the group `prefix`",
        ),
        ("metrics", metric("Json(pointer: \"a.b\")"), "t.ron:4:68: a JSON pointer begins with `/`", "/a/b"),
        (
            "metrics",
            metric("Json(file: \"../x\", pointer: \"/a\")"),
            "t.ron:4:65",
            "relative path without `..`",
        ),
        ("metrics", metric("Jsn(pointer: \"/a\")"), "t.ron:4:", "did you mean `Json`?"),
        (
            "metrics",
            "[(name: \"m\", direction: Minimise, from: Stdout, required: false)]".into(),
            "t.ron:4:15",
            "`otherwise`",
        ),
        (
            "metrics",
            "[(name: \"m\", direction: Minimise, from: WallTime, unit: \"Hz\")]".into(),
            "t.ron:4:",
            "measured in s",
        ),
        ("metrics", "[]".into(), "t.ron:4:14: `metrics` is empty", "at least one"),
        (
            "infeasible",
            "[Metric(metric: \"mm\", at_most: 1.0)]".into(),
            "t.ron:5:33: no metric is called `mm`",
            "`m`",
        ),
        (
            "infeasible",
            "[Pattern(pattern: \"(\", meaning: \"x\")]".into(),
            "t.ron:5:35",
            "is no regular expression",
        ),
        ("constraints", "[\"widht <= 3\"]".into(), "t.ron:5:19", "did you mean `width`?"),
        ("constraints", "[\"width <= \"]".into(), "t.ron:5:19", "expected a number, a name"),
        ("constraints", "[\"kind == 'c'\"]".into(), "t.ron:5:19", "`kind` is never 'c'"),
        ("derived", "{\"d\": \"2 * widht\"}".into(), "t.ron:5:20", "did you mean `width`?"),
        (
            "fidelities",
            "[(name: \"f\", relative_cost: 0.1, set: {\"n\": 1})]".into(),
            "t.ron:5:",
            "no constant is called `n`",
        ),
        ("files", "[\"nowhere.py\"]".into(), "t.ron:5:13", "nowhere.py"),
        ("repeats", "0".into(), "t.ron:5:14", "expected 1 to 1000"),
        ("limits", "(time_s: -1)".into(), "t.ron:5:22", "above 0"),
        ("limits", "(tme_s: 1)".into(), "t.ron:5:", "did you mean `time_s`?"),
        (
            "objectives",
            "[(name: \"o\", goals: [Minimise(\"mm\")])]".into(),
            "t.ron:5:18",
            "no metric is called `mm`",
        ),
        ("colour", "1".into(), "t.ron:5:", "there is no field `colour`"),
        ("version", "[\"false\"]".into(), "t.ron:5:14", "does not tell a version"),
        ("protocol", "JsonLines".into(), "t.ron:3:14", "starts once"),
        ("groups", "[(name: \"g\", parameters: [\"width\"])]".into(), "t.ron:5:13", "`kind` is in no group"),
        (
            "parameters",
            "[(name: \"x\", domain: Integer(low: 3, high: 1))]".into(),
            "t.ron:2:18",
            "low > high",
        ),
        ("parameters", "[(name: \"seed\", domain: Boolean)]".into(), "t.ron:2:25", "choose another name"),
    ];
    for (field, value, place, remedy) in mistakes {
        fs::write(folder.path().join("t.ron"), text(field, &value))?;
        for arguments in [
            &["evaluate", "t.ron", "--random", "1"][..],
            &["env", "show", "t.ron"],
            &["env", "check", "t.ron"],
        ] {
            let output = run(folder.path(), arguments)?;
            let said = said(&output);
            assert_eq!(output.status.code(), Some(2), "{field}: {value}: {said}");
            assert!(
                said.contains(place) && said.contains(remedy),
                "{field}: {value}\n{said}\nexpected {place} ... {remedy}"
            );
        }
    }
    // In a study the same mistake is told at the same place.
    fs::write(folder.path().join("t.ron"), text("repeats", "0"))?;
    let study =
        "(name: \"s\", environments: [(id: \"t.ron\")], agents: [(id: \"random\")], seeds: 1, budget: 6)";
    fs::write(folder.path().join("s.ron"), study)?;
    let output = run(folder.path(), &["run", "s.ron"])?;
    assert!(output.status.code() == Some(2) && said(&output).contains("t.ron:5:14"), "{}", said(&output));
    Ok(())
}

#[test]
fn outcomes_follow_the_rules_of_the_definition() -> Result {
    let rules = "infeasible: [ExitCode(code: 3, meaning: \"it fits\", amount: 2.5), Pattern(pattern: \"over by (?P<amount>[0-9]+)\", meaning: \"cells\"), \
                 Metric(metric: \"m\", at_most: 50.0)], ";
    let script = "case $1 in 1) exit 3;; 2) echo over by 12 >&2; exit 1;; 3) echo 75;; *) echo 20;; esac";
    for (x, expected) in [
        ("1", ["\"it fits\"", "2.5"]),
        ("2", ["\"cells\"", "12.0"]),
        ("3", ["at most 50", "0.5"]),
        ("4", ["feasible", "20.0"]),
    ] {
        let (said, code) = evaluate(&definition(script, rules), x)?;
        assert!(code == 0 && expected.iter().all(|words| said.contains(words)), "{x}: {said}");
    }
    // A licence that comes back, and one that does not.
    let script = "n=$(cat $COUNT 2>/dev/null || echo 0); n=$((n+1)); echo $n > $COUNT; [ $n -ge 3 ] || { echo no licence >&2; exit 1; }; echo $n";
    let folder = tempfile::tempdir()?;
    for (times, expected) in [(5, "\"m\": 3.0"), (1, "no licence")] {
        let count = folder.path().join(format!("count{times}"));
        let more = format!(
            "env: {{\"COUNT\": {:?}}}, retry: (pattern: \"licen[cs]e\", times: {times}, wait_s: 0.01),",
            count.display().to_string()
        );
        let (said, _) = evaluate(&definition(script, &more), "1")?;
        assert!(said.contains(expected), "{said}");
        assert!(times == 5 || said.contains("still so after 1 more tries"), "{said}");
    }
    // Numbers with units, other places, implausible ones, missing ones.
    for (metric, script, expected) in [
        ("unit: \"Hz\", from: Stdout", "echo 12.5 MHz", "12500000.0"),
        (
            "unit: \"Hz\", from: Regex(pattern: \"f=(?P<value>[0-9.]+)(?P<unit>[a-zA-Z]+)\")",
            "echo f=1kHz; echo f=12.5MHz >&2",
            "12500000.0",
        ),
        (
            "unit: \"s\", in_unit: \"ns\", from: Json(file: \"o\", pointer: \"/a/1\")",
            "echo '{\"a\": [1, 20]}' > o",
            "2e-8",
        ),
        (
            "from: Csv(file: \"o\", column: \"b\", row: Key(column: \"a\", value: \"y\"))",
            "printf 'a,b\\nx,1\\ny,2\\nz,3\\n' > o",
            "2.0",
        ),
        ("from: Csv(file: \"o\", column: \"b\")", "printf 'a,b\\nx,1\\ny,2\\nz,3\\n' > o", "3.0"),
        ("from: ExitCode", "exit 5", "5.0"),
        ("from: Stdout, range: (0.0, 10.0)", "echo 11", "outside of its plausible range of 0 to 10"),
        ("from: Stdout, required: false, otherwise: 7", "true", "7.0"),
        ("from: Stdout, required: false, otherwise: 7", "echo NaN", "is NaN"),
        ("unit: \"ms\", from: WallTime, range: (1.0, 1e6)", "sleep 0.02", "\"feasible\""),
        ("unit: \"MiB\", from: PeakMemory, range: (0.1, 1e3)", "true", "\"feasible\""),
    ] {
        let (said, _) = evaluate(&definition(script, "").replace("from: Stdout", metric), "1")?;
        assert!(said.contains(expected), "{metric}: {said}");
    }
    // Repetitions: the median, its spread, and a seed for each.
    let text = definition("echo $1$SEED", "env: {\"SEED\": \"{{seed}}\"}, repeats: 3, seed: 4,");
    let (said, _) = evaluate(&text, "1")?;
    assert!(said.contains("\"m\": 15.0") && said.contains("\"m_spread\": 1.0"), "{said}");
    Ok(())
}

#[test]
fn a_launcher_and_levels_of_fidelity_are_used() -> Result {
    let folder = tempfile::tempdir()?;
    let text = definition(
        "echo $N",
        "launcher: [\"env\", \"EXTRA=1\"], constants: {\"n\": 100}, fidelities: [(name: \"short\", relative_cost: 0.1, set: {\"n\": 7})], env: {\"N\": \"{{n}}\"},",
    );
    fs::write(folder.path().join("t.ron"), text)?;
    for (arguments, expected) in
        [(&[][..], "100.0"), (&["--fidelity", "short"], "7.0"), (&["-o", "constants={\"n\": 9}"], "9.0")]
    {
        let mut all = vec!["evaluate", "t.ron", "-s", "x=1", "--json"];
        all.extend(arguments);
        let output = run(folder.path(), &all)?;
        assert!(said(&output).contains(expected), "{arguments:?}: {}", said(&output));
    }
    Ok(())
}

#[test]
fn results_are_shared_by_content() -> Result {
    let folder = tempfile::tempdir()?;
    let count = folder.path().join("count");
    let text = |seed: u32| {
        definition(
            "echo run >> $COUNT; echo $1",
            &format!("env: {{\"COUNT\": {:?}}}, seed: {seed},", count.display().to_string()),
        )
        .replace("high: 99", "high: 3")
    };
    let runs = || fs::read_to_string(&count).map_or(0, |text| text.lines().count());
    fs::write(folder.path().join("t.ron"), text(1))?;
    let study = "(name: \"s\", environments: [(id: \"t.ron\", objectives: [\"m\"])], agents: [(id: \"grid\"), (id: \"random\")], seeds: 2, budget: 4)";
    fs::write(folder.path().join("s.ron"), study)?;
    let ok = |arguments: &[&str]| -> Result<String> {
        let output = run(folder.path(), arguments)?;
        assert!(output.status.success(), "{arguments:?}: {}", said(&output));
        Ok(said(&output))
    };
    ok(&["run", "s.ron", "--out", "a", "--jobs", "1"])?;
    assert_eq!(runs(), 4, "four trials share four designs");
    ok(&["run", "s.ron", "--out", "b", "--cache", "shared", "--jobs", "1"])?;
    ok(&["run", "s.ron", "--out", "c", "--cache", "shared", "--jobs", "1"])?;
    ok(&["evaluate", "t.ron", "-s", "x=2", "--cache", "shared"])?;
    assert_eq!(runs(), 8, "a folder of results is shared between studies");
    assert_eq!(common::records(&folder.path().join("b"))?, common::records(&folder.path().join("c"))?);
    assert!(ok(&["cache", "stat", "shared"])?.contains("4 results"));
    fs::write(folder.path().join("t.ron"), text(2))?;
    ok(&["evaluate", "t.ron", "-s", "x=2", "--cache", "shared"])?;
    assert_eq!(runs(), 9, "another seed is another result");
    // Several processes at once.
    let children = (0..4).map(|seed| {
        hwgym(folder.path(), &["evaluate", "t.ron", "--random", &seed.to_string(), "--cache", "shared"])
            .stdout(Stdio::null())
            .spawn()
    });
    for child in children.collect::<std::result::Result<Vec<_>, _>>()? {
        assert!({ child }.wait()?.success());
    }
    assert!(!ok(&["cache", "stat", "shared"])?.contains("damaged"));
    assert!(ok(&["cache", "prune", "shared", "--all"])?.contains("0 results left"));
    assert_eq!(run(folder.path(), &["cache", "stat", "."])?.status.code(), Some(2));
    Ok(())
}

#[test]
fn runs_at_the_same_time_are_counted() -> Result {
    let folder = tempfile::tempdir()?;
    // Each run looks how many there are, itself included.
    let script = "mkdir -p $D; touch $D/$$; ls $D | wc -l; sleep 0.1; rm $D/$$";
    let text = definition(
        script,
        "parallel: 2, env: {\"D\": \"{{folder}}/running\"}, infeasible: [Metric(metric: \"m\", at_most: 2.0)],",
    );
    fs::write(folder.path().join("t.ron"), text)?;
    let study = "(name: \"s\", environments: [(id: \"t.ron\", objectives: [\"m\"])], agents: [(id: \"random\")], seeds: 4, budget: 6, cache: false)";
    fs::write(folder.path().join("s.ron"), study)?;
    let output = run(folder.path(), &["run", "s.ron", "--out", "out", "--jobs", "4"])?;
    assert!(output.status.success(), "{}", said(&output));
    for (name, lines) in common::records(&folder.path().join("out"))? {
        assert!(lines.iter().all(|line| !line.contains("infeasible")), "{name}: {lines:?}");
    }
    Ok(())
}

#[test]
fn the_skeleton_is_a_place_to_start() -> Result {
    if !is_there("python3") {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let ok = |arguments: &[&str]| -> Result<String> {
        let output = run(folder.path(), arguments)?;
        assert!(output.status.success(), "{arguments:?}: {}", said(&output));
        Ok(said(&output))
    };
    ok(&["env", "new", "my.ron"])?;
    assert_eq!(
        run(folder.path(), &["env", "new", "my.ron"])?.status.code(),
        Some(2),
        "it is not overwritten"
    );
    assert_eq!(run(folder.path(), &["env", "new", "my"])?.status.code(), Some(2));
    let found = ok(&["env", "check", "my.ron"])?;
    for words in [
        "nothing has to be mended",
        "the same metrics, again",
        "an evaluation takes",
        "fails as it should",
        "rows=1",
    ] {
        assert!(found.contains(words), "{words}: {found}");
    }
    assert!(ok(&["env", "show", "my.ron"])?.contains("fast-and-small"));
    ok(&["dataset", "build", "my.ron", "--designs", "20", "--out", "d.csv"])?;
    ok(&["surrogate", "train", "d.csv", "--out", "m.json"])?;
    ok(&["evaluate", "surrogate-env-v0", "-o", "model=m.json", "--random", "1"])?;
    let study = "(name: \"s\", environments: [(id: \"my.ron\", objectives: [\"fast\"])], agents: [(id: \"random\")], seeds: 2, budget: 5)";
    fs::write(folder.path().join("s.ron"), study)?;
    ok(&["run", "s.ron", "--out", "out"])?;
    // The definition and the model are inputs of the study.
    fs::write(folder.path().join("model.py"), "print(1)")?;
    let output = run(folder.path(), &["resume", "out"])?;
    assert!(
        output.status.code() == Some(2) && said(&output).contains("model.py: it has changed"),
        "{}",
        said(&output)
    );
    ok(&["resume", "out", "--stored-inputs"])?;
    Ok(())
}

#[test]
fn a_check_says_what_is_wrong() -> Result {
    let folder = tempfile::tempdir()?;
    for (script, more, expected) in [
        ("[ $1 -lt 99 ] && echo $1", "", "x=99: failed"),
        ("date +%s%N", "", "differ from run to run"),
        ("echo 1", "", "changes no metric"),
        (
            "echo 1",
            "infeasible: [Metric(metric: \"m\", at_most: 0.0)],",
            "no design that was tried has metrics",
        ),
    ] {
        fs::write(folder.path().join("t.ron"), definition(script, more))?;
        let output = run(folder.path(), &["env", "check", "t.ron"])?;
        assert!(said(&output).contains(expected), "{script}: {}", said(&output));
    }
    Ok(())
}

#[test]
fn a_program_that_stays_answers_line_by_line() -> Result {
    if !is_there("python3") {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let model = r#"
import json, os, sys, time
print("hello")
open(os.environ["COUNT"], "a").write("start\n")
for line in sys.stdin:
    x = json.loads(line)["design"]["x"]
    if x == 1: sys.exit(9)
    if x == 2: time.sleep(5811.8)
    if x == 3: print("{nonsense")
    elif x == 4: print(json.dumps({"infeasible": "it fits", "amount": 2.5}))
    elif x == 5: print(json.dumps({"failed": "no luck"}))
    elif x == 6: print(json.dumps({"metrics": {"m": float("nan")}}))
    elif x == 7: print(json.dumps({"metrics": {}}))
    else: print(json.dumps({"metrics": {"m": f"{x} ms"}}))
    sys.stdout.flush()
"#;
    fs::write(folder.path().join("model.py"), model)?;
    let text = format!(
        "(parameters: [(name: \"x\", domain: Integer(low: 0, high: 9))], protocol: JsonLines, command: [\"python3\", \"model.py\"], files: [\"model.py\"],\n \
         env: {{\"COUNT\": {:?}}}, metrics: [(name: \"m\", unit: \"s\", direction: Minimise)], limits: (time_s: 2, start_s: 8))",
        folder.path().join("count").display().to_string()
    );
    fs::write(folder.path().join("t.ron"), text)?;
    let study = "(name: \"s\", environments: [(id: \"t.ron\", objectives: [\"m\"])], agents: [(id: \"grid\")], seeds: 1, budget: 10)";
    fs::write(folder.path().join("s.ron"), study)?;
    let output = run(folder.path(), &["run", "s.ron", "--out", "out", "--jobs", "1"])?;
    assert!(output.status.success(), "{}", said(&output));
    let records = common::records(&folder.path().join("out"))?;
    for (x, expected) in [
        (0, "\"m\":0.0"),
        (1, "exit code 9"),
        (2, "timed-out"),
        (3, "is no JSON"),
        (4, "\"constraint\":\"it fits\",\"amount\":2.5"),
        (5, "no luck"),
        (6, "is NaN"),
        (7, "there is no `/metrics/m`"),
        (8, "\"m\":0.008"),
    ] {
        let line =
            records[0].1.iter().find(|line| line.contains(&format!("\"x\":{x}}}"))).ok_or("no record")?;
        assert!(line.contains(expected), "{x}: {line}");
    }
    let starts = fs::read_to_string(folder.path().join("count"))?.lines().count();
    assert!(
        (4..=5).contains(&starts),
        "started {starts} times: once, and after a crash, a time-out and answers that do not read"
    );
    assert_eq!(running("5811.8"), 0);
    Ok(())
}

/// The experiments with real tools: one evaluation each, where the tools are there.
#[test]
fn real_tools_are_environments() -> Result {
    let experiments = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/simulators");
    let scratch = tempfile::tempdir()?;
    for (tools, file, set) in [
        (
            &["yosys", "nextpnr-ice40"][..],
            "nextpnr/mac_array.ron",
            &["rows=2", "columns=1", "width=3", "stages=1", "adder=chain", "abc9=false", "placer=heap"][..],
        ),
        (
            &["valgrind", "python3"],
            "cachegrind/caches.ron",
            &["i1_kib=8", "i1_ways=2", "d1_kib=8", "d1_ways=2", "ll_kib=256", "ll_ways=8", "line=64"],
        ),
        (
            &["verilator", "yosys", "g++", "make"],
            "verilator/router.ron",
            &["width=32", "depth=2", "arbiter=round_robin"],
        ),
        (
            &["python3"],
            "python/once.ron",
            &["rows=8", "columns=8", "buffer_kib=64", "bandwidth_gbs=10", "double_buffer=true"],
        ),
        (
            &["python3"],
            "python/worker.ron",
            &["rows=8", "columns=8", "buffer_kib=64", "bandwidth_gbs=10", "double_buffer=true"],
        ),
        (&["ngspice"], "ngspice/plain.ron", &["w=1e-5", "l=5e-7", "rl=20000"]),
    ] {
        if !tools.iter().all(|tool| is_there(tool)) {
            continue;
        }
        let file = experiments.join(file).display().to_string();
        let mut arguments = vec!["evaluate", &file, "--json"];
        set.iter().for_each(|value| arguments.extend(["-s", value]));
        let output = hwgym(scratch.path(), &arguments).output()?;
        assert!(said(&output).contains("\"status\": \"feasible\""), "{file}: {}", said(&output));
    }
    Ok(())
}

/// ngspice as a plain command says what the embedded engine says.
#[test]
fn ngspice_as_a_command_agrees_with_the_embedded_engine() -> Result {
    if !is_there("ngspice") {
        return Ok(());
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/simulators/ngspice");
    let scratch = tempfile::tempdir()?;
    let metrics = |arguments: &[&str]| -> Result<Vec<f64>> {
        let output = run(scratch.path(), arguments)?;
        let answer: serde_json::Value = serde_json::from_slice(&output.stdout).map_err(|_| said(&output))?;
        let number = |name: &str| answer["metrics"][name].as_f64().ok_or(format!("no {name}: {answer}"));
        Ok(["gain_db", "bandwidth_hz", "current_a"]
            .map(number)
            .into_iter()
            .collect::<std::result::Result<_, _>>()?)
    };
    let plain = folder.join("plain.ron").display().to_string();
    let deck = format!("deck={}", folder.join("stage.cir").display());
    let parameters = "parameters=[(name: \"w\", domain: Real(low: 1e-6, high: 1e-4)), (name: \"l\", domain: Ordinal([0.5e-6, 1e-6, 2e-6])), \
                      (name: \"rl\", domain: Real(low: 1e3, high: 1e5))]";
    let measured = "metrics=[(name: \"gain_db\", direction: Maximise), (name: \"bandwidth_hz\", direction: Maximise), \
                    (name: \"current_a\", direction: Minimise)]";
    for (w, l, rl) in [("1e-5", "5e-7", "20000"), ("4e-5", "1e-6", "5000"), ("2e-6", "2e-6", "100000")] {
        let set = [format!("w={w}"), format!("l={l}"), format!("rl={rl}")];
        let set: Vec<&str> = set.iter().flat_map(|value| ["-s", value]).collect();
        let one = metrics(&[&["evaluate", &plain, "--json"], &set[..]].concat())?;
        let embedded =
            ["evaluate", "circuit-netlist-v0", "-o", &deck, "-o", parameters, "-o", measured, "--json"];
        let other = metrics(&[&embedded, &set[..]].concat())?;
        for (a, b) in one.iter().zip(&other) {
            // ngspice prints seven digits; both engines stop at a relative change of a thousandth, and are far better here.
            assert!((a / b - 1.0).abs() < 1e-4, "w={w} l={l} rl={rl}: {one:?} {other:?}");
        }
    }
    Ok(())
}
