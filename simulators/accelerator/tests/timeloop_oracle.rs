//! Exact counts of the loop-nest model against hardware in which every buffer is a set of words.
#[path = "oracle/nest.rs"]
mod oracle;

use hwgym_accelerator::timeloop::{
    AccessEnergy, Architecture, Arithmetic, Counting, Detail, Level, Model, Nest,
};
use hwgym_accelerator::workload::{Convolution, DataSpace, Problem, Term};
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

/// Levels without limits on capacity and mesh.
fn architecture(levels: usize) -> Architecture {
    let level = |index: usize| Level {
        name: format!("level{index}"),
        instances: 1 << (10 * (levels - 1 - index)),
        energy: AccessEnergy { read_pj: 2.0, fill_pj: 3.0, update_pj: 5.0, leak_pj: 0.0 },
        ..Level::default()
    };
    let arithmetic = Arithmetic {
        name: "mac".into(),
        word_bits: 16,
        instances: 1 << (10 * levels),
        mesh_x: 1,
        compute_pj: 1.0,
        leak_pj: 0.0,
        area_um2: 0.0,
    };
    let name = "tower".into();
    Architecture { name, levels: (0..levels).map(level).collect(), arithmetic }.checked().unwrap()
}

fn term(dim: usize, coefficient: u64) -> Term {
    Term { dim, coefficient }
}

/// A convolution of some kind, or an einsum with windows of three dimensions or a sliding output.
fn random_problem(rng: &mut ChaCha8Rng) -> Problem {
    let small = |rng: &mut ChaCha8Rng| [1, 1, 2, 3, 4][rng.random_range(0..5usize)];
    let window = |rng: &mut ChaCha8Rng| [1, 2, 3, 4, 5, 6][rng.random_range(0..6usize)];
    let step = |rng: &mut ChaCha8Rng| [1, 1, 2, 2, 3, 4][rng.random_range(0..6usize)];
    if rng.random_bool(0.12) {
        let dims = ["X", "Y", "Z", "K"].map(String::from).to_vec();
        let three = vec![term(0, step(rng)), term(1, step(rng)), term(2, step(rng))];
        let two = vec![term(0, step(rng)), term(1, step(rng))];
        let output = if rng.random_bool(0.5) { two.clone() } else { vec![term(0, 1)] };
        let space = |name: &str, ranks, read_write| DataSpace { name: name.into(), ranks, read_write };
        return Problem {
            name: "einsum".into(),
            dims,
            bounds: vec![window(rng), window(rng), small(rng), small(rng)],
            spaces: vec![
                space("A", vec![three, vec![term(3, 1)]], false),
                space("B", vec![two, vec![term(2, 3)]], false),
                space("Z", vec![output, vec![term(2, 1)]], true),
            ],
        }
        .checked()
        .unwrap();
    }
    let depthwise = rng.random_bool(0.2);
    // Two sliding axes are small, one may be larger.
    let (p, r) = (window(rng), window(rng));
    let two = p * r <= 9 && rng.random_bool(0.6);
    Convolution {
        c: if depthwise { 1 } else { small(rng) },
        m: small(rng),
        n: if rng.random_bool(0.1) { 2 } else { 1 },
        r,
        p: if two { p } else { p * [1, 1, 2][rng.random_range(0..3usize)] },
        s: if two { small(rng).min(3) } else { 1 },
        q: if two { small(rng) } else { 1 },
        stride: (step(rng), step(rng)),
        dilation: (step(rng), step(rng)),
        groups: if rng.random_bool(0.1) { 2 } else { 1 },
        depthwise,
        ..Convolution::default()
    }
    .problem()
    .unwrap()
}

fn random_nest(rng: &mut ChaCha8Rng, problem: &Problem, levels: usize) -> Nest {
    let mut nest = Nest::unit();
    let spatial = rng.random_bool(0.6);
    for (dim, &bound) in problem.bounds.iter().enumerate() {
        let mut left = bound;
        for prime in [2, 3, 5, 7] {
            while left % prime == 0 {
                left /= prime;
                let level = rng.random_range(0..levels);
                let block =
                    if spatial && rng.random_bool(0.3) { &mut nest.spatial } else { &mut nest.temporal };
                block[level][dim] *= prime as u32;
            }
        }
    }
    let dims = problem.dims.len();
    for level in 0..levels {
        nest.order[level][..dims].shuffle(rng);
        nest.keep[level] = 0;
        for v in 0..problem.spaces.len() {
            let keeps = level + 1 == levels || rng.random_bool(0.75);
            nest.keep[level] |= u8::from(keeps) << v;
        }
    }
    nest
}

fn compare(problem: &Problem, nest: &Nest, levels: usize) {
    let counts = oracle::run(problem, nest, levels);
    let model = Model::new(architecture(levels), problem.clone()).unwrap();
    let mut detail = Detail::default();
    let cost = model.cost(nest, &mut detail);
    let mut energy = problem.macs() as f64;
    for level in 0..levels {
        for v in 0..problem.spaces.len() {
            if nest.keep[level] >> v & 1 == 0 {
                continue;
            }
            let all = detail.instances[level];
            let got = [detail.reads, detail.fills, detail.updates].map(|table| table[level][v] * all);
            let expected = [&counts.reads, &counts.fills, &counts.updates].map(|table| table[level][v]);
            let space = &problem.spaces[v].name;
            assert_eq!(got, expected, "level {level}, {space}: {problem:?} {nest:?}");
            assert_eq!(
                detail.tile[level][v], counts.tile[level][v],
                "tile of level {level}, {space}: {problem:?} {nest:?}"
            );
            let prices = [2.0, 3.0, 5.0];
            energy += expected.iter().zip(prices).map(|(&words, price)| words as f64 * price).sum::<f64>();
        }
    }
    assert!((cost.energy_pj - energy).abs() < 1e-9 * energy, "{} {energy}", cost.energy_pj);
}

/// 24,000 cases: strided, dilated, depthwise and grouped convolutions and other einsums, one to four levels, any bypass.
#[test]
fn counts_equal_those_of_hardware_that_holds_sets_of_words() {
    (0..24_000u64).into_par_iter().for_each(|seed| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut problem = random_problem(&mut rng);
        while problem.macs() > 500 {
            problem = random_problem(&mut rng);
        }
        let levels = rng.random_range(1..5);
        let nest = random_nest(&mut rng, &problem, levels);
        compare(&problem, &nest, levels);
    });
}

/// A buffer of the sizes that follow from `inner`, and Main with all other loops in the order given, innermost first.
fn two_levels(layer: &Convolution, inner: &[(usize, u32)], order: [u8; 7]) -> ([u64; 2], Nest, Problem) {
    let problem = layer.problem().unwrap();
    let mut nest = Nest::unit();
    for &(dim, factor) in inner {
        nest.temporal[0][dim] = factor;
    }
    for dim in 0..7 {
        nest.temporal[1][dim] = problem.bounds[dim] as u32 / nest.temporal[0][dim];
    }
    nest.order[1][..7].copy_from_slice(&order);
    let reads = |counting| {
        let model = Model::with_counting(architecture(2), problem.clone(), counting).unwrap();
        let mut detail = Detail::default();
        model.cost(&nest, &mut detail);
        detail.reads[1][1]
    };
    ([reads(Counting::Exact), reads(Counting::Timeloop)], nest, problem)
}

const R: u8 = 2;
const P: u8 = 5;

/// The window goes back by two words at every end of the inner loop, or on by one less than it came.
#[test]
fn a_convolution_of_one_dimension_reads_every_word_it_moves_to() {
    let layer = Convolution { r: 3, p: 16, ..Convolution::default() };
    for (order, timeloop) in [([R, P, 0, 1, 3, 4, 6], 33), ([P, R, 0, 1, 3, 4, 6], 46)] {
        let (reads, nest, problem) = two_levels(&layer, &[], order);
        assert_eq!(reads, [48, timeloop]);
        assert_eq!(oracle::run(&problem, &nest, 2).reads[1][1], 48);
    }
}

/// Windows with gaps: as traffic and as the room that they take.
#[test]
fn words_that_no_iteration_touches_are_not_counted() {
    let strided = Convolution { c: 4, p: 16, stride: (4, 1), ..Convolution::default() };
    let dilated = Convolution { c: 3, r: 3, p: 2, dilation: (4, 1), ..Convolution::default() };
    for (layer, words, boxes) in [(&strided, 64, 244), (&dilated, 18, 30)] {
        let inner = [(0, layer.c as u32), (2, layer.r as u32), (5, layer.p as u32)];
        let (reads, nest, problem) = two_levels(layer, &inner, [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(reads, [words, boxes]);
        for (counting, needed) in [(Counting::Exact, words), (Counting::Timeloop, boxes)] {
            for (missing, fits) in [(0, true), (1, false)] {
                let mut tight = architecture(2);
                let others = layer.c * layer.r + layer.p;
                tight.levels[0].size_words = Some(needed + others - missing);
                let model = Model::with_counting(tight, problem.clone(), counting).unwrap();
                assert_eq!(model.fits(&nest).is_ok(), fits, "{counting:?} {missing}");
            }
        }
    }
}
