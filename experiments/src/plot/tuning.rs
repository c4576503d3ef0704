//! What tuning buys: the best of k configurations that is to be expected, with its interval, one line per agent.

use plotters::coord::Shift;
use plotters::prelude::*;

use super::Axis;
use super::legend::{self, visible};
use super::style::{colour, marker, subtitle, title};
use crate::report::TaskReport;

/// Agents of one picture at most.
pub(super) const AGENTS: usize = 12;

pub(super) fn draw<'a, B: DrawingBackend + 'a>(
    task: &TaskReport,
    area: &'a DrawingArea<B, Shift>,
    scale: f64,
) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
    let px = |size: f64| (size * scale).round() as i32;
    area.fill(&WHITE)?;
    let area = &title(task, area, scale)?;
    let words = "best of k configurations, on average; band: 95 % interval, bootstrap over configurations";
    let area = &subtitle(words, area, scale)?;
    let agents: Vec<_> =
        task.lottery.iter().filter(|tuned| !tuned.expected.is_empty()).take(AGENTS).collect();
    let all = || agents.iter().flat_map(|tuned| &tuned.expected);
    let y = Axis::over(all().flat_map(|expected| [expected.value, expected.low, expected.high]));
    let last = all().map(|expected| expected.k as f64).fold(2.0, f64::max);
    let logarithmic = if y.is_logarithmic() { ", logarithmic" } else { "" };
    let (name, unit) = match &task.goals[..] {
        [goal] => (format!("best {}", goal.name), goal.unit.clone()),
        _ => ("hypervolume".into(), "%".into()),
    };
    let caption = y.caption(&name, &unit) + logarithmic;
    let entries: Vec<String> =
        agents.iter().map(|tuned| visible(&format!("{} ({})", tuned.agent, tuned.values.len()))).collect();
    let (place, outside) = legend::place(area, &entries, scale);
    let mut chart = ChartBuilder::on(&place)
        .margin(px(14.0))
        .x_label_area_size(px(46.0))
        .y_label_area_size(px(72.0))
        .build_cartesian_2d(Axis::logarithmic(0.9, last * 1.1), y)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(0.08).stroke_width(px(1.0) as u32))
        .axis_style(BLACK.mix(0.6).stroke_width(px(1.0) as u32))
        .label_style(("sans-serif", px(13.0)))
        .axis_desc_style(("sans-serif", px(15.0)))
        .x_desc("configurations tried (k), logarithmic")
        .y_desc(caption)
        .draw()?;
    for (number, tuned) in agents.iter().enumerate() {
        let at = |expected: &crate::report::ExpectedBest, value: f64| (expected.k as f64, value);
        let upper = tuned.expected.iter().map(|e| at(e, e.high));
        let band: Vec<_> = upper.chain(tuned.expected.iter().rev().map(|e| at(e, e.low))).collect();
        if tuned.expected.len() > 1 {
            chart.draw_series([Polygon::new(band, colour(number).mix(0.12))])?;
        }
    }
    for (number, tuned) in agents.iter().enumerate() {
        let points: Vec<(f64, f64)> = tuned.expected.iter().map(|e| (e.k as f64, e.value)).collect();
        let style = colour(number).stroke_width(px(1.8) as u32);
        chart.draw_series(LineSeries::new(points.clone(), style))?;
        let series = chart.draw_series(points.into_iter().map(|at| marker(number, at, 4.0 * scale, 1.0)))?;
        if outside.is_none() {
            series
                .label(entries[number].clone())
                .legend(move |at| marker(number, (at.0 + px(10.0), at.1 - px(2.0)), 4.0 * scale, 1.0));
        }
    }
    if let Some(strip) = outside {
        return legend::draw(&strip, &entries, scale);
    }
    let position = if task.smaller_is_better() {
        SeriesLabelPosition::UpperRight
    } else {
        SeriesLabelPosition::LowerRight
    };
    legend::inside(&mut chart, position, scale)
}
