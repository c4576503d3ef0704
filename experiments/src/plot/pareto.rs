//! The Pareto plot: what every contestant found, its front as a step, dominated points faint. With more than two goals it is a projection: the
//! front in all goals, seen along two of them, without a line.

use plotters::coord::Shift;
use plotters::prelude::*;

use super::Axis;
use super::legend::{self, visible};
use super::style::{Star, colour, hollow, marker, subtitle, title};
use crate::pareto::front;
use crate::report::TaskReport;

/// Dominated points drawn per contestant at most.
const FAINT: usize = 1500;

/// Markers on a front at most, about; its line is drawn whole.
const MARKERS: usize = 200;

pub(super) fn draw<'a, B: DrawingBackend + 'a>(
    task: &TaskReport,
    pair: (usize, usize),
    area: &'a DrawingArea<B, Shift>,
    scale: f64,
) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
    let px = |size: f64| (size * scale).round() as i32;
    area.fill(&WHITE)?;
    let area = &title(task, area, scale)?;
    let (first, second) = (&task.goals[pair.0], &task.goals[pair.1]);
    let seen = |rewards: &[f64]| [rewards[pair.0], rewards[pair.1]];
    let points: Vec<Vec<&[f64]>> = (task.contestants.iter())
        .map(|c| {
            c.trials.iter().flat_map(|t| t.improvements.iter().map(|(_, rewards)| &rewards[..])).collect()
        })
        .collect();
    let clouds: Vec<Vec<[f64; 2]>> = (task.contestants.iter())
        .map(|c| c.trials.iter().flat_map(|t| t.cloud.rewards.iter().map(|rewards| seen(rewards))).collect())
        .collect();
    let stride = task.contestants.iter().flat_map(|c| &c.trials).map(|t| t.cloud.stride).max().unwrap_or(1);
    let to_values = |p: &[f64; 2]| (first.value(p[0]), second.value(p[1]));
    let fronts: Vec<Vec<[f64; 2]>> =
        points.iter().map(|cloud| front(cloud).into_iter().map(|i| seen(cloud[i])).collect()).collect();
    let projected = task.goals.len() > 2;
    let usual = task.default_design.as_ref().map(|default| (default.values[pair.0], default.values[pair.1]));
    // The window holds all fronts and the better part of the dominated points: a few bad designs may lie outside of it.
    let window = |goal: usize| {
        let sign = if goal == 0 { first.sign } else { second.sign };
        let mut all: Vec<f64> = clouds.iter().flatten().map(|p| p[goal]).collect();
        all.sort_by(f64::total_cmp);
        let worst = all.get(all.len() / 10).copied().unwrap_or(0.0);
        let usual = usual.map(|at| if goal == 0 { at.0 } else { at.1 });
        let on_fronts = fronts.iter().flatten().map(|p| p[goal]);
        let inside: Vec<f64> =
            on_fronts.chain(all.iter().copied().filter(|v| *v >= worst)).map(|v| sign * v).collect();
        Axis::over(inside.into_iter().chain(usual))
    };
    let (x, y) = (window(0), window(1));
    let (x_range, y_range) =
        (plotters::coord::ranged1d::Ranged::range(&x), plotters::coord::ranged1d::Ranged::range(&y));
    let inside = |(vx, vy): (f64, f64)| x_range.contains(&vx) && y_range.contains(&vy);
    let known: Vec<(f64, f64)> =
        task.known_values.iter().map(|values| (values[pair.0], values[pair.1])).collect();
    let named = |axis: &Axis, goal: &crate::report::GoalView| {
        let logarithmic = if axis.is_logarithmic() { ", logarithmic" } else { "" };
        axis.caption(&goal.name, &goal.unit) + logarithmic
    };
    let (x_caption, y_caption) = (named(&x, first), named(&y, second));
    let cropped = clouds.iter().flatten().map(to_values).filter(|v| !inside(*v)).count();
    let thinned = stride > 1 || clouds.iter().any(|cloud| cloud.len() > FAINT);
    let crowded = fronts.iter().any(|points| points.len() > MARKERS);
    let words = [
        Some("in brackets: designs on the front".to_string()),
        projected.then(|| format!("fronts of {} goals, projected", task.goals.len())),
        (cropped > 0).then(|| match stride {
            0 | 1 => format!("{cropped} worse designs lie outside of the picture"),
            _ => "worse designs lie outside of the picture".into(),
        }),
        thinned.then(|| "dominated designs thinned".to_string()),
        (!projected && crowded).then(|| "markers thinned".to_string()),
        (!known.is_empty()).then(|| "dashed: the known front".to_string()),
        task.default_design.as_ref().map(|default| match default.keeps_bounds {
            true => "star: the default design".to_string(),
            false => "star: the default design, out of bounds".to_string(),
        }),
    ];
    let words: Vec<String> = words.into_iter().flatten().collect();
    let mut area = area.clone();
    for line in lines(&words) {
        area = subtitle(&line, &area, scale)?;
    }
    let area = &area;
    let entries: Vec<String> = (task.contestants.iter().zip(&fronts))
        .map(|(contestant, points)| format!("{} ({})", visible(&contestant.title()), points.len()))
        .collect();
    // Never inside: it would hide designs.
    let (place, strip) = legend::beside(area, &entries, scale);
    let mut chart = ChartBuilder::on(&place)
        .margin(px(14.0))
        .x_label_area_size(px(46.0))
        .y_label_area_size(px(72.0))
        .build_cartesian_2d(x, y)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(0.08).stroke_width(px(1.0) as u32))
        .axis_style(BLACK.mix(0.6).stroke_width(px(1.0) as u32))
        .set_all_tick_mark_size(px(4.0))
        .label_style(("sans-serif", px(13.0)))
        .axis_desc_style(("sans-serif", px(15.0)))
        .x_desc(x_caption)
        .y_desc(y_caption)
        .draw()?;
    for (number, cloud) in clouds.iter().enumerate() {
        let stride = cloud.len().div_ceil(FAINT).max(1);
        let faint = cloud.iter().step_by(stride).map(to_values).filter(|v| inside(*v));
        chart.draw_series(faint.map(|at| marker(number, at, 2.0 * scale, 0.16)))?;
    }
    for (number, points) in fronts.iter().enumerate() {
        let values: Vec<(f64, f64)> = points.iter().map(to_values).collect();
        if !projected {
            chart.draw_series(LineSeries::new(
                staircase(&values),
                colour(number).mix(0.9).stroke_width(px(1.8) as u32),
            ))?;
        }
        // Hollow, and each a little larger than the one before: fronts that coincide stay visible.
        let radius = (3.5 + (number % 4) as f64) * scale;
        let stride = if projected { 1 } else { values.len().div_ceil(MARKERS).max(1) };
        let marks = values.iter().step_by(stride).map(|at| hollow(number, *at, radius));
        chart.draw_series(marks)?;
    }
    // Over the fronts, so that one which reaches it does not hide it.
    if !projected && !known.is_empty() {
        let style = BLACK.mix(0.7).stroke_width(px(1.2) as u32);
        let corners: Vec<(f64, f64)> = staircase(&known).into_iter().filter(|at| inside(*at)).collect();
        chart.draw_series(DashedLineSeries::new(corners, px(5.0) as u32, px(4.0) as u32, style))?;
    }
    let style = BLACK.mix(0.7).stroke_width(px(1.0) as u32);
    for mark in &task.marks {
        // Where the picture does not reach to a bound, its title says it.
        let (ends, at) = if mark.goal == pair.0 && x_range.contains(&mark.value) {
            ([(mark.value, y_range.start), (mark.value, y_range.end)], (mark.value, y_range.end))
        } else if mark.goal == pair.1 && y_range.contains(&mark.value) {
            ([(x_range.start, mark.value), (x_range.end, mark.value)], (x_range.start, mark.value))
        } else {
            continue;
        };
        chart.draw_series(DashedLineSeries::new(ends, px(2.0) as u32, px(3.0) as u32, style))?;
        let place = (px(4.0), if mark.goal == pair.0 { px(2.0) } else { px(-14.0) });
        let text = EmptyElement::at(at) + Text::new(mark.what, place, ("sans-serif", px(11.0)));
        chart.draw_series([text])?;
    }
    if let Some(at) = usual {
        chart.draw_series([Star { at, radius: px(7.0), style: BLACK.stroke_width(px(1.8) as u32) }])?;
    }
    legend::draw(&strip, &entries, scale)
}

/// Words joined to lines that a picture has room for.
fn lines(words: &[String]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words {
        match lines.last_mut().filter(|line| line.len() + word.len() < 105) {
            Some(line) => *line = format!("{line}; {word}"),
            None => lines.push(word.clone()),
        }
    }
    lines
}

/// The line of a front that is sorted by its first goal: from one point to the next it is what both dominate, a corner with the worse value of
/// each goal.
pub(super) fn staircase(values: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut line = Vec::new();
    for (index, point) in values.iter().enumerate() {
        if index > 0 {
            line.push((point.0, values[index - 1].1));
        }
        line.push(*point);
    }
    line
}

/// The corner where both goals are bad: a front leaves it free.
pub(super) fn corner(x: f64, y: f64) -> SeriesLabelPosition {
    match (x < 0.0, y < 0.0) {
        (true, true) => SeriesLabelPosition::UpperRight,
        (true, false) => SeriesLabelPosition::LowerRight,
        (false, true) => SeriesLabelPosition::UpperLeft,
        (false, false) => SeriesLabelPosition::LowerLeft,
    }
}
