//! Colours and markers: the same contestant looks the same in every plot.

use plotters::coord::Shift;
use plotters::element::{Drawable, PointCollection};
use plotters::prelude::*;
use plotters_backend::{BackendCoord, DrawingErrorKind};

use super::legend::visible;
use crate::report::TaskReport;

/// Okabe and Ito's palette, which readers of any colour vision can tell apart; black and yellow are left out.
const COLOURS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
];

/// Writes the task, and under it the bounds that its designs keep; returns the area below.
pub fn title<'a, B: DrawingBackend + 'a>(
    task: &TaskReport,
    area: &'a DrawingArea<B, Shift>,
    scale: f64,
) -> Result<DrawingArea<B, Shift>, DrawingAreaErrorKind<B::ErrorType>> {
    let px = |size: f64| (size * scale).round() as i32;
    // The letters of a title reach above its place.
    let area = area.margin(px(5.0), 0, 0, 0);
    let rest = area.titled(&visible(&task.name()), ("sans-serif", px(17.0)))?;
    if task.bounds.is_empty() {
        return Ok(rest);
    }
    rest.titled(&visible(&format!("only designs where {}", task.bounds)), ("sans-serif", px(11.0)))
}

/// Writes what else is to be known of the picture, in small letters; returns the area below.
pub fn subtitle<'a, B: DrawingBackend + 'a>(
    words: &str,
    area: &'a DrawingArea<B, Shift>,
    scale: f64,
) -> Result<DrawingArea<B, Shift>, DrawingAreaErrorKind<B::ErrorType>> {
    area.titled(words, ("sans-serif", (11.0 * scale).round() as i32))
}

/// The colour of a contestant.
pub fn colour(contestant: usize) -> RGBColor {
    COLOURS[contestant % COLOURS.len()]
}

/// The marker of a contestant: another shape for each, another fill once the colours repeat.
pub struct Marker<C> {
    at: C,
    contestant: usize,
    radius: i32,
    opacity: f64,
    hollow: bool,
}

/// The marker of a contestant at a place.
pub fn marker<C>(contestant: usize, at: C, radius: f64, opacity: f64) -> Marker<C> {
    Marker { at, contestant, radius: radius.round() as i32, opacity, hollow: false }
}

/// The same as an outline, under which others stay visible.
pub fn hollow<C>(contestant: usize, at: C, radius: f64) -> Marker<C> {
    Marker { hollow: true, ..marker(contestant, at, radius, 1.0) }
}

impl<'a, C> PointCollection<'a, C> for &'a Marker<C> {
    type Point = &'a C;
    type IntoIter = std::iter::Once<&'a C>;
    fn point_iter(self) -> Self::IntoIter {
        std::iter::once(&self.at)
    }
}

impl<C, B: DrawingBackend> Drawable<B> for Marker<C> {
    fn draw<I: Iterator<Item = BackendCoord>>(
        &self,
        mut at: I,
        backend: &mut B,
        _: (u32, u32),
    ) -> Result<(), DrawingErrorKind<B::ErrorType>> {
        let Some((x, y)) = at.next() else { return Ok(()) };
        let style = ShapeStyle::from(colour(self.contestant).mix(self.opacity)).stroke_width(2);
        let filled = !self.hollow && (self.contestant / COLOURS.len()).is_multiple_of(2);
        let r = self.radius;
        let corners = match self.contestant % 5 {
            0 => return backend.draw_circle((x, y), r as u32, &style, filled),
            1 => vec![(-r, -r), (r, -r), (r, r), (-r, r)],
            2 => vec![(0, -r - 1), (r + 1, r), (-r - 1, r)],
            3 => vec![(0, -r - 1), (r + 1, 0), (0, r + 1), (-r - 1, 0)],
            _ => vec![(0, r + 1), (r + 1, -r), (-r - 1, -r)],
        };
        let mut corners: Vec<BackendCoord> = corners.into_iter().map(|(dx, dy)| (x + dx, y + dy)).collect();
        if filled {
            return backend.fill_polygon(corners, &style);
        }
        corners.push(corners[0]);
        backend.draw_path(corners, &style)
    }
}

/// Four strokes through a place, which no contestant has for its marker: the default design.
pub struct Star<C> {
    /// The place.
    pub at: C,
    /// Half of a stroke's length.
    pub radius: i32,
    /// Its style.
    pub style: ShapeStyle,
}

impl<'a, C> PointCollection<'a, C> for &'a Star<C> {
    type Point = &'a C;
    type IntoIter = std::iter::Once<&'a C>;
    fn point_iter(self) -> Self::IntoIter {
        std::iter::once(&self.at)
    }
}

impl<C, B: DrawingBackend> Drawable<B> for Star<C> {
    fn draw<I: Iterator<Item = BackendCoord>>(
        &self,
        mut at: I,
        backend: &mut B,
        _: (u32, u32),
    ) -> Result<(), DrawingErrorKind<B::ErrorType>> {
        let Some((x, y)) = at.next() else { return Ok(()) };
        let (long, short) = (self.radius, self.radius * 7 / 10);
        for (dx, dy) in [(long, 0), (0, long), (short, short), (short, -short)] {
            backend.draw_line((x - dx, y - dy), (x + dx, y + dy), &self.style)?;
        }
        Ok(())
    }
}
