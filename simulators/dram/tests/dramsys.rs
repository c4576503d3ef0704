//! DRAMSys' own files give the memory and the controller that they describe.
use hwgym_dram::trace::GeneratorSpec;
use hwgym_dram::{ControllerConfig, Device, Simulator, Statistics};
use serde_json::{Value, json};
use std::path::Path;

fn run(device: &Device, config: &ControllerConfig) -> Statistics {
    let requests = GeneratorSpec::parse("mix:requests=3000").unwrap().generator().unwrap();
    Simulator::new(device, config).unwrap().run(requests.map(Ok)).unwrap()
}

fn write(path: &Path, value: &Value) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, serde_json::to_string_pretty(value).unwrap()).unwrap();
}

/// DDR3-1600 in the words of version 4.0 (clock in MHz, currents in mA) or 5.x (period in seconds, currents in A).
fn memspec(new: bool) -> Value {
    let unit = if new { 1e-3 } else { 1.0 };
    let power: serde_json::Map<String, Value> = [
        ("idd0", 70.0),
        ("idd2n", 45.0),
        ("idd2p0", 12.0),
        ("idd2p1", 30.0),
        ("idd3n", 45.0),
        ("idd3p0", 35.0),
        ("idd3p1", 35.0),
        ("idd4r", 140.0),
        ("idd4w", 145.0),
        ("idd5", 170.0),
        ("idd6", 8.0),
    ]
    .into_iter()
    .map(|(name, current): (&str, f64)| (name.to_owned(), json!(current * unit)))
    .chain([("vdd".to_owned(), json!(1.5))])
    .collect();
    let mut timing = json!({
        "AL": 0, "CCD": 4, "CKE": 3, "CKESR": 4, "CL": 10, "DQSCK": 0, "FAW": 24, "RAS": 28, "RC": 38, "RCD": 10, "REFI": 6240,
        "RFC": 88, "RL": 10, "RP": 10, "RRD": 5, "RTP": 6, "WL": 8, "WR": 12, "WTR": 6, "XP": 6, "XPDLL": 20, "XS": 96,
        "XSDLL": 512, "ACTPDEN": 1, "PRPDEN": 1, "REFPDEN": 1, "RTRS": 1,
    });
    if new {
        timing["tCK"] = json!(1250e-12);
    } else {
        timing["clkMhz"] = json!(800);
    }
    json!({"memspec": {
        "memarchitecturespec": {"burstLength": 8, "dataRate": 2, "nbrOfBanks": 8, "nbrOfColumns": 1024, "nbrOfRanks": 1,
            "nbrOfRows": 16384, "width": 8, "nbrOfDevices": 8, "nbrOfChannels": 1},
        "memoryId": "mine", "memoryType": "DDR3", "mempowerspec": power, "memtimingspec": timing,
    }})
}

fn map() -> Value {
    let bits = |from: u32, to: u32| (from..=to).collect::<Vec<_>>();
    json!({"BYTE_BIT": bits(0, 2), "COLUMN_BIT": bits(3, 12), "BANK_BIT": bits(13, 15), "ROW_BIT": bits(16, 29)})
}

#[test]
fn both_generations_of_files_give_the_preset_of_the_same_figures() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let controller = json!({"mcconfig": {"PagePolicy": "ClosedAdaptive", "Scheduler": "FrFcfsGrp", "RefreshManagement": false}});
    // 4.0: the parts in folders of their own beside the folder of simulations.
    write(&at("configs/memspecs/m.json"), &memspec(false));
    write(&at("configs/amconfigs/a.json"), &json!({"CONGEN": map()}));
    write(&at("configs/mcconfigs/c.json"), &controller);
    write(
        &at("simulations/old.json"),
        &json!({"simulation": {"memspec": "m.json", "addressmapping": "a.json", "mcconfig": "c.json"}}),
    );
    // 5.x: paths from the simulation's folder, or the parts themselves.
    write(&at("new/memspec/m.json"), &memspec(true));
    write(
        &at("new/simulation.json"),
        &json!({"simulation": {"memspec": "memspec/m.json", "addressmapping": map(), "mcconfig": controller["mcconfig"],
            "simconfig": {"AddressOffset": 0}}}),
    );
    let preset = Device::preset("ddr3_1600_rbc").unwrap();
    let mut config = ControllerConfig::default();
    config.set("PagePolicy", "ClosedAdaptive").unwrap();
    config.set("Scheduler", "FrFcfsGrp").unwrap();
    let expected = run(&preset, &config);
    for name in ["simulations/old.json", "new/simulation.json"] {
        let device = Device::from_file(at(name)).unwrap();
        let read = ControllerConfig::from_file(at(name)).unwrap();
        assert_eq!(read, config, "{name}");
        let statistics = run(&device, &read);
        assert_eq!(statistics.total_time_ns, expected.total_time_ns, "{name}");
        assert_eq!(statistics.commands, expected.commands, "{name}");
        let (energy, wanted) = (statistics.total_energy_pj.unwrap(), expected.total_energy_pj.unwrap());
        assert!((energy / wanted - 1.0).abs() < 1e-12, "{name}: {energy} {wanted}");
    }
}

#[test]
fn what_is_missing_or_not_modelled_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.json");
    let error = |value: &Value| {
        write(&path, value);
        Device::from_file(&path).unwrap_err().to_string()
    };
    assert!(error(&memspec(false)).contains("there is no `addressmapping`"));
    let with = |memory: Value, map: Value| json!({"simulation": {"memspec": memory["memspec"], "addressmapping": map}});
    let mut hashed = map();
    hashed["XOR"] = json!([{"FIRST": 13, "SECOND": 16}]);
    assert!(error(&with(memspec(true), hashed)).contains("`XOR` is not modelled"));
    let mut other = memspec(true);
    other["memspec"]["memoryType"] = json!("STT-MRAM");
    assert!(error(&with(other, map())).contains("`STT-MRAM` are not modelled"));
    let mut wrong = memspec(true);
    wrong["memspec"]["memtimingspec"]["RC"] = json!(20);
    assert!(error(&with(wrong, map())).contains("RC (20) is less than RAS + RP"));
    let missing = json!({"simulation": {"memspec": "none.json", "addressmapping": map()}});
    assert!(error(&missing).contains("there is no file `none.json`"));
    std::fs::write(&path, "{\"memspec\": ").unwrap();
    assert!(Device::from_file(&path).unwrap_err().to_string().contains("s.json:1:"));
}
