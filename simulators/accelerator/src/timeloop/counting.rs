//! Whose counts a model gives.
use serde::{Deserialize, Serialize};

/// How words are counted.
///
/// | what | `Exact` | `Timeloop` |
/// |---|---|---|
/// | a tile | the words that its iterations touch | their bounding box: windows with gaps count too many |
/// | a step of a loop | the words that the tile after it has and the tile before it had not | the step from iteration 0 to 1 stands for all, as if the loops inside ended where they begin again; a tile that turns is fetched as a whole |
/// | cycles of a limited bandwidth | rounded up | rounded up in floating point: an exact quotient often comes out one higher |
///
/// They agree on tensors without a sliding window, cycles of a limited bandwidth apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Counting {
    /// What the hardware does.
    #[default]
    Exact,
    /// What Timeloop prints.
    Timeloop,
}

impl Counting {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Timeloop => "timeloop",
        }
    }
}
