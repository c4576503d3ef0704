//! What a model should see of a controller beside its parameters: capacities as logarithms, and what limits what.

use hwgym_simulators::dram::config::{
    Arbiter, ControllerConfig, PagePolicy, RefreshPolicy, RespQueue, Scheduler, SchedulerBuffer,
};

/// Their names. Sizes are logarithms to base 2.
pub(super) const NAMES: [&str; 16] = [
    "buffer_size",
    "active_limit",
    "least_of_size_and_limit",
    "buffer_capacity",
    "least_of_capacity_and_limit",
    "limit_over_size",
    "buffer_never_full",
    "log_postponed",
    "log_pulled_in",
    "postponed",
    "pulled_in",
    "responses_in_order",
    "open_page",
    "adaptive_page",
    "fifo",
    "refresh",
];

/// The numbers of a controller. The limit of an arbiter that does not count is 2^8; the capacity of a buffer per bank that of eight banks.
pub(super) fn describe(controller: &ControllerConfig) -> [f64; 16] {
    let log = |number: u32| f64::from(number.max(1)).log2();
    let flag = |is: bool| f64::from(u8::from(is));
    let size = log(controller.request_buffer_size);
    let limit = match controller.arbiter {
        Arbiter::Simple => 8.0,
        _ => log(controller.max_active_transactions),
    };
    let capacity = size
        + match controller.scheduler_buffer {
            SchedulerBuffer::Bankwise => 3.0,
            SchedulerBuffer::ReadWrite => 1.0,
            SchedulerBuffer::Shared => 0.0,
        };
    let refresh = controller.refresh_policy != RefreshPolicy::NoRefresh;
    let when = |number: f64| if refresh { number } else { 0.0 };
    let policy = controller.page_policy;
    [
        size,
        limit,
        size.min(limit),
        capacity,
        capacity.min(limit),
        limit - size,
        flag(limit <= size),
        when(log(controller.refresh_max_postponed)),
        when(log(controller.refresh_max_pulledin)),
        when(f64::from(controller.refresh_max_postponed)),
        when(f64::from(controller.refresh_max_pulledin)),
        flag(controller.resp_queue == RespQueue::Reorder),
        flag(matches!(policy, PagePolicy::Open | PagePolicy::OpenAdaptive)),
        flag(matches!(policy, PagePolicy::OpenAdaptive | PagePolicy::ClosedAdaptive)),
        flag(controller.scheduler == Scheduler::Fifo),
        flag(refresh),
    ]
}
