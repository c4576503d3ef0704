//! Texts with variables, `{{name}}`: arguments, environment variables, names of files, templates.

use std::collections::BTreeMap;

use super::escape::{Escape, FileKind, Follower};
use crate::space::Expression;
use crate::suggest::suggestion;
use crate::{Design, DesignSpace, Domain, Value};

/// What a variable stands for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Variable {
    /// A parameter of the design, by its index.
    Parameter(usize),
    /// A constant, which levels of fidelity may set.
    Constant(String),
    /// A number that is computed from parameters, by its index.
    Derived(usize),
    /// The seed of a repetition.
    Seed,
    /// The name of the level of fidelity.
    Fidelity,
    /// The folder of the RON file.
    Folder,
}

/// What is known by name.
pub(super) struct Names {
    pub space: DesignSpace,
    /// Every value that a constant takes, at some level of fidelity.
    pub constants: BTreeMap<String, Vec<Value>>,
    pub derived: Vec<(String, Expression)>,
    pub fidelities: Vec<String>,
    pub folder: String,
}

/// Names that mean something by themselves.
pub(super) const RESERVED: [&str; 3] = ["seed", "fidelity", "folder"];

impl Names {
    pub fn find(&self, name: &str) -> Option<Variable> {
        if let Ok(index) = self.space.position(name) {
            return Some(Variable::Parameter(index));
        }
        if self.constants.contains_key(name) {
            return Some(Variable::Constant(name.into()));
        }
        if let Some(index) = self.derived.iter().position(|(known, _)| known == name) {
            return Some(Variable::Derived(index));
        }
        match name {
            "seed" => Some(Variable::Seed),
            "fidelity" => Some(Variable::Fidelity),
            "folder" => Some(Variable::Folder),
            _ => None,
        }
    }

    /// What is wrong with a name that nothing has.
    fn unknown(&self, name: &str) -> String {
        let parameters = self.space.parameters().iter().map(|p| p.name.as_str());
        let derived = self.derived.iter().map(|(name, _)| name.as_str());
        let known: Vec<&str> = parameters
            .chain(self.constants.keys().map(String::as_str))
            .chain(derived)
            .chain(RESERVED)
            .collect();
        let hint = suggestion(name, &known);
        format!(
            "`{{{{{name}}}}}` names no parameter, constant or derived number{hint}; add it to `parameters`, or correct the name"
        )
    }

    /// Values of a variable that show whether it can stand at a place: all texts, and numbers of each kind.
    fn samples(&self, variable: &Variable) -> Vec<Value> {
        match variable {
            Variable::Parameter(index) => match &self.space.parameters()[*index].domain {
                Domain::Categorical(choices) => choices.iter().map(|c| Value::Text(c.clone())).collect(),
                Domain::Boolean => vec![Value::Boolean(true)],
                // Every arrangement is made of these words, `,` and `:`.
                Domain::Permutation(items) => vec![Value::Text(items.join(","))],
                Domain::Assignment { items, places } => {
                    let placed = |place: &String| {
                        items.iter().map(|item| format!("{item}:{place}")).collect::<Vec<_>>().join(",")
                    };
                    places.iter().map(|place| Value::Text(placed(place))).collect()
                }
                _ => vec![Value::Integer(1)],
            },
            Variable::Constant(name) => self.constants.get(name).cloned().unwrap_or_default(),
            Variable::Derived(_) | Variable::Seed => vec![Value::Integer(1)],
            Variable::Fidelity => self.fidelities.iter().map(|name| Value::Text(name.clone())).collect(),
            Variable::Folder => vec![Value::Text(self.folder.clone())],
        }
    }
}

/// What variables are worth in one run of the program.
pub(super) struct Values<'a> {
    pub names: &'a Names,
    pub design: &'a Design,
    pub constants: &'a BTreeMap<String, Value>,
    pub fidelity: &'a str,
    pub seed: u64,
}

impl Values<'_> {
    fn of(&self, variable: &Variable) -> Value {
        let space = &self.names.space;
        match variable {
            Variable::Parameter(index) => space.value(self.design, *index),
            Variable::Constant(name) => {
                self.constants.get(name).cloned().unwrap_or(Value::Text(String::new()))
            }
            Variable::Derived(index) => {
                Value::number(self.names.derived[*index].1.number(space, self.design))
            }
            Variable::Seed => Value::Integer(i64::try_from(self.seed).unwrap_or(i64::MAX)),
            Variable::Fidelity => Value::Text(self.fidelity.into()),
            Variable::Folder => Value::Text(self.names.folder.clone()),
        }
    }
}

/// A text with variables.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Text(Vec<Piece>);

#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Literal(String),
    Variable(Variable, Escape),
}

/// A mistake in a text, at this byte.
#[derive(Debug, PartialEq)]
pub(super) struct Mistake {
    pub at: usize,
    pub message: String,
}

/// How a text is read.
#[derive(Clone, Copy)]
pub(super) enum Reading {
    /// As a whole by these rules.
    As(Escape),
    /// As a file of this kind.
    File(FileKind),
}

impl Text {
    /// Reads a text with variables between these marks.
    ///
    /// The content of a variable holds no brace and no newline; `{{` before anything else stands for itself, as in the replication
    /// `{{8{a}}, b}` of Verilog. Errors: a variable that nothing has, or that may have a value which cannot stand there.
    pub fn read(text: &str, marks: (&str, &str), reading: Reading, names: &Names) -> Result<Self, Mistake> {
        let (open, close) = marks;
        let mut pieces: Vec<Piece> = Vec::new();
        let mut follower = match reading {
            Reading::File(kind) => Some((kind, Follower::new(kind))),
            Reading::As(_) => None,
        };
        let mut literal = String::new();
        let mut at = 0;
        while at < text.len() {
            let Some(content) = variable_at(&text[at..], open, close) else {
                let c = text[at..].chars().next().unwrap_or_default();
                literal.push(c);
                if let Some((_, follower)) = &mut follower {
                    follower.text(c.encode_utf8(&mut [0; 4]));
                }
                at += c.len_utf8();
                continue;
            };
            let mistake = |message: String| Mistake { at, message };
            let name = content.trim();
            let variable = names.find(name).ok_or_else(|| mistake(names.unknown(name)))?;
            let escape = match (&mut follower, reading) {
                (Some((kind, follower)), _) => {
                    let around = follower.around();
                    follower.variable();
                    Escape::File(*kind, around)
                }
                (None, Reading::As(escape)) => escape,
                (None, Reading::File(kind)) => Escape::File(kind, Default::default()),
            };
            for value in names.samples(&variable) {
                // The folder of the file is the user's own, not a design's.
                if let Err(why) = escape.write(&value)
                    && variable != Variable::Folder
                {
                    return Err(mistake(format!("`{name}` may be `{}`: {why}", shown(&value))));
                }
            }
            if !literal.is_empty() {
                pieces.push(Piece::Literal(std::mem::take(&mut literal)));
            }
            pieces.push(Piece::Variable(variable, escape));
            at += open.len() + content.len() + close.len();
        }
        if !literal.is_empty() || pieces.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        Ok(Self(pieces))
    }

    /// The text for a run. Errors: a value that cannot stand where its variable does, such as a number that is not finite.
    pub fn write(&self, values: &Values) -> Result<String, String> {
        let mut text = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Literal(literal) => text.push_str(literal),
                Piece::Variable(Variable::Folder, _) => text.push_str(&values.names.folder),
                Piece::Variable(variable, escape) => {
                    let value = values.of(variable);
                    if value.as_f64().is_some_and(|number| !number.is_finite()) {
                        return Err(format!("a derived number is {value} for this design"));
                    }
                    text.push_str(&escape.write(&value)?);
                }
            }
        }
        Ok(text)
    }

    /// The text, if it has no variables.
    pub fn literal(&self) -> Option<&str> {
        match self.0.as_slice() {
            [Piece::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// True if it has no variable but the folder.
    pub fn is_fixed(&self) -> bool {
        self.variables().all(|variable| *variable == Variable::Folder)
    }

    /// The text with the folder filled in, if it is fixed.
    pub fn fixed(&self, names: &Names) -> Option<String> {
        let piece = |piece: &Piece| match piece {
            Piece::Literal(text) => text.clone(),
            Piece::Variable(..) => names.folder.clone(),
        };
        self.is_fixed().then(|| self.0.iter().map(piece).collect())
    }

    /// The text with this word for every variable.
    pub fn spoilt(&self, word: &str) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Literal(text) => text.clone(),
            Piece::Variable(..) => word.to_string(),
        };
        self.0.iter().map(piece).collect()
    }

    pub fn variables(&self) -> impl Iterator<Item = &Variable> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Variable(variable, _) => Some(variable),
            Piece::Literal(_) => None,
        })
    }
}

/// The content of the variable that begins here, if one does.
fn variable_at<'a>(text: &'a str, open: &str, close: &str) -> Option<&'a str> {
    let inside = text.strip_prefix(open)?;
    let end = inside.find(close)?;
    let content = &inside[..end];
    (!content.contains(['{', '}', '\n'])).then_some(content)
}

/// A value on one line, shortened.
fn shown(value: &Value) -> String {
    let text = value.to_string().escape_debug().to_string();
    if text.chars().count() <= 60 { text } else { text.chars().take(60).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Parameter;

    fn names() -> Names {
        Names {
            space: DesignSpace::new(vec![
                Parameter::integer("rows", 1, 9),
                Parameter::categorical("kind", ["lru", "a b; {{rows}}"]),
            ])
            .unwrap(),
            constants: BTreeMap::from([("cycles".into(), vec![Value::Integer(10)])]),
            derived: vec![("area".into(), Expression::parse("rows * rows").unwrap())],
            fidelities: vec!["full".into()],
            folder: "/some where".into(),
        }
    }

    fn write(text: &str, reading: Reading) -> Result<String, String> {
        let names = names();
        let read = Text::read(text, ("{{", "}}"), reading, &names)
            .map_err(|m| format!("{}: {}", m.at, m.message))?;
        let design = Design::new([2.0, 1.0]);
        let constants = BTreeMap::from([("cycles".to_string(), Value::Integer(10))]);
        read.write(&Values {
            names: &names,
            design: &design,
            constants: &constants,
            fidelity: "full",
            seed: 7,
        })
    }

    #[test]
    fn variables_are_filled_in_once() {
        let argument = Reading::As(Escape::Argument);
        for (text, expected) in [
            ("--rows={{rows}}", "--rows=3"),
            ("{{ rows }}{{area}}", "39"),
            ("{{kind}}", "a b; {{rows}}"),
            ("{{cycles}}/{{seed}}/{{fidelity}}", "10/7/full"),
            ("{{folder}}/m.py", "/some where/m.py"),
            ("{{8{a}}, b}", "{{8{a}}, b}"),
            ("{{", "{{"),
            ("a {{ b\n}}", "a {{ b\n}}"),
            ("", ""),
        ] {
            assert_eq!(write(text, argument), Ok(expected.into()), "{text}");
        }
        let json = Reading::File(FileKind::Json);
        assert_eq!(write("{\"a\":{\"b\":{{rows}}}}", json), Ok("{\"a\":{\"b\":3}}".into()));
        assert_eq!(write("{\"k\": {{kind}}}", json), Ok("{\"k\": \"a b; {{rows}}\"}".into()));
    }

    #[test]
    fn mistakes_have_a_place() {
        let argument = Reading::As(Escape::Argument);
        let error = write("ab {{row}}", argument).unwrap_err();
        assert!(
            error.starts_with("3: `{{row}}` names no parameter") && error.contains("did you mean `rows`?"),
            "{error}"
        );
        let error = write("x={{kind}}", Reading::As(Escape::Script)).unwrap_err();
        assert!(error.contains("2: `kind` may be `a b; {{rows}}`"), "{error}");
    }
}
