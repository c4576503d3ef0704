//! The loop-nest model against outputs of timeloop-model (revision 4cf6d4c): every count equal, energy and area to 1e-6.
use std::collections::BTreeMap;
use std::io::Read as _;

use hwgym_accelerator::timeloop::{Counting, Report, Specification};
use serde_json::Value;

fn golden() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/accelerator/timeloop.json.gz");
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn close(a: f64, b: f64) -> bool {
    // The reference prints two decimals.
    (a - b).abs() <= 1e-6 * b.abs() + 0.006
}

fn compare(id: &str, report: &Report, expected: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    if report.cycles != expected["cycles"].as_u64().unwrap() {
        wrong.push(format!("{id} cycles {} != {}", report.cycles, expected["cycles"]));
    }
    let energy = expected["energy"].as_f64().unwrap();
    if (report.energy_pj - energy).abs() > 1e-6 * energy {
        wrong.push(format!("{id} energy {} != {energy}", report.energy_pj));
    }
    for level in &report.levels {
        let empty = BTreeMap::new();
        let expected: BTreeMap<String, Vec<f64>> = match &expected["levels"][&level.name] {
            Value::Null => empty,
            some => serde_json::from_value(some.clone()).unwrap(),
        };
        assert_eq!(
            expected.keys().collect::<Vec<_>>(),
            level.dataspaces.keys().collect::<Vec<_>>(),
            "{id} {}",
            level.name
        );
        for (name, space) in &level.dataspaces {
            let e = &expected[name];
            let got = [space.tile_words, space.reads, space.fills, space.updates];
            if got.iter().zip(e).any(|(a, b)| *a as f64 != *b)
                || !close(space.energy_pj, e[4])
                || level.utilized_instances as f64 != e[5]
            {
                wrong.push(format!("{id} {} {name}: {got:?} {} != {e:?}", level.name, space.energy_pj));
            }
        }
    }
    wrong
}

#[test]
fn every_row_is_equal() {
    let golden = golden();
    let mut wrong = Vec::new();
    let rows = golden["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 448);
    let mut with_links = 0;
    for row in rows {
        let id = row["id"].as_str().unwrap();
        let texts = [
            ("arch.yaml", golden["architectures"][row["arch"].as_str().unwrap()].as_str().unwrap()),
            ("problem.yaml", golden["problems"][row["layer"].as_str().unwrap()].as_str().unwrap()),
            ("mapping.yaml", row["mapping"].as_str().unwrap()),
        ];
        let specification = Specification::from_texts(&texts).unwrap();
        let nest = specification.mapping.unwrap();
        let model = specification.model_counting(Counting::Timeloop).unwrap();
        let plain = model.report(&nest).unwrap();
        assert!(plain.violations.is_empty(), "{id}: {:?}", plain.violations);
        if (plain.area_um2 - row["area"].as_f64().unwrap()).abs() > 1e-6 * plain.area_um2 {
            wrong.push(format!("{id} area {} != {}", plain.area_um2, row["area"]));
        }
        if (plain.utilization - row["utilization"].as_f64().unwrap()).abs() > 1e-6
            && row["no_links"].is_null()
        {
            wrong.push(format!("{id} utilization {} != {}", plain.utilization, row["utilization"]));
        }
        // The reference has link transfers on, except where a row says otherwise.
        let linked = model.clone().with_link_transfers(true).unwrap().report(&nest).unwrap();
        wrong.extend(compare(id, &linked, &row["out"]));
        if row["no_links"].is_null() {
            wrong.extend(compare(id, &plain, &row["out"]));
        } else {
            with_links += 1;
            wrong.extend(compare(&format!("{id} without links"), &plain, &row["no_links"]));
        }
    }
    assert_eq!(with_links, 8);
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong[..wrong.len().min(40)].join("\n"));
}
