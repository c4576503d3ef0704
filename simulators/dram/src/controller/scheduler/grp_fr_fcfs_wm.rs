//! Write drain between watermarks: reads only, until many writes wait or no read does; then writes only.
use super::{Pick, View, first_ready};
use crate::controller::buffer::Buffer;

pub(super) fn next(view: &View<'_>) -> Option<Pick> {
    let list = view.buffer.list_index(view.bank, view.draining);
    first_ready(view.buffer.list(list), view.open_row).map(|position| Pick { list, position })
}

/// The mode after a request was stored or removed: whether writes are drained.
pub(crate) fn drains(draining: bool, buffer: &Buffer, low: u32, high: u32) -> bool {
    if draining {
        !(buffer.writes() <= low && buffer.reads() > 0)
    } else {
        buffer.writes() > high || buffer.reads() == 0
    }
}
