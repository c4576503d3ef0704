//! How a value is written into a file of a kind, so that it stays a value: it never ends a string, a line, a statement, or a path.
//!
//! Numbers are written as the language writes them. A text stands as it is where it is a plain word (letters, digits, `_`, `.`, `+`, `-`);
//! any other is quoted or escaped by the rules of the language at that place; and where the language has no way to hold it there, it is
//! refused, before anything is run.

use serde::{Deserialize, Serialize};

use crate::Value;

/// The kind of a file: how values are written into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileKind {
    /// JSON: a text is a string in quotes, or a part of one.
    Json,
    /// YAML: the same, and numbers that YAML 1.1 reads as numbers.
    Yaml,
    /// Verilog and SystemVerilog: a text is a part of a string, or an identifier.
    Verilog,
    /// SPICE decks: a text is a word.
    Spice,
    /// Tcl, also SDC and XDC: special characters are escaped by backslashes.
    Tcl,
    /// C and C++: a text is a part of a string, or an identifier.
    CHeader,
    /// Shell scripts: a text is quoted.
    Shell,
    /// Python: a text is a string in quotes, or a part of one.
    Python,
    /// XML: special characters are entities.
    Xml,
    /// Anything else: a text stands as it is.
    Plain,
}

impl FileKind {
    /// The kind that the name of a file tells; `.in`, `.tpl`, `.template` and the like at its end do not count.
    pub fn of(name: &str) -> Self {
        let mut name = name.to_ascii_lowercase();
        for suffix in [".in", ".tpl", ".tmpl", ".template", ".j2"] {
            if let Some(stem) = name.strip_suffix(suffix) {
                name = stem.to_string();
            }
        }
        match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
            "json" | "jsonc" => Self::Json,
            "yaml" | "yml" => Self::Yaml,
            "v" | "sv" | "vh" | "svh" | "vams" | "va" => Self::Verilog,
            "cir" | "sp" | "spi" | "spice" | "ckt" | "net" | "cdl" => Self::Spice,
            "tcl" | "sdc" | "xdc" | "upf" | "do" => Self::Tcl,
            "h" | "hh" | "hpp" | "c" | "cc" | "cpp" | "cxx" | "cu" => Self::CHeader,
            "sh" | "bash" => Self::Shell,
            "py" | "pyi" => Self::Python,
            "xml" | "html" | "svg" => Self::Xml,
            _ => Self::Plain,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Json => "JSON",
            Self::Yaml => "YAML",
            Self::Verilog => "Verilog",
            Self::Spice => "a SPICE deck",
            Self::Tcl => "Tcl",
            Self::CHeader => "C",
            Self::Shell => "a shell script",
            Self::Python => "Python",
            Self::Xml => "XML",
            Self::Plain => "a plain file",
        }
    }
}

/// What stands around a place in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Around {
    /// Nothing in particular.
    #[default]
    Bare,
    /// A string in double quotes.
    Double,
    /// A string in single quotes.
    Single,
    /// A comment, or a construct in which quoting means something else: plain words only.
    Delicate,
}

/// How a value is written at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Escape {
    /// In a file of this kind.
    File(FileKind, Around),
    /// As an argument of a program, or a part of one.
    Argument,
    /// As a part of an argument that is a script of some language: plain words only.
    Script,
    /// As a part of the name of a file: plain words that are no way out of a folder.
    Name,
}

impl Escape {
    /// The value as it stands at the place. Errors: it cannot stand there; why, and the remedy.
    pub(super) fn write(self, value: &Value) -> Result<String, String> {
        let text = match value {
            Value::Text(text) => text,
            Value::Boolean(truth) => return Ok(self.truth(*truth).into()),
            Value::Integer(integer) => return Ok(integer.to_string()),
            Value::Real(real) => return Ok(self.real(*real)),
        };
        if text.contains('\0') {
            return Err("it holds a zero byte, which no program can be given".into());
        }
        match self {
            Self::Argument => Ok(text.clone()),
            Self::Script if is_plain(text) => Ok(text.clone()),
            Self::Script => {
                Err("the argument around it reads like a script, in which it could become a command; \
                                 give it as an argument of its own, or choose plain words"
                    .into())
            }
            Self::Name if is_plain(text) && !text.starts_with('.') => Ok(text.clone()),
            Self::Name => {
                Err("a part of a file's name is a plain word that does not begin with a dot".into())
            }
            Self::File(kind, around) => in_file(kind, around, text).ok_or_else(|| {
                let remedy = match (kind, around) {
                    (_, Around::Delicate) => "move the variable out of the comment or construct it stands in",
                    (FileKind::Shell, _) => "give it as an argument or an environment variable instead",
                    (FileKind::Verilog | FileKind::CHeader, Around::Bare) => "put the variable in quotes",
                    _ => "move the variable",
                };
                format!("it cannot stand here in {}; {remedy}, or choose plain words", kind.name())
            }),
        }
    }

    fn truth(self, truth: bool) -> &'static str {
        match self {
            Self::File(FileKind::Python, _) => ["False", "True"][usize::from(truth)],
            Self::File(FileKind::Verilog | FileKind::Spice | FileKind::Tcl | FileKind::CHeader, _) => {
                ["0", "1"][usize::from(truth)]
            }
            _ => ["false", "true"][usize::from(truth)],
        }
    }

    /// A real is written so that it reads as one: with a point or an exponent.
    fn real(self, real: f64) -> String {
        let plain = real == 0.0 || (1e-4..1e15).contains(&real.abs());
        let mut text = if plain { format!("{real:?}") } else { format!("{real:e}") };
        if self == Self::File(FileKind::Yaml, Around::Bare)
            && let Some((mantissa, exponent)) = text.clone().split_once('e')
        {
            // YAML 1.1 wants a point and a sign.
            let point = if mantissa.contains('.') { "" } else { ".0" };
            let sign = if exponent.starts_with('-') { "" } else { "+" };
            text = format!("{mantissa}{point}e{sign}{exponent}");
        }
        text
    }
}

/// A word that means nothing special anywhere.
fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "_.+-".contains(c))
}

/// A name that a programming language takes.
fn is_identifier(text: &str) -> bool {
    is_plain(text)
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn in_file(kind: FileKind, around: Around, text: &str) -> Option<String> {
    use Around::{Bare, Delicate, Double, Single};
    let plain = is_plain(text).then(|| text.to_string());
    match (kind, around) {
        (FileKind::Plain, _) => Some(text.into()),
        (FileKind::Xml, Delicate) => plain,
        (FileKind::Xml, _) => Some(entities(text)),
        (_, Delicate) => plain,
        (FileKind::Json | FileKind::Yaml | FileKind::Python, Bare) => Some(json(text)),
        (FileKind::Json | FileKind::Yaml, Double) => Some(inner(&json(text))),
        (FileKind::Json, Single) => plain,
        (FileKind::Yaml, Single) if text.chars().any(char::is_control) => None,
        (FileKind::Yaml, Single) => Some(text.replace('\'', "''")),
        (FileKind::Python, Double | Single) => Some(backslashes(text, "\\\"'")),
        (FileKind::Verilog | FileKind::CHeader, Double) => Some(
            backslashes(text, "\\\"?").replace("\\?", if kind == FileKind::CHeader { "\\?" } else { "?" }),
        ),
        (FileKind::Verilog | FileKind::CHeader, _) => is_identifier(text).then(|| text.to_string()),
        (FileKind::Spice, _) => plain,
        (FileKind::Tcl, _) => Some(tcl(text)),
        (FileKind::Shell, _) if plain.is_some() => plain,
        (FileKind::Shell, Bare) => Some(format!("'{}'", text.replace('\'', "'\\''"))),
        (FileKind::Shell, Single) => Some(text.replace('\'', "'\\''")),
        (FileKind::Shell, Double) => {
            let special = |c: char| if "\\\"$`".contains(c) { format!("\\{c}") } else { c.to_string() };
            Some(text.chars().map(special).collect())
        }
    }
}

/// A string of JSON, which Python and YAML read as well.
fn json(text: &str) -> String {
    // Texts outside of the basic plane are left as they are: all three read UTF-8.
    serde_json::to_string(text).unwrap_or_else(|_| "\"\"".into())
}

/// A quoted string without its quotes.
fn inner(quoted: &str) -> String {
    quoted[1..quoted.len() - 1].into()
}

/// Backslashes before these characters, control characters by their names or numbers.
fn backslashes(text: &str, special: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => escaped.push_str("\\n"),
            '\t' => escaped.push_str("\\t"),
            '\r' => escaped.push_str("\\r"),
            // Octal of three digits cannot swallow what follows.
            c if (c as u32) < 32 || c as u32 == 127 => escaped.push_str(&format!("\\{:03o}", c as u32)),
            c if special.contains(c) => escaped.extend(['\\', c]),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Backslashes before everything that Tcl might read, which holds bare, in quotes and in scripts between braces.
fn tcl(text: &str) -> String {
    if text.is_empty() {
        return "{}".into();
    }
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => escaped.push_str("\\n"),
            '\t' => escaped.push_str("\\t"),
            '\r' => escaped.push_str("\\r"),
            c if c.is_control() => escaped.push_str(&format!("\\u{:04x}", c as u32)),
            c if c.is_alphanumeric() || "_.+-/:,=@%".contains(c) || !c.is_ascii() => escaped.push(c),
            c => escaped.extend(['\\', c]),
        }
    }
    escaped
}

fn entities(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\n' => escaped.push_str("&#10;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Follows the text of a file and knows what stands around its end.
#[derive(Clone, Debug)]
pub(super) struct Follower {
    kind: FileKind,
    around: Around,
    /// The last character but white space on this line, and the last one of all.
    word: char,
    last: char,
    /// The next character is escaped.
    escaped: bool,
    /// The comment that is open, by its end.
    comment: Option<&'static str>,
    /// A string or construct is open in which nothing but plain words is safe, until the string ends or for good.
    delicate: bool,
    spoiled: bool,
    /// The last few characters.
    recent: String,
}

impl Follower {
    pub(super) fn new(kind: FileKind) -> Self {
        Self {
            kind,
            around: Around::Bare,
            word: '\n',
            last: '\n',
            escaped: false,
            comment: None,
            delicate: false,
            spoiled: false,
            recent: String::new(),
        }
    }

    /// What stands around this place.
    pub(super) fn around(&self) -> Around {
        if self.comment.is_some() || self.delicate || self.spoiled || self.escaped {
            return Around::Delicate;
        }
        // In the middle of an unquoted scalar of YAML a quote would be a part of it.
        let scalar = self.around == Around::Bare && self.kind == FileKind::Yaml && !self.starts_scalar();
        if scalar { Around::Delicate } else { self.around }
    }

    /// True where a scalar of YAML begins: after an indicator, and a blank where that is needed to make it one.
    fn starts_scalar(&self) -> bool {
        match self.word {
            '[' | '{' | ',' | '\n' => true,
            ':' | '-' => self.last.is_whitespace(),
            _ => false,
        }
    }

    /// A variable stands here: what follows does not begin anew.
    pub(super) fn variable(&mut self) {
        (self.word, self.last) = ('x', 'x');
        self.recent.clear();
    }

    pub(super) fn text(&mut self, text: &str) {
        text.chars().for_each(|c| self.character(c));
    }

    fn character(&mut self, c: char) {
        self.recent.push(c);
        if self.recent.chars().count() > 3 {
            self.recent.remove(0);
        }
        let escaped = std::mem::take(&mut self.escaped);
        if let Some(end) = self.comment {
            if self.recent.ends_with(end) {
                self.comment = None;
            }
        } else if !escaped {
            match self.around {
                Around::Bare => self.bare(c),
                _ => self.quoted(c),
            }
        }
        if !c.is_whitespace() || c == '\n' {
            // A dash in a word is no indicator.
            self.word = if c == '-' && !self.last.is_whitespace() { 'x' } else { c };
        }
        self.last = c;
    }

    /// A character outside of strings and comments.
    fn bare(&mut self, c: char) {
        use FileKind::{CHeader, Json, Plain, Python, Shell, Spice, Tcl, Verilog, Xml, Yaml};
        let starts_word = self.last.is_whitespace();
        let open = match (self.kind, c) {
            (Plain | Tcl | Spice, _) => None,
            (Xml, '-') if self.recent.ends_with("!--") => return self.comment = Some("-->"),
            (Xml, _) => None,
            (Yaml | Python | Shell, '#') if starts_word || self.kind == Python => {
                return self.comment = Some("\n");
            }
            (CHeader | Verilog, '/') if self.recent.ends_with("//") => return self.comment = Some("\n"),
            (CHeader | Verilog, '*') if self.recent.ends_with("/*") => return self.comment = Some("*/"),
            (Yaml, '"' | '\'') if !self.starts_scalar() => None,
            (Json | Verilog, '\'') => None,
            (Shell | CHeader, '\\') => return self.escaped = true,
            // In the text of a here-document quotes are no quotes.
            (Shell, '<') if self.recent.ends_with("<<") => return self.spoiled = true,
            (Shell, '`') => return self.spoiled = true,
            (_, '"') => Some(Around::Double),
            (_, '\'') => Some(Around::Single),
            _ => None,
        };
        if let Some(open) = open {
            self.around = open;
            // Raw and formatted strings of Python have rules of their own, and so do strings between three quotes.
            self.delicate = self.kind == Python && self.last.is_alphabetic();
            self.three_quotes();
        }
    }

    /// A character in a string.
    fn quoted(&mut self, c: char) {
        let quote = if self.around == Around::Double { '"' } else { '\'' };
        let backslash = match self.kind {
            FileKind::Shell => self.around == Around::Double,
            FileKind::Yaml => self.around == Around::Double,
            _ => true,
        };
        if c == '\\' && backslash {
            self.escaped = true;
        } else if c == quote {
            (self.around, self.delicate) = (Around::Bare, false);
            self.three_quotes();
        } else if self.kind == FileKind::Shell
            && self.around == Around::Double
            && (c == '`' || self.recent.ends_with("$("))
        {
            // A command in a string has quotes of its own.
            self.delicate = true;
            self.spoiled = true;
        } else if self.kind == FileKind::CHeader && c == '\n' {
            self.around = Around::Bare;
        }
    }
}

impl Follower {
    /// Whether three quotes of Python open or close a string: what follows in the file is left alone.
    fn three_quotes(&mut self) {
        let three = self.recent == "\"\"\"" || self.recent == "'''";
        self.spoiled |= self.kind == FileKind::Python && three;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts that would like to be something else.
    const NASTY: [&str; 12] = [
        "; rm -rf /",
        "$(touch x)",
        "`touch x`",
        "../../x",
        "a\"b",
        "a'b",
        "a\nb",
        "{{x}}",
        "a\\",
        "*/ x /*",
        "a${x}",
        "-->",
    ];

    fn at(kind: FileKind, before: &str) -> Escape {
        let mut follower = Follower::new(kind);
        follower.text(before);
        Escape::File(kind, follower.around())
    }

    #[test]
    fn json_and_yaml_read_back_what_was_written() {
        for text in NASTY {
            let value = Value::Text(text.into());
            for before in ["{\"a\": ", "{\"b\": \"x\", \"a\": "] {
                let whole = format!("{before}{}}}", at(FileKind::Json, before).write(&value).unwrap());
                let read: serde_json::Value = serde_json::from_str(&whole).unwrap();
                assert_eq!(read["a"], text);
            }
            let before = "{\"a\": \"pre ";
            let whole = format!("{before}{}\"}}", at(FileKind::Json, before).write(&value).unwrap());
            let read: serde_json::Value = serde_json::from_str(&whole).unwrap();
            assert_eq!(read["a"], format!("pre {text}"));
            assert!(at(FileKind::Yaml, "a: pre-").write(&value).is_err(), "{text}");
        }
        let yaml = at(FileKind::Yaml, "a: ");
        assert_eq!(yaml.write(&Value::Real(1e-9)), Ok("1.0e-9".into()));
        assert_eq!(yaml.write(&Value::Real(2.5e20)), Ok("2.5e+20".into()));
        assert_eq!(yaml.write(&Value::Text("no".into())), Ok("\"no\"".into()));
        assert_eq!(at(FileKind::Yaml, "a: '").write(&Value::Text("it's".into())), Ok("it''s".into()));
        assert_eq!(at(FileKind::Yaml, "a: pre-").write(&Value::Text("lru".into())), Ok("lru".into()));
    }

    #[test]
    fn a_shell_sees_one_word() {
        for text in NASTY {
            for (before, after) in
                [("printf %s ", ""), ("printf %s \"", "\""), ("printf %s '", "'"), ("printf %s a\"b\"", "")]
            {
                let written = at(FileKind::Shell, before).write(&Value::Text(text.into())).unwrap();
                let script = format!("{before}{written}{after}");
                let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
                let expected = if before.ends_with("\"b\"") { format!("ab{text}") } else { text.to_string() };
                assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{script}");
            }
            for before in ["cat <<E\n", "echo \"$(printf ", "# about ", "echo `printf ", "echo \\"] {
                let escape = at(FileKind::Shell, before);
                assert!(escape.write(&Value::Text(text.into())).is_err(), "{before}{text}");
                assert_eq!(escape.write(&Value::Text("lru".into())), Ok("lru".into()));
            }
        }
    }

    #[test]
    fn programming_languages_hold_texts_in_strings_and_names_outside() {
        let text = Value::Text("a\"; $finish;\n".into());
        for kind in [FileKind::Verilog, FileKind::CHeader] {
            assert_eq!(at(kind, "x = \"").write(&text), Ok("a\\\"; $finish;\\n".into()));
            assert!(at(kind, "x = ").write(&text).is_err());
            assert!(at(kind, "// about ").write(&text).is_err());
            assert_eq!(at(kind, "x = ").write(&Value::Text("ripple_2".into())), Ok("ripple_2".into()));
            assert_eq!(at(kind, "x = ").write(&Value::Boolean(true)), Ok("1".into()));
            assert_eq!(at(kind, "x = ").write(&Value::Real(2.0)), Ok("2.0".into()));
        }
        assert_eq!(at(FileKind::Python, "x = ").write(&text), Ok("\"a\\\"; $finish;\\n\"".into()));
        assert_eq!(at(FileKind::Python, "x = ").write(&Value::Boolean(true)), Ok("True".into()));
        assert!(at(FileKind::Python, "x = f\"").write(&text).is_err());
        assert!(at(FileKind::Python, "x = \"\"\"").write(&text).is_err());
        assert_eq!(at(FileKind::Tcl, "set x ").write(&text), Ok("a\\\"\\;\\ \\$finish\\;\\n".into()));
        assert!(at(FileKind::Spice, ".param x=").write(&text).is_err());
        assert_eq!(
            at(FileKind::Xml, "<a b=\"").write(&Value::Text("<&\"".into())),
            Ok("&lt;&amp;&quot;".into())
        );
        assert!(at(FileKind::Xml, "<!-- ").write(&text).is_err());
        assert_eq!(at(FileKind::Plain, "").write(&text), Ok("a\"; $finish;\n".into()));
    }

    #[test]
    fn names_of_files_stay_in_their_folder() {
        for text in NASTY.into_iter().chain(["..", ".", "a/b", "", ".hidden"]) {
            assert!(Escape::Name.write(&Value::Text(text.into())).is_err(), "{text}");
        }
        assert_eq!(Escape::Name.write(&Value::Text("trace_1.txt".into())), Ok("trace_1.txt".into()));
        assert!(Escape::Script.write(&Value::Text("x; !rm".into())).is_err());
    }

    #[test]
    fn kinds_are_told_by_names() {
        for (name, kind) in [
            ("top.v.in", FileKind::Verilog),
            ("a/b.JSON", FileKind::Json),
            ("run.tcl.tpl", FileKind::Tcl),
            ("Makefile", FileKind::Plain),
            ("config.h", FileKind::CHeader),
        ] {
            assert_eq!(FileKind::of(name), kind, "{name}");
        }
    }
}
