//! Draws mappings of the example layer until so many were rejected; the processor time of the run gives candidates per second:
//! `perf stat -e task-clock target/release/examples/candidates ws256 20000000 bypass.yaml`.
use hwgym_accelerator::mapper::Mapspace;
use hwgym_accelerator::timeloop::Specification;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("give the folder of an example architecture")?;
    let wanted: u64 = arguments.next().ok_or("give how many are rejected")?.parse()?;
    let base = format!("{}/examples", env!("CARGO_MANIFEST_DIR"));
    let mut files = vec![format!("{base}/{folder}/arch.yaml"), format!("{base}/problems/resnet18_l1.yaml")];
    files.extend(arguments.map(|name| format!("{base}/{folder}/{name}")));
    let specification = Specification::from_files(&files)?;
    let model = specification.model()?;
    let limits = specification.constraints.compile(&specification.architecture, &specification.problem)?;
    let space = Mapspace::new(&model, &limits);
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let (mut rejected, mut fit) = (0u64, 0u64);
    while rejected < wanted {
        match space.draw(&mut rng) {
            Some(nest) => fit += u64::from(std::hint::black_box(nest).keep[0] < 255),
            None => rejected += 1,
        }
    }
    println!("{rejected} rejected, {fit} fit");
    Ok(())
}
