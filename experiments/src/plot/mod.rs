//! Plots, as SVG and PNG, without any system library: fonts are embedded.

mod attainment;
mod axis;
mod convergence;
mod distribution;
mod gantt;
mod legend;
mod pareto;
mod parity;
mod ranks;
mod style;
mod tuning;

use std::path::{Path, PathBuf};
use std::sync::Once;

use hwgym_surrogates::Parity;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::{FontStyle, register_font};

pub use axis::Axis;
pub use distribution::{Panel, Sample};
pub use gantt::{Bar, Gantt, Lane};

use self::convergence::View;
use crate::StudyError;
use crate::report::{Standing, TaskReport};

/// A subset of DejaVu Sans; its licence stands beside it.
const FONT: &[u8] = include_bytes!("fonts/DejaVuSans-subset.ttf");

/// Size of a plot in SVG units; a PNG has twice as many pixels.
const SIZE: (u32, u32) = (720, 480);

/// Draws quality over evaluations; returns the files.
pub fn convergence(task: &TaskReport, folder: &Path) -> Result<Vec<PathBuf>, StudyError> {
    both(
        &folder.join(format!("convergence.{}", task.file_name())),
        &Drawing::Convergence(task, View::Quality),
    )
}

/// Draws the distance to the known optimum over evaluations; returns the files, none where the optimum is not known.
pub fn regret(task: &TaskReport, folder: &Path) -> Result<Vec<PathBuf>, StudyError> {
    if task.known_optimum.is_none() {
        return Ok(Vec::new());
    }
    both(&folder.join(format!("regret.{}", task.file_name())), &Drawing::Convergence(task, View::Regret))
}

/// Draws the fronts, one picture per pair of goals; returns the files.
pub fn pareto(task: &TaskReport, folder: &Path) -> Result<Vec<PathBuf>, StudyError> {
    let goals = task.goals.len();
    let mut files = Vec::new();
    for first in 0..goals {
        for second in first + 1..goals {
            let pair = if goals > 2 { format!(".{}-{}", first + 1, second + 1) } else { String::new() };
            let stem = folder.join(format!("pareto.{}{pair}", task.file_name()));
            files.extend(both(&stem, &Drawing::Pareto(task, (first, second)))?);
        }
    }
    Ok(files)
}

/// Draws what a quarter, half and three quarters of the runs attain of two goals; returns the files, none for other tasks.
pub fn attainment(task: &TaskReport, folder: &Path) -> Result<Vec<PathBuf>, StudyError> {
    if task.attained.is_empty() {
        return Ok(Vec::new());
    }
    both(&folder.join(format!("attainment.{}", task.file_name())), &Drawing::Attainment(task))
}

/// Draws the best of k configurations that is to be expected; returns the files, none for a task without a lottery.
pub fn tuning(task: &TaskReport, folder: &Path) -> Result<Vec<PathBuf>, StudyError> {
    if task.lottery.is_empty() {
        return Ok(Vec::new());
    }
    both(&folder.join(format!("tuning.{}", task.file_name())), &Drawing::Tuning(task))
}

/// Draws mean ranks with their critical difference, beside `path` as PNG and as SVG; returns the files.
pub fn ranks(path: &Path, standing: &Standing) -> Result<Vec<PathBuf>, StudyError> {
    both(&path.with_extension(""), &Drawing::Ranks(standing))
}

/// Draws predicted against true values of a surrogate, beside `path` as PNG and as SVG; returns the files.
pub fn parity(path: &Path, metrics: &[&Parity]) -> Result<Vec<PathBuf>, StudyError> {
    both(&path.with_extension(""), &Drawing::Parity(metrics))
}

/// Draws cumulative distributions, beside `path` as PNG and as SVG; returns the files.
pub fn distribution(path: &Path, panels: &[Panel]) -> Result<Vec<PathBuf>, StudyError> {
    both(&path.with_extension(""), &Drawing::Distribution(panels))
}

/// Draws a schedule, beside `path` as PNG and as SVG; returns the files.
pub fn gantt(path: &Path, chart: &Gantt) -> Result<Vec<PathBuf>, StudyError> {
    both(&path.with_extension(""), &Drawing::Gantt(chart))
}

enum Drawing<'a> {
    Convergence(&'a TaskReport, View),
    Pareto(&'a TaskReport, (usize, usize)),
    Attainment(&'a TaskReport),
    Tuning(&'a TaskReport),
    Ranks(&'a Standing),
    Parity(&'a [&'a Parity]),
    Distribution(&'a [Panel]),
    Gantt(&'a Gantt),
}

impl Drawing<'_> {
    fn draw<'a, B: DrawingBackend + 'a>(
        &self,
        area: &'a DrawingArea<B, Shift>,
        scale: f64,
    ) -> Result<(), String> {
        let result = match self {
            Self::Convergence(task, view) => convergence::draw(task, *view, area, scale),
            Self::Pareto(task, pair) => pareto::draw(task, *pair, area, scale),
            Self::Attainment(task) => attainment::draw(task, area, scale),
            Self::Tuning(task) => tuning::draw(task, area, scale),
            Self::Ranks(standing) => ranks::draw(standing, area, scale),
            Self::Parity(metrics) => parity::draw(metrics, area, scale),
            Self::Distribution(panels) => distribution::draw(panels, area, scale),
            Self::Gantt(chart) => gantt::draw(chart, area, scale),
        };
        result.and_then(|()| area.present()).map_err(|error| error.to_string())
    }
}

/// Makes the fonts known to `plotters`, for drawings of one's own.
pub fn register_fonts() {
    static FONTS: Once = Once::new();
    FONTS.call_once(|| {
        // The only error is a font that does not read, and this one is part of the program.
        for style in [FontStyle::Normal, FontStyle::Bold] {
            let _ = register_font("sans-serif", style, FONT);
        }
    });
}

fn both(stem: &Path, drawing: &Drawing) -> Result<Vec<PathBuf>, StudyError> {
    register_fonts();
    let with = |extension: &str| PathBuf::from(format!("{}.{extension}", stem.display()));
    let (svg, png) = (with("svg"), with("png"));
    let fail = |path: &Path| {
        let path = path.to_path_buf();
        move |message: String| StudyError::Plot { path, message }
    };
    let mut text = String::new();
    drawing.draw(&SVGBackend::with_string(&mut text, SIZE).into_drawing_area(), 1.0).map_err(fail(&svg))?;
    let text = text.replace("font-family=\"sans-serif\"", "font-family=\"DejaVu Sans, Verdana, sans-serif\"");
    crate::store::write_whole(&svg, text.as_bytes())?;
    let size = (2 * SIZE.0, 2 * SIZE.1);
    let mut pixels = vec![0; 3 * (size.0 * size.1) as usize];
    drawing
        .draw(&BitMapBackend::with_buffer(&mut pixels, size).into_drawing_area(), 2.0)
        .map_err(fail(&png))?;
    let image = encode(&pixels, size).map_err(|error| fail(&png)(error.to_string()))?;
    crate::store::write_whole(&png, &image)?;
    Ok(vec![png, svg])
}

/// A PNG file of pixels of three bytes.
fn encode(pixels: &[u8], (width, height): (u32, u32)) -> Result<Vec<u8>, png::EncodingError> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header()?.write_image_data(pixels)?;
    Ok(file)
}
