//! Vectors of control blocks: real or complex numbers, the shorter of two extended by its last value.

use std::f64::consts::{LN_10, PI};

/// A number.
pub type Complex = (f64, f64);

/// A vector; a scalar has one element.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Vector {
    /// Elements.
    pub data: Vec<Complex>,
    /// Whether imaginary parts mean anything.
    pub complex: bool,
    /// Lengths of its dimensions, outermost first; empty for a plain vector.
    pub dims: Vec<usize>,
}

/// A function of one number.
type Map = fn(Complex) -> Complex;

impl Vector {
    /// A real scalar.
    pub fn scalar(v: f64) -> Self {
        Self { data: vec![(v, 0.0)], ..Self::default() }
    }

    /// A real vector.
    pub fn real(list: impl IntoIterator<Item = f64>) -> Self {
        Self { data: list.into_iter().map(|v| (v, 0.0)).collect(), ..Self::default() }
    }

    /// Element `k`, the last one beyond the end.
    pub fn at(&self, k: usize) -> Complex {
        self.data.get(k).or(self.data.last()).copied().unwrap_or((0.0, 0.0))
    }

    /// The real part of the first element.
    pub fn first(&self) -> f64 {
        self.at(0).0
    }

    /// Real parts.
    pub fn reals(&self) -> Vec<f64> {
        self.data.iter().map(|v| v.0).collect()
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.data.len()
    }

    /// The part of it that one index, or a range of them, selects of its outermost dimension.
    pub fn part(&self, first: f64, last: f64) -> Result<Self, String> {
        let outer = self.dims.first().copied().unwrap_or(self.len());
        if !(first >= 0.0 && last >= first && (last as usize) < outer.max(1)) {
            return Err(format!("index {first} to {last} is outside a vector of {outer} elements"));
        }
        let width = self.len().checked_div(outer).unwrap_or(1);
        let (first, last) = (first as usize, last as usize);
        let mut dims = self.dims.get(1..).unwrap_or_default().to_vec();
        if last > first && !dims.is_empty() {
            dims.insert(0, last - first + 1);
        }
        if dims.len() == 1 {
            dims.clear();
        }
        let data = (first * width..(last + 1) * width).map(|k| self.at(k)).collect();
        Ok(Self { data, complex: self.complex, dims })
    }

    /// Whether any element is not zero.
    pub fn is_true(&self) -> bool {
        self.data.iter().any(|v| v.0 != 0.0 || v.1 != 0.0)
    }

    /// Element by element with another.
    pub fn zip(&self, other: &Self, f: impl Fn(Complex, Complex) -> Complex) -> Self {
        let n = self.len().max(other.len());
        let data = (0..n).map(|k| f(self.at(k), other.at(k))).collect();
        Self { data, complex: self.complex || other.complex, dims: self.dims.clone() }
    }

    /// Element by element; real results if `real`.
    fn map(&self, f: Map, real: bool) -> Self {
        Self {
            data: self.data.iter().map(|v| f(*v)).collect(),
            complex: self.complex && !real,
            dims: self.dims.clone(),
        }
    }

    /// Reduced to one real number.
    fn reduce(&self, f: impl Fn(&[Complex]) -> f64) -> Self {
        Self::scalar(f(&self.data))
    }
}

pub fn multiply(a: Complex, b: Complex) -> Complex {
    (a.0 * b.0 - a.1 * b.1, a.0 * b.1 + a.1 * b.0)
}

pub fn divide(a: Complex, b: Complex) -> Complex {
    if a.1 == 0.0 && b.1 == 0.0 {
        return (a.0 / b.0, 0.0);
    }
    let d = b.0 * b.0 + b.1 * b.1;
    ((a.0 * b.0 + a.1 * b.1) / d, (a.1 * b.0 - a.0 * b.1) / d)
}

fn logarithm(a: Complex) -> Complex {
    match a.1 {
        0.0 if a.0 >= 0.0 => (a.0.ln(), 0.0),
        _ => (a.0.hypot(a.1).ln(), a.1.atan2(a.0)),
    }
}

fn exponential(a: Complex) -> Complex {
    match a.1 {
        0.0 => (a.0.exp(), 0.0),
        im => (a.0.exp() * im.cos(), a.0.exp() * im.sin()),
    }
}

pub fn power(a: Complex, b: Complex) -> Complex {
    if a.1 == 0.0 && b.1 == 0.0 && (a.0 >= 0.0 || b.0.fract() == 0.0) {
        return (a.0.powf(b.0), 0.0);
    }
    if a == (0.0, 0.0) {
        return (0.0, 0.0);
    }
    exponential(multiply(b, logarithm(a)))
}

fn root(a: Complex) -> Complex {
    match a {
        (re, 0.0) if re >= 0.0 => (re.sqrt(), 0.0),
        (re, 0.0) => (0.0, (-re).sqrt()),
        _ => power(a, (0.5, 0.0)),
    }
}

fn magnitude(v: Complex) -> f64 {
    v.0.hypot(v.1)
}

fn phase(v: Complex) -> f64 {
    if v == (0.0, 0.0) { 0.0 } else { v.1.atan2(v.0) }
}

/// Functions of each element: name, function, whether its result is real.
const EACH: [(&str, Map, bool); 24] = [
    ("mag", |v| (magnitude(v), 0.0), true),
    ("magnitude", |v| (magnitude(v), 0.0), true),
    ("abs", |v| (magnitude(v), 0.0), true),
    ("real", |v| (v.0, 0.0), true),
    ("re", |v| (v.0, 0.0), true),
    ("imag", |v| (v.1, 0.0), true),
    ("im", |v| (v.1, 0.0), true),
    ("conj", |v| (v.0, -v.1), false),
    ("db", |v| (20.0 * magnitude(v).log10(), 0.0), true),
    ("log", logarithm, false),
    ("ln", logarithm, false),
    ("log10", |v| multiply(logarithm(v), (1.0 / LN_10, 0.0)), false),
    ("exp", exponential, false),
    ("sqrt", root, false),
    ("sin", |v| (v.0.sin() * v.1.cosh(), v.0.cos() * v.1.sinh()), false),
    ("cos", |v| (v.0.cos() * v.1.cosh(), -v.0.sin() * v.1.sinh()), false),
    ("sinh", |v| (v.0.sinh() * v.1.cos(), v.0.cosh() * v.1.sin()), false),
    ("cosh", |v| (v.0.cosh() * v.1.cos(), v.0.sinh() * v.1.sin()), false),
    ("tanh", |v| (v.0.tanh(), 0.0), true),
    ("atan", |v| (v.0.atan(), 0.0), true),
    ("pos", |v| (f64::from(u8::from(v.0 > 0.0)), 0.0), true),
    ("nint", |v| (v.0.round_ties_even(), v.1.round_ties_even()), false),
    ("floor", |v| (v.0.floor(), v.1.floor()), false),
    ("ceil", |v| (v.0.ceil(), v.1.ceil()), false),
];

/// Names of the functions that [`call`] knows, for suggestions.
pub fn names() -> impl Iterator<Item = &'static str> {
    EACH.iter().map(|f| f.0).chain([
        "tan",
        "ph",
        "phase",
        "cph",
        "cphase",
        "unwrap",
        "j",
        "mean",
        "avg",
        "stddev",
        "vecmin",
        "vecmax",
        "minimum",
        "maximum",
        "length",
        "norm",
        "vector",
        "unitvec",
        "deriv",
        "integ",
        "vecd",
        "group_delay",
    ])
}

/// A function of a vector; `scale` is the plot's abscissa, and phases are in degrees if `degrees`. `None` for an unknown name.
pub fn call(name: &str, v: &Vector, scale: &[f64], degrees: bool) -> Option<Result<Vector, String>> {
    if let Some((_, f, real)) = EACH.iter().find(|f| f.0 == name) {
        let mut out = v.map(*f, *real);
        // A negative real number has a complex root and logarithm.
        out.complex |= out.data.iter().any(|v| v.1 != 0.0) && !real;
        return Some(Ok(out));
    }
    let unit = if degrees { 180.0 / PI } else { 1.0 };
    let count = || -> Result<usize, String> {
        let n = v.first();
        if (1.0..=1e7).contains(&n) {
            Ok(n as usize)
        } else {
            Err(format!("`{name}({n})`: expected 1 to 1e7"))
        }
    };
    Some(Ok(match name {
        "ph" | "phase" => Vector::real(v.data.iter().map(|v| phase(*v) * unit)),
        "cph" | "cphase" => {
            let mut list: Vec<f64> = v.data.iter().map(|v| phase(*v)).collect();
            unwrap(&mut list, 2.0 * PI);
            Vector::real(list.into_iter().map(|p| p * unit))
        }
        "unwrap" => {
            let mut list = v.reals();
            unwrap(&mut list, 2.0 * PI * unit);
            Vector::real(list)
        }
        "tan" => {
            let (sin, cos) = (call("sin", v, scale, degrees)?, call("cos", v, scale, degrees)?);
            match (sin, cos) {
                (Ok(sin), Ok(cos)) => sin.zip(&cos, divide),
                (Err(e), _) | (_, Err(e)) => return Some(Err(e)),
            }
        }
        "j" => Vector {
            data: v.data.iter().map(|v| multiply(*v, (0.0, 1.0))).collect(),
            complex: true,
            dims: Vec::new(),
        },
        "mean" => {
            let n = v.len().max(1) as f64;
            let sum = v.data.iter().fold((0.0, 0.0), |s, v| (s.0 + v.0, s.1 + v.1));
            Vector { data: vec![(sum.0 / n, sum.1 / n)], complex: v.complex, dims: Vec::new() }
        }
        "avg" => {
            let mut sum = (0.0, 0.0);
            let data = v.data.iter().enumerate().map(|(k, v)| {
                sum = (sum.0 + v.0, sum.1 + v.1);
                (sum.0 / (k + 1) as f64, sum.1 / (k + 1) as f64)
            });
            Vector { data: data.collect(), complex: v.complex, dims: Vec::new() }
        }
        "stddev" => v.reduce(|list| {
            let n = list.len() as f64;
            let mean = list.iter().map(|v| v.0).sum::<f64>() / n;
            (list.iter().map(|v| (v.0 - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt()
        }),
        "vecmin" | "minimum" => v.reduce(|list| list.iter().map(|v| v.0).fold(f64::INFINITY, f64::min)),
        "vecmax" | "maximum" => v.reduce(|list| list.iter().map(|v| v.0).fold(f64::NEG_INFINITY, f64::max)),
        "length" => Vector::scalar(v.len() as f64),
        "norm" => {
            let top = v.data.iter().map(|v| magnitude(*v)).fold(0.0, f64::max);
            Vector {
                data: v.data.iter().map(|v| (v.0 / top, v.1 / top)).collect(),
                complex: v.complex,
                dims: Vec::new(),
            }
        }
        "vector" => match count() {
            Ok(n) => Vector::real((0..n).map(|k| k as f64)),
            Err(e) => return Some(Err(e)),
        },
        "unitvec" => match count() {
            Ok(n) => Vector::real(std::iter::repeat_n(1.0, n)),
            Err(e) => return Some(Err(e)),
        },
        "vecd" => {
            let first = v.at(0);
            let mut previous = first;
            Vector::real(v.data.iter().map(|v| v.0 - std::mem::replace(&mut previous, *v).0))
        }
        "deriv" => Vector::real(derivative(&v.reals(), scale)),
        "integ" => {
            let y = v.reals();
            let mut sum = 0.0;
            Vector::real((0..y.len()).map(|k| {
                if k > 0 {
                    let width = scale.get(k).zip(scale.get(k - 1)).map_or(0.0, |(a, b)| a - b);
                    sum += 0.5 * (y[k] + y[k - 1]) * width;
                }
                sum
            }))
        }
        "group_delay" => {
            let mut list: Vec<f64> = v.data.iter().map(|v| phase(*v)).collect();
            unwrap(&mut list, 2.0 * PI);
            Vector::real(derivative(&list, scale).into_iter().map(|d| -d / (2.0 * PI)))
        }
        _ => return None,
    }))
}

fn unwrap(list: &mut [f64], turn: f64) {
    for k in 1..list.len() {
        list[k] -= turn * ((list[k] - list[k - 1]) / turn).round();
    }
}

/// Slope of the parabola through each point and its neighbours.
fn derivative(y: &[f64], x: &[f64]) -> Vec<f64> {
    let n = y.len().min(x.len());
    let slope = |a: usize, b: usize| (y[b] - y[a]) / (x[b] - x[a]);
    (0..n)
        .map(|k| match (k.checked_sub(1), k + 1 < n) {
            (Some(l), true) => {
                let (h0, h1) = (x[k] - x[l], x[k + 1] - x[k]);
                (slope(l, k) * h1 + slope(k, k + 1) * h0) / (h0 + h1)
            }
            (Some(l), false) => slope(l, k),
            (None, true) => slope(k, k + 1),
            (None, false) => 0.0,
        })
        .collect()
}
