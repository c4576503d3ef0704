//! Systems on chip as a user meets them: the simulator's figures and schedule, records of the reference, and every kind of wrong input
//! with its place and remedy.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

const DESIGN: &str = r#"(
    workload: "edge_detection",
    processors: [
        (name: "cpu", block: "A53_pe", bus: "main"),
        (name: "smooth", block: "gaussianSmoothing_IP0_64_8_pe", bus: "main"),
    ],
    memories: [(name: "ram", block: "GMEM_0_8_mem", bus: "main")],
    buses: [(name: "main", block: "LMEM_ic_0_8_ic")],
    tasks: {"gaussianSmoothing": (processor: "smooth", memory: "ram")},
    others: (processor: "cpu", memory: "ram"),
)"#;

const GRAPH: &str = r#"(
    name: "pair",
    tasks: [
        (name: "in"),
        (name: "first", instructions: 1000000),
        (name: "second", instructions: 2000000),
        (name: "out"),
    ],
    edges: [
        (from: "in", to: "first", bytes: 4096),
        (from: "first", to: "second", bytes: 8192),
        (from: "second", to: "out", bytes: 4096),
    ],
    budget: (latency_s: 0.01, power_w: 0.1, area_m2: 1e-5),
)"#;

fn hwgym(folder: &Path, arguments: &[&str]) -> Result<Output> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hwgym"));
    Ok(command.current_dir(folder).args(arguments).env("NO_COLOR", "1").output()?)
}

fn text(folder: &Path, arguments: &[&str]) -> Result<String> {
    let output = hwgym(folder, arguments)?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

fn json(folder: &Path, arguments: &[&str]) -> Result<Value> {
    Ok(serde_json::from_str(&text(folder, arguments)?)?)
}

/// The message of wrong input: exit code 2, and nothing on standard output.
fn refused(folder: &Path, arguments: &[&str]) -> Result<String> {
    let output = hwgym(folder, arguments)?;
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(output.stdout.is_empty() && message.starts_with("error: "), "{message}");
    Ok(message)
}

/// The message about the design with a change.
fn refused_design(from: &str, to: &str) -> Result<String> {
    assert!(DESIGN.contains(from), "{from}");
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("d.ron"), DESIGN.replacen(from, to, 1))?;
    refused(folder.path(), &["simulate", "soc", "d.ron"])
}

/// The message about the task graph with a change.
fn refused_graph(from: &str, to: &str) -> Result<String> {
    assert!(GRAPH.contains(from), "{from}");
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("g.ron"), GRAPH.replacen(from, to, 1))?;
    refused(folder.path(), &["simulate", "soc", "--workload", "g.ron"])
}

#[test]
fn a_design_by_names_has_figures_a_schedule_and_a_picture() -> Result {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("d.ron"), DESIGN)?;
    let value = json(folder.path(), &["simulate", "soc", "d.ron", "--json", "--plot", "gantt.svg"])?;
    assert_eq!((&value["valid"], &value["reason"]), (&true.into(), &"valid".into()));
    let kernels = value["kernels"].as_array().ok_or("no kernels")?;
    assert_eq!(kernels.len(), 8);
    let smooth = kernels.iter().find(|kernel| kernel["task"] == "gaussianSmoothing").ok_or("no such task")?;
    assert_eq!(smooth["processor"], "smooth");
    let (start, end) = (smooth["start_s"].as_f64(), smooth["end_s"].as_f64());
    // 331,284,480 cycles at 100 MHz, 64 times unrolled, at 800 MHz; nothing else holds it up.
    let seconds = end.zip(start).map(|(end, start)| end - start).ok_or("no times")?;
    assert!((seconds - 331_284_480.0 / 64.0 / 8e8).abs() < 1e-9, "{seconds}");
    assert_eq!(smooth["bottleneck"], "smooth");
    let last = kernels.iter().find(|kernel| kernel["task"] == "rejectZeroCrossings").ok_or("no such task")?;
    assert_eq!(last["end_s"], value["latency_s"]);
    for file in ["gantt.svg", "gantt.png"] {
        assert!(fs::metadata(folder.path().join(file))?.len() > 1000, "{file}");
    }
    assert!(fs::read_to_string(folder.path().join("gantt.svg"))?.contains("limited by a bus"));
    let table = text(folder.path(), &["simulate", "soc", "d.ron"])?;
    assert!(table.contains("bottleneck") && table.contains("not kept"), "{table}");
    Ok(())
}

/// A record of `tests/golden/soc`, as FARSI computes and as it should be.
#[test]
fn a_record_of_the_reference_reads_as_it_is() -> Result {
    let folder = tempfile::tempdir()?;
    let record = r#"{"id": "audio_decoder-L0002", "workload": "audio_decoder", "encoding": [0,0,0,3,1,1,0,0,2,0,0,1,1,2,1,-1,1,0,
        0,0,2,0,2,1,2,1,1,0,2,1,1,0,1,0,0,0,1,0,1,0,0,1,0,1,1,1,0,0,0,0,0,0,1,1], "result": {}}"#;
    fs::write(folder.path().join("r.json"), record)?;
    let arguments = ["simulate", "soc", "r.json", "--workload", "audio_decoder", "--json", "--farsi-compat"];
    let theirs = json(folder.path(), &arguments)?;
    for (name, value) in [
        ("latency_s", 0.008838869),
        ("power_w", 0.03822487052485208),
        ("energy_j", 0.0003378646231111287),
        ("area_m2", 2.09263669e-06),
    ] {
        let ours = theirs[name].as_f64().ok_or(name)?;
        assert!((ours / value - 1.0).abs() < 1e-12, "{name} is {ours}, not {value}");
    }
    let ours = json(folder.path(), &arguments[..6])?;
    assert_ne!(ours["power_w"], theirs["power_w"]);
    Ok(())
}

#[test]
fn an_infeasible_design_says_why() -> Result {
    let folder = tempfile::tempdir()?;
    let cases = [
        // A task on the accelerator of another one.
        (
            DESIGN.replace("others: (processor: \"cpu\"", "others: (processor: \"smooth\""),
            "task_pe_compatibility",
        ),
        // A memory on a bus of its own.
        (
            DESIGN.replace("\"GMEM_0_8_mem\", bus: \"main\"", "\"GMEM_0_8_mem\", bus: \"far\"").replace(
                "\"LMEM_ic_0_8_ic\")",
                "\"LMEM_ic_0_8_ic\"), (name: \"far\", block: \"LMEM_ic_0_8_ic\")",
            ),
            "memory_unreachable",
        ),
        (
            DESIGN.replace("\"LMEM_ic_0_8_ic\")", "\"LMEM_ic_0_8_ic\", to: [\"main\"])"),
            "bus_to_itself_connection",
        ),
    ];
    for (design, reason) in cases {
        fs::write(folder.path().join("d.ron"), design)?;
        let output = hwgym(folder.path(), &["simulate", "soc", "d.ron", "--json"])?;
        let value: Value = serde_json::from_slice(&output.stdout)?;
        assert_eq!((output.status.code(), &value["reason"]), (Some(1), &reason.into()), "{value}");
        assert!(
            value["explanation"].as_str().is_some_and(|text| text.contains("main") || text.contains("task"))
        );
    }
    Ok(())
}

#[test]
fn a_wrong_design_is_refused_with_its_place() -> Result {
    let block = refused_design("A53_pe", "A35_pe")?;
    assert!(block.contains("d.ron:4:") && block.contains("did you mean `A53_pe`"), "{block}");
    let bus = refused_design("bus: \"main\"", "bus: \"mian\"")?;
    assert!(bus.contains("d.ron:4:") && bus.contains("`mian`"), "{bus}");
    let task = refused_design("\"gaussianSmoothing\": (", "\"gausianSmoothing\": (")?;
    assert!(task.contains("d.ron:9:") && task.contains("did you mean `gaussianSmoothing`"), "{task}");
    let homeless = refused_design("    others: (processor: \"cpu\", memory: \"ram\"),\n", "")?;
    assert!(homeless.contains("task `souurce` of `edge_detection` has no processor"), "{homeless}");
    let workload = refused_design("\"edge_detection\"", "\"edge_detect\"")?;
    assert!(workload.contains("did you mean `edge_detection`"), "{workload}");
    let field = refused_design("others:", "other:")?;
    assert!(field.contains("d.ron:10:") && field.contains("did you mean `others`"), "{field}");
    Ok(())
}

#[test]
fn a_wrong_task_graph_is_refused_with_its_place() -> Result {
    let cyclic = refused_graph(
        "    ],\n    budget",
        "        (from: \"second\", to: \"first\", bytes: 1),\n    ],\n    budget",
    )?;
    assert!(cyclic.contains("g.ron:") && cyclic.contains("cycle: first -> second -> first"), "{cyclic}");
    let unknown = refused_graph("to: \"second\"", "to: \"secnd\"")?;
    assert!(unknown.contains("g.ron:11:") && unknown.contains("did you mean `second`"), "{unknown}");
    let no_input = refused_graph("        (from: \"in\", to: \"first\", bytes: 4096),\n", "")?;
    assert!(no_input.contains("tasks have no parents") || no_input.contains("no children"), "{no_input}");
    assert!(refused_graph("bytes: 8192", "bytes: -1")?.contains("moves -1 bytes"));
    assert!(refused_graph("instructions: 1000000", "instructions: -5")?.contains("-5 instructions"));
    assert!(refused_graph("latency_s: 0.01", "latency_s: 0")?.contains("latency_s: 0"));
    Ok(())
}

#[test]
fn rates_of_zero_and_missing_files_are_refused() -> Result {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("g.ron"), GRAPH)?;
    fs::write(folder.path().join("l.ron"), "(\n    buses: [(name: \"axi\", bytes_per_s: 0)],\n)")?;
    let zero = refused(folder.path(), &["simulate", "soc", "--workload", "g.ron", "--library", "l.ron"])?;
    assert!(zero.contains("l.ron:2:") && zero.contains("`axi` has bytes_per_s: 0"), "{zero}");
    assert!(refused(folder.path(), &["simulate", "soc", "--workload", "none.ron"])?.contains("none.ron"));
    assert!(refused(folder.path(), &["simulate", "soc"])?.contains("--workload audio_decoder"));
    assert!(text(folder.path(), &["simulate", "soc", "--workload", "g.ron"])?.contains("all kept"));
    Ok(())
}

#[test]
fn an_environment_of_ones_own_graph_is_searched_by_farsi() -> Result {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("g.ron"), GRAPH.replace("latency_s: 0.01", "latency_s: 0.001"))?;
    let library = r#"(
        processors: [
            (name: "small", instructions_per_s: 1e9, instructions_per_j: 1e11, area_m2: 1e-7),
            (name: "big", instructions_per_s: 1e10, instructions_per_j: 5e10, area_m2: 1e-6),
        ],
    )"#;
    fs::write(folder.path().join("l.ron"), library)?;
    let study = r#"(
        name: "own",
        environments: [(id: "soc-v0", options: (workload: "g.ron", library: "l.ron"), objectives: ["budgets"])],
        agents: [(id: "farsi")],
        seeds: 2,
        budget: 30,
    )"#;
    fs::write(folder.path().join("study.ron"), study)?;
    text(folder.path(), &["run", "study.ron", "--out", "out"])?;
    let report = fs::read_to_string(folder.path().join("out/report/report.md"))?;
    assert!(report.contains("farsi"));
    let wrong = study.replace("soc-v0", "soc-limited-v0").replace("library: \"l.ron\"", "");
    fs::write(folder.path().join("wrong.ron"), wrong)?;
    let message = refused(folder.path(), &["run", "wrong.ron", "--out", "wrong"])?;
    assert!(message.contains("farsi") && message.contains("soc-v0"), "{message}");
    Ok(())
}
