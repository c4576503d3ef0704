//! Cumulative distributions: the share of a sample at or below each value, one panel per case.

use plotters::coord::Shift;
use plotters::coord::ranged1d::Ranged;
use plotters::prelude::*;

use super::Axis;
use super::legend::{self, visible};
use super::style::{colour, marker, subtitle};

/// One curve: a name and its values; infinite ones count in the share and are never reached.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Name in the legend.
    pub name: String,
    /// Values in any order.
    pub values: Vec<f64>,
}

/// Curves over one axis.
#[derive(Clone, Debug, Default)]
pub struct Panel {
    /// Caption.
    pub name: String,
    /// What else is to be known, in small letters; may be empty.
    pub note: String,
    /// What the values are.
    pub quantity: String,
    /// True for distances: on a logarithmic axis zero then has a place of its own.
    pub has_zero: bool,
    /// Curves.
    pub samples: Vec<Sample>,
}

/// Markers along a curve, about.
const MARKERS: usize = 8;

pub(super) fn draw<'a, B: DrawingBackend + 'a>(
    panels: &[Panel],
    area: &'a DrawingArea<B, Shift>,
    scale: f64,
) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
    area.fill(&WHITE)?;
    let places = area.split_evenly((1, panels.len().max(1)));
    places.iter().zip(panels).try_for_each(|(place, panel)| draw_panel(panel, place, scale))
}

fn draw_panel<B: DrawingBackend>(
    panel: &Panel,
    area: &DrawingArea<B, Shift>,
    scale: f64,
) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
    let px = |size: f64| (size * scale).round() as i32;
    let area = area.margin(px(5.0), 0, 0, 0).titled(&visible(&panel.name), ("sans-serif", px(15.0)))?;
    let area = if panel.note.is_empty() { area } else { subtitle(&visible(&panel.note), &area, scale)? };
    let values = || panel.samples.iter().flat_map(|sample| sample.values.iter().copied());
    let axis = if panel.has_zero { Axis::over_with_zero(values()) } else { Axis::over(values()) };
    let end = axis.range().end;
    let logarithmic = if axis.is_logarithmic() { ", logarithmic" } else { "" };
    let caption = axis.caption(&visible(&panel.quantity), "") + logarithmic;
    let entries: Vec<String> = panel.samples.iter().map(|sample| visible(&sample.name)).collect();
    let (place, outside) = legend::place(&area, &entries, scale);
    let mut chart = ChartBuilder::on(&place)
        .margin(px(8.0))
        .x_label_area_size(px(38.0))
        .y_label_area_size(px(48.0))
        .build_cartesian_2d(axis, Axis::linear(0.0, 1.0))?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(0.08).stroke_width(px(1.0) as u32))
        .axis_style(BLACK.mix(0.6).stroke_width(px(1.0) as u32))
        .x_labels(5)
        .y_labels(6)
        .label_style(("sans-serif", px(11.0)))
        .axis_desc_style(("sans-serif", px(12.0)))
        .x_desc(caption)
        .y_desc("share at or below")
        .draw()?;
    for (number, sample) in panel.samples.iter().enumerate() {
        let style = colour(number).stroke_width(px(1.8) as u32);
        let corners = steps(&sample.values, end);
        // The upper corner of every so many steps: where the curve has just reached its share.
        let stride = 2 * (corners.len() / 2).div_ceil(MARKERS).max(1);
        let marks: Vec<(f64, f64)> = corners.iter().skip(1).step_by(stride).copied().collect();
        chart.draw_series(LineSeries::new(corners, style))?;
        let series = chart.draw_series(marks.into_iter().map(|at| marker(number, at, 4.0 * scale, 1.0)))?;
        if outside.is_none() {
            series
                .label(entries[number].clone())
                .legend(move |at| marker(number, (at.0 + px(10.0), at.1 - px(2.0)), 4.0 * scale, 1.0));
        }
    }
    match outside {
        Some(strip) => legend::draw(&strip, &entries, scale),
        None => legend::inside(&mut chart, SeriesLabelPosition::LowerRight, scale),
    }
}

/// Corners of the empirical distribution function, up to the end of the axis.
fn steps(values: &[f64], end: f64) -> Vec<(f64, f64)> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let mut corners = Vec::new();
    let mut share = 0.0;
    for (index, &value) in sorted.iter().enumerate() {
        corners.push((value, share));
        share = (index + 1) as f64 / values.len() as f64;
        corners.push((value, share));
    }
    corners.push((end, share));
    corners
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_never_reached_leave_the_curve_below_one() {
        let corners = steps(&[2.0, f64::INFINITY, 1.0, 2.0], 3.0);
        assert_eq!(corners.last(), Some(&(3.0, 0.75)));
        assert!(corners.windows(2).all(|w| w[0].0 <= w[1].0 && w[0].1 <= w[1].1));
    }
}
