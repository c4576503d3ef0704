//! ArchGym's ten parameters of a DRAM controller, in its two value sets.

use hwgym_simulators::dram::config::{
    Arbiter, ControllerConfig, PagePolicy, RefreshPolicy, RespQueue, Scheduler, SchedulerBuffer,
};

use crate::{Design, DesignSpace, EnvError, Group, Parameter};

/// Which values the numeric parameters take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueSet {
    /// Powers of two, as in ArchGym's reinforcement-learning environment: 442,368 designs.
    ArchGym,
    /// Every integer, as in ArchGym's genetic and Bayesian decoders: 28,311,552 designs.
    Wide,
}

/// Positions of the parameters.
pub(super) mod at {
    pub const PAGE_POLICY: usize = 0;
    pub const SCHEDULER: usize = 1;
    pub const SCHEDULER_BUFFER: usize = 2;
    pub const REQUEST_BUFFER_SIZE: usize = 3;
    pub const RESP_QUEUE: usize = 4;
    pub const REFRESH_POLICY: usize = 5;
    pub const REFRESH_MAX_POSTPONED: usize = 6;
    pub const REFRESH_MAX_PULLEDIN: usize = 7;
    pub const ARBITER: usize = 8;
    pub const MAX_ACTIVE_TRANSACTIONS: usize = 9;
}

/// The schedulers of the space, in its order.
const SCHEDULERS: [Scheduler; 3] = [Scheduler::Fifo, Scheduler::FrFcfsGrp, Scheduler::FrFcfs];
/// The refresh policies of the space, in its order.
const REFRESH_POLICIES: [RefreshPolicy; 2] = [RefreshPolicy::NoRefresh, RefreshPolicy::AllBank];

/// The space.
pub(super) fn space(values: ValueSet, subsystems: bool) -> Result<DesignSpace, EnvError> {
    let number = |name, wide_high, archgym_high| match values {
        ValueSet::ArchGym => Parameter::powers_of_two(name, 1, archgym_high),
        ValueSet::Wide => Parameter::integer(name, 1, wide_high),
    };
    let space = DesignSpace::new(vec![
        Parameter::categorical("PagePolicy", PagePolicy::ALL.iter().map(|value| value.name()))
            .describe("when an open row is closed again"),
        Parameter::categorical("Scheduler", SCHEDULERS.map(Scheduler::name))
            .describe("which request of a bank comes next"),
        Parameter::categorical("SchedulerBuffer", SchedulerBuffer::ALL.iter().map(|value| value.name()))
            .describe("how the request buffer is divided"),
        number("RequestBufferSize", 8, 128).unit("request").describe("requests per part of the buffer"),
        Parameter::categorical("RespQueue", RespQueue::ALL.iter().map(|value| value.name()))
            .describe("order of the controller's responses"),
        Parameter::categorical("RefreshPolicy", REFRESH_POLICIES.map(RefreshPolicy::name))
            .describe("refresh scheme; without refresh a real memory would lose its contents"),
        number("RefreshMaxPostponed", 8, 8)
            .unit("refresh")
            .describe("refreshes that may be postponed")
            .when("RefreshPolicy", ["AllBank"]),
        number("RefreshMaxPulledin", 8, 8)
            .unit("refresh")
            .describe("refreshes that may be done ahead of time")
            .when("RefreshPolicy", ["AllBank"]),
        Parameter::categorical("Arbiter", Arbiter::ALL.iter().map(|value| value.name()))
            .describe("what stands between the initiator and the controller"),
        number("MaxActiveTransactions", 128, 128)
            .unit("request")
            .describe("requests accepted before the first is answered")
            .when("Arbiter", ["Fifo", "Reorder"]),
    ])?;
    if !subsystems {
        return Ok(space);
    }
    Ok(space.with_groups(vec![
        Group::new("rows", ["PagePolicy"]),
        Group::new("scheduling", ["Scheduler", "SchedulerBuffer", "RequestBufferSize"]),
        Group::new("refresh", ["RefreshPolicy", "RefreshMaxPostponed", "RefreshMaxPulledin"]),
        Group::new("transactions", ["RespQueue", "Arbiter", "MaxActiveTransactions"]),
    ])?)
}

/// The controller that a design describes; what the space does not cover comes from `fixed`.
pub(super) fn controller(space: &DesignSpace, design: &Design, fixed: &ControllerConfig) -> ControllerConfig {
    let number = |index| space.number(design, index) as u32;
    ControllerConfig {
        page_policy: PagePolicy::ALL[design.level(at::PAGE_POLICY)],
        scheduler: SCHEDULERS[design.level(at::SCHEDULER)],
        scheduler_buffer: SchedulerBuffer::ALL[design.level(at::SCHEDULER_BUFFER)],
        request_buffer_size: number(at::REQUEST_BUFFER_SIZE),
        resp_queue: RespQueue::ALL[design.level(at::RESP_QUEUE)],
        refresh_policy: REFRESH_POLICIES[design.level(at::REFRESH_POLICY)],
        refresh_max_postponed: number(at::REFRESH_MAX_POSTPONED),
        refresh_max_pulledin: number(at::REFRESH_MAX_PULLEDIN),
        arbiter: Arbiter::ALL[design.level(at::ARBITER)],
        max_active_transactions: number(at::MAX_ACTIVE_TRANSACTIONS),
        ..fixed.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_order_are_archgyms() {
        assert_eq!(space(ValueSet::ArchGym, true).unwrap().size(), Some(442_368));
        assert_eq!(space(ValueSet::Wide, false).unwrap().size(), Some(28_311_552));
        let space = space(ValueSet::ArchGym, false).unwrap();
        assert_eq!(space.groups().len(), 10);
        let design = space
            .design([
                ("PagePolicy", "ClosedAdaptive".into()),
                ("Scheduler", "FrFcfsGrp".into()),
                ("SchedulerBuffer", "Shared".into()),
                ("RequestBufferSize", crate::Value::Integer(16)),
                ("RespQueue", "Reorder".into()),
                ("RefreshPolicy", "AllBank".into()),
                ("RefreshMaxPostponed", crate::Value::Integer(4)),
                ("RefreshMaxPulledin", crate::Value::Integer(2)),
                ("Arbiter", "Fifo".into()),
                ("MaxActiveTransactions", crate::Value::Integer(64)),
            ])
            .unwrap();
        let config = controller(&space, &design, &ControllerConfig::default());
        let expected = ControllerConfig {
            page_policy: PagePolicy::ClosedAdaptive,
            scheduler: Scheduler::FrFcfsGrp,
            scheduler_buffer: SchedulerBuffer::Shared,
            request_buffer_size: 16,
            resp_queue: RespQueue::Reorder,
            refresh_policy: RefreshPolicy::AllBank,
            refresh_max_postponed: 4,
            refresh_max_pulledin: 2,
            arbiter: Arbiter::Fifo,
            max_active_transactions: 64,
            ..ControllerConfig::default()
        };
        assert_eq!(config, expected);
    }
}
