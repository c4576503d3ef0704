#![doc = include_str!("../README.md")]

pub mod accuracy;
pub mod chain_heads;
pub mod class_table;
pub mod conformance;
pub mod dataset;
pub mod elastic_net;
pub mod error;
pub mod features;
pub mod gradient_boosting;
pub mod joint;
pub mod mlp_ensemble;
pub mod model;
pub mod nearest_neighbours;
pub mod offline;
pub mod partial_least_squares;
pub mod random_forest;
pub mod registry;
mod seen;
pub mod surrogate;
pub mod surrogate_env;
pub mod transform;
pub mod transformer;

pub use accuracy::{Accuracy, Parity};
pub use dataset::Dataset;
pub use error::SurrogateError;
pub use features::Features;
pub use joint::{FittedJoint, JointEstimates, JointSet, JointSurrogate, JointTargets, SetNames};
pub use model::{Prediction, SurrogateModel};
pub use registry::{Registry, SurrogateEntry};
pub use surrogate::{Estimate, Fitted, Surrogate};
pub use surrogate_env::register;
pub use transform::Transform;

pub mod gaussian_process;
