//! Oldest first: the command that would end first wins, on equal times the one of the oldest request.
use super::Candidate;

/// One command bus.
pub(super) fn one_bus(candidates: &[Candidate], allowed: impl Fn(&&Candidate) -> bool) -> Option<Candidate> {
    candidates
        .iter()
        .filter(allowed)
        .min_by_key(|candidate| (candidate.time + candidate.length, candidate.id))
        .copied()
}

/// A row bus and a column bus: the best of each, then the one that may start first.
pub(super) fn two_buses(
    candidates: &[Candidate],
    allowed: impl Fn(&&Candidate) -> bool,
) -> Option<Candidate> {
    let best = |column: bool| {
        let side = candidates.iter().filter(|candidate| candidate.command.is_column() == column);
        side.filter(&allowed)
            .min_by_key(|candidate| (candidate.time + candidate.length, candidate.id))
            .copied()
    };
    match (best(false), best(true)) {
        (Some(row), Some(column)) => {
            Some(if (row.time, row.id) <= (column.time, column.id) { row } else { column })
        }
        (row, column) => row.or(column),
    }
}
