//! Mean ranks over tasks: a point per contestant, with a bar as wide as the critical difference. Two whose bars do not overlap differ.

use plotters::coord::Shift;
use plotters::prelude::*;

use super::Axis;
use super::legend::visible;
use super::style::{colour, marker, subtitle};
use crate::report::Standing;

/// Letters of a name at most.
const LETTERS: usize = 30;

pub(super) fn draw<'a, B: DrawingBackend + 'a>(
    standing: &Standing,
    area: &'a DrawingArea<B, Shift>,
    scale: f64,
) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
    let px = |size: f64| (size * scale).round() as i32;
    area.fill(&WHITE)?;
    let head = format!("Mean ranks over {} tasks, 1 is the best", standing.ranking.tasks);
    let area = area.margin(px(5.0), 0, 0, 0).titled(&head, ("sans-serif", px(17.0)))?;
    let words = match standing.ranking.critical_difference {
        Some(difference) => format!(
            "bars as wide as the critical difference, {difference:.2}: where two do not overlap, the agents differ at the 5 % level (Nemenyi)"
        ),
        None => "no critical difference".into(),
    };
    let area = subtitle(&words, &area, scale)?;
    let half = standing.ranking.critical_difference.unwrap_or(0.0) / 2.0;
    let number = standing.agents.len();
    let names: Vec<String> = (standing.order.iter())
        .map(|agent| {
            let name = visible(&standing.agents[*agent]);
            let short: String = name.chars().take(LETTERS).collect();
            if short.len() < name.len() { short + "…" } else { short }
        })
        .collect();
    let longest = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let ranks = || standing.ranking.mean_ranks.iter().copied();
    let low = ranks().fold(1.0, f64::min) - half;
    let high = ranks().fold(number as f64, f64::max) + half;
    let left = px(20.0 + 7.0 * longest as f64);
    let mut chart = ChartBuilder::on(&area)
        .margin(px(14.0))
        .x_label_area_size(px(46.0))
        .y_label_area_size(left)
        .build_cartesian_2d(Axis::linear(low - 0.1, high + 0.1), 0.0..number as f64)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(0.08).stroke_width(px(1.0) as u32))
        .axis_style(BLACK.mix(0.6).stroke_width(px(1.0) as u32))
        .label_style(("sans-serif", px(13.0)))
        .axis_desc_style(("sans-serif", px(15.0)))
        .disable_y_mesh()
        .y_labels(0)
        .x_desc("mean rank")
        .draw()?;
    let letters = 13.0_f64.min(360.0 / number as f64);
    for (place, agent) in standing.order.iter().enumerate() {
        let (rank, y) = (standing.ranking.mean_ranks[*agent], number as f64 - 0.5 - place as f64);
        let style = colour(*agent).mix(0.5).stroke_width(px(4.0) as u32);
        chart.draw_series(LineSeries::new([(rank - half, y), (rank + half, y)], style))?;
        chart.draw_series([marker(*agent, (rank, y), 5.0 * scale, 1.0)])?;
        let at = chart.backend_coord(&(low - 0.1, y));
        let (x0, y0) = area.get_base_pixel();
        let at = (at.0 - x0 - left, at.1 - y0 - px(letters / 2.0));
        area.draw(&Text::new(names[place].clone(), at, ("sans-serif", f64::from(px(letters)))))?;
    }
    Ok(())
}
