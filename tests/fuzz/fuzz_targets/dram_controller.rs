//! Controller files and settings: any text gives a checked controller or an error, never a panic; and whatever was accepted answers every
//! request, on a device with bank groups, on one with per-bank refresh and long commands, and on one with two command buses.
#![no_main]

use hwgym_dram::{ControllerConfig, Device, Request, Simulator};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static DEVICES: LazyLock<Vec<Device>> = LazyLock::new(|| {
    ["ddr4_2400_2r_ilv", "lpddr4_3200_brc", "hbm2_2000_ilv", "ddr5_4800", "wideio2_400_chilv"]
        .map(|name| Device::preset(name).expect("the preset is built in"))
        .into()
});

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut config = ControllerConfig::from_ron(text, "fuzz.ron").unwrap_or_default();
    for (name, value) in text.lines().filter_map(|line| line.split_once('=')) {
        let _ = config.set(name.trim(), value.trim());
    }
    // The text chooses the requests as well.
    let mut state = bytes.iter().fold(1u64, |state, byte| state.wrapping_mul(0x100_0193) ^ u64::from(*byte));
    for device in DEVICES.iter() {
        if config.check(device).is_err() {
            assert!(Simulator::new(device, &config).is_err());
            continue;
        }
        let mut cycle = 0;
        let requests: Vec<Request> = (0..100)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                cycle += (state >> 60) * u64::from(state >> 56 & 3 == 0) * 100;
                let address = (state >> 16) % device.capacity_bytes();
                Request { cycle, address, is_write: state >> 40 & 1 == 1, bytes: 0 }
            })
            .collect();
        let simulator = Simulator::new(device, &config).expect("a checked controller is accepted");
        let run = simulator.with_max_time_ns(1e9).run(requests.iter().copied().map(Ok));
        assert_eq!(run.expect("every request is answered").requests, 100);
    }
});
