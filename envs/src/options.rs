//! Options of environments, agents and surrogates: a piece of RON that remembers where it stood.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ron::value::RawValue;
use serde::Deserializer as _;
use serde::de::{DeserializeOwned, MapAccess, Visitor};

use crate::EnvError;
use crate::suggest::suggestion;

/// A RON struct such as `(workload: "stream", device: "ddr4_2400_brc")`, not yet read, with the place where it stands.
///
/// The owner of the options reads it into a struct of its own with `#[serde(default, deny_unknown_fields)]`, and a mistake is reported at
/// its line and column in the file it came from.
///
/// ```
/// use hwgym_envs::Options;
/// #[derive(serde::Deserialize, Default)]
/// #[serde(default, deny_unknown_fields)]
/// struct Mine { seed: u64 }
/// assert_eq!(Options::ron("(seed: 3)").parse::<Mine>()?.seed, 3);
/// let error = Options::ron("(sed: 3)").parse::<Mine>().err().map(|e| e.to_string());
/// assert!(error.is_some_and(|e| e.contains("options:1:2") && e.contains("did you mean `seed`?")));
/// # Ok::<(), hwgym_envs::EnvError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Options {
    text: String,
    file: Option<PathBuf>,
    /// The folder of relative paths, where it is not that of the file.
    folder: Option<PathBuf>,
    /// The files that were asked for, where somebody takes note.
    noted: Option<Arc<Mutex<Vec<PathBuf>>>>,
    /// Lines before the text, and columns before it in its first line.
    offset: (usize, usize),
}

impl Options {
    /// No options: every field takes its default.
    pub fn none() -> Self {
        Self::default()
    }

    /// Options from a piece of RON.
    pub fn ron(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// The slice `part` of a file's text; its place is found from the two addresses.
    pub fn slice_of(part: &str, whole: &str, file: &Path) -> Self {
        let start =
            (part.as_ptr() as usize).checked_sub(whole.as_ptr() as usize).filter(|s| *s <= whole.len());
        let before = start.and_then(|s| whole.get(..s)).unwrap_or("");
        let line_start = before.rfind('\n').map_or(0, |n| n + 1);
        let offset = (before.matches('\n').count(), before[line_start..].chars().count());
        Self { text: part.into(), file: Some(file.into()), offset, ..Self::default() }
    }

    /// Options from `name=value` pairs, as on a command line; a value that is no RON by itself is taken as a string.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let fields = pairs.into_iter().map(|(name, value)| {
            if is_ron(value) { format!("{name}: {value}") } else { format!("{name}: {value:?}") }
        });
        Self::ron(format!("({})", fields.collect::<Vec<_>>().join(", ")))
    }

    /// Another text at the same place, such as one element of a list that a sweep goes through.
    pub fn with_text(&self, text: impl Into<String>) -> Self {
        Self { text: text.into(), ..self.clone() }
    }

    /// The RON text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The same with relative paths meant against this folder instead of that of the file.
    pub fn in_folder(self, folder: &Path) -> Self {
        Self { folder: Some(folder.into()), ..self }
    }

    /// The folder against which relative paths in the options are meant: that of the file, or the current one.
    pub fn folder(&self) -> PathBuf {
        if let Some(folder) = &self.folder {
            return folder.clone();
        }
        self.file.as_deref().and_then(Path::parent).map(PathBuf::from).unwrap_or_default()
    }

    /// The path of a file that the options name, in their [`folder`](Self::folder). It is noted as one of the
    /// [inputs](crate::Env::inputs) of what is being built: name every file through here.
    pub fn path(&self, file: impl AsRef<Path>) -> PathBuf {
        let path = self.folder().join(file);
        self.note([path.clone()]);
        path
    }

    /// Notes a file that the options name, if there is one: for options that take the name of something built in, or a path.
    pub fn note_if_file(&self, file: impl AsRef<Path>) {
        let path = self.folder().join(file);
        if path.is_file() {
            self.note([path]);
        }
    }

    /// Notes files that are read because others name them.
    pub fn note(&self, files: impl IntoIterator<Item = PathBuf>) {
        if let Some(noted) = &self.noted {
            noted.lock().unwrap_or_else(PoisonError::into_inner).extend(files);
        }
    }

    /// Builds something from these options; returns it with the files that were noted.
    pub(crate) fn noting<T, E>(
        &self,
        build: impl FnOnce(&Self) -> Result<T, E>,
    ) -> Result<(T, Vec<PathBuf>), E> {
        let noted = Arc::new(Mutex::new(Vec::new()));
        let built = build(&Self { noted: Some(noted.clone()), ..self.clone() })?;
        let files = std::mem::take(&mut *noted.lock().unwrap_or_else(PoisonError::into_inner));
        Ok((built, files))
    }

    /// These options in two: the fields of these names, and all others. What is left out of either is blank there, so that mistakes are still
    /// reported where they stand. For options that one of several owners reads; text that is no RON stands in both, for either to refuse.
    ///
    /// ```
    /// let (own, shared) = hwgym_envs::Options::ron("(seed: 3, depth: 2)").split(&["depth"]);
    /// assert_eq!((own.text(), shared.text()), ("(         depth: 2)", "(seed: 3,         )"));
    /// ```
    pub fn split(&self, names: &[&str]) -> (Self, Self) {
        let Some(fields) = fields(&self.text) else { return (self.clone(), self.clone()) };
        let blanked = |gone: &dyn Fn(&str) -> bool| {
            let mut text = self.text.clone();
            // From the end, since a blank may be shorter in bytes than what it covers.
            for (_, place) in fields.iter().rev().filter(|(name, _)| gone(name)) {
                let blank = |c| if c == '\n' { c } else { ' ' };
                let blank: String = text[place.clone()].chars().map(blank).collect();
                text.replace_range(place.clone(), &blank);
            }
            self.with_text(text)
        };
        (blanked(&|name| !names.contains(&name)), blanked(&|name| names.contains(&name)))
    }

    /// Reads the options. Errors: what RON says, at its line and column.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, EnvError> {
        let mut text = if self.text.trim().is_empty() { "()".to_string() } else { self.text.clone() };
        loop {
            let error = match reader().from_str(&text) {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            // On a command line nobody quotes: `workload=sort` means the string where a string is expected.
            if self.file.is_none()
                && error.code == ron::Error::ExpectedString
                && let Some(quoted) = quote_word(&text, error.span.start)
            {
                text = quoted;
                continue;
            }
            let position = error.span.start;
            let column = position.col + if position.line == 1 { self.offset.1 } else { 0 };
            let file = self.file.as_ref().map_or("options".into(), |f| f.display().to_string());
            return Err(EnvError::Options {
                location: format!("{file}:{}:{column}", position.line + self.offset.0),
                message: explain(&error.code),
            });
        }
    }
}

/// The fields of a RON struct: names, and places with the comma that follows; `None` for text that is none.
fn fields(text: &str) -> Option<Vec<(String, Range<usize>)>> {
    struct Fields;
    impl<'de> Visitor<'de> for Fields {
        type Value = Vec<(String, &'de RawValue)>;
        fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
            f.write_str("named fields")
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            std::iter::from_fn(|| map.next_entry().transpose()).collect()
        }
    }
    let mut deserializer = ron::Deserializer::from_str_with_options(text, &reader()).ok()?;
    let values = deserializer.deserialize_struct("", &[], Fields).ok()?;
    let place = |(name, value): (String, &RawValue)| {
        let value = value.get_ron();
        let start = value.as_ptr() as usize - text.as_ptr() as usize;
        let end = start + value.len();
        let rest = &text[end..];
        let comma = rest.trim_start().starts_with(',').then(|| rest.find(',')).flatten();
        let begin = text[..start].rfind(&name)?;
        Some((name, begin..end + comma.map_or(0, |comma| comma + 1)))
    };
    values.into_iter().map(place).collect()
}

/// True for what is meant as RON on a command line: anything in brackets or quotes, a number, a variant (which begins with a capital), and the
/// words that RON knows. Any other word is a string, also one that begins with `r` or `b` as raw and byte strings do.
fn is_ron(value: &str) -> bool {
    let bracketed = value.starts_with(['(', '[', '{', '"']);
    let variant = value.chars().next().is_some_and(char::is_uppercase);
    let known = ["true", "false", "inf", "-inf"].contains(&value);
    let number = value.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c))
        && ron::from_str::<ron::Value>(value).is_ok();
    bracketed || variant || known || number
}

/// The text with the bare word at this position in quotes, if one stands there.
fn quote_word(text: &str, position: ron::error::Position) -> Option<String> {
    let line: usize = text.split_inclusive('\n').take(position.line - 1).map(str::len).sum();
    let column: usize = text[line..].chars().take(position.col - 1).map(char::len_utf8).sum();
    let rest = &text[line + column..];
    let start = line + column + rest.len() - rest.trim_start().len();
    let length = text[start..].find(|c: char| !c.is_alphanumeric() && c != '_' && c != '-').unwrap_or(0);
    let word = text.get(start..start + length).filter(|word| !word.is_empty())?;
    Some(format!("{}{word:?}{}", &text[..start], &text[start + length..]))
}

/// The RON dialect of every file of the project: `Some` may be left out.
pub fn reader() -> ron::Options {
    ron::Options::default().with_default_extension(ron::extensions::Extensions::IMPLICIT_SOME)
}

/// A RON error in words, with "did you mean" for misspelt fields and variants.
pub fn explain(error: &ron::Error) -> String {
    match error {
        ron::Error::NoSuchStructField { expected, found, .. } => {
            format!("there is no field `{found}`{}{}", suggestion(found, expected), list(expected))
        }
        ron::Error::NoSuchEnumVariant { expected, found, .. } => {
            format!("there is no `{found}`{}{}", suggestion(found, expected), list(expected))
        }
        ron::Error::ExceededRecursionLimit => "brackets are nested too deep (128 levels at most)".into(),
        other => other.to_string(),
    }
}

fn list(expected: &[&'static str]) -> String {
    if expected.is_empty() { String::new() } else { format!(" (known: {})", expected.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::Options;

    #[derive(serde::Deserialize, Debug, Default, PartialEq)]
    #[serde(default, deny_unknown_fields)]
    struct Mine {
        workload: String,
        device: String,
        requests: Option<usize>,
        mapper: Mapper,
    }

    #[derive(serde::Deserialize, Debug, Default, PartialEq)]
    enum Mapper {
        #[default]
        Exact,
        Random(u32, u64),
    }

    #[test]
    fn split_options_keep_their_places() -> Result<(), crate::EnvError> {
        #[derive(serde::Deserialize, Default)]
        #[serde(default, deny_unknown_fields)]
        struct Own {
            grösse: f64,
            names: Vec<String>,
        }
        let text = "(\n  workload: \"a, b)\", // and grösse: 3\n  grösse: 2.5,\n  requests: 7, names: [\"é\"],\n  devise: 1)";
        let (own, shared) = Options::ron(text).split(&["grösse", "names"]);
        let own: Own = own.parse()?;
        assert_eq!((own.grösse, own.names), (2.5, vec!["é".to_string()]));
        let error = shared.parse::<Mine>().err().map(|e| e.to_string()).unwrap_or_default();
        assert!(error.contains("options:5:"), "{error}");
        let (own, shared) = Options::none().split(&["grösse"]);
        assert!(own.parse::<Own>().is_ok() && shared.parse::<Mine>().is_ok());
        let broken = Options::ron("(workload: ").split(&["grösse"]);
        assert!(broken.0.parse::<Own>().is_err() && broken.1.parse::<Mine>().is_err());
        Ok(())
    }

    #[test]
    fn a_command_line_needs_no_quotes() -> Result<(), crate::EnvError> {
        let pairs =
            [("workload", "bfs"), ("device", "DRAMSys5"), ("requests", "20"), ("mapper", "Random(5, 1)")];
        let read: Mine = Options::from_pairs(pairs).parse()?;
        let expected = Mine {
            workload: "bfs".into(),
            device: "DRAMSys5".into(),
            requests: Some(20),
            mapper: Mapper::Random(5, 1),
        };
        assert_eq!(read, expected);
        let read: Mine = Options::from_pairs([("workload", "random:seed=3"), ("mapper", "Exact")]).parse()?;
        assert_eq!(read.workload, "random:seed=3");
        for word in ["resnet18", "r", "b", "rb", "bfs", "r#x", "br\"", "nan", "none", "../r.stl", "-x"] {
            let read: Mine = Options::from_pairs([("workload", word)]).parse()?;
            assert_eq!(read.workload, word);
        }
        assert!(Options::from_pairs([("workload", "3")]).parse::<Mine>().is_ok_and(|m| m.workload == "3"));
        Ok(())
    }
}
