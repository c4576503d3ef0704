//! Reading layer tables.
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::layer::NetworkLayer;
use crate::error::{Error, Result, did_you_mean};

/// A network: its different layers with how often each occurs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// Name.
    pub name: String,
    /// What it is, in a line.
    #[serde(default)]
    pub summary: String,
    /// Where the numbers come from.
    #[serde(default)]
    pub source: String,
    /// The layers.
    pub layers: Vec<NetworkLayer>,
}

/// The built-in tables: name and RON text.
const TABLES: [(&str, &str); 10] = [
    ("alexnet", include_str!("tables/alexnet.ron")),
    ("alexnet-conv", include_str!("tables/alexnet-conv.ron")),
    ("vgg16", include_str!("tables/vgg16.ron")),
    ("resnet18", include_str!("tables/resnet18.ron")),
    ("resnet50", include_str!("tables/resnet50.ron")),
    ("mobilenet-v2", include_str!("tables/mobilenet-v2.ron")),
    ("efficientnet-b0", include_str!("tables/efficientnet-b0.ron")),
    ("bert-base", include_str!("tables/bert-base.ron")),
    ("gpt2", include_str!("tables/gpt2.ron")),
    ("gpt2-decode", include_str!("tables/gpt2-decode.ron")),
];

/// Largest table file that is read.
const LARGEST_FILE: u64 = 16 << 20;

impl Network {
    /// Names of the built-in networks.
    pub fn names() -> impl Iterator<Item = &'static str> {
        TABLES.iter().map(|(name, _)| *name)
    }

    /// A built-in network.
    ///
    /// # Errors
    /// When there is none of this name; the message has the closest.
    pub fn builtin(name: &str) -> Result<Self> {
        match TABLES.iter().find(|(known, _)| *known == name) {
            Some((known, text)) => Self::parse(&format!("{known}.ron"), text),
            None => Err(Error::invalid(
                format!("there is no built-in network \"{name}\""),
                format!("{}; the path of a table ends in .ron", did_you_mean(name, Self::names())),
            )),
        }
    }

    /// A built-in network by its name, or a table by its path, which ends in `.ron`.
    ///
    /// # Errors
    /// As [`Network::builtin`] and [`Network::read`].
    pub fn named_or_read(name: &str, folder: &Path) -> Result<Self> {
        if name.ends_with(".ron") { Self::read(&folder.join(name)) } else { Self::builtin(name) }
    }

    /// Reads a table.
    ///
    /// # Errors
    /// When the file cannot be read or is larger than 16 MiB, and as [`Network::parse`].
    pub fn read(path: &Path) -> Result<Self> {
        let meta = std::fs::metadata(path).map_err(|reason| Error::file(path, &reason))?;
        if meta.len() > LARGEST_FILE {
            return Err(Error::invalid(
                format!("{}: {} bytes are too long for a layer table", path.display(), meta.len()),
                "check that this is the right file",
            ));
        }
        let text = std::fs::read_to_string(path).map_err(|reason| Error::file(path, &reason))?;
        Self::parse(&path.display().to_string(), &text)
    }

    /// Reads a table from a text; `file` names it in messages.
    ///
    /// # Errors
    /// With file, line and column where the text is not such a table, and with the name of the layer where its numbers
    /// make no sense.
    pub fn parse(file: &str, text: &str) -> Result<Self> {
        let network: Self = ron::from_str(text).map_err(|error| {
            let place = (error.span.start.line, error.span.start.col);
            let remedy = match &error.code {
                ron::Error::NoSuchStructField { expected, found, .. }
                | ron::Error::NoSuchEnumVariant { expected, found, .. } => {
                    did_you_mean(found, expected.iter().copied())
                }
                _ => "a table looks like Network(name: \"mine\", layers: [MatrixProduct(name: \"fc\", m: 1, k: 64, \
                      n: 10)])"
                    .into(),
            };
            Error::at(file, place, error.code.to_string(), remedy)
        })?;
        if network.layers.is_empty() {
            return Err(Error::at(file, (1, 1), "the network has no layers", "add at least one layer"));
        }
        let mut from = 0;
        for layer in &network.layers {
            // Layers stand in the order of the text, so the place of a layer is that of its name after the last one.
            let quoted = format!("\"{}\"", layer.name());
            let at = text[from..].find(&quoted).map_or(from, |offset| from + offset);
            if let Err(Error::Invalid { message, remedy }) = layer.check() {
                let line = text[..at].matches('\n').count() + 1;
                let column = text[..at].rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
                return Err(Error::at(file, (line, column), message, remedy));
            }
            from = at;
        }
        Ok(network)
    }

    /// Multiply-accumulate operations of the whole network.
    pub fn macs(&self) -> u64 {
        self.layers.iter().map(|layer| layer.repeat() * layer.macs()).sum()
    }

    /// Elements of all filters and right matrices.
    pub fn weights(&self) -> u64 {
        self.layers.iter().map(|layer| layer.repeat() * layer.weights()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Multiply-accumulates and weights against the published counts: parameters of torchvision's model cards less
    /// normalisations and biases, operations as the papers state them.
    #[test]
    fn counts_agree_with_the_published_ones() {
        let cases = [
            // name, operations, tolerance, weights
            ("alexnet", 724e6, 0.01, 60_954_656),
            ("vgg16", 15.47e9, 0.001, 138_357_544 - 13_416),
            ("resnet18", 1.814e9, 0.001, 11_689_512 - 9_600 - 1_000),
            ("resnet50", 4.089e9, 0.001, 25_557_032 - 53_120 - 1_000),
            ("mobilenet-v2", 300e6, 0.005, 3_504_872 - 34_112 - 1_000),
            ("efficientnet-b0", 390e6, 0.02, 5_288_548 - 42_016 - 9_340 - 1_000),
        ];
        for (name, macs, tolerance, weights) in cases {
            let network = Network::builtin(name).unwrap();
            let ours = network.macs() as f64;
            assert!((ours - macs).abs() <= tolerance * macs, "{name}: {ours:e} operations");
            assert_eq!(network.weights(), weights, "{name}");
        }
        // Parameters of the published models less embeddings, positions, pooling, biases and normalisations.
        let parameters = |name: &str| {
            let network = Network::builtin(name).unwrap();
            let attention = ["scores", "context"];
            let layers = network.layers.iter().filter(|layer| !attention.contains(&layer.name()));
            layers.map(|layer| layer.repeat() * layer.weights()).sum::<u64>()
        };
        let (small, embedded) = (9_984 * 12, 30_522 * 768 + 512 * 768 + 2 * 768);
        assert_eq!(parameters("bert-base"), 109_482_240 - embedded - 2 * 768 - small - (768 * 768 + 768));
        for name in ["gpt2", "gpt2-decode"] {
            assert_eq!(parameters(name), 124_439_808 - 1024 * 768 - small - 2 * 768);
        }
        // A token of GPT-2 costs an operation for every weight, and the attention to 1024 tokens.
        let decode = Network::builtin("gpt2-decode").unwrap();
        assert_eq!(decode.macs(), parameters("gpt2-decode") + 12 * 2 * 1024 * 768);
        // AlexNet's convolutions alone, in two groups: 666 million.
        let convolutions = Network::builtin("alexnet-conv").unwrap().macs() as f64;
        assert!((convolutions - 666e6).abs() < 1e6, "{convolutions}");
        // 12 layers x 12 d^2 weights, and the attention products of 512 tokens with themselves.
        let bert = Network::builtin("bert-base").unwrap();
        assert_eq!(bert.macs(), 12 * (12 * 768 * 768 * 512 + 2 * 512 * 512 * 768));
    }

    #[test]
    fn the_example_of_a_table_of_ones_own_reads() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/networks/keyword_spotting.ron");
        let network = Network::named_or_read(path, Path::new("")).unwrap();
        assert!(network.layers[1].is_depthwise());
        let pointwise = 4 * 64 * 64 * 24 * 8;
        let depthwise = 4 * 64 * 24 * 8 * 9;
        assert_eq!(network.macs(), 64 * 24 * 8 * 40 + depthwise + pointwise + 64 * 12);
        assert!(network.problems().is_ok() && network.systolic().is_ok() && network.data_centric().is_ok());
    }

    #[test]
    fn every_built_in_table_reads() {
        for name in Network::names() {
            let network = Network::builtin(name).unwrap();
            assert_eq!(network.name, name);
            assert!(!network.source.is_empty());
        }
    }

    #[test]
    fn mistakes_in_a_table_are_placed() {
        let case = |layer: &str| {
            Network::parse("mine.ron", &format!("Network(name: \"m\", layers: [\n  {layer}\n])"))
                .unwrap_err()
                .to_string()
        };
        let text = case("MatrixProduct(name: \"a\", m: 1, k: 2, n: 3, bach: 2)");
        assert!(text.contains("mine.ron:2:") && text.contains("did you mean \"batch\"?"), "{text}");
        let text = case("MatrixProdct(name: \"a\", m: 1, k: 2, n: 3)");
        assert!(text.contains("did you mean \"MatrixProduct\"?"), "{text}");
        let text = case("MatrixProduct(name: \"a\", m: 1, k: 0, n: 3)");
        assert!(text.contains("mine.ron:2:") && text.contains("\"a\": k is 0"), "{text}");
        let text = case("MatrixProduct(name: \"a\", m: -1, k: 2, n: 3)");
        assert!(text.starts_with("mine.ron:2:"), "{text}");
        let conv = "Convolution(name: \"c\", in_channels: 6, out_channels: 4, input: (4, 4), filter: (5, 5)";
        let text = case(&format!("{conv})"));
        assert!(text.contains("does not fit"), "{text}");
        let text = case(&format!("{conv}, padding: 1, groups: 4)"));
        assert!(text.contains("divide"), "{text}");
        let huge = "MatrixProduct(name: \"h\", m: 1048576, k: 1048576, n: 1048576, batch: 1048576)";
        assert!(case(huge).contains("split"), "{}", case(huge));
        assert!(Network::parse("e.ron", "Network(name: \"m\", layers: [])").is_err());
        assert!(Network::parse("e.ron", "").unwrap_err().to_string().starts_with("e.ron:1:1"));
    }
}
