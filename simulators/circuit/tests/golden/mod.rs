//! Golden data of ngspice 39: from the compressed copy in the repository, or in full from the folder named by `HWGYM_GOLDEN_CIRCUIT`.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use hwgym_circuit::measure::amplifier::Step;

/// Files by path, and where they come from.
pub struct Golden {
    files: BTreeMap<String, String>,
    full: bool,
}

impl Golden {
    pub fn open() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let full = std::env::var_os("HWGYM_GOLDEN_CIRCUIT").map(PathBuf::from);
        if let Some(folder) = full {
            let mut files = BTreeMap::new();
            collect(&folder, &folder, &mut files);
            return Self { files, full: true };
        }
        let bytes =
            std::fs::read(root.join("tests/golden/circuit/ngspice39.txt.gz")).expect("golden archive");
        let mut text = String::new();
        flate2::read::GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).expect("golden archive");
        let mut files = BTreeMap::new();
        for part in text.split("\n==> ").flat_map(|p| p.strip_prefix("==> ").or(Some(p))) {
            if let Some((name, body)) = part.split_once(" <==\n") {
                files.insert(name.to_string(), format!("{body}\n"));
            }
        }
        Self { files, full: false }
    }

    pub fn text(&self, path: &str) -> String {
        self.files.get(path).unwrap_or_else(|| panic!("no golden file {path}")).clone()
    }

    pub fn has(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }

    /// Column names and rows of a CSV file; an empty field is NaN.
    pub fn table(&self, path: &str) -> (Vec<String>, Vec<Vec<f64>>) {
        let text = self.text(path);
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
        let columns = reader.headers().expect("header").iter().map(str::to_string).collect();
        let rows = reader
            .records()
            .map(|r| r.expect("row").iter().map(|v| v.parse().unwrap_or(f64::NAN)).collect())
            .collect();
        (columns, rows)
    }

    /// A deck with its includes put in place.
    pub fn inline(&self, deck: &str) -> String {
        let mut out = String::new();
        for line in deck.lines() {
            match line.strip_prefix(".include ").and_then(|p| p.find("models/").map(|i| &p[i..])) {
                Some(path) => out.push_str(&self.text(path.trim())),
                None => out.push_str(line),
            }
            out.push('\n');
        }
        out
    }

    /// Names of the decks.
    pub fn decks(&self) -> Vec<String> {
        let name = |p: &String| p.strip_prefix("circuits/")?.strip_suffix("/netlist.cir").map(str::to_string);
        self.files.keys().filter_map(name).collect()
    }

    /// Results that exist for a deck.
    pub fn results(&self, deck: &str) -> Vec<String> {
        let name = |p: &String| {
            p.strip_prefix(&format!("circuits/{deck}/"))?.strip_suffix(".csv").map(str::to_string)
        };
        self.files.keys().filter_map(name).collect()
    }

    /// Names of the sizing tables.
    pub fn sizing_sets(&self) -> Vec<String> {
        let name = |p: &String| p.strip_prefix("sizings/")?.strip_suffix(".csv").map(str::to_string);
        self.files.keys().filter_map(name).collect()
    }

    /// How many rows of a sizing table to run: all where the full data is at hand.
    pub fn rows_per_set(&self) -> usize {
        if self.full { usize::MAX } else { 60 }
    }

    /// Common-mode voltage of a sizing template.
    pub fn vcm(&self, set: &str) -> f64 {
        let text = self.text(&format!("sizings/{set}_ol.tmpl.cir"));
        text.lines()
            .find_map(|l| l.strip_prefix(".param vcm="))
            .and_then(|v| v.trim().parse().ok())
            .expect("vcm")
    }

    /// The pulse of the buffer templates and their `.tran` step, stop and largest step.
    pub fn pulse(&self, _set: &str, vcm: f64) -> (Step, (f64, f64, Option<f64>)) {
        (
            Step { low: vcm - 0.1, high: vcm + 0.2, rise_at: 0.2e-6, fall_at: 2.2e-6 },
            (2e-9, 4.2e-6, Some(10e-9)),
        )
    }
}

fn collect(root: &Path, folder: &Path, files: &mut BTreeMap<String, String>) {
    let Ok(list) = std::fs::read_dir(folder) else { return };
    for entry in list.flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(root, &path, files);
        } else if let Ok(text) = std::fs::read_to_string(&path)
            && let Ok(name) = path.strip_prefix(root)
        {
            files.insert(name.to_string_lossy().into_owned(), text);
        }
    }
}
