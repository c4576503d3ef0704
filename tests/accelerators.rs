//! The accelerator models as a user meets them: what does not fit, tables and JSON, whole networks and one's own, and every kind of
//! wrong input with file, line and remedy.

use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

fn example(path: &str) -> String {
    format!("{}/simulators/accelerator/examples/{path}", env!("CARGO_MANIFEST_DIR"))
}

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

/// Arguments with more behind them.
fn with<'a>(arguments: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [arguments, more].concat()
}

/// The message of wrong input: exit code 2, and nothing on standard output.
fn refused(folder: &Path, arguments: &[&str]) -> Result<String> {
    let output = hwgym(folder, arguments)?;
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(output.stdout.is_empty() && message.starts_with("error: "), "{message}");
    Ok(message)
}

/// The Eyeriss-like architecture with a change.
fn eyeriss(folder: &Path, from: &str, to: &str) -> Result<String> {
    let yaml = fs::read_to_string(example("eyeriss168/arch.yaml"))?;
    assert!(yaml.contains(from), "{from}");
    fs::write(folder.join("arch.yaml"), yaml.replacen(from, to, 1))?;
    Ok("arch.yaml".into())
}

#[test]
fn a_mapping_that_does_not_fit_says_where_and_by_how_much() -> Result {
    let folder = tempfile::tempdir()?;
    let arch = eyeriss(folder.path(), "depth: 12,", "depth: 5,")?;
    let (problem, mapping) =
        (example("problems/resnet18_l1.yaml"), example("eyeriss168/mapping_resnet18_l1.yaml"));
    let files = [arch.as_str(), &problem, &mapping];
    let misfit = |more: &[&str]| -> Result<String> {
        let output = hwgym(folder.path(), &[&["simulate", "timeloop"], &files[..], more].concat())?;
        assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?)
    };
    let report: Value = serde_json::from_str(&misfit(&["--json"])?)?;
    let violations = report["violations"].as_array().ok_or("violations")?;
    assert_eq!(violations.len(), 1);
    assert_eq!(
        (&violations[0]["level"], &violations[0]["constraint"]),
        (&"ifmap_spad".into(), &"capacity".into())
    );
    assert_eq!(
        (&violations[0]["used"], &violations[0]["limit"], &violations[0]["amount"]),
        (&12.into(), &5.into(), &7.into())
    );
    let table = misfit(&[])?;
    assert!(table.contains("does not fit: ifmap_spad: 12 words do not fit 5 (7 too many)"), "{table}");
    Ok(())
}

#[test]
fn an_architecture_without_a_mapping_names_the_level() -> Result {
    let folder = tempfile::tempdir()?;
    let arch = eyeriss(
        folder.path(),
        "{width: 16, word_bits: 16, depth: 192,",
        "{width: 16, word_bits: 16, depth: 2,",
    )?;
    let constraints =
        "mapspace_constraints:\n  targets:\n  - {target: weights_spad, type: temporal, factors: C=4}\n";
    fs::write(folder.path().join("c.yaml"), constraints)?;
    let (problem, bypass) = (example("problems/resnet18_l1.yaml"), example("eyeriss168/bypass.yaml"));
    for method in ["exact", "evolutionary", "random"] {
        let output = hwgym(
            folder.path(),
            &["map", "timeloop", &arch, &problem, &bypass, "c.yaml", "--method", method, "--json"],
        )?;
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{method}: {message}");
        assert!(
            message.contains("no valid mapping") && message.contains("weights_spad"),
            "{method}: {message}"
        );
    }
    Ok(())
}

/// One dimension, one word: by Timeloop's rule every second move of the window costs nothing.
#[test]
fn both_counts_are_printed_where_they_differ() -> Result {
    let folder = tempfile::tempdir()?;
    let files = [
        (
            "arch.cfg",
            "arch = { arithmetic = { name = \"mac\"; instances = 1; word-bits = 16; };\n storage = (\n  { name = \"Buffer\"; entries = 8; instances = 1; word-bits = 16; },\n  { name = \"Main\"; technology = \"DRAM\"; instances = 1; word-bits = 16; } ); };\n",
        ),
        (
            "problem.cfg",
            "problem = { shape = \"cnn-layer\"; R = 3; S = 1; P = 16; Q = 1; C = 1; K = 1; N = 1; };\n",
        ),
        (
            "mapping.cfg",
            "mapping = (\n { target = 0; type = \"temporal\"; factors = \"R1 S1 P1 Q1 C1 K1 N1\"; permutation = \"RSPQCKN\"; },\n { target = 1; type = \"temporal\"; factors = \"R3 S1 P16 Q1 C1 K1 N1\"; permutation = \"RPSQCKN\"; } );\n",
        ),
    ];
    for (name, text) in files {
        fs::write(folder.path().join(name), text)?;
    }
    let simulate = ["simulate", "timeloop", "arch.cfg", "problem.cfg", "mapping.cfg"];
    let reads = |more: &[&str]| -> Result<Value> {
        let report = json(folder.path(), &[&simulate[..], &["--json"], more].concat())?;
        Ok(report["levels"][0]["dataspaces"]["Inputs"]["reads"].clone())
    };
    assert_eq!((reads(&[])?, reads(&["--counting", "timeloop"])?), (48.into(), 33.into()));
    let text = text(folder.path(), &[&simulate[..], &["--explain"]].concat())?;
    assert!(text.contains("where the exact counts and Timeloop's differ"), "{text}");
    assert!(
        text.lines()
            .any(|line| ["Main", "Inputs", "reads", "48", "33"].iter().all(|word| line.contains(word)))
    );
    let message = refused(folder.path(), &[&simulate[..], &["--link-transfers"]].concat())?;
    assert!(message.contains("--counting timeloop"), "{message}");
    fs::write(folder.path().join("problem.cfg"), "problem = { R = 3\n S 1; };")?;
    let message = refused(folder.path(), &simulate)?;
    assert!(message.contains("problem.cfg:2:4") && message.contains("remedy: "), "{message}");
    Ok(())
}

/// The defaults of a `mapper:` section: metric, algorithm, victory condition, search size.
#[test]
fn a_mapper_section_is_followed() -> Result {
    let folder = tempfile::tempdir()?;
    let files = [
        "eyeriss168/arch.yaml",
        "eyeriss168/bypass.yaml",
        "eyeriss168/row_stationary.yaml",
        "problems/resnet18_l1.yaml",
    ]
    .map(example);
    let map = |section: &str, more: &[&str]| -> Result<Value> {
        fs::write(folder.path().join("mapper.yaml"), format!("mapper:\n{section}"))?;
        let files: Vec<&str> = files.iter().map(String::as_str).chain(["mapper.yaml"]).collect();
        json(folder.path(), &[&["map", "timeloop", "--json"], &files[..], more].concat())
    };
    let section = |metric: &str| {
        format!(
            "  optimization-metrics: [{metric}]\n  algorithm: random-pruned\n  search-size: 600\n  num-threads: 8\n"
        )
    };
    let fast = map(&section("delay, energy"), &[])?;
    let frugal = map(&section("energy"), &[])?;
    assert_eq!((&fast["evaluations"], &frugal["evaluations"]), (&600.into(), &600.into()));
    let figure = |answer: &Value, name: &str| answer[name].as_f64().unwrap_or(f64::NAN);
    assert!(figure(&fast, "cycles") < figure(&frugal, "cycles"));
    assert!(figure(&fast, "energy_pj") > figure(&frugal, "energy_pj"));
    // Ends after 20 mappings in a row that are no better, long before the search size.
    let impatient = map(&format!("{}  victory-condition: 20\n", section("edp")), &[])?;
    assert!(impatient["evaluations"].as_u64().is_some_and(|n| (20..600).contains(&n)), "{impatient}");
    // Options win over the section, and a seed gives the same result again.
    let more = ["--evaluations", "50", "--metric", "edp", "--method", "evolutionary", "--seed", "3"];
    let (one, mut again) = (map(&section("energy"), &more)?, map(&section("energy"), &more)?);
    assert_eq!(one["evaluations"], 50);
    again["seconds"] = one["seconds"].clone();
    assert_eq!(one, again);
    // What has no effect is named, and what is unknown refused.
    let files = ["mapper.yaml"].into_iter().chain(files.iter().map(String::as_str)).collect::<Vec<_>>();
    fs::write(
        folder.path().join("mapper.yaml"),
        format!("\u{feff}mapper:\n{}  sync-interval: 0\n", section("edp")),
    )?;
    let output = hwgym(folder.path(), &[&["map", "timeloop"], &files[..]].concat())?;
    let warning = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && warning.contains("no effect here: sync-interval"), "{warning}");
    let message = map("  victory-conditon: 5\n", &[]).unwrap_err().to_string();
    assert!(message.contains("did you mean \"victory_condition\""), "{message}");
    let error = map("  algorithm: simulated-annealing\n", &[]).unwrap_err().to_string();
    assert!(error.contains("simulated-annealing") && error.contains("remedy"), "{error}");
    Ok(())
}

const MAESTRO: &str = "\
Network net {
  Layer first {
    Type: CONV
    Dimensions { K: 8, C: 4, R: 3, S: 3, Y: 10, X: 10 }
    Dataflow {
      SpatialMap(1,1) K;
      TemporalMap(4,4) C;
      TemporalMap(3,1) Y;
      TemporalMap(3,1) X;
      TemporalMap(3,3) R;
      TemporalMap(3,3) S;
      Cluster(4,P);
      SpatialMap(1,1) C;
      TemporalMap(3,3) R;
      TemporalMap(3,3) S;
    }
  }
}
";

#[test]
fn data_centric_mappings_give_a_table_json_and_violations() -> Result {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("net.m"), MAESTRO)?;
    let options = ["simulate", "maestro", "--mapping", "net.m", "--num-pes", "32", "--noc-bw", "16"];
    let plain = json(folder.path(), &with(&options, &["--json"]))?;
    let layer = &plain["layers"][0];
    assert_eq!(layer["macs"], layer["true_macs"]);
    assert_eq!(layer["macs"], 8 * 4 * 9 * 64);
    assert!(layer["violations"].as_array().is_some_and(Vec::is_empty));
    // MAESTRO leaves out the private buffers of a mapping with a Cluster.
    let compat = json(folder.path(), &with(&options, &["--maestro-compat", "--json"]))?;
    let energy = |answer: &Value| answer["layers"][0]["energy_nj"].as_f64().unwrap_or(f64::NAN);
    assert!(energy(&compat) < energy(&plain));
    assert_eq!(compat["layers"][0]["runtime_cycles"], layer["runtime_cycles"]);
    let need = layer["l1_bytes"].as_i64().ok_or("l1_bytes")?;
    let small = json(folder.path(), &with(&options, &["--l1-size", "5", "--json"]))?;
    let violation = &small["layers"][0]["violations"][0];
    assert_eq!((&violation["buffer"], &violation["required_bytes"]), (&"l1_size".into(), &need.into()));
    let table = text(folder.path(), &with(&options, &["--l1-size", "5"]))?;
    assert!(table.contains("| layer") && table.contains("| first"), "{table}");
    assert!(
        table.contains(&format!("first does not fit: l1_size has 5 bytes, {need} are needed")),
        "{table}"
    );
    // The command line and the hardware file of MAESTRO, which makes the latency of a hop 1.
    fs::write(folder.path().join("hw.m"), "num_pes: 32\nnoc_bw_cstr: 16\n")?;
    let file = [
        "simulate",
        "maestro",
        "--Mapping_file=net.m",
        "--HW_file=hw.m",
        "--print_res=false",
        "--msg_print_lv=0",
        "--json",
    ];
    assert_eq!(
        json(folder.path(), &file)?,
        json(folder.path(), &with(&options, &["--noc-hop-latency", "1", "--json"]))?
    );
    Ok(())
}

#[test]
fn systolic_arrays_run_layers_and_networks_also_ones_own() -> Result {
    let folder = tempfile::tempdir()?;
    let array = ["simulate", "systolic", "--array", "32x32", "--dataflow", "os"];
    let layer = json(folder.path(), &with(&array, &["--layer", "58,58,3,3,64,64,1", "--json"]))?;
    assert_eq!(layer["macs"], 115_605_504);
    // Folds of T + R + C - 2 cycles each: 98 x 2 of 576 + 62.
    assert_eq!(layer["cycles"], 98 * 2 * (576 + 62));
    let network = json(folder.path(), &with(&array, &["--network", "resnet18", "--json"]))?;
    assert_eq!(
        (&network["macs"], &network["layers"][1]["cycles"]),
        (&1_814_073_344_u64.into(), &layer["cycles"])
    );
    fs::copy(example("networks/keyword_spotting.ron"), folder.path().join("mine.ron"))?;
    let own = json(folder.path(), &with(&array, &["--network", "mine.ron", "--json"]))?;
    assert_eq!(
        (&own["network"], own["layers"].as_array().map(Vec::len)),
        (&"keyword-spotting".into(), Some(4))
    );
    assert!(text(folder.path(), &with(&array, &["--network", "mine.ron"]))?.contains("| depthwise"));
    let message = refused(folder.path(), &with(&array, &["--network", "resnet81"]))?;
    assert!(message.contains("did you mean \"resnet18\""), "{message}");
    Ok(())
}

/// The true numbers, the reference's by name, both side by side, and SCALE-Sim's own files.
#[test]
fn systolic_arrays_count_truly_and_as_the_reference_by_name() -> Result {
    let folder = tempfile::tempdir()?;
    let run = |more: &[&str]| json(folder.path(), &with(&["simulate", "systolic", "--json"], more));
    let strided = ["--layer", "14,14,1,1,1024,2048,2"];
    assert_eq!(run(&strided)?["macs"], 102_760_448);
    assert_eq!(run(&with(&strided, &["--reference", "ScaleSim2"]))?["macs"], 134_217_728);
    assert_eq!(run(&["--gemm", "4,4,4", "--array", "4x4"])?["cycles"], 10);
    assert_eq!(run(&["--gemm", "1,1,1", "--array", "1x1"])?["cycles"], 1);
    fs::write(
        folder.path().join("tpu.cfg"),
        "[general]\nrun_name = t\n[architecture_presets]\nArrayHeight: 32\nArrayWidth: 32\nIfmapSramSzkB: 1024\n\
         FilterSramSzkB: 1024\nOfmapSramSzkB: 1024\nDataflow: ws\nBandwidth: 10\n[run_presets]\n\
         InterfaceBandwidth: USER\n",
    )?;
    fs::write(
        folder.path().join("net.csv"),
        "\u{feff}Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,\n\
         Conv1,224,224,11,11,3,96,4,\n",
    )?;
    let files = ["--config", "tpu.cfg", "--topology", "net.csv"];
    let net = run(&files)?;
    assert_eq!((&net["dram_words"]["ifmap"], &net["stall_cycles"]), (&150_528.into(), &0.into()));
    let reference = run(&with(&files, &["--reference", "scalesim3"]))?;
    assert_eq!(reference["stall_cycles"], 171_810);
    let cycles = |value: &Value| value.as_i64().unwrap_or_default();
    assert!(cycles(&reference["total_cycles_with_prefetch"]) > cycles(&reference["cycles"]));
    let both = run(&with(&files, &["--explain"]))?;
    assert!(both.as_array().is_some_and(|rows| rows.iter().any(|row| row["scale_sim_2"] == 171_810)));
    // What would have no effect is refused by name.
    for (more, name) in [
        (&["--dram"][..], "--dram"),
        (&["--reference", "ScaleSim2", "--ifmap-sram", "8"], "--ifmap-sram"),
        (&["--reference", "ScaleSim2", "--bandwidth", "4", "--dram"], "--dram"),
    ] {
        let message = refused(folder.path(), &[&["simulate", "systolic"], &strided[..], more].concat())?;
        assert!(message.contains(name), "{message}");
    }
    let network = run(&["--network", "resnet18", "--reference", "ScaleSim2", "--dram"])?;
    assert!(network["dram_words"]["filter"].as_u64().is_some_and(|words| words > 11_000_000));
    Ok(())
}

/// What is wrong, with file and line where the parser has it, and the remedy.
#[test]
fn wrong_input_is_refused_with_its_place_and_a_remedy() -> Result {
    let folder = tempfile::tempdir()?;
    let write = |name: &str, from: &str, to: &str, source: &str| -> Result {
        let yaml = fs::read_to_string(example(source))?;
        assert!(yaml.contains(from), "{from}");
        Ok(fs::write(folder.path().join(name), yaml.replacen(from, to, 1))?)
    };
    let sources = [
        ("arch.yaml", "eyeriss168/arch.yaml"),
        ("problem.yaml", "problems/resnet18_l1.yaml"),
        ("mapping.yaml", "eyeriss168/mapping_resnet18_l1.yaml"),
    ];
    let cases = [
        (
            "arch.yaml:12:",
            "class: SRAM",
            "class: SRMA",
            &["unknown class \"SRMA\"", "did you mean \"SRAM\""][..],
        ),
        ("arch.yaml:14:", "psum_col[0..13]", "psum_col[13..0]", &["index range"]),
        (
            "arch.yaml:26:",
            "{datawidth: 16, word_bits: 16, meshX: 14}",
            "{instances: 0, meshX: 14}",
            &["instances"],
        ),
        ("arch.yaml:13:", "read_bandwidth: 16", "read_bandwidth: 0", &["read_bandwidth 0", "positive"]),
        (
            "problem.yaml:13:",
            "[[[C]],[[M]],[[R]],[[S]]]",
            "[[[C]],[[M]],[[R]],[[X]]]",
            &["names \"X\"", "no dimension"],
        ),
        (
            "mapping.yaml:3:",
            "factors: C=1 M=1 R=1 S=1 N=1 P=14 Q=1",
            "factors: C=1 M=1 R=1 S=1 N=1 P=7 Q=1",
            &["P multiply to 28", "bound is 56"],
        ),
        (
            "mapping.yaml:3:",
            "target: DRAM",
            "target: DARM",
            &["no storage level \"DARM\"", "did you mean \"DRAM\""],
        ),
        ("mapping.yaml:6:", "permutation: SQCMNRP", "permutation: SQCMNR", &["lacks P"]),
    ];
    for (place, from, to, words) in cases {
        for (name, source) in sources {
            write(
                name,
                if place.starts_with(name) { from } else { "" },
                if place.starts_with(name) { to } else { "" },
                source,
            )?;
        }
        let message =
            refused(folder.path(), &["simulate", "timeloop", "arch.yaml", "problem.yaml", "mapping.yaml"])?;
        assert!(message.contains(place) && message.contains("remedy: "), "{to}: {message}");
        assert!(words.iter().all(|word| message.contains(word)), "{to}: {message}");
    }
    // Anchors and merges are followed; an alias to nothing is not.
    for (name, source) in sources {
        write(name, "", "", source)?;
    }
    let files = ["simulate", "timeloop", "arch.yaml", "problem.yaml", "mapping.yaml", "--json"];
    let plain = text(folder.path(), &files)?;
    let yaml = fs::read_to_string(folder.path().join("arch.yaml"))?;
    let dram = "attributes: {width: 64, word_bits: 16, type: LPDDR4, meshX: 1}";
    let glb = "attributes: {width: 64, word_bits: 16, depth: 16384,";
    assert!(yaml.contains(dram) && yaml.contains(glb));
    let merged = yaml
        .replace(dram, &dram.replace("attributes: ", "attributes: &wide "))
        .replace(glb, "attributes: {<<: *wide, depth: 16384,");
    fs::write(folder.path().join("arch.yaml"), &merged)?;
    assert_eq!(text(folder.path(), &files)?, plain);
    fs::write(folder.path().join("arch.yaml"), merged.replace("*wide", "*wied"))?;
    let message = refused(folder.path(), &files)?;
    assert!(message.contains("arch.yaml:13:") && message.contains("remedy: "), "{message}");
    // A file of 100 MB is not read.
    let mut large = fs::File::create(folder.path().join("arch.yaml"))?;
    let line =
        "# nothing but remarks in this file, one after the other, for a hundred megabytes\n".repeat(12_500);
    for _ in 0..100 {
        large.write_all(line.as_bytes())?;
    }
    let message = refused(folder.path(), &files)?;
    assert!(message.contains("arch.yaml:1:1:") && message.contains("is this the right file"), "{message}");
    // The mapping language and the layer tables.
    fs::write(folder.path().join("net.m"), MAESTRO.replace("TemporalMap(4,4) C", "TemporalMap(4,4) D"))?;
    let message = refused(folder.path(), &["simulate", "maestro", "--mapping", "net.m"])?;
    assert!(message.contains("net.m:7:") && message.contains("remedy: "), "{message}");
    fs::write(
        folder.path().join("mine.ron"),
        "Network(name: \"m\", layers: [\n  MatrixProduct(name: \"a\", m: 1, k: 2)\n])",
    )?;
    let message = refused(folder.path(), &["simulate", "systolic", "--network", "mine.ron"])?;
    assert!(message.contains("mine.ron:2:"), "{message}");
    Ok(())
}

#[test]
fn all_environments_of_accelerators_pass_their_check() -> Result {
    let folder = tempfile::tempdir()?;
    // Options that keep an unoptimised build quick.
    let quick = "mapper=Random(evaluations: 50, seed: 1)";
    for (id, options) in [
        ("accelerator-eyeriss-v0", &["-o", quick][..]),
        ("accelerator-eyeriss-v1", &["-o", quick]),
        ("accelerator-simba-v0", &["-o", quick]),
        ("accelerator-simba-v1", &["-o", quick]),
        ("accelerator-template-v0", &["-o", quick]),
        ("accelerator-template-v1", &["-o", quick]),
        ("accelerator-mapping-v0", &[]),
        ("accelerator-mapping-v1", &[]),
        ("maestro-mapping-v0", &[]),
        ("systolic-array-v0", &[]),
        ("systolic-array-v1", &[]),
    ] {
        assert!(text(folder.path(), &[&["env", "show", id], options].concat())?.contains(id), "{id}");
        text(folder.path(), &[&["env", "check", id], options].concat()).map_err(|e| format!("{id}: {e}"))?;
    }
    Ok(())
}
