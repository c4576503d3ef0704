//! Reporting problems from mechanical and process engineering: no constant of an agent was chosen on any of them. Formulas and bounds as in
//! the collections of Gandomi, Yang and Alavi (2013), Kumar et al. (2020, CEC real-world constrained problems) and Tanabe and Ishibuchi (2020,
//! RE suite); where a part comes in whole numbers, so does its parameter.

use std::f64::consts::{PI, SQRT_2};

use super::{Definition, Function, cube, reals};
use crate::Parameter;

/// Golinski's speed reducer (1973): face width, module, teeth of the pinion, lengths and diameters of the shafts. Weight, then the
/// stress of the first shaft, then the constraints without that stress.
#[expect(clippy::approx_constant, reason = "as published, pi is rounded")]
fn reducer(x: &[f64]) -> (f64, f64, Vec<f64>) {
    let (b, m, z, l1, l2, d1, d2) = (x[0], x[1], x[2], x[3], x[4], x[5], x[6]);
    let weight = 0.7854 * b * m * m * (3.3333 * z * z + 14.9334 * z - 43.0934)
        - 1.508 * b * (d1 * d1 + d2 * d2)
        + 7.4777 * (d1.powi(3) + d2.powi(3))
        + 0.7854 * (l1 * d1 * d1 + l2 * d2 * d2);
    let stress =
        |l: f64, d: f64, torque: f64| ((745.0 * l / (m * z)).powi(2) + torque).sqrt() / (0.1 * d.powi(3));
    let constraints = vec![
        27.0 / (b * m * m * z) - 1.0,
        397.5 / (b * m * m * z * z) - 1.0,
        1.93 * l1.powi(3) / (m * z * d1.powi(4)) - 1.0,
        1.93 * l2.powi(3) / (m * z * d2.powi(4)) - 1.0,
        stress(l2, d2, 157.5e6) / 850.0 - 1.0,
        m * z / 40.0 - 1.0,
        5.0 * m / b - 1.0,
        b / (12.0 * m) - 1.0,
        (1.5 * d1 + 1.9) / l1 - 1.0,
        (1.1 * d2 + 1.9) / l2 - 1.0,
    ];
    (weight, stress(l1, d1, 16.9e6), constraints)
}

fn reducer_parameters(_: usize) -> Vec<Parameter> {
    vec![
        Parameter::real("face_width", 2.6, 3.6).unit("cm"),
        Parameter::real("module", 0.7, 0.8).unit("cm"),
        Parameter::integer("teeth", 17, 28),
        Parameter::real("length1", 7.3, 8.3).unit("cm"),
        Parameter::real("length2", 7.3, 8.3).unit("cm"),
        Parameter::real("diameter1", 2.9, 3.9).unit("cm"),
        Parameter::real("diameter2", 5.0, 5.5).unit("cm"),
    ]
}

/// Tubular column of Rao (1996): mean diameter and thickness in centimetres, cost.
fn column(x: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let (d, t) = (x[0], x[1]);
    let (load, yielding, modulus, length) = (2500.0, 500.0, 0.85e6, 250.0);
    let buckling = 8.0 * load * length * length / (PI.powi(3) * modulus * d * t * (d * d + t * t));
    (vec![9.8 * d * t + 2.0 * d], vec![load / (PI * d * t * yielding) - 1.0, buckling - 1.0])
}

/// Himmelblau's process of five variables (1972), G04 of the CEC collections.
fn himmelblau(x: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let (a, b, c, d, e) = (x[0], x[1], x[2], x[3], x[4]);
    let f = 5.357_854_7 * c * c + 0.835_689_1 * a * e + 37.293_239 * a - 40_792.141;
    let u = 85.334_407 + 0.005_685_8 * b * e + 0.000_626_2 * a * d - 0.002_205_3 * c * e;
    let v = 80.512_49 + 0.007_131_7 * b * e + 0.002_995_5 * a * b + 0.002_181_3 * c * c;
    let w = 9.300_961 + 0.004_702_6 * c * e + 0.001_254_7 * a * c + 0.001_908_5 * c * d;
    (vec![f], vec![-u, u - 92.0, 90.0 - v, v - 110.0, 20.0 - w, w - 25.0])
}

/// Cantilever of five hollow squares (Fleury and Braibant 1986): heights, weight.
fn hollow(x: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let bending: f64 = [61.0, 37.0, 19.0, 7.0, 1.0].iter().zip(x).map(|(k, h)| k / h.powi(3)).sum();
    (vec![0.0624 * x.iter().sum::<f64>()], vec![bending - 1.0])
}

/// Corrugated bulkheads of a tanker (Kvalie, Moe and Gisvold 1967): width, depth, length, plate thickness; weight.
fn bulkhead(x: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let (w, d, l, t) = (x[0], x[1], x[2], x[3]);
    let span = w + (l * l - d * d).abs().sqrt();
    let f = 5.885 * t * (w + l) / span;
    let g = vec![
        8.94 * span - t * d * (0.4 * w + l / 6.0),
        2.2 * (8.94 * span).powf(4.0 / 3.0) - t * d * d * (0.2 * w + l / 12.0),
        0.0156 * w + 0.15 - t,
        0.0156 * l + 0.15 - t,
        1.05 - t,
        d - l,
    ];
    (vec![f], g)
}

/// Heat exchangers in a row (Avriel and Williams 1971), G10 of the CEC collections: areas, then temperatures.
fn exchanger(x: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let g = vec![
        0.0025 * (x[3] + x[5]) - 1.0,
        0.0025 * (x[4] + x[6] - x[3]) - 1.0,
        0.01 * (x[7] - x[4]) - 1.0,
        833.332_52 * x[3] + 100.0 * x[0] - x[0] * x[5] - 83_333.333,
        1250.0 * x[4] + x[1] * x[3] - x[1] * x[6] - 1250.0 * x[3],
        x[2] * x[4] - 2500.0 * x[4] - x[2] * x[7] + 1.25e6,
    ];
    (vec![x[0] + x[1] + x[2]], g)
}

/// Deflection of an I beam (Gold and Krishnamurty 1997): height, flange width, web and flange thickness.
fn beam(x: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let (h, b, web, flange) = (x[0], x[1], x[2], x[3]);
    let inner = h - 2.0 * flange;
    let inertia = web * inner.powi(3) / 12.0
        + b * flange.powi(3) / 6.0
        + 2.0 * b * flange * ((h - flange) / 2.0).powi(2);
    let upright = web * inner.powi(3) + 2.0 * b * flange * (4.0 * flange * flange + 3.0 * h * inner);
    let sideways = inner * web.powi(3) + 2.0 * flange * b.powi(3);
    let g =
        vec![2.0 * b * flange + web * inner - 300.0, 180_000.0 * h / upright + 15_000.0 * b / sideways - 6.0];
    (vec![5000.0 / inertia], g)
}

/// Hartmann's function of six variables (1973).
fn hartmann(x: &[f64]) -> (Vec<f64>, Vec<f64>) {
    const WEIGHT: [f64; 4] = [1.0, 1.2, 3.0, 3.2];
    const SCALE: [[f64; 6]; 4] = [
        [10.0, 3.0, 17.0, 3.5, 1.7, 8.0],
        [0.05, 10.0, 17.0, 0.1, 8.0, 14.0],
        [3.0, 3.5, 1.7, 10.0, 17.0, 8.0],
        [17.0, 8.0, 0.05, 10.0, 0.1, 14.0],
    ];
    const CENTRE: [[f64; 6]; 4] = [
        [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
        [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
        [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650],
        [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
    ];
    let well = |k: usize| {
        let distance: f64 = (0..6).map(|i| SCALE[k][i] * (x[i] - CENTRE[k][i]).powi(2)).sum();
        WEIGHT[k] * (-distance).exp()
    };
    (vec![-(0..4).map(well).sum::<f64>()], vec![])
}

/// Truss of four bars (Cheng and Li 1999; RE2-4-1): volume and displacement by the bars' sections.
fn four_bars(x: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let volume = 200.0 * (2.0 * x[0] + SQRT_2 * x[1] + x[2].sqrt() + x[3]);
    let displacement = 0.01 * (2.0 / x[0] + 2.0 * SQRT_2 / x[1] - 2.0 * SQRT_2 / x[2] + 2.0 / x[3]);
    (vec![volume, displacement], vec![])
}

/// Disc brake of Osyczka and Kundu (1995; RE3-4-3): radii, force, number of friction surfaces; mass and stopping time.
#[expect(clippy::approx_constant, reason = "as published, pi is rounded")]
fn brake(x: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let (inner, outer, force, surfaces) = (x[0], x[1], x[2], x[3]);
    let (ring, cubes) = (outer * outer - inner * inner, outer.powi(3) - inner.powi(3));
    let mass = 4.9e-5 * ring * (surfaces - 1.0);
    let time = 9.82e6 * ring / (force * surfaces * cubes);
    let g = vec![
        inner - outer + 20.0,
        2.5 * (surfaces + 1.0) - 30.0,
        force / (3.14 * ring) - 0.4,
        2.22e-3 * force * cubes / (ring * ring) - 1.0,
        900.0 - 0.0266 * force * surfaces * cubes / ring,
    ];
    (vec![mass, time], g)
}

/// Gear train of Deb and Srinivasan (2006; RE3-4-6): error of the ratio, and the largest wheel.
fn gears(x: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let error = (6.931 - x[2] * x[3] / (x[0] * x[1])).abs();
    (vec![error, x.iter().copied().fold(0.0, f64::max)], vec![error / 6.931 - 0.5])
}

pub(super) fn definitions() -> Vec<Definition> {
    let base = |name, summary, dimensions, constraints, function: Function| {
        Definition::new(name, summary, |n| cube(n, 0.0, 1.0), dimensions, constraints, function)
    };
    vec![
        Definition {
            parameters: reducer_parameters,
            best_known: |_| Some(2994.4245),
            ..base("speed-reducer", "weight of a speed reducer with whole teeth", 7, 11, |x| {
                let (weight, stress, mut g) = reducer(x);
                g.push(stress / 1100.0 - 1.0);
                (vec![weight], g)
            })
        },
        Definition {
            parameters: |_| reals(&[("diameter", 2.0, 14.0), ("thickness", 0.2, 0.8)]),
            best_known: |_| Some(26.4995),
            ..base("tubular-column", "cost of a column under load", 2, 2, column)
        },
        Definition {
            parameters: |_| {
                reals(&[
                    ("x1", 78.0, 102.0),
                    ("x2", 33.0, 45.0),
                    ("x3", 27.0, 45.0),
                    ("x4", 27.0, 45.0),
                    ("x5", 27.0, 45.0),
                ])
            },
            best_known: |_| Some(-30_665.539),
            ..base("himmelblau", "Himmelblau's process of five variables", 5, 6, himmelblau)
        },
        Definition {
            parameters: |n| (1..=n).map(|i| Parameter::real(&format!("height{i}"), 0.01, 100.0)).collect(),
            best_known: |_| Some(1.339_96),
            ..base("hollow-cantilever", "weight of a cantilever of hollow squares", 5, 1, hollow)
        },
        Definition {
            parameters: |_| {
                reals(&[
                    ("width", 0.0, 100.0),
                    ("depth", 0.0, 100.0),
                    ("length", 0.0, 100.0),
                    ("thickness", 0.0, 5.0),
                ])
            },
            best_known: |_| Some(6.842_96),
            ..base("corrugated-bulkhead", "weight of a tanker's bulkhead", 4, 6, bulkhead)
        },
        Definition {
            parameters: |_| {
                let mut all = reals(&[("area1", 100.0, 10_000.0), ("area2", 1000.0, 10_000.0)]);
                all.push(Parameter::real("area3", 1000.0, 10_000.0));
                all.extend((1..=5).map(|i| Parameter::real(&format!("temperature{i}"), 10.0, 1000.0)));
                all
            },
            best_known: |_| Some(7049.248),
            ..base("heat-exchangers", "area of three heat exchangers", 8, 6, exchanger)
        },
        Definition {
            parameters: |_| {
                reals(&[
                    ("height", 10.0, 80.0),
                    ("width", 10.0, 50.0),
                    ("web", 0.9, 5.0),
                    ("flange", 0.9, 5.0),
                ])
            },
            best_known: |_| Some(0.013_074),
            ..base("i-beam", "deflection of an I beam", 4, 2, beam)
        },
        Definition {
            best_known: |_| Some(-3.322_37),
            ..base("hartmann", "Hartmann's function of six variables", 6, 0, hartmann)
        },
        Definition {
            parameters: |_| {
                reals(&[("x1", 1.0, 3.0), ("x2", SQRT_2, 3.0), ("x3", SQRT_2, 3.0), ("x4", 1.0, 3.0)])
            },
            goals: 2,
            reference: &[3000.0, 0.04],
            ..base("four-bar-truss", "volume and displacement of a truss", 4, 0, four_bars)
        },
        Definition {
            parameters: |_| {
                let mut all =
                    reals(&[("inner", 55.0, 80.0), ("outer", 75.0, 110.0), ("force", 1000.0, 3000.0)]);
                all.push(Parameter::integer("surfaces", 2, 20));
                all
            },
            goals: 2,
            reference: &[5.0, 25.0],
            ..base("disc-brake", "mass and stopping time of a disc brake", 4, 5, brake)
        },
        Definition {
            parameters: |n| (1..=n).map(|i| Parameter::integer(&format!("teeth{i}"), 12, 60)).collect(),
            goals: 2,
            reference: &[3.5, 60.0],
            ..base("gear-train", "error and largest wheel of a gear train", 4, 1, gears)
        },
        Definition {
            parameters: reducer_parameters,
            goals: 2,
            reference: &[6500.0, 1500.0],
            ..base("speed-reducer-pareto", "weight and stress of a speed reducer", 7, 10, |x| {
                let (weight, stress, g) = reducer(x);
                (vec![weight, stress], g)
            })
        },
    ]
}
