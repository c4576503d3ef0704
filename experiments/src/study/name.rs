//! Names of trials, which are names of files too: different trials have different names, on every file system.

/// Longest name of a file of records, in bytes: what common file systems take, less the suffix that is added while a file is written.
const LONGEST: usize = 240;

/// `ENVIRONMENT.OBJECTIVE.AGENT.sSEED`, each label a [`file_part`].
///
/// ```
/// use hwgym_experiments::study::trial_name;
/// assert_eq!(trial_name("sort", "low-power", "genetic#2", 7), "sort.low-power.genetic#2.s7");
/// assert_eq!(trial_name("a/b", "x", "Big.one", 1), "a%2fb.x.~big%2eone.s1");
/// ```
pub fn trial_name(environment: &str, objective: &str, contestant: &str, seed: u64) -> String {
    format!("{}.{}.{}.s{seed}", file_part(environment), file_part(objective), file_part(contestant))
}

/// True if the file system takes the name.
pub(super) fn fits(name: &str) -> bool {
    name.len() + ".jsonl".len() <= LONGEST
}

/// A label as a part of a file name: injective, also where capitals do not count, and readable. Small letters, digits, `-`, `_` and `#`
/// stand for themselves, a capital is a small letter after `~`, and every other byte is `%` with two hexadecimal digits.
pub fn file_part(label: &str) -> String {
    let mut name = String::new();
    for byte in label.bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'#' => name.push(byte.into()),
            b'A'..=b'Z' => name.extend(['~', byte.to_ascii_lowercase().into()]),
            _ => name.push_str(&format!("%{byte:02x}")),
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_labels_have_different_names_without_capitals() {
        let labels = [
            "a b", "a_b", "α", "β", "A", "a", "a.b", "a/b", "..", "a%20b", "~a", "Ab", "aB", "a|b", "a\nb",
            "", "#", "café",
        ];
        let mut names: Vec<String> = labels.iter().map(|label| file_part(label)).collect();
        for name in &names {
            assert_eq!(*name, name.to_lowercase());
            assert!(name.bytes().all(|b| b.is_ascii_graphic() && !b"./\\:*?\"<>|".contains(&b)), "{name}");
        }
        names.sort();
        names.dedup();
        assert_eq!(names.len(), labels.len());
    }
}
