//! The topology `.csv`: a layer a line, convolutions or matrix products (M, N, K).
use std::path::Path;

use super::{super::Layer, read};
use crate::error::{Error, Result};

/// A layer of a topology.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopologyLayer {
    /// Name.
    pub name: String,
    /// Shape.
    pub layer: Layer,
    /// How often it runs: once a channel where the name has `DP` (depthwise), times the batch.
    pub times: u64,
}

/// What a topology file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topology {
    /// The layers in the order of the file.
    pub layers: Vec<TopologyLayer>,
    /// What was not read, in sentences.
    pub warnings: Vec<String>,
}

/// What a column behind the first eight is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extra {
    StrideWidth,
    Batch,
    Sparsity,
    Unread,
}

impl Topology {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, and as [`Topology::parse`].
    pub fn read(path: &Path) -> Result<Self> {
        Self::parse(&read(path)?, &path.display().to_string())
    }

    /// Parses the text of a file named `file` in messages. The first line names the columns: with M, N and K the layers
    /// are matrix products, else the columns are those of a convolution, in SCALE-Sim's order. A line with a name alone is
    /// a heading.
    ///
    /// # Errors
    /// With file and line: for missing or wrong numbers, layers that do not pass [`Layer::check`], and sparsity.
    pub fn parse(text: &str, file: &str) -> Result<Self> {
        let mut lines = text.lines().enumerate();
        let header = lines.next().map_or("", |line| line.1);
        let separator = if header.contains(',') { ',' } else { '\t' };
        let names: Vec<String> = header
            .trim_start_matches('\u{feff}')
            .split(separator)
            .map(|name| name.trim().to_lowercase().replace([' ', '_'], ""))
            .collect();
        let place = |name: &str| names.iter().position(|other| other == name);
        let product = place("m").zip(place("n")).zip(place("k"));
        let first_extra = if product.is_some() { 4 } else { 8 };
        let mut topology = Self { layers: Vec::new(), warnings: Vec::new() };
        let mut unread = std::collections::BTreeSet::new();
        for (index, line) in lines {
            let fields: Vec<&str> = line.split(separator).map(str::trim).collect();
            if fields.iter().skip(1).all(|field| field.is_empty()) {
                continue;
            }
            let row = Row { file, line: index + 1, fields: &fields };
            let mut layer = if let Some(((m, n), k)) = product {
                let number = |at: usize, what: &str| row.number(at, what);
                Layer::matrix_product(number(m, "M")?, number(k, "K")?, number(n, "N")?)
            } else {
                let stride = row.number(7, "stride")?;
                Layer {
                    ifmap_height: row.number(1, "IFMAP height")?,
                    ifmap_width: row.number(2, "IFMAP width")?,
                    filter_height: row.number(3, "filter height")?,
                    filter_width: row.number(4, "filter width")?,
                    channels: row.number(5, "channels")?,
                    filters: row.number(6, "number of filters")?,
                    stride_height: stride,
                    stride_width: stride,
                }
            };
            let name = fields[0].to_owned();
            let mut times = 1;
            if product.is_none() && name.contains("DP") {
                times = layer.channels;
                layer.channels = 1;
            }
            for at in first_extra..fields.len() {
                // A remark, as behind the depthwise layers of SCALE-Sim's mobilnet_paper.csv, ends the line.
                if fields[at].starts_with('#') {
                    break;
                }
                if fields[at].is_empty() {
                    continue;
                }
                let title = names.get(at).map_or("", String::as_str);
                match extra(title, at, product.is_some()) {
                    Extra::StrideWidth => layer.stride_width = row.number(at, "stride width")?,
                    Extra::Batch => times *= row.number(at, "batch size")?,
                    Extra::Sparsity if matches!(fields[at], "1:1" | "") => {}
                    Extra::Sparsity => {
                        return Err(row.wrong(
                            at,
                            format!("sparsity {} is not modelled", fields[at]),
                            "write 1:1",
                        ));
                    }
                    Extra::Unread => {
                        unread.insert((at, title.to_owned()));
                    }
                }
            }
            layer.check().map_err(|error| match error {
                Error::Invalid { message, remedy } => {
                    row.wrong(0, format!("layer \"{name}\": {message}"), &remedy)
                }
                other => other,
            })?;
            if times == 0 {
                return Err(row.wrong(
                    0,
                    format!("layer \"{name}\" runs 0 times"),
                    "give a batch of 1 or more",
                ));
            }
            topology.layers.push(TopologyLayer { name, layer, times });
        }
        if topology.layers.is_empty() {
            return Err(Error::invalid(
                format!("{file}: there are no layers"),
                "the first line names the columns, and each further line is a layer",
            ));
        }
        topology.warnings.extend(unread.into_iter().map(|(at, title)| {
            let title = if title.is_empty() { "without a name".to_owned() } else { format!("\"{title}\"") };
            format!("{file}: column {} ({title}) is not read", at + 1)
        }));
        Ok(topology)
    }
}

fn extra(title: &str, at: usize, product: bool) -> Extra {
    match title {
        _ if title.contains("stride") => Extra::StrideWidth,
        _ if title.starts_with("batch") => Extra::Batch,
        _ if title.starts_with("sparsity") => Extra::Sparsity,
        // As SCALE-Sim: a ninth number is the stride to the right.
        "" if at == 8 && !product => Extra::StrideWidth,
        _ => Extra::Unread,
    }
}

struct Row<'a> {
    file: &'a str,
    line: usize,
    fields: &'a [&'a str],
}

impl Row<'_> {
    fn number(&self, at: usize, what: &str) -> Result<u64> {
        let field = self.fields.get(at).copied().unwrap_or("");
        field.parse().map_err(|_| {
            let message = if field.is_empty() {
                format!("there is no {what}")
            } else {
                format!("{what} is \"{field}\"")
            };
            self.wrong(at, message, "write a whole number in every column")
        })
    }

    /// `column` counts fields from 0.
    fn wrong(&self, column: usize, message: String, remedy: &str) -> Error {
        Error::at(self.file, (self.line, column + 1), message, remedy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn convolutions_products_and_two_strides_are_read() {
        let text = "\u{feff}Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, \
                    Strides,\r\n\r\nSome heading,,\r\nConv1, 224, 224, 11, 11, 3, 96, 4,\r\nDP2, 9, 9, 3, 3, 5, 1, 2, 1, #dw\r\n";
        let topology = Topology::parse(text, "t.csv").unwrap();
        assert_eq!(topology.layers.len(), 2);
        assert_eq!(topology.layers[0].layer.filters, 96);
        let depthwise = &topology.layers[1];
        assert_eq!((depthwise.times, depthwise.layer.channels), (5, 1));
        assert_eq!((depthwise.layer.stride_height, depthwise.layer.stride_width), (2, 1));
        let product = Topology::parse("Layer,M,N,K,\nQKT,1024,64,128,\n", "g.csv").unwrap();
        assert_eq!(product.layers[0].layer, Layer::matrix_product(1024, 128, 64));
        assert!(topology.warnings.is_empty());
    }

    #[test]
    fn what_is_not_read_or_wrong_is_said() {
        let head = "Layer, IH, IW, FH, FW, C, N, Strides, ,Eh\n";
        let derived = Topology::parse(&format!("{head}a, 9, 9, 3, 3, 5, 1, 1, , 7\n"), "t.csv").unwrap();
        assert!(derived.warnings[0].contains("column 10 (\"eh\") is not read"), "{:?}", derived.warnings);
        let error = |text: &str| Topology::parse(text, "t.csv").unwrap_err().to_string();
        assert!(
            error(&format!("{head}a, 9, x, 3, 3, 5, 1, 1\n")).contains("t.csv:2:3: IFMAP width is \"x\"")
        );
        assert!(error(&format!("{head}a, 9, 9, 3, 3, 5\n")).contains("there is no stride"));
        assert!(error(&format!("{head}a, 2, 9, 3, 3, 5, 1, 1\n")).contains("does not fit"));
        assert!(
            error("Layer, a, b, c, d, e, f, Strides, Sparsity,\na, 9, 9, 3, 3, 5, 1, 1, 1:4,\n")
                .contains("sparsity")
        );
        assert!(error("Layer,M,N,K\n").contains("no layers"));
    }
}
