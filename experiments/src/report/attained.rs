//! What the runs of a contestant attain of two goals.

use serde::Serialize;

use super::TaskReport;
use crate::pareto::hypervolume;
use crate::statistics::attainment_surface;

/// The shares of runs for which a surface is made.
pub const SHARES: [f64; 3] = [0.25, 0.5, 0.75];

/// A surface of empirical attainment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Attained {
    /// Place of the contestant.
    pub contestant: usize,
    /// Its runs.
    pub runs: usize,
    /// At least this share of them attains every point.
    pub share: f64,
    /// Their hypervolume in % of that of the known front, or of the front of all trials together.
    pub hypervolume: f64,
    /// The points, in units of the goals, from the best value of the first goal on.
    pub points: Vec<[f64; 2]>,
}

impl Attained {
    /// The surfaces of all contestants of a task with two goals; empty for other tasks.
    pub(super) fn of(task: &TaskReport) -> Vec<Self> {
        let [first, second] = &task.goals[..] else { return Vec::new() };
        // The sign that makes a value of a reward makes a reward of a value.
        let reference: Vec<f64> =
            task.goals.iter().zip(&task.reference).map(|(goal, value)| goal.value(*value)).collect();
        let mut surfaces = Vec::new();
        for (contestant, report) in task.contestants.iter().enumerate() {
            let runs: Vec<Vec<[f64; 2]>> = (report.trials.iter())
                .filter(|trial| trial.counted)
                .map(|trial| trial.improvements.iter().map(|(_, rewards)| [rewards[0], rewards[1]]).collect())
                .collect();
            for share in SHARES {
                let points = attainment_surface(&runs, share);
                if !points.is_empty() {
                    let hypervolume = match task.full_hypervolume {
                        full if full > 0.0 => 100.0 * hypervolume(&points, &reference) / full,
                        _ => 0.0,
                    };
                    let value = |point: [f64; 2]| [first.value(point[0]), second.value(point[1])];
                    let points = points.into_iter().map(value).collect();
                    surfaces.push(Self { contestant, runs: runs.len(), share, hypervolume, points });
                }
            }
        }
        surfaces
    }
}
