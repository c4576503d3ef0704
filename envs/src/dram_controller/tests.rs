//! The environment on small workloads.

use std::path::Path;

use super::*;
use crate::conformance::check_env;
use crate::{Random, Registry, Value};

fn env(options: &str) -> DramController {
    let options: DramControllerOptions = Options::ron(options).parse().unwrap();
    DramController::new(&options, Path::new("")).unwrap()
}

fn error(options: &str) -> String {
    let options: Result<DramControllerOptions, _> = Options::ron(options).parse();
    match options.and_then(|options| DramController::new(&options, Path::new(""))) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("accepted"),
    }
}

#[test]
fn conforms_with_and_without_energy() {
    for options in [
        "(workload: \"mix:requests=400\")",
        "(workload: \"random:requests=300\", device: \"ddr4_2400_brc\", space: \"wide\", reference: \"DRAMSys4\")",
        "(workload: \"stream:requests=300\", device: \"hbm2_2000_brc\", groups: \"parameters\")",
    ] {
        let report = check_env(&env(options), 3);
        assert!(report.passed(), "{options}\n{report}");
    }
    assert_eq!(env("(workload: \"stream:requests=10\", device: \"hbm2_2000_brc\")").metrics().len(), 4);
}

#[test]
fn the_registry_knows_it() {
    let env = Registry::builtin().make(ID, &Options::ron("(workload: \"stream:requests=50\")")).unwrap();
    assert_eq!(env.space().size(), Some(442_368));
    assert_eq!(env.space().groups().len(), 4);
    assert_eq!(env.objectives()[0].name, "both");
    assert!(env.objectives().iter().any(|objective| objective.name == "archgym-low-power"));
}

#[test]
fn metrics_are_the_simulators() {
    let env = env("(workload: \"mix:requests=500\", clock_mhz: 400.0)");
    let design = env.space().sample(&mut Random::new(4));
    let simulator = Simulator::new(env.device(), &env.controller(&design)).unwrap();
    let simulator = simulator.with_trace_clock_mhz(400.0).unwrap();
    let truth = simulator.run(env.requests().iter().map(|request| Ok(*request))).unwrap();
    let outcome = env.evaluate(&design, Fidelity::FULL);
    let metrics = outcome.metrics().unwrap();
    assert_eq!(Some(metrics[0]), truth.total_energy_pj);
    assert_eq!(metrics[2..5], [truth.total_time_ns, truth.latency_ns.mean, truth.latency_ns.p99]);
    // 500 bursts of 64 bytes.
    assert!((metrics[5] - 500.0 * 64.0 / truth.total_time_ns).abs() < 1e-9 * metrics[5]);
    assert!((metrics[0] / metrics[1] / metrics[2] - 1.0).abs() < 0.05, "pJ / mW = ns");
    let quarter = env.evaluate(&design, Fidelity(1));
    assert!(quarter.metrics().unwrap()[2] < metrics[2]);
}

/// Draws designs until `count` of them are not their own representative, and compares each with its representative bit by bit. With `small`,
/// buffers and limits are small: there the rules of equivalence meet.
fn compare_with_representatives(env: &DramController, seed: u64, count: usize, small: bool) {
    let mut random = Random::new(seed);
    let mut compared = 0;
    while compared < count {
        let mut design = env.space().sample(&mut random);
        if small {
            for parameter in [space::at::REQUEST_BUFFER_SIZE, space::at::MAX_ACTIVE_TRANSACTIONS] {
                design.set(parameter, (design.coordinate(parameter) / 2.0).floor());
            }
        }
        env.space().canonicalise(&mut design);
        let representative = env.canonical(&design);
        if representative == design {
            continue;
        }
        compared += 1;
        let [outcome, expected] =
            [&design, &representative].map(|design| env.evaluate(design, Fidelity::FULL));
        assert_eq!(outcome, expected, "{:?} {:?}", env.provenance(), env.space().values(&design));
    }
}

/// Every rule of equivalence, against the simulator, on 1,500 pairs: a design and its representative give the same bits.
#[test]
fn representatives_behave_alike() {
    for (workload, device) in [
        ("mix:requests=300,interval=3", "ddr3_1600_rbc"),
        ("zipf:requests=250,footprint-bytes=65536,interval=2", "ddr4_2400_brc"),
        ("random:requests=200,footprint-bytes=1048576,interval=2", "ddr3_1600_brc"),
        ("bursty:requests=250,footprint-bytes=262144", "ddr3_1600_2ch_ilv"),
        ("stream:requests=200,write-fraction=1", "ddr3_1600_rbc"),
    ] {
        for (seed, reference) in (1..).zip(["DRAMSys5", "DRAMSys4"]) {
            let env = env(&format!("(workload: {workload:?}, device: {device:?}, reference: {reference:?})"));
            compare_with_representatives(&env, seed, 150, true);
        }
    }
}

/// What an enumeration skips: designs of the whole space, on the recorded workloads as they are enumerated.
#[test]
fn skipped_designs_equal_their_representatives() {
    for workload in optima::known_workloads() {
        compare_with_representatives(&env(&format!("(workload: {workload:?})")), 3, 15, false);
    }
}

/// The same a hundred times over; half a minute per workload.
#[test]
#[ignore = "minutes; `cargo test --release -p hwgym-envs --lib many_skipped -- --ignored`"]
fn many_skipped_designs_equal_their_representatives() {
    for workload in optima::known_workloads() {
        compare_with_representatives(&env(&format!("(workload: {workload:?})")), 4, 1500, false);
    }
}

#[test]
fn archgym_rewards_show_their_defects() {
    let env = env("(workload: \"stream:requests=2000\")");
    let find = |name: &str| {
        let objectives = env.objectives();
        let objective = objectives.iter().find(|objective| objective.name == name).unwrap();
        objective.scorer(env.metrics()).unwrap()
    };
    let outcome = |power: f64, time: f64| Outcome::feasible([1e6, power, time, 50.0, 60.0, 5.0]);
    let latency = find("archgym-low-latency");
    let reward = |time: f64| latency.score(&outcome(1000.0, time)).reward().unwrap();
    assert!(reward(481e3) > reward(50e3), "slower is better");
    assert!((reward(50e3) - 1.0005).abs() < 1e-4 && (reward(481e3) - 1.0048).abs() < 1e-4);
    let power = find("archgym-low-power");
    assert_eq!(power.score(&outcome(1000.0, 1e5)).reward(), Some(1000.0), "capped at the singular target");
    let right = find("low-time");
    assert!(right.score(&outcome(1000.0, 50e3)).reward() > right.score(&outcome(1000.0, 481e3)).reward());
}

#[test]
fn wrong_options_are_explained() {
    for (options, part) in [
        ("(device: \"ddr3_1600_\")", "did you mean `ddr3_1600_"),
        ("(workload: \"sqlit\")", "did you mean `sqlite`"),
        ("(workload: \"missing.stl\")", "missing.stl"),
        ("(workload: \"stream:base-address=0x100000000\")", "beyond the 1073741824 bytes"),
        ("(space: \"archgim\")", "did you mean `archgym`"),
        ("(groups: \"x\")", "option `groups`"),
        ("(reference: \"DRAMSys6\")", "DRAMSys5"),
        ("(reference: \"Ramulator2\")", "choose DRAMSys5"),
        ("(clock_mhz: 0.0)", "outside 1 to"),
        ("(requests: 0)", "leaves nothing"),
        ("(devise: \"x\")", "did you mean `device`"),
    ] {
        let message = error(options);
        assert!(message.contains(part), "{options}: {message}");
    }
}

/// The shipped truth is the truth of this simulator: every optimum gives exactly its metrics again.
#[test]
fn known_optima_are_reproduced() {
    for workload in optima::known_workloads() {
        let env = env(&format!("(workload: {workload:?})"));
        let known =
            env.known_optima().unwrap().unwrap_or_else(|| panic!("{workload}: made for other options"));
        let mut random = Random::new(1);
        for objective in &known.objectives {
            let count = objective.front.len();
            for optimum in (0..count.min(3)).map(|_| &objective.front[random.below(count)]) {
                let design = env.space().design_at(u128::from(optimum.index)).unwrap();
                let outcome = env.evaluate(&design, Fidelity::FULL);
                assert_eq!(
                    outcome.metrics(),
                    Some(&optimum.metrics[..]),
                    "{workload} {}",
                    objective.objective.name
                );
            }
            // And nothing drawn at random is better.
            let scorer = objective.objective.scorer(env.metrics()).unwrap();
            for _ in 0..4 {
                let score = scorer.score(&env.evaluate(&env.space().sample(&mut random), Fidelity::FULL));
                if let (Some(best), true) = (objective.best_reward(), score.is_feasible()) {
                    assert!(score.reward().unwrap() <= best, "{workload} {}", objective.objective.name);
                }
            }
        }
    }
}

#[test]
fn inactive_parameters_need_no_value() {
    let env = env("(workload: \"stream:requests=20\")");
    let design = env.space().design([
        ("PagePolicy", Value::from("Open")),
        ("Scheduler", "FrFcfs".into()),
        ("SchedulerBuffer", "Bankwise".into()),
        ("RequestBufferSize", Value::Integer(8)),
        ("RespQueue", "Fifo".into()),
        ("RefreshPolicy", "NoRefresh".into()),
        ("Arbiter", "Simple".into()),
    ]);
    assert!(env.evaluate(&design.unwrap(), Fidelity::FULL).metrics().is_some());
}

#[test]
fn workloads_without_end_are_refused_by_their_limit() {
    let make = |options: &DramControllerOptions, folder: &std::path::Path| {
        DramController::new(options, folder).err().map(|error| error.to_string())
    };
    let options = |workload: &str, requests| DramControllerOptions {
        workload: workload.into(),
        requests,
        ..DramControllerOptions::default()
    };
    let none = std::path::Path::new("");
    let error = make(&options("random:requests=100000000000", None), none).unwrap();
    assert!(error.contains("10000000 requests, the limit"), "{error}");
    let error = make(&options("random:requests=100000000000", Some(10_000_001)), none).unwrap();
    assert!(error.contains("limit"), "{error}");
    assert_eq!(make(&options("random:requests=100000000000", Some(50)), none), None);
}

#[test]
fn a_trace_file_needs_no_ending_and_its_header_says_the_clock() {
    let folder = tempfile::tempdir().unwrap();
    let text = "# clock-mhz: 400\n0: read 0x40\n8: read 0x10000\n6: read 0x80\n";
    std::fs::write(folder.path().join("mine"), text).unwrap();
    let time = |clock_mhz| {
        let options =
            DramControllerOptions { workload: "mine".into(), clock_mhz, ..DramControllerOptions::default() };
        let env = DramController::new(&options, folder.path()).unwrap();
        let design = env.space().sample(&mut Random::new(4));
        env.evaluate(&design, Fidelity::FULL).metrics().unwrap().to_vec()
    };
    assert_eq!(time(None), time(Some(400.0)));
    assert_ne!(time(None), time(Some(800.0)));
}
