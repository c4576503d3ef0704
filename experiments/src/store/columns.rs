//! Records as columns: what a block of them takes on disk.
//!
//! Every parameter, metric and reward of the records is one column. A column of real numbers is constant, a copy of an earlier one, its
//! negative (a reward is often a metric with a sign), whole nanoseconds, or eight bytes a number; one of whole numbers has one byte for small
//! ones; anything else is a dictionary of JSON texts. Records of another shape than the first of the block (an infeasible outcome among
//! feasible ones) keep that part as JSON in a dictionary. What is decoded equals what was encoded, to the last bit.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::{Record, Wall};

/// Records on their way into a block, one after the other by their numbers.
#[derive(Default)]
pub(super) struct Columns {
    count: usize,
    first: usize,
    designs: Table,
    metrics: Table,
    rewards: Lists,
    fidelities: Dictionary,
    violations: Vec<f64>,
    evaluation_s: Vec<f64>,
    at_s: Vec<f64>,
}

impl Columns {
    /// Number of records.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Number of the first evaluation.
    pub fn first(&self) -> usize {
        self.first
    }

    /// Adds the next record. Errors: a value that is no JSON.
    pub fn push(&mut self, record: &Record) -> serde_json::Result<()> {
        if self.count == 0 {
            self.first = record.evaluation;
        }
        self.count += 1;
        self.designs.push(Some(&record.design), &record.design)?;
        self.metrics.push(metrics(&record.outcome), &record.outcome)?;
        self.rewards.push(&record.rewards)?;
        match &record.fidelity {
            None => self.fidelities.push("null".into()),
            Some(level) => self.fidelities.push(serde_json::to_string(level)?),
        }
        self.violations.push(record.violation);
        self.evaluation_s.push(record.wall.evaluation_s);
        self.at_s.push(record.wall.at_s);
        Ok(())
    }

    /// The bytes of all of them. Errors: names that are no JSON.
    pub fn encode(&self) -> serde_json::Result<Vec<u8>> {
        let mut out = Writer::default();
        out.varint(self.count as u64);
        out.varint(self.first as u64);
        out.table(&self.designs)?;
        out.table(&self.metrics)?;
        out.varint(self.rewards.columns.len() as u64);
        out.flags(&self.rewards.regular);
        self.rewards.columns.iter().for_each(|column| out.floats(column));
        out.dictionary(&self.rewards.other);
        out.dictionary(&self.fidelities);
        out.floats(&self.violations);
        out.floats(&self.evaluation_s);
        out.floats(&self.at_s);
        Ok(out.bytes)
    }
}

/// Objects with the same names in the same order as columns, and all others as JSON.
#[derive(Default)]
struct Table {
    names: Vec<String>,
    regular: Vec<bool>,
    columns: Vec<Column>,
    other: Dictionary,
}

impl Table {
    /// Adds the members of an object, or the whole in JSON where there is none or it has other names.
    fn push(
        &mut self,
        members: Option<&Map<String, Value>>,
        whole: &impl serde::Serialize,
    ) -> serde_json::Result<()> {
        let members = members.filter(|members| !members.is_empty());
        if let (true, Some(members)) = (self.names.is_empty(), members) {
            self.names = members.keys().cloned().collect();
            self.columns = members.keys().map(|_| Column::Floats(Vec::new())).collect();
        }
        let fits = members.filter(|members| members.keys().eq(self.names.iter()));
        self.regular.push(fits.is_some());
        match fits {
            Some(members) => {
                self.columns.iter_mut().zip(members.values()).try_for_each(|(column, cell)| column.push(cell))
            }
            None => {
                self.other.push(serde_json::to_string(whole)?);
                Ok(())
            }
        }
    }
}

/// Lists of as many numbers as the first that is not empty, and all others as JSON.
#[derive(Default)]
struct Lists {
    regular: Vec<bool>,
    columns: Vec<Vec<f64>>,
    other: Dictionary,
}

impl Lists {
    fn push(&mut self, list: &[f64]) -> serde_json::Result<()> {
        if self.columns.is_empty() {
            self.columns = vec![Vec::new(); list.len()];
        }
        let fits = !list.is_empty() && list.len() == self.columns.len();
        self.regular.push(fits);
        if fits {
            self.columns.iter_mut().zip(list).for_each(|(column, number)| column.push(*number));
        } else {
            self.other.push(serde_json::to_string(list)?);
        }
        Ok(())
    }
}

/// One column of an object: of one kind as long as its cells are.
enum Column {
    Floats(Vec<f64>),
    Whole(Vec<i64>),
    Texts(Dictionary),
}

impl Column {
    fn push(&mut self, cell: &Value) -> serde_json::Result<()> {
        let real = if cell.is_f64() { cell.as_f64() } else { None };
        match (&mut *self, real, cell.as_i64()) {
            (Self::Floats(column), Some(number), _) => column.push(number),
            (Self::Floats(column), None, Some(number)) if column.is_empty() => {
                *self = Self::Whole(vec![number])
            }
            (Self::Whole(column), _, Some(number)) => column.push(number),
            (Self::Texts(column), ..) => column.push(serde_json::to_string(cell)?),
            (Self::Floats(_) | Self::Whole(_), ..) => {
                let mut texts = Dictionary::default();
                match self {
                    Self::Floats(column) => {
                        column
                            .iter()
                            .try_for_each(|n| serde_json::to_string(n).map(|text| texts.push(text)))?;
                    }
                    Self::Whole(column) => column.iter().for_each(|number| texts.push(number.to_string())),
                    Self::Texts(_) => {}
                }
                texts.push(serde_json::to_string(cell)?);
                *self = Self::Texts(texts);
            }
        }
        Ok(())
    }
}

/// Distinct JSON texts, and the place of each row among them.
#[derive(Default)]
struct Dictionary {
    places: HashMap<String, u64>,
    texts: Vec<String>,
    rows: Vec<u64>,
}

impl Dictionary {
    fn push(&mut self, text: String) {
        if let Some(last) = self.rows.last().copied().filter(|last| self.texts[*last as usize] == text) {
            return self.rows.push(last);
        }
        let next = self.texts.len() as u64;
        let place = match self.places.get(&text) {
            Some(place) => *place,
            None => {
                self.places.insert(text.clone(), next);
                self.texts.push(text);
                next
            }
        };
        self.rows.push(place);
    }
}

/// The records of a block, made one by one.
pub(super) struct Decoded {
    next: usize,
    first: usize,
    designs: Cells,
    keep_designs: bool,
    metrics: Cells,
    rewards: Vec<std::vec::IntoIter<f64>>,
    regular: Vec<bool>,
    other_rewards: std::vec::IntoIter<Vec<f64>>,
    fidelities: Vec<Option<hwgym_envs::FidelityLevel>>,
    violations: Vec<f64>,
    evaluation_s: Vec<f64>,
    at_s: Vec<f64>,
}

/// The rows of a table that was read.
struct Cells {
    names: Vec<String>,
    regular: Vec<bool>,
    columns: Vec<std::vec::IntoIter<Value>>,
    other: std::vec::IntoIter<Value>,
}

impl Cells {
    /// The next row: its members if it is regular, or the whole.
    fn take(&mut self, row: usize) -> Result<Map<String, Value>, Value> {
        if !self.regular[row] {
            return Err(self.other.next().unwrap_or_default());
        }
        let cell = |(name, cells): (&String, &mut std::vec::IntoIter<Value>)| {
            (name.clone(), cells.next().unwrap_or_default())
        };
        Ok(self.names.iter().zip(&mut self.columns).map(cell).collect())
    }
}

impl Decoded {
    /// Number of records, and of the first evaluation.
    pub fn size(&self) -> (usize, usize) {
        (self.violations.len(), self.first)
    }
}

impl Iterator for Decoded {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        let row = self.next;
        let violation = *self.violations.get(row)?;
        self.next += 1;
        let design = if self.keep_designs {
            match self.designs.take(row) {
                Ok(design) => design,
                Err(Value::Object(design)) => design,
                Err(_) => Map::new(),
            }
        } else {
            Map::new()
        };
        let outcome = match self.metrics.take(row) {
            Ok(metrics) => {
                let mut outcome = Map::new();
                outcome.insert("status".into(), "feasible".into());
                outcome.insert("metrics".into(), metrics.into());
                outcome.into()
            }
            Err(whole) => whole,
        };
        let rewards = if self.regular[row] {
            self.rewards.iter_mut().filter_map(Iterator::next).collect()
        } else {
            self.other_rewards.next().unwrap_or_default()
        };
        Some(Record {
            evaluation: self.first + row,
            fidelity: self.fidelities[row].clone(),
            design,
            outcome,
            rewards,
            violation,
            wall: Wall { evaluation_s: self.evaluation_s[row], at_s: self.at_s[row] },
        })
    }
}

/// The records of [`Columns::encode`]; without `designs` they have none, which saves work. Errors: bytes that are no records, in words.
pub(super) fn decode(bytes: &[u8], designs: bool) -> Result<Decoded, String> {
    let mut from = Reader { bytes, floats: Vec::new() };
    let count = usize::try_from(from.varint()?).map_err(|error| error.to_string())?;
    let first = from.varint()? as usize;
    if count > MOST {
        return Err(format!("a block of {count} records"));
    }
    let designs_table = from.table(count)?;
    let metrics = from.table(count)?;
    let goals = from.varint()? as usize;
    let regular = from.flags(count)?;
    let rows = regular.iter().filter(|r| **r).count();
    let rewards = (0..goals).map(|_| from.floats(rows)).collect::<Result<Vec<_>, _>>()?;
    let other_rewards: Vec<Vec<f64>> = from
        .dictionary(count - rows)?
        .into_iter()
        .map(|list| serde_json::from_value(list).map_err(|error| error.to_string()))
        .collect::<Result<_, _>>()?;
    let fidelities = from
        .dictionary(count)?
        .into_iter()
        .map(|level| serde_json::from_value(level).map_err(|error| error.to_string()))
        .collect::<Result<_, _>>()?;
    let violations = from.floats(count)?;
    let (evaluation_s, at_s) = (from.floats(count)?, from.floats(count)?);
    if !from.bytes.is_empty() {
        return Err("bytes after the last column".into());
    }
    Ok(Decoded {
        next: 0,
        first,
        designs: designs_table,
        keep_designs: designs,
        metrics,
        rewards: rewards.into_iter().map(Vec::into_iter).collect(),
        regular,
        other_rewards: other_rewards.into_iter(),
        fidelities,
        violations,
        evaluation_s,
        at_s,
    })
}

/// Records of a block at most: more says that the bytes are not what was written.
const MOST: usize = 1 << 20;

/// The metrics of an outcome that is feasible and holds nothing else.
fn metrics(outcome: &Value) -> Option<&Map<String, Value>> {
    let mut members = outcome.as_object()?.iter();
    let status =
        members.next().filter(|(name, value)| *name == "status" && value.as_str() == Some("feasible"));
    let metrics = members.next().filter(|(name, _)| *name == "metrics");
    if members.next().is_some() {
        return None;
    }
    status.and(metrics)?.1.as_object()
}

const RAW: u8 = 0;
const CONSTANT: u8 = 1;
const COPY: u8 = 2;
const NEGATIVE: u8 = 3;
const NANOSECONDS: u8 = 4;

const FLOATS: u8 = 0;
const WHOLE: u8 = 1;
const TEXTS: u8 = 2;

#[derive(Default)]
struct Writer {
    bytes: Vec<u8>,
    /// Columns of real numbers so far.
    floats: Vec<Vec<f64>>,
}

impl Writer {
    fn table(&mut self, table: &Table) -> serde_json::Result<()> {
        self.json(&table.names)?;
        self.flags(&table.regular);
        for column in &table.columns {
            match column {
                Column::Floats(numbers) => {
                    self.bytes.push(FLOATS);
                    self.floats(numbers);
                }
                Column::Whole(numbers) => {
                    self.bytes.push(WHOLE);
                    numbers.iter().for_each(|number| self.signed(*number));
                }
                Column::Texts(texts) => {
                    self.bytes.push(TEXTS);
                    self.dictionary(texts);
                }
            }
        }
        self.dictionary(&table.other);
        Ok(())
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    fn signed(&mut self, value: i64) {
        self.varint(((value << 1) ^ (value >> 63)) as u64);
    }

    fn json(&mut self, value: &impl serde::Serialize) -> serde_json::Result<()> {
        let text = serde_json::to_vec(value)?;
        self.varint(text.len() as u64);
        self.bytes.extend(text);
        Ok(())
    }

    /// Which of the records have the shape of the first: one byte if all have it.
    fn flags(&mut self, regular: &[bool]) {
        let all = regular.iter().all(|regular| *regular);
        self.bytes.push(u8::from(all));
        if !all {
            self.bytes.extend(regular.iter().map(|regular| u8::from(*regular)));
        }
    }

    fn floats(&mut self, numbers: &[f64]) {
        let same = |a: f64, b: f64| a.to_bits() == b.to_bits();
        let is = |column: &Vec<f64>, sign: f64| {
            column.len() == numbers.len() && column.iter().zip(numbers).all(|(a, b)| same(sign * a, *b))
        };
        if numbers.windows(2).all(|pair| same(pair[0], pair[1])) {
            self.bytes.push(CONSTANT);
            self.bytes.extend(numbers.first().copied().unwrap_or(0.0).to_le_bytes());
        } else if let Some(place) = self.floats.iter().position(|column| is(column, 1.0)) {
            self.bytes.push(COPY);
            self.varint(place as u64);
        } else if let Some(place) = self.floats.iter().position(|column| is(column, -1.0)) {
            self.bytes.push(NEGATIVE);
            self.varint(place as u64);
        } else if let Some(whole) = numbers.iter().map(|s| nanoseconds(*s)).collect::<Option<Vec<i64>>>() {
            self.bytes.push(NANOSECONDS);
            let mut last = 0;
            for number in whole {
                self.signed(number - last);
                last = number;
            }
        } else {
            self.bytes.push(RAW);
            numbers.iter().for_each(|number| self.bytes.extend(number.to_le_bytes()));
        }
        self.floats.push(numbers.to_vec());
    }

    /// Distinct values as JSON, then the place of each.
    fn dictionary(&mut self, dictionary: &Dictionary) {
        self.varint(dictionary.texts.len() as u64);
        for text in &dictionary.texts {
            self.varint(text.len() as u64);
            self.bytes.extend(text.bytes());
        }
        // One value, or none: no places.
        if dictionary.texts.len() > 1 {
            dictionary.rows.iter().for_each(|row| self.varint(*row));
        }
    }
}

/// The time in whole nanoseconds, if [`seconds`] gives it back; `None` for all that is no time of a clock.
fn nanoseconds(time_s: f64) -> Option<i64> {
    if !(0.0..1e9).contains(&time_s) {
        return None;
    }
    let whole = time_s.trunc();
    let number = whole as i64 * 1_000_000_000 + ((time_s - whole) * 1e9).round() as i64;
    (seconds(number).to_bits() == time_s.to_bits()).then_some(number)
}

/// As `Duration::as_secs_f64` adds them.
fn seconds(nanoseconds: i64) -> f64 {
    (nanoseconds / 1_000_000_000) as f64 + (nanoseconds % 1_000_000_000) as f64 / 1e9
}

struct Reader<'a> {
    bytes: &'a [u8],
    floats: Vec<Vec<f64>>,
}

impl Reader<'_> {
    fn take(&mut self, count: usize) -> Result<&[u8], String> {
        let (head, tail) = self.bytes.split_at_checked(count).ok_or("the block ends too early")?;
        self.bytes = tail;
        Ok(head)
    }

    fn byte(&mut self) -> Result<u8, String> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn varint(&mut self) -> Result<u64, String> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err("a number that does not end".into())
    }

    fn signed(&mut self) -> Result<i64, String> {
        let value = self.varint()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    fn json<T: serde::de::DeserializeOwned>(&mut self) -> Result<T, String> {
        let length = self.varint()? as usize;
        serde_json::from_slice(self.take(length)?).map_err(|error| error.to_string())
    }

    fn table(&mut self, count: usize) -> Result<Cells, String> {
        let names: Vec<String> = self.json()?;
        let regular = self.flags(count)?;
        let rows = regular.iter().filter(|r| **r).count();
        let columns = names.iter().map(|_| self.values(rows)).collect::<Result<Vec<_>, _>>()?;
        let other = self.dictionary(count - rows)?;
        Ok(Cells {
            names,
            regular,
            columns: columns.into_iter().map(Vec::into_iter).collect(),
            other: other.into_iter(),
        })
    }

    fn flags(&mut self, count: usize) -> Result<Vec<bool>, String> {
        if self.byte()? == 1 {
            return Ok(vec![true; count]);
        }
        Ok(self.take(count)?.iter().map(|flag| *flag == 1).collect())
    }

    fn values(&mut self, count: usize) -> Result<Vec<Value>, String> {
        Ok(match self.byte()? {
            FLOATS => self.floats(count)?.into_iter().map(Value::from).collect(),
            WHOLE => (0..count).map(|_| self.signed().map(Value::from)).collect::<Result<_, _>>()?,
            TEXTS => self.dictionary(count)?,
            other => return Err(format!("a column of kind {other}")),
        })
    }

    fn floats(&mut self, count: usize) -> Result<Vec<f64>, String> {
        let number = |bytes: &[u8]| f64::from_le_bytes(bytes.try_into().unwrap_or_default());
        let column = match self.byte()? {
            RAW => self.take(8 * count)?.chunks_exact(8).map(number).collect(),
            CONSTANT => vec![number(self.take(8)?); count],
            kind @ (COPY | NEGATIVE) => {
                let place = self.varint()? as usize;
                let earlier = self.floats.get(place).filter(|column| column.len() == count);
                let sign = if kind == COPY { 1.0 } else { -1.0 };
                earlier.ok_or("a copy of no column")?.iter().map(|number| sign * number).collect()
            }
            NANOSECONDS => {
                let mut last = 0i64;
                let mut column = Vec::with_capacity(count);
                for _ in 0..count {
                    last = last.wrapping_add(self.signed()?);
                    column.push(seconds(last));
                }
                column
            }
            other => return Err(format!("real numbers of kind {other}")),
        };
        self.floats.push(Vec::clone(&column));
        Ok(column)
    }

    fn dictionary(&mut self, count: usize) -> Result<Vec<Value>, String> {
        let distinct = self.varint()? as usize;
        let texts = (0..distinct.min(MOST)).map(|_| self.json()).collect::<Result<Vec<Value>, _>>()?;
        if let [one] = &texts[..] {
            return Ok(vec![one.clone(); count]);
        }
        let place = |reader: &mut Self| {
            let place = reader.varint()? as usize;
            texts.get(place).cloned().ok_or_else(|| "a value that is in no list".to_string())
        };
        (0..count).map(|_| place(self)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn cell() -> impl Strategy<Value = Value> {
        prop_oneof![
            any::<f64>().prop_filter("JSON has finite numbers", |n| n.is_finite()).prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<bool>().prop_map(Value::from),
            "[a-zé\"]{0,4}".prop_map(Value::from),
            Just(Value::Null),
        ]
    }

    fn encode(records: &[Record]) -> Vec<u8> {
        let mut columns = Columns::default();
        records.iter().try_for_each(|record| columns.push(record)).unwrap();
        columns.encode().unwrap()
    }

    /// Columns of one kind are the rule, and those of mixed ones the exception.
    fn record() -> impl Strategy<Value = Record> {
        let design = prop_oneof![
            4 => (0.0..1.0f64, -5i64..200, cell())
                .prop_map(|(x, n, any)| json!({ "x": x, "n": n, "any": any })),
            1 => Just(json!({})),
            1 => cell().prop_map(|any| json!({ "other": any })),
        ];
        let outcome = prop_oneof![
            4 => (-1e9..1e9f64).prop_map(|y| json!({ "status": "feasible", "metrics": { "y": y } })),
            1 => Just(json!({ "status": "infeasible", "constraint": "area", "amount": 0.25 })),
            1 => cell().prop_map(|any| json!({ "status": "failed", "reason": any, "log": "" })),
        ];
        let rewards = prop::collection::vec(-1e3..1e3f64, 0..3);
        let level = prop::option::of(Just(0.1f64));
        (design, outcome, rewards, level, 0u64..5_000_000_000, any::<bool>()).prop_map(
            |(design, outcome, rewards, level, time, broken)| Record {
                evaluation: 0,
                fidelity: level.map(|cost| {
                    serde_json::from_value(json!({ "name": "low", "relative_cost": cost }))
                        .unwrap_or_else(|e| panic!("{e}"))
                }),
                design: design.as_object().cloned().unwrap_or_default(),
                outcome,
                rewards,
                violation: if broken { 0.5 } else { 0.0 },
                wall: Wall {
                    evaluation_s: std::time::Duration::from_nanos(time).as_secs_f64(),
                    at_s: time as f64 / 3.0,
                },
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_decoded_is_what_was_encoded(
            mut records in prop::collection::vec(record(), 1..30), first in 1usize..10_000_000,
        ) {
            for (index, record) in records.iter_mut().enumerate() {
                record.evaluation = first + index;
            }
            let bytes = encode(&records);
            let again: Vec<Record> = decode(&bytes, true).unwrap().collect();
            prop_assert_eq!(serde_json::to_string(&again).unwrap(), serde_json::to_string(&records).unwrap());
            let bare: Vec<Record> = decode(&bytes, false).unwrap().collect();
            for record in &mut records {
                record.design.clear();
            }
            prop_assert_eq!(bare, records);
        }

        #[test]
        fn no_bytes_bring_it_down(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(records) = decode(&bytes, true) {
                let _ = records.count();
            }
        }
    }

    #[test]
    fn a_reward_that_is_a_metric_takes_no_place() {
        let record = |n: usize| Record {
            evaluation: n,
            fidelity: None,
            design: json!({ "x": (n as f64).sqrt() }).as_object().cloned().unwrap_or_default(),
            outcome: json!({ "status": "feasible", "metrics": { "y": (n as f64).sin() } }),
            rewards: vec![-(n as f64).sin()],
            violation: 0.0,
            wall: Wall { evaluation_s: 1e-6, at_s: 0.5 },
        };
        let records: Vec<Record> = (1..=1000).map(record).collect();
        let bytes = encode(&records);
        assert!(bytes.len() < 16 * 1000 + 200, "{}", bytes.len());
    }
}
