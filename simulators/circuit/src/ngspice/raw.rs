//! ngspice's ASCII raw files: one table per plot.

use crate::analysis::Table;

/// Most variables and points that are believed.
const MOST_VALUES: usize = 200_000_000;

fn stem(plot: &str) -> Option<&'static str> {
    let plot = plot.to_ascii_lowercase();
    Some(match plot.as_str() {
        p if p.starts_with("operating point") => "op",
        p if p.starts_with("dc transfer") => "dc",
        p if p.starts_with("ac analysis") => "ac",
        p if p.starts_with("transient") => "tran",
        p if p.starts_with("noise spectral") => "noise",
        p if p.starts_with("integrated noise") => "noise_int",
        p if p.starts_with("transfer function") => "tf",
        _ => return None,
    })
}

/// All plots of a raw file as named tables, `dc2` for a second DC plot.
pub fn tables(text: &str) -> Result<Vec<(String, Table)>, String> {
    let mut out: Vec<(String, Table)> = Vec::new();
    let mut lines = text.lines();
    let (mut plot, mut complex, mut variables, mut points) = (String::new(), false, 0usize, 0usize);
    let mut names: Vec<String> = Vec::new();
    while let Some(line) = lines.next() {
        let (key, value) = line.split_once(':').map_or((line, ""), |(k, v)| (k, v.trim()));
        match key.trim() {
            "Plotname" => plot = value.to_string(),
            "Flags" => complex = value.contains("complex"),
            "No. Variables" => variables = value.parse().map_err(|_| format!("bad line `{line}`"))?,
            "No. Points" => points = value.parse().map_err(|_| format!("bad line `{line}`"))?,
            "Variables" => {
                names.clear();
                for _ in 0..variables {
                    let name = lines
                        .next()
                        .and_then(|l| l.split_whitespace().nth(1))
                        .ok_or("the list of variables ends early")?;
                    names.push(column(name));
                }
            }
            "Binary" => return Err("the raw file is binary, expected ASCII".into()),
            "Values" => {
                if variables.saturating_mul(points) > MOST_VALUES {
                    return Err(format!("{variables} variables and {points} points are too many"));
                }
                let mut values = Vec::with_capacity(variables * points);
                for _ in 0..points {
                    for k in 0..variables {
                        let line =
                            lines.by_ref().find(|l| !l.trim().is_empty()).ok_or("the values end early")?;
                        // The first value of a point follows its number.
                        let text = if k == 0 {
                            line.split_whitespace().nth(1)
                        } else {
                            line.split_whitespace().next()
                        };
                        let text = text.ok_or_else(|| format!("bad line `{line}`"))?;
                        let (re, im) = text.split_once(',').unwrap_or((text, "0"));
                        let number = |t: &str| t.parse::<f64>().map_err(|_| format!("`{t}` is not a number"));
                        values.push((number(re)?, number(im)?));
                    }
                }
                if let Some(stem) = stem(&plot) {
                    let count = out
                        .iter()
                        .filter(|(s, _)| s.trim_end_matches(|c: char| c.is_ascii_digit()) == stem)
                        .count();
                    let name = if count == 0 { stem.to_string() } else { format!("{stem}{}", count + 1) };
                    out.push((name, table(&names, &values, complex, stem)));
                }
            }
            _ => {}
        }
    }
    Ok(out)
}

/// A column's name as in the native tables.
fn column(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    match name.strip_suffix("#branch") {
        Some(source) if !source.contains('(') => format!("i({source})"),
        _ => name,
    }
}

fn table(names: &[String], values: &[(f64, f64)], complex: bool, stem: &str) -> Table {
    let n = names.len();
    // The abscissa first, then voltages, then currents, as everywhere else.
    let has_abscissa = !matches!(stem, "op" | "tf" | "noise_int");
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by_key(|k| (!(has_abscissa && *k == 0), names[*k].starts_with("i("), *k));
    let mut columns = Vec::new();
    for k in &order {
        if complex && !(has_abscissa && *k == 0) {
            columns.extend([format!("{}.re", names[*k]), format!("{}.im", names[*k])]);
        } else {
            columns.push(names[*k].clone());
        }
    }
    let mut data = Vec::with_capacity(values.len() * 2);
    for row in values.chunks(n.max(1)) {
        for k in &order {
            data.push(row[*k].0);
            if complex && !(has_abscissa && *k == 0) {
                data.push(row[*k].1);
            }
        }
    }
    Table { columns, data }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complex_plots_become_pairs_of_columns() {
        let text = "Title: t\nPlotname: AC Analysis\nFlags: complex\nNo. Variables: 3\nNo. Points: 1\nVariables:\n\t0\tfrequency\tfrequency grid=3\n\t1\ti(v1)\tcurrent\n\t2\tv(out)\tvoltage\nValues:\n 0\t1.0e+00,0.0e+00\n\t-1.0e-03,0.0e+00\n\t5.0e-01,2.5e-01\n";
        let tables = tables(text).unwrap();
        assert_eq!(tables[0].0, "ac");
        assert_eq!(tables[0].1.columns, ["frequency", "v(out).re", "v(out).im", "i(v1).re", "i(v1).im"]);
        assert_eq!(tables[0].1.data, [1.0, 0.5, 0.25, -1e-3, 0.0]);
    }

    #[test]
    fn a_truncated_file_is_an_error() {
        let text = "Plotname: AC Analysis\nFlags: complex\nNo. Variables: 2\nNo. Points: 9\nVariables:\n\t0\tfrequency\tx\n";
        assert!(tables(text).is_err());
    }
}
