//! A small plot of an episode for `render`, as pixels.

use plotters::prelude::*;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::failure;

/// Draws points in order: with one row the value over the step and the best so far, with two one against the other. Bytes of RGB, row by row.
#[pyfunction]
pub fn plot<'py>(
    py: Python<'py>,
    rows: Vec<Vec<f64>>,
    labels: Vec<String>,
    title: &str,
    size: (u32, u32),
) -> PyResult<Bound<'py, PyBytes>> {
    let mut pixels = vec![0; 3 * size.0 as usize * size.1 as usize];
    draw(&mut pixels, &rows, &labels, title, size).map_err(failure)?;
    Ok(PyBytes::new(py, &pixels))
}

fn draw(
    pixels: &mut [u8],
    rows: &[Vec<f64>],
    labels: &[String],
    title: &str,
    size: (u32, u32),
) -> Result<(), String> {
    hwgym::experiments::plot::register_fonts();
    let words = |error: DrawingAreaErrorKind<<BitMapBackend as DrawingBackend>::ErrorType>| error.to_string();
    let (blue, red) = (RGBColor(0, 114, 178), RGBColor(213, 94, 0));
    let area = BitMapBackend::with_buffer(pixels, size).into_drawing_area();
    area.fill(&WHITE).map_err(words)?;
    let points: Vec<(f64, f64)> = match rows {
        [values] => values.iter().enumerate().map(|(step, value)| (step as f64 + 1.0, *value)).collect(),
        [x, y, ..] => x.iter().copied().zip(y.iter().copied()).collect(),
        [] => Vec::new(),
    };
    let range = |of: fn(&(f64, f64)) -> f64| {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        points.iter().map(of).filter(|value| value.is_finite()).for_each(|value| {
            (low, high) = (low.min(value), high.max(value));
        });
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        let margin = if high > low { 0.05 * (high - low) } else { 0.5 * high.abs().max(1.0) };
        low - margin..high + margin
    };
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 15))
        .margin(10)
        .x_label_area_size(36)
        .y_label_area_size(70)
        .build_cartesian_2d(range(|point| point.0), range(|point| point.1))
        .map_err(words)?;
    let label = |index: usize| labels.get(index).map_or("", String::as_str);
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .label_style(("sans-serif", 12))
        .x_desc(if rows.len() == 1 { "step" } else { label(0) })
        .y_desc(if rows.len() == 1 { label(0) } else { label(1) })
        .draw()
        .map_err(words)?;
    chart.draw_series(points.iter().map(|at| Circle::new(*at, 3, blue.filled()))).map_err(words)?;
    if rows.len() == 1 {
        let mut best = f64::NEG_INFINITY;
        let line = points.iter().map(|(step, value)| {
            best = best.max(*value);
            (*step, best)
        });
        chart.draw_series(LineSeries::new(line.collect::<Vec<_>>(), red.stroke_width(2))).map_err(words)?;
    } else if let Some(last) = points.last() {
        chart.draw_series([Circle::new(*last, 5, red.filled())]).map_err(words)?;
    }
    area.present().map_err(words)
}
