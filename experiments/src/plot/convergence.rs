//! The convergence plot: median quality, or regret, over the seeds, with a band between the quartiles.

use plotters::coord::Shift;
use plotters::prelude::*;

use super::Axis;
use super::style::{colour, marker, title};
use crate::report::{ContestantReport, TaskReport};
use crate::statistics::quantile;

/// Points of a curve at most.
const POINTS: usize = 400;

/// Evaluation, first quartile, median, third quartile.
type Curve = Vec<(f64, f64, f64, f64)>;

/// What the curves show.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum View {
    Quality,
    /// The distance to the known optimum, on a logarithmic axis with a place for none at all.
    Regret,
}

pub(super) fn draw<'a, B: DrawingBackend + 'a>(
    task: &TaskReport,
    view: View,
    area: &'a DrawingArea<B, Shift>,
    scale: f64,
) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
    let px = |size: f64| (size * scale).round() as i32;
    area.fill(&WHITE)?;
    let area = &title(task, area, scale)?;
    let value = |quality: f64| match (view, task.regret(quality)) {
        (View::Regret, Some(regret)) => 100.0 * regret,
        _ => quality,
    };
    let curves: Vec<Curve> = task.contestants.iter().map(|c| curve(c, value)).collect();
    let last = curves.iter().flatten().map(|p| p.0).fold(1.0, f64::max);
    let optimum = task.known_optimum.map(value);
    let values = curves.iter().flatten().flat_map(|p| [p.1, p.2, p.3]).chain(optimum);
    let y = if view == View::Regret { Axis::over_with_zero(values) } else { Axis::over(values) };
    let (name, unit) = match &task.goals[..] {
        _ if view == View::Regret => ("regret".into(), "%".into()),
        [goal] => (format!("best {}", goal.name), goal.unit.clone()),
        _ => ("hypervolume".into(), "%".into()),
    };
    let caption = y.caption(&name, &unit);
    let mut chart = ChartBuilder::on(area)
        .margin(px(14.0))
        .x_label_area_size(px(46.0))
        .y_label_area_size(px(72.0))
        .build_cartesian_2d(Axis::linear(0.0, last), y)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(0.08).stroke_width(px(1.0) as u32))
        .axis_style(BLACK.mix(0.6).stroke_width(px(1.0) as u32))
        .set_all_tick_mark_size(px(4.0))
        .label_style(("sans-serif", px(13.0)))
        .axis_desc_style(("sans-serif", px(15.0)))
        .x_desc("evaluations")
        .y_desc(caption)
        .draw()?;
    for (number, curve) in curves.iter().enumerate() {
        let up = curve.iter().map(|p| (p.0, p.3));
        let down = curve.iter().rev().map(|p| (p.0, p.1));
        let band: Vec<_> = up.chain(down).collect();
        if band.len() > 2 {
            chart.draw_series([Polygon::new(band, colour(number).mix(0.15))])?;
        }
    }
    if let Some(best) = optimum {
        let line = [(0.0, best), (last, best)];
        chart
            .draw_series(DashedLineSeries::new(
                line,
                px(6.0) as u32,
                px(4.0) as u32,
                BLACK.stroke_width(px(1.2) as u32),
            ))?
            .label("known optimum")
            .legend(move |at| {
                PathElement::new([at, (at.0 + px(20.0), at.1)], BLACK.stroke_width(px(1.2) as u32))
            });
    }
    for (number, curve) in curves.iter().enumerate() {
        let style = colour(number).stroke_width(px(1.8) as u32);
        chart
            .draw_series(LineSeries::new(curve.iter().map(|p| (p.0, p.2)), style))?
            .label(task.contestants[number].label.clone())
            .legend(move |at| marker(number, (at.0 + px(10.0), at.1 - px(2.0)), 4.0 * scale, 1.0));
        let marks = curve.iter().skip(curve.len() / 16).step_by((curve.len() / 8).max(1));
        chart.draw_series(marks.map(|p| marker(number, (p.0, p.2), 4.0 * scale, 1.0)))?;
    }
    let position = if view == View::Regret || task.smaller_is_better() {
        SeriesLabelPosition::UpperRight
    } else {
        SeriesLabelPosition::LowerRight
    };
    chart
        .configure_series_labels()
        .position(position)
        .margin(px(10.0))
        .legend_area_size(px(22.0))
        .label_font(("sans-serif", px(13.0)))
        .background_style(WHITE.mix(0.85))
        .border_style(BLACK.mix(0.3))
        .draw()
}

/// The quartiles over the seeds, from the first evaluation on that is feasible for all of them. A trial that ended early keeps its last
/// value.
fn curve(contestant: &ContestantReport, value: impl Fn(f64) -> f64) -> Curve {
    let trials: Vec<_> = contestant.trials.iter().filter(|t| t.quality.is_some()).collect();
    let length = trials.iter().map(|t| t.convergence.len()).max().unwrap_or(0);
    let stride = length.div_ceil(POINTS).max(1);
    let mut numbers: Vec<usize> = (0..length).step_by(stride).collect();
    if numbers.last().is_some_and(|last| last + 1 < length) {
        numbers.push(length - 1);
    }
    let at = |number: usize| {
        let mut values: Vec<f64> = trials
            .iter()
            .filter_map(|t| t.convergence.get(number).or(t.convergence.last()).map(|q| value(*q)))
            .collect();
        if values.iter().any(|v| v.is_nan()) {
            return None;
        }
        values.sort_by(f64::total_cmp);
        let quantile = |share| quantile(&values, share);
        Some(((number + 1) as f64, quantile(0.25), quantile(0.5), quantile(0.75)))
    };
    numbers.into_iter().filter_map(at).collect()
}
