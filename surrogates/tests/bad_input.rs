//! What a user gets for data and files that no surrogate can use: an error that says what is wrong, and nothing lost.

use std::path::PathBuf;

use hwgym_envs::{DesignSpace, Metric, Options, Parameter};
use hwgym_surrogates::dataset::Origin;
use hwgym_surrogates::model::Training;
use hwgym_surrogates::{Accuracy, Dataset, Registry, SurrogateError, SurrogateModel};

/// A data set of one parameter, `x` from 0 to 9, and one metric.
fn data(metric: impl Fn(f64) -> f64, rows: usize) -> Result<Dataset, SurrogateError> {
    let space = DesignSpace::new(vec![Parameter::integer("x", 0, 9)]).map_err(hwgym_envs::EnvError::from)?;
    let designs: Vec<_> = (0..rows as u128).filter_map(|index| space.design_at(index)).collect();
    let metrics = (0..designs.len()).map(|x| vec![metric(x as f64)]).collect();
    let origin = Origin {
        environment: "test-v0".into(),
        options: String::new(),
        space,
        metrics: vec![Metric::minimise("y", "1", "what is learned")],
        sources: Vec::new(),
    };
    Ok(Dataset { origin, designs, metrics, unmeasured: Vec::new() })
}

fn train(data: &Dataset) -> Result<SurrogateModel, SurrogateError> {
    SurrogateModel::train(&Registry::builtin(), &Training::new("nearest-neighbours"), data)
}

fn file(name: &str) -> Result<(tempfile::TempDir, PathBuf), SurrogateError> {
    let io = |source| hwgym_envs::EnvError::File { path: name.into(), source };
    let folder = tempfile::tempdir().map_err(io)?;
    let path = folder.path().join(name);
    Ok((folder, path))
}

fn message<T>(result: Result<T, SurrogateError>) -> String {
    result.err().map_or("no error".into(), |error| error.to_string())
}

#[test]
fn one_row_is_too_few() -> Result<(), SurrogateError> {
    let message = message(train(&data(|x| x, 1)?));
    assert!(message.contains("1 row(s) with metrics; a surrogate needs at least 2"), "{message}");
    Ok(())
}

#[test]
fn targets_that_are_not_numbers_are_refused_with_their_row() -> Result<(), SurrogateError> {
    let message = message(train(&data(|x| if x == 3.0 { f64::NAN } else { x }, 10)?));
    assert!(message.contains("`y` of row 3 is not finite"), "{message}");
    Ok(())
}

#[test]
fn constant_targets_are_learned() -> Result<(), SurrogateError> {
    let constant = data(|_| 7.0, 10)?;
    for entry in Registry::builtin().entries() {
        let model = SurrogateModel::train(&Registry::builtin(), &Training::new(&entry.id), &constant)?;
        let measured = Accuracy::measure(&model, &constant)?;
        assert!(measured[0].0.rmse < 0.01, "{}: {:?}", entry.id, measured[0].0);
        assert_eq!(measured[0].0.r2, None);
    }
    Ok(())
}

#[test]
fn a_misspelt_surrogate_is_guessed() {
    let message = message(Registry::builtin().make("gradient-bosting", &Options::none()));
    assert!(message.contains("did you mean `gradient-boosting`?"), "{message}");
}

#[test]
fn saved_models_come_back_and_other_files_do_not() -> Result<(), SurrogateError> {
    let data = data(|x| x * x, 10)?;
    let (_folder, path) = file("model.json")?;
    let model = train(&data)?;
    model.save(&path)?;
    let again = SurrogateModel::load(&Registry::builtin(), &path)?;
    assert_eq!(model.predict(&data.designs), again.predict(&data.designs));
    assert_eq!(again.header().training_hash, data.hash());

    let io = |source| hwgym_envs::EnvError::File { path: path.clone(), source };
    let text = std::fs::read_to_string(&path).map_err(io)?;
    std::fs::write(&path, text.replacen("\"version\":2", "\"version\":1", 1)).map_err(io)?;
    let other_version = message(SurrogateModel::load(&Registry::builtin(), &path));
    assert!(other_version.contains("format version 1, but this program reads version 2"), "{other_version}");
    std::fs::write(&path, &text[..text.len() / 2]).map_err(io)?;
    let torn = message(SurrogateModel::load(&Registry::builtin(), &path));
    assert!(torn.contains("no model file of hwgym"), "{torn}");
    Ok(())
}

#[test]
fn data_of_another_space_is_refused() -> Result<(), SurrogateError> {
    let model = train(&data(|x| x, 10)?)?;
    let mut other = data(|x| x, 10)?;
    other.origin.metrics[0].name = "z".into();
    let message = message(Accuracy::measure(&model, &other));
    assert!(message.contains("another space or other metrics"), "{message}");
    Ok(())
}

#[test]
fn data_sets_survive_the_file_and_mistakes_in_it_have_a_line() -> Result<(), SurrogateError> {
    let data = data(|x| x / 3.0, 10)?;
    let (_folder, path) = file("data.csv")?;
    data.write(&path)?;
    assert_eq!(Dataset::read(&path)?, data);

    let io = |source| hwgym_envs::EnvError::File { path: path.clone(), source };
    let text = std::fs::read_to_string(&path).map_err(io)?;
    std::fs::write(&path, text.replacen("\n4,", "\n44,", 1)).map_err(io)?;
    let outside = message(Dataset::read(&path));
    assert!(outside.contains("data.csv:7:") && outside.contains("an integer from 0 to 9"), "{outside}");
    std::fs::write(&path, "x,y\n1,2\n").map_err(io)?;
    let foreign = message(Dataset::read(&path));
    assert!(foreign.contains("data.csv:1:") && foreign.contains("hwgym dataset build"), "{foreign}");
    Ok(())
}

#[test]
fn designs_without_metrics_keep_their_reason() -> Result<(), SurrogateError> {
    let mut data = data(|x| x, 10)?;
    let design = data.designs.remove(4);
    data.metrics.remove(4);
    let reason = "too hot, \"by far\"".into();
    data.unmeasured.push(hwgym_surrogates::dataset::Unmeasured { design, status: "failed".into(), reason });
    let (_folder, path) = file("data.csv")?;
    data.write(&path)?;
    assert_eq!(Dataset::read(&path)?, data);
    let io = |source| hwgym_envs::EnvError::File { path: path.clone(), source };
    let text = std::fs::read_to_string(&path).map_err(io)?;
    std::fs::write(&path, text.replacen(",failed,", ",broken,", 1)).map_err(io)?;
    let status = message(Dataset::read(&path));
    assert!(status.contains("data.csv:12:") && status.contains("the status is `broken`"), "{status}");
    std::fs::write(&path, text.replacen(",failed,", ",feasible,", 1)).map_err(io)?;
    let empty = message(Dataset::read(&path));
    assert!(empty.contains("`y` is ``, not a finite number"), "{empty}");
    std::fs::write(&path, text.replacen("\nx,y,status", "\nx,z,status", 1)).map_err(io)?;
    let columns = message(Dataset::read(&path));
    assert!(columns.contains("data.csv:2:") && columns.contains("y is missing and z unknown"), "{columns}");
    Ok(())
}

#[test]
fn data_sets_merge_where_they_are_of_one_environment() -> Result<(), SurrogateError> {
    let whole = data(|x| x, 10)?;
    let mut merged = whole.select(&[0, 1, 2, 3]);
    assert_eq!(merged.merge(whole.select(&[3, 4, 5]))?, 1);
    assert_eq!(merged.metrics, whole.metrics[..6]);
    let mut other = whole.clone();
    other.origin.options = "(workload: \"sort\")".into();
    let message = message(merged.merge(other));
    assert!(message.contains("data sets of another options cannot be merged"), "{message}");
    Ok(())
}

#[test]
fn constant_columns_are_learned_from() -> Result<(), SurrogateError> {
    // Only one level of the parameter was ever seen.
    let mut data = data(|x| x, 10)?;
    data.designs = vec![data.designs[3].clone(); 10];
    for entry in Registry::builtin().entries() {
        let model = SurrogateModel::train(&Registry::builtin(), &Training::new(&entry.id), &data)?;
        let mean = model.predict(&data.designs)[0].mean[0];
        // All rows look alike: nearest neighbours take the first five of them.
        assert!((0.0..=9.0).contains(&mean), "{}: {mean}", entry.id);
    }
    Ok(())
}
