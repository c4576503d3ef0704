//! An embedded SPICE: operating point, DC sweeps, AC, noise, transient and transfer function of analog circuits, agreeing with ngspice.
//!
//! [`Circuit`] reads a deck and runs its analyses; [`devices`] holds the compact models, which know nothing of matrices.
//!
//! ```
//! use hwgym_circuit::Circuit;
//! let deck = "low-pass\nv1 in 0 dc 0 ac 1\nr1 in out 1k\nc1 out 0 1n\n.ac dec 10 1k 1meg\n.end\n";
//! let results = Circuit::parse(deck, &Default::default())?.simulate()?;
//! let first = results.table("ac").and_then(|t| t.column("v(out).re")?.next());
//! assert!((first.unwrap() - 1.0).abs() < 1e-3);
//! # Ok::<(), hwgym_circuit::CircuitError>(())
//! ```

mod analysis;
pub mod cards;
mod circuit;
mod control;
pub mod devices;
mod error;
mod matrix;
pub mod measure;
pub mod netlist;
pub mod ngspice;
mod prepared;

pub use analysis::{NoiseTotals, Table, TranSpec};
pub use circuit::{Circuit, Results};
pub use error::{CircuitError, Location, Result};
pub use netlist::{Netlist, ParseOptions, included_files};
pub use ngspice::Ngspice;
pub use prepared::{Prepared, Probe, StartPoint};
