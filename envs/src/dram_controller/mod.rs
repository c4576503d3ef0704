//! `dram-controller-v0`: ArchGym's DRAM memory controller, on a simulator that equals DRAMSys.
//!
//! A design is a controller (ten parameters, [`space`]); it serves one workload on one device, chosen by
//! [`DramControllerOptions`]. The trace is decoded once; an evaluation is one run of the simulator in memory.
//!
//! Metrics: energy, average power, total time, mean and p99 latency from request to response, bandwidth. Devices without an energy model
//! (HBM2, GDDR6, ...) have the last four.

mod descriptors;
mod equivalence;
mod features;
mod objectives;
mod optima;
mod options;
mod space;
mod workloads;

use std::sync::Arc;

use hwgym_simulators::dram::config::ControllerConfig;
use hwgym_simulators::dram::trace::{StlReader, Workload};
use hwgym_simulators::dram::{self, Device, Request, Simulator, Statistics};

use crate::known_optima::KnownOptima;
use crate::{
    Design, DesignSpace, Env, EnvEntry, EnvError, Feature, Fidelity, FidelityLevel, Metric, Objective,
    Options, Outcome,
};
use equivalence::Setting;

pub use optima::{known_optima, known_workloads};
pub use options::DramControllerOptions;
pub use space::ValueSet;

/// The id.
pub const ID: &str = "dram-controller-v0";

/// The environment.
pub struct DramController {
    space: DesignSpace,
    metrics: Vec<Metric>,
    objectives: Vec<Objective>,
    provenance: Vec<(String, String)>,
    device: Device,
    requests: Arc<[Request]>,
    /// Clock of the time stamps, if it is not the device's.
    clock_mhz: Option<f64>,
    fixed: ControllerConfig,
    setting: Setting,
}

impl DramController {
    /// Builds it. Relative paths in the options are meant against `folder`. Errors: whatever of the options cannot be used.
    pub fn new(options: &DramControllerOptions, folder: &std::path::Path) -> Result<Self, EnvError> {
        let checked = options.check()?;
        let device = device(&options.device, folder)?;
        let (requests, clock_mhz) = requests(options, folder, &device)?;
        let fixed = ControllerConfig {
            reference: checked.reference,
            cmd_mux: checked.cmd_mux,
            power_down_policy: checked.power_down_policy,
            ..ControllerConfig::default()
        };
        let one_direction = requests.iter().all(|request| request.is_write == requests[0].is_write);
        let setting = Setting { one_direction, one_channel: device.organization().channels == 1 };
        let mut env = Self {
            space: space::space(checked.space, checked.subsystems)?,
            metrics: metrics(device.has_power_model()),
            objectives: Vec::new(),
            provenance: provenance(options, &device, &requests, clock_mhz),
            device,
            requests,
            clock_mhz,
            fixed,
            setting,
        };
        let baseline = env.measure(&env.fixed, env.requests.len());
        env.objectives = objectives::objectives(&env.metrics, baseline.metrics());
        Ok(env)
    }

    /// The memory.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The requests of the workload.
    pub fn requests(&self) -> &[Request] {
        &self.requests
    }

    /// The controller that a design of this space describes.
    pub fn controller(&self, design: &Design) -> ControllerConfig {
        space::controller(&self.space, design, &self.fixed)
    }

    /// Runs the first `count` requests.
    fn simulate(&self, controller: &ControllerConfig, count: usize) -> dram::Result<Statistics> {
        let simulator = Simulator::new(&self.device, controller).and_then(|simulator| match self.clock_mhz {
            Some(clock) => simulator.with_trace_clock_mhz(clock),
            None => Ok(simulator),
        });
        simulator.and_then(|simulator| simulator.run_slice(&self.requests[..count]))
    }

    /// What the metrics are after the first `count` requests.
    fn measure(&self, controller: &ControllerConfig, count: usize) -> Outcome {
        let statistics = match self.simulate(controller, count) {
            Ok(statistics) => statistics,
            Err(error) => return Outcome::failed(error.to_string()),
        };
        let power = [statistics.total_energy_pj, statistics.average_power_mw];
        let rest = [
            statistics.total_time_ns,
            statistics.latency_ns.mean,
            statistics.latency_ns.p99,
            // The simulator speaks of gigabits.
            statistics.bandwidth_gbps / 8.0,
        ];
        Outcome::feasible(power.into_iter().flatten().chain(rest).collect::<Vec<_>>())
    }
}

impl Env for DramController {
    fn id(&self) -> &str {
        ID
    }

    fn space(&self) -> &DesignSpace {
        &self.space
    }

    fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    fn evaluate(&self, design: &Design, fidelity: Fidelity) -> Outcome {
        let count = match fidelity.0 {
            0 => self.requests.len(),
            1 => self.requests.len().div_ceil(4),
            _ => self.requests.len().div_ceil(16),
        };
        self.measure(&self.controller(design), count)
    }

    fn fidelities(&self) -> Vec<FidelityLevel> {
        let level = |name: &str, relative_cost| FidelityLevel { name: name.into(), relative_cost };
        vec![
            level("full", 1.0),
            level("first-quarter-of-the-trace", 0.25),
            level("first-sixteenth-of-the-trace", 0.0625),
        ]
    }

    fn objectives(&self) -> Vec<Objective> {
        self.objectives.clone()
    }

    fn canonical(&self, design: &Design) -> Design {
        let mut design = design.clone();
        self.space.canonicalise(&mut design);
        equivalence::canonicalise(&self.space, &mut design, self.setting);
        design
    }

    /// The class without refresh: a twentieth of the designs, and most of what happens.
    fn anchor(&self, design: &Design) -> Option<Design> {
        let mut design = design.clone();
        design.set(space::at::REFRESH_POLICY, 0.0);
        Some(self.canonical(&design))
    }

    fn descriptors(&self) -> Vec<&'static str> {
        descriptors::NAMES.to_vec()
    }

    fn describe(&self, design: &Design) -> Vec<f64> {
        descriptors::describe(&self.controller(design)).to_vec()
    }

    fn default_design(&self) -> Option<Design> {
        features::default_design(&self.space)
    }

    fn features(&self) -> Vec<Feature> {
        let clock_mhz = self.clock_mhz.unwrap_or_else(|| self.device.clock_mhz());
        match self.simulate(&self.fixed, self.requests.len()) {
            Ok(statistics) => features::features(&self.requests, &self.device, clock_mhz, &statistics),
            Err(_) => Vec::new(),
        }
    }

    fn provenance(&self) -> Vec<(String, String)> {
        self.provenance.clone()
    }

    fn known_optima(&self) -> Result<Option<KnownOptima>, EnvError> {
        optima::of(self)
    }
}

/// The registry's entry.
pub fn entry() -> EnvEntry {
    let entry = EnvEntry::new(
        ID,
        "a DRAM memory controller serving a trace: ArchGym's ten parameters, DRAMSys' numbers",
        |options: &Options| {
            let typed: DramControllerOptions = options.parse()?;
            options.note_if_file(&typed.device);
            options.note_if_file(&typed.workload);
            Ok(Box::new(DramController::new(&typed, &options.folder())?))
        },
    );
    DramControllerOptions::describe(entry).with_instances(workloads::draw)
}

fn metrics(has_power: bool) -> Vec<Metric> {
    let mut metrics = Vec::new();
    if has_power {
        metrics.push(Metric::minimise(
            "energy_pj",
            "pJ",
            "energy of the memory from start to end of the run",
        ));
        metrics.push(Metric::minimise(
            "average_power_mw",
            "mW",
            "that energy over the time it was counted in",
        ));
    }
    metrics.extend([
        Metric::minimise("total_time_ns", "ns", "time at which the last response is received"),
        Metric::minimise(
            "mean_latency_ns",
            "ns",
            "mean time from a request's arrival at the controller to its response",
        ),
        Metric::minimise("p99_latency_ns", "ns", "99th percentile of that time"),
        Metric::maximise("bandwidth_gb_per_s", "GB/s", "bytes moved over total time"),
    ]);
    metrics
}

fn device(name: &str, folder: &std::path::Path) -> Result<Device, EnvError> {
    let is_path = name.ends_with(".ron") || name.ends_with(".json") || name.contains(std::path::is_separator);
    let device = if is_path { Device::from_file(folder.join(name)) } else { Device::preset(name) };
    device.map_err(|error| EnvError::invalid("device", error))
}

/// Requests that a workload may have: 240 MB in memory.
const MAX_REQUESTS: u64 = 10_000_000;

/// Reads the workload and checks it against the device; with the clock of its time stamps, if it is not the device's. A file says
/// it in its header; the recorded workloads are played at the device's clock in every version of this environment so far.
fn requests(
    options: &DramControllerOptions,
    folder: &std::path::Path,
    device: &Device,
) -> Result<(Arc<[Request]>, Option<f64>), EnvError> {
    let wrong = |error: dram::Error| EnvError::invalid("workload", error);
    let mut clock_mhz = options.clock_mhz;
    let source: Box<dyn Iterator<Item = dram::Result<Request>> + Send> =
        match Workload::parse_in(&options.workload, folder).map_err(wrong)? {
            Workload::File(path) => {
                let reader = StlReader::open(folder.join(path)).map_err(wrong)?;
                clock_mhz = clock_mhz.or(reader.clock_mhz());
                Box::new(reader)
            }
            other => other.requests().map_err(wrong)?,
        };
    let wanted = options.requests.unwrap_or(u64::MAX);
    let too_many = || {
        let message = format!(
            "`{}` has more than {MAX_REQUESTS} requests, the limit of what is kept in memory; set `requests` to play its start",
            options.workload
        );
        EnvError::invalid("workload", message)
    };
    // Generators and loaded lists say at once how long they are; a file is only read as far as the limit.
    if wanted.min(source.size_hint().0 as u64) > MAX_REQUESTS {
        return Err(too_many());
    }
    let take = usize::try_from(wanted.min(MAX_REQUESTS + 1)).unwrap_or(usize::MAX);
    let skip = usize::try_from(options.skip.unwrap_or(0)).unwrap_or(usize::MAX);
    let mut list = source.skip(skip).take(take).collect::<dram::Result<Vec<Request>>>().map_err(wrong)?;
    if skip > 0 {
        // The part begins when its first request does.
        let first = list.first().map_or(0, |request| request.cycle);
        list.iter_mut().for_each(|request| request.cycle = request.cycle.saturating_sub(first));
    }
    if list.len() as u64 > MAX_REQUESTS {
        return Err(too_many());
    }
    if list.is_empty() && skip > 0 {
        let message = format!("`{}` has no more than {skip} requests; skip fewer", options.workload);
        return Err(EnvError::invalid("skip", message));
    }
    let capacity = device.capacity_bytes();
    let end = |request: &Request| request.address.saturating_add(u64::from(request.bytes.max(1)));
    if let Some(outside) = list.iter().position(|request| end(request) > capacity) {
        return Err(EnvError::invalid(
            "workload",
            format!(
                "request {} of `{}` reaches address {:#x}, beyond the {capacity} bytes of {}; choose a larger device or another workload",
                outside + 1,
                options.workload,
                end(&list[outside]) - 1,
                device.name()
            ),
        ));
    }
    Ok((list.into(), clock_mhz))
}

/// What identifies a result: device and workload by content, not by name.
fn provenance(
    options: &DramControllerOptions,
    device: &Device,
    requests: &[Request],
    clock_mhz: Option<f64>,
) -> Vec<(String, String)> {
    let mut hasher = blake3::Hasher::new();
    for request in requests {
        hasher.update(&request.cycle.to_le_bytes());
        hasher.update(&request.address.to_le_bytes());
        hasher.update(&[u8::from(request.is_write)]);
        hasher.update(&request.bytes.to_le_bytes());
    }
    let workload = hasher.finalize().to_hex();
    let pair = |name: &str, value: &dyn ToString| (name.to_owned(), value.to_string());
    let skipped = options.skip.filter(|skip| *skip > 0).map(|skip| pair("skip", &skip));
    let all = vec![
        pair("device", &device.name()),
        pair("workload", &options.workload),
        pair("requests", &requests.len()),
        pair("workload_blake3", &&workload[..16]),
        pair("clock_mhz", &clock_mhz.unwrap_or_else(|| device.clock_mhz())),
        pair("space", &options.space),
        pair("reference", &options.reference),
        pair("cmd_mux", &options.cmd_mux),
        pair("power_down_policy", &options.power_down_policy),
        pair("simulator", &concat!("hwgym-dram ", env!("CARGO_PKG_VERSION"))),
    ];
    all.into_iter().chain(skipped).collect()
}

#[cfg(test)]
mod tests;
