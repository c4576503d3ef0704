//! First ready with grouping: among the hits the first in the direction of the last access, unless an older hit of
//! the bank goes to the same address (the order of accesses to one address is kept).
use super::{Pick, View};

pub(super) fn next(view: &View<'_>) -> Option<Pick> {
    let index = view.buffer.list_index(view.bank, false);
    let list = view.buffer.list(index);
    if list.is_empty() {
        return None;
    }
    let pick = |position| Some(Pick { list: index, position });
    let Some(row) = view.open_row else { return pick(0) };
    let column = |position: usize| view.pool[list[position].handle() as usize].column;
    let mut first_hit = None;
    for position in (0..list.len()).filter(|position| list[*position].row == row) {
        let first = *first_hit.get_or_insert(position);
        if list[position].is_write() != view.last_was_write {
            continue;
        }
        let overtakes_same_address =
            (first..position).any(|older| list[older].row == row && column(older) == column(position));
        if !overtakes_same_address {
            return pick(position);
        }
    }
    pick(first_hit.unwrap_or(0))
}
