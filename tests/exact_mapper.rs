//! The exact mapper as a user meets it: mappings that replay to the same numbers, proofs, fronts, and layers that do not fit.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// A strided layer with a sliding window, small enough for an unoptimised build.
fn layer() -> Result<String> {
    let text = fs::read_to_string(example("problems/resnet18_l1.yaml"))?;
    let large = "{C: 64, M: 64, R: 3, S: 3, N: 1, P: 56, Q: 56, Wstride: 1, Hstride: 1,";
    assert!(text.contains(large));
    Ok(text.replace(large, "{C: 8, M: 16, R: 3, S: 3, N: 1, P: 14, Q: 14, Wstride: 2, Hstride: 2,"))
}

fn example(path: &str) -> String {
    format!("{}/simulators/accelerator/examples/{path}", env!("CARGO_MANIFEST_DIR"))
}

fn hwgym(folder: &Path, arguments: &[&str], threads: usize) -> Result<Output> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hwgym"));
    command
        .current_dir(folder)
        .args(arguments)
        .env("NO_COLOR", "1")
        .env("RAYON_NUM_THREADS", threads.to_string());
    Ok(command.output()?)
}

fn json(output: &Output) -> Result<Value> {
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Maps the layer exactly onto an example architecture.
fn map(
    folder: &Path,
    architecture: &str,
    constraints: &[&str],
    more: &[&str],
    threads: usize,
) -> Result<Output> {
    fs::write(folder.join("layer.yaml"), layer()?)?;
    let files: Vec<String> =
        ["arch.yaml"].iter().chain(constraints).map(|f| example(&format!("{architecture}/{f}"))).collect();
    let mut arguments = vec!["map", "timeloop"];
    arguments.extend(files.iter().map(String::as_str));
    arguments.extend(["layer.yaml", "--method", "exact"]);
    arguments.extend(more);
    hwgym(folder, &arguments, threads)
}

/// Replays a mapping; returns cycles and energy.
fn replay(folder: &Path, architecture: &str, mapping: &Value) -> Result<(u64, f64)> {
    fs::write(folder.join("mapping.yaml"), mapping.as_str().ok_or("a mapping")?)?;
    let arch = example(&format!("{architecture}/arch.yaml"));
    let arguments = ["simulate", "timeloop", &arch, "layer.yaml", "mapping.yaml", "--json"];
    let report = json(&hwgym(folder, &arguments, 1)?)?;
    Ok((report["cycles"].as_u64().ok_or("cycles")?, report["energy_pj"].as_f64().ok_or("energy")?))
}

#[test]
fn an_optimal_mapping_replays_to_the_same_numbers_on_any_number_of_threads() -> Result {
    let folder = tempfile::tempdir()?;
    let cases: [(&str, &[&str]); 3] = [
        ("eyeriss168", &["bypass.yaml", "row_stationary.yaml"]),
        ("ws256", &["bypass.yaml"]),
        ("os64", &["bypass.yaml"]),
    ];
    for (architecture, constraints) in cases {
        for metric in ["energy", "delay", "edp"] {
            let more = ["--metric", metric, "--json"];
            let one = json(&map(folder.path(), architecture, constraints, &more, 1)?)?;
            assert_eq!(one["proof"]["optimal"], true, "{architecture} {metric}");
            assert!(one["nodes"].as_u64().is_some_and(|n| n > 0) && one["seconds"].as_f64().is_some());
            assert!(one["scope"].as_str().is_some_and(|s| s.contains("perfect factorisations")));
            let (cycles, energy) = replay(folder.path(), architecture, &one["mapping_yaml"])?;
            assert_eq!(one["cycles"].as_u64(), Some(cycles));
            assert_eq!(one["energy_pj"].as_f64(), Some(energy));
            assert_eq!(one["edp_pj_cycles"].as_f64(), Some(energy * cycles as f64));
            let mut three = json(&map(folder.path(), architecture, constraints, &more, 3)?)?;
            three["seconds"] = one["seconds"].clone();
            assert_eq!(one, three);
        }
    }
    Ok(())
}

#[test]
fn the_front_holds_the_optima_of_energy_delay_and_edp() -> Result {
    let folder = tempfile::tempdir()?;
    let constraints = ["bypass.yaml", "row_stationary.yaml"];
    let answer =
        json(&map(folder.path(), "eyeriss168", &constraints, &["--metric", "pareto", "--json"], 1)?)?;
    assert_eq!(answer["proof"]["optimal"], true);
    let points = answer["front"].as_array().ok_or("a front")?;
    let figures: Vec<(u64, f64)> =
        points.iter().filter_map(|p| Some((p["cycles"].as_u64()?, p["energy_pj"].as_f64()?))).collect();
    assert_eq!(figures.len(), points.len());
    assert!(figures.windows(2).all(|w| w[0].0 < w[1].0 && w[0].1 > w[1].1), "{figures:?}");
    for point in points {
        let (cycles, energy) = replay(folder.path(), "eyeriss168", &point["mapping_yaml"])?;
        assert_eq!((point["cycles"].as_u64(), point["energy_pj"].as_f64()), (Some(cycles), Some(energy)));
    }
    let value = |metric: &str, cycles: u64, energy: f64| match metric {
        "energy" => energy,
        "delay" => cycles as f64,
        _ => energy * cycles as f64,
    };
    for metric in ["energy", "delay", "edp"] {
        let best =
            json(&map(folder.path(), "eyeriss168", &constraints, &["--metric", metric, "--json"], 1)?)?;
        let best = value(metric, best["cycles"].as_u64().ok_or("")?, best["energy_pj"].as_f64().ok_or("")?);
        let least = figures.iter().map(|&(c, e)| value(metric, c, e)).fold(f64::INFINITY, f64::min);
        assert!((least / best - 1.0).abs() < 1e-12, "{metric}: {least} {best}");
    }
    Ok(())
}

/// All loops and bypass open on six levels: far too much for the time given.
#[test]
fn a_time_limit_gives_a_mapping_with_its_certified_gap() -> Result {
    let folder = tempfile::tempdir()?;
    let answer =
        json(&map(folder.path(), "eyeriss168", &["bypass.yaml"], &["--time-limit", "0.05", "--json"], 1)?)?;
    let proof = &answer["proof"];
    let edp = answer["edp_pj_cycles"].as_f64().ok_or("a mapping")?;
    if proof["optimal"] != true {
        let (gap, bound) =
            (proof["gap"].as_f64().ok_or("a gap")?, proof["lower_bound"].as_f64().ok_or("a bound")?);
        assert!(bound > 0.0 && bound < edp);
        assert!((edp / bound - 1.0 - gap).abs() < 1e-9 * gap);
    }
    let (cycles, energy) = replay(folder.path(), "eyeriss168", &answer["mapping_yaml"])?;
    assert_eq!(Some(energy * cycles as f64), answer["edp_pj_cycles"].as_f64());
    Ok(())
}

#[test]
fn a_layer_that_does_not_fit_names_level_space_and_missing_words() -> Result {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("layer.yaml"), layer()?)?;
    let arch = fs::read_to_string(example("os64/arch.yaml"))?;
    let small = arch.replace("depth: 64,", "depth: 2,").replace("depth: 64\n", "depth: 2\n");
    assert_ne!(arch, small, "the register file of os64 has 64 words");
    fs::write(folder.path().join("arch.yaml"), small)?;
    let bypass = example("os64/bypass.yaml");
    let output = hwgym(
        folder.path(),
        &["map", "timeloop", "arch.yaml", &bypass, "layer.yaml", "--method", "exact"],
        1,
    )?;
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(message.contains("rf has 2 words") && message.contains("1 word is missing"), "{message}");
    for (wrong, told) in [("--time-limit=0", "positive number"), ("--metric=pareto", "--method exact")] {
        let method = if wrong.contains("pareto") { "random" } else { "exact" };
        let output = hwgym(
            folder.path(),
            &["map", "timeloop", "arch.yaml", "layer.yaml", "--method", method, wrong],
            1,
        )?;
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && message.contains(told), "{message}");
    }
    Ok(())
}

/// What is wrong with a layer, an architecture or its constraints is said at its place with the remedy; what is only
/// unusual (primes, one dimension) is mapped.
#[test]
fn problems_at_the_edge_are_mapped_or_refused_with_place_and_remedy() -> Result {
    let folder = tempfile::tempdir()?;
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text);
    write("layer.yaml", &layer()?)?;
    let large = "{C: 64, M: 64, R: 3, S: 3, N: 1, P: 56, Q: 56,";
    let shape = fs::read_to_string(example("problems/resnet18_l1.yaml"))?;
    write("primes.yaml", &shape.replace(large, "{C: 1009, M: 997, R: 3, S: 1, N: 1, P: 127, Q: 131,"))?;
    write(
        "one.yaml",
        "problem:\n  instance: {C: 3600}\n  shape:\n    name: elementwise\n    dimensions: [C]\n    data_spaces:\n\
         \x20   - {name: Weights, projection: [[[C]]]}\n    - {name: Inputs, projection: [[[C]]]}\n\
         \x20   - {name: Outputs, projection: [[[C]]], read_write: True}\n",
    )?;
    let arch = fs::read_to_string(example("os64/arch.yaml"))?;
    write("empty.yaml", &arch.replace("depth: 64,", "depth: 0,"))?;
    let targets = |text: &str| format!("mapspace_constraints:\n  targets:\n{text}");
    let twice =
        "  - {target: glb, type: temporal, factors: C=4}\n  - {target: DRAM, type: temporal, factors: C=4}\n";
    write("twice.yaml", &targets(twice))?;
    write("both.yaml", &targets("  - {target: glb, type: bypass, keep: [Weights], bypass: [Weights]}\n"))?;
    write("five.yaml", &targets("  - {target: glb, type: temporal, factors: C=5}\n"))?;
    let (os64, bypass) = (example("os64/arch.yaml"), example("os64/bypass.yaml"));
    let run = |files: &[&str]| {
        let mut arguments = vec!["map", "timeloop"];
        arguments.extend(files);
        arguments.extend(["--method", "exact"]);
        hwgym(folder.path(), &arguments, 1)
    };
    for layer in ["primes.yaml", "one.yaml"] {
        let output = run(&[&os64, &bypass, layer])?;
        let answer = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && answer.contains("optimal ("), "{layer}: {answer}");
    }
    let wrong: [(&[&str], &[&str]); 5] = [
        // A memory without entries is a point of fan-out: it keeps nothing, whatever the constraints ask of it.
        (
            &["empty.yaml", &bypass, "layer.yaml"],
            &["bypass.yaml:5:5", "must both keep and bypass Weights", "remedy"],
        ),
        (&[&os64, "layer.yaml", "both.yaml"], &["both.yaml:3:5", "both keep and bypass Weights", "remedy"]),
        (&[&os64, "layer.yaml", "five.yaml"], &["five.yaml:3:5", "C=5 does not divide", "remedy"]),
        // Each factor divides the bound 8, their product does not: found before any search, whatever is left open.
        (&[&os64, "layer.yaml", "twice.yaml"], &["no valid mapping", "dimension C", "bound 8"]),
        (&[&os64, &bypass, "layer.yaml", "twice.yaml"], &["no valid mapping", "dimension C", "bound 8"]),
    ];
    for (files, told) in wrong {
        let output = run(files)?;
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{files:?}");
        assert!(told.iter().all(|part| message.contains(part)), "{files:?}: {message}");
    }
    Ok(())
}
