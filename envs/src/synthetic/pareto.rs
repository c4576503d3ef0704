//! Problems with several objectives: ZDT1 and ZDT2 (Zitzler, Deb and Thiele 2000), DTLZ2 with three objectives (Deb et al. 2002).

use std::f64::consts::FRAC_PI_2;

use super::Definition;
use crate::Parameter;

fn unit_cube(count: usize) -> Vec<Parameter> {
    (1..=count).map(|i| Parameter::real(&format!("x{i}"), 0.0, 1.0)).collect()
}

fn zdt(x: &[f64], bend: fn(f64) -> f64) -> (Vec<f64>, Vec<f64>) {
    let g = 1.0 + 9.0 * x[1..].iter().sum::<f64>() / (x.len() - 1) as f64;
    (vec![x[0], g * (1.0 - bend(x[0] / g))], vec![])
}

fn dtlz2(x: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let radius = 1.0 + x[2..].iter().map(|t| (t - 0.5).powi(2)).sum::<f64>();
    let (a, b) = (x[0] * FRAC_PI_2, x[1] * FRAC_PI_2);
    (vec![radius * a.cos() * b.cos(), radius * a.cos() * b.sin(), radius * a.sin()], vec![])
}

pub(super) fn definitions() -> Vec<Definition> {
    let base = |name, summary, function, reference| Definition {
        name,
        summary,
        parameters: unit_cube,
        dimensions: (10, 2, 200),
        goals: 2,
        constraints: 0,
        function,
        reference,
        best_known: |_| None,
    };
    vec![
        base("zdt1", "two objectives, a convex front", |x| zdt(x, f64::sqrt), &[11.0, 11.0]),
        base("zdt2", "two objectives, a concave front", |x| zdt(x, |t| t * t), &[11.0, 11.0]),
        Definition {
            goals: 3,
            dimensions: (8, 3, 200),
            ..base("dtlz2", "three objectives, an eighth of a sphere", dtlz2, &[1.1, 1.1, 1.1])
        },
    ]
}
