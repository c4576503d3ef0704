//! Time of a step of `systolic-array-v0` and `-v1` without their energies: random designs of their space, all layers of a network.
//!
//! `cargo run --release -p hwgym-accelerator --example systolic_steps -- alexnet 200`
use std::time::Instant;

use hwgym_accelerator::{
    networks::Network,
    systolic::{Array, Buffers, Dataflow, simulate_network, simulate_network_exact},
};
use rand::{RngExt, SeedableRng};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_else(|| "alexnet".into());
    let designs: usize = arguments.next().map_or(Ok(200), |text| text.parse())?;
    let network = Network::named_or_read(&name, std::path::Path::new(""))?.systolic()?;
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
    let (mut exact, mut reference) = (0.0, 0.0);
    let (mut slowest, mut slowest_reference) = (0.0f64, 0.0f64);
    for _ in 0..designs {
        let array = Array {
            rows: 1 << rng.random_range(2..9),
            columns: 1 << rng.random_range(2..9),
            dataflow: Dataflow::ALL[rng.random_range(0..3)],
        };
        let mut size = || 1u64 << rng.random_range(2..11);
        let (ifmap, filter, ofmap) = (size(), size(), size());
        let buffers = Buffers::from_kb(ifmap, filter, ofmap, 1 << rng.random_range(0..8));
        let start = Instant::now();
        simulate_network_exact(network.iter().copied(), &array, &buffers, true)?;
        let seconds = start.elapsed().as_secs_f64();
        exact += seconds;
        slowest = slowest.max(seconds);
        let start = Instant::now();
        simulate_network(network.iter().copied(), &array, &buffers, false)?;
        let seconds = start.elapsed().as_secs_f64();
        reference += seconds;
        slowest_reference = slowest_reference.max(seconds);
    }
    let mean = |seconds: f64| 1e3 * seconds / designs as f64;
    println!("{name}, {designs} designs: true {:.3} ms (at most {:.1})", mean(exact), 1e3 * slowest);
    println!("SCALE-Sim v2's {:.3} ms (at most {:.1})", mean(reference), 1e3 * slowest_reference);
    Ok(())
}
