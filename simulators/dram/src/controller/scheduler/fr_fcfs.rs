//! First ready, first come: the first hit of the open row, otherwise the oldest.
use super::{Pick, View, first_ready};

#[inline]
pub(super) fn next(view: &View<'_>) -> Option<Pick> {
    let list = view.buffer.list_index(view.bank, false);
    first_ready(view.buffer.list(list), view.open_row).map(|position| Pick { list, position })
}
