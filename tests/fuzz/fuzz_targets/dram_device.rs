//! The readers of device and controller files: any text gives a checked value or an error, never a panic.
#![no_main]

use hwgym_dram::{ControllerConfig, Device, Request, Simulator};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(config) = ControllerConfig::from_ron(text, "fuzz.ron") {
        let device = Device::preset("ddr3_1600_rbc").unwrap();
        let _ = config.check(&device);
    }
    if let Ok(device) = Device::from_ron(text, "fuzz.ron") {
        // Whatever was accepted can be run.
        let simulator = Simulator::new(&device, &ControllerConfig::default());
        let requests = (0..4).map(|i| Ok(Request { cycle: i, address: i * device.burst_bytes(), is_write: i == 2, bytes: 0 }));
        if let Ok(simulator) = simulator {
            let _ = simulator.with_max_time_ns(1e6).run(requests);
        }
    }
});
