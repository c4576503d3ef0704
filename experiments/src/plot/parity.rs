//! The parity plot: predicted against true values, one panel per metric.

use hwgym_surrogates::Parity;
use plotters::coord::Shift;
use plotters::prelude::*;

use super::Axis;
use super::style::colour;

/// Points drawn per metric at most.
const POINTS: usize = 2000;

pub(super) fn draw<'a, B: DrawingBackend + 'a>(
    metrics: &[&Parity],
    area: &'a DrawingArea<B, Shift>,
    scale: f64,
) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
    let px = |size: f64| (size * scale).round() as i32;
    area.fill(&WHITE)?;
    let columns = (metrics.len() as f64).sqrt().ceil().max(1.0) as usize;
    let panels = area.split_evenly((metrics.len().div_ceil(columns).max(1), columns));
    for (panel, parity) in panels.iter().zip(metrics) {
        let axis = || Axis::over(parity.truth.iter().chain(&parity.predicted).copied());
        let range = plotters::coord::ranged1d::Ranged::range(&axis());
        let (true_caption, predicted_caption) =
            (axis().caption("true", &parity.unit), axis().caption("predicted", &parity.unit));
        let mut chart = ChartBuilder::on(panel)
            .caption(&parity.metric, ("sans-serif", px(15.0)))
            .margin(px(10.0))
            .x_label_area_size(px(38.0))
            .y_label_area_size(px(62.0))
            .build_cartesian_2d(axis(), axis())?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(BLACK.mix(0.08).stroke_width(px(1.0) as u32))
            .axis_style(BLACK.mix(0.6).stroke_width(px(1.0) as u32))
            .x_labels(4)
            .y_labels(5)
            .label_style(("sans-serif", px(11.0)))
            .axis_desc_style(("sans-serif", px(12.0)))
            .x_desc(true_caption)
            .y_desc(predicted_caption)
            .draw()?;
        let diagonal = [(range.start, range.start), (range.end, range.end)];
        chart.draw_series(LineSeries::new(diagonal, BLACK.mix(0.5).stroke_width(px(1.0) as u32)))?;
        let stride = parity.truth.len().div_ceil(POINTS).max(1);
        let points = parity.truth.iter().zip(&parity.predicted).step_by(stride);
        chart
            .draw_series(points.map(|(t, p)| Circle::new((*t, *p), px(2.0), colour(0).mix(0.5).filled())))?;
    }
    Ok(())
}
