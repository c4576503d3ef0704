//! The deck that ngspice gets: all includes in place, parameters at their present values, measures left out.

use crate::circuit::Circuit;

/// The flat text of a circuit's deck.
pub fn text(circuit: &Circuit) -> String {
    let (deck, fixed) = circuit.parts();
    let mut out = format!("{}\n", deck.title);
    for (name, value) in &deck.top.parameters {
        let replaced = fixed.iter().rev().find(|(n, _)| n.eq_ignore_ascii_case(name));
        match replaced {
            Some((_, v)) => out.push_str(&format!(".param {name}={v:e}\n")),
            None => out.push_str(&format!(".param {name}={{{}}}\n", value.text)),
        }
    }
    let (mut depth, mut control) = (0i32, false);
    for line in circuit.lines() {
        let lower = line.to_ascii_lowercase();
        let keyword = lower.split(|c: char| c.is_whitespace() || c == '(').next().unwrap_or("");
        // What a control block would do is done by the caller.
        if control || keyword == ".control" {
            control = keyword != ".endc";
            continue;
        }
        depth += i32::from(keyword == ".subckt") - i32::from(keyword == ".ends");
        // Top-level parameters are above; a function definition has its parenthesis before the `=`.
        let function = lower.find('(').is_some_and(|p| lower.find('=').is_none_or(|e| p < e));
        let parameter = keyword.starts_with(".param") && depth == 0 && !function;
        let dropped =
            matches!(keyword, ".meas" | ".measure" | ".print" | ".plot" | ".save" | ".probe" | ".end");
        if !parameter && !dropped {
            out.push_str(line);
            out.push('\n');
        }
    }
    out.push_str(".end\n");
    out
}
