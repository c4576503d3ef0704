//! The page that explains a report, and the summary on the terminal.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use comfy_table::{CellAlignment, Table, presets};
use hwgym_envs::number::significant;

use super::columns::{cells, grid, header};
use crate::Report;
use crate::report::TaskReport;
use crate::text::markdown;

/// A number with four significant digits.
fn short(value: f64) -> String {
    significant(value, 4)
}

/// A file's name as the target of a link.
pub(super) fn link(file: &str) -> String {
    file.replace('%', "%25").replace('#', "%23")
}

/// A picture in the page, with a link to the same as SVG; nothing for the SVG file itself.
pub(super) fn picture(file: &Path) -> String {
    if file.extension().is_none_or(|extension| extension != "png") {
        return String::new();
    }
    let file = link(&file.file_name().map_or(String::new(), |name| name.to_string_lossy().into_owned()));
    let vector = file.strip_suffix(".png").unwrap_or(&file);
    format!("![{file}]({file})\n\n[the same as SVG]({vector}.svg)\n\n")
}

/// What a reader has to know beside the table: bounds, what is missing, and why evaluations failed; one line each.
fn remarks(task: &TaskReport, escape: fn(&str) -> String) -> Vec<String> {
    let mut lines = Vec::new();
    if !task.bounds.is_empty() {
        lines.push(format!("Only designs count where {}.", escape(&task.bounds)));
    }
    for contestant in task.contestants.iter().filter(|contestant| !contestant.missing.is_empty()) {
        let counted = contestant.trials.iter().filter(|trial| trial.counted).count();
        let (all, missing) = (contestant.trials.len(), escape(&contestant.missing.join("; ")));
        let label = escape(&contestant.title());
        lines.push(format!("Unfinished: {label}, {counted} of {all} trials counted ({missing})."));
    }
    for contestant in &task.contestants {
        for (reason, count) in &contestant.failures {
            let (label, reason) = (escape(&contestant.title()), escape(reason));
            lines.push(format!("Failed: {label}, {count} evaluations: {reason}."));
        }
    }
    lines
}

/// What the numbers of a task are relative to.
fn explanation(task: &TaskReport) -> String {
    if task.goals.len() == 1 {
        return match task.known_optimum {
            Some(best) => format!("The optimum of the whole design space is {} (enumerated).", short(best)),
            None => "The optimum is not known.".into(),
        };
    }
    let point: Vec<_> = task
        .goals
        .iter()
        .zip(&task.reference)
        .map(|(g, r)| format!("{} = {}", g.label(), short(*r)))
        .collect();
    let full =
        if task.known_front { "of the known Pareto front" } else { "of the front of all trials together" };
    format!(
        "Hypervolume in % of that {full}; reference point {} ({}).",
        point.join(", "),
        task.reference_origin
    )
}

/// The summary for a terminal.
pub fn summary(report: &Report) -> String {
    let mut text = String::new();
    for task in &report.tasks {
        let mut table = Table::new();
        table.load_style(presets::UTF8_HORIZONTAL_ONLY);
        table.set_header(header(task));
        for contestant in &task.contestants {
            table.add_row(cells(task, contestant));
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        let _ = writeln!(
            text,
            "\n{}, {} evaluations per search\n{table}\n{}",
            task.name(),
            task.budget,
            explanation(task)
        );
        for line in remarks(task, str::to_string) {
            let _ = writeln!(text, "{line}");
        }
    }
    text
}

/// The page, in Markdown.
pub(super) fn page(report: &Report, plots: &[Vec<PathBuf>], sections: &[String], ranks: &str) -> String {
    let mut page = format!("# {}\n\n", report.study);
    if !report.description.is_empty() {
        let _ = writeln!(page, "{}\n", markdown(&report.description));
    }
    let _ = writeln!(
        page,
        "{} tasks, {} evaluations per search, {} seeds; hwgym {}. The study itself is [study.ron](../study.ron); [report.html](report.html) \
         is this report with figures to hover, select and filter.\n",
        report.tasks.len(),
        report.budget,
        report.seeds,
        report.hwgym
    );
    page.push_str(ranks);
    for ((task, plots), section) in report.tasks.iter().zip(plots).zip(sections) {
        let _ = writeln!(page, "## {}\n", markdown(&task.name()));
        if task.budget < report.budget {
            let _ = writeln!(page, "The first {} evaluations of each search.\n", task.budget);
        }
        page.push_str(&grid(task).markdown());
        let _ = writeln!(page, "\n{}\n", markdown(&explanation(task)));
        for line in remarks(task, markdown) {
            let _ = writeln!(page, "{line}\n");
        }
        plots.iter().for_each(|file| page.push_str(&picture(file)));
        let file = link(&task.file_name());
        let fronts = match task.goals.len() {
            1 => String::new(),
            _ => format!(", [fronts of the agents](fronts.{file}.csv)"),
        };
        let _ = writeln!(
            page,
            "Data: [evaluations](evaluations.{file}.csv), [front](front.{file}.csv){fronts}, [table in LaTeX](table.{file}.tex).\n"
        );
        page.push_str(section);
        for contestant in task.contestants.iter().filter(|c| !c.varied.is_empty()) {
            let varied: Vec<_> = contestant.varied.iter().map(|(n, v)| format!("{n}: {v}")).collect();
            let _ = writeln!(page, "* {}: {}", markdown(&contestant.label), markdown(&varied.join(", ")));
        }
    }
    report.resimulations.iter().for_each(|resimulation| page.push_str(&resimulation.page()));
    page.push_str(
        "\n## How to read this\n\n\
         * *median, quartiles, best* are taken over the seeds; the interval is the 95 % confidence interval of the median by bootstrap.\n\
         * Up to five seeds the range is from the smallest to the largest value, and is called that.\n\
         * *seeds* counts the searches that found a design within all bounds; the others do not enter the median.\n\
         * *solved* counts the searches that met what the task asks for; the *expected evaluations* to it are those of all searches over the number \
         of those that got there (a search that did not counts with its whole budget).\n\
         * *p against the best*: Mann-Whitney test over the seeds against the agent with the best median, adjusted by Holm's method.\n\
         * *regret* is the distance of the best found value to the known optimum, relative to the optimum; *at the optimum* counts the \
         searches that found it, to a part in a thousand million.\n\
         * [summary.csv](summary.csv), [trials.csv](trials.csv) and [convergence.csv](convergence.csv) hold the numbers of the tables and \
         plots; [report.json](report.json) holds everything.\n",
    );
    page
}
