//! The `.cfg` file: array, buffers, dataflow and bandwidth.
use std::path::Path;

use super::{
    super::{Array, Buffers, Dataflow},
    read,
};
use crate::error::{Error, Result, did_you_mean};

/// What a `.cfg` file says.
#[derive(Debug, Clone, PartialEq)]
pub struct Configuration {
    /// `run_name`.
    pub name: String,
    /// The array.
    pub array: Array,
    /// Sizes of the buffers; the bandwidth is 1 where there is none.
    pub buffers: Buffers,
    /// Whether the bandwidth limits the run (`InterfaceBandwidth: USER`).
    pub bandwidth_limited: bool,
}

/// A key with its value and line.
struct Entry<'a> {
    section: String,
    key: String,
    value: &'a str,
    line: usize,
}

/// Known keys in lower case: what becomes of them.
const KEYS: [(&str, Use); 34] = [
    ("run_name", Use::Read),
    ("arrayheight", Use::Read),
    ("arraywidth", Use::Read),
    ("ifmapsramszkb", Use::Read),
    ("filtersramszkb", Use::Read),
    ("ofmapsramszkb", Use::Read),
    ("dataflow", Use::Read),
    ("bandwidth", Use::Read),
    ("interfacebandwidth", Use::Read),
    // Places of the operands in memory: no count depends on them.
    ("ifmapoffset", Use::Ignored),
    ("filteroffset", Use::Ignored),
    ("ofmapoffset", Use::Ignored),
    // SCALE-Sim reads none of these where the switches below are off.
    ("memorybanks", Use::Ignored),
    ("readrequestbuffer", Use::Ignored),
    ("writerequestbuffer", Use::Ignored),
    ("ifmapsrambankbandwidth", Use::Ignored),
    ("ifmapsrambanknum", Use::Ignored),
    ("ifmapsrambankport", Use::Ignored),
    ("filtersrambankbandwidth", Use::Ignored),
    ("filtersrambanknum", Use::Ignored),
    ("filtersrambankport", Use::Ignored),
    ("sparserep", Use::Ignored),
    ("optimizedmapping", Use::Ignored),
    ("blocksize", Use::Ignored),
    ("randomnumbergeneratorseed", Use::Ignored),
    ("topology", Use::Ignored),
    ("topologycsvloc", Use::Ignored),
    ("ifmapcustomlayout", Use::MustBeOff),
    ("filtercustomlayout", Use::MustBeOff),
    ("sparsitysupport", Use::MustBeOff),
    ("useramulatortrace", Use::MustBeOff),
    ("save_disk_space", Use::Ignored),
    ("ramulator_config", Use::Ignored),
    ("savetrace", Use::Ignored),
];

#[derive(Clone, Copy, PartialEq)]
enum Use {
    Read,
    Ignored,
    /// Not modelled: refused when switched on.
    MustBeOff,
}

impl Configuration {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, and as [`Configuration::parse`].
    pub fn read(path: &Path) -> Result<Self> {
        Self::parse(&read(path)?, &path.display().to_string())
    }

    /// Parses the text of a file named `file` in messages.
    ///
    /// # Errors
    /// With file and line: for lines that are neither section nor `key: value`, unknown or missing keys, values of the
    /// wrong kind, and features that are not modelled (sparsity, data layouts, Ramulator).
    pub fn parse(text: &str, file: &str) -> Result<Self> {
        let entries = entries(text, file)?;
        let find = |key: &str| entries.iter().rev().find(|entry| entry.key == key);
        let need = |key: &str, name: &str| {
            find(key).ok_or_else(|| {
                Error::invalid(
                    format!("{file}: there is no {name}"),
                    format!("add {name} to [architecture_presets] or [run_presets]"),
                )
            })
        };
        let number = |key: &str, name: &str| -> Result<u64> {
            let entry = need(key, name)?;
            entry.value.parse().map_err(|_| wrong(file, entry, "a whole number"))
        };
        let dataflow = need("dataflow", "Dataflow")?;
        let limit = need("interfacebandwidth", "InterfaceBandwidth")?;
        let bandwidth_limited = match limit.value {
            "USER" => true,
            "CALC" => false,
            _ => return Err(wrong(file, limit, "USER or CALC")),
        };
        let words_per_cycle = if bandwidth_limited {
            let entry = need("bandwidth", "Bandwidth")?;
            let list: Vec<u64> = entry
                .value
                .split(',')
                .map(|part| part.trim().parse())
                .collect::<Result<_, _>>()
                .map_err(|_| wrong(file, entry, "a whole number"))?;
            // SCALE-Sim gives the first value to all three interfaces.
            match list[..] {
                [first, ref others @ ..] if others.iter().all(|&other| other == first) => first,
                _ => return Err(wrong(file, entry, "one bandwidth for all three interfaces")),
            }
        } else {
            1
        };
        let array = Array {
            rows: number("arrayheight", "ArrayHeight")?,
            columns: number("arraywidth", "ArrayWidth")?,
            dataflow: dataflow
                .value
                .parse::<Dataflow>()
                .map_err(|_| wrong(file, dataflow, "os, ws or is"))?,
        };
        let buffers = Buffers::from_kb(
            number("ifmapsramszkb", "IfmapSramSzkB")?,
            number("filtersramszkb", "FilterSramSzkB")?,
            number("ofmapsramszkb", "OfmapSramSzkB")?,
            words_per_cycle,
        );
        array.check()?;
        buffers.check()?;
        let name = find("run_name").map_or("", |entry| entry.value).to_owned();
        Ok(Self { name, array, buffers, bandwidth_limited })
    }
}

fn wrong(file: &str, entry: &Entry, expected: &str) -> Error {
    Error::at(
        file,
        (entry.line, 1),
        format!("[{}] {} is \"{}\"", entry.section, entry.key, entry.value),
        format!("give {expected}"),
    )
}

fn entries<'a>(text: &'a str, file: &str) -> Result<Vec<Entry<'a>>> {
    let mut entries = Vec::new();
    let mut section = String::new();
    for (index, raw) in text.lines().enumerate() {
        let line = raw.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name.trim().to_owned();
            continue;
        }
        let Some((key, value)) = line.split_once([':', '=']) else {
            return Err(Error::at(
                file,
                (index + 1, 1),
                format!("\"{line}\" is no setting"),
                "write [section] or key: value",
            ));
        };
        let entry = Entry {
            section: section.clone(),
            key: key.trim().to_lowercase(),
            value: value.trim(),
            line: index + 1,
        };
        match KEYS.iter().find(|known| known.0 == entry.key).map(|known| known.1) {
            None => {
                return Err(Error::at(
                    file,
                    (entry.line, 1),
                    format!("unknown setting \"{}\"", key.trim()),
                    did_you_mean(&entry.key, KEYS.iter().map(|known| known.0)),
                ));
            }
            Some(Use::MustBeOff) if !entry.value.eq_ignore_ascii_case("false") => {
                return Err(Error::at(
                    file,
                    (entry.line, 1),
                    format!("{} is \"{}\", which is not modelled", key.trim(), entry.value),
                    "set it to False",
                ));
            }
            Some(_) => entries.push(entry),
        }
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\u{feff}[general]\nrun_name = demo\n\n[architecture_presets]\nArrayHeight:    12\nArrayWidth:  14\n\
                        IfmapSramSzkB: 36\nFilterSramSzkB = 108\nOfmapSramSzkB: 54\nIfmapOffset: 0\nDataflow : ws\n\
                        Bandwidth : 10\nMemoryBanks: 1\n\n[run_presets]\nInterfaceBandwidth: USER\n";

    #[test]
    fn a_configuration_is_read() {
        let text = TEXT.trim_start_matches('\u{feff}');
        let read = Configuration::parse(text, "a.cfg").unwrap();
        assert_eq!((read.name.as_str(), read.array.rows, read.array.columns), ("demo", 12, 14));
        assert_eq!(read.array.dataflow, Dataflow::WeightStationary);
        assert_eq!(read.buffers, Buffers::from_kb(36, 108, 54, 10));
        assert!(read.bandwidth_limited);
    }

    #[test]
    fn what_is_unknown_or_not_modelled_is_refused_with_its_line() {
        let text = TEXT.trim_start_matches('\u{feff}');
        let error = |from: &str, to: &str| {
            Configuration::parse(&text.replace(from, to), "a.cfg").unwrap_err().to_string()
        };
        assert!(error("ArrayHeight", "ArayHeight").contains("a.cfg:5:1: unknown setting \"ArayHeight\""));
        assert!(error("USER", "user").contains("USER or CALC"));
        assert!(error("ArrayWidth:  14\n", "").contains("there is no ArrayWidth"));
        assert!(error("Bandwidth : 10", "Bandwidth : 10, 20, 10").contains("one bandwidth"));
        assert!(error("MemoryBanks: 1", "SparsitySupport: true").contains("not modelled"));
    }
}
