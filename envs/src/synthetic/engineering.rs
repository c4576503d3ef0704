//! Constrained engineering problems, as collected in many optimisation papers; bounds as in the BO engineering benchmark of Yuan et al.

use std::f64::consts::{E, PI, SQRT_2};

use super::{Definition, cube, reals};
use crate::Parameter;

/// Ackley's function (1987).
pub(super) fn ackley(x: &[f64]) -> f64 {
    let n = x.len() as f64;
    let squares: f64 = x.iter().map(|t| t * t).sum();
    let cosines: f64 = x.iter().map(|t| (2.0 * PI * t).cos()).sum();
    -20.0 * (-0.2 * (squares / n).sqrt()).exp() - (cosines / n).exp() + 20.0 + E
}

/// Pressure vessel of Kannan and Kramer (1994): thicknesses, radius and length in inches, cost in dollars.
pub(super) fn vessel(x: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let (ts, th, r, l) = (x[0], x[1], x[2], x[3]);
    let cost = 0.6224 * ts * r * l + 1.7781 * th * r * r + 3.1661 * ts * ts * l + 19.84 * ts * ts * r;
    let volume = PI * r * r * l + 4.0 / 3.0 * PI * r * r * r;
    (vec![cost], vec![0.0193 * r - ts, 0.00954 * r - th, 750.0 * 1728.0 - volume, l - 240.0])
}

/// Stepped cantilever of five segments: widths, then heights, in centimetres; volume under stress, deflection and aspect limits.
fn cantilever(x: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let (b, h) = x.split_at(5);
    let (load, modulus, length) = (50_000.0, 2e7, 100.0);
    let volume = length * b.iter().zip(h).map(|(b, h)| b * h).sum::<f64>();
    let mut g: Vec<f64> = (0..5)
        .map(|k| 6.0 * load * length * (k as f64 + 1.0) / (b[4 - k] * h[4 - k] * h[4 - k]) - 14_000.0)
        .collect();
    let inertia = |k: usize| b[k] * h[k].powi(3) / 12.0;
    let flexibility =
        1.0 / inertia(4) + 7.0 / inertia(3) + 19.0 / inertia(2) + 37.0 / inertia(1) + 61.0 / inertia(0);
    g.push(load * length.powi(3) / (3.0 * modulus) * flexibility - 2.7);
    g.extend((0..5).map(|k| h[4 - k] / b[4 - k] - 20.0));
    (vec![volume], g)
}

/// Tension spring of Belegundu (1982): wire diameter, coil diameter, number of active coils.
fn spring(x: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let (d, c, n) = (x[0], x[1], x[2]);
    let g = vec![
        1.0 - c.powi(3) * n / (71_785.0 * d.powi(4)),
        (4.0 * c * c - c * d) / (12_566.0 * (c * d.powi(3) - d.powi(4))) + 1.0 / (5108.0 * d * d) - 1.0,
        1.0 - 140.45 * d / (c * c * n),
        (c + d) / 1.5 - 1.0,
    ];
    (vec![(n + 2.0) * c * d * d], g)
}

/// Reinforced concrete beam of Amir and Hasegawa (1989), steel area continuous.
fn concrete(x: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let (steel, h, b) = (x[0], x[1], x[2]);
    let aspect = if b > 1e-9 { h / b - 4.0 } else { 1e9 };
    let strength = 180.0 + 7.35 * steel * steel / b.max(1e-9) - steel * h;
    (vec![29.4 * steel + 0.6 * b * h], vec![aspect, strength])
}

/// Three-bar truss of Ray and Saini (2001).
fn truss(x: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let (a, b) = (x[0].max(1e-5), x[1].max(1e-5));
    let below = SQRT_2 * a * a + 2.0 * a * b;
    let g =
        vec![(SQRT_2 * a + b) / below * 2.0 - 2.0, b / below * 2.0 - 2.0, 1.0 / (a + SQRT_2 * b) * 2.0 - 2.0];
    (vec![(2.0 * SQRT_2 * a + b) * 100.0], g)
}

/// Welded beam of Ragsdell and Phillips (1976): weld height and length, beam height and width, in inches.
fn welded(x: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let (h, l, t, b) = (x[0], x[1], x[2], x[3]);
    let primary = 6000.0 / (SQRT_2 * h * l);
    let radius = (0.25 * (l * l + (h + t).powi(2))).sqrt();
    let secondary = 6000.0 * (14.0 + 0.5 * l) * radius
        / (2.0 * (0.707 * h * l * (l * l / 12.0 + 0.25 * (h + t).powi(2))));
    let shear = (primary * primary + secondary * secondary + l * primary * secondary / radius).sqrt();
    let g = vec![
        shear - 13_600.0,
        504_000.0 / (t * t * b) - 30_000.0,
        h - b,
        6000.0 - 64_746.0 * (1.0 - 0.028_234_6 * t) * t * b.powi(3),
        2.1952 / (t.powi(3) * b) - 0.25,
    ];
    (vec![1.104_71 * h * h * l + 0.048_11 * t * b * (14.0 + l)], g)
}

pub(super) fn definitions() -> Vec<Definition> {
    let base = |name, summary, dimensions, constraints| {
        Definition::new(name, summary, |n| cube(n, 0.0, 1.0), dimensions, constraints, spring)
    };
    vec![
        Definition {
            parameters: |n| cube(n, -5.0, 10.0),
            dimensions: (10, 1, 200),
            function: |x| {
                let norm = x.iter().map(|t| t * t).sum::<f64>().sqrt();
                (vec![ackley(x)], vec![x.iter().sum(), norm - 5.0])
            },
            best_known: |_| Some(0.0),
            ..base("ackley", "Ackley's function in a half ball", 10, 2)
        },
        Definition {
            parameters: |_| {
                let mut all: Vec<_> =
                    (1..=5).map(|i| Parameter::real(&format!("width{i}"), 1.0, 5.0)).collect();
                all.extend((1..=5).map(|i| Parameter::real(&format!("height{i}"), 30.0, 65.0)));
                all
            },
            function: cantilever,
            ..base("cantilever-beam", "volume of a stepped cantilever", 10, 11)
        },
        Definition {
            parameters: |_| {
                reals(&[("wire_diameter", 0.05, 1.0), ("coil_diameter", 0.25, 1.3), ("coils", 2.0, 15.0)])
            },
            function: spring,
            best_known: |_| Some(0.012_665),
            ..base("compression-spring", "weight of a coil spring", 3, 4)
        },
        Definition {
            parameters: |n| cube(n, 0.0, 6.0),
            function: |x| {
                let f = (2.0 * x[0]).cos() * x[1].cos() + x[0].sin();
                (vec![f], vec![x[0].cos() * x[1].cos() - x[0].sin() * x[1].sin() - 0.5])
            },
            best_known: |_| Some(-2.0),
            ..base("gardner-1", "first toy problem of Gardner et al. (2014)", 2, 1)
        },
        Definition {
            parameters: |n| cube(n, 0.0, 6.0),
            function: |x| (vec![x[0].sin() + x[1]], vec![x[0].sin() * x[1].sin() + 0.95]),
            best_known: |_| Some(0.253_2),
            ..base("gardner-2", "second toy problem of Gardner et al. (2014)", 2, 1)
        },
        Definition {
            function: |x| (vec![(x[0] - 0.5).powi(2) + (x[1] - 0.5).powi(2)], vec![x[0] + x[1] - 0.75]),
            best_known: |_| Some(0.031_25),
            ..base("disc-and-line", "a paraboloid cut by a line", 2, 1)
        },
        Definition {
            parameters: |_| reals(&[("x1", -5.0, 0.0), ("x2", -5.0, 5.0)]),
            function: |x| {
                let f = (2.0 * x[0]).cos() * x[1].cos() + x[0].sin();
                (vec![f], vec![(x[0] + 5.0).powi(2) / 4.0 + x[1] * x[1] / 100.0 - 2.5])
            },
            best_known: |_| Some(-1.825_4),
            ..base("waves-in-ellipse", "waves inside an ellipse", 2, 1)
        },
        Definition {
            parameters: |_| {
                reals(&[
                    ("shell_in", 0.0625, 6.1875),
                    ("head_in", 0.0625, 6.1875),
                    ("radius_in", 10.0, 200.0),
                    ("length_in", 1e-9, 190.0),
                ])
            },
            function: vessel,
            best_known: |_| Some(5885.33),
            ..base("pressure-vessel", "cost of a pressure vessel", 4, 4)
        },
        Definition {
            parameters: |_| reals(&[("steel", 0.2, 15.0), ("height", 28.0, 40.0), ("width", 5.0, 10.0)]),
            function: concrete,
            ..base("concrete-beam", "cost of a reinforced concrete beam", 3, 2)
        },
        Definition {
            function: truss,
            best_known: |_| Some(263.8958),
            ..base("three-bar-truss", "volume of a three-bar truss", 2, 3)
        },
        Definition {
            parameters: |_| {
                reals(&[
                    ("weld_height", 0.125, 10.0),
                    ("weld_length", 0.1, 15.0),
                    ("beam_height", 0.1, 10.0),
                    ("beam_width", 0.1, 10.0),
                ])
            },
            function: welded,
            ..base("welded-beam", "cost of a welded beam", 4, 5)
        },
    ]
}
