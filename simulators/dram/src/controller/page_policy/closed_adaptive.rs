//! Closed, adaptive: the row is closed unless another waiting request hits it.
use super::Further;

pub(super) fn auto_precharge(further: Further) -> bool {
    !further.hit
}
