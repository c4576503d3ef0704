//! What is simulated: the layer, the array and its buffers, with the checks on them.
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, did_you_mean};

/// Largest value accepted for a dimension of a layer.
const LARGEST: u64 = 1 << 20;
/// Largest number of rows or columns. With [`MOST_MACS`] it keeps every cycle count inside 64 bits.
const LARGEST_SIDE: u64 = 1 << 14;
/// Most multiply-accumulate operations of one layer.
const MOST_MACS: u128 = 1 << 48;

/// Which operand stays in the array.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dataflow {
    /// Output stationary: partial sums stay, both operands stream.
    OutputStationary,
    /// Weight stationary: filters are loaded into the array, inputs stream.
    WeightStationary,
    /// Input stationary: inputs are loaded into the array, filters stream.
    InputStationary,
}

impl Dataflow {
    /// All three dataflows, in the order `os`, `ws`, `is`.
    pub const ALL: [Self; 3] = [Self::OutputStationary, Self::WeightStationary, Self::InputStationary];

    /// The two-letter name used by SCALE-Sim: `os`, `ws` or `is`.
    pub fn short_name(self) -> &'static str {
        match self {
            Self::OutputStationary => "os",
            Self::WeightStationary => "ws",
            Self::InputStationary => "is",
        }
    }
}

impl std::str::FromStr for Dataflow {
    type Err = Error;

    /// Reads `os`, `ws`, `is` (any case) or the long names `output-stationary`, ....
    fn from_str(text: &str) -> Result<Self> {
        match text.to_ascii_lowercase().replace('_', "-").as_str() {
            "os" | "output-stationary" => Ok(Self::OutputStationary),
            "ws" | "weight-stationary" => Ok(Self::WeightStationary),
            "is" | "input-stationary" => Ok(Self::InputStationary),
            _ => Err(Error::invalid(
                format!("unknown dataflow \"{text}\""),
                did_you_mean(text, ["os", "ws", "is"]),
            )),
        }
    }
}

/// One convolution without padding (write the padded extents), in elements. A matrix product of M x K by K x N is
/// the layer of [`Layer::matrix_product`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// Height of the input feature map, padding included.
    pub ifmap_height: u64,
    /// Width of the input feature map, padding included.
    pub ifmap_width: u64,
    /// Height of a filter.
    pub filter_height: u64,
    /// Width of a filter.
    pub filter_width: u64,
    /// Input channels.
    pub channels: u64,
    /// Filters (output channels).
    pub filters: u64,
    /// Stride downwards.
    pub stride_height: u64,
    /// Stride to the right.
    pub stride_width: u64,
}

impl Layer {
    /// The product of an M x K matrix (streamed as input) and a K x N matrix (the filters).
    pub fn matrix_product(m: u64, k: u64, n: u64) -> Self {
        Self {
            ifmap_height: m,
            ifmap_width: 1,
            filter_height: 1,
            filter_width: 1,
            channels: k,
            filters: n,
            stride_height: 1,
            stride_width: 1,
        }
    }

    /// Checks the extents.
    ///
    /// # Errors
    /// When an extent is 0 or above 2^20, the filter is larger than the input, or there are more than 2^48
    /// multiply-accumulate operations.
    pub fn check(&self) -> Result<()> {
        let named = [
            ("ifmap height", self.ifmap_height),
            ("ifmap width", self.ifmap_width),
            ("filter height", self.filter_height),
            ("filter width", self.filter_width),
            ("channels", self.channels),
            ("filters", self.filters),
            ("stride downwards", self.stride_height),
            ("stride to the right", self.stride_width),
        ];
        for (name, value) in named {
            if value == 0 || value > LARGEST {
                return Err(Error::invalid(
                    format!("{name} of the layer is {value}"),
                    format!("give a number from 1 to {LARGEST}"),
                ));
            }
        }
        if self.filter_height > self.ifmap_height || self.filter_width > self.ifmap_width {
            return Err(Error::invalid(
                format!(
                    "a filter of {} x {} does not fit into an input of {} x {}",
                    self.filter_height, self.filter_width, self.ifmap_height, self.ifmap_width
                ),
                "add the padding to the extents of the input",
            ));
        }
        let macs = [self.output_height(), self.output_width(), self.window(), self.filters]
            .iter()
            .fold(1u128, |product, &extent| product.saturating_mul(u128::from(extent)));
        if macs > MOST_MACS {
            return Err(Error::invalid(
                format!("the layer has {macs} multiply-accumulate operations"),
                format!("split it into layers of at most {MOST_MACS}"),
            ));
        }
        Ok(())
    }

    /// The layer without the rows and columns at the end of its input that no whole window reaches. Its output has
    /// floor((extent - filter) / stride) + 1 positions, the definition everywhere but in SCALE-Sim.
    pub fn trimmed(&self) -> Self {
        let trim = |extent: u64, filter: u64, stride: u64| extent - (extent - filter) % stride;
        Self {
            ifmap_height: trim(self.ifmap_height, self.filter_height, self.stride_height),
            ifmap_width: trim(self.ifmap_width, self.filter_width, self.stride_width),
            ..*self
        }
    }

    /// Elements of the input, those that no window reaches included.
    pub fn ifmap_elements(&self) -> u64 {
        self.ifmap_height.saturating_mul(self.ifmap_width).saturating_mul(self.channels)
    }

    /// Height of the output. Windows that hang over the lower edge count, as in SCALE-Sim.
    pub fn output_height(&self) -> u64 {
        (self.ifmap_height - self.filter_height).div_ceil(self.stride_height) + 1
    }

    /// Width of the output. Windows that hang over the right edge count, as in SCALE-Sim.
    pub fn output_width(&self) -> u64 {
        (self.ifmap_width - self.filter_width).div_ceil(self.stride_width) + 1
    }

    /// Output positions of one filter (E in the SCALE-Sim paper).
    pub fn outputs_per_filter(&self) -> u64 {
        self.output_height() * self.output_width()
    }

    /// Elements of one window (W in the SCALE-Sim paper).
    pub fn window(&self) -> u64 {
        self.filter_height * self.filter_width * self.channels
    }

    /// Multiply-accumulate operations of a layer that passed [`Layer::check`].
    pub fn macs(&self) -> u64 {
        self.outputs_per_filter() * self.window() * self.filters
    }

    /// Whether some windows hang over the lower or right edge of the input.
    pub fn has_overhang(&self) -> bool {
        !(self.ifmap_height - self.filter_height).is_multiple_of(self.stride_height)
            || !(self.ifmap_width - self.filter_width).is_multiple_of(self.stride_width)
    }

    /// Whether two windows can share an input element.
    pub fn has_overlap(&self) -> bool {
        self.filter_height > self.stride_height || self.filter_width > self.stride_width
    }
}

/// The array and its dataflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Array {
    /// Rows of processing elements.
    pub rows: u64,
    /// Columns of processing elements.
    pub columns: u64,
    /// Which operand is stationary.
    pub dataflow: Dataflow,
}

impl Array {
    /// Reads an array shape such as `32x16` (rows x columns).
    ///
    /// # Errors
    /// When the text is not two positive numbers with an `x` between them.
    pub fn parse_shape(text: &str) -> Result<(u64, u64)> {
        let wrong = || {
            Error::invalid(
                format!("\"{text}\" is not an array shape"),
                "write rows x columns, for example 32x32",
            )
        };
        let (rows, columns) = text.split_once(['x', 'X']).ok_or_else(wrong)?;
        match (rows.trim().parse(), columns.trim().parse()) {
            (Ok(rows), Ok(columns)) => Ok((rows, columns)),
            _ => Err(wrong()),
        }
    }

    /// Checks the shape.
    ///
    /// # Errors
    /// When rows or columns are 0 or above 2^14.
    pub fn check(&self) -> Result<()> {
        for (name, value) in [("rows", self.rows), ("columns", self.columns)] {
            if value == 0 || value > LARGEST_SIDE {
                return Err(Error::invalid(
                    format!("the array has {value} {name}"),
                    format!("give a number from 1 to {LARGEST_SIDE}"),
                ));
            }
        }
        Ok(())
    }
}

/// The three double-buffered on-chip memories and the DRAM bandwidth behind each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Buffers {
    /// Size of the input buffer in words.
    pub ifmap_words: u64,
    /// Size of the filter buffer in words.
    pub filter_words: u64,
    /// Size of the output buffer in words.
    pub ofmap_words: u64,
    /// DRAM bandwidth of each of the three interfaces in words per cycle.
    pub words_per_cycle: u64,
}

impl Buffers {
    /// Buffers given in kB (1024 words), as in SCALE-Sim's configuration files.
    pub fn from_kb(ifmap_kb: u64, filter_kb: u64, ofmap_kb: u64, words_per_cycle: u64) -> Self {
        let words = |kb: u64| kb.saturating_mul(1024);
        Self {
            ifmap_words: words(ifmap_kb),
            filter_words: words(filter_kb),
            ofmap_words: words(ofmap_kb),
            words_per_cycle,
        }
    }

    /// Checks sizes and bandwidth for SCALE-Sim's model.
    ///
    /// # Errors
    /// As [`Buffers::check`], and when a buffer has fewer than 200 words (its prefetcher works in hundredths of a buffer).
    pub fn check_prefetcher(&self) -> Result<()> {
        self.check_sizes(200, "give 200 words or more: the prefetcher works in hundredths of a buffer")?;
        self.check()
    }

    /// Checks sizes and bandwidth.
    ///
    /// # Errors
    /// When a buffer has fewer than 2 words (one for each half) or more than 2^40, or the bandwidth is 0 or above 2^20.
    pub fn check(&self) -> Result<()> {
        self.check_sizes(2, "give a number from 2 (a word for each half) to 2^40")?;
        self.check_bandwidth()
    }

    fn check_sizes(&self, least: u64, remedy: &str) -> Result<()> {
        let named =
            [("input", self.ifmap_words), ("filter", self.filter_words), ("output", self.ofmap_words)];
        for (name, words) in named {
            if !(least..=1 << 40).contains(&words) {
                return Err(Error::invalid(format!("the {name} buffer has {words} words"), remedy));
            }
        }
        Ok(())
    }

    fn check_bandwidth(&self) -> Result<()> {
        if self.words_per_cycle == 0 || self.words_per_cycle > LARGEST {
            return Err(Error::invalid(
                format!("the DRAM bandwidth is {} words per cycle", self.words_per_cycle),
                format!("give a number from 1 to {LARGEST}"),
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_shapes_say_what_to_write() {
        for text in ["32", "32x", "x", "axb", "32*32", "-1x4"] {
            let error = Array::parse_shape(text).unwrap_err().to_string();
            assert!(error.contains("rows x columns"), "{error}");
        }
        assert_eq!(Array::parse_shape("32X8").unwrap(), (32, 8));
        assert!("oss".parse::<Dataflow>().unwrap_err().to_string().contains("oss"));
    }

    #[test]
    fn wrong_extents_are_refused() {
        let layer = Layer::matrix_product(4, 5, 6);
        assert!(layer.check().is_ok());
        assert!(Layer { filters: 0, ..layer }.check().unwrap_err().to_string().contains("filters"));
        assert!(Layer { filter_height: 5, ..layer }.check().unwrap_err().to_string().contains("padding"));
        assert!(Layer { stride_height: u64::MAX, ..layer }.check().is_err());
        let huge = Layer { ifmap_width: 1 << 20, channels: 1 << 20, filters: 1 << 20, ..layer };
        assert!(huge.check().unwrap_err().to_string().contains("split"));
        let buffers = Buffers::from_kb(1, 1, 1, 4);
        assert!(buffers.check().is_ok());
        assert!(
            Buffers { words_per_cycle: 0, ..buffers }.check().unwrap_err().to_string().contains("bandwidth")
        );
        assert!(
            Buffers { filter_words: 10, ..buffers }
                .check_prefetcher()
                .unwrap_err()
                .to_string()
                .contains("filter buffer")
        );
        let array = Array { rows: 0, columns: 4, dataflow: Dataflow::OutputStationary };
        assert!(array.check().unwrap_err().to_string().contains("0 rows"));
    }
}
