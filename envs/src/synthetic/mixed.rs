//! Problems with categories and integers.

use super::Definition;
use super::engineering::{ackley, vessel};
use crate::Parameter;

fn rosenbrock(x: f64, y: f64) -> f64 {
    100.0 * (y - x * x).powi(2) + (1.0 - x).powi(2)
}

fn camel(x: f64, y: f64) -> f64 {
    (4.0 - 2.1 * x * x + x.powi(4) / 3.0) * x * x + x * y + (4.0 * y * y - 4.0) * y * y
}

fn beale(x: f64, y: f64) -> f64 {
    (1.5 - x + x * y).powi(2) + (2.25 - x + x * y * y).powi(2) + (2.625 - x + x * y.powi(3)).powi(2)
}

/// `Func3C` of CoCaBO (Ru et al. 2020): three categories choose which classic functions are added up, two reals are their arguments.
fn three_categories(v: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let (x, y) = (2.0 * v[3], 2.0 * v[4]);
    let (rosenbrock, camel, beale) = (rosenbrock(x, y) / 300.0, camel(x, y) / 10.0, beale(x, y) / 50.0);
    let pick = |index: f64| match index as usize {
        0 => rosenbrock,
        1 => camel,
        _ => beale,
    };
    let third = match v[2] as usize {
        0 => 5.0 * camel,
        1 | 2 => 2.0 * rosenbrock,
        _ => 3.0 * beale,
    };
    (vec![pick(v[0]) + pick(v[1]) + third], vec![])
}

fn labels(name: &str, count: usize) -> Parameter {
    Parameter::categorical(name, (0..count).map(|i| ((b'a' + i as u8) as char).to_string()))
}

pub(super) fn definitions() -> Vec<Definition> {
    vec![
        Definition {
            name: "three-categories",
            summary: "which functions to add up, and where (Func3C of CoCaBO)",
            parameters: |_| {
                vec![
                    labels("h1", 3),
                    labels("h2", 5),
                    labels("h3", 4),
                    Parameter::real("x1", -1.0, 1.0),
                    Parameter::real("x2", -1.0, 1.0),
                ]
            },
            dimensions: (5, 5, 5),
            goals: 1,
            constraints: 0,
            function: three_categories,
            reference: &[],
            best_known: |_| Some(-0.722_1),
        },
        Definition {
            name: "ackley-grid",
            summary: "Ackley's function on a grid of 17 levels",
            parameters: |n| {
                (1..=n)
                    .map(|i| {
                        let levels = (0..17).map(|k| -32.768 + f64::from(k) * 65.536 / 16.0);
                        Parameter::ordinal(&format!("x{i}"), levels)
                    })
                    .collect()
            },
            dimensions: (5, 1, 50),
            goals: 1,
            constraints: 0,
            function: |x| (vec![ackley(x)], vec![]),
            reference: &[],
            best_known: |_| Some(0.0),
        },
        Definition {
            name: "pressure-vessel-mixed",
            summary: "cost of a pressure vessel, plate thicknesses in steps of 1/16 inch",
            parameters: |_| {
                vec![
                    Parameter::integer("shell_sixteenths", 1, 99),
                    Parameter::integer("head_sixteenths", 1, 99),
                    Parameter::real("radius_in", 10.0, 200.0),
                    Parameter::real("length_in", 1e-9, 190.0),
                ]
            },
            dimensions: (4, 4, 4),
            goals: 1,
            constraints: 4,
            function: |x| vessel(&[0.0625 * x[0], 0.0625 * x[1], x[2], x[3]]),
            reference: &[],
            best_known: |_| Some(6059.714),
        },
    ]
}
