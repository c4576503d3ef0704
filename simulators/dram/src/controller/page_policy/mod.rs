//! Page policies: whether an access closes its row. One per file.
mod closed_adaptive;
mod open_adaptive;

use crate::config::PagePolicy;

/// What an adaptive policy knows about the bank's waiting requests.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Further {
    /// Another request waits.
    pub request: bool,
    /// Another hit of the open row waits.
    pub hit: bool,
}

/// Whether the access takes auto-precharge. `further` is asked only by adaptive policies.
#[inline]
pub(crate) fn auto_precharge(policy: PagePolicy, further: impl FnOnce() -> Further) -> bool {
    match policy {
        PagePolicy::Open => false,
        PagePolicy::OpenAdaptive => open_adaptive::auto_precharge(further()),
        PagePolicy::Closed => true,
        PagePolicy::ClosedAdaptive => closed_adaptive::auto_precharge(further()),
    }
}
