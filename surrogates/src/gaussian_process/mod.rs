//! Gaussian processes, written once for the Bayesian agents and for the surrogate of that name.
//!
//! A Matérn 5/2 kernel with one length per input (categories by equality, or by learned places in a plane; numbers warped on request),
//! lengths and variance by maximum a posteriori with exact gradients, a constant mean with a standard normal prior, and rank-one updates.
//! Outputs are transformed by evidence before.
//!
//! ```
//! use hwgym_surrogates::gaussian_process::{GaussianProcess, GaussianProcessSettings, Inputs};
//!
//! let inputs = Inputs::new(vec![false], (0..8).map(|i| f64::from(i) / 7.0).collect());
//! let outputs: Vec<f64> = (0..8).map(|i| (f64::from(i) / 7.0 * 5.0).sin()).collect();
//! let model = GaussianProcess::fit(&inputs, &outputs, &GaussianProcessSettings::default(), None);
//! let (mean, deviation) = model.predict(&[0.4]);
//! assert!((mean - 2.0f64.sin()).abs() < 0.05 && deviation < 0.2);
//! ```

mod cholesky;
mod features;
mod kernel;
pub mod lbfgs;
mod likelihood;
mod model;
mod surrogate;
pub mod transform;

pub use kernel::Inputs;
pub use model::{GaussianProcess, GaussianProcessSettings, Noise, Scratch};
pub(crate) use surrogate::entry;
pub use transform::{Transform, TransformedOutput};
