//! What can be chosen when a `dram-controller-v0` is made.

use hwgym_simulators::dram::config::{CmdMux, PowerDownPolicy, Reference};
use serde::{Deserialize, Serialize};

use super::space::ValueSet;
use crate::suggest::suggestion;
use crate::{EnvEntry, EnvError};

/// The options of `dram-controller-v0`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DramControllerOptions {
    /// The memory: a preset such as `ddr4_2400_brc`, or the path of a RON file.
    pub device: String,
    /// The requests: a recorded trace such as `sqlite`, a generator such as `random:requests=5000,seed=3`, recorded programs on one memory such
    /// as `mix:programs=bfs+sqlite+xz+sort,load=0.6`, or the path of a trace.
    pub workload: String,
    /// The values of the parameters: `archgym` (powers of two) or `wide`.
    pub space: String,
    /// Clock of the trace's time stamps in MHz; if not given, the one in the header of a trace file, else that of the device.
    pub clock_mhz: Option<f64>,
    /// Requests taken from the start of the workload; all, if not given.
    pub requests: Option<u64>,
    /// Requests passed over at the start of the workload; none, if not given.
    pub skip: Option<u64>,
    /// Groups of parameters for multi-agent search: `subsystems`, or `parameters` for one agent per parameter.
    pub groups: String,
    /// Which version of the reference simulator is followed: `DRAMSys5`, or `DRAMSys4` for the numbers of ArchGym's own binary.
    pub reference: String,
    /// Command multiplexer, which ArchGym does not search: `Oldest` or `Strict`.
    pub cmd_mux: String,
    /// Power-down scheme, which ArchGym does not search: `NoPowerDown` or `Staggered`.
    pub power_down_policy: String,
}

impl Default for DramControllerOptions {
    fn default() -> Self {
        Self {
            device: "ddr3_1600_rbc".into(),
            workload: "bfs".into(),
            space: "archgym".into(),
            clock_mhz: None,
            requests: None,
            skip: None,
            groups: "subsystems".into(),
            reference: "DRAMSys5".into(),
            cmd_mux: "Oldest".into(),
            power_down_policy: "NoPowerDown".into(),
        }
    }
}

/// The options in their own types.
pub(super) struct Checked {
    pub space: ValueSet,
    pub subsystems: bool,
    pub reference: Reference,
    pub cmd_mux: CmdMux,
    pub power_down_policy: PowerDownPolicy,
}

impl DramControllerOptions {
    pub(super) fn check(&self) -> Result<Checked, EnvError> {
        if let Some(clock) = self.clock_mhz.filter(|clock| !(1.0..=20_000.0).contains(clock)) {
            return Err(EnvError::invalid("clock_mhz", format!("{clock} is outside 1 to 20000 MHz")));
        }
        if self.requests == Some(0) {
            return Err(EnvError::invalid(
                "requests",
                "0 leaves nothing to simulate; leave the option out to take all",
            ));
        }
        let simulator = |option: &'static str| {
            move |error: hwgym_simulators::dram::Error| EnvError::invalid(option, error)
        };
        let reference = Reference::from_name(&self.reference).map_err(simulator("reference"))?;
        if reference == Reference::Ramulator2 {
            let message = "the design space is DRAMSys'; choose DRAMSys5 or DRAMSys4";
            return Err(EnvError::invalid("reference", message));
        }
        Ok(Checked {
            space: pick("space", &self.space, &[("archgym", ValueSet::ArchGym), ("wide", ValueSet::Wide)])?,
            subsystems: pick("groups", &self.groups, &[("subsystems", true), ("parameters", false)])?,
            reference,
            cmd_mux: CmdMux::from_name(&self.cmd_mux).map_err(simulator("cmd_mux"))?,
            power_down_policy: PowerDownPolicy::from_name(&self.power_down_policy)
                .map_err(simulator("power_down_policy"))?,
        })
    }

    /// Documents the options in the registry.
    pub(super) fn describe(entry: EnvEntry) -> EnvEntry {
        entry
            .option("device", "\"ddr3_1600_rbc\"", "the memory: a preset, or the path of a RON file")
            .option(
                "workload",
                "\"bfs\"",
                "a recorded trace, a generator such as random:seed=3, programs that contend such as mix:programs=bfs+xz,load=0.6, or a trace file",
            )
            .option("space", "\"archgym\"", "archgym (442,368 designs) or wide (28,311,552 designs)")
            .option(
                "clock_mhz",
                "None",
                "clock of the trace's time stamps in MHz; a trace file's own by default, else the device's",
            )
            .option(
                "requests",
                "None",
                "requests taken from the start of the workload; all by default, at most 10,000,000",
            )
            .option(
                "skip",
                "None",
                "requests passed over at the start of the workload, before those are taken",
            )
            .option("groups", "\"subsystems\"", "agents of a multi-agent search: subsystems or parameters")
            .option("reference", "\"DRAMSys5\"", "DRAMSys5, or DRAMSys4 for the numbers of ArchGym's binary")
            .option("cmd_mux", "\"Oldest\"", "command multiplexer: Oldest or Strict")
            .option("power_down_policy", "\"NoPowerDown\"", "NoPowerDown or Staggered")
    }
}

fn pick<T: Copy>(option: &str, name: &str, choices: &[(&str, T)]) -> Result<T, EnvError> {
    choices.iter().find(|(known, _)| *known == name).map(|(_, value)| *value).ok_or_else(|| {
        let known: Vec<_> = choices.iter().map(|(known, _)| *known).collect();
        EnvError::invalid(option, format!("there is no `{name}`{}", suggestion(name, &known)))
    })
}
