//! A schedule: one lane per processor, a bar for every span of time in which a task runs, coloured by what limits it.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::Axis;
use super::style::colour;

/// A bar of a lane.
#[derive(Clone, Debug)]
pub struct Bar {
    /// Name of what runs.
    pub name: String,
    /// From and to, in seconds.
    pub span_s: (f64, f64),
    /// Which of the chart's kinds it is of; one past the last for none.
    pub kind: usize,
}

/// One lane.
#[derive(Clone, Debug)]
pub struct Lane {
    /// Its name, left of the axis.
    pub name: String,
    /// Its bars, which do not overlap.
    pub bars: Vec<Bar>,
}

/// A whole schedule.
#[derive(Clone, Debug)]
pub struct Gantt {
    /// Caption.
    pub name: String,
    /// The lanes, from the top.
    pub lanes: Vec<Lane>,
    /// What the colours mean.
    pub kinds: Vec<String>,
}

/// Width of a letter as a part of the size of its font, for what fits into a bar.
const LETTER: f64 = 0.6;

pub(super) fn draw<'a, B: DrawingBackend + 'a>(
    chart: &Gantt,
    area: &'a DrawingArea<B, Shift>,
    scale: f64,
) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
    let px = |size: f64| (size * scale).round() as i32;
    area.fill(&WHITE)?;
    let end =
        chart.lanes.iter().flat_map(|lane| lane.bars.iter().map(|bar| bar.span_s.1)).fold(0.0, f64::max);
    let end = if end > 0.0 { end } else { 1.0 };
    let axis = Axis::linear(0.0, end);
    let caption = axis.caption("time", "s");
    let lanes = chart.lanes.len().max(1) as f64;
    let longest = chart.lanes.iter().map(|lane| lane.name.chars().count()).max().unwrap_or(0) as f64;
    let left = (longest * 11.0 * LETTER + 12.0).min(220.0);
    let mut drawing = ChartBuilder::on(area)
        .caption(&chart.name, ("sans-serif", px(15.0)))
        .margin(px(12.0))
        .x_label_area_size(px(38.0))
        .y_label_area_size(px(left))
        .build_cartesian_2d(axis, Axis::linear(0.0, lanes))?;
    drawing
        .configure_mesh()
        .disable_y_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(0.08).stroke_width(px(1.0) as u32))
        .axis_style(BLACK.mix(0.6).stroke_width(px(1.0) as u32))
        .x_labels(6)
        .y_labels(0)
        .label_style(("sans-serif", px(11.0)))
        .axis_desc_style(("sans-serif", px(12.0)))
        .x_desc(caption)
        .draw()?;
    let names = TextStyle::from(("sans-serif", px(11.0)).into_font()).color(&BLACK);
    let names = names.pos(Pos::new(HPos::Right, VPos::Center));
    let labels = TextStyle::from(("sans-serif", px(10.0)).into_font()).color(&BLACK);
    let labels = labels.pos(Pos::new(HPos::Center, VPos::Center));
    let pixels_per_s = drawing.plotting_area().dim_in_pixel().0 as f64 / end;
    for (number, lane) in chart.lanes.iter().enumerate() {
        let middle = lanes - number as f64 - 0.5;
        let name = Text::new(lane.name.clone(), (-px(6.0), 0), names.clone());
        drawing.draw_series([EmptyElement::at((0.0, middle)) + name])?;
        for bar in &lane.bars {
            let (from, to) = bar.span_s;
            let corners = [(from, middle - 0.36), (to, middle + 0.36)];
            let fill = if bar.kind < chart.kinds.len() { colour(bar.kind) } else { RGBColor(190, 190, 190) };
            drawing.draw_series([Rectangle::new(corners, fill.mix(0.55).filled())])?;
            let outline = BLACK.mix(0.4).stroke_width(px(0.8).max(1) as u32);
            drawing.draw_series([Rectangle::new(corners, outline)])?;
            let room = ((to - from) * pixels_per_s / (px(10.0) as f64 * LETTER)) as usize;
            if room >= 3 {
                let text: String = if bar.name.chars().count() <= room {
                    bar.name.clone()
                } else {
                    bar.name.chars().take(room - 1).chain(['…']).collect()
                };
                let text = Text::new(text, (0, 0), labels.clone());
                drawing.draw_series([EmptyElement::at(((from + to) / 2.0, middle)) + text])?;
            }
        }
    }
    for (kind, name) in chart.kinds.iter().enumerate() {
        let fill = colour(kind).mix(0.55).filled();
        drawing
            .draw_series(std::iter::empty::<Rectangle<(f64, f64)>>())?
            .label(name)
            .legend(move |(x, y)| Rectangle::new([(x, y - px(4.0)), (x + px(14.0), y + px(4.0))], fill));
    }
    drawing
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .margin(px(6.0))
        .legend_area_size(px(18.0))
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.2))
        .label_font(("sans-serif", px(11.0)))
        .draw()
}
