//! Strict order: a read or write counts only if its request is the next in order of admission.
use super::Candidate;

pub(super) fn allows(candidate: &Candidate, next_id: u64) -> bool {
    !candidate.command.is_column() || candidate.id == next_id
}
