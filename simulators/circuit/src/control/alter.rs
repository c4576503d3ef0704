//! `alter`, `altermod`, `alterparam`, `option` and `reset`: changes of the circuit between analyses.

use super::Session;
use super::vector::Vector;
use crate::error::{Location, Result, did_you_mean};
use crate::netlist::{Kind, Value, Waveform, command};

/// Values that stand where an element's card has its number.
fn is_main(letter: u8, what: &str) -> bool {
    match letter {
        b'r' => matches!(what, "" | "r" | "resistance"),
        b'c' => matches!(what, "" | "c" | "capacitance"),
        b'l' => matches!(what, "" | "l" | "inductance"),
        b'e' | b'g' | b'f' | b'h' => matches!(what, "" | "gain"),
        b'd' | b'q' | b'j' => matches!(what, "" | "area"),
        b'k' => matches!(what, "" | "k" | "coupling"),
        _ => false,
    }
}

fn assign(list: &mut Vec<(String, Value)>, name: &str, value: f64) {
    list.retain(|(n, _)| n != name);
    list.push((name.to_string(), Value::Const(value)));
}

impl Session<'_> {
    /// `dev = v`, `dev what = v` and `@dev[what] = v`: the words before `=`, what of it, and the values after it.
    fn assignment(&self, text: &str, location: &Location) -> Result<(Vec<String>, String, Vector)> {
        // `alter @v1[sin] [ 0 1 ]` has no `=`.
        let vector = text.find("] [").filter(|_| !text.contains('=')).map(|k| (&text[..=k], &text[k + 1..]));
        let Some((left, right)) = text.split_once('=').or(vector) else {
            // `alter r1 5`, `alter m1 w 5u`.
            let words: Vec<&str> = text.split_whitespace().collect();
            let Some((last, first)) = words.split_last().filter(|(_, f)| !f.is_empty()) else {
                return self.fail(
                    location,
                    format!("`{text}`: expected `name = value` or `name parameter = value`"),
                );
            };
            let value = self.value(last, location)?;
            return self.target(&first.join(" "), value, location);
        };
        let right = right.trim();
        let value = match right.strip_prefix('[') {
            Some(inner) => {
                let inner = inner.trim_end().trim_end_matches(']');
                let mut list = Vec::new();
                for word in inner.split(|c: char| c.is_whitespace() || c == ',').filter(|w| !w.is_empty()) {
                    list.push(self.value(word, location)?.first());
                }
                Vector::real(list)
            }
            None => self.value(right.trim_matches(|c| c == '"' || c == '\''), location)?,
        };
        self.target(left, value, location)
    }

    fn target(
        &self,
        left: &str,
        value: Vector,
        location: &Location,
    ) -> Result<(Vec<String>, String, Vector)> {
        let left = left.trim().to_ascii_lowercase();
        if let Some(inner) = left.strip_prefix('@') {
            return match inner.strip_suffix(']').and_then(|t| t.split_once('[')) {
                Some((name, what)) => Ok((vec![name.to_string()], what.trim().to_string(), value)),
                None => self.fail(location, format!("`{left}`: expected `@name[parameter]`")),
            };
        }
        let mut words: Vec<String> = left.split_whitespace().map(str::to_string).collect();
        let what = if words.len() > 1 { words.pop().unwrap_or_default() } else { String::new() };
        Ok((words, what, value))
    }

    pub(super) fn alter(&mut self, text: &str, location: &Location) -> Result<()> {
        let (names, what, value) = self.assignment(text, location)?;
        for name in &names {
            self.alter_element(name, &what, &value, location)?;
        }
        Ok(())
    }

    fn alter_element(&mut self, name: &str, what: &str, value: &Vector, location: &Location) -> Result<()> {
        let Some(index) = self.netlist.elements.iter().position(|e| e.name == *name) else {
            let hint = did_you_mean(name, self.netlist.elements.iter().map(|e| e.name.as_str()));
            return self.fail(location, format!("there is no element `{name}`{hint}"));
        };
        let e = &mut self.netlist.elements[index];
        let first = Value::Const(value.first());
        let letter = name.as_bytes()[0];
        if is_main(letter, what) {
            e.value = Some(first);
            e.parameters.retain(|(n, _)| n != "r" && n != "c" || letter != n.as_bytes()[0]);
            return Ok(());
        }
        match (&mut e.kind, what) {
            (Kind::Voltage(s) | Kind::Current(s), "" | "dc") => s.dc = Some(first),
            (Kind::Voltage(s) | Kind::Current(s), "acmag" | "ac") => s.ac = Some(first),
            (Kind::Voltage(s) | Kind::Current(s), "acphase") => s.phase = Some(first),
            (Kind::Voltage(s) | Kind::Current(s), wave) => {
                let list: Vec<Value> = value.reals().into_iter().map(Value::Const).collect();
                match Waveform::new(wave, list) {
                    Some(wave) => s.wave = Some(wave),
                    None => return self.fail(location, format!("`{name}` has no parameter `{wave}`")),
                }
            }
            (_, "m") => e.multiplier = first,
            (_, "") => {
                return self
                    .fail(location, format!("`alter {name}`: expected `alter {name} parameter = value`"));
            }
            (_, what) => assign(&mut e.parameters, what, value.first()),
        }
        Ok(())
    }

    pub(super) fn alter_model(&mut self, text: &str, location: &Location) -> Result<()> {
        let (names, what, value) = self.assignment(text, location)?;
        for name in &names {
            // An element stands for its model.
            let of_element = self.netlist.elements.iter().find(|e| e.name == *name).and_then(|e| e.model);
            let found = self.netlist.models.iter().position(|m| m.name == *name);
            let Some(model) = found.or(of_element.map(|m| m as usize)).map(|k| &mut self.netlist.models[k])
            else {
                let hint = did_you_mean(name, self.netlist.models.iter().map(|m| m.name.as_str()));
                return self.fail(location, format!("no element uses a model `{name}`{hint}"));
            };
            assign(&mut model.parameters, &what, value.first());
        }
        Ok(())
    }

    /// `alterparam p = v`; it takes effect at the next `reset`.
    pub(super) fn alter_parameter(&mut self, text: &str, location: &Location) -> Result<()> {
        let (names, what, value) = self.assignment(text, location)?;
        let [name] = names.as_slice() else {
            return self.fail(location, "expected `alterparam name = value`");
        };
        if !what.is_empty() {
            return self.fail(
                location,
                "parameters inside subcircuits cannot be altered; expected `alterparam name = value`",
            );
        }
        self.parameters.retain(|(n, _)| n != name);
        self.parameters.push((name.clone(), value.first()));
        Ok(())
    }

    /// Reads the circuit anew, with altered parameters.
    pub(super) fn reset(&mut self) -> Result<()> {
        self.netlist = Netlist::from_deck(self.circuit.parts().0, &self.parameters)?;
        self.set_constants();
        Ok(())
    }

    /// `option name=value ...`.
    pub(super) fn option(&mut self, text: &str, location: &Location) -> Result<()> {
        let options = self.netlist.options.clone();
        let (options, warnings) = command::options_of(text, options, location)?;
        self.netlist.options = options;
        self.warnings.extend(warnings);
        Ok(())
    }
}

use crate::netlist::Netlist;
