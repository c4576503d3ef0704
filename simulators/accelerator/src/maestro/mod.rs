//! The data-centric model: mappings written as directives over dimensions, evaluated in closed form.
//!
//! The model is that of MAESTRO (Kwon et al., MICRO 2019; git 4eb08d1). A [`MappingFile`] holds layers with their
//! [`Directive`]s; an [`Evaluator`] turns a layer, its directives and the [`Hardware`] into an [`Evaluation`]:
//! runtime, energy, area, power, activity and buffer requirements.
//!
//! ```
//! use hwgym_accelerator::maestro::{Evaluator, Hardware, MappingFile};
//!
//! let text = "Network tiny { Layer one { Type: CONV
//!     Dimensions { K: 8, C: 4, R: 3, S: 3, Y: 18, X: 18 }
//!     Dataflow { SpatialMap(1,1) K; TemporalMap(1,1) C; TemporalMap(3,1) Y; TemporalMap(3,1) X; } } }";
//! let file = MappingFile::parse("tiny.m", text)?;
//! let layer = &file.layers[0];
//! let hardware = Hardware { num_pes: 8, noc_bw: 16, ..Hardware::default() };
//! let result = Evaluator::new().evaluate(&layer.layer, &layer.directives, &hardware, false).unwrap();
//! assert_eq!(result.macs, 8 * 4 * 9 * 16 * 16);
//! # Ok::<(), hwgym_accelerator::Error>(())
//! ```
mod dims;
mod directive;
mod evaluate;
mod hardware;
mod layer;
mod level;
mod lexer;
mod parser;
mod plan;
mod rejection;
mod report;
mod totals;

pub use dims::Dim;
pub use directive::Directive;
pub use evaluate::Evaluator;
pub use hardware::Hardware;
pub use layer::{Layer, LayerKind};
pub use parser::{MappedLayer, MappingFile};
pub use rejection::Rejection;
pub use report::{Evaluation, PerTensor, Power, Violation};
pub use totals::Delays;
