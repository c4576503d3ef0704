//! What is said over configurations, runs and tasks: the lottery of hyperparameters, attainment, ranks and performance profiles.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use hwgym_envs::number::significant;

use super::grid::{Grid, write_csv};
use super::page::{link, picture};
use crate::plot::{self, Panel, Sample};
use crate::report::{Standing, TaskReport, Tuned, WITHIN};
use crate::statistics::quantile;
use crate::text::{csv, markdown};
use crate::{Report, StudyError};

/// Curves of one picture at most.
const CURVES: usize = 12;

/// Numbers of configurations in the table; the picture and the CSV file have more.
const COLUMNS: [usize; 5] = [1, 4, 16, 64, 256];

fn row(cells: impl IntoIterator<Item = impl ToString>) -> Vec<String> {
    cells.into_iter().map(|cell| cell.to_string()).collect()
}

/// The section of a task in the page, its plots and its tables; empty without a sweep.
pub(super) fn write_lottery(
    task: &TaskReport,
    folder: &Path,
    files: &mut Vec<PathBuf>,
) -> Result<String, StudyError> {
    if task.lottery.is_empty() {
        return Ok(String::new());
    }
    let stem = format!("lottery.{}", task.file_name());
    let drawn: Vec<&Tuned> =
        task.lottery.iter().filter(|tuned| !tuned.values.is_empty()).take(CURVES).collect();
    let bounds =
        if task.bounds.is_empty() { String::new() } else { format!("only designs where {}; ", task.bounds) };
    let panel = Panel {
        name: task.name(),
        note: format!("{bounds}one value per configuration, their number in brackets"),
        quantity: format!("median over seeds of {}", task.quality_label()),
        has_zero: false,
        samples: drawn
            .iter()
            .map(|tuned| Sample {
                name: format!("{} ({})", tuned.agent, tuned.values.len()),
                values: tuned.values.clone(),
            })
            .collect(),
    };
    let mut pictures = plot::distribution(&folder.join(format!("{stem}.png")), &[panel])?;
    pictures.extend(plot::tuning(task, folder)?);
    let grid = lottery_grid(&task.lottery);
    let mut page = format!(
        "### What tuning buys\n\nEach configuration counts with its median over the seeds, where a search without a design is worse than any; configurations that \
         found none in half of their searches are left out, and their number stands in brackets. *Best of k* is the best of k configurations that are drawn without \
         replacement, on average, with the 95 % interval of a bootstrap over configurations.\n\n{}\n",
        grid.markdown()
    );
    pictures.iter().for_each(|file| page.push_str(&picture(file)));
    files.extend(pictures);
    let mut values = vec![row(["agent", "configuration_median"])];
    let mut expected = vec![row(["agent", "configurations", "k", "expected_best", "ci_low", "ci_high"])];
    for tuned in &task.lottery {
        let (agent, number) = (csv(&tuned.agent), tuned.values.len().to_string());
        values.extend(tuned.values.iter().map(|value| vec![agent.clone(), value.to_string()]));
        expected.extend(tuned.expected.iter().map(|e| {
            let numbers = [e.value, e.low, e.high].map(|v| v.to_string());
            [vec![agent.clone(), number.clone(), e.k.to_string()], numbers.to_vec()].concat()
        }));
    }
    let tuning = format!("tuning.{}", task.file_name());
    files.push(write_csv(&folder.join(format!("{stem}.csv")), &values)?);
    files.push(write_csv(&folder.join(format!("{tuning}.csv")), &expected)?);
    files.push(
        grid.write_latex(&format!("{}: what tuning buys", task.name()), &folder.join(format!("{stem}.tex")))?,
    );
    let (stem, tuning) = (link(&stem), link(&tuning));
    let _ = writeln!(
        page,
        "Data: [medians of all configurations]({stem}.csv), [best of k]({tuning}.csv), [table in LaTeX]({stem}.tex).\n"
    );
    if task.lottery.len() > drawn.len() {
        let _ = writeln!(page, "The pictures show the first {} agents.\n", drawn.len());
    }
    Ok(page)
}

/// What the configurations of each agent found. Digits: as many as tell the medians of the agents apart.
fn lottery_grid(lottery: &[Tuned]) -> Grid {
    let sorted: Vec<Vec<f64>> = lottery
        .iter()
        .map(|tuned| {
            let mut values = tuned.values.clone();
            values.sort_by(f64::total_cmp);
            values
        })
        .collect();
    let medians: Vec<f64> =
        sorted.iter().map(|values| quantile(values, 0.5)).filter(|v| !v.is_nan()).collect();
    let digits = super::columns::digits_apart(&medians);
    let short = |value: f64| significant(value, digits);
    let mut heads = row(["agent", "configurations", "worst", "quartiles", "best"]);
    heads.extend(COLUMNS.map(|k| format!("best of {k}")));
    let rows = lottery.iter().zip(&sorted).map(|(tuned, sorted)| {
        let barren = if tuned.barren > 0 { format!(" (and {})", tuned.barren) } else { String::new() };
        let quartile = |share| if sorted.is_empty() { String::new() } else { short(quantile(sorted, share)) };
        let mut cells = vec![
            tuned.agent.clone(),
            format!("{}{barren}", tuned.values.len()),
            tuned.values.first().copied().map_or(String::new(), short),
            [0.25, 0.5, 0.75].map(quartile).join(", "),
            tuned.values.last().copied().map_or(String::new(), short),
        ];
        cells.extend(COLUMNS.map(|k| match tuned.best_of(k) {
            Some(e) => format!("{} ({} to {})", short(e.value), short(e.low), short(e.high)),
            None => String::new(),
        }));
        cells
    });
    Grid { heads, rows: rows.collect() }
}

/// The section over all tasks: mean ranks and performance profiles; empty where nothing is said over them.
pub(super) fn write_ranks(
    report: &Report,
    folder: &Path,
    files: &mut Vec<PathBuf>,
) -> Result<String, StudyError> {
    let Some(standing) = &report.standing else { return Ok(String::new()) };
    let ranks = ranks_grid(standing);
    let mut page = format!("## Over all tasks\n\n{}", ranks.markdown());
    for sentence in sentences(standing) {
        let _ = write!(page, "\n{}\n", markdown(&sentence));
    }
    page.push('\n');
    let pictures = plot::ranks(&folder.join("ranks.png"), standing)?;
    pictures.iter().for_each(|file| page.push_str(&picture(file)));
    files.extend(pictures);
    files.push(ranks.write_latex("mean ranks over all tasks", &folder.join("ranks.tex"))?);
    let mut rows = vec![row(["agent", "mean_rank", "tasks", "critical_difference"])];
    for agent in &standing.order {
        rows.push(vec![
            csv(&standing.agents[*agent]),
            standing.ranking.mean_ranks[*agent].to_string(),
            standing.ranking.tasks.to_string(),
            standing.ranking.critical_difference.map_or(String::new(), |d| d.to_string()),
        ]);
    }
    files.push(write_csv(&folder.join("ranks.csv"), &rows)?);

    // In the order of the study, in which an agent has the same colour everywhere.
    let mut best: Vec<usize> = standing.order.iter().take(CURVES).copied().collect();
    best.sort_unstable();
    let samples = best.iter().map(|agent| Sample {
        name: standing.agents[*agent].clone(),
        values: standing.distances[*agent].clone(),
    });
    let panel = Panel {
        name: "Performance profiles: runs of all tasks".into(),
        note: match standing.agents.len() {
            all if all > CURVES => format!("the {CURVES} best of {all} agents by mean rank"),
            _ => String::new(),
        },
        quantity: "distance to the best known or found (%)".into(),
        has_zero: true,
        samples: samples.collect(),
    };
    let pictures = plot::distribution(&folder.join("profiles.png"), &[panel])?;
    pictures.iter().for_each(|file| page.push_str(&picture(file)));
    files.extend(pictures);
    let mut rows = vec![row(["agent", "distance_percent"])];
    for (agent, distances) in standing.agents.iter().zip(&standing.distances) {
        rows.extend(distances.iter().map(|distance| vec![csv(agent), distance.to_string()]));
    }
    files.push(write_csv(&folder.join("profiles.csv"), &rows)?);
    page.push_str("Data: [ranks](ranks.csv), [their table in LaTeX](ranks.tex), [distances of all runs](profiles.csv).\n\n");
    Ok(page)
}

fn ranks_grid(standing: &Standing) -> Grid {
    let mut heads = row(["agent", "mean rank of its median"]);
    heads.extend(WITHIN.map(|percent| format!("runs within {percent} % of the best")));
    let rows = standing.order.iter().map(|agent| {
        let mut cells =
            vec![standing.agents[*agent].clone(), format!("{:.2}", standing.ranking.mean_ranks[*agent])];
        cells
            .extend(WITHIN.map(|percent| format!("{:.0} %", 100.0 * standing.share_within(*agent, percent))));
        cells
    });
    Grid { heads, rows: rows.collect() }
}

/// What the ranks say, in words: the test over all agents, and who is not told apart from whom.
pub(crate) fn sentences(standing: &Standing) -> Vec<String> {
    let mut sentences = Vec::new();
    if let Some((statistic, p)) = standing.ranking.friedman {
        sentences.push(format!(
            "Friedman's test over {} tasks: {} with p = {}.",
            standing.ranking.tasks,
            significant(statistic, 4),
            significant(p, 2)
        ));
    }
    if let Some(difference) = standing.ranking.critical_difference {
        sentences.push(format!("Mean ranks differ at the 5 % level by {difference:.2} or more (Nemenyi)."));
        let alike = standing.alike.iter().map(|set| {
            set.iter().map(|agent| standing.agents[*agent].clone()).collect::<Vec<_>>().join(", ")
        });
        let alike: Vec<String> = alike.collect();
        sentences.push(match alike.is_empty() {
            true => "All agents are told apart.".into(),
            false => format!("Not told apart: {}.", alike.join("; ")),
        });
    }
    sentences
}

/// The attainment surfaces of a task with two goals, as a picture and as a table: points that a quarter, half and three quarters of an agent's runs
/// attain.
pub(super) fn write_attainment(
    task: &TaskReport,
    folder: &Path,
    files: &mut Vec<PathBuf>,
) -> Result<String, StudyError> {
    if task.attained.is_empty() {
        return Ok(String::new());
    }
    let mut rows = vec![row(["agent", "share"])];
    rows[0].extend(task.goals.iter().map(|goal| goal.label()));
    for surface in &task.attained {
        let agent = csv(&task.contestants[surface.contestant].title());
        for point in &surface.points {
            rows.push(vec![
                agent.clone(),
                surface.share.to_string(),
                point[0].to_string(),
                point[1].to_string(),
            ]);
        }
    }
    let pictures = plot::attainment(task, folder)?;
    let grid = attained_grid(task);
    let mut page = format!(
        "### Empirical attainment\n\nWhat a quarter, half and three quarters of the runs attain.\n\n{}\n",
        grid.markdown()
    );
    pictures.iter().for_each(|file| page.push_str(&picture(file)));
    files.extend(pictures);
    let stem = format!("attainment.{}", task.file_name());
    files.push(write_csv(&folder.join(format!("{stem}.csv")), &rows)?);
    let comment = format!("{}: empirical attainment", task.name());
    files.push(grid.write_latex(&comment, &folder.join(format!("{stem}.tex")))?);
    let stem = link(&stem);
    let _ = writeln!(page, "Data: [points of the surfaces]({stem}.csv), [table in LaTeX]({stem}.tex).\n");
    Ok(page)
}

/// One row per surface: how large it is, and its ends.
fn attained_grid(task: &TaskReport) -> Grid {
    let mut heads = row(["agent", "share of the runs", "hypervolume (%)", "points"]);
    heads.extend(task.goals.iter().map(|goal| format!("best {}", goal.label())));
    let rows = task.attained.iter().map(|surface| {
        // From the best value of the first goal to the best of the second.
        let ends = [surface.points.first().map(|p| p[0]), surface.points.last().map(|p| p[1])];
        let mut cells = vec![
            task.contestants[surface.contestant].title(),
            format!("{:.0} %", 100.0 * surface.share),
            format!("{:.2}", surface.hypervolume),
            surface.points.len().to_string(),
        ];
        cells.extend(ends.map(|end| end.map_or(String::new(), |value| significant(value, 4))));
        cells
    });
    Grid { heads, rows: rows.collect() }
}
