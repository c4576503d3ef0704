//! The core trait: an agent proposes designs and learns how they did.

use std::sync::Arc;

use hwgym_envs::{Design, DesignSpace, Fidelity, FidelityLevel, Guide, Limit, Objective, Scorer};

use crate::Evaluated;

/// A search: [`ask`](Agent::ask) proposes designs, [`tell`](Agent::tell) learns their scores.
///
/// An agent is deterministic: the same seed and the same conversation give the same proposals, on any number of threads. That is what lets a
/// study resume by replaying its records. Agents that learn a policy roll it out inside `ask` and train inside `tell`.
///
/// ```
/// use hwgym_agents::{Problem, Registry};
/// use hwgym_envs::{DesignSpace, Goal, Metric, Objective, Options, Outcome, Parameter};
/// use std::sync::Arc;
///
/// let space = Arc::new(DesignSpace::new(vec![Parameter::real("x", -1.0, 1.0)])?);
/// let objective = Objective::new("least", vec![Goal::Minimise("square".into())]);
/// let scorer = objective.scorer(&[Metric::minimise("square", "1", "x squared")])?;
/// let problem = Problem::new(space.clone(), &scorer, Some(32));
///
/// let mut agent = Registry::builtin().make("random", &Options::none(), &problem, 7)?;
/// let mut best = f64::NEG_INFINITY;
/// for _ in 0..32 {
///     for design in agent.ask(1) {
///         let outcome = Outcome::feasible([space.number(&design, 0).powi(2)]);
///         let score = scorer.score(&outcome);
///         best = best.max(score.rewards[0]);
///         agent.tell(&[hwgym_agents::Evaluated { design, outcome, score }]);
///     }
/// }
/// assert!(best > -0.05);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Agent: Send {
    /// Proposes up to `count` designs of the problem's space. Fewer if the agent works in smaller batches; none when it has nothing left.
    fn ask(&mut self, count: usize) -> Vec<Design>;

    /// Learns results: those of its own proposals, in the order in which it proposed them, or foreign ones (a warm start).
    fn tell(&mut self, results: &[Evaluated]);

    /// The level of fidelity at which the designs of the last [`ask`](Agent::ask) are to be evaluated. Only an agent that searches over
    /// several levels has anything to say here; what is told at a lower level is no solution.
    fn fidelity(&self) -> Fidelity {
        Fidelity::FULL
    }

    /// Why the agent broke, if it did: it then proposes nothing more, and its trial ends. Only agents that depend on something outside,
    /// such as another program, have anything to say here.
    fn ended(&self) -> Option<&str> {
        None
    }
}

/// What an agent knows of its task before the first evaluation.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The designs there are; its groups are the agents of a multi-agent search.
    pub space: Arc<DesignSpace>,
    /// Number of goals; more than one means Pareto.
    pub goals: usize,
    /// Number of bounds on metrics, and of targets after them: the length of [`Score::slacks`](hwgym_envs::Score::slacks).
    pub bounds: usize,
    /// How many of these, the last ones, are targets of a goal `Targets`. A design that misses one is no less feasible, but has not arrived.
    pub targets: usize,
    /// The names of the metrics that an outcome lists.
    pub metrics: Vec<String>,
    /// What these bounds and targets are on.
    pub limits: Vec<Limit>,
    /// Per goal: the metric that it is and its reward's factor, if it is one.
    pub goal_metrics: Vec<Option<(usize, f64)>>,
    /// Reference point of the hypervolume, as rewards; empty if none is given.
    pub reference: Vec<f64>,
    /// Number of evaluations that the search may make, if it is known.
    pub budget: Option<usize>,
    /// The levels of fidelity that may be asked for, the full one first; empty where there is only that.
    pub fidelities: Vec<FidelityLevel>,
    /// What the environment knows of the structure of its designs, if it offers that.
    pub guide: Option<Arc<dyn Guide>>,
    /// What is known of the instance beside its space, for policies that were trained on other ones.
    #[cfg(feature = "neural")]
    pub instance: Option<crate::neural::transfer::Instance>,
}

impl Problem {
    /// The problem of searching this space for this objective.
    pub fn new(space: Arc<DesignSpace>, scorer: &Scorer, budget: Option<usize>) -> Self {
        Self {
            space,
            goals: scorer.goal_count(),
            bounds: scorer.bound_count() + scorer.target_count(),
            targets: scorer.target_count(),
            metrics: scorer.metric_names().to_vec(),
            limits: scorer.limits(),
            goal_metrics: scorer.goal_metrics(),
            reference: scorer.reference().to_vec(),
            budget,
            fidelities: Vec::new(),
            guide: None,
            #[cfg(feature = "neural")]
            instance: None,
        }
    }

    /// True where the targets are all that is searched for: the one goal is their sum, which tells an agent less than the slacks do.
    pub fn is_specified(&self) -> bool {
        self.goals == 1 && self.targets > 0
    }

    /// The same with what an environment knows of its designs: [`Env::guide`](hwgym_envs::Env::guide).
    pub fn with_guide(self, guide: Option<Arc<dyn Guide>>) -> Self {
        Self { guide, ..self }
    }

    /// The problem of searching this environment for this objective, with all that may be known of it. Errors: an objective that does not
    /// fit the environment.
    pub fn of_instance(
        env: &Arc<dyn hwgym_envs::Env>,
        objective: &Objective,
        budget: Option<usize>,
    ) -> Result<Self, hwgym_envs::EnvError> {
        let problem = Self::of(env.as_ref(), objective, budget)?.with_guide(env.guide());
        #[cfg(feature = "neural")]
        let problem = Self {
            instance: Some(crate::neural::transfer::Instance::new(env.clone(), objective.clone())),
            ..problem
        };
        Ok(problem)
    }

    /// The problem of an environment and an objective. Errors: an objective that does not fit the environment.
    pub fn of(
        env: &dyn hwgym_envs::Env,
        objective: &Objective,
        budget: Option<usize>,
    ) -> Result<Self, hwgym_envs::EnvError> {
        let scorer = objective.scorer(env.metrics())?;
        let problem = Self::new(Arc::new(env.space().clone()), &scorer, budget).with_guide(env.guide());
        Ok(Self { fidelities: env.fidelities(), ..problem })
    }
}
