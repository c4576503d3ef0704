//! Controller configuration: every parameter of the controller under the name DRAMSys gives it.
mod choice;
pub(crate) mod rules;

use crate::device::Device;
use crate::dramsys;
use crate::error::{Error, Result};
use crate::source::{read_ron, read_text};
use choice::choice;
use serde::{Deserialize, Serialize};
use std::path::Path;

choice! {
    /// When an open row is closed again.
    pub enum PagePolicy {
        /// Rows stay open until another row of the bank is wanted.
        Open,
        /// As `Open`, but auto-precharge if further requests wait for the bank and none hits the row.
        OpenAdaptive,
        /// Every access closes its row (auto-precharge).
        Closed,
        /// As `Closed`, but the row stays open while a further request hits it.
        ClosedAdaptive,
    }
}

choice! {
    /// Which request of a bank comes next.
    pub enum Scheduler {
        /// Oldest first.
        Fifo,
        /// As `FrFcfs`, with hits in the direction of the last access first.
        FrFcfsGrp,
        /// First ready: row hits first, then oldest.
        FrFcfs,
        /// Reads and writes in groups: the direction of the last access while it has requests.
        GrpFrFcfs,
        /// Reads first; writes are drained between a high and a low watermark.
        GrpFrFcfsWm,
    }
}

choice! {
    /// How the request buffer is divided; `RequestBufferSize` is the size of each part.
    pub enum SchedulerBuffer {
        /// One part per bank.
        Bankwise,
        /// One part for reads, one for writes; a full part holds up all requests.
        ReadWrite,
        /// One part for all.
        Shared,
    }
}

choice! {
    /// Which of the ready commands gets the command bus.
    pub enum CmdMux {
        /// The one of the oldest request.
        Oldest,
        /// As `Oldest`, with reads and writes strictly in the order of arrival.
        Strict,
    }
}

choice! {
    /// Order of responses of a controller.
    pub enum RespQueue {
        /// As the data become ready.
        Fifo,
        /// As the requests were admitted.
        Reorder,
    }
}

choice! {
    /// Refresh scheme.
    pub enum RefreshPolicy {
        /// None: only for comparisons, a real memory would lose its contents.
        NoRefresh,
        /// All banks of a rank at once.
        AllBank,
        /// One bank at a time, where the standard has it.
        PerBank,
        /// The same bank of every bank group at a time, where the standard has it.
        SameBank,
    }
}

choice! {
    /// Power-down scheme.
    pub enum PowerDownPolicy {
        /// Clock enable stays high.
        NoPowerDown,
        /// Power-down when a rank is idle, self refresh after it stayed idle over a refresh.
        Staggered,
    }
}

choice! {
    /// What stands between the initiator and the controllers.
    pub enum Arbiter {
        /// Passes requests and responses through.
        Simple,
        /// Accepts up to `MaxActiveTransactions` requests; responses in order of arrival.
        Fifo,
        /// As `Fifo`; responses in the order of the requests.
        Reorder,
    }
}

choice! {
    /// Which version of the reference simulator the details follow.
    pub enum Reference {
        /// DRAMSys 5.1: time, latency, counts and logs of the golden data.
        DRAMSys5,
        /// DRAMSys 4.0 as shipped with ArchGym.
        DRAMSys4,
        /// Ramulator 2.1's controller: an activated request leaves its place in the buffer; any ready command may go; a refresh that is due
        /// holds up requests until it is done and is never postponed.
        Ramulator2,
    }
}

/// Every parameter of the controller. Field names in files and on the command line are those of DRAMSys.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "PascalCase")]
pub struct ControllerConfig {
    /// Page policy.
    pub page_policy: PagePolicy,
    /// Scheduler.
    pub scheduler: Scheduler,
    /// Division of the request buffer.
    pub scheduler_buffer: SchedulerBuffer,
    /// Requests per part of the buffer, 1 to 1024.
    pub request_buffer_size: u32,
    /// Command multiplexer.
    pub cmd_mux: CmdMux,
    /// Order of responses.
    pub resp_queue: RespQueue,
    /// Refresh scheme.
    pub refresh_policy: RefreshPolicy,
    /// Refreshes that may be postponed (per bank, if refreshed bank by bank), 0 to 64.
    pub refresh_max_postponed: u32,
    /// Refreshes that may be done ahead of time, 0 to 64.
    pub refresh_max_pulledin: u32,
    /// Power-down scheme.
    pub power_down_policy: PowerDownPolicy,
    /// Arbiter.
    pub arbiter: Arbiter,
    /// Requests that the arbiters `Fifo` and `Reorder` accept before the first is answered.
    pub max_active_transactions: u32,
    /// `GrpFrFcfsWm`: writes are drained down to this many; by default a fifth of `RequestBufferSize`.
    pub low_watermark: Option<u32>,
    /// `GrpFrFcfsWm`: draining starts above this many writes; by default four fifths of `RequestBufferSize`.
    pub high_watermark: Option<u32>,
    /// Version of the reference.
    pub reference: Reference,
}

impl Default for ControllerConfig {
    fn default() -> Self {
        Self {
            page_policy: PagePolicy::Open,
            scheduler: Scheduler::FrFcfs,
            scheduler_buffer: SchedulerBuffer::Bankwise,
            request_buffer_size: 8,
            cmd_mux: CmdMux::Oldest,
            resp_queue: RespQueue::Fifo,
            refresh_policy: RefreshPolicy::AllBank,
            refresh_max_postponed: 8,
            refresh_max_pulledin: 8,
            power_down_policy: PowerDownPolicy::NoPowerDown,
            arbiter: Arbiter::Simple,
            max_active_transactions: 128,
            low_watermark: None,
            high_watermark: None,
            reference: Reference::DRAMSys5,
        }
    }
}

impl ControllerConfig {
    /// Names of all parameters, as [`ControllerConfig::set`] takes them.
    pub const NAMES: [&'static str; 15] = [
        "PagePolicy",
        "Scheduler",
        "SchedulerBuffer",
        "RequestBufferSize",
        "CmdMux",
        "RespQueue",
        "RefreshPolicy",
        "RefreshMaxPostponed",
        "RefreshMaxPulledin",
        "PowerDownPolicy",
        "Arbiter",
        "MaxActiveTransactions",
        "LowWatermark",
        "HighWatermark",
        "Reference",
    ];

    /// Reads a configuration from RON text, for example `(Scheduler: Fifo, RequestBufferSize: 4)`.
    ///
    /// # Errors
    /// [`Error::Source`] with line and column.
    pub fn from_ron(text: &str, file: &str) -> Result<Self> {
        let config: Self = read_ron(text, file)?;
        config.check_ranges().map_err(|error| match error {
            Error::InvalidValue { parameter, value, message, remedy } => {
                let message = format!("{parameter} = {value}: {message}");
                crate::source::about(text, file, &parameter, message, remedy)
            }
            other => other,
        })?;
        Ok(config)
    }

    /// Reads a configuration from a file: RON, or JSON as this crate writes it or DRAMSys reads it (`mcconfig`, or a
    /// simulation that names or holds one).
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Source`].
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let text = read_text(path)?;
        if !dramsys::is_json(&text) {
            return Self::from_ron(&text, &path.display().to_string());
        }
        let part = dramsys::controller(path)?;
        let known = |key: &str| Self::NAMES.contains(&key);
        if let Some(key) = part.value.as_object().and_then(|map| map.keys().find(|key| !known(key))) {
            let best = crate::error::closest(key, Self::NAMES)
                .map_or_else(String::new, |best| format!("did you mean `{best}`? "));
            let remedy = format!("{best}expected one of: {}", Self::NAMES.join(", "));
            return Err(part.fault(key, format!("unknown parameter `{key}`"), &remedy));
        }
        let config: Self = serde_json::from_value(part.value.clone())
            .map_err(|error| part.fault("mcconfig", error.to_string(), "see `--list-parameters`"))?;
        config.check_ranges()?;
        Ok(config)
    }

    /// Sets the parameter called `name` to `value`, both as text.
    ///
    /// # Errors
    /// [`Error::UnknownName`] for the name or a value among names, [`Error::InvalidValue`] for a number.
    pub fn set(&mut self, name: &str, value: &str) -> Result<()> {
        let number = || {
            value.parse::<u32>().map_err(|_| Error::InvalidValue {
                parameter: name.to_owned(),
                value: value.to_owned(),
                message: "not a whole number".to_owned(),
                remedy: format!("write for example {name}=8"),
            })
        };
        match name {
            "PagePolicy" => self.page_policy = PagePolicy::from_name(value)?,
            "Scheduler" => self.scheduler = Scheduler::from_name(value)?,
            "SchedulerBuffer" => self.scheduler_buffer = SchedulerBuffer::from_name(value)?,
            "RequestBufferSize" => self.request_buffer_size = number()?,
            "CmdMux" => self.cmd_mux = CmdMux::from_name(value)?,
            "RespQueue" => self.resp_queue = RespQueue::from_name(value)?,
            "RefreshPolicy" => self.refresh_policy = RefreshPolicy::from_name(value)?,
            "RefreshMaxPostponed" => self.refresh_max_postponed = number()?,
            "RefreshMaxPulledin" => self.refresh_max_pulledin = number()?,
            "PowerDownPolicy" => self.power_down_policy = PowerDownPolicy::from_name(value)?,
            "Arbiter" => self.arbiter = Arbiter::from_name(value)?,
            "MaxActiveTransactions" => self.max_active_transactions = number()?,
            "LowWatermark" => self.low_watermark = Some(number()?),
            "HighWatermark" => self.high_watermark = Some(number()?),
            "Reference" => self.reference = Reference::from_name(value)?,
            _ => return Err(Error::unknown("parameter", name, Self::NAMES)),
        }
        self.check_ranges()
    }

    /// The semantics of the reference that is followed.
    pub(crate) fn rules(&self) -> rules::Rules {
        rules::Rules::of(self.reference)
    }

    /// Low and high watermark in force.
    pub fn watermarks(&self) -> (u32, u32) {
        let size = self.request_buffer_size;
        (self.low_watermark.unwrap_or(size / 5), self.high_watermark.unwrap_or(size * 4 / 5))
    }

    /// Ranges of single parameters.
    fn check_ranges(&self) -> Result<()> {
        let within = |parameter: &str, value: u32, low: u32, high: u32| {
            if (low..=high).contains(&value) {
                return Ok(());
            }
            Err(Error::InvalidValue {
                parameter: parameter.to_owned(),
                value: value.to_string(),
                message: "out of range".to_owned(),
                remedy: format!("expected {low} to {high}"),
            })
        };
        within("RequestBufferSize", self.request_buffer_size, 1, 1024)?;
        within("RefreshMaxPostponed", self.refresh_max_postponed, 0, 64)?;
        within("RefreshMaxPulledin", self.refresh_max_pulledin, 0, 64)?;
        within("MaxActiveTransactions", self.max_active_transactions, 1, 65536)
    }

    /// Checks the whole configuration, also against a device.
    ///
    /// # Errors
    /// [`Error::InvalidValue`] about the parameter to change.
    pub fn check(&self, device: &Device) -> Result<()> {
        self.check_ranges()?;
        let fail = |parameter: &str, value: &str, message: String, remedy: &str| {
            Err(Error::InvalidValue {
                parameter: parameter.to_owned(),
                value: value.to_owned(),
                message,
                remedy: remedy.to_owned(),
            })
        };
        let timing = device.timing();
        let policy = self.refresh_policy;
        let missing = match policy {
            RefreshPolicy::PerBank => timing.per_bank_refresh.is_none(),
            RefreshPolicy::SameBank => timing.same_bank_refresh.is_none(),
            _ => false,
        };
        if missing {
            let message = format!("{:?} has no such refresh", device.standard());
            return fail("RefreshPolicy", policy.name(), message, "use AllBank with this device");
        }
        if self.cmd_mux == CmdMux::Strict && self.scheduler != Scheduler::Fifo {
            let message = format!("with Scheduler={} a younger row hit would wait for ever", self.scheduler);
            return fail("CmdMux", "Strict", message, "set Scheduler=Fifo, or CmdMux=Oldest");
        }
        if self.reference == Reference::Ramulator2 {
            let message = "Reference=Ramulator2 has no such controller".to_owned();
            if self.cmd_mux != CmdMux::Oldest {
                return fail(
                    "CmdMux",
                    self.cmd_mux.name(),
                    message,
                    "use CmdMux=Oldest, or another Reference",
                );
            }
            if self.power_down_policy != PowerDownPolicy::NoPowerDown {
                let value = self.power_down_policy.name();
                return fail("PowerDownPolicy", value, message, "use NoPowerDown, or another Reference");
            }
        }
        let (low, high) = self.watermarks();
        if self.scheduler == Scheduler::GrpFrFcfsWm && low > high {
            let message = format!("above HighWatermark ({high})");
            return fail("LowWatermark", &low.to_string(), message, "lower it");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn set_takes_every_name_and_suggests_for_wrong_ones() {
        let mut config = ControllerConfig::default();
        config.set("Scheduler", "Fifo").unwrap();
        config.set("RequestBufferSize", "4").unwrap();
        assert_eq!((config.scheduler, config.request_buffer_size), (Scheduler::Fifo, 4));
        let message =
            |name: &str, value: &str| ControllerConfig::default().set(name, value).unwrap_err().to_string();
        assert!(message("Schedular", "Fifo").contains("did you mean `Scheduler`?"));
        assert!(message("PagePolicy", "Opn").contains("did you mean `Open`?"));
        assert!(message("RequestBufferSize", "0").contains("expected 1 to 1024"));
        assert!(message("RequestBufferSize", "x").contains("not a whole number"));
    }

    #[test]
    fn ron_round_trip_and_places() {
        let config =
            ControllerConfig { request_buffer_size: 16, low_watermark: Some(2), ..Default::default() };
        let text = ron::to_string(&config).unwrap();
        assert_eq!(ControllerConfig::from_ron(&text, "c.ron").unwrap(), config);
        let error =
            ControllerConfig::from_ron("(\n  Scheduler: FrFcfs,\n  RequestBufferSize: 0,\n)", "c.ron");
        assert!(error.unwrap_err().to_string().starts_with("c.ron:3:3: "));
        let error = ControllerConfig::from_ron("(\n  Schedulr: FrFcfs)", "c.ron").unwrap_err().to_string();
        assert!(error.starts_with("c.ron:2:") && error.contains("did you mean `Scheduler`?"), "{error}");
    }

    #[test]
    fn json_is_read_back_and_dramsys_files_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.json");
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            ControllerConfig::from_file(&path)
        };
        let config = ControllerConfig {
            request_buffer_size: 16,
            low_watermark: Some(2),
            reference: Reference::DRAMSys4,
            ..Default::default()
        };
        assert_eq!(read(&serde_json::to_string_pretty(&config).unwrap()).unwrap(), config);
        let theirs = |entry: &str| format!("{{\"mcconfig\": {{\"Scheduler\": \"Fifo\", {entry}}}}}");
        assert_eq!(read(&theirs("\"RefreshManagement\": false")).unwrap().scheduler, Scheduler::Fifo);
        let error = read(&theirs("\"RefreshManagement\": true")).unwrap_err().to_string();
        assert!(error.contains("RefreshManagement = true is not modelled"), "{error}");
        let error = read(&theirs("\"Arbitr\": \"Fifo\"")).unwrap_err().to_string();
        assert!(error.contains("did you mean `Arbiter`?"), "{error}");
    }

    #[test]
    fn contradictions_are_found() {
        let device = Device::preset("ddr3_1600_rbc").unwrap();
        let strict = ControllerConfig { cmd_mux: CmdMux::Strict, ..Default::default() };
        assert!(strict.check(&device).is_err());
        let per_bank = ControllerConfig { refresh_policy: RefreshPolicy::PerBank, ..Default::default() };
        assert!(per_bank.check(&device).unwrap_err().to_string().contains("AllBank"));
        ControllerConfig::default().check(&device).unwrap();
        let ramulator = ControllerConfig { reference: Reference::Ramulator2, ..Default::default() };
        ramulator.check(&device).unwrap();
        let asleep = ControllerConfig { power_down_policy: PowerDownPolicy::Staggered, ..ramulator.clone() };
        assert!(asleep.check(&device).unwrap_err().to_string().contains("NoPowerDown"));
        let strict = ControllerConfig { cmd_mux: CmdMux::Strict, scheduler: Scheduler::Fifo, ..ramulator };
        assert!(strict.check(&device).unwrap_err().to_string().contains("CmdMux=Oldest"));
    }
}
