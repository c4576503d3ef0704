//! Runs one trace file through DDR4-2400 with energy accounting and prints requests per second of CPU time:
//! `throughput TRACE.stl [Name=Value ...]`. The trace is read while it is simulated.
use hwgym_dram::trace::StlReader;
use hwgym_dram::{ControllerConfig, Device, Simulator};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("usage: throughput TRACE.stl [Name=Value ...]")?;
    let mut config = ControllerConfig::default();
    for setting in arguments {
        let (name, value) = setting.split_once('=').ok_or("expected Name=Value")?;
        config.set(name, value)?;
    }
    let device = Device::preset("ddr4_2400_brc")?;
    let start = std::time::Instant::now();
    let statistics = Simulator::new(&device, &config)?.run(StlReader::open(path)?)?;
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{} requests, {} ns, {:?} pJ: {:.3} s wall, {:.2} M requests/s",
        statistics.requests,
        statistics.total_time_ns,
        statistics.total_energy_pj,
        seconds,
        statistics.requests as f64 / seconds / 1e6
    );
    Ok(())
}
