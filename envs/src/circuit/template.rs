//! Decks of the built-in circuits: a short notation for transistors, with corner and mismatch parameters added to each.
//!
//! A transistor is written `m1 d g s b n4 w=w1 l=l1 m=2`: sizes are micrometres, each a number or a parameter's name. The template turns
//! it into a card with `delvto` and `mulu0` set from the corner (`dvn dvp mun mup`) and, for Monte Carlo, from `mm_<name>`.

use std::fmt::Write as _;

/// A size: a parameter of the deck or a number, in micrometres (or a plain factor for `m`).
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Size {
    Parameter(usize),
    Number(f64),
}

impl Size {
    fn read(text: &str, parameters: &[&str]) -> Self {
        match parameters.iter().position(|p| *p == text) {
            Some(index) => Self::Parameter(index),
            None => Self::Number(text.parse().unwrap_or(1.0)),
        }
    }

    fn value(&self, numbers: &[f64]) -> f64 {
        match self {
            Self::Parameter(index) => numbers[*index],
            Self::Number(number) => *number,
        }
    }
}

/// A transistor of a template.
#[derive(Clone, Debug)]
pub(super) struct Transistor {
    pub(super) name: String,
    w: Size,
    l: Size,
    m: Size,
}

impl Transistor {
    /// Gate area, um^2.
    pub(super) fn area_um2(&self, numbers: &[f64]) -> f64 {
        self.w.value(numbers) * self.l.value(numbers) * self.m.value(numbers)
    }
}

/// Names of the corner parameters, in order.
pub(super) const CORNER_PARAMETERS: [&str; 4] = ["dvn", "dvp", "mun", "mup"];

/// A deck before its parameters have values.
#[derive(Clone, Debug)]
pub(super) struct Template {
    /// The deck without `.param` cards and without `.end`; first line the title.
    body: String,
    /// Every parameter in the order in which values are given: the design's, the circuit's own, corner, mismatch.
    pub(super) parameters: Vec<String>,
    /// Start values of the parameters.
    pub(super) defaults: Vec<f64>,
    pub(super) transistors: Vec<Transistor>,
}

/// Model cards of a circuit.
#[derive(Clone, Debug)]
pub(super) struct Cards {
    /// Text of the cards.
    pub(super) text: String,
    /// Names that stand for `n4` and `p4` of the templates.
    pub(super) nmos: String,
    pub(super) pmos: String,
}

impl Default for Cards {
    fn default() -> Self {
        let text = hwgym_simulators::circuit::cards::BSIM4_BASE.to_owned();
        Self { text, nmos: "n4".into(), pmos: "p4".into() }
    }
}

impl Template {
    /// Reads the notation. `design` are the names of the design's parameters with start values, `own` those that the circuit's
    /// measurement sets (supply, load, ...).
    pub(super) fn new(
        deck: &str,
        cards: &Cards,
        design: &[(&str, f64)],
        own: &[(&str, f64)],
        mismatch: bool,
    ) -> Self {
        let names: Vec<&str> = design.iter().map(|(name, _)| *name).collect();
        let mut parameters: Vec<String> =
            design.iter().chain(own).map(|(name, _)| (*name).to_owned()).collect();
        let mut defaults: Vec<f64> = design.iter().chain(own).map(|(_, value)| *value).collect();
        parameters.extend(CORNER_PARAMETERS.map(str::to_owned));
        defaults.extend([0.0, 0.0, 1.0, 1.0]);
        let mut transistors = Vec::new();
        let mut lines = deck.lines().filter(|line| !line.trim().is_empty());
        let mut body = format!("{}\n{}\n", lines.next().unwrap_or("* circuit"), cards.text.trim_end());
        for line in lines {
            let words: Vec<&str> = line.split_whitespace().collect();
            if !line.starts_with('m') || words.len() < 8 {
                body.push_str(line);
                body.push('\n');
                continue;
            }
            let n_channel = words[5] == "n4";
            let (model, shift, gain) =
                if n_channel { (&cards.nmos, "dvn", "mun") } else { (&cards.pmos, "dvp", "mup") };
            let size = |key: &str| {
                let text = words[6..].iter().find_map(|word| word.strip_prefix(key)).unwrap_or("1");
                (text, Size::read(text, &names))
            };
            let ((w, w_size), (l, l_size), (m, m_size)) = (size("w="), size("l="), size("m="));
            let _ = write!(body, "{} {model} w={{({w})*1u}} l={{({l})*1u}} m={{{m}}}", words[..5].join(" "));
            let name = words[0];
            let _ = if mismatch {
                writeln!(body, " delvto={{{shift}+mm_{name}}} mulu0={{{gain}}}")
            } else {
                writeln!(body, " delvto={{{shift}}} mulu0={{{gain}}}")
            };
            transistors.push(Transistor { name: name.to_owned(), w: w_size, l: l_size, m: m_size });
        }
        if mismatch {
            parameters.extend(transistors.iter().map(|t| format!("mm_{}", t.name)));
            defaults.extend(transistors.iter().map(|_| 0.0));
        }
        Self { body, parameters, defaults, transistors }
    }

    /// The deck with `.param` cards for these values and `cards` before `.end`.
    pub(super) fn deck(&self, values: &[f64], cards: &str) -> String {
        let mut deck = String::with_capacity(self.body.len() + 64 * values.len());
        let (title, rest) = self.body.split_once('\n').unwrap_or((&self.body, ""));
        deck.push_str(title);
        deck.push('\n');
        for (name, value) in self.parameters.iter().zip(values) {
            let _ = writeln!(deck, ".param {name}={value:e}");
        }
        deck.push_str(rest);
        deck.push_str(cards);
        deck.push_str("\n.end\n");
        deck
    }

    /// Total gate area, um^2.
    pub(super) fn gate_area_um2(&self, numbers: &[f64]) -> f64 {
        self.transistors.iter().map(|t| t.area_um2(numbers)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transistors_get_sizes_corners_and_mismatch() {
        let deck = "* t\nm1 d g 0 0 n4 w=w1 l=0.5 m=2\nr1 d 0 1k\n";
        let template = Template::new(deck, &Cards::default(), &[("w1", 4.0)], &[("vdd", 1.8)], true);
        let text = template.deck(&template.defaults, ".op");
        assert!(text.contains("m1 d g 0 0 n4 w={(w1)*1u} l={(0.5)*1u} m={2} delvto={dvn+mm_m1} mulu0={mun}"));
        assert!(text.contains(".param w1=4e0") && text.ends_with(".op\n.end\n"));
        assert_eq!(template.gate_area_um2(&[4.0]), 4.0);
        assert_eq!(template.parameters, ["w1", "vdd", "dvn", "dvp", "mun", "mup", "mm_m1"]);
    }
}
