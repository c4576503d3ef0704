//! Statistics of studies: few seeds, several tasks, agents that are to be told apart.
//!
//! | file | question | source |
//! |---|---|---|
//! | `spread` | what did this agent find here? | median, quartiles, bootstrap |
//! | `aggregate` | which agent does well over all tasks? | Agarwal et al., NeurIPS 2021 (rliable) |
//! | `target` | how many evaluations until the target? | Hansen et al., COCO, 2021 |
//! | `significance` | is the difference of two agents more than chance? | Mann and Whitney 1947, Holm 1979 |
//! | `ranks` | which agents differ over many tasks? | Friedman 1937, Nemenyi 1963, Demšar 2006 |
//! | `tuning` | what does tuning buy: the best of k configurations? | Dodge et al. 2019, Tang et al. 2020 |
//! | `attainment` | what part of the runs reach this point of the front? | Grunert da Fonseca et al. 2001 |
//! | `importance` | which parameters matter, and which way? | Breiman 2001, Lundberg and Lee 2017 |
//!
//! Scores are "higher is better" unless a function says otherwise. Everything random draws from a stream of a seed that is handed in.

mod aggregate;
mod attainment;
mod importance;
mod ranks;
mod significance;
mod spread;
mod target;
mod tuning;

pub use aggregate::{
    Estimate, interquartile_mean, optimality_gap, performance_profile, probability_of_improvement,
    stratified_bootstrap,
};
pub use attainment::{attained_share, attainment_surface};
pub(crate) use importance::by_mean_result;
pub use importance::{Importance, Interaction, ParameterImportance, parameter_importance};
pub use ranks::{Ranking, critical_difference, studentized_range_upper};
pub use significance::{holm, mann_whitney};
pub use spread::{Spread, quantile};
pub use target::{Outcome as TargetOutcome, Reached};
pub use tuning::{expected_best, expected_best_curve};
