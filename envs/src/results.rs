//! Results by content: what an expensive environment answered, kept in a folder for every study and every process that asks the same again.
//!
//! A result is found by everything that it depends on: the [fingerprint](crate::Env::fingerprint) of the environment (definition, contents of
//! files, version of the tool, level of fidelity) and the design. What changed is therefore not found, and nothing has to be told that it
//! is out of date. One file per result, written beside its place and renamed, with a checksum: any number of processes may use a folder at
//! the same time, and one that is killed leaves no half result. Metrics and broken constraints are kept; a failure or a time-out may have
//! been the machine's fault, and is tried again.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::wrappers::Layer;
use crate::{Design, Env, Fidelity, Outcome, Value};

/// The file that tells such a folder from others.
const MARK: &str = "hwgym-results.json";

/// What stands in it.
const MARK_TEXT: &str =
    "{\"format\": 1, \"what\": \"results of evaluations, by content; hwgym cache stat|prune\"}\n";

/// Age from which a file that was not finished is left over.
const LEFT_OVER: Duration = Duration::from_secs(3600);

/// A folder of results.
#[derive(Clone, Debug)]
pub struct ResultCache {
    folder: PathBuf,
}

/// A result as it is kept.
#[derive(Serialize, Deserialize)]
struct Entry {
    environment: String,
    fidelity: u8,
    design: Vec<(String, Value)>,
    outcome: Outcome,
}

/// What a folder of results holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Statistics {
    /// Results.
    pub results: usize,
    /// Their size.
    pub bytes: u64,
    /// Results by environment.
    pub environments: Vec<(String, usize)>,
    /// Files that are damaged or unfinished; nobody reads them.
    pub useless: usize,
}

/// What is removed from a folder of results. Nothing by default but what nobody reads.
#[derive(Clone, Debug, Default)]
pub struct Prune {
    /// Results older than this.
    pub older_than: Option<Duration>,
    /// The oldest, until at most so many bytes are left.
    pub at_most_bytes: Option<u64>,
    /// Those of this environment only.
    pub environment: Option<String>,
    /// Everything.
    pub all: bool,
}

impl ResultCache {
    /// The folder of results here, made if there is none. Errors: it cannot be made, or holds something else.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let mark = folder.join(MARK);
        if !mark.exists() {
            if fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
                return Err(io::Error::other(
                    "it holds something other than results; give an empty or a new folder",
                ));
            }
            fs::create_dir_all(folder)?;
            fs::write(&mark, MARK_TEXT)?;
        }
        Ok(Self { folder: folder.into() })
    }

    /// The folder of results here. Errors: there is none.
    pub fn existing(folder: &Path) -> io::Result<Self> {
        if folder.join(MARK).is_file() {
            return Ok(Self { folder: folder.into() });
        }
        Err(io::Error::other(
            "this is no folder of results; give the one of `--cache`, or the folder `cache` of a study",
        ))
    }

    /// The same environment, answering from here where it can. Environments without a fingerprint stay what they are.
    pub fn remember(&self, env: Arc<dyn Env>) -> Arc<dyn Env> {
        match env.fingerprint(Fidelity::FULL) {
            Some(_) => Arc::new(Remembered { inner: env, cache: self.clone() }),
            None => env,
        }
    }

    fn path(&self, key: &str) -> PathBuf {
        self.folder.join(&key[..2]).join(format!("{}.json", &key[2..]))
    }

    fn get(&self, key: &str) -> Option<Outcome> {
        read(&self.path(key)).map(|entry| entry.outcome)
    }

    fn put(&self, key: &str, entry: &Entry) -> io::Result<()> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let path = self.path(key);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let part = path.with_extension(format!("{}-{number}.part", std::process::id()));
        let body = serde_json::to_string(entry)?;
        let text = format!("{} {body}\n", checksum(body.as_bytes()));
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&part, text).and_then(|()| fs::rename(&part, &path)).inspect_err(|_| {
            // What could not be finished is of no use.
            let _ = fs::remove_file(&part);
        })
    }

    fn files(&self) -> io::Result<Vec<(PathBuf, fs::Metadata)>> {
        let mut files = Vec::new();
        for folder in fs::read_dir(&self.folder)?.flatten().filter(|entry| entry.path().is_dir()) {
            for file in fs::read_dir(folder.path())?.flatten() {
                // Another process may be removing it.
                files.extend(file.metadata().ok().map(|metadata| (file.path(), metadata)));
            }
        }
        Ok(files)
    }

    /// What it holds. Errors: it cannot be read.
    pub fn statistics(&self) -> io::Result<Statistics> {
        let mut statistics = Statistics::default();
        let mut environments = std::collections::BTreeMap::new();
        for (path, metadata) in self.files()? {
            match read(&path) {
                Some(entry) => {
                    statistics.results += 1;
                    statistics.bytes += metadata.len();
                    *environments.entry(entry.environment).or_insert(0) += 1;
                }
                None => statistics.useless += 1,
            }
        }
        statistics.environments = environments.into_iter().collect();
        Ok(statistics)
    }

    /// Removes results, and what nobody reads; returns how many files. Errors: it cannot be read.
    pub fn prune(&self, what: &Prune) -> io::Result<usize> {
        let now = SystemTime::now();
        let age = |metadata: &fs::Metadata| {
            metadata.modified().ok().and_then(|then| now.duration_since(then).ok()).unwrap_or_default()
        };
        let mut removed = 0;
        let mut kept = Vec::new();
        for (path, metadata) in self.files()? {
            let entry = read(&path);
            let named =
                |entry: &Entry| what.environment.as_ref().is_none_or(|name| *name == entry.environment);
            let goes = match &entry {
                // Another process may be about to finish it.
                None => {
                    what.all || path.extension().is_none_or(|e| e != "part") || age(&metadata) > LEFT_OVER
                }
                Some(entry) => {
                    let old = what.older_than.is_some_and(|limit| age(&metadata) > limit);
                    let by_name = what.environment.is_some()
                        && what.older_than.is_none()
                        && what.at_most_bytes.is_none();
                    named(entry) && (what.all || old || by_name)
                }
            };
            if goes {
                removed += usize::from(fs::remove_file(&path).is_ok());
            } else if entry.as_ref().is_some_and(named) {
                kept.push((age(&metadata), metadata.len(), path));
            }
        }
        if let Some(limit) = what.at_most_bytes {
            kept.sort();
            let mut total: u64 = kept.iter().map(|(_, bytes, _)| bytes).sum();
            while total > limit
                && let Some((_, bytes, oldest)) = kept.pop()
            {
                total -= bytes;
                removed += usize::from(fs::remove_file(&oldest).is_ok());
            }
        }
        Ok(removed)
    }
}

/// A result, if the file is whole.
fn read(path: &Path) -> Option<Entry> {
    let text = fs::read_to_string(path).ok()?;
    let (sum, body) = text.trim_end().split_once(' ')?;
    (checksum(body.as_bytes()) == sum).then(|| serde_json::from_str(body).ok())?
}

fn checksum(body: &[u8]) -> String {
    blake3::hash(body).to_hex()[..16].to_string()
}

/// An environment that looks its answers up first.
struct Remembered {
    inner: Arc<dyn Env>,
    cache: ResultCache,
}

impl Layer for Remembered {
    fn inner(&self) -> &dyn Env {
        self.inner.as_ref()
    }
    fn evaluate(&self, design: &Design, fidelity: Fidelity) -> Outcome {
        let canonical = self.inner.canonical(design);
        let design_values = self.inner.space().values(&canonical);
        let key = self.inner.fingerprint(fidelity).and_then(|fingerprint| {
            let values = serde_json::to_string(&design_values).ok()?;
            Some(blake3::hash(format!("{fingerprint} {values}").as_bytes()).to_hex().to_string())
        });
        let Some(key) = key else { return self.inner.evaluate(design, fidelity) };
        if let Some(outcome) = self.cache.get(&key) {
            return outcome;
        }
        let outcome = self.inner.evaluate(&canonical, fidelity);
        if matches!(outcome, Outcome::Feasible { .. } | Outcome::Infeasible { .. }) {
            let name = self.inner.provenance().into_iter().find(|(name, _)| name == "definition");
            let entry = Entry {
                environment: name.map_or_else(|| self.inner.id().to_string(), |(_, name)| name),
                fidelity: fidelity.0,
                design: design_values,
                outcome: outcome.clone(),
            };
            // A result that cannot be kept is still a result.
            let _ = self.cache.put(&key, &entry);
        }
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DesignSpace, Metric, Parameter};

    struct Counting {
        space: DesignSpace,
        metrics: Vec<Metric>,
        count: Arc<AtomicU64>,
        version: &'static str,
    }

    impl Env for Counting {
        fn id(&self) -> &str {
            "counting-v0"
        }
        fn space(&self) -> &DesignSpace {
            &self.space
        }
        fn metrics(&self) -> &[Metric] {
            &self.metrics
        }
        fn evaluate(&self, design: &Design, _: Fidelity) -> Outcome {
            self.count.fetch_add(1, Ordering::Relaxed);
            match design.level(0) {
                0 => Outcome::failed("a bad day"),
                1 => Outcome::infeasible("too small", 2.0),
                level => Outcome::feasible([0.1 * level as f64]),
            }
        }
        fn fingerprint(&self, fidelity: Fidelity) -> Option<String> {
            Some(format!("{} {}", self.version, fidelity.0))
        }
    }

    fn counting(version: &'static str) -> (Arc<AtomicU64>, Arc<dyn Env>) {
        let count = Arc::new(AtomicU64::new(0));
        let env = Counting {
            space: DesignSpace::new(vec![Parameter::integer("x", 0, 5)]).unwrap(),
            metrics: vec![Metric::minimise("m", "1", "a number")],
            count: count.clone(),
            version,
        };
        (count, Arc::new(env))
    }

    #[test]
    fn what_is_the_same_is_found_and_nothing_else() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let cache = ResultCache::open(&folder.path().join("results"))?;
        let evaluate = |version, level: f64, fidelity| {
            let (count, env) = counting(version);
            let outcome = cache.remember(env).evaluate(&Design::new([level]), Fidelity(fidelity));
            (outcome, count.load(Ordering::Relaxed))
        };
        for level in [1.0, 3.0] {
            let (first, fresh) = evaluate("1", level, 0);
            let (again, found) = evaluate("1", level, 0);
            assert_eq!((fresh, found, &first), (1, 0, &again));
        }
        assert_eq!(evaluate("2", 3.0, 0).1, 1, "another version");
        assert_eq!(evaluate("1", 3.0, 1).1, 1, "another fidelity");
        evaluate("1", 0.0, 0);
        assert_eq!(evaluate("1", 0.0, 0).1, 1, "a failure is tried again");
        assert_eq!(cache.statistics()?.environments, [("counting-v0".to_string(), 4)]);
        Ok(())
    }

    #[test]
    fn damage_is_noticed_and_pruned() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let place = folder.path().join("results");
        let cache = ResultCache::open(&place)?;
        let (count, env) = counting("1");
        let env = cache.remember(env);
        for level in [2.0, 3.0, 4.0] {
            env.evaluate(&Design::new([level]), Fidelity::FULL);
        }
        let (path, _) = cache.files()?.pop().unwrap();
        let text = fs::read_to_string(&path)?;
        fs::write(&path, &text[..text.len() - 4])?;
        assert_eq!((cache.statistics()?.results, cache.statistics()?.useless), (2, 1));
        for level in [2.0, 3.0, 4.0] {
            env.evaluate(&Design::new([level]), Fidelity::FULL);
        }
        assert_eq!(count.load(Ordering::Relaxed), 4, "the damaged one is made again");
        assert_eq!(cache.prune(&Prune::default())?, 0);
        let one = cache.files()?.iter().map(|(_, metadata)| metadata.len()).max().unwrap_or(0);
        assert_eq!(cache.prune(&Prune { at_most_bytes: Some(one), ..Prune::default() })?, 2);
        assert_eq!(cache.prune(&Prune { environment: Some("other".into()), ..Prune::default() })?, 0);
        assert_eq!(cache.prune(&Prune { all: true, ..Prune::default() })?, 1);
        assert!(ResultCache::existing(folder.path()).is_err() && ResultCache::open(folder.path()).is_err());
        assert!(ResultCache::existing(&place).is_ok());
        Ok(())
    }
}
