//! The convergence plot: median quality, or regret, over the seeds as steps, with a band between the quartiles. Up to six contestants share one
//! picture; more have a panel each, in front of the others' medians.

use plotters::coord::Shift;
use plotters::prelude::*;

use super::Axis;
use super::legend::{self, visible};
use super::style::{colour, marker, subtitle, title};
use crate::report::{CurvePoint, TaskReport, band_label, curve};

/// Contestants whose bands can be told apart in one picture.
const TOGETHER: usize = 6;

/// Panels of one picture at most.
const PANELS: usize = 24;

/// What the curves show.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum View {
    Quality,
    /// The distance to the known optimum, on a logarithmic axis with a place for none at all.
    Regret,
}

/// Everything that the panels of one picture have in common.
struct Curves<'a> {
    task: &'a TaskReport,
    view: View,
    curves: Vec<Vec<CurvePoint>>,
    last: f64,
    optimum: Option<f64>,
    scale: f64,
}

pub(super) fn draw<'a, B: DrawingBackend + 'a>(
    task: &TaskReport,
    view: View,
    area: &'a DrawingArea<B, Shift>,
    scale: f64,
) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
    area.fill(&WHITE)?;
    let area = &title(task, area, scale)?;
    let value = |quality: f64| match (view, task.regret(quality)) {
        (View::Regret, Some(regret)) => 100.0 * regret,
        _ => quality,
    };
    let curves: Vec<Vec<CurvePoint>> = task.contestants.iter().map(|c| curve(c, value)).collect();
    let last = curves.iter().flatten().map(|p| p.evaluation as f64).fold(1.0, f64::max);
    let all = Curves { task, view, curves, last, optimum: task.known_optimum.map(value), scale };
    let seeds = task.contestants.iter().filter_map(|c| c.quality).map(|q| q.count).max().unwrap_or(0);
    let number = task.contestants.len();
    let mut words = band_label(seeds);
    if number > PANELS {
        words.push_str(&format!("; {PANELS} of {number} contestants, all of them in grey"));
    }
    let area = &subtitle(&words, area, scale)?;
    if number <= TOGETHER {
        let entries: Vec<String> = task.contestants.iter().map(|c| visible(&c.title())).collect();
        let (place, outside) = legend::place(area, &entries, scale);
        all.panel(&place, None)?;
        return match outside {
            Some(strip) => legend::draw(&strip, &entries, scale),
            None => Ok(()),
        };
    }
    let shown = number.min(PANELS);
    let columns = (shown as f64).sqrt().ceil() as usize;
    let places = area.split_evenly((shown.div_ceil(columns), columns));
    places
        .iter()
        .take(shown)
        .enumerate()
        .try_for_each(|(contestant, place)| all.panel(place, Some(contestant)))
}

impl Curves<'_> {
    fn axis(&self) -> Axis {
        let values = self.curves.iter().flatten().flat_map(|p| [p.low, p.median, p.high]).chain(self.optimum);
        if self.view == View::Regret { Axis::over_with_zero(values) } else { Axis::over(values) }
    }

    /// One panel: all contestants, or one in front of the others' medians.
    fn panel<B: DrawingBackend>(
        &self,
        area: &DrawingArea<B, Shift>,
        one: Option<usize>,
    ) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
        let (task, scale) = (self.task, self.scale);
        let px = |size: f64| (size * scale).round() as i32;
        let few = |axis: Axis| if one.is_some() { axis.with_few_ticks(4) } else { axis };
        let y = few(self.axis());
        let (name, unit) = match &task.goals[..] {
            _ if self.view == View::Regret => ("regret".into(), "%".into()),
            [goal] => (format!("best {}", goal.name), goal.unit.clone()),
            _ => ("hypervolume".into(), "%".into()),
        };
        let logarithmic = if y.is_logarithmic() { ", logarithmic" } else { "" };
        let caption = y.caption(&name, &unit) + logarithmic;
        // Small panels say once, in their smaller letters, what the large picture says.
        let (letters, sides) = if one.is_some() { (9.0, (24.0, 44.0)) } else { (13.0, (46.0, 72.0)) };
        let mut builder = ChartBuilder::on(area);
        builder
            .margin(px(if one.is_some() { 5.0 } else { 14.0 }))
            .x_label_area_size(px(sides.0))
            .y_label_area_size(px(sides.1));
        if let Some(contestant) = one {
            builder.caption(visible(&task.contestants[contestant].title()), ("sans-serif", px(11.0)));
        }
        let mut chart = builder.build_cartesian_2d(few(Axis::linear(0.0, self.last)), y)?;
        let mut mesh = chart.configure_mesh();
        mesh.light_line_style(TRANSPARENT)
            .bold_line_style(BLACK.mix(0.08).stroke_width(px(1.0) as u32))
            .axis_style(BLACK.mix(0.6).stroke_width(px(1.0) as u32))
            .set_all_tick_mark_size(px(4.0))
            .label_style(("sans-serif", px(letters)))
            .axis_desc_style(("sans-serif", px(letters + 2.0)));
        if one.is_none() {
            mesh.x_desc("evaluations").y_desc(caption);
        }
        mesh.draw()?;
        let front: Vec<usize> =
            one.map_or_else(|| (0..self.curves.len()).collect(), |contestant| vec![contestant]);
        if one.is_some() {
            for curve in &self.curves {
                chart.draw_series(LineSeries::new(
                    steps(curve, |p| p.median),
                    BLACK.mix(0.18).stroke_width(px(1.0) as u32),
                ))?;
            }
        }
        for &number in &front {
            let curve = &self.curves[number];
            let down: Vec<(f64, f64)> = steps(curve, |p| p.low).collect();
            let band: Vec<_> = steps(curve, |p| p.high).chain(down.into_iter().rev()).collect();
            if band.len() > 2 {
                chart.draw_series([Polygon::new(band, colour(number).mix(0.15))])?;
            }
        }
        if let Some(best) = self.optimum {
            let style = BLACK.stroke_width(px(1.2) as u32);
            let line = [(0.0, best), (self.last, best)];
            let series =
                chart.draw_series(DashedLineSeries::new(line, px(6.0) as u32, px(4.0) as u32, style))?;
            if one.is_none() {
                series
                    .label("known optimum")
                    .legend(move |at| PathElement::new([at, (at.0 + px(20.0), at.1)], style));
            }
        }
        for &number in &front {
            let curve = &self.curves[number];
            let style = colour(number).stroke_width(px(1.8) as u32);
            chart.draw_series(LineSeries::new(steps(curve, |p| p.median), style))?;
            let marks: Vec<_> =
                curve.iter().skip(curve.len() / 16).step_by((curve.len() / 8).max(1)).collect();
            let marks =
                marks.into_iter().map(|p| marker(number, (p.evaluation as f64, p.median), 4.0 * scale, 1.0));
            let series = chart.draw_series(marks)?;
            if one.is_none() && self.curves.len() < legend::OUTSIDE {
                series
                    .label(visible(&task.contestants[number].title()))
                    .legend(move |at| marker(number, (at.0 + px(10.0), at.1 - px(2.0)), 4.0 * scale, 1.0));
            }
        }
        if one.is_some() {
            return Ok(());
        }
        let position = if self.view == View::Regret || task.smaller_is_better() {
            SeriesLabelPosition::UpperRight
        } else {
            SeriesLabelPosition::LowerRight
        };
        legend::inside(&mut chart, position, scale)
    }
}

/// The corners of a step function: a value holds until the next evaluation that is known.
fn steps(curve: &[CurvePoint], of: impl Fn(&CurvePoint) -> f64) -> impl Iterator<Item = (f64, f64)> {
    let mut corners = Vec::with_capacity(2 * curve.len());
    for (index, point) in curve.iter().enumerate() {
        if index > 0 {
            corners.push((point.evaluation as f64, of(&curve[index - 1])));
        }
        corners.push((point.evaluation as f64, of(point)));
    }
    corners.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_holds_until_the_next() {
        let point = |evaluation, median| CurvePoint { evaluation, low: 0.0, median, high: 0.0 };
        let curve = [point(1, 9.0), point(4, 5.0)];
        assert_eq!(steps(&curve, |p| p.median).collect::<Vec<_>>(), [(1.0, 9.0), (4.0, 9.0), (4.0, 5.0)]);
    }
}
