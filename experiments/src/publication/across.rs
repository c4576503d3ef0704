//! What is said over configurations and over tasks: the lottery of hyperparameters, ranks, performance profiles, and attainment.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use hwgym_envs::Random;
use hwgym_envs::number::significant;
use hwgym_envs::random::derive_seed;

use crate::plot::{self, Panel, Sample};
use crate::report::{ContestantReport, TaskReport};
use crate::statistics::{Ranking, attainment_surface, expected_best, quantile};
use crate::text::{csv, markdown};
use crate::{Report, StudyError};

/// Configurations of an agent from which on tuning is a lottery worth a table.
const CONFIGURATIONS: usize = 3;

/// Curves of one picture at most.
const CURVES: usize = 12;

/// Resamples of an interval.
const RESAMPLES: usize = 500;

/// What tuning an agent on one task comes to: the median over the seeds of every configuration.
struct Tuned {
    agent: String,
    /// Configurations that found no design in half of their searches, and are left out.
    barren: usize,
    /// From the worst to the best.
    values: Vec<f64>,
    /// k, and the best of k configurations that is to be expected, with a 95 % interval (bootstrap over configurations).
    expected: Vec<(usize, f64, f64, f64)>,
}

/// The agents of a task with their configurations, those without a sweep too; empty if none was swept enough.
fn lottery(task: &TaskReport) -> Vec<Tuned> {
    let sign = if task.smaller_is_better() { -1.0 } else { 1.0 };
    let mut agents: Vec<(String, Vec<f64>, usize)> = Vec::new();
    for contestant in &task.contestants {
        let name = match contestant.label.rsplit_once('#') {
            Some((stem, _)) if !contestant.varied.is_empty() => stem,
            _ => &contestant.label,
        };
        let counted = contestant.trials.iter().filter(|trial| trial.counted);
        let mut scores: Vec<f64> =
            counted.map(|trial| trial.quality.map_or(f64::NEG_INFINITY, |quality| sign * quality)).collect();
        if scores.is_empty() {
            continue;
        }
        scores.sort_by(f64::total_cmp);
        let place = match agents.iter().position(|(agent, ..)| agent == name) {
            Some(place) => place,
            None => {
                agents.push((name.into(), Vec::new(), 0));
                agents.len() - 1
            }
        };
        // Half of an infinity is one, too: a median between a design and none is none.
        match quantile(&scores, 0.5) {
            median if median.is_finite() => agents[place].1.push(median),
            _ => agents[place].2 += 1,
        }
    }
    if agents.iter().all(|(_, scores, barren)| scores.len() + barren < CONFIGURATIONS) {
        return Vec::new();
    }
    let tuned = |(agent, mut scores, barren): (String, Vec<f64>, usize)| {
        scores.sort_by(f64::total_cmp);
        let mut random = Random::new(derive_seed(0, &format!("{}/{agent}/lottery", task.name())));
        let ks = (0..).map(|power| 4usize.pow(power)).take_while(|k| *k <= scores.len());
        let expected = ks.filter_map(|k| {
            let value = expected_best(&scores, k)?;
            let mut drawn: Vec<f64> = (0..RESAMPLES)
                .filter_map(|_| {
                    let resample: Vec<f64> =
                        scores.iter().map(|_| scores[random.below(scores.len())]).collect();
                    expected_best(&resample, k)
                })
                .collect();
            drawn.sort_by(f64::total_cmp);
            let ends = [quantile(&drawn, 0.025), quantile(&drawn, 0.975)].map(|end| sign * end);
            Some((k, sign * value, ends[0].min(ends[1]), ends[0].max(ends[1])))
        });
        let expected = expected.collect();
        Tuned { agent, barren, values: scores.iter().map(|score| sign * score).collect(), expected }
    };
    agents.into_iter().map(tuned).collect()
}

/// The section of a task in the page, its plot and its table; empty without a sweep.
pub(super) fn write_lottery(
    task: &TaskReport,
    folder: &Path,
    files: &mut Vec<PathBuf>,
) -> Result<String, StudyError> {
    let agents = lottery(task);
    if agents.is_empty() {
        return Ok(String::new());
    }
    let stem = format!("lottery.{}", task.file_name());
    let panel = Panel {
        name: format!("{}: one value per configuration", task.name()),
        quantity: format!("median over seeds of {}", task.quality_label()),
        samples: agents
            .iter()
            .filter(|tuned| !tuned.values.is_empty())
            .take(CURVES)
            .map(|tuned| Sample {
                name: format!("{} ({})", tuned.agent, tuned.values.len()),
                values: tuned.values.clone(),
            })
            .collect(),
    };
    files.extend(plot::distribution(&folder.join(format!("{stem}.png")), &[panel])?);
    let mut table = String::from("agent,configurations,k,expected_best,ci_low,ci_high\n");
    let short = |value: f64| significant(value, 4);
    let mut page = format!(
        "### What tuning buys\n\nEach configuration counts with its median over the seeds, where a search without a design is worse than any; configurations that \
         found none in half of their searches are left out, and their number stands in brackets. *Best of k* is the best of k configurations that are drawn without \
         replacement, on average, with the 95 % interval of a bootstrap over configurations.\n\n| agent | configurations | worst | quartiles | best |{}\n|---|---|---|---|---|{}\n",
        [1, 4, 16, 64, 256].map(|k| format!(" best of {k} |")).concat(),
        "---|".repeat(5)
    );
    for tuned in &agents {
        let sorted = {
            let mut values = tuned.values.clone();
            values.sort_by(f64::total_cmp);
            values
        };
        let ends = [0.25, 0.5, 0.75]
            .map(|share| if sorted.is_empty() { String::new() } else { short(quantile(&sorted, share)) });
        let (worst, best) = (tuned.values.first().copied(), tuned.values.last().copied());
        let cell = |power: usize| match tuned.expected.get(power) {
            Some((_, value, low, high)) => {
                format!(" {} ({} to {}) |", short(*value), short(*low), short(*high))
            }
            None => " |".into(),
        };
        let _ = writeln!(
            page,
            "| {} | {}{} | {} | {} | {} |{}",
            markdown(&tuned.agent),
            tuned.values.len(),
            if tuned.barren > 0 { format!(" (and {})", tuned.barren) } else { String::new() },
            worst.map_or(String::new(), short),
            ends.join(", "),
            best.map_or(String::new(), short),
            (0..5).map(cell).collect::<String>()
        );
        for (k, value, low, high) in &tuned.expected {
            let agent = csv(&tuned.agent).replace('"', "\"\"");
            let _ = writeln!(table, "\"{agent}\",{},{k},{value},{low},{high}", tuned.values.len());
        }
    }
    let path = folder.join(format!("{stem}.csv"));
    crate::store::write_whole(&path, table.as_bytes())?;
    files.push(path);
    let file = super::page::link(&stem);
    let _ =
        writeln!(page, "\n![{file}.png]({file}.png)\n\n[the same as SVG]({file}.svg), [table]({file}.csv)\n");
    Ok(page)
}

/// The relative distance of a run to the best that is known of its task, or that any run found; infinite for one that found nothing.
fn distances(task: &TaskReport, contestant: &ContestantReport) -> Vec<f64> {
    let best = match task.known_optimum {
        Some(optimum) => Some(optimum),
        None if task.goals.len() > 1 => Some(100.0),
        None => {
            let all = task.contestants.iter().flat_map(|c| &c.trials).filter_map(|trial| trial.quality);
            if task.smaller_is_better() { all.reduce(f64::min) } else { all.reduce(f64::max) }
        }
    };
    let distance = |quality: f64| {
        best.map_or(f64::INFINITY, |best| (quality - best).abs() / if best == 0.0 { 1.0 } else { best.abs() })
    };
    let counted = contestant.trials.iter().filter(|trial| trial.counted);
    counted.map(|trial| 100.0 * trial.quality.map_or(f64::INFINITY, distance)).collect()
}

/// The section over all tasks: mean ranks and performance profiles; empty for one task, one agent, or more agents than a picture holds.
pub(super) fn write_ranks(
    report: &Report,
    folder: &Path,
    files: &mut Vec<PathBuf>,
) -> Result<String, StudyError> {
    let agents = report.tasks.first().map_or(0, |task| task.contestants.len());
    let is_measured = |task: &&TaskReport| task.contestants.iter().any(|c| c.quality.is_some());
    let tasks: Vec<&TaskReport> = report.tasks.iter().filter(is_measured).collect();
    if tasks.len() < 2 || !(2..=CURVES).contains(&agents) {
        return Ok(String::new());
    }
    let scores: Vec<Vec<f64>> = tasks
        .iter()
        .map(|task| {
            let sign = if task.smaller_is_better() { -1.0 } else { 1.0 };
            let score = |c: &ContestantReport| c.quality.map_or(f64::NEG_INFINITY, |q| sign * q.median);
            task.contestants.iter().map(score).collect()
        })
        .collect();
    let ranking = Ranking::of(&scores);
    let mut page = String::from("## Over all tasks\n\n| agent | mean rank of its median |\n|---|---|\n");
    let mut order: Vec<usize> = (0..agents).collect();
    order.sort_by(|a, b| ranking.mean_ranks[*a].total_cmp(&ranking.mean_ranks[*b]));
    for agent in order {
        let title = markdown(&tasks[0].contestants[agent].title());
        let _ = writeln!(page, "| {title} | {:.2} |", ranking.mean_ranks[agent]);
    }
    if let Some((statistic, p)) = ranking.friedman {
        let _ = writeln!(
            page,
            "\nFriedman's test over {} tasks: {} with p = {}.",
            ranking.tasks,
            significant(statistic, 4),
            significant(p, 2)
        );
    }
    if let Some(difference) = ranking.critical_difference {
        let _ = writeln!(page, "Mean ranks differ at the 5 % level by {difference:.2} or more (Nemenyi).");
    }
    let samples = (0..agents).map(|agent| Sample {
        name: tasks[0].contestants[agent].title(),
        values: tasks.iter().flat_map(|task| distances(task, &task.contestants[agent])).collect(),
    });
    let panel = Panel {
        name: "Performance profiles: runs of all tasks".into(),
        quantity: "distance to the best known or found (%)".into(),
        samples: samples.collect(),
    };
    files.extend(plot::distribution(&folder.join("profiles.png"), &[panel])?);
    page.push_str("\n![profiles.png](profiles.png)\n\n[the same as SVG](profiles.svg)\n\n");
    Ok(page)
}

/// The attainment surfaces of a task with two goals, as a table: points that a quarter, half and three quarters of an agent's runs attain.
pub(super) fn write_attainment(
    task: &TaskReport,
    folder: &Path,
    files: &mut Vec<PathBuf>,
) -> Result<String, StudyError> {
    if task.goals.len() != 2 {
        return Ok(String::new());
    }
    let mut rows = format!(
        "agent,share,\"{}\",\"{}\"\n",
        task.goals[0].label().replace('"', "\"\""),
        task.goals[1].label().replace('"', "\"\"")
    );
    for contestant in &task.contestants {
        let runs: Vec<Vec<[f64; 2]>> = contestant
            .trials
            .iter()
            .filter(|trial| trial.counted)
            .map(|trial| trial.improvements.iter().map(|(_, rewards)| [rewards[0], rewards[1]]).collect())
            .collect();
        for share in [0.25, 0.5, 0.75] {
            for point in attainment_surface(&runs, share) {
                let agent = csv(&contestant.title()).replace('"', "\"\"");
                let (x, y) = (task.goals[0].value(point[0]), task.goals[1].value(point[1]));
                let _ = writeln!(rows, "\"{agent}\",{share},{x},{y}");
            }
        }
    }
    let path = folder.join(format!("attainment.{}.csv", task.file_name()));
    crate::store::write_whole(&path, rows.as_bytes())?;
    files.push(path);
    let file = super::page::link(&format!("attainment.{}.csv", task.file_name()));
    Ok(format!(
        "[Empirical attainment]({file}): what a quarter, half and three quarters of the runs attain.\n\n"
    ))
}
