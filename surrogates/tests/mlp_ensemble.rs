//! The MLP ensemble: what it learns on a function that everybody knows, its gate, its files.

use hwgym_envs::{Design, DesignSpace, Metric, Options, Parameter};
use hwgym_surrogates::dataset::{Origin, Unmeasured};
use hwgym_surrogates::mlp_ensemble::{MlpEnsemble, Tuning};
use hwgym_surrogates::model::Training;
use hwgym_surrogates::{Accuracy, Dataset, Features, JointTargets, Registry, SurrogateError, SurrogateModel};

/// Random designs of the unit square; those beyond a circle have no metrics.
fn data(count: usize, seed: u64) -> Result<Dataset, SurrogateError> {
    let space = DesignSpace::new(vec![Parameter::real("x", 0.0, 1.0), Parameter::log_real("y", 1.0, 100.0)])
        .map_err(hwgym_envs::EnvError::from)?;
    let mut random = hwgym_envs::Random::new(seed);
    let origin = Origin {
        environment: "test-v0".into(),
        options: String::new(),
        metrics: vec![
            Metric::minimise("wave", "1", "a wave"),
            Metric::minimise("power", "W", "a product of powers"),
        ],
        sources: Vec::new(),
        space,
    };
    let (mut designs, mut metrics, mut unmeasured) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..count {
        let design = origin.space.sample(&mut random);
        let (x, y) = (design.coordinate(0), design.coordinate(1));
        if x * x + y.log10().powi(2) / 4.0 > 1.2 {
            unmeasured.push(Unmeasured { design, status: "infeasible".into(), reason: "a circle".into() });
        } else {
            metrics.push(vec![(5.0 * x).sin() + 0.5 * y.log10(), (3.0 * x).exp() * y.powf(1.5)]);
            designs.push(design);
        }
    }
    Ok(Dataset { origin, designs, metrics, unmeasured })
}

fn small() -> Training {
    Training {
        hyperparameters: Options::from_pairs([("width", "32"), ("layers", "2"), ("nets", "3")]),
        ..Training::new("mlp-ensemble")
    }
}

#[test]
fn metrics_and_feasibility_are_learned() -> Result<(), SurrogateError> {
    let (train, test) = (data(1000, 1)?, data(600, 2)?);
    let model = SurrogateModel::train(&Registry::builtin(), &small(), &train)?;
    assert!(model.has_gate());
    for (accuracy, _) in Accuracy::measure(&model, &test)? {
        assert!(accuracy.r2.unwrap_or(0.0) > 0.995, "{accuracy:?}");
        assert!(accuracy.within_two_sd > 0.85, "{accuracy:?}");
    }
    let right = |designs: &[Design], is_feasible: bool| {
        let likely = model.predict(designs).into_iter().map(|p| (p.feasible >= 0.5) == is_feasible);
        likely.filter(|right| *right).count()
    };
    let without: Vec<Design> = test.unmeasured.iter().map(|row| row.design.clone()).collect();
    let right = right(&test.designs, true) + right(&without, false);
    assert!(right as f64 > 0.97 * 600.0, "{right} of 600");
    Ok(())
}

#[test]
fn predictions_do_not_depend_on_the_batch_and_survive_the_file() -> Result<(), SurrogateError> {
    let data = data(400, 3)?;
    let model = SurrogateModel::train(&Registry::builtin(), &small(), &data)?;
    let together = model.predict(&data.designs);
    for (design, prediction) in data.designs.iter().zip(&together).step_by(37) {
        let alone = &model.predict(std::slice::from_ref(design))[0];
        // Products of another shape add in another order: single precision.
        assert!((alone.mean[0] - prediction.mean[0]).abs() < 1e-4);
    }
    let io = |source| hwgym_envs::EnvError::File { path: "model.json".into(), source };
    let folder = tempfile::tempdir().map_err(io)?;
    let path = folder.path().join("model.json");
    model.save(&path)?;
    let registry = Registry::builtin();
    assert_eq!(SurrogateModel::load(&registry, &path)?.predict(&data.designs), together);

    let text = std::fs::read_to_string(&path).map_err(io)?;
    let json: serde_json::Value = serde_json::from_str(&text)?;
    for (pointer, value, expected) in [
        ("/models/0/inputs", serde_json::json!(3), "3 inputs"),
        ("/models/0/hidden", serde_json::json!([32, 31]), "numbers; expected"),
        ("/models/0/hidden", serde_json::json!([100_000_000]), "wider than"),
        ("/models/0/nets/0", serde_json::json!("AADAfw=="), "numbers; expected"),
        ("/models/0/nets", serde_json::json!([]), "0 nets"),
        ("/models/0/ranges/0", serde_json::json!([1.0, 0.0]), "no range"),
        ("/models", serde_json::json!([]), "0 models"),
    ] {
        let mut broken = json.clone();
        if let Some(place) = broken.pointer_mut(pointer) {
            *place = value;
        }
        std::fs::write(&path, broken.to_string()).map_err(io)?;
        let message =
            SurrogateModel::load(&registry, &path).err().map_or("no error".into(), |e| e.to_string());
        assert!(message.contains(expected), "{pointer}: {message}");
    }
    Ok(())
}

#[test]
fn tuning_goes_on_from_what_is_known() -> Result<(), SurrogateError> {
    let wrong = || SurrogateError::Training("odd".into());
    let mut random = hwgym_envs::Random::new(5);
    let places: Vec<f64> = (0..600).map(|_| random.uniform()).collect();
    let features = Features::new(places, 2).ok_or_else(wrong)?;
    let function = |row: &[f64], shift: f64| (6.0 * row[0]).sin() + row[1] + shift;
    let targets = |shift: f64, features: &Features| {
        let values = (0..features.rows()).map(|row| function(features.row(row), shift)).collect();
        JointTargets::new(values, 1, vec![true; features.rows()]).ok_or_else(wrong)
    };
    let settings = MlpEnsemble { width: 24, layers: 2, nets: 3, ..MlpEnsemble::default() };
    let trained = settings.train(&features, &targets(0.0, &features)?, 1)?;
    // Ten points of a shifted function: the shape is known from before.
    let few = features.select(&(0..10).collect::<Vec<_>>());
    let tuning = Tuning { head_only: true, learning_rate: 1e-2, ..Tuning::default() };
    let tuned = trained.tune(&few, &targets(0.7, &few)?, &tuning, 2)?;
    let estimates = tuned.estimate(&features);
    let squares: f64 = (0..features.rows())
        .map(|row| (estimates.at(row, 0).mean - function(features.row(row), 0.7)).powi(2))
        .sum();
    let rmse = (squares / features.rows() as f64).sqrt();
    assert!(rmse < 0.15, "{rmse}");
    let misfit =
        trained.tune(&Features::new(vec![0.0; 6], 3).ok_or_else(wrong)?, &targets(0.0, &few)?, &tuning, 1);
    assert!(misfit.is_err());
    Ok(())
}

#[test]
fn the_same_seed_gives_the_same_nets_on_any_number_of_threads() -> Result<(), SurrogateError> {
    let data = data(120, 7)?;
    let predicted = |threads| -> Result<_, SurrogateError> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let pool = pool.map_err(|error| SurrogateError::Training(error.to_string()))?;
        let model = pool.install(|| SurrogateModel::train(&Registry::builtin(), &small(), &data))?;
        Ok(model.predict(&data.designs))
    };
    assert_eq!(predicted(1)?, predicted(3)?);
    Ok(())
}

#[test]
fn hyperparameters_out_of_range_are_refused() {
    let registry = Registry::builtin();
    for (name, value) in
        [("nets", "0"), ("width", "9999"), ("learning_rate", "0"), ("beta", "2"), ("layer", "3")]
    {
        let made = registry.make("mlp-ensemble", &Options::from_pairs([(name, value)]));
        let message = made.err().map_or("no error".into(), |error| error.to_string());
        assert!(message.contains(name), "{message}");
    }
}
