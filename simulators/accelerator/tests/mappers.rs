//! Mappers: against the reference mapper's best, against each other, and what they say where nothing fits.
use hwgym_accelerator::mapper::exact::{Front, explain, front, solve};
use hwgym_accelerator::mapper::{
    Goal, MapFailure, Mapper, Mapspace, Patience, evolutionary, exhaustive, map_layer, random_pruned,
    random_until,
};
use hwgym_accelerator::timeloop::constraints::{Factor, Rule};
use hwgym_accelerator::timeloop::{
    AccessEnergy, Architecture, Arithmetic, Constraints, Counting, Level, Model, Specification,
};
use hwgym_accelerator::workload::{Convolution, Problem};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn text(path: &str) -> String {
    let path = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn specification(architecture: &str) -> Specification {
    let files = ["arch.yaml", "bypass.yaml"].map(|f| text(&format!("examples/{architecture}/{f}")));
    let problem = text("examples/problems/resnet18_l1.yaml");
    Specification::from_texts(&[
        ("arch.yaml", &files[0]),
        ("bypass.yaml", &files[1]),
        ("problem.yaml", &problem),
    ])
    .unwrap()
}

fn layer(name: &str) -> Problem {
    match name {
        "resnet18_l1" => Convolution { c: 64, m: 64, r: 3, s: 3, p: 56, q: 56, ..Default::default() },
        "bert_qkv_512" => Convolution::gemm(name, 512, 768, 768),
        "alexnet_conv3" => Convolution { c: 256, m: 384, r: 3, s: 3, p: 13, q: 13, ..Default::default() },
        "mobilenetv2_pw_b3" => Convolution { c: 24, m: 144, p: 56, q: 56, ..Default::default() },
        other => panic!("unknown layer {other}"),
    }
    .problem()
    .unwrap()
}

#[test]
fn evolutionary_search_beats_the_reference_with_2000_evaluations() {
    let table = text("../../tests/golden/accelerator/mapper_reference.csv");
    let mut cases = 0;
    let mut worse = Vec::new();
    for row in csv::Reader::from_reader(table.as_bytes()).records().map(Result::unwrap) {
        let spec = specification(&row[0]);
        let model =
            Model::with_counting(spec.architecture.clone(), layer(&row[1]), Counting::Timeloop).unwrap();
        let limits = spec.constraints.compile(model.architecture(), model.problem()).unwrap();
        let space = Mapspace::new(&model, &limits);
        let reference: f64 = row[7].parse().unwrap_or(f64::INFINITY);
        for seed in 0..8 {
            let found = evolutionary(&space, Goal::Edp, 2000, seed);
            assert!(found.evaluations <= 2000);
            let best = found.best.expect("a valid mapping");
            if std::env::var_os("SHOW_TIMES").is_some() {
                println!("{} {} seed {seed}: {:.3}", &row[0], &row[1], best.cost.edp() / reference);
            }
            if best.cost.edp() > reference {
                worse.push(format!("{} {} {seed}: {}", &row[0], &row[1], best.cost.edp() / reference));
            }
        }
        cases += 1;
    }
    assert_eq!(cases, 13);
    assert!(worse.is_empty(), "{worse:#?}");
}

/// A random small architecture.
fn small_architecture(rng: &mut ChaCha8Rng) -> Architecture {
    let levels = rng.random_range(2..=4usize);
    let mut list: Vec<Level> = Vec::new();
    let mut mesh = (1u64, 1u64);
    let real = |rng: &mut ChaCha8Rng, low: f64, high: f64| rng.random_range(low..high);
    for index in (0..levels).rev() {
        let outermost = index + 1 == levels;
        let scale = 10f64.powi(index as i32);
        list.push(Level {
            name: format!("L{index}"),
            size_words: (!outermost).then(|| rng.random_range(1..60) * 4u64.pow(index as u32)),
            word_bits: 16,
            block_size: [1, 1, 2, 4][rng.random_range(0..4usize)],
            instances: mesh.0 * mesh.1,
            mesh_x: mesh.0,
            read_bandwidth: rng.random_bool(0.4).then(|| real(rng, 0.5, 6.0)),
            write_bandwidth: rng.random_bool(0.3).then(|| real(rng, 0.5, 6.0)),
            shared_bandwidth: rng.random_bool(0.15).then(|| real(rng, 1.0, 8.0)),
            energy: AccessEnergy {
                read_pj: real(rng, 0.5, 2.0) * scale,
                fill_pj: real(rng, 0.5, 2.0) * scale,
                update_pj: real(rng, 0.5, 2.0) * scale,
                leak_pj: 0.0,
            },
            ..Level::default()
        });
        if rng.random_bool(0.5) {
            mesh = (mesh.0 * rng.random_range(1..4), mesh.1 * rng.random_range(1..3));
        }
    }
    list.reverse();
    let arithmetic = Arithmetic {
        name: "mac".into(),
        word_bits: 16,
        instances: mesh.0 * mesh.1,
        mesh_x: mesh.0,
        compute_pj: 1.0,
        leak_pj: 0.0,
        area_um2: 0.0,
    };
    Architecture { name: "small".into(), levels: list, arithmetic }.checked().unwrap()
}

fn small_problem(rng: &mut ChaCha8Rng) -> Problem {
    let depthwise = rng.random_bool(0.2);
    let mut pick = |choices: &[u64]| choices[rng.random_range(0..choices.len())];
    let mut layer = Convolution {
        c: if depthwise { 1 } else { pick(&[1, 1, 2, 3, 4]) },
        m: pick(&[1, 2, 2, 4, 6]),
        r: pick(&[1, 1, 2, 3]),
        s: pick(&[1, 1, 1, 2]),
        p: pick(&[1, 2, 4, 6]),
        q: pick(&[1, 1, 2, 3]),
        n: pick(&[1, 1, 1, 1, 2]),
        stride: (pick(&[1, 1, 2, 3]), pick(&[1, 2])),
        dilation: (pick(&[1, 1, 2]), 1),
        depthwise,
        ..Default::default()
    };
    if pick(&[0, 0, 0, 0, 1]) == 1 {
        (layer.groups, layer.s, layer.q) = (2, 1, 1);
    }
    layer.problem().unwrap()
}

/// A constraint as Timeloop's YAML states them: factors and loop orders of a level, or dimensions along an axis.
fn small_rule(rng: &mut ChaCha8Rng, architecture: &Architecture, problem: &Problem) -> Rule {
    let target = architecture.levels[rng.random_range(0..architecture.levels.len())].name.clone();
    let mut dims = problem.dims.clone();
    for i in (1..dims.len()).rev() {
        dims.swap(i, rng.random_range(0..=i));
    }
    let factor = match rng.random_range(0..4) {
        0 => Factor::AtLeast(2),
        1 => Factor::Exactly(rng.random_range(1..4)),
        _ => Factor::AtMost(rng.random_range(1..3)),
    };
    let factors = vec![(dims[0].clone(), factor)];
    if rng.random_bool(0.3) {
        let split = rng.random_range(0..=dims.len());
        return Rule::Spatial { target, factors, permutation: dims, split: Some(split) };
    }
    let (innermost, outermost) = match rng.random_range(0..3) {
        0 => (dims[..2].to_vec(), Vec::new()),
        1 => (Vec::new(), dims[..2].to_vec()),
        _ => (dims[..1].to_vec(), dims[1..3].to_vec()),
    };
    Rule::Temporal { target, factors, innermost, outermost }
}

#[test]
fn exact_mapper_equals_exhaustive_enumeration() {
    compare_with_enumeration(Counting::Exact, 4, 220);
    compare_with_enumeration(Counting::Exact, 5, 220);
    compare_with_enumeration(Counting::Timeloop, 4, 220);
}

#[test]
#[ignore = "minutes"]
fn exact_mapper_equals_exhaustive_enumeration_on_more_problems() {
    for seed in 5..13 {
        compare_with_enumeration(Counting::Exact, seed, 300);
        compare_with_enumeration(Counting::Timeloop, seed, 300);
    }
}

/// Strided and dilated by two, the window leaves out every second input. A buffer between that does not keep the inputs would
/// hold them all as one box, the registers inside only those in use: no bound may count on the box.
#[test]
fn inputs_with_gaps_may_pass_by_a_level() {
    let level = |index: usize, size_words: Option<u64>, read: f64, fill: f64, update: f64| Level {
        name: format!("L{index}"),
        size_words,
        block_size: if index == 0 { 1 } else { 2 },
        instances: if index == 2 { 1 } else { 2 },
        mesh_x: if index == 2 { 1 } else { 2 },
        energy: AccessEnergy { read_pj: read, fill_pj: fill, update_pj: update, leak_pj: 0.0 },
        ..Level::default()
    };
    let levels = vec![
        level(0, Some(51), 0.725, 1.457, 0.945),
        level(1, Some(72), 15.09, 7.39, 11.47),
        level(2, None, 159.0, 65.87, 176.58),
    ];
    let arithmetic = Arithmetic {
        name: "mac".into(),
        word_bits: 16,
        instances: 2,
        mesh_x: 2,
        compute_pj: 1.0,
        leak_pj: 0.0,
        area_um2: 0.0,
    };
    let architecture = Architecture { name: "gaps".into(), levels, arithmetic }.checked().unwrap();
    let layer =
        Convolution { groups: 2, r: 3, p: 4, stride: (2, 1), dilation: (2, 1), ..Convolution::default() };
    let model = Model::with_counting(architecture, layer.problem().unwrap(), Counting::Timeloop).unwrap();
    let limits = Constraints::none().compile(model.architecture(), model.problem()).unwrap();
    for goal in [Goal::Energy, Goal::Delay, Goal::Edp] {
        let every = exhaustive(&Mapspace::new(&model, &limits), goal, 100_000).unwrap().best.unwrap();
        let outcome = solve(&model, &limits, goal, None).unwrap();
        assert!(outcome.proof.optimal);
        let (a, b) = (goal.value(&outcome.best.unwrap().cost), goal.value(&every.cost));
        assert!((a / b - 1.0).abs() < 1e-9, "{goal:?}: {a} {b}");
    }
}

/// So many random small problems, three goals each, and some fronts.
fn compare_with_enumeration(counting: Counting, seed: u64, problems: u64) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (mut compared, mut infeasible, mut fronts) = (0, 0, 0);
    while compared < problems {
        let architecture = small_architecture(&mut rng);
        let problem = small_problem(&mut rng);
        let spaces = ["Weights", "Inputs", "Outputs"];
        let mut constraints = Constraints::none();
        let free_bypass = rng.random_bool(0.1);
        for level in &architecture.levels[..architecture.levels.len() - 1] {
            let keep: Vec<&str> = spaces.into_iter().filter(|_| rng.random_bool(0.75)).collect();
            if !free_bypass {
                constraints = constraints.keeping(&level.name, &keep, &spaces);
            }
        }
        let ruled = rng.random_bool(0.3);
        if ruled {
            constraints.rules.push(small_rule(&mut rng, &architecture, &problem));
        }
        let model = Model::with_counting(architecture, problem, counting).unwrap();
        let limits = match constraints.compile(model.architecture(), model.problem()) {
            Ok(limits) => limits,
            // An exact factor that does not divide its bound.
            Err(_) if ruled => continue,
            Err(error) => panic!("{error}"),
        };
        let space = Mapspace::new(&model, &limits);
        let Ok(by_energy) = exhaustive(&space, Goal::Energy, 30_000) else { continue };
        let what = |goal: Goal| {
            format!("{counting:?} {goal:?} {:?} {:?} {:?}", model.architecture(), model.problem(), limits)
        };
        let Some(by_energy) = by_energy.best else {
            assert!(solve(&model, &limits, Goal::Energy, None).unwrap().best.is_none());
            assert!(ruled || explain(&model, &limits).unwrap().is_some());
            infeasible += 1;
            continue;
        };
        assert!(explain(&model, &limits).unwrap().is_none());
        for goal in [Goal::Energy, Goal::Delay, Goal::Edp] {
            let every = match goal {
                Goal::Energy => by_energy,
                _ => exhaustive(&space, goal, 30_000).unwrap().best.unwrap(),
            };
            let outcome = solve(&model, &limits, goal, None).unwrap();
            let best = outcome.best.unwrap_or_else(|| panic!("nothing found: {}", what(goal)));
            assert!(outcome.proof.optimal, "{}", what(goal));
            let (a, b) = (goal.value(&best.cost), goal.value(&every.cost));
            let close = (a - b).abs() <= 1e-9 * b;
            assert!(close, "{a} != {b} ({best:?} {every:?}): {}", what(goal));
        }
        if compared % 10 == 0 {
            let Front { points, complete, .. } = front(&model, &limits, None).unwrap();
            assert!(complete);
            assert!(points.windows(2).all(|w| w[0].cost.cycles < w[1].cost.cycles && w[0].cost.energy_pj > w[1].cost.energy_pj));
            let least = points.iter().map(|s| s.cost.energy_pj).fold(f64::INFINITY, f64::min);
            assert!((least / by_energy.cost.energy_pj - 1.0).abs() < 1e-9);
            fronts += 1;
        }
        compared += 1;
    }
    assert!(infeasible > 0 && fronts > 10, "{infeasible} {fronts}");
}

#[test]
fn searches_are_deterministic_and_random_is_worse() {
    let spec = specification("os64");
    let model = Model::new(spec.architecture.clone(), layer("mobilenetv2_pw_b3")).unwrap();
    let limits = spec.constraints.compile(model.architecture(), model.problem()).unwrap();
    let space = Mapspace::new(&model, &limits);
    let a = evolutionary(&space, Goal::Edp, 500, 7);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    assert_eq!(a, pool.install(|| evolutionary(&space, Goal::Edp, 500, 7)));
    let random = random_pruned(&space, Goal::Edp, 500, 7);
    let patience = Patience { without_progress: 20, ..Patience::default() };
    let impatient = random_until(&space, Goal::Edp, 500, patience, 7);
    assert!((20..500).contains(&impatient.evaluations), "{impatient:?}");
    assert_eq!(random, random_pruned(&space, Goal::Edp, 500, 7));
    assert_eq!(random.evaluations, 500);
    let exact = solve(&model, &limits, Goal::Edp, None).unwrap().best.unwrap();
    assert!(exact.cost.edp() <= a.best.unwrap().cost.edp());
    assert!(exact.cost.edp() <= random.best.unwrap().cost.edp());
}

/// Memories so small that hardly a mapping fits: the one with the smallest tiles does, and searches start from it.
#[test]
fn small_memories_are_mapped_by_every_method() {
    let mut spec = specification("eyeriss168");
    for (level, words) in [(2, 1), (4, 64)] {
        spec.architecture.levels[level].size_words = Some(words);
    }
    let problem = layer("resnet18_l1");
    for mapper in [
        Mapper::Random { evaluations: 20, seed: 0 },
        Mapper::RandomUntil {
            evaluations: 20,
            patience: Patience { invalid: 1000, ..Patience::default() },
            seed: 0,
        },
        Mapper::Evolutionary { evaluations: 200, seed: 0 },
    ] {
        let mapped = map_layer(&spec.architecture, &problem, &spec.constraints, Goal::Edp, mapper).unwrap();
        assert!(mapped.report.violations.is_empty());
    }
}

#[test]
fn an_infeasible_architecture_names_level_space_and_missing_words() {
    let mut spec = specification("os64");
    spec.architecture.levels[0].size_words = Some(2);
    let problem = layer("resnet18_l1");
    for mapper in [Mapper::default(), Mapper::Evolutionary { evaluations: 10, seed: 0 }] {
        match map_layer(&spec.architecture, &problem, &spec.constraints, Goal::Edp, mapper) {
            Err(MapFailure::NoMapping(why)) => {
                assert_eq!(why.level.as_deref(), Some("rf"));
                assert!(why.data_space.is_some());
                assert_eq!(why.missing_words, 1);
                assert!(why.to_string().contains("at least 1 word is missing"), "{why}");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_mapped_layer_replays_to_the_same_numbers() {
    let spec = specification("ws256");
    let problem = layer("mobilenetv2_pw_b3");
    let mapped =
        map_layer(&spec.architecture, &problem, &spec.constraints, Goal::Edp, Mapper::default()).unwrap();
    assert!(mapped.proof.unwrap().optimal);
    let arch = text("examples/ws256/arch.yaml");
    let shape = text("examples/problems/resnet18_l1.yaml").replace(
        "{C: 64, M: 64, R: 3, S: 3, N: 1, P: 56, Q: 56",
        "{C: 24, M: 144, R: 1, S: 1, N: 1, P: 56, Q: 56",
    );
    let again = Specification::from_texts(&[
        ("arch.yaml", &arch),
        ("problem.yaml", &shape),
        ("mapping.yaml", &mapped.mapping.to_yaml()),
    ])
    .unwrap();
    let report = again.model().unwrap().report(&again.mapping.unwrap()).unwrap();
    assert_eq!((report.cycles, report.energy_pj), (mapped.report.cycles, mapped.report.energy_pj));
}
