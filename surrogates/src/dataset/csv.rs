//! CSV: the data card is a comment in the first line.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use hwgym_envs::{Design, EnvError, Value};

use super::{Dataset, Origin, columns, columns_differ};
use crate::SurrogateError;

const MARK: &str = "# hwgym-dataset ";

pub(super) fn write(data: &Dataset, path: &Path) -> Result<(), SurrogateError> {
    let io = |source| EnvError::File { path: path.into(), source };
    let mut file = BufWriter::new(File::create(path).map_err(io)?);
    writeln!(file, "{MARK}{}", serde_json::to_string(&data.origin)?).map_err(io)?;
    let mut csv = csv::Writer::from_writer(file);
    let csv_error = |error: csv::Error| io(std::io::Error::other(error));
    csv.write_record(columns(&data.origin)).map_err(csv_error)?;
    let space = &data.origin.space;
    let values = |design: &Design| -> Vec<String> {
        let text = |i| match space.value(design, i) {
            Value::Real(real) => real.to_string(),
            value => value.to_string(),
        };
        (0..space.len()).map(text).collect()
    };
    for (design, metrics) in data.designs.iter().zip(&data.metrics) {
        let mut record = values(design);
        record.extend(metrics.iter().map(f64::to_string));
        record.extend(["feasible".into(), String::new()]);
        csv.write_record(record).map_err(csv_error)?;
    }
    for row in &data.unmeasured {
        let mut record = values(&row.design);
        record.extend(data.origin.metrics.iter().map(|_| String::new()));
        record.extend([row.status.clone(), row.reason.clone()]);
        csv.write_record(record).map_err(csv_error)?;
    }
    csv.flush().map_err(io)?;
    Ok(())
}

pub(super) fn read(path: &Path) -> Result<Dataset, SurrogateError> {
    let io = |source| EnvError::File { path: path.into(), source };
    let bad = |line: u64, message: String| SurrogateError::Data { path: path.into(), line, message };
    let mut file = BufReader::new(File::open(path).map_err(io)?);
    let mut first = String::new();
    file.read_line(&mut first).map_err(io)?;
    let Some(card) = first.strip_prefix(MARK) else {
        let remedy = "make data sets with `hwgym dataset build`";
        return Err(bad(1, format!("expected a line that starts with `{MARK}`; {remedy}")));
    };
    let origin: Origin = serde_json::from_str(card)
        .map_err(|error| bad(1, format!("the data card does not read: {error}; build the data set again")))?;
    let mut csv = csv::Reader::from_reader(file);
    let header = csv.headers().map_err(|error| bad(2, error.to_string()))?;
    let header: Vec<String> = header.iter().map(String::from).collect();
    let expected = columns(&origin);
    if expected != header {
        return Err(bad(2, columns_differ(&expected, &header)));
    }
    let mut data = Dataset::empty(origin);
    for record in csv.records() {
        // The card is a line that the reader has not seen.
        let record = record.map_err(|error| {
            let line = error.position().map_or(0, |p| p.line() + 1);
            bad(line, error.to_string())
        })?;
        let line = record.position().map_or(0, |p| p.line() + 1);
        data.push(&record.iter().collect::<Vec<_>>()).map_err(|message| bad(line, message))?;
    }
    Ok(data)
}
