//! DRAMSys' own files: memory specification, address mapping and controller configuration in JSON, of versions 4.0 and 5.x.
//!
//! A simulation file names the parts, or holds them; names are looked for beside it and in the folders where the reference
//! keeps them. Currents are in mA in older files and in A in newer ones; an `idd0` below 1 is taken as A, since no DRAM draws less
//! than 1 mA.
use crate::error::{Error, Result};
use crate::source::{about, read_text};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

/// A part of a simulation with the file it stands in.
pub(crate) struct Part {
    pub value: Value,
    pub text: String,
    pub file: PathBuf,
}

impl Part {
    /// An error about the entry `key`.
    pub(crate) fn fault(&self, key: &str, message: String, remedy: &str) -> Error {
        about(&self.text, &self.file.display().to_string(), key, message, remedy.to_owned())
    }
}

/// Whether a text is JSON, not RON: RON files of this crate start with a name or a bracket.
pub(crate) fn is_json(text: &str) -> bool {
    text.trim_start_matches('\u{feff}').trim_start().starts_with('{')
}

/// Reads a JSON file.
fn read(path: &Path) -> Result<Part> {
    let text = read_text(path)?;
    let value = serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|error| Error::Source {
        file: path.display().to_string(),
        line: error.line().max(1),
        column: error.column().max(1),
        message: error.to_string(),
        remedy: "expected one of DRAMSys' configuration files in JSON".to_owned(),
    })?;
    Ok(Part { value, text, file: path.to_owned() })
}

/// The part under one of `names` of the file at `path`: the file itself, an entry of it, or a file that its simulation names in
/// `folders` of the reference's trees.
pub(crate) fn part(path: &Path, names: &[&str], folders: &[&str]) -> Result<Option<Part>> {
    let file = read(path)?;
    let within = |value: &Value| names.iter().find_map(|name| value.get(name).cloned());
    let simulation = file.value.get("simulation");
    let Some(found) = simulation.and_then(within).or_else(|| within(&file.value)) else { return Ok(None) };
    let Value::String(name) = &found else { return Ok(Some(Part { value: found, ..file })) };
    let home = path.parent().unwrap_or(Path::new(""));
    let mut places = vec![home.join(name)];
    for folder in folders {
        places.push(home.join(folder).join(name));
        places.push(home.join("../configs").join(folder).join(name));
    }
    let Some(place) = places.iter().find(|place| place.is_file()) else {
        let message = format!("there is no file `{name}`");
        let looked = places.iter().map(|place| place.display().to_string()).collect::<Vec<_>>().join(", ");
        return Err(file.fault(names[0], message, &format!("looked for {looked}")));
    };
    let other = read(place)?;
    match within(&other.value) {
        Some(value) => Ok(Some(Part { value, ..other })),
        None => Err(other.fault(names[0], format!("there is no `{}` in it", names[0]), "name another file")),
    }
}

/// The controller's entries, without those that the reference has and this model leaves at their neutral values.
pub(crate) fn controller(path: &Path) -> Result<Part> {
    let found = part(path, &["mcconfig"], &["mcconfig", "mcconfigs"])?;
    // Without such an entry the file is what `--list-parameters` prints.
    let mut part = match found {
        Some(part) => part,
        None => read(path)?,
    };
    let neutral = ["RefreshManagement", "ThinkDelayFw", "ThinkDelayBw", "PhyDelayFw", "PhyDelayBw"];
    for key in neutral.into_iter().chain(["BlockingReadDelay", "BlockingWriteDelay"]) {
        let taken = part.value.as_object_mut().and_then(|map| map.remove(key));
        if let Some(value) = taken
            && value != json!(false)
            && value.as_f64() != Some(0.0)
        {
            let message = format!("{key} = {value} is not modelled");
            return Err(part.fault(key, message, "set it to 0 or false"));
        }
    }
    Ok(part)
}

/// The memory as an object with the entries of a device file of this crate, and the part for messages.
pub(crate) fn device(path: &Path) -> Result<(Value, Part)> {
    let missing = |key: &str| Error::Source {
        file: path.display().to_string(),
        line: 1,
        column: 1,
        message: format!("there is no `{key}` in it"),
        remedy: "give a simulation file that names or holds `memspec` and `addressmapping`".to_owned(),
    };
    if let Some(simulation) = part(path, &["simconfig"], &["simconfig", "simulator"])?
        && simulation.value.get("AddressOffset").is_some_and(|offset| offset.as_u64() != Some(0))
    {
        return Err(simulation.fault(
            "AddressOffset",
            "an offset of addresses is not modelled".into(),
            "set it to 0",
        ));
    }
    let memory = part(path, &["memspec"], &["memspec", "memspecs"])?.ok_or_else(|| missing("memspec"))?;
    let map = part(path, &["addressmapping", "CONGEN"], &["addressmapping", "amconfigs"])?
        .ok_or_else(|| missing("addressmapping"))?;
    let timing = memory.value.get("memtimingspec").and_then(Value::as_object).cloned().unwrap_or_default();
    let kind = memory.value.get("memoryType").and_then(Value::as_str).unwrap_or_default();
    let standard = match kind {
        "WIDEIO2" | "WIDE-IO2" => "WideIO2",
        "DDR3" | "DDR4" | "LPDDR4" | "HBM2" | "GDDR6" | "DDR5" | "LPDDR5" | "HBM3" => kind,
        _ => {
            let message = format!("memories of type `{kind}` are not modelled");
            return Err(memory.fault(
                "memoryType",
                message,
                "expected DDR3, DDR4, LPDDR4, WIDEIO2, HBM2 or GDDR6",
            ));
        }
    };
    let clock_mhz = match (timing.get("clkMhz"), timing.get("tCK").and_then(Value::as_f64)) {
        (Some(clock), _) => clock.clone(),
        (None, Some(period)) if period > 0.0 => json!(1e-6 / period),
        _ => {
            return Err(memory.fault(
                "memtimingspec",
                "there is no clock".into(),
                "add clkMhz, or tCK in seconds",
            ));
        }
    };
    let timing: Map<String, Value> =
        timing.into_iter().filter(|(key, _)| key != "clkMhz" && key != "tCK").collect();
    let value = json!({
        "name": memory.value.get("memoryId").cloned().unwrap_or_else(|| json!("memspec")),
        "description": format!("{kind} from {}", memory.file.display()),
        "source": memory.file.display().to_string(),
        "standard": standard,
        "clock_mhz": clock_mhz,
        "organization": organization(&memory)?,
        "address_map": address_map(&map)?,
        "timing": timing,
        "supplies": supplies(&memory, standard)?,
    });
    Ok((value, memory))
}

/// Counts under this crate's names.
fn organization(memory: &Part) -> Result<Value> {
    let spec = memory.value.get("memarchitecturespec").unwrap_or(&Value::Null);
    let count = |keys: &[&str]| keys.iter().find_map(|key| spec.get(key)).cloned();
    let need = |keys: &[&str]| {
        count(keys).and_then(|value| value.as_u64()).ok_or_else(|| {
            let message = format!("`{}` is missing or no whole number", keys[0]);
            memory.fault(keys[0], message, "see DRAMSys' memory specifications")
        })
    };
    let one = || json!(1);
    let groups = count(&["nbrOfBankGroups"]).and_then(|value| value.as_u64()).unwrap_or(1).max(1);
    let banks = need(&["nbrOfBanks"])?;
    if !banks.is_multiple_of(groups) {
        return Err(memory.fault(
            "nbrOfBanks",
            format!("{banks} banks in {groups} groups"),
            "expected a multiple",
        ));
    }
    Ok(json!({
        "channels": count(&["nbrOfChannels"]).unwrap_or_else(one),
        "ranks": count(&["nbrOfPseudoChannels", "nbrOfRanks"]).unwrap_or_else(one),
        "stacks": count(&["nbrOfStacks"]).unwrap_or_else(one),
        "bank_groups": groups,
        "banks_per_group": banks / groups,
        "rows": need(&["nbrOfRows"])?,
        "columns": need(&["nbrOfColumns"])?,
        "width_bits": need(&["width"])?,
        "devices": count(&["nbrOfDevices", "nbrOfDevicesOnDIMM"]).unwrap_or_else(one),
        "burst_length": need(&["burstLength"])?,
        "data_rate": need(&["dataRate"])?,
    }))
}

/// Lists of bits as texts.
fn address_map(map: &Part) -> Result<Value> {
    let mut out = Map::new();
    let mut entries = map.value.as_object().cloned().unwrap_or_default();
    for (theirs, ours) in [
        ("BYTE_BIT", "byte"),
        ("COLUMN_BIT", "column"),
        ("BANK_BIT", "bank"),
        ("ROW_BIT", "row"),
        ("BANKGROUP_BIT", "bank_group"),
        ("RANK_BIT", "rank"),
        ("PSEUDOCHANNEL_BIT", "rank"),
        ("STACK_BIT", "stack"),
        ("CHANNEL_BIT", "channel"),
    ] {
        let Some(bits) = entries.remove(theirs) else { continue };
        let bits = bits.as_array().cloned().unwrap_or_default();
        let words: Option<Vec<String>> = bits.iter().map(|bit| Some(bit.as_u64()?.to_string())).collect();
        let Some(words) = words else {
            return Err(map.fault(
                theirs,
                "a bit is no whole number".into(),
                "expected numbers such as [0, 1, 2]",
            ));
        };
        if !words.is_empty() || !out.contains_key(ours) {
            out.insert(ours.to_owned(), words.join(" ").into());
        }
    }
    for ours in ["byte", "column", "bank", "row"] {
        out.entry(ours).or_insert_with(|| "".into());
    }
    entries.retain(|_, value| value.as_array().is_none_or(|list| !list.is_empty()));
    match entries.keys().next() {
        None => Ok(Value::Object(out)),
        Some(key) => Err(map.fault(key, format!("`{key}` is not modelled"), "use a map of plain bits")),
    }
}

/// Supplies of DDR3 and DDR4; for other memories the energy is not modelled from these files.
fn supplies(memory: &Part, standard: &str) -> Result<Value> {
    let Some(spec) = memory.value.get("mempowerspec").and_then(Value::as_object) else {
        return Ok(json!([]));
    };
    if !matches!(standard, "DDR3" | "DDR4") {
        return Ok(json!([]));
    }
    let get = |key: &str| spec.get(key).and_then(Value::as_f64);
    let scale = if get("idd0").is_some_and(|current| current < 1.0) { 1000.0 } else { 1.0 };
    // Ours, then theirs for the main supply and for the second one, in the words of all versions.
    const NAMES: [(&str, &[&str], &[&str]); 11] = [
        ("idd0", &["idd0"], &["idd02", "ipp0"]),
        ("idd2n", &["idd2n"], &["idd2n2", "ipp2n"]),
        ("idd2p0", &["idd2p0", "idd2p"], &["idd2p02", "ipp2p"]),
        ("idd2p1", &["idd2p1"], &["idd2p12"]),
        ("idd3n", &["idd3n"], &["idd3n2", "ipp3n"]),
        ("idd3p0", &["idd3p0", "idd3p"], &["idd3p02", "ipp3p"]),
        ("idd3p1", &["idd3p1"], &["idd3p12"]),
        ("idd4r", &["idd4r"], &["idd4r2", "ipp4r"]),
        ("idd4w", &["idd4w"], &["idd4w2", "ipp4w"]),
        ("idd5", &["idd5", "idd5B"], &["idd52", "ipp5B"]),
        ("idd6", &["idd6", "idd6n"], &["idd62", "ipp6n"]),
    ];
    let supply = |vdd: &[&str], second: bool| {
        let vdd = vdd.iter().find_map(|key| get(key))?;
        let mut out = Map::new();
        out.insert("vdd".to_owned(), vdd.into());
        for (ours, main, other) in NAMES {
            if let Some(current) = (if second { other } else { main }).iter().find_map(|key| get(key)) {
                out.insert(ours.to_owned(), (current * scale).into());
            }
        }
        Some(Value::Object(out))
    };
    let list = [supply(&["vdd"], false), supply(&["vdd2", "vpp"], true)];
    Ok(list.into_iter().flatten().collect())
}
