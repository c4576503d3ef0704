//! Address map: which bits of a byte address select channel, rank, bank group, bank, row and column.
use serde::{Deserialize, Serialize};

/// Address bits of each field, lowest first, written as bits and ranges: `"3-5 7-13"`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddressMap {
    /// Byte inside one column.
    pub byte: String,
    /// Column.
    pub column: String,
    /// Bank inside its group.
    pub bank: String,
    /// Row.
    pub row: String,
    /// Bank group.
    #[serde(default)]
    pub bank_group: String,
    /// Rank; pseudo channel of HBM.
    #[serde(default)]
    pub rank: String,
    /// Stack of 3D-stacked HBM.
    #[serde(default)]
    pub stack: String,
    /// Channel.
    #[serde(default)]
    pub channel: String,
}

impl AddressMap {
    /// The fields with their names, in a fixed order.
    pub(crate) fn fields(&self) -> [(&'static str, &str); 8] {
        [
            ("byte", &self.byte),
            ("column", &self.column),
            ("bank", &self.bank),
            ("row", &self.row),
            ("bank_group", &self.bank_group),
            ("rank", &self.rank),
            ("stack", &self.stack),
            ("channel", &self.channel),
        ]
    }
}

/// Bits of one field from its text.
///
/// # Errors
/// A sentence that says what is wrong.
pub(crate) fn bits(text: &str) -> Result<Vec<u32>, String> {
    let number = |word: &str| match word.parse::<u32>() {
        Ok(bit) if bit < 64 => Ok(bit),
        _ => Err(format!("`{word}` is no address bit: expected 0 to 63")),
    };
    let mut out = Vec::new();
    for word in text.split_whitespace() {
        match word.split_once('-') {
            None => out.push(number(word)?),
            Some((low, high)) => {
                let (low, high) = (number(low)?, number(high)?);
                if low > high {
                    return Err(format!("range `{word}` runs downwards"));
                }
                out.extend(low..=high);
            }
        }
    }
    Ok(out)
}

/// Where an address lands. Bank and group are counted through all ranks of the channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Location {
    /// Channel.
    pub channel: u32,
    /// Rank in the channel.
    pub rank: u32,
    /// Stack.
    pub stack: u32,
    /// Bank group, counted through the ranks.
    pub group: u32,
    /// Bank, counted through the groups and ranks.
    pub bank: u32,
    /// Row.
    pub row: u32,
    /// Column.
    pub column: u32,
}

/// One run of consecutive address bits of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Run {
    shift: u32,
    mask: u64,
    to: u32,
}

/// A field: its first run, and further ones if its bits are scattered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Field {
    first: Run,
    more: Vec<Run>,
}

impl Field {
    fn new(bits: &[u32]) -> Self {
        let mut runs: Vec<Run> = Vec::new();
        let mut next = u32::MAX;
        for (to, &bit) in bits.iter().enumerate() {
            match runs.last_mut() {
                Some(run) if bit == next => run.mask = run.mask << 1 | 1,
                _ => runs.push(Run { shift: bit, mask: 1, to: to as u32 }),
            }
            next = bit + 1;
        }
        let first = runs.first().copied().unwrap_or_default();
        Self { first, more: runs.into_iter().skip(1).collect() }
    }

    #[inline]
    fn of(&self, address: u64) -> u32 {
        let mut value = address >> self.first.shift & self.first.mask;
        for run in &self.more {
            value |= (address >> run.shift & run.mask) << run.to;
        }
        value as u32
    }
}

/// A compiled address map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoder {
    column: Field,
    bank: Field,
    row: Field,
    group: Field,
    rank: Field,
    stack: Field,
    channel: Field,
    groups_per_rank: u32,
    banks_per_group: u32,
    address_bits: u32,
}

impl Decoder {
    /// Compiles `map`, whose fields were checked before.
    pub(crate) fn new(map: &AddressMap, groups_per_rank: u32, banks_per_group: u32) -> Result<Self, String> {
        let mut address_bits = 0;
        for (_, text) in map.fields() {
            address_bits += bits(text)?.len() as u32;
        }
        let field = |text: &str| bits(text).map(|bits| Field::new(&bits));
        Ok(Self {
            column: field(&map.column)?,
            bank: field(&map.bank)?,
            row: field(&map.row)?,
            group: field(&map.bank_group)?,
            rank: field(&map.rank)?,
            stack: field(&map.stack)?,
            channel: field(&map.channel)?,
            groups_per_rank,
            banks_per_group,
            address_bits,
        })
    }

    /// Where `address` lands; bits above the device's size are ignored.
    #[inline]
    pub fn decode(&self, address: u64) -> Location {
        let rank = self.rank.of(address);
        let group = rank * self.groups_per_rank + self.group.of(address);
        Location {
            channel: self.channel.of(address),
            rank,
            stack: self.stack.of(address),
            group,
            bank: group * self.banks_per_group + self.bank.of(address),
            row: self.row.of(address),
            column: self.column.of(address),
        }
    }

    /// Number of address bits: the device holds 2 to this power bytes.
    pub fn address_bits(&self) -> u32 {
        self.address_bits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scattered_bits_are_gathered_in_order() {
        let map = AddressMap {
            byte: "0-2".into(),
            column: "3-5 7-13".into(),
            channel: "6".into(),
            bank_group: "14-15".into(),
            bank: "16 17".into(),
            row: "18-32".into(),
            rank: String::new(),
            stack: String::new(),
        };
        let decoder = Decoder::new(&map, 4, 4).unwrap();
        let at = decoder.decode(1 << 6 | 0b101 << 3 | 1 << 7 | 3 << 14 | 2 << 16 | 77 << 18);
        assert_eq!((at.channel, at.column, at.group, at.bank, at.row), (1, 0b1101, 3, 14, 77));
        assert_eq!(decoder.address_bits(), 33);
        assert!(bits("3-1").is_err() && bits("x").is_err() && bits("64").is_err());
    }
}
