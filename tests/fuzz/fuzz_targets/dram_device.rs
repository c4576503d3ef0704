//! The reader of device files: any text gives a checked device or an error with a place, never a panic; and whatever was accepted can be run.
#![no_main]

use hwgym_dram::{ControllerConfig, Device, Error, Request, Simulator};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let device = match Device::from_ron(text, "fuzz.ron") {
        Ok(device) => device,
        Err(Error::Source { line, column, .. }) => {
            assert!(line >= 1 && column >= 1);
            return;
        }
        Err(error) => panic!("an error without a place: {error}"),
    };
    let Ok(simulator) = Simulator::new(&device, &ControllerConfig::default()) else { return };
    let last = device.capacity_bytes() - device.burst_bytes();
    let requests = [0, device.burst_bytes().min(last), last, 0];
    let requests = requests.iter().zip(0..).map(|(address, cycle)| {
        Ok(Request { cycle, address: *address, is_write: cycle == 2, bytes: 0 })
    });
    let _ = simulator.with_max_time_ns(1e6).run(requests);
});
