//! Parquet: flat optional columns, Snappy; the data card stands in the footer as `hwgym.dataset`.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use hwgym_envs::{Design, EnvError, Value};
use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::record::Field;
use parquet::schema::types::Type;

use super::{Dataset, Origin, columns, columns_differ};
use crate::SurrogateError;

const CARD: &str = "hwgym.dataset";

/// A column, as Parquet stores it.
enum Cells {
    Flags(Vec<Option<bool>>),
    Whole(Vec<Option<i64>>),
    Real(Vec<Option<f64>>),
    Text(Vec<Option<String>>),
}

impl Cells {
    /// The narrowest type that holds all values of a parameter.
    fn of(values: Vec<Value>) -> Self {
        let whole = |value: &Value| if let Value::Integer(value) = value { Some(*value) } else { None };
        let flag = |value: &Value| if let Value::Boolean(value) = value { Some(*value) } else { None };
        let real = |value: &Value| match value {
            Value::Real(value) => Some(*value),
            value => whole(value).map(|value| value as f64),
        };
        if values.iter().all(|value| flag(value).is_some()) {
            Self::Flags(values.iter().map(flag).collect())
        } else if values.iter().all(|value| whole(value).is_some()) {
            Self::Whole(values.iter().map(whole).collect())
        } else if values.iter().all(|value| real(value).is_some()) {
            Self::Real(values.iter().map(real).collect())
        } else {
            Self::Text(values.iter().map(|value| Some(value.to_string())).collect())
        }
    }

    fn field(&self, name: &str) -> Result<Arc<Type>, ParquetError> {
        let (physical, logical) = match self {
            Self::Flags(_) => (Physical::BOOLEAN, None),
            Self::Whole(_) => (Physical::INT64, None),
            Self::Real(_) => (Physical::DOUBLE, None),
            Self::Text(_) => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        };
        let builder = Type::primitive_type_builder(name, physical).with_repetition(Repetition::OPTIONAL);
        builder.with_logical_type(logical).build().map(Arc::new)
    }

    fn write(self, group: &mut SerializedRowGroupWriter<'_, File>) -> Result<(), ParquetError> {
        match self {
            Self::Flags(cells) => column::<BoolType>(group, cells),
            Self::Whole(cells) => column::<Int64Type>(group, cells),
            Self::Real(cells) => column::<DoubleType>(group, cells),
            Self::Text(cells) => {
                let bytes = |text: String| ByteArray::from(text.into_bytes());
                column::<ByteArrayType>(group, cells.into_iter().map(|cell| cell.map(bytes)).collect())
            }
        }
    }
}

fn column<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, File>,
    cells: Vec<Option<T::T>>,
) -> Result<(), ParquetError> {
    let levels: Vec<i16> = cells.iter().map(|cell| i16::from(cell.is_some())).collect();
    let values: Vec<T::T> = cells.into_iter().flatten().collect();
    let mut column = group.next_column()?.ok_or_else(|| ParquetError::EOF("too few columns".into()))?;
    column.typed::<T>().write_batch(&values, Some(&levels), None)?;
    column.close()
}

pub(super) fn write(data: &Dataset, path: &Path) -> Result<(), SurrogateError> {
    let file = File::create(path).map_err(|source| EnvError::File { path: path.into(), source })?;
    let card = serde_json::to_string(&data.origin)?;
    let space = &data.origin.space;
    let designs: Vec<&Design> =
        data.designs.iter().chain(data.unmeasured.iter().map(|u| &u.design)).collect();
    let unmeasured = data.unmeasured.len();
    let mut cells: Vec<Cells> = (0..space.len())
        .map(|parameter| Cells::of(designs.iter().map(|design| space.value(design, parameter)).collect()))
        .collect();
    cells.extend((0..data.origin.metrics.len()).map(|metric| {
        let values = data.metrics.iter().map(|row| Some(row[metric]));
        Cells::Real(values.chain(std::iter::repeat_n(None, unmeasured)).collect())
    }));
    let feasible = std::iter::repeat_n(Some("feasible".to_string()), data.len());
    cells.push(Cells::Text(feasible.chain(data.unmeasured.iter().map(|u| Some(u.status.clone()))).collect()));
    let none = std::iter::repeat_n(None, data.len());
    cells.push(Cells::Text(none.chain(data.unmeasured.iter().map(|u| Some(u.reason.clone()))).collect()));
    let written = || -> Result<(), ParquetError> {
        let named = columns(&data.origin).into_iter().zip(&cells);
        let fields = named.map(|(name, cells)| cells.field(&name)).collect::<Result<Vec<_>, _>>()?;
        let schema = Type::group_type_builder("dataset").with_fields(fields).build()?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_key_value_metadata(Some(vec![KeyValue::new(CARD.to_string(), card)]));
        let mut writer = SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties.build()))?;
        let mut group = writer.next_row_group()?;
        cells.into_iter().try_for_each(|cells| cells.write(&mut group))?;
        group.close()?;
        writer.close().map(drop)
    };
    written()
        .map_err(|error| EnvError::File { path: path.into(), source: std::io::Error::other(error) }.into())
}

pub(super) fn read(path: &Path) -> Result<Dataset, SurrogateError> {
    let bad = |line: u64, message: String| SurrogateError::Data { path: path.into(), line, message };
    let damaged =
        |row: u64, error: ParquetError| bad(row, format!("the Parquet file does not read: {error}"));
    let file = File::open(path).map_err(|source| EnvError::File { path: path.into(), source })?;
    let reader = SerializedFileReader::new(file).map_err(|error| damaged(1, error))?;
    let about = reader.metadata().file_metadata();
    let entries = about.key_value_metadata().into_iter().flatten();
    let card = entries.filter(|entry| entry.key == CARD).find_map(|entry| entry.value.as_ref());
    let card = card.ok_or_else(|| {
        bad(1, format!("its footer has no data card `{CARD}`; make data sets with `hwgym dataset build`"))
    })?;
    let origin: Origin = serde_json::from_str(card)
        .map_err(|error| bad(1, format!("the data card does not read: {error}; build the data set again")))?;
    let found: Vec<String> = about.schema().get_fields().iter().map(|field| field.name().into()).collect();
    let expected = columns(&origin);
    if expected != found {
        return Err(bad(1, columns_differ(&expected, &found)));
    }
    let mut data = Dataset::empty(origin);
    for (row, record) in (1..).zip(reader.get_row_iter(None).map_err(|error| damaged(1, error))?) {
        let record = record.map_err(|error| damaged(row, error))?;
        let cells: Vec<String> = record.get_column_iter().map(|(_, field)| text(field)).collect();
        let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
        data.push(&cells).map_err(|message| bad(row, message))?;
    }
    Ok(data)
}

/// A cell as CSV has it.
fn text(field: &Field) -> String {
    match field {
        Field::Null => String::new(),
        Field::Str(text) => text.clone(),
        Field::Double(number) => number.to_string(),
        other => other.to_string(),
    }
}
