//! Legends beside a picture, and labels that its font can show.

use plotters::coord::{CoordTranslate, Shift};
use plotters::prelude::*;

use super::style::marker;

/// From so many entries on a legend stands beside the picture: inside it would hide points.
pub(super) const OUTSIDE: usize = 5;

/// Letters of an entry at most.
const LETTERS: usize = 26;

/// The place of the picture, and that of the legend if it stands outside.
pub(super) fn place<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    entries: &[String],
    scale: f64,
) -> (DrawingArea<B, Shift>, Option<DrawingArea<B, Shift>>) {
    if entries.len() < OUTSIDE {
        return (area.clone(), None);
    }
    let (picture, strip) = beside(area, entries, scale);
    (picture, Some(strip))
}

/// The place of the picture, and that of a legend beside it: for pictures in which a point may lie anywhere.
pub(super) fn beside<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    entries: &[String],
    scale: f64,
) -> (DrawingArea<B, Shift>, DrawingArea<B, Shift>) {
    let longest = entries.iter().map(|entry| entry.chars().count()).max().unwrap_or(0).min(LETTERS);
    let width = ((40.0 + 7.0 * longest as f64) * scale) as u32;
    let (all, _) = area.dim_in_pixel();
    area.split_horizontally(all.saturating_sub(width))
}

/// Draws the legend of the chart's labelled series inside of its picture.
pub(super) fn inside<'a, B: DrawingBackend + 'a, C: CoordTranslate>(
    chart: &mut ChartContext<'a, B, C>,
    position: SeriesLabelPosition,
    scale: f64,
) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
    let px = |size: f64| (size * scale).round() as i32;
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

/// Draws a legend from the top of its place downwards.
pub(super) fn draw<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    entries: &[String],
    scale: f64,
) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
    let px = |size: f64| (size * scale).round() as i32;
    let (_, height) = area.dim_in_pixel();
    let line = px(18.0).min((height as i32 - px(20.0)) / entries.len().max(1) as i32);
    for (number, entry) in entries.iter().enumerate() {
        let y = px(14.0) + line * number as i32;
        area.draw(&marker(number, (px(10.0), y), 4.0 * scale, 1.0))?;
        let mut text: String = entry.chars().take(LETTERS).collect();
        if text.len() < entry.len() {
            text.push('…');
        }
        area.draw(&Text::new(text, (px(22.0), y - px(6.0)), ("sans-serif", f64::from(px(12.0)))))?;
    }
    Ok(())
}

/// A label that the embedded font can show: what it has no letter for is written as its code point, such as `U+4E2D`.
pub(super) fn visible(label: &str) -> String {
    let mut text = String::new();
    for c in label.chars() {
        if has_letter(c) { text.push(c) } else { text.push_str(&format!("U+{:04X}", u32::from(c))) }
    }
    text
}

/// True if the embedded subset of DejaVu Sans has the character.
fn has_letter(c: char) -> bool {
    COVERED.iter().any(|range| range.contains(&u32::from(c)))
}

/// Code points of the subset, as its character map lists them.
const COVERED: [std::ops::RangeInclusive<u32>; 14] = [
    0x20..=0x7e,
    0xa0..=0xff,
    0x370..=0x377,
    0x37a..=0x37f,
    0x384..=0x38a,
    0x38c..=0x38c,
    0x38e..=0x3a1,
    0x3a3..=0x3ff,
    0x2010..=0x2026,
    0x2070..=0x2071,
    0x2074..=0x208e,
    0x2090..=0x209c,
    0x2190..=0x2193,
    0x2202..=0x2265,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_in_any_script_is_seen() {
        assert_eq!(visible("µ-α ≤ é"), "µ-α ≤ é");
        assert_eq!(visible("设计#1"), "U+8BBEU+8BA1#1");
        assert!(!visible("\u{1F600}\n").contains('\n'));
    }
}
