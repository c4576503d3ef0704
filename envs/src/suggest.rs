//! "Did you mean": what error messages say of a name that nobody has.

/// The known name nearest to `name`, if one is near enough to be a slip of the keyboard.
pub fn nearest<'a, S: AsRef<str>>(name: &str, known: &'a [S]) -> Option<&'a str> {
    let lower = name.to_lowercase();
    known
        .iter()
        .map(|k| (strsim::jaro_winkler(&lower, &k.as_ref().to_lowercase()), k.as_ref()))
        .filter(|(similarity, _)| *similarity > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, k)| k)
}

/// `; did you mean `x`?`, or the list of what is known if that is short, or nothing.
pub fn suggestion<S: AsRef<str>>(name: &str, known: &[S]) -> String {
    match nearest(name, known) {
        Some(k) => format!("; did you mean `{k}`?"),
        None if !known.is_empty() && known.len() <= 16 => {
            format!(
                "; expected one of {}",
                known.iter().map(|k| format!("`{}`", k.as_ref())).collect::<Vec<_>>().join(", ")
            )
        }
        None => String::new(),
    }
}
