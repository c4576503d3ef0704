//! Plots: the vectors of one analysis, or of a script.

use std::collections::HashMap;

use super::vector::Vector;
use crate::analysis::Table;

/// Named vectors.
#[derive(Debug, Clone, Default)]
pub struct Plot {
    /// `tran1`, `op2`, `unknown1`.
    pub name: String,
    /// File stem of its table: `tran`, `noise_int`, ...
    pub stem: String,
    /// The element whose value is the abscissa of a sweep.
    pub swept: Option<String>,
    names: Vec<String>,
    vectors: HashMap<String, Vector>,
}

impl Plot {
    /// An empty plot.
    pub fn new(name: String, stem: &str) -> Self {
        Self { name, stem: stem.to_string(), ..Self::default() }
    }

    /// The columns of a table as vectors.
    pub fn of_table(name: String, stem: &str, table: &Table) -> Self {
        let mut plot = Self::new(name, stem);
        let n = table.columns.len().max(1);
        let column = |k: usize| table.data.iter().skip(k).step_by(n).copied();
        for (k, title) in table.columns.iter().enumerate() {
            if title.ends_with(".im") {
                continue;
            }
            match title.strip_suffix(".re") {
                Some(short) => {
                    let data = column(k).zip(column(k + 1)).collect();
                    plot.set(short, Vector { data, complex: true, dims: Vec::new() });
                }
                None => plot.set(title, Vector::real(column(k))),
            }
        }
        plot
    }

    /// Sets a vector.
    pub fn set(&mut self, name: &str, vector: Vector) {
        if self.vectors.insert(name.to_string(), vector).is_none() {
            self.names.push(name.to_string());
        }
    }

    /// Removes a vector; false if there is none.
    pub fn remove(&mut self, name: &str) -> bool {
        self.names.retain(|n| n != name);
        self.vectors.remove(name).is_some()
    }

    /// A vector by the ways in which ngspice lets one write its name.
    pub fn get(&self, name: &str) -> Option<Vector> {
        if let Some(v) = self.vectors.get(name) {
            return Some(v.clone());
        }
        if let Some(source) = name.strip_suffix("#branch") {
            return self.vectors.get(&format!("i({source})")).cloned();
        }
        if matches!(name, "v(0)" | "v(gnd)") {
            return self.names.first().map(|_| Vector::scalar(0.0));
        }
        match name.strip_prefix("v(").and_then(|n| n.strip_suffix(')')) {
            Some(inner) if inner.ends_with("#branch") => self.get(inner),
            Some(inner) => self.vectors.get(inner).filter(|_| !inner.is_empty()).cloned(),
            None => self.vectors.get(&format!("v({name})")).cloned(),
        }
    }

    /// For changing single elements.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Vector> {
        self.vectors.get_mut(name)
    }

    /// Names in order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The abscissa: the first vector.
    pub fn scale(&self) -> Vec<f64> {
        self.names.first().and_then(|n| self.vectors.get(n)).map(Vector::reals).unwrap_or_default()
    }

    /// The vectors that are as long as the first one, as a table.
    pub fn table(&self) -> Table {
        let rows = match self.stem.starts_with("unknown") {
            true => self.vectors.values().map(Vector::len).max().unwrap_or(0),
            false => self.names.first().and_then(|n| self.vectors.get(n)).map_or(0, Vector::len),
        };
        let mut columns = Vec::new();
        let mut parts: Vec<(&Vector, bool)> = Vec::new();
        for name in &self.names {
            let vector = &self.vectors[name];
            if vector.len() != rows {
                continue;
            }
            if vector.complex {
                columns.extend([format!("{name}.re"), format!("{name}.im")]);
                parts.extend([(vector, false), (vector, true)]);
            } else {
                columns.push(name.clone());
                parts.push((vector, false));
            }
        }
        let mut data = Vec::with_capacity(rows * parts.len());
        for k in 0..rows {
            data.extend(parts.iter().map(|(v, im)| if *im { v.data[k].1 } else { v.data[k].0 }));
        }
        Table { columns, data }
    }
}
