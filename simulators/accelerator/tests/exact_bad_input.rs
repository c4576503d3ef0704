//! What the exact mapper says of problems and architectures at the edge: no mapping, primes, single dimensions, no capacity,
//! contradictions.
use hwgym_accelerator::Error;
use hwgym_accelerator::mapper::exact::{explain, solve};
use hwgym_accelerator::mapper::{Goal, MapFailure, Mapper, NoMapping, map_layer};
use hwgym_accelerator::timeloop::constraints::{Factor, Rule};
use hwgym_accelerator::timeloop::{
    AccessEnergy, Architecture, Arithmetic, Constraints, Counting, Level, Model,
};
use hwgym_accelerator::workload::{Convolution, DataSpace, Problem, Term};

/// DRAM, a buffer and 2 x 2 units.
fn architecture(words: u64) -> Result<Architecture, Error> {
    let energy = |pj| AccessEnergy { read_pj: pj, fill_pj: pj, update_pj: pj, leak_pj: 0.0 };
    let buffer =
        Level { name: "buffer".into(), size_words: Some(words), energy: energy(2.0), ..Level::default() };
    let dram = Level { name: "DRAM".into(), energy: energy(100.0), ..Level::default() };
    let arithmetic = Arithmetic {
        name: "mac".into(),
        word_bits: 16,
        instances: 4,
        mesh_x: 2,
        compute_pj: 1.0,
        leak_pj: 0.0,
        area_um2: 0.0,
    };
    Architecture { name: "small".into(), levels: vec![buffer, dram], arithmetic }.checked()
}

const SPACES: [&str; 3] = ["Weights", "Inputs", "Outputs"];

fn everything_kept() -> Constraints {
    Constraints::none().keeping("buffer", &SPACES, &SPACES)
}

fn failure(words: u64, problem: &Problem, constraints: &Constraints) -> MapFailure {
    map_layer(&architecture(words).unwrap(), problem, constraints, Goal::Edp, Mapper::default()).unwrap_err()
}

fn no_mapping(words: u64, problem: &Problem, constraints: &Constraints) -> NoMapping {
    match failure(words, problem, constraints) {
        MapFailure::NoMapping(why) => why,
        other => panic!("{other}"),
    }
}

fn temporal(target: &str, factors: &[(&str, Factor)]) -> Rule {
    Rule::Temporal {
        target: target.into(),
        factors: factors.iter().map(|(dim, factor)| (dim.to_string(), *factor)).collect(),
        innermost: Vec::new(),
        outermost: Vec::new(),
    }
}

#[test]
fn a_buffer_too_small_by_two_words_says_so() {
    let problem = Convolution::gemm("product", 8, 8, 8).problem().unwrap();
    let why = no_mapping(1, &problem, &everything_kept());
    assert_eq!((why.level.as_deref(), why.missing_words), (Some("buffer"), 2));
    assert!(SPACES.contains(&why.data_space.as_deref().unwrap()));
    assert!(why.to_string().contains("buffer has 1 words, the smallest tiles it must keep have 3"), "{why}");
    // With the bypass open there is always a mapping.
    assert!(
        map_layer(&architecture(1).unwrap(), &problem, &Constraints::none(), Goal::Edp, Mapper::default())
            .is_ok()
    );
}

#[test]
fn large_primes_are_mapped_whole_and_do_not_fit_a_mesh() {
    let problem = Convolution::gemm("product", 1_000_003, 7, 1).problem().unwrap();
    let model = Model::new(architecture(64).unwrap(), problem.clone()).unwrap();
    let limits = everything_kept().compile(model.architecture(), model.problem()).unwrap();
    let outcome = solve(&model, &limits, Goal::Energy, None).unwrap();
    assert!(outcome.proof.optimal && outcome.best.is_some());
    // The prime may not be in DRAM, and the buffer is too small for it.
    let mut constraints = everything_kept();
    let dim = problem.dims[problem.bounds.iter().position(|&b| b == 1_000_003).unwrap()].clone();
    constraints.rules.push(temporal("DRAM", &[(&dim, Factor::AtMost(1000))]));
    let why = no_mapping(64, &problem, &constraints);
    assert_eq!((why.level.as_deref(), why.missing_words > 900_000), (Some("buffer"), true), "{why}");
    constraints.rules.push(temporal("buffer", &[(&dim, Factor::AtMost(1000))]));
    let why = no_mapping(64, &problem, &constraints);
    assert!(
        why.to_string().contains(&format!("dimension {dim}")) && why.to_string().contains("1000003"),
        "{why}"
    );
}

#[test]
fn too_many_tiles_are_refused_with_a_remedy() {
    let layer = Convolution { c: 5040, m: 5040, p: 5040, q: 5040, ..Default::default() };
    match failure(1 << 20, &layer.problem().unwrap(), &everything_kept()) {
        MapFailure::Invalid(error) => {
            let text = error.to_string();
            assert!(text.contains("tiles") && text.contains("sampling mapper"), "{text}");
        }
        other => panic!("{other}"),
    }
}

#[test]
fn one_dimension_is_a_problem_like_any_other() {
    let over = |name: &str, read_write: bool| DataSpace {
        name: name.into(),
        ranks: vec![vec![Term { dim: 0, coefficient: 1 }]],
        read_write,
    };
    for bound in [1, 2, 97, 3600] {
        let problem = Problem {
            name: "elementwise".into(),
            dims: vec!["C".into()],
            bounds: vec![bound],
            spaces: vec![over("Weights", false), over("Inputs", false), over("Outputs", true)],
        };
        let mapped =
            map_layer(&architecture(6).unwrap(), &problem, &everything_kept(), Goal::Edp, Mapper::default());
        let mapped = mapped.unwrap();
        assert!(mapped.proof.unwrap().optimal);
        assert!(mapped.cost.cycles >= bound / 4);
    }
}

#[test]
fn no_capacity_is_an_error_of_the_architecture() {
    let text = architecture(0).unwrap_err().to_string();
    assert!(
        text.contains("\"buffer\" has no capacity (0 words)") && text.contains("remove the level"),
        "{text}"
    );
}

#[test]
fn constraints_that_contradict_each_other_are_named() {
    let problem = Convolution::gemm("product", 8, 8, 8).problem().unwrap();
    let mut both = everything_kept();
    both.rules.push(Rule::Keep { target: "buffer".into(), keep: vec![], bypass: vec!["Weights".into()] });
    assert!(failure(64, &problem, &both).to_string().contains("must both keep and bypass Weights"));
    let mut factors = everything_kept();
    factors.rules.push(temporal("buffer", &[("C", Factor::AtLeast(4))]));
    factors.rules.push(temporal("buffer", &[("C", Factor::AtMost(2))]));
    assert!(failure(64, &problem, &factors).to_string().contains("at least 4 and at most 2"));
    // Each factor divides, together they do not.
    let mut product = everything_kept();
    product.rules.push(temporal("buffer", &[("C", Factor::Exactly(4))]));
    product.rules.push(temporal("DRAM", &[("C", Factor::Exactly(4))]));
    let why = failure(4096, &problem, &product).to_string();
    assert!(why.contains("dimension C") && why.contains("8"), "{why}");
}

#[test]
fn several_sliding_spaces_and_link_transfers_are_refused() {
    let sliding = |name: &str, read_write: bool| DataSpace {
        name: name.into(),
        ranks: vec![vec![Term { dim: 0, coefficient: 1 }, Term { dim: 1, coefficient: 1 }]],
        read_write,
    };
    let problem = Problem {
        name: "two windows".into(),
        dims: vec!["R".into(), "P".into()],
        bounds: vec![3, 4],
        spaces: vec![sliding("Weights", false), sliding("Inputs", false), sliding("Outputs", true)],
    };
    let text = failure(64, &problem, &everything_kept()).to_string();
    assert!(text.contains("one sliding input at most"), "{text}");
    let product = Convolution::gemm("product", 8, 8, 8).problem().unwrap();
    let model = Model::new(architecture(64).unwrap(), product).unwrap();
    let error = model.clone().with_link_transfers(true).unwrap_err().to_string();
    assert!(error.contains("counting: timeloop"), "{error}");
    let model = model.counted(Counting::Timeloop).unwrap().with_link_transfers(true).unwrap();
    let limits = everything_kept().compile(model.architecture(), model.problem()).unwrap();
    assert!(explain(&model, &limits).unwrap_err().to_string().contains("link transfers"));
}
