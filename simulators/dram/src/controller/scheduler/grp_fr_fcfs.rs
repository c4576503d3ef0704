//! Reads and writes in groups: the list of the last access's direction while it is not empty, otherwise the other
//! one; inside it first ready, first come.
use super::{Pick, View, first_ready};

pub(super) fn next(view: &View<'_>) -> Option<Pick> {
    let same = view.buffer.list_index(view.bank, view.last_was_write);
    let other = view.buffer.list_index(view.bank, !view.last_was_write);
    let list = if view.buffer.list(same).is_empty() { other } else { same };
    first_ready(view.buffer.list(list), view.open_row).map(|position| Pick { list, position })
}
