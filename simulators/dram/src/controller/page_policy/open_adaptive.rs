//! Open, adaptive: the row is closed once others wait for the bank and none of them hits it.
use super::Further;

pub(super) fn auto_precharge(further: Further) -> bool {
    further.request && !further.hit
}
