//! `table-v0`: measured designs in a table become an environment.
//!
//! Columns are parameters or metrics. A design that is listed has its row's metrics; one that is not is infeasible, or answers as the
//! nearest row does. The exact Pareto front and hypervolume of the table are known when it is loaded.
//!
//! The table of ICCAD 2022's contest C (15,633 BOOM cores, 28 varying knobs, performance, power and area; Apache-2.0, also inside the
//! Python package `iccad-contest`) has no header and columns separated by spaces. As an environment:
//!
//! ```ron
//! (file: "contest.csv.gz", header: false, lookup: NearestRow,
//!  metrics: [(column: "c30", name: "performance", direction: Maximise, standardise: true),
//!            (column: "c31", name: "power", direction: Minimise, standardise: true),
//!            (column: "c32", name: "area", direction: Minimise, standardise: true)],
//!  ignore: ["c33"])
//! ```

mod cells;
#[cfg(feature = "parquet")]
mod parquet;

use std::io::Read;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use self::cells::Cells;
use crate::pareto;
use crate::suggest::suggestion;
use crate::{
    Design, DesignSpace, Direction, Env, EnvEntry, EnvError, Fidelity, Goal, Metric, Objective, Options,
    Outcome,
};

/// Options of `table-v0`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TableSettings {
    /// The table: columns separated by commas, tabs, semicolons or spaces, `.gz` unpacked; or `.parquet`, flat columns, stored plainly or
    /// with Snappy, gzip or LZ4 (feature `parquet`). Empty: a small table that is built in.
    pub file: PathBuf,
    /// True if the first line names the columns; otherwise they are `c1`, `c2` and so on.
    pub header: bool,
    /// The metrics. Empty: the last column alone, minimised.
    pub metrics: Vec<TableMetric>,
    /// Columns that are neither parameters nor metrics.
    pub ignore: Vec<String>,
    /// Numeric columns without an order.
    pub categorical: Vec<String>,
    /// What a design outside the table answers.
    pub lookup: Lookup,
}

impl Default for TableSettings {
    fn default() -> Self {
        Self {
            file: PathBuf::new(),
            header: true,
            metrics: Vec::new(),
            ignore: Vec::new(),
            categorical: Vec::new(),
            lookup: Lookup::ListedOnly,
        }
    }
}

/// What a design outside the table answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Lookup {
    /// It is infeasible, by its distance to the nearest row.
    #[default]
    ListedOnly,
    /// What the nearest row says, by the distance of [`Listing`](crate::Listing). Of rows alike the first.
    NearestRow,
}

/// A column that is a metric.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableMetric {
    /// The column.
    pub column: String,
    /// Its name as a metric; the column's if left out.
    #[serde(default)]
    pub name: Option<String>,
    /// Which way it is better.
    pub direction: Direction,
    /// Its unit.
    #[serde(default = "one")]
    pub unit: String,
    /// Take off the column's mean and divide by its standard deviation.
    #[serde(default)]
    pub standardise: bool,
}

fn one() -> String {
    "1".into()
}

/// Recorded designs as an environment.
pub struct Table {
    settings: TableSettings,
    space: DesignSpace,
    metrics: Vec<Metric>,
    /// Metrics of the rows, flat.
    values: Vec<f64>,
    /// The first row of each listed design.
    rows: Vec<usize>,
    front: Vec<usize>,
    reference: Vec<f64>,
    hypervolume: f64,
    digest: String,
}

/// A table of 24 rows, so that the environment can be tried without a file.
const BUILT_IN: &str = "ways,size_kib,policy,energy_pj,miss_rate\n\
1,16,lru,21,0.112\n1,32,lru,27,0.081\n1,64,lru,38,0.060\n1,128,lru,57,0.047\n\
2,16,lru,24,0.091\n2,32,lru,30,0.066\n2,64,lru,41,0.049\n2,128,lru,60,0.038\n\
4,16,lru,30,0.079\n4,32,lru,36,0.057\n4,64,lru,47,0.042\n4,128,lru,66,0.033\n\
1,16,random,20,0.112\n1,32,random,26,0.081\n1,64,random,37,0.060\n1,128,random,56,0.047\n\
2,16,random,22,0.099\n2,32,random,28,0.073\n2,64,random,39,0.054\n2,128,random,58,0.042\n\
4,16,random,27,0.088\n4,32,random,33,0.064\n4,64,random,44,0.048\n4,128,random,63,0.037\n";

impl Table {
    /// Reads a table. Errors: a file that does not read, unknown columns, cells that are no numbers, with file and line.
    pub fn load(settings: TableSettings, folder: &Path) -> Result<Self, EnvError> {
        let mut settings = settings;
        let (place, bytes) = if settings.file.as_os_str().is_empty() {
            if settings.metrics.is_empty() {
                settings.metrics = ["energy_pj", "miss_rate"].map(built_in_metric).to_vec();
            }
            ("built-in table".to_string(), BUILT_IN.as_bytes().to_vec())
        } else {
            let path = folder.join(&settings.file);
            (path.display().to_string(), read(&path)?)
        };
        let cells = cells_of(&place, &bytes, settings.header)?;
        let digest = blake3::hash(&bytes).to_hex()[..16].to_string();
        Self::build(settings, &place, cells, digest)
    }

    fn build(settings: TableSettings, place: &str, cells: Cells, digest: String) -> Result<Self, EnvError> {
        let column = |name: &str| {
            cells.names.iter().position(|n| n == name).ok_or_else(|| {
                let hint = suggestion(name, &cells.names);
                EnvError::invalid("metrics", format!("{place} has no column `{name}`{hint}"))
            })
        };
        let mut settings = settings;
        if settings.metrics.is_empty() {
            let Some(last) = cells.names.last() else {
                return Err(place_error(place, 1, "the table is empty"));
            };
            settings.metrics = vec![built_in_metric(last)];
        }
        let mut used = vec![false; cells.names.len()];
        for name in &settings.ignore {
            used[column(name)?] = true;
        }
        let mut metrics = Vec::new();
        let mut columns = Vec::new();
        for metric in &settings.metrics {
            let index = column(&metric.column)?;
            used[index] = true;
            columns.push(cells.standardised(place, index, metric.standardise)?);
            metrics.push(Metric {
                name: metric.name.clone().unwrap_or_else(|| metric.column.clone()),
                unit: metric.unit.clone(),
                direction: metric.direction,
                definition: format!("column `{}` of the table", metric.column),
            });
        }
        for name in &settings.categorical {
            column(name)?;
        }
        let mut parameters = Vec::new();
        let mut coordinates_by_column = Vec::new();
        for index in (0..cells.names.len()).filter(|i| !used[*i]) {
            let categorical = settings.categorical.contains(&cells.names[index]);
            if let Some((parameter, coordinates)) = cells.parameter(index, categorical) {
                parameters.push(parameter);
                coordinates_by_column.push(coordinates);
            }
        }
        if parameters.is_empty() {
            return Err(EnvError::invalid("file", format!("{place}: no column varies that is not a metric")));
        }
        let space = DesignSpace::new(parameters)?;
        let rows = cells.rows.len();
        let values: Vec<f64> = (0..rows).flat_map(|row| columns.iter().map(move |c| c[row])).collect();
        let design = |row: usize| -> Design {
            Design::new(coordinates_by_column.iter().map(|c: &Vec<f64>| c[row]).collect::<Vec<f64>>())
        };
        let space = space.with_listed((0..rows).map(design).collect())?;
        let mut first_rows = Vec::new();
        if let Some(listing) = space.listing() {
            for row in 0..rows {
                // Designs are listed in the order of their first rows.
                if listing.position(&design(row)) == Some(first_rows.len()) {
                    first_rows.push(row);
                }
            }
        }
        let sign = |m: &Metric| if m.direction == Direction::Maximise { 1.0 } else { -1.0 };
        let rewards: Vec<Vec<f64>> = values
            .chunks_exact(metrics.len())
            .map(|row| row.iter().zip(&metrics).map(|(v, m)| sign(m) * v).collect())
            .collect();
        let front = pareto::front(&rewards);
        let standardised = settings.metrics.iter().all(|m| m.standardise);
        let reference: Vec<f64> = (0..metrics.len())
            .map(|k| {
                let of = |row: &Vec<f64>| row[k];
                let (low, high) = (
                    rewards.iter().map(of).fold(f64::INFINITY, f64::min),
                    rewards.iter().map(of).fold(f64::NEG_INFINITY, f64::max),
                );
                // Standardised columns: 1.1 times the largest magnitude; otherwise a tenth of the range below the worst.
                if standardised {
                    -1.1 * low.abs().max(high.abs())
                } else {
                    low - 0.1 * (high - low).max(1e-12)
                }
            })
            .collect();
        let best: Vec<Vec<f64>> = front.iter().map(|row| rewards[*row].clone()).collect();
        let hypervolume = pareto::hypervolume(&best, &reference);
        let reference = reference.iter().zip(&metrics).map(|(r, m)| sign(m) * r).collect();
        Ok(Self { settings, space, metrics, values, rows: first_rows, front, reference, hypervolume, digest })
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.values.len() / self.metrics.len()
    }

    /// True for a table without rows, which cannot be loaded.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The metrics of a row.
    pub fn row(&self, row: usize) -> Option<&[f64]> {
        self.values.chunks_exact(self.metrics.len()).nth(row)
    }

    /// Rows that no other dominates in all metrics.
    pub fn front(&self) -> &[usize] {
        &self.front
    }

    /// The reference point of [`hypervolume`](Self::hypervolume), in the metrics' own units.
    pub fn reference(&self) -> &[f64] {
        &self.reference
    }

    /// The exact hypervolume of the table's front: what no search can exceed.
    pub fn hypervolume(&self) -> f64 {
        self.hypervolume
    }
}

impl Env for Table {
    fn id(&self) -> &str {
        "table-v0"
    }

    fn space(&self) -> &DesignSpace {
        &self.space
    }

    fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    fn evaluate(&self, design: &Design, _: Fidelity) -> Outcome {
        let Some(listing) = self.space.listing() else { return Outcome::failed("a table without rows") };
        let (position, distance) = listing.nearest(design);
        if distance > 0.0 && self.settings.lookup == Lookup::ListedOnly {
            return Outcome::infeasible("the design is not in the table", distance);
        }
        let row = self.rows[position];
        self.row(row).map_or_else(|| Outcome::failed("a row beyond the table"), Outcome::feasible)
    }

    fn objectives(&self) -> Vec<Objective> {
        let goal = |m: &Metric| Goal::Optimise(m.name.clone());
        let mut all: Vec<Objective> =
            self.metrics.iter().map(|m| Objective::new(&m.name, vec![goal(m)])).collect();
        if self.metrics.len() > 1 {
            let goals = self.metrics.iter().map(goal).collect();
            all.push(Objective::new("pareto", goals).with_reference(self.reference.clone()));
        }
        all
    }

    fn provenance(&self) -> Vec<(String, String)> {
        vec![
            ("table".into(), self.settings.file.display().to_string()),
            ("digest".into(), self.digest.clone()),
            ("rows".into(), self.len().to_string()),
            ("front".into(), self.front.len().to_string()),
            ("hypervolume".into(), self.hypervolume.to_string()),
        ]
    }
}

fn built_in_metric(column: &str) -> TableMetric {
    TableMetric {
        column: column.into(),
        name: None,
        direction: Direction::Minimise,
        unit: one(),
        standardise: false,
    }
}

fn read(path: &Path) -> Result<Vec<u8>, EnvError> {
    let failed = |source| EnvError::File { path: path.into(), source };
    let bytes = std::fs::read(path).map_err(failed)?;
    if path.extension().is_some_and(|e| e == "gz") {
        let mut unpacked = Vec::new();
        flate2::read::MultiGzDecoder::new(&bytes[..]).read_to_end(&mut unpacked).map_err(failed)?;
        return Ok(unpacked);
    }
    Ok(bytes)
}

/// The cells of a file's contents: Parquet, which begins with its mark, or text.
fn cells_of(place: &str, bytes: &[u8], header: bool) -> Result<Cells, EnvError> {
    if bytes.starts_with(b"PAR1") {
        #[cfg(feature = "parquet")]
        return parquet::cells(place, bytes);
        #[cfg(not(feature = "parquet"))]
        return Err(place_error(
            place,
            1,
            "the table is Parquet, which this program was built without: build it with `--features parquet`, or write the table as CSV",
        ));
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|_| place_error(place, 1, "the table is neither UTF-8 text nor Parquet"))?;
    Cells::parse(place, text, header)
}

fn place_error(place: &str, line: usize, message: impl ToString) -> EnvError {
    EnvError::Options { location: format!("{place}:{line}:1"), message: message.to_string() }
}

pub(crate) fn entry() -> EnvEntry {
    EnvEntry::new("table-v0", "measured designs in a table, CSV or Parquet", |options: &Options| {
        let settings: TableSettings = options.parse()?;
        options.note_if_file(&settings.file);
        Ok(Box::new(Table::load(settings, &options.folder())?))
    })
    .option("file", "\"\"", "the table (`.gz` is unpacked); a small one is built in")
    .option("header", "true", "the first line names the columns")
    .option("metrics", "[]", "metric columns: (column: \"power\", direction: Minimise, standardise: false)")
    .option("ignore", "[]", "columns that are neither parameters nor metrics")
    .option("categorical", "[]", "numeric columns without an order")
    .option("lookup", "ListedOnly", "designs outside the table: ListedOnly or NearestRow")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small(lookup: Lookup) -> Result<Table, EnvError> {
        Table::load(TableSettings { lookup, ..TableSettings::default() }, Path::new(""))
    }

    #[test]
    fn the_built_in_table_knows_its_front() -> Result<(), EnvError> {
        let table = small(Lookup::ListedOnly)?;
        assert_eq!(table.len(), 24);
        for row in table.front() {
            let dominated = (0..24).any(|other| match (table.row(other), table.row(*row)) {
                (Some(a), Some(b)) => a != b && a.iter().zip(b).all(|(a, b)| a <= b),
                _ => false,
            });
            assert!(!dominated);
        }
        assert!(table.hypervolume() > 0.0);
        Ok(())
    }

    #[test]
    fn the_space_of_a_table_is_its_rows() -> Result<(), EnvError> {
        let table = Table::load(
            TableSettings { lookup: Lookup::ListedOnly, ..TableSettings::default() },
            Path::new(""),
        )?;
        let space = table.space();
        assert_eq!(space.designs().count(), 24);
        let mut random = crate::Random::new(1);
        for _ in 0..50 {
            let design = space.sample(&mut random);
            assert_eq!(table.evaluate(&design, Fidelity::FULL).status(), "feasible");
        }
        Ok(())
    }

    #[test]
    fn a_design_outside_the_table_is_infeasible_or_like_its_neighbour() -> Result<(), EnvError> {
        let folder = std::env::temp_dir().join(format!("hwgym-table-{}", std::process::id()));
        std::fs::create_dir_all(&folder).map_err(|source| EnvError::File { path: folder.clone(), source })?;
        let path = folder.join("t.csv");
        std::fs::write(&path, "a b y\n0 0 5\n1 1 7\n2 0 9\n")
            .map_err(|source| EnvError::File { path: path.clone(), source })?;
        let load = |lookup| {
            Table::load(TableSettings { file: "t.csv".into(), lookup, ..TableSettings::default() }, &folder)
        };
        let listed = load(Lookup::ListedOnly)?;
        let absent = Design::new(vec![0.0, 1.0]);
        let mut meant = absent.clone();
        listed.space().canonicalise(&mut meant);
        assert_eq!(meant, Design::new(vec![1.0, 1.0]));
        assert_eq!(listed.evaluate(&absent, Fidelity::FULL).status(), "infeasible");
        let nearest = load(Lookup::NearestRow)?;
        assert_eq!(nearest.evaluate(&absent, Fidelity::FULL).metrics(), Some(&[7.0][..]));
        std::fs::write(&path, "a b y\n0 0 five\n")
            .map_err(|source| EnvError::File { path: path.clone(), source })?;
        let message = load(Lookup::NearestRow).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(message.contains("t.csv:2:1") && message.contains("`five`"), "{message}");
        std::fs::remove_dir_all(&folder).map_err(|source| EnvError::File { path: folder, source })?;
        Ok(())
    }
}
