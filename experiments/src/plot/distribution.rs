//! Cumulative distributions: the share of a sample at or below each value, one panel per case.

use plotters::coord::Shift;
use plotters::prelude::*;

use super::Axis;
use super::style::colour;

/// One curve: a name and its values; infinite ones count in the share and are never reached.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Name in the legend.
    pub name: String,
    /// Values in any order.
    pub values: Vec<f64>,
}

/// Curves over one axis.
#[derive(Clone, Debug)]
pub struct Panel {
    /// Caption.
    pub name: String,
    /// What the values are.
    pub quantity: String,
    /// Curves.
    pub samples: Vec<Sample>,
}

pub(super) fn draw<'a, B: DrawingBackend + 'a>(
    panels: &[Panel],
    area: &'a DrawingArea<B, Shift>,
    scale: f64,
) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
    let px = |size: f64| (size * scale).round() as i32;
    area.fill(&WHITE)?;
    let places = area.split_evenly((1, panels.len().max(1)));
    for (place, panel) in places.iter().zip(panels) {
        let axis = || Axis::over(panel.samples.iter().flat_map(|s| s.values.iter().copied()));
        let end = plotters::coord::ranged1d::Ranged::range(&axis()).end;
        let caption = axis().caption(&panel.quantity, "");
        let mut chart = ChartBuilder::on(place)
            .caption(&panel.name, ("sans-serif", px(15.0)))
            .margin(px(8.0))
            .x_label_area_size(px(38.0))
            .y_label_area_size(px(48.0))
            .build_cartesian_2d(axis(), Axis::linear(0.0, 1.0))?;
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
            chart
                .draw_series(LineSeries::new(steps(&sample.values, end), style))?
                .label(&sample.name)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + px(16.0), y)], style));
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::LowerRight)
            .margin(px(6.0))
            .legend_area_size(px(20.0))
            .background_style(WHITE.mix(0.8))
            .border_style(BLACK.mix(0.2))
            .label_font(("sans-serif", px(11.0)))
            .draw()?;
    }
    Ok(())
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
