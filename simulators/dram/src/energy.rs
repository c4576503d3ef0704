//! Energy of one channel by the equations of DRAMPower 4, kept up to date command by command.
//!
//! Background time is split into "some bank open" (active) and "all closed" (precharged), for all ranks of the
//! channel together, as the reference does it; each command adds its own share. IO and termination are not included.
use crate::command::Command;
use crate::device::Device;
use serde::Serialize;

/// Energy by cause, in pJ, over all devices of the channels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct EnergyByComponent {
    /// Opening rows.
    pub activate: f64,
    /// Closing rows.
    pub precharge: f64,
    /// Read bursts.
    pub read: f64,
    /// Write bursts.
    pub write: f64,
    /// Refresh.
    pub refresh: f64,
    /// Standby with a bank open.
    pub active_standby: f64,
    /// Standby with all banks closed.
    pub precharge_standby: f64,
    /// Power-down with a bank open.
    pub active_power_down: f64,
    /// Power-down with all banks closed.
    pub precharge_power_down: f64,
    /// Self refresh, with the refreshes at its start.
    pub self_refresh: f64,
}

impl EnergyByComponent {
    /// Sum of all components, in pJ.
    pub fn total(&self) -> f64 {
        self.activate
            + self.precharge
            + self.read
            + self.write
            + self.refresh
            + self.active_standby
            + self.precharge_standby
            + self.active_power_down
            + self.precharge_power_down
            + self.self_refresh
    }

    /// Adds another account.
    pub fn add(&mut self, other: &Self) {
        self.activate += other.activate;
        self.precharge += other.precharge;
        self.read += other.read;
        self.write += other.write;
        self.refresh += other.refresh;
        self.active_standby += other.active_standby;
        self.precharge_standby += other.precharge_standby;
        self.active_power_down += other.active_power_down;
        self.precharge_power_down += other.precharge_power_down;
        self.self_refresh += other.self_refresh;
    }
}

/// Times in clocks that the equations need.
#[derive(Debug, Clone, Copy)]
struct Clocks {
    ras: u64,
    rc: u64,
    rp: u64,
    rcd: u64,
    rfc: u64,
    rfc_per_bank: u64,
    burst: u64,
    /// From RDA and WRA to the precharge they imply.
    rda_precharge: u64,
    wra_precharge: u64,
    /// From the last command to the end of its effect.
    read_tail: u64,
    write_tail: u64,
}

/// Running account of one channel.
#[derive(Debug, Clone)]
pub(crate) struct EnergyAccount {
    clocks: Clocks,
    /// Bit per bank: open.
    open: Vec<u64>,
    open_count: u64,
    last_activate: Vec<u64>,
    /// Implied precharges that are still to come: (time, bank), earliest first.
    implied: Vec<(u64, u32)>,
    first_active: u64,
    last_precharge: u64,
    active: u64,
    precharged: u64,
    activates: u64,
    precharges: u64,
    reads: u64,
    writes: u64,
    refreshes: u64,
    bank_refreshes: u64,
    power_down: Option<(u64, bool)>,
    self_refresh_since: Option<u64>,
    active_power_down: u64,
    precharge_power_down: u64,
    sr: u64,
    sr_refresh_active: u64,
    sr_refresh_precharged: u64,
    sr_exit_active: u64,
    sr_exit_precharged: u64,
    last: (u64, Command),
}

impl EnergyAccount {
    /// An empty account for one channel of `device`.
    pub(crate) fn new(device: &Device) -> Self {
        let timing = device.timing();
        let first =
            |names: &[&str]| names.iter().map(|name| timing.value(name)).find(|v| *v > 0).unwrap_or(0);
        let burst = timing.burst_clocks;
        let (al, rtp) = (timing.value("AL"), timing.value("RTP"));
        let ddr3 = device.standard() == crate::standard::Standard::DDR3;
        let write_recovery = timing.value("WL") + burst + timing.value("WR");
        let rp = first(&["RP", "RPPB"]);
        let ras = timing.value("RAS");
        let clocks = Clocks {
            ras,
            rc: first(&["RC", "RCPB"]).max(ras),
            rp,
            rcd: first(&["RCD", "RCDRD"]),
            rfc: timing.all_bank_refresh.duration,
            rfc_per_bank: timing.per_bank_refresh.or(timing.same_bank_refresh).map_or(0, |r| r.duration),
            burst,
            rda_precharge: al + if ddr3 { rtp.max(4) } else { rtp },
            wra_precharge: write_recovery,
            read_tail: timing.value("RL") + timing.value("DQSCK") + 1 + burst,
            write_tail: write_recovery,
        };
        let banks = device.banks_per_channel();
        Self {
            clocks,
            open: vec![0; banks.div_ceil(64)],
            open_count: 0,
            last_activate: vec![0; banks],
            implied: Vec::with_capacity(64),
            first_active: 0,
            last_precharge: 0,
            active: 0,
            precharged: 0,
            activates: 0,
            precharges: 0,
            reads: 0,
            writes: 0,
            refreshes: 0,
            bank_refreshes: 0,
            power_down: None,
            self_refresh_since: None,
            active_power_down: 0,
            precharge_power_down: 0,
            sr: 0,
            sr_refresh_active: 0,
            sr_refresh_precharged: 0,
            sr_exit_active: 0,
            sr_exit_precharged: 0,
            last: (0, Command::PdXp),
        }
    }

    /// Books `command` to `bank` (any bank of the rank for rank-wide commands) at clock `now`.
    #[inline]
    pub(crate) fn command(&mut self, command: Command, bank: usize, now: u64) {
        self.flush_implied(now);
        self.last = (now, command);
        match command {
            Command::Act => self.activate(bank, now),
            Command::Rd => self.reads += 1,
            Command::Wr => self.writes += 1,
            Command::Rda => {
                self.reads += 1;
                self.imply_precharge(bank, now + self.clocks.rda_precharge);
            }
            Command::Wra => {
                self.writes += 1;
                self.imply_precharge(bank, now + self.clocks.wra_precharge);
            }
            Command::PrePb => self.precharge(bank, now),
            _ => self.rare(command, now),
        }
    }

    fn is_open(&self, bank: usize) -> bool {
        self.open[bank / 64] >> (bank % 64) & 1 == 1
    }

    fn activate(&mut self, bank: usize, now: u64) {
        self.last_activate[bank] = now;
        if self.is_open(bank) {
            return;
        }
        self.activates += 1;
        if self.open_count == 0 {
            self.precharged += now.saturating_sub(self.last_precharge);
            self.first_active = now;
        }
        self.open[bank / 64] |= 1 << (bank % 64);
        self.open_count += 1;
    }

    fn precharge(&mut self, bank: usize, now: u64) {
        if !self.is_open(bank) {
            return;
        }
        self.precharges += 1;
        self.open[bank / 64] &= !(1 << (bank % 64));
        self.open_count -= 1;
        if self.open_count == 0 {
            self.active += now.saturating_sub(self.first_active);
            self.last_precharge = now;
        }
    }

    fn imply_precharge(&mut self, bank: usize, at: u64) {
        let at = at.max(self.last_activate[bank] + self.clocks.ras);
        let place = self.implied.partition_point(|&(time, _)| time <= at);
        self.implied.insert(place, (at, bank as u32));
    }

    /// Precharges that fall due up to `now`; on equal times they come before the command.
    #[inline]
    fn flush_implied(&mut self, now: u64) {
        if self.implied.first().is_some_and(|&(time, _)| time <= now) {
            let due = self.implied.partition_point(|&(time, _)| time <= now);
            for index in 0..due {
                let (at, bank) = self.implied[index];
                self.precharge(bank as usize, at);
                self.last = (at, Command::PrePb);
            }
            self.implied.drain(..due);
        }
    }

    fn close_all(&mut self) {
        self.open.fill(0);
        self.open_count = 0;
    }

    /// Commands to whole ranks.
    #[cold]
    fn rare(&mut self, command: Command, now: u64) {
        match command {
            Command::PreAb if self.open_count > 0 => {
                self.active += now.saturating_sub(self.first_active);
                self.last_precharge = now;
                self.precharges += self.open_count;
                self.close_all();
            }
            Command::RefAb => {
                self.refreshes += 1;
                self.precharged += now.saturating_sub(self.last_precharge);
                self.first_active = now;
                let length = self.clocks.rfc.saturating_sub(self.clocks.rp);
                self.last_precharge = now + length;
                self.active += length;
                self.close_all();
            }
            Command::RefPb | Command::RefSb => self.bank_refreshes += 1,
            Command::PdEa => {
                self.active += now.saturating_sub(self.first_active);
                self.power_down = Some((now, true));
            }
            Command::PdEp => {
                self.precharged += now.saturating_sub(self.last_precharge);
                self.power_down = Some((now, false));
            }
            Command::PdXa | Command::PdXp => self.leave_power_down(now),
            Command::SrefEn => {
                self.precharged += now.saturating_sub(self.last_precharge);
                self.last_precharge = now;
                self.self_refresh_since = Some(now);
            }
            Command::SrefEx => self.leave_self_refresh(now),
            _ => {}
        }
    }

    fn leave_power_down(&mut self, now: u64) {
        if let Some((since, active)) = self.power_down.take() {
            let length = now.saturating_sub(since);
            if active {
                self.active_power_down += length;
                self.first_active = now;
            } else {
                self.precharge_power_down += length;
                self.last_precharge = now;
            }
        }
    }

    /// The first refresh of a self refresh runs at refresh current, the rest at `idd6`; a short one ends inside it.
    fn leave_self_refresh(&mut self, now: u64) {
        let Some(since) = self.self_refresh_since.take() else { return };
        let Clocks { rfc, rp, .. } = self.clocks;
        let length = now.saturating_sub(since);
        let active = rfc.saturating_sub(rp);
        if length >= rfc {
            self.sr_refresh_active += active;
            self.sr_refresh_precharged += rp;
            self.sr += length - rfc;
            self.last_precharge = now;
        } else if length >= active {
            let precharged = length - active;
            self.sr_refresh_active += active;
            self.sr_refresh_precharged += precharged;
            self.sr_exit_precharged += rp - precharged;
            self.last_precharge = now + rp - precharged;
        } else {
            self.sr_refresh_active += length;
            self.sr_exit_active += active - length;
            self.sr_exit_precharged += rp;
            self.last_precharge = now + rfc - length;
        }
    }

    /// Closes the account: energy in pJ and the time it covers in clocks. `period_ns` is the clock period.
    pub(crate) fn finish(&mut self, device: &Device, period_ns: f64) -> (EnergyByComponent, u64) {
        self.flush_implied(u64::MAX);
        let clocks = self.clocks;
        let (at, command) = self.last;
        let tail = match command {
            Command::Rd | Command::Rda => clocks.read_tail,
            Command::Wr | Command::Wra => clocks.write_tail,
            Command::Act => clocks.rcd,
            Command::PrePb | Command::PreAb | Command::PreSb => clocks.rp,
            _ => 0,
        };
        let end = (at + tail).saturating_sub(1);
        if self.power_down.is_some() {
            self.leave_power_down(end);
        } else if self.self_refresh_since.is_some() {
            self.leave_self_refresh(end);
        } else if self.open_count > 0 {
            self.active += end.saturating_sub(self.first_active);
        } else {
            self.precharged += end.saturating_sub(self.last_precharge);
        }
        let o = device.organization();
        let banks = f64::from(o.bank_groups * o.banks_per_group);
        let mut sum = EnergyByComponent::default();
        let n = |count: u64| count as f64;
        for s in device.supplies() {
            let unit = s.vdd * period_ns * f64::from(o.devices);
            let rank_unit = unit * f64::from(o.ranks);
            let refresh_current = s.idd5 - s.idd3n;
            let bank_refresh_current =
                if s.idd5pb > 0.0 { s.idd5pb - s.idd3n } else { refresh_current / banks };
            let refreshing = n(self.refreshes * clocks.rfc) * refresh_current
                + n(self.bank_refreshes * clocks.rfc_per_bank) * bank_refresh_current;
            let entering = self.sr_refresh_active
                + self.sr_refresh_precharged
                + self.sr_exit_active
                + self.sr_exit_precharged;
            let self_refresh = n(self.sr) * s.idd6
                + n(entering) * refresh_current
                + n(self.sr_refresh_active) * s.idd3p0
                + n(self.sr_refresh_precharged) * s.idd2p0
                + n(self.sr_exit_active) * s.idd3n
                + n(self.sr_exit_precharged) * s.idd2n;
            sum.add(&EnergyByComponent {
                activate: unit * n(self.activates * clocks.ras) * (s.idd0 - s.idd3n),
                precharge: unit * n(self.precharges * (clocks.rc - clocks.ras)) * (s.idd0 - s.idd2n),
                read: unit * n(self.reads * clocks.burst) * (s.idd4r - s.idd3n),
                write: unit * n(self.writes * clocks.burst) * (s.idd4w - s.idd3n),
                refresh: unit * refreshing,
                active_standby: rank_unit * n(self.active) * s.idd3n,
                precharge_standby: rank_unit * n(self.precharged) * s.idd2n,
                active_power_down: rank_unit * n(self.active_power_down) * s.idd3p0,
                precharge_power_down: rank_unit * n(self.precharge_power_down) * s.idd2p0,
                self_refresh: rank_unit * self_refresh,
            });
        }
        let covered = self.active
            + self.precharged
            + self.active_power_down
            + self.precharge_power_down
            + self.sr
            + self.sr_refresh_active
            + self.sr_refresh_precharged
            + self.sr_exit_active
            + self.sr_exit_precharged;
        (sum, covered)
    }
}
