//! A table as text: cells of a CSV file, or of anything that can be written as one.

use crate::{EnvError, Parameter};

use super::place_error;

/// A table as text.
pub(super) struct Cells {
    pub names: Vec<String>,
    pub rows: Vec<Vec<String>>,
    /// Line of the first row.
    pub first_line: usize,
}

impl Cells {
    /// Columns separated by commas, semicolons, tabs or spaces. Errors: no rows, or rows of unequal length.
    pub fn parse(place: &str, text: &str, header: bool) -> Result<Self, EnvError> {
        let sample = text.lines().find(|l| !l.trim().is_empty()).unwrap_or("");
        let separator = [',', ';', '\t'].into_iter().find(|s| sample.contains(*s));
        let split = |line: &str| -> Vec<String> {
            match separator {
                Some(s) => line.split(s).map(|c| c.trim().trim_matches('"').to_string()).collect(),
                None => line.split_whitespace().map(str::to_string).collect(),
            }
        };
        let mut lines = text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty() && !l.starts_with('#'));
        let mut names = Vec::new();
        let mut first_line = 1;
        if header && let Some((number, line)) = lines.next() {
            names = split(line);
            first_line = number + 2;
        }
        let mut rows = Vec::new();
        for (number, line) in lines {
            let row = split(line);
            if names.is_empty() {
                names = (1..=row.len()).map(|i| format!("c{i}")).collect();
            }
            if row.len() != names.len() {
                let message = format!("{} cells in a table of {} columns", row.len(), names.len());
                return Err(place_error(place, number + 1, message));
            }
            rows.push(row);
        }
        if rows.is_empty() {
            return Err(place_error(place, 1, "the table has no rows"));
        }
        Ok(Self { names, rows, first_line })
    }

    /// A metric's column. Errors: a cell that is not a finite number.
    pub fn standardised(&self, place: &str, column: usize, standardise: bool) -> Result<Vec<f64>, EnvError> {
        let mut values = Vec::with_capacity(self.rows.len());
        for (row, cells) in self.rows.iter().enumerate() {
            match cells[column].parse::<f64>() {
                Ok(value) if value.is_finite() => values.push(value),
                _ => {
                    let message =
                        format!("`{}` in column `{}` is no finite number", cells[column], self.names[column]);
                    return Err(place_error(place, self.first_line + row, message));
                }
            }
        }
        if standardise {
            let count = values.len() as f64;
            let mean = values.iter().sum::<f64>() / count;
            let deviation = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / count).sqrt();
            let scale = if deviation > 0.0 { deviation } else { 1.0 };
            values.iter_mut().for_each(|v| *v = (*v - mean) / scale);
        }
        Ok(values)
    }

    /// A varying column as a parameter with the rows' coordinates: numbers are ordered levels, anything else is a category.
    pub fn parameter(&self, column: usize, categorical: bool) -> Option<(Parameter, Vec<f64>)> {
        let name = &self.names[column];
        let cells: Vec<&str> = self.rows.iter().map(|row| row[column].as_str()).collect();
        let numbers: Option<Vec<f64>> =
            cells.iter().map(|c| c.parse::<f64>().ok().filter(|n| n.is_finite())).collect();
        match numbers {
            Some(numbers) if !categorical => {
                let mut levels = numbers.clone();
                levels.sort_by(f64::total_cmp);
                levels.dedup();
                let coordinates = numbers.iter().map(|n| levels.partition_point(|l| l < n) as f64).collect();
                (levels.len() > 1).then(|| (Parameter::ordinal(name, levels), coordinates))
            }
            _ => {
                let mut choices = cells.clone();
                choices.sort_unstable();
                choices.dedup();
                let coordinates = cells.iter().map(|c| choices.partition_point(|l| l < c) as f64).collect();
                (choices.len() > 1).then(|| (Parameter::categorical(name, choices), coordinates))
            }
        }
    }
}
