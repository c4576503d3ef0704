//! Labels in other formats: whatever they are, they are text there, and nothing else.

/// A label in Markdown: nothing in it is markup, a table cell or HTML.
pub fn markdown(label: &str) -> String {
    let mut text = String::new();
    for c in label.chars() {
        match c {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' => text.extend(['\\', c]),
            c if c.is_control() => text.push(' '),
            c => text.push(c),
        }
    }
    text
}

/// A label in LaTeX: nothing in it is a command.
pub fn latex(label: &str) -> String {
    let mut text = String::new();
    for c in label.chars() {
        match c {
            '\\' => text.push_str("\\textbackslash{}"),
            '~' => text.push_str("\\textasciitilde{}"),
            '^' => text.push_str("\\textasciicircum{}"),
            '<' => text.push_str("\\textless{}"),
            '>' => text.push_str("\\textgreater{}"),
            '|' => text.push_str("\\textbar{}"),
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => text.extend(['\\', c]),
            c if c.is_control() => text.push(' '),
            c => text.push(c),
        }
    }
    text
}

/// A label in a cell of CSV: a spreadsheet takes it for no formula (OWASP, "CSV injection"). Numbers are no labels.
pub fn csv(label: &str) -> String {
    let formula = label.starts_with(['=', '+', '-', '@', '\t', '\r']) && label.parse::<f64>().is_err();
    if formula { format!("'{label}") } else { label.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_text_and_nothing_else() {
        assert_eq!(markdown("a|b <img src=x> `c`_d"), "a\\|b &lt;img src=x&gt; \\`c\\`\\_d");
        assert_eq!(latex("a_b 5 % \\x{<}"), "a\\_b 5 \\% \\textbackslash{}x\\{\\textless{}\\}");
        assert_eq!(csv("=1+1"), "'=1+1");
        assert_eq!(csv("-1.5"), "-1.5");
        assert_eq!(csv("genetic#1"), "genetic#1");
    }
}
