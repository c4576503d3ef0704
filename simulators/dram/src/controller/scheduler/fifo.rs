//! First come, first served within a bank.
use super::{Pick, View};

pub(super) fn next(view: &View<'_>) -> Option<Pick> {
    let list = view.buffer.list_index(view.bank, false);
    (!view.buffer.list(list).is_empty()).then_some(Pick { list, position: 0 })
}
