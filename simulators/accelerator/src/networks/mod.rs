//! Networks as layer tables: the built-in ones and the user's own, and their layers in the form of each model.
//!
//! A table is a RON file (see `tables/`): every different layer once, with how often it occurs. Extents are those of the
//! input without padding.
//!
//! ```
//! use hwgym_accelerator::networks::Network;
//!
//! let network = Network::builtin("resnet18")?;
//! assert_eq!(network.macs(), 1_814_073_344);
//! assert!(Network::builtin("resnet81").unwrap_err().to_string().contains("did you mean \"resnet18\"?"));
//! # Ok::<(), hwgym_accelerator::Error>(())
//! ```
mod convert;
mod layer;
mod table;

pub use layer::NetworkLayer;
pub use table::Network;
