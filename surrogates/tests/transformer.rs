//! The transformer: what it learns on functions that everybody knows, what it keeps from one circuit for another, its files.

use hwgym_envs::{Design, DesignSpace, Metric, Options, Parameter};
use hwgym_surrogates::dataset::{Origin, Unmeasured};
use hwgym_surrogates::model::Training;
use hwgym_surrogates::{Accuracy, Dataset, Registry, SurrogateError, SurrogateModel};

/// Random designs of the unit square, of a circuit whose corner shifts and bends what it does; those beyond a circle have no metrics.
fn data(corner: f64, count: usize, seed: u64) -> Result<Dataset, SurrogateError> {
    let parameters = vec![Parameter::real("x", 0.0, 1.0), Parameter::log_real("y", 1.0, 100.0)];
    let names = ["wave", "power", "merit"];
    let wave = |x: f64, y: f64| (5.0 * x + corner).sin() + 0.5 * y.log10();
    let power = |x: f64, y: f64| (3.0 * x).exp() * y.powf(1.5 + 0.2 * corner);
    let metrics = |design: &Design| {
        let (x, y) = (design.coordinate(0), design.coordinate(1));
        let inside = x * x + y.log10().powi(2) / 4.0 <= 1.2;
        // The last one is what the first two make of it.
        inside.then(|| vec![wave(x, y), power(x, y), wave(x, y).exp() / power(x, y)])
    };
    rows("test-v0", corner, parameters, &names, metrics, count, seed)
}

/// Another circuit: one parameter more, and the metrics in another order.
fn other_circuit(count: usize, seed: u64) -> Result<Dataset, SurrogateError> {
    let parameters = vec![
        Parameter::real("z", 0.0, 1.0),
        Parameter::real("x", 0.0, 1.0),
        Parameter::log_real("y", 1.0, 100.0),
    ];
    let metrics = |design: &Design| {
        let (z, x, y) = (design.coordinate(0), design.coordinate(1), design.coordinate(2));
        Some(vec![(3.0 * x + z).exp() * y.powf(1.5), (5.0 * x).sin() + 0.5 * y.log10() + z])
    };
    rows("other-v0", 0.0, parameters, &["power", "wave"], metrics, count, seed)
}

fn rows(
    environment: &str,
    corner: f64,
    parameters: Vec<Parameter>,
    names: &[&str],
    metrics: impl Fn(&Design) -> Option<Vec<f64>>,
    count: usize,
    seed: u64,
) -> Result<Dataset, SurrogateError> {
    let origin = Origin {
        environment: environment.into(),
        options: format!("(corner: {corner})"),
        metrics: names.iter().map(|name| Metric::minimise(name, "1", "a test")).collect(),
        sources: Vec::new(),
        space: DesignSpace::new(parameters).map_err(hwgym_envs::EnvError::from)?,
    };
    let mut data = Dataset { origin, designs: Vec::new(), metrics: Vec::new(), unmeasured: Vec::new() };
    let mut random = hwgym_envs::Random::new(seed);
    for _ in 0..count {
        let design = data.origin.space.sample(&mut random);
        if let Some(row) = metrics(&design) {
            data.metrics.push(row);
            data.designs.push(design);
        } else {
            let (status, reason) = ("infeasible".into(), "a circle".into());
            data.unmeasured.push(Unmeasured { design, status, reason });
        }
    }
    Ok(data)
}

fn small() -> Training {
    Training {
        hyperparameters: Options::from_pairs([("width", "16"), ("hidden", "32"), ("heads", "2")]),
        ..Training::new("transformer")
    }
}

fn train(sets: &[&Dataset]) -> Result<SurrogateModel, SurrogateError> {
    SurrogateModel::train_several(&Registry::builtin(), &small(), sets)
}

/// The lowest R2 of the metrics.
fn lowest_r2(model: &SurrogateModel, test: &Dataset) -> Result<f64, SurrogateError> {
    let measured = Accuracy::measure(model, test)?;
    Ok(measured.iter().filter_map(|(accuracy, _)| accuracy.r2_transformed).fold(1.0, f64::min))
}

fn message<T>(result: Result<T, SurrogateError>) -> String {
    result.err().map_or("no error".into(), |error| error.to_string())
}

#[test]
fn metrics_and_feasibility_are_learned() -> Result<(), SurrogateError> {
    let (data, test) = (data(0.0, 1000, 1)?, data(0.0, 600, 2)?);
    let model = train(&[&data])?;
    assert!(model.has_gate());
    assert!(lowest_r2(&model, &test)? > 0.99, "{:?}", Accuracy::measure(&model, &test)?);
    let right = model.gate_right(&test).unwrap_or(0.0);
    assert!(right > 0.95, "{right}");
    Ok(())
}

#[test]
fn draws_and_likelihood_keep_what_metrics_have_to_do_with_each_other() -> Result<(), SurrogateError> {
    let data = data(0.0, 600, 3)?;
    let model = train(&[&data])?;
    let draws = model.sample(&data.designs, 1);
    assert_eq!(draws, model.sample(&data.designs, 1));
    assert_ne!(draws, model.sample(&data.designs, 2));
    // Merit is made of wave and power, and of each draw's own: closer to that than two independent draws would be.
    let off = |merit: usize, rows: &[Vec<f64>], others: &[Vec<f64>]| -> f64 {
        let squares =
            rows.iter().zip(others).map(|(row, other)| (row[0] - (row[1] * other[merit]).ln()).powi(2));
        squares.sum::<f64>() / rows.len() as f64
    };
    let (together, apart) = (off(2, &draws, &draws), off(2, &draws, &model.sample(&data.designs, 2)));
    assert!(together < 0.8 * apart, "{together} and {apart}");

    let likely = |data: &Dataset| model.log_likelihood(data).iter().sum::<f64>() / data.len() as f64;
    let mut turned = data.clone();
    turned.metrics.rotate_left(1);
    assert!(likely(&data) > likely(&turned) + 1.0);
    Ok(())
}

#[test]
fn one_model_learns_several_corners_and_circuits() -> Result<(), SurrogateError> {
    let sets = [data(0.0, 500, 4)?, data(0.5, 500, 5)?, other_circuit(500, 6)?];
    let model = train(&sets.iter().collect::<Vec<_>>())?;
    let tests = [data(0.0, 300, 7)?, data(0.5, 300, 8)?, other_circuit(300, 9)?];
    let io = |source| hwgym_envs::EnvError::File { path: "model.json".into(), source };
    let folder = tempfile::tempdir().map_err(io)?;
    let path = folder.path().join("model.json");
    model.save(&path)?;
    for (index, test) in tests.iter().enumerate() {
        let member = SurrogateModel::load(&Registry::builtin(), &path)?.for_origin(&test.origin);
        assert_eq!((&member.header().origin, member.has_gate()), (&test.origin, index < 2));
        let r2 = lowest_r2(&member, test)?;
        assert!(r2 > 0.97, "data set {index}: {r2}");
        // A member is a model of its own.
        let alone = folder.path().join("alone.json");
        member.save(&alone)?;
        let again = SurrogateModel::load(&Registry::builtin(), &alone)?;
        assert_eq!(again.predict(&test.designs), member.predict(&test.designs));
    }
    assert!(model.member(3).is_none());
    Ok(())
}

#[test]
fn what_was_learned_helps_with_little_data_of_another_corner_and_circuit() -> Result<(), SurrogateError> {
    let known = std::sync::Arc::new(train(&[&data(0.0, 1000, 1)?])?);
    let tune = |few: &Dataset| {
        let training = Training { start: Some(known.clone()), ..small() };
        SurrogateModel::train(&Registry::builtin(), &training, few)
    };
    let (few, test) = (data(0.3, 30, 2)?, data(0.3, 300, 3)?);
    let (tuned, fresh) = (lowest_r2(&tune(&few)?, &test)?, lowest_r2(&train(&[&few])?, &test)?);
    assert!(tuned > fresh && tuned > 0.97, "{tuned} and {fresh}");
    // A circuit with a new parameter is easy here, from scratch too.
    let (few, test) = (other_circuit(40, 2)?, other_circuit(300, 3)?);
    let tuned = lowest_r2(&tune(&few)?, &test)?;
    assert!(tuned > 0.9, "{tuned}");
    Ok(())
}

#[test]
fn the_same_seed_gives_the_same_model_on_any_number_of_threads() -> Result<(), SurrogateError> {
    // Steps of 128 rows are two blocks of each data set.
    let (one, other) = (data(0.0, 200, 7)?, data(0.5, 200, 8)?);
    let mut training = small();
    training.hyperparameters = Options::from_pairs([("width", "8"), ("heads", "2"), ("batch", "256")]);
    let predicted = |threads| -> Result<_, SurrogateError> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let pool = pool.map_err(|error| SurrogateError::Training(error.to_string()))?;
        let train = || SurrogateModel::train_several(&Registry::builtin(), &training, &[&one, &other]);
        Ok(pool.install(train)?.predict(&one.designs))
    };
    assert_eq!(predicted(1)?, predicted(3)?);
    Ok(())
}

#[test]
fn predictions_do_not_depend_on_the_batch_and_broken_files_are_refused() -> Result<(), SurrogateError> {
    let (data, other) = (data(0.0, 150, 3)?, other_circuit(150, 4)?);
    let model = train(&[&data, &other])?;
    let together = model.predict(&data.designs);
    for (design, prediction) in data.designs.iter().zip(&together).step_by(17) {
        let alone = &model.predict(std::slice::from_ref(design))[0];
        // Products of another shape may add in another order: single precision.
        assert!((alone.mean[0] - prediction.mean[0]).abs() < 1e-4);
    }
    let io = |source| hwgym_envs::EnvError::File { path: "model.json".into(), source };
    let folder = tempfile::tempdir().map_err(io)?;
    let path = folder.path().join("model.json");
    model.save(&path)?;
    let registry = Registry::builtin();
    assert_eq!(SurrogateModel::load(&registry, &path)?.predict(&data.designs), together);

    let json: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&path).map_err(io)?)?;
    for (pointer, value, expected) in [
        ("/models/0/width", serde_json::json!(17), "17 units, 2 heads"),
        ("/models/0/width", serde_json::json!(18), "numbers; expected"),
        ("/models/0/layers", serde_json::json!(100_000_000), "wider than"),
        ("/models/0/layers", serde_json::json!(0), "0 layers"),
        ("/models/0/numbers", serde_json::json!("AADAfw=="), "numbers; expected"),
        ("/models/0/members/0/parameters/0", serde_json::json!(9), "not in its vocabulary"),
        ("/models/0/members/1/parameters", serde_json::json!([0]), "no range for each of its 1 inputs"),
        ("/models/0/members/0/metrics", serde_json::json!([0]), "1 metrics; expected 2 and 3"),
        ("/models/0/members/0/ranges/0", serde_json::json!([1.0, 0.0]), "no range"),
        ("/models/0/vocabulary/metrics/3", serde_json::json!("new"), "numbers; expected"),
        ("/models/0/members", serde_json::json!([]), "no data set"),
        ("/others/0/transforms/0/sd", serde_json::json!(0.0), "sd 0"),
        ("/others/0/sd_scales", serde_json::json!([]), "no scale"),
        ("/models", serde_json::json!([]), "0 models"),
    ] {
        let mut broken = json.clone();
        match broken.pointer_mut(pointer) {
            Some(place) => *place = value,
            None => {
                let list = pointer.rsplit_once('/').and_then(|(list, _)| broken.pointer_mut(list));
                list.and_then(|list| list.as_array_mut())
                    .into_iter()
                    .for_each(|list| list.push(value.clone()));
            }
        }
        std::fs::write(&path, broken.to_string()).map_err(io)?;
        let message = message(SurrogateModel::load(&registry, &path));
        assert!(message.contains(expected), "{pointer}: {message}");
    }
    Ok(())
}

#[test]
fn what_no_model_can_learn_from_is_refused() -> Result<(), SurrogateError> {
    let registry = Registry::builtin();
    let (one, other) = (data(0.0, 60, 1)?, data(0.5, 60, 2)?);
    let several = |training: &Training| SurrogateModel::train_several(&registry, training, &[&one, &other]);
    for id in ["mlp-ensemble", "nearest-neighbours"] {
        let message = message(several(&Training::new(id)));
        assert!(message.contains("2 data sets for a surrogate that learns from one"), "{id}: {message}");
    }
    let folds = message(several(&Training { folds: 3, ..small() }));
    assert!(folds.contains("of one data set"), "{folds}");
    let trees = SurrogateModel::train(&registry, &Training::new("nearest-neighbours"), &one)?;
    let start = Some(std::sync::Arc::new(trees));
    for (training, expected) in [
        (Training { start: start.clone(), ..small() }, "is of `nearest-neighbours`"),
        (Training { start, ..Training::new("nearest-neighbours") }, "does not go on"),
    ] {
        let message = message(SurrogateModel::train(&registry, &training, &one));
        assert!(message.contains(expected), "{message}");
    }
    for (name, value) in [
        ("width", "0"),
        ("heads", "5"),
        ("layers", "99"),
        ("learning_rate", "0"),
        ("tuning_rate", "2"),
        ("depth", "3"),
    ] {
        let message = message(registry.make("transformer", &Options::from_pairs([(name, value)])));
        assert!(message.contains(name), "{message}");
    }
    Ok(())
}
