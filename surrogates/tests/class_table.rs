//! Tables of whole spaces: what the recipe promises, on a space small enough to know.

use std::sync::Arc;

use hwgym_envs::conformance::check_env;
use hwgym_envs::{Design, DesignSpace, Env, Fidelity, Metric, Options, Outcome, Parameter};
use hwgym_surrogates::class_table::recipe::{self, Recipe};
use hwgym_surrogates::dataset::Source;
use hwgym_surrogates::surrogate_env::SurrogateEnv;
use hwgym_surrogates::{Dataset, Registry, SurrogateError, SurrogateModel};

/// A machine whose `upkeep` adds a little to what `size` and `depth` cost; without `size`, `depth` has no effect.
struct Machine {
    space: DesignSpace,
    metrics: Vec<Metric>,
    /// Designs with a larger sum of `size` and `depth` do not work.
    most: f64,
}

impl Machine {
    fn env(most: f64) -> Result<Arc<dyn Env>, SurrogateError> {
        let space = DesignSpace::new(vec![
            Parameter::integer("size", 0, 11),
            Parameter::integer("depth", 0, 11),
            Parameter::integer("upkeep", 0, 9),
        ])
        .map_err(hwgym_envs::EnvError::from)?;
        let metrics = vec![
            Metric::minimise("time", "s", "how long it takes"),
            Metric::maximise("speed", "1/s", "1000 over the time"),
        ];
        Ok(Arc::new(Self { space, metrics, most }))
    }
}

impl Env for Machine {
    fn id(&self) -> &str {
        "machine-v0"
    }
    fn space(&self) -> &DesignSpace {
        &self.space
    }
    fn metrics(&self) -> &[Metric] {
        &self.metrics
    }
    fn evaluate(&self, design: &Design, _: Fidelity) -> Outcome {
        let design = self.canonical(design);
        let [size, depth, upkeep] = [0, 1, 2].map(|parameter| self.space.number(&design, parameter));
        if size + depth > self.most {
            return Outcome::infeasible("size + depth", size + depth - self.most);
        }
        let time = (1.0 + size + (depth * size).sqrt()) * (1.0 + 0.003 * upkeep * (1.0 + size));
        Outcome::feasible([time, 1000.0 / time])
    }
    fn canonical(&self, design: &Design) -> Design {
        let mut design = design.clone();
        if design.coordinate(0) == 0.0 {
            design.set(1, 0.0);
        }
        design
    }
    fn anchor(&self, design: &Design) -> Option<Design> {
        let mut design = self.canonical(design);
        design.set(2, 0.0);
        Some(design)
    }
}

fn model(env: &Arc<dyn Env>, budget: usize) -> Result<(SurrogateModel, recipe::Built), SurrogateError> {
    let built = recipe::build(env, &Recipe { budget, seed: 1 }, &|| {})?;
    let source = Source::new(env.as_ref(), "surrogate build", Some(1));
    let data = Dataset::from_outcomes(env.as_ref(), "", source, built.simulated.clone());
    Ok((SurrogateModel::of_table(built.table.clone(), &data), built))
}

/// Root mean square error of `time` over the whole space, in per cent of the mean.
fn rmse_percent(env: &Arc<dyn Env>, model: &SurrogateModel) -> f64 {
    let designs: Vec<Design> = env.space().designs().collect();
    let (mut squares, mut sum, mut count) = (0.0, 0.0, 0.0);
    for (design, prediction) in designs.iter().zip(model.predict(&designs)) {
        let Some(truth) = env.evaluate(design, Fidelity::FULL).metrics().map(|row| row[0]) else { continue };
        squares += (prediction.mean[0] - truth).powi(2);
        sum += truth;
        count += 1.0;
    }
    100.0 * (squares / count).sqrt() / (sum / count)
}

#[test]
fn a_machine_keeps_its_promises() -> Result<(), SurrogateError> {
    let report = check_env(Machine::env(100.0)?.as_ref(), 1);
    assert!(report.passed(), "{report}");
    Ok(())
}

#[test]
fn ratios_to_anchors_are_learned_from_few_simulations() -> Result<(), SurrogateError> {
    let env = Machine::env(100.0)?;
    let (model, built) = model(&env, 400)?;
    // 1 + 11 * 12 anchors; ten times as many classes.
    assert_eq!((built.anchors, built.simulated.len(), built.table.classes()), (133, 400, 1330));
    let error = rmse_percent(&env, &model);
    // The ratio spans 1 to 1.33; trees that know it find half a per cent.
    assert!(error < 0.5, "{error}");
    let expected = built.expected_rmse_percent[0].unwrap_or(f64::NAN);
    assert!(expected > 0.3 * error && expected < 3.0 * error, "{expected} for {error}");
    // Speed is not learned but computed.
    assert_eq!(built.expected_rmse_percent[1], None);
    for design in env.space().designs() {
        let row = &model.predict(std::slice::from_ref(&design))[0].mean;
        assert!((row[0] * row[1] - 1000.0).abs() < 0.1, "{row:?}");
    }
    Ok(())
}

#[test]
fn what_was_simulated_is_answered_exactly_and_equal_designs_alike() -> Result<(), SurrogateError> {
    let env = Machine::env(100.0)?;
    let (model, built) = model(&env, 400)?;
    for (design, outcome) in &built.simulated {
        let prediction = &model.predict(std::slice::from_ref(design))[0];
        let row = outcome.metrics().unwrap_or(&[]);
        assert_eq!(row[0], prediction.mean[0]);
        // Computed from the time.
        assert!((row[1] / prediction.mean[1] - 1.0).abs() < 1e-9);
        assert_eq!(prediction.sd, [0.0, 0.0]);
    }
    let imitation = SurrogateEnv::new(model, Some(env.as_ref()));
    let alike = [0.0, 7.0].map(|depth| imitation.evaluate(&Design::new([0.0, depth, 3.0]), Fidelity::FULL));
    assert_eq!(alike[0], alike[1]);
    let report = check_env(&imitation, 1);
    assert!(report.passed(), "{report}");
    Ok(())
}

#[test]
fn tables_do_not_depend_on_threads() -> Result<(), SurrogateError> {
    let env = Machine::env(100.0)?;
    let built = |threads| -> Result<_, SurrogateError> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let pool = pool.map_err(|error| SurrogateError::Training(error.to_string()))?;
        pool.install(|| model(&env, 300)).map(|(_, built)| built.table)
    };
    assert_eq!(built(1)?, built(3)?);
    Ok(())
}

#[test]
fn designs_without_metrics_are_told_apart() -> Result<(), SurrogateError> {
    let env = Machine::env(14.0)?;
    let (model, built) = model(&env, 500)?;
    let designs: Vec<Design> = env.space().designs().collect();
    let right = designs.iter().zip(model.predict(&designs)).filter(|(design, prediction)| {
        env.evaluate(design, Fidelity::FULL).metrics().is_some() == (prediction.feasible >= 0.5)
    });
    assert_eq!(right.count(), designs.len(), "the border lies between anchors, which are all known");
    assert!(built.simulated.iter().any(|(_, outcome)| outcome.metrics().is_none()));
    assert!(rmse_percent(&env, &model) < 1.0);
    Ok(())
}

#[test]
fn without_room_for_anchors_designs_are_learned_directly() -> Result<(), SurrogateError> {
    let env = Machine::env(100.0)?;
    let (model, built) = model(&env, 200)?;
    assert_eq!((built.anchors, built.simulated.len()), (0, 200));
    let error = rmse_percent(&env, &model);
    assert!(error < 10.0, "{error}");
    // With everything simulated, nothing is left to learn.
    let (model, built) = self::model(&env, 5000)?;
    assert_eq!(built.simulated.len(), 1330);
    assert_eq!(rmse_percent(&env, &model), 0.0);
    Ok(())
}

#[test]
fn damaged_tables_are_refused() -> Result<(), SurrogateError> {
    let env = Machine::env(100.0)?;
    let (model, _) = model(&env, 400)?;
    let io = |source| hwgym_envs::EnvError::File { path: "table.json".into(), source };
    let folder = tempfile::tempdir().map_err(io)?;
    let path = folder.path().join("table.json");
    model.save(&path)?;
    let registry = Registry::builtin();
    let again = SurrogateModel::load(&registry, &path)?;
    assert_eq!(again.table(), model.table());

    let text = std::fs::read_to_string(&path).map_err(io)?;
    let mut json: serde_json::Value = serde_json::from_str(&text)?;
    let mut broken = |field: &str, value: serde_json::Value| -> Result<String, SurrogateError> {
        let before = std::mem::replace(&mut json["models"][0][field], value);
        std::fs::write(&path, json.to_string()).map_err(io)?;
        json["models"][0][field] = before;
        Ok(SurrogateModel::load(&registry, &path).err().map_or("no error".into(), |e| e.to_string()))
    };
    for (field, value, expected) in [
        ("classes", 7.into(), "holds more than"),
        ("class_of", "????".into(), "not in base64"),
        ("class_of", "AAAA".into(), "does not unpack"),
        ("exact", "eJwDAAAAAAE=".into(), "rows of numbers"),
        ("relative_sd", serde_json::json!([-1.0, 0.0]), "no deviation"),
        ("steps", serde_json::json!([0.1, 0.1]), "no deviation and step"),
        ("relations", serde_json::json!([null]), "relations that do not fit"),
        ("relations", serde_json::json!([null, {"source": 1, "factor": 1.0, "inverse": true}]), "relations"),
        ("steps", serde_json::json!([1e9]), "not finite"),
    ] {
        let message = broken(field, value)?;
        assert!(message.contains(expected) && message.contains("build it again"), "{field}: {message}");
    }
    Ok(())
}

#[test]
fn spaces_that_have_no_table_are_refused() -> Result<(), SurrogateError> {
    let env = Machine::env(100.0)?;
    let message = |result: Result<recipe::Built, SurrogateError>| {
        result.err().map_or("no error".into(), |error| error.to_string())
    };
    let few = message(recipe::build(&env, &Recipe { budget: 3, seed: 1 }, &|| {}));
    assert!(few.contains("20 simulations or more"), "{few}");
    let none = message(recipe::build(&Machine::env(-1.0)?, &Recipe { budget: 100, seed: 1 }, &|| {}));
    assert!(none.contains("have metrics"), "{none}");
    Ok(())
}

/// The tables of `experiments/tables`: the best design that they promise, simulated, is at the known optimum to a part in five hundred.
#[test]
fn shipped_tables_lead_to_the_optima() -> Result<(), SurrogateError> {
    for workload in ["bfs", "matmul"] {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../experiments/tables");
        let model =
            SurrogateModel::load(&Registry::builtin(), &folder.join(format!("dram-{workload}.json")))?;
        let options = Options::ron(model.header().origin.options.clone());
        let env = hwgym_envs::Registry::builtin().make(&model.header().origin.environment, &options)?;
        let table = model.table().ok_or(SurrogateError::Training("no table".into()))?;
        let known = env.known_optima()?.ok_or(SurrogateError::Training("no optima".into()))?;
        let mut compared = 0;
        for known in known.objectives.iter().filter(|known| known.best_reward().is_some()) {
            let scorer = known.objective.scorer(env.metrics())?;
            let reward = |class: usize| {
                let entry = table.entry(class);
                let score = entry.is_feasible.then(|| scorer.score(&Outcome::feasible(entry.values)))?;
                score.is_feasible().then_some(score.rewards[0])
            };
            let best = (0..table.classes())
                .filter_map(|class| Some((reward(class)?, class)))
                .max_by(|a, b| a.0.total_cmp(&b.0));
            let Some((_, class)) = best else { continue };
            let design = table.representative(class).and_then(|index| env.space().design_at(index as u128));
            let Some(design) = design else { continue };
            let found = scorer.score(&env.evaluate(&design, Fidelity::FULL)).rewards[0];
            let (low, high) = known.reward_ranges[0];
            let regret = known.regret(found).unwrap_or(f64::INFINITY) / (high - low);
            assert!(regret < 2e-3, "{workload}, {}: {regret}", known.objective.name);
            compared += 1;
        }
        assert!(compared >= 5, "{compared} objectives of {workload}");
    }
    Ok(())
}
