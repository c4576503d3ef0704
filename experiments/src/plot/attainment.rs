//! Empirical attainment: what half of the runs reach of two goals as a step, and what a quarter and three quarters reach beside it. Up to three
//! contestants share one picture; more have a panel each, in front of the others' medians.

use plotters::coord::Shift;
use plotters::prelude::*;

use super::Axis;
use super::legend::{self, visible};
use super::pareto::{corner, staircase};
use super::style::{colour, marker, subtitle, title};
use crate::report::TaskReport;

/// Contestants whose bands can be told apart in one picture.
const TOGETHER: usize = 3;

/// Panels of one picture at most.
const PANELS: usize = 24;

pub(super) fn draw<'a, B: DrawingBackend + 'a>(
    task: &TaskReport,
    area: &'a DrawingArea<B, Shift>,
    scale: f64,
) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
    area.fill(&WHITE)?;
    let area = &title(task, area, scale)?;
    let mut contestants: Vec<usize> = task.attained.iter().map(|surface| surface.contestant).collect();
    contestants.dedup();
    let runs = task.attained.iter().map(|surface| surface.runs).max().unwrap_or(0);
    let (x, y) = axes(task);
    let said = |axis: &Axis, name: &str| {
        if axis.is_logarithmic() { format!(", {name} logarithmic") } else { String::new() }
    };
    let mut words = format!(
        "line: half of the runs reach this or better; beside it a quarter and three quarters; n = {runs} seeds"
    );
    if contestants.len() > TOGETHER {
        let (first, second) = (&task.goals[0], &task.goals[1]);
        words.push_str(&format!("; across {}, up {}", visible(&first.label()), visible(&second.label())));
        words += &(said(&x, "across") + &said(&y, "up"));
    }
    if contestants.len() > PANELS {
        words.push_str(&format!("; {PANELS} of {} contestants", contestants.len()));
    }
    let area = &subtitle(&words, area, scale)?;
    if contestants.len() <= TOGETHER {
        return panel(task, &contestants, &contestants, area, scale, false);
    }
    let shown = contestants.len().min(PANELS);
    let columns = (shown as f64).sqrt().ceil() as usize;
    let places = area.split_evenly((shown.div_ceil(columns), columns));
    places
        .iter()
        .zip(&contestants)
        .try_for_each(|(place, one)| panel(task, &[*one], &contestants, place, scale, true))
}

fn axes(task: &TaskReport) -> (Axis, Axis) {
    let values = |goal: usize| {
        task.attained.iter().flat_map(move |surface| surface.points.iter().map(move |p| p[goal]))
    };
    (Axis::over(values(0)), Axis::over(values(1)))
}

/// One panel: these contestants in front; in a small one, the medians of all behind them.
fn panel<B: DrawingBackend>(
    task: &TaskReport,
    front: &[usize],
    all: &[usize],
    area: &DrawingArea<B, Shift>,
    scale: f64,
    small: bool,
) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
    let px = |size: f64| (size * scale).round() as i32;
    let (mut x, mut y) = axes(task);
    if small {
        (x, y) = (x.with_few_ticks(4), y.with_few_ticks(4));
    }
    let (first, second) = (&task.goals[0], &task.goals[1]);
    let named = |axis: &Axis, goal: &crate::report::GoalView| {
        let logarithmic = if axis.is_logarithmic() { ", logarithmic" } else { "" };
        axis.caption(&goal.name, &goal.unit) + logarithmic
    };
    let (x_caption, y_caption) = (named(&x, first), named(&y, second));
    let (letters, sides) = if small { (9.0, (24.0, 44.0)) } else { (13.0, (46.0, 72.0)) };
    let mut builder = ChartBuilder::on(area);
    builder
        .margin(px(if small { 5.0 } else { 14.0 }))
        .x_label_area_size(px(sides.0))
        .y_label_area_size(px(sides.1));
    if small {
        builder.caption(visible(&task.contestants[front[0]].title()), ("sans-serif", px(11.0)));
    }
    let mut chart = builder.build_cartesian_2d(x, y)?;
    let mut mesh = chart.configure_mesh();
    mesh.light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(0.08).stroke_width(px(1.0) as u32))
        .axis_style(BLACK.mix(0.6).stroke_width(px(1.0) as u32))
        .set_all_tick_mark_size(px(4.0))
        .label_style(("sans-serif", px(letters)))
        .axis_desc_style(("sans-serif", px(letters + 2.0)));
    if !small {
        mesh.x_desc(x_caption).y_desc(y_caption);
    }
    mesh.draw()?;
    let line = |contestant: usize, share: f64| {
        let surface = task.attained.iter().find(|s| s.contestant == contestant && s.share == share);
        let points: Vec<(f64, f64)> =
            surface.iter().flat_map(|s| s.points.iter().map(|p| (p[0], p[1]))).collect();
        staircase(&points)
    };
    if small {
        for contestant in all {
            let style = BLACK.mix(0.18).stroke_width(px(1.0) as u32);
            chart.draw_series(LineSeries::new(line(*contestant, 0.5), style))?;
        }
    }
    for &contestant in front {
        for share in [0.25, 0.75] {
            let style = colour(contestant).mix(0.55).stroke_width(px(1.0) as u32);
            chart.draw_series(LineSeries::new(line(contestant, share), style))?;
        }
        let median = line(contestant, 0.5);
        let stride = 2 * (median.len() / 2).div_ceil(10).max(1);
        let marks: Vec<(f64, f64)> = median.iter().step_by(stride).copied().collect();
        chart.draw_series(LineSeries::new(median, colour(contestant).stroke_width(px(1.8) as u32)))?;
        let series =
            chart.draw_series(marks.into_iter().map(|at| marker(contestant, at, 4.0 * scale, 1.0)))?;
        if !small {
            series
                .label(visible(&task.contestants[contestant].title()))
                .legend(move |at| marker(contestant, (at.0 + px(10.0), at.1 - px(2.0)), 4.0 * scale, 1.0));
        }
    }
    if small { Ok(()) } else { legend::inside(&mut chart, corner(first.sign, second.sign), scale) }
}
