//! Enumeration of a small environment with a known truth.

use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::prelude::*;

/// 4 * 5 * 2 designs; without `Cool`, `Fan` has no effect. The metric is a bowl with its bottom at (2, 3).
struct Bowl {
    space: DesignSpace,
    metrics: Vec<Metric>,
    calls: AtomicU64,
    label: &'static str,
}

impl Bowl {
    fn new(label: &'static str) -> Self {
        let space = DesignSpace::new(vec![
            Parameter::integer("X", 0, 3),
            Parameter::integer("Y", 0, 4),
            Parameter::boolean("Loud"),
        ]);
        let metrics = vec![Metric::minimise("height", "m", "height"), Metric::minimise("x", "m", "place")];
        Self { space: space.unwrap(), metrics, calls: AtomicU64::new(0), label }
    }
}

impl Env for Bowl {
    fn id(&self) -> &str {
        "bowl-v0"
    }
    fn space(&self) -> &DesignSpace {
        &self.space
    }
    fn metrics(&self) -> &[Metric] {
        &self.metrics
    }
    fn evaluate(&self, design: &Design, _: Fidelity) -> Outcome {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let (x, y) = (self.space.number(design, 0), self.space.number(design, 1));
        if (x, y) == (0.0, 0.0) {
            return Outcome::infeasible("not the corner", 1.0);
        }
        Outcome::feasible([(x - 2.0).powi(2) + (y - 3.0).powi(2), x])
    }
    fn canonical(&self, design: &Design) -> Design {
        let mut design = design.clone();
        design.set(2, 0.0);
        design
    }
    fn provenance(&self) -> Vec<(String, String)> {
        vec![("label".into(), self.label.into())]
    }
}

#[test]
fn equal_designs_are_evaluated_once_and_optima_are_exact() {
    let bowl = Arc::new(Bowl::new("a"));
    let env: Arc<dyn Env> = bowl.clone();
    let plan = Enumeration::plan(&env).unwrap();
    assert_eq!((plan.size(), plan.evaluations(), plan.skipped(), plan.refused()), (40, 20, 20, 0));
    let table = plan.run();
    assert_eq!((bowl.calls.load(Ordering::Relaxed), table.len(), table.unmeasured()), (20, 20, 1));
    let loud =
        env.space().design([("X", 1.into_value()), ("Y", 3.into_value()), ("Loud", true.into())]).unwrap();
    assert_eq!(table.lookup(env.as_ref(), &loud), Some(&[1.0, 1.0][..]));

    let optima = plan.optima(&table).unwrap();
    assert!(optima.fits(env.as_ref()) && !optima.fits(&Bowl::new("b")));
    let height = optima.objective("height").unwrap();
    assert_eq!((height.front[0].metrics.as_slice(), height.best_reward()), (&[0.0, 2.0][..], Some(0.0)));
    assert_eq!(height.regret(-3.0), Some(3.0));
    // The worst corner is (0, 0), which is infeasible; the next are at height 9 + 1, above (3, 0), and 8 + ... at (0, 1).
    assert_eq!(height.reward_ranges[0].0, -10.0);
    assert_eq!(height.normalised_regret(-5.0), Some(0.5));
    let pareto = optima.objective("pareto").unwrap();
    assert_eq!(
        pareto.front.iter().map(|p| p.metrics.clone()).collect::<Vec<_>>(),
        [[0.0, 2.0], [1.0, 1.0], [4.0, 0.0]]
    );
    assert_eq!(pareto.best_reward(), None);
    assert_eq!(optima.metrics[0].best, 0.0);
}

#[test]
fn stopping_and_resuming_gives_the_same_table() {
    let bowl = Arc::new(Bowl::new("a"));
    let env: Arc<dyn Env> = bowl.clone();
    let folder = tempfile::tempdir().unwrap();
    let plan = Enumeration::plan(&env).unwrap();
    let path = folder.path().join("run");
    // One chunk only: stopping in front of it is not possible, so the chunk is made by hand first.
    let mut seen = Vec::new();
    let table = plan.run_in(&path, |progress| {
        seen.push(progress);
        true
    });
    let table = table.unwrap().unwrap();
    assert_eq!(table, plan.run());
    assert_eq!(seen, [Progress { done: 20, total: 20 }]);
    let before = bowl.calls.load(Ordering::Relaxed);
    let again = plan.run_in(&path, |_| true).unwrap().unwrap();
    assert_eq!((again, bowl.calls.load(Ordering::Relaxed)), (table, before), "nothing is evaluated again");

    let other: Arc<dyn Env> = Arc::new(Bowl::new("b"));
    let error = Enumeration::plan(&other).unwrap().run_in(&path, |_| true).unwrap_err().to_string();
    assert!(error.contains("another environment"), "{error}");
}

/// A line of 5,000 points: five chunks.
struct Line(DesignSpace, Vec<Metric>);

impl Env for Line {
    fn id(&self) -> &str {
        "line-v0"
    }
    fn space(&self) -> &DesignSpace {
        &self.0
    }
    fn metrics(&self) -> &[Metric] {
        &self.1
    }
    fn evaluate(&self, design: &Design, _: Fidelity) -> Outcome {
        Outcome::feasible([(self.0.number(design, 0) * 0.1).sin()])
    }
}

#[test]
fn a_run_can_be_stopped_after_any_chunk() {
    let space = DesignSpace::new(vec![Parameter::integer("X", 0, 4999)]).unwrap();
    let env: Arc<dyn Env> = Arc::new(Line(space, vec![Metric::minimise("y", "1", "sine")]));
    let plan = Enumeration::plan(&env).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut runs = 0;
    let table = loop {
        runs += 1;
        let mut left = runs;
        let go_on = |_| {
            left -= 1;
            left > 0
        };
        if let Some(table) = plan.run_in(folder.path(), go_on).unwrap() {
            break table;
        }
    };
    assert_eq!(runs, 5);
    assert_eq!(table, plan.run());
    let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|f| f.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "manifest and table: {names:?}");
}

#[test]
fn real_spaces_are_refused_and_damaged_tables_named() {
    let space = DesignSpace::new(vec![Parameter::real("X", 0.0, 1.0)]).unwrap();
    let env: Arc<dyn Env> = Arc::new(Line(space, vec![Metric::minimise("y", "1", "sine")]));
    assert!(Enumeration::plan(&env).is_err());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv.gz");
    std::fs::write(&path, "index,status\n").unwrap();
    assert!(Table::load(&path).unwrap_err().to_string().contains("t.csv.gz"));
}

/// Integers as values without a suffix.
trait IntoValue {
    fn into_value(self) -> crate::Value;
}

impl IntoValue for i64 {
    fn into_value(self) -> crate::Value {
        self.into()
    }
}
