//! From files to logical lines: comments, continuations, `.include`, `.lib` sections, and what an include may reach.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::error::{CircuitError, Location, Result, did_you_mean};

/// Includes nested deeper than this are refused.
const MAX_INCLUDE_DEPTH: usize = 60;

/// What a deck may read besides itself, and values that override its `.param`s.
#[derive(Debug, Clone, Default)]
pub struct ParseOptions {
    /// Folders that includes may read from, besides the deck's own.
    pub allowed_folders: Vec<PathBuf>,
    /// Lifts the restriction on includes altogether (trusted decks only).
    pub allow_any_include: bool,
    /// Folder that relative includes of a deck given as text start from. Without it such a deck may include only allowed folders.
    pub base_folder: Option<PathBuf>,
    /// Values that replace top-level `.param`s.
    pub parameters: Vec<(String, f64)>,
}

impl ParseOptions {
    /// Lets includes read from `folder` too.
    #[must_use]
    pub fn allow_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.allowed_folders.push(folder.into());
        self
    }
}

/// One card: continuation lines joined, comments removed, original letter case.
#[derive(Debug, Clone)]
pub struct Line {
    /// The card's text, trimmed, never empty.
    pub text: String,
    /// Where it starts.
    pub location: Location,
}

/// Files already split into lines, so that a process design kit is read once however many decks use it. Keyed by path and modification time.
static CACHE: Mutex<Option<HashMap<PathBuf, CacheEntry>>> = Mutex::new(None);
type CacheEntry = (Option<std::time::SystemTime>, Arc<Vec<Line>>);

/// The files that a deck given as text includes, those of its includes among them: what has to be kept to keep the deck.
///
/// # Errors
/// As reading the deck.
pub fn included_files(text: &str, options: &ParseOptions) -> Result<Vec<PathBuf>> {
    let base = options.base_folder.clone();
    let mut reader = Reader::new(options, base.as_deref());
    let lines =
        logical_lines(text.split_once('\n').map_or("", |(_, body)| body), &Arc::from("<netlist>"), 2)?;
    reader.cards(&lines, base.as_deref().unwrap_or(Path::new(".")), None)?;
    Ok(reader.files)
}

/// Reads a deck given as text: its title (first line) and its cards with all includes expanded.
pub fn read_text(text: &str, name: &str, options: &ParseOptions) -> Result<(String, Vec<Line>)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    check_text(text.as_bytes(), Path::new(name))?;
    let base = options.base_folder.clone();
    let mut reader = Reader::new(options, base.as_deref());
    let (title, body) = text.split_once('\n').unwrap_or((text, ""));
    let lines = logical_lines(body, &Arc::from(name), 2)?;
    reader.cards(&lines, base.as_deref().unwrap_or(Path::new(".")), None)?;
    Ok((title.trim().to_string(), reader.out))
}

/// Reads a deck file; see [`read_text`].
pub fn read_path(path: &Path, options: &ParseOptions) -> Result<(String, Vec<Line>)> {
    let text = read_file_text(path, None)?;
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_path_buf();
    let mut reader = Reader::new(options, Some(&folder));
    let (title, body) = text.split_once('\n').unwrap_or((&text, ""));
    let lines = logical_lines(body, &Arc::from(path.display().to_string()), 2)?;
    if let Ok(canonical) = path.canonicalize() {
        reader.stack.push((canonical, None));
    }
    reader.cards(&lines, &folder, None)?;
    Ok((title.trim().to_string(), reader.out))
}

fn check_text(bytes: &[u8], path: &Path) -> Result<()> {
    let control = |c: &u8| *c < 32 && !matches!(c, b'\t' | b'\n' | b'\r' | 12 | 26);
    if bytes.iter().any(control) {
        return Err(CircuitError::Binary { path: path.to_path_buf() });
    }
    Ok(())
}

fn read_file_text(path: &Path, location: Option<&Location>) -> Result<String> {
    let fail = |e: std::io::Error| CircuitError::Read {
        path: path.to_path_buf(),
        reason: e.to_string(),
        location: location.cloned(),
    };
    // A device or pipe could block for ever; only plain files are decks.
    let meta = std::fs::metadata(path).map_err(fail)?;
    if !meta.is_file() {
        return Err(fail(std::io::Error::other("not a plain file")));
    }
    let bytes = std::fs::read(path).map_err(fail)?;
    check_text(&bytes, path)?;
    // Editors on Windows begin files with a byte-order mark.
    Ok(String::from_utf8_lossy(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes)).into_owned())
}

/// Cuts an inline comment: `;` and `//` anywhere, `$` at the start or after white space or a comma; never inside quotes. In a control
/// block `$` stands before a variable too, and only `$ ` is a comment.
fn strip_comment(line: &str, control: bool) -> &str {
    let (mut quoted, mut previous) = (false, b' ');
    for (i, c) in line.bytes().enumerate() {
        match c {
            b'\'' | b'"' => quoted = !quoted,
            b';' if !quoted => return &line[..i],
            b'$' if !quoted
                && (previous.is_ascii_whitespace() || previous == b',')
                && (!control || line.as_bytes().get(i + 1).is_none_or(u8::is_ascii_whitespace)) =>
            {
                return &line[..i];
            }
            b'/' if !quoted
                && line[i..].starts_with("//")
                && (!control || previous.is_ascii_whitespace()) =>
            {
                return &line[..i];
            }
            _ => {}
        }
        previous = c;
    }
    line
}

/// The first word in lower case if it begins with a dot.
fn dot_word(line: &str) -> String {
    match line.starts_with('.') {
        true => line.split_whitespace().next().unwrap_or("").to_ascii_lowercase(),
        false => String::new(),
    }
}

fn logical_lines(text: &str, file: &Arc<str>, first_line: u32) -> Result<Vec<Line>> {
    let mut out: Vec<Line> = Vec::new();
    let mut control = false;
    for (number, raw) in text.lines().enumerate() {
        // Old editors end a file with Ctrl-Z.
        let line = raw.trim_matches(|c: char| c.is_whitespace() || c == '\u{1a}');
        if line.is_empty() || line.starts_with('*') || line.starts_with('#') {
            continue;
        }
        let line = strip_comment(line, control).trim();
        if line.is_empty() {
            continue;
        }
        match dot_word(line).as_str() {
            ".control" => control = true,
            ".endc" => control = false,
            _ => {}
        }
        let location = Location { file: file.clone(), line: first_line + number as u32 };
        if let Some(rest) = line.strip_prefix('+') {
            let Some(last) = out.last_mut() else {
                return Err(CircuitError::Syntax {
                    message: "a continuation line (`+`) with nothing to continue".into(),
                    location,
                });
            };
            last.text.push(' ');
            last.text.push_str(rest.trim());
        } else {
            out.push(Line { text: line.to_string(), location });
        }
    }
    Ok(out)
}

struct Reader<'a> {
    options: &'a ParseOptions,
    roots: Vec<PathBuf>,
    stack: Vec<(PathBuf, Option<String>)>,
    out: Vec<Line>,
    /// Every file that was included, once per include.
    files: Vec<PathBuf>,
    ended: bool,
}

impl<'a> Reader<'a> {
    fn new(options: &'a ParseOptions, base: Option<&Path>) -> Self {
        let roots = base
            .into_iter()
            .map(Path::to_path_buf)
            .chain(options.allowed_folders.iter().cloned())
            .filter_map(|p| p.canonicalize().ok())
            .collect();
        Self { options, roots, stack: Vec::new(), out: Vec::new(), files: Vec::new(), ended: false }
    }

    /// Walks the cards of one file; with `section`, only those between `.lib section` and `.endl`.
    fn cards(&mut self, lines: &[Line], folder: &Path, section: Option<&str>) -> Result<()> {
        let mut inside: Option<String> = None;
        let mut seen = Vec::new();
        let mut control = false;
        for line in lines {
            if self.ended {
                return Ok(());
            }
            let keyword = dot_word(&line.text);
            if control {
                control = keyword != ".endc";
                self.out.push(line.clone());
                continue;
            }
            let words = || arguments(&line.text);
            if keyword == ".endl" {
                inside = None;
                continue;
            }
            if keyword == ".lib" && words().len() == 1 {
                let name = words()[0].to_ascii_lowercase();
                seen.push(name.clone());
                inside = Some(name);
                continue;
            }
            // Sections that were not asked for are skipped, also in a plain include.
            if inside.as_deref() != section {
                continue;
            }
            match keyword.as_str() {
                ".include" | ".inc" => match words().as_slice() {
                    [file] => self.include(file, None, folder, &line.location)?,
                    _ => return Err(syntax(line, "`.include` takes one file name")),
                },
                ".lib" => match words().as_slice() {
                    [file, name] => {
                        self.include(file, Some(&name.to_ascii_lowercase()), folder, &line.location)?
                    }
                    _ => {
                        return Err(syntax(
                            line,
                            "`.lib` takes a file name and a section, or the name of a section that starts here",
                        ));
                    }
                },
                ".control" => {
                    control = true;
                    self.out.push(line.clone());
                }
                ".end" => {
                    self.ended = self.stack.len() <= 1;
                    return Ok(());
                }
                _ => self.out.push(line.clone()),
            }
        }
        match section {
            Some(name) if !seen.iter().any(|s| s == name) => {
                let location = lines
                    .first()
                    .map_or(Location { file: Arc::from("<netlist>"), line: 1 }, |l| l.location.clone());
                let hint = did_you_mean(name, seen.iter().map(String::as_str));
                Err(CircuitError::Unknown { kind: "library section", name: name.to_string(), hint, location })
            }
            _ => Ok(()),
        }
    }

    fn include(
        &mut self,
        file: &str,
        section: Option<&str>,
        folder: &Path,
        location: &Location,
    ) -> Result<()> {
        let path = folder.join(file);
        let canonical = path.canonicalize().map_err(|e| CircuitError::Read {
            path: path.clone(),
            reason: e.to_string(),
            location: Some(location.clone()),
        })?;
        if !self.options.allow_any_include && !self.roots.iter().any(|r| canonical.starts_with(r)) {
            return Err(CircuitError::IncludeEscapes { path, location: location.clone() });
        }
        let key = (canonical.clone(), section.map(str::to_string));
        if self.stack.contains(&key) || self.stack.len() >= MAX_INCLUDE_DEPTH {
            return Err(CircuitError::IncludeRecursion { path, location: location.clone() });
        }
        let lines = cached_lines(&canonical, &path, location)?;
        self.files.push(path);
        let parent = canonical.parent().unwrap_or(Path::new(".")).to_path_buf();
        self.stack.push(key);
        self.cards(&lines, &parent, section)?;
        self.stack.pop();
        Ok(())
    }
}

fn cached_lines(canonical: &Path, shown: &Path, location: &Location) -> Result<Arc<Vec<Line>>> {
    let modified = std::fs::metadata(canonical).and_then(|m| m.modified()).ok();
    if let Ok(mut cache) = CACHE.lock()
        && let Some((time, lines)) = cache.get_or_insert_default().get(canonical)
        && *time == modified
    {
        return Ok(lines.clone());
    }
    let text = read_file_text(canonical, Some(location))?;
    let lines = Arc::new(logical_lines(&text, &Arc::from(shown.display().to_string()), 1)?);
    if let Ok(mut cache) = CACHE.lock() {
        cache.get_or_insert_default().insert(canonical.to_path_buf(), (modified, lines.clone()));
    }
    Ok(lines)
}

/// Arguments of a file card: words, or quoted names with spaces.
fn arguments(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let rest = text.split_once(char::is_whitespace).map_or("", |(_, r)| r);
    let mut chars = rest.chars().peekable();
    while let Some(&c) = chars.peek() {
        if c.is_whitespace() {
            chars.next();
        } else if c == '"' || c == '\'' {
            chars.next();
            out.push(chars.by_ref().take_while(|x| *x != c).collect());
        } else {
            let mut word = String::new();
            while let Some(x) = chars.next_if(|x| !x.is_whitespace()) {
                word.push(x);
            }
            out.push(word);
        }
    }
    out
}

fn syntax(line: &Line, message: &str) -> CircuitError {
    CircuitError::Syntax { message: message.to_string(), location: line.location.clone() }
}
