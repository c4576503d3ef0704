//! Data sets in files: what is written is what is read, in both forms.

use std::path::Path;

use hwgym_envs::{Options, Registry};
use hwgym_surrogates::{Dataset, SurrogateError};

type Tried<T = ()> = Result<T, SurrogateError>;

/// Environments of every kind of parameter: whole numbers, ordinals, categories, switches, reals; some of their designs have no metrics.
fn samples() -> Tried<Vec<Dataset>> {
    let envs = Registry::builtin();
    let cases = [
        ("dram-controller-v0", "(workload: \"random:requests=200\")"),
        ("opamp-folded-cascode-v0", "(transient: false)"),
        ("synthetic/caches-v0", "()"),
        ("synthetic/logic-path-v0", "()"),
    ];
    let sample = |(id, options): (&str, &str)| -> Tried<Dataset> {
        let env = envs.make(id, &Options::ron(options))?;
        Ok(Dataset::sample(&env, options, 40, 1, &|| ()))
    };
    cases.into_iter().map(sample).collect()
}

fn returns(folder: &Path, extension: &str) -> Tried {
    let mut unmeasured = 0;
    for data in samples()? {
        let path = folder.join(format!("data.{extension}"));
        data.write(&path)?;
        let read = Dataset::read(&path)?;
        assert_eq!(read, data, "{}", data.origin.environment);
        assert_eq!(read.hash(), data.hash());
        unmeasured += data.unmeasured.len();
    }
    assert!(unmeasured > 0, "designs without metrics are among them");
    Ok(())
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap_or_else(|error| panic!("no folder: {error}"))
}

#[test]
fn csv_returns_what_was_written() -> Tried {
    returns(folder().path(), "csv")
}

#[cfg(feature = "parquet")]
mod parquet {
    use super::*;

    #[test]
    fn parquet_returns_what_was_written() -> Tried {
        returns(folder().path(), "parquet")
    }

    #[test]
    fn what_is_damaged_or_no_data_set_is_refused() -> Tried {
        let folder = folder();
        let whole = folder.path().join("whole.parquet");
        let data = samples()?.remove(0);
        data.write(&whole)?;
        let bytes = std::fs::read(&whole).unwrap_or_default();
        let refused = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap_or_else(|error| panic!("{error}"));
            Dataset::read(&path).err().map_or(String::new(), |error| error.to_string())
        };
        let cut = refused("cut.parquet", &bytes[..bytes.len() / 2]);
        assert!(cut.contains("cut.parquet:1") && cut.contains("does not read"), "{cut}");
        // Another key in the footer, of the same length.
        let place = bytes.windows(13).position(|w| w == b"hwgym.dataset").unwrap_or_default();
        let mut other = bytes.clone();
        other[place..place + 13].copy_from_slice(b"elses.dataset");
        let other = refused("other.parquet", &other);
        assert!(other.contains("no data card") && other.contains("hwgym dataset build"), "{other}");
        Ok(())
    }
}
