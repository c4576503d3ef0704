//! A Parquet file as cells.

use parquet::basic::Repetition;
use parquet::data_type::AsBytes;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;

use super::cells::Cells;
use super::place_error;
use crate::EnvError;

/// All rows of a file whose columns are flat. A missing value is an empty cell. Errors: a damaged file, nested columns, a compression
/// that is not built in, no rows; "lines" are rows here.
pub(super) fn cells(place: &str, bytes: &[u8]) -> Result<Cells, EnvError> {
    let unread = |row: usize, error: &dyn std::fmt::Display| {
        let remedy = "expected a whole file with flat columns, stored plainly or with Snappy, gzip or LZ4";
        place_error(place, row, format!("the Parquet file does not read: {error}; {remedy}"))
    };
    let reader =
        SerializedFileReader::new(bytes::Bytes::copy_from_slice(bytes)).map_err(|e| unread(1, &e))?;
    let schema = reader.metadata().file_metadata().schema();
    let mut names = Vec::new();
    for column in schema.get_fields() {
        let info = column.get_basic_info();
        if column.is_group() || info.repetition() == Repetition::REPEATED {
            let message = format!("column `{}` is nested; expected numbers or text", column.name());
            return Err(place_error(place, 1, message));
        }
        names.push(column.name().to_string());
    }
    let mut rows = Vec::new();
    for (index, row) in reader.get_row_iter(None).map_err(|e| unread(1, &e))?.enumerate() {
        let row = row.map_err(|e| unread(index + 1, &e))?;
        rows.push(row.get_column_iter().map(|(_, field)| text(field)).collect());
    }
    if rows.is_empty() {
        return Err(place_error(place, 1, "the table has no rows"));
    }
    Ok(Cells { names, rows, first_line: 1 })
}

/// A value as CSV would hold it.
fn text(field: &Field) -> String {
    match field {
        Field::Null => String::new(),
        Field::Str(text) => text.clone(),
        Field::Float(number) => number.to_string(),
        Field::Double(number) => number.to_string(),
        Field::Bytes(bytes) => String::from_utf8_lossy(bytes.as_bytes()).into_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use parquet::basic::Compression;
    use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
    use parquet::errors::ParquetError;
    use parquet::file::properties::WriterProperties;
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::parser::parse_message_type;

    use super::*;
    use crate::table::{Table, TableSettings};
    use crate::{Design, Env, Fidelity};

    fn sample(compression: Compression) -> Result<Vec<u8>, ParquetError> {
        let schema =
            "message t { required int64 ways; required binary policy (UTF8); optional double energy; }";
        let properties = WriterProperties::builder().set_compression(compression).build();
        let schema = Arc::new(parse_message_type(schema)?);
        let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties))?;
        let mut group = writer.next_row_group()?;
        let mut column = group.next_column()?.ok_or(ParquetError::EOF("ways".into()))?;
        column.typed::<Int64Type>().write_batch(&[1, 2, 4], None, None)?;
        column.close()?;
        let mut column = group.next_column()?.ok_or(ParquetError::EOF("policy".into()))?;
        let policies = ["lru", "random", "lru"].map(ByteArray::from);
        column.typed::<ByteArrayType>().write_batch(&policies, None, None)?;
        column.close()?;
        let mut column = group.next_column()?.ok_or(ParquetError::EOF("energy".into()))?;
        column.typed::<DoubleType>().write_batch(&[5.5, 0.1], Some(&[1, 1, 0]), None)?;
        column.close()?;
        group.close()?;
        writer.into_inner()
    }

    #[test]
    fn the_cells_of_a_file_are_those_of_the_csv() -> Result<(), Box<dyn std::error::Error>> {
        for compression in [Compression::UNCOMPRESSED, Compression::SNAPPY, Compression::LZ4_RAW] {
            let cells = cells("t.parquet", &sample(compression)?)?;
            assert_eq!(cells.names, ["ways", "policy", "energy"]);
            assert_eq!(cells.rows, [["1", "lru", "5.5"], ["2", "random", "0.1"], ["4", "lru", ""]]);
        }
        Ok(())
    }

    #[test]
    fn what_is_missing_damaged_or_nested_is_refused_with_its_row() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let load =
            |name: &str, bytes: &[u8], ignore: &[&str]| -> Result<Result<Table, EnvError>, std::io::Error> {
                std::fs::write(folder.path().join(name), bytes)?;
                let ignore = ignore.iter().map(|s| s.to_string()).collect();
                Ok(Table::load(
                    TableSettings { file: name.into(), ignore, ..TableSettings::default() },
                    folder.path(),
                ))
            };
        let message =
            |loaded: Result<Table, EnvError>| loaded.err().map(|e| e.to_string()).unwrap_or_default();
        let whole = sample(Compression::SNAPPY)?;
        let missing = message(load("missing.parquet", &whole, &[])?);
        assert!(missing.contains("missing.parquet:3:1") && missing.contains("`energy`"), "{missing}");
        let cut = message(load("cut.parquet", &whole[..whole.len() / 2], &[])?);
        assert!(cut.contains("cut.parquet:1:1") && cut.contains("does not read"), "{cut}");
        let schema = Arc::new(parse_message_type("message t { required group g { required int64 a; } }")?);
        let writer = SerializedFileWriter::new(Vec::new(), schema, Arc::default())?;
        let nested = message(load("nested.parquet", &writer.into_inner()?, &[])?);
        assert!(nested.contains("`g` is nested"), "{nested}");
        Ok(())
    }

    #[test]
    fn a_file_is_an_environment() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let schema = Arc::new(parse_message_type("message t { required int64 ways; required float miss; }")?);
        let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::default())?;
        let mut group = writer.next_row_group()?;
        let mut column = group.next_column()?.ok_or("ways")?;
        column.typed::<Int64Type>().write_batch(&[1, 2], None, None)?;
        column.close()?;
        let mut column = group.next_column()?.ok_or("miss")?;
        column.typed::<parquet::data_type::FloatType>().write_batch(&[0.5, 0.25], None, None)?;
        column.close()?;
        group.close()?;
        std::fs::write(folder.path().join("t.parquet"), writer.into_inner()?)?;
        let settings = TableSettings { file: "t.parquet".into(), ..TableSettings::default() };
        let table = Table::load(settings, Path::new(folder.path()))?;
        let outcome = table.evaluate(&Design::new(vec![1.0]), Fidelity::FULL);
        assert_eq!(outcome.metrics(), Some(&[0.25][..]));
        Ok(())
    }
}
