//! A policy that walks over a grid of designs towards targets: AutoCkt's agent (Settaluri et al., DATE 2020).
//!
//! It sees an observation with [margins](hwgym_envs::wrappers::View::Margins) and decides for every parameter which of the walk's steps to
//! take.

use hwgym_envs::Random;
use hwgym_envs::wrappers::Course;

use crate::neural::categorical;
use crate::neural::network::{Input, Network, Scratch};

/// A policy over the steps of every parameter, decided by one network or several.
#[derive(Clone, Debug)]
pub struct WalkPolicy {
    /// The networks; together they have one output per parameter and step.
    pub networks: Vec<Network>,
    /// Per parameter, the network that decides it and its place among that network's outputs.
    places: Vec<(usize, usize)>,
    /// Steps to choose from.
    steps: usize,
}

impl WalkPolicy {
    /// An untrained policy: `owners` has the network of every parameter.
    pub fn new(inputs: usize, owners: &[usize], steps: usize, hidden: &[usize], random: &mut Random) -> Self {
        let places = places(owners);
        let count = owners.iter().max().map_or(0, |last| last + 1);
        let network = |network: usize| {
            let outputs = steps * owners.iter().filter(|owner| **owner == network).count();
            Network::new(&[&[inputs], hidden, &[outputs.max(1)]].concat(), 1.0, 0.01, random)
        };
        Self { networks: (0..count).map(network).collect(), places, steps }
    }

    /// A policy of stored networks. `None` if they do not fit.
    pub fn of(inputs: usize, owners: &[usize], steps: usize, networks: Vec<Network>) -> Option<Self> {
        let count = owners.iter().max().map_or(0, |last| last + 1);
        let fits = |(index, network): (usize, &Network)| {
            let outputs = steps * owners.iter().filter(|owner| **owner == index).count();
            network.is_sound()
                && network.widths().first() == Some(&inputs)
                && network.widths().last() == Some(&outputs)
        };
        let all = networks.len() == count && networks.iter().enumerate().all(fits);
        all.then(|| Self { networks, places: places(owners), steps })
    }

    /// The network of every parameter.
    pub fn owners(&self) -> Vec<usize> {
        self.places.iter().map(|(network, _)| *network).collect()
    }

    /// Steps to choose from.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Where the choices of a parameter lie: its network, and the range of that network's outputs.
    pub fn place(&self, parameter: usize) -> (usize, std::ops::Range<usize>) {
        let (network, place) = self.places[parameter];
        (network, place * self.steps..(place + 1) * self.steps)
    }

    /// Decides a step of every parameter: drawn, or without a random stream the most probable one. With the log-probability of each network's
    /// decisions.
    pub fn act(
        &self,
        observation: &[f32],
        mut random: Option<&mut Random>,
        scratch: &mut Scratch,
    ) -> (Vec<usize>, Vec<f32>) {
        let mut choices = vec![0; self.places.len()];
        let mut logs = vec![0.0; self.networks.len()];
        for (index, network) in self.networks.iter().enumerate() {
            let outputs = *network.widths().last().unwrap_or(&0);
            network.forward(Input { dense: observation, ones: &[] }, 0..outputs, scratch);
            for (parameter, (owner, place)) in self.places.iter().enumerate() {
                if *owner != index {
                    continue;
                }
                let p = &mut scratch.output[place * self.steps..(place + 1) * self.steps];
                categorical::softmax(p);
                choices[parameter] = match random.as_deref_mut() {
                    Some(random) => categorical::draw(p, random),
                    None => categorical::most_probable(p),
                };
                logs[index] += categorical::log(p[choices[parameter]]);
            }
        }
        (choices, logs)
    }
}

fn places(owners: &[usize]) -> Vec<(usize, usize)> {
    let place = |parameter: usize| owners[..parameter].iter().filter(|o| **o == owners[parameter]).count();
    (0..owners.len()).map(|parameter| (owners[parameter], place(parameter))).collect()
}

/// A search by a walker: from the start towards the targets, the most probable steps first, then walks of drawn steps.
pub struct Walker {
    course: Course,
    targets: Vec<f64>,
    indices: Vec<usize>,
    values: Option<Vec<f64>>,
    /// Those of the start.
    first: Option<Vec<f64>>,
    taken: usize,
    walks: usize,
    scratch: Scratch,
}

impl Walker {
    /// A walker at the start of its course.
    pub fn new(course: Course, targets: Vec<f64>) -> Self {
        let indices = course.start().to_vec();
        Self {
            course,
            targets,
            indices,
            values: None,
            first: None,
            taken: 0,
            walks: 0,
            scratch: Scratch::default(),
        }
    }

    /// The design where it stands.
    pub fn design(&self) -> hwgym_envs::Design {
        self.course.design(&self.indices)
    }

    /// Takes note of what was measured where it stands.
    pub fn note(&mut self, metrics: Option<&[f64]>) {
        self.values = metrics.map(|metrics| self.course.values(metrics));
        if self.walks == 0 && self.taken == 0 {
            self.first.clone_from(&self.values);
        }
    }

    /// Goes on; from the start again once the targets are reached or the horizon is.
    pub fn go(&mut self, policy: &WalkPolicy, random: &mut Random) {
        let reward = self.course.reward(self.values.as_deref(), &self.targets);
        if reward >= self.course.rules().success || self.taken >= self.course.rules().horizon {
            self.walks += 1;
            self.taken = 0;
            self.indices = self.course.start().to_vec();
            self.values.clone_from(&self.first);
        }
        let observation =
            observation(&self.course, self.values.as_deref(), &self.targets, &self.indices, self.taken);
        let drawn = (self.walks > 0).then_some(random);
        let (steps, _) = policy.act(&observation, drawn, &mut self.scratch);
        self.course.go(&mut self.indices, steps);
        self.taken += 1;
    }
}

/// What a policy sees, in single precision.
pub fn observation(
    course: &Course,
    values: Option<&[f64]>,
    targets: &[f64],
    indices: &[usize],
    taken: usize,
) -> Vec<f32> {
    let view = hwgym_envs::wrappers::View::Margins;
    course.observe(view, values, targets, indices, taken).into_iter().map(|x| x as f32).collect()
}
