//! Parquet: all columns optional, groups of 16,384 rows, Snappy; the manifest of the study stands in the footer as `hwgym.manifest`.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::Type;

use super::table::{Cell, Column, Kind, Sink, part};
use crate::StudyError;
use crate::store::Manifest;

/// Rows of a group.
const GROUP: usize = 16_384;

/// A Parquet file.
pub(super) struct ParquetTable {
    path: PathBuf,
    writer: SerializedFileWriter<File>,
    columns: Vec<Column>,
    /// The cells of the group so far, column by column.
    cells: Vec<Vec<Cell>>,
}

impl ParquetTable {
    pub fn new(path: &Path, columns: Vec<Column>, manifest: &Manifest) -> Result<Self, StudyError> {
        let file = File::create(part(path)).map_err(|error| StudyError::file(path, error))?;
        let open = || -> Result<SerializedFileWriter<File>, ParquetError> {
            let fields = columns.iter().map(field).collect::<Result<Vec<_>, _>>()?;
            let schema = Type::group_type_builder("evaluations").with_fields(fields).build()?;
            let manifest = serde_json::to_string(manifest).ok();
            let properties = WriterProperties::builder()
                .set_compression(Compression::SNAPPY)
                .set_key_value_metadata(Some(vec![KeyValue::new("hwgym.manifest".to_string(), manifest)]));
            SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties.build()))
        };
        let writer = open().map_err(|error| failed(path, error))?;
        let cells = vec![Vec::new(); columns.len()];
        Ok(Self { path: path.into(), writer, columns, cells })
    }

    fn write_group(&mut self) -> Result<(), ParquetError> {
        if self.cells.first().is_none_or(Vec::is_empty) {
            return Ok(());
        }
        let mut group = self.writer.next_row_group()?;
        for (column, cells) in self.columns.iter().zip(&mut self.cells) {
            let mut writer = group.next_column()?.ok_or_else(|| ParquetError::EOF(column.name.clone()))?;
            let cells = std::mem::take(cells);
            match column.kind {
                Kind::Flag => write::<BoolType>(&mut writer, cells, |cell| match cell {
                    Cell::Flag(flag) => Some(flag),
                    _ => None,
                }),
                Kind::Whole => write::<Int64Type>(&mut writer, cells, |cell| match cell {
                    Cell::Whole(number) => Some(number),
                    _ => None,
                }),
                Kind::Real => write::<DoubleType>(&mut writer, cells, |cell| match cell {
                    Cell::Real(number) => Some(number),
                    _ => None,
                }),
                Kind::Text | Kind::Unknown => write::<ByteArrayType>(&mut writer, cells, |cell| match cell {
                    Cell::Text(text) => Some(ByteArray::from(text.into_bytes())),
                    _ => None,
                }),
            }?;
            writer.close()?;
        }
        group.close()?;
        Ok(())
    }
}

fn failed(path: &Path, error: ParquetError) -> StudyError {
    StudyError::file(path, std::io::Error::other(error))
}

fn field(column: &Column) -> Result<Arc<Type>, ParquetError> {
    let (physical, logical) = match column.kind {
        Kind::Flag => (Physical::BOOLEAN, None),
        Kind::Whole => (Physical::INT64, None),
        Kind::Real => (Physical::DOUBLE, None),
        Kind::Text | Kind::Unknown => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
    };
    let builder = Type::primitive_type_builder(&column.name, physical).with_repetition(Repetition::OPTIONAL);
    builder.with_logical_type(logical).build().map(Arc::new)
}

fn write<T: DataType>(
    writer: &mut SerializedColumnWriter,
    cells: Vec<Cell>,
    value: impl Fn(Cell) -> Option<T::T>,
) -> Result<(), ParquetError> {
    let mut levels = Vec::with_capacity(cells.len());
    let mut values = Vec::with_capacity(cells.len());
    for cell in cells {
        let value = value(cell);
        levels.push(i16::from(value.is_some()));
        values.extend(value);
    }
    writer.typed::<T>().write_batch(&values, Some(&levels), None).map(drop)
}

impl Sink for ParquetTable {
    fn row(&mut self, cells: Vec<Cell>) -> Result<(), StudyError> {
        self.cells.iter_mut().zip(cells).for_each(|(column, cell)| column.push(cell));
        if self.cells.first().is_some_and(|column| column.len() >= GROUP) {
            self.write_group().map_err(|error| failed(&self.path, error))?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<(), StudyError> {
        self.write_group().map_err(|error| failed(&self.path, error))?;
        self.writer.close().map_err(|error| failed(&self.path, error))?;
        std::fs::rename(part(&self.path), &self.path).map_err(|error| StudyError::file(&self.path, error))
    }
}
