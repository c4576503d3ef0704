//! One Gaussian process per goal and per constraint, each behind the transform that the evidence prefers.

use hwgym_surrogates::gaussian_process::{
    GaussianProcess, GaussianProcessSettings, Inputs, Noise, Transform, TransformedOutput,
};

/// What an output is to the search.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Role {
    /// The only goal, minimised: any monotone transform will do.
    Goal,
    /// One of several goals, minimised: standardised only, so that the hypervolume keeps its meaning.
    GoalOfSeveral,
    /// A constraint `y <= 0`: transforms that keep 0.
    Constraint,
}

/// The model of one output.
#[derive(Clone, Debug)]
pub(super) struct Output {
    role: Role,
    recorded: bool,
    transform: Transform,
    /// What is assumed of the noise: as the settings say, or learned where the evidence asks for it.
    noise: Noise,
    chosen_at: Option<usize>,
    fitted_at: usize,
    pub standard: TransformedOutput,
    pub model: GaussianProcess,
}

/// From this many points on, lengths are not fitted anew for each of them.
const EVERY_POINT_BELOW: usize = 60;

impl Output {
    /// `recorded`: the designs are rows of a table.
    pub fn new(role: Role, recorded: bool, inputs: &Inputs, settings: &GaussianProcessSettings) -> Self {
        let none = Inputs::new(inputs.categorical.clone(), Vec::new());
        Self {
            role,
            recorded,
            transform: Transform::Identity,
            noise: settings.noise,
            chosen_at: None,
            fitted_at: 0,
            standard: TransformedOutput { transform: Transform::Identity, mean: 0.0, deviation: 1.0 },
            model: GaussianProcess::fit(
                &none,
                &[],
                &GaussianProcessSettings { iterations: 0, ..settings.clone() },
                None,
            ),
        }
    }

    /// The constraint's limit 0, as the model sees it.
    pub fn limit(&self) -> f64 {
        self.standard.apply(0.0)
    }

    /// Learns all points anew, or the newest alone where that is enough. `outputs` has one value per point.
    pub fn learn(&mut self, inputs: &Inputs, outputs: &[f64], settings: &GaussianProcessSettings) {
        let count = outputs.len();
        let bound = if self.role == Role::Constraint { 1e9 } else { 1e100 };
        let outputs: Vec<f64> = outputs.iter().map(|y| y.clamp(-bound, bound)).collect();
        let grown = count.checked_sub(self.model.len());
        let patience = 1 + count.saturating_sub(EVERY_POINT_BELOW) / 20;
        if count > EVERY_POINT_BELOW
            && grown.is_some_and(|grown| grown <= patience)
            && count - self.fitted_at.min(count) < patience
            && self.chosen_at.is_some()
        {
            let standard = self.standard;
            let added = (self.model.len()..count)
                .all(|index| self.model.add(inputs.row(index), standard.apply(outputs[index])));
            if added {
                return;
            }
        }
        let previous = (!self.model.is_empty()).then(|| self.model.parameters().to_vec());
        let often = if count > EVERY_POINT_BELOW { 20 } else { 5 };
        let restart = count < 15 || count.is_multiple_of(often) || previous.is_none();
        let settings = GaussianProcessSettings { restart, ..settings.clone() };
        let pause = if count < 30 {
            4
        } else if count <= EVERY_POINT_BELOW {
            10
        } else {
            20
        };
        let due = self.chosen_at.is_none_or(|at| count >= at + pause || count < at);
        let transforms = match self.role {
            _ if !due => vec![self.transform],
            Role::Goal => Transform::candidates_for_objective(&outputs),
            Role::Constraint => Transform::candidates_for_constraint(&outputs),
            Role::GoalOfSeveral => vec![Transform::Identity],
        };
        // A recorded table may jump between neighbours; to a process that is noise.
        let noises = match self.role {
            _ if !due => vec![self.noise],
            Role::Goal | Role::GoalOfSeveral if self.recorded && settings.noise != Noise::Learned => {
                vec![settings.noise, Noise::Learned]
            }
            _ => vec![settings.noise],
        };
        if due {
            self.chosen_at = Some(count);
        }
        self.fitted_at = count;
        let mut best = f64::INFINITY;
        for transform in transforms {
            let standard = TransformedOutput::new(transform, &outputs);
            let values: Vec<f64> = outputs.iter().map(|y| standard.apply(*y)).collect();
            if values.iter().any(|v| !v.is_finite()) {
                continue;
            }
            for noise in &noises {
                let settings = GaussianProcessSettings { noise: *noise, ..settings.clone() };
                let model = GaussianProcess::fit(inputs, &values, &settings, previous.as_deref());
                let score = model.negative_log_posterior() - standard.log_jacobian(&outputs);
                if score < best || best == f64::INFINITY {
                    best = score;
                    (self.transform, self.standard, self.noise, self.model) =
                        (transform, standard, *noise, model);
                }
            }
        }
    }
}

impl Output {
    /// The variance that jumps between neighbouring designs add. They belong to the designs: one that was not evaluated may have one, and an
    /// evaluated one has always the same.
    pub fn jumps(&self) -> f64 {
        if self.noise == Noise::Learned { self.model.noise() } else { 0.0 }
    }

    /// Makes the next [`learn`](Self::learn) start from the points it is given, not from those it knows.
    pub fn forget(&mut self) {
        self.fitted_at = 0;
    }
}
