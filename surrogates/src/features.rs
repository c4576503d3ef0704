//! A matrix of features: one row per design, flat and row-major.

use hwgym_envs::{Design, DesignSpace, Domain, Encoding, Env};

/// Rows of features.
#[derive(Clone, Debug, PartialEq)]
pub struct Features {
    values: Vec<f64>,
    width: usize,
    rows: usize,
}

impl Features {
    /// A matrix from its rows, one after the other. `None` if the length is no multiple of the width.
    pub fn new(values: Vec<f64>, width: usize) -> Option<Self> {
        let rows = values.len().checked_div(width).unwrap_or(0);
        (rows * width == values.len()).then_some(Self { values, width, rows })
    }

    /// The designs of a space, encoded.
    pub fn encode(space: &DesignSpace, designs: &[Design], encoding: Encoding) -> Self {
        let width = encoding.width(space);
        let mut values = vec![0.0; width * designs.len()];
        for (design, row) in designs.iter().zip(values.chunks_exact_mut(width.max(1))) {
            encoding.encode_into(space, design, row);
        }
        Self { values, width, rows: designs.len() }
    }

    /// Names of the columns of encoded designs: that of the parameter, with the choice where every choice has a column of its own.
    pub fn names(space: &DesignSpace, encoding: Encoding) -> Vec<String> {
        let columns = |parameter: &hwgym_envs::Parameter| -> Vec<String> {
            let name = &parameter.name;
            let of = |part: &String| format!("{name}={part}");
            match (&parameter.domain, encoding) {
                (Domain::Categorical(choices), Encoding::OneHot) => choices.iter().map(of).collect(),
                (Domain::Permutation(items), Encoding::OneHot) => items.iter().map(of).collect(),
                (Domain::Assignment { items, places }, Encoding::OneHot) => items
                    .iter()
                    .flat_map(|item| places.iter().map(move |place| of(&format!("{item} {place}"))))
                    .collect(),
                _ => vec![name.clone()],
            }
        };
        space.parameters().iter().flat_map(columns).collect()
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of features of a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// One row.
    pub fn row(&self, index: usize) -> &[f64] {
        &self.values[index * self.width..(index + 1) * self.width]
    }

    /// All rows, one after the other.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The same numbers, column after column.
    pub fn column_major(&self) -> Vec<f64> {
        (0..self.width)
            .flat_map(|column| (0..self.rows).map(move |row| self.values[row * self.width + column]))
            .collect()
    }

    /// Some of the rows.
    pub fn select(&self, rows: &[usize]) -> Self {
        let values = rows.iter().flat_map(|row| self.row(*row).iter().copied()).collect();
        Self { values, width: self.width, rows: rows.len() }
    }
}

/// What models see of a canonical design: one-hots of its parameters, and what the environment says of it ([`Env::describe`]).
pub(crate) fn described(env: &dyn Env, design: &Design) -> Vec<f64> {
    let mut numbers = Encoding::OneHot.encode(env.space(), design);
    numbers.extend(env.describe(design));
    numbers
}
