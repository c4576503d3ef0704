//! Training of a policy that proposes designs: cloned from elites of a search per instance, then trained by a group-relative policy gradient.
//!
//! Read from top to bottom: settings, elites, cloning, policy gradient. The regret g of a design is its excess over the best design known for
//! its instance and objective; what counts is `L(g) = ln(1 + g / 0.005)`, so that the last half per cent matters as much as what came before.

use std::path::Path;
use std::sync::Arc;

use hwgym_agents::neural::archive::Row;
use hwgym_agents::neural::categorical;
use hwgym_agents::neural::network::{Input, Network, Scratch, Trained};
use hwgym_agents::neural::transfer::checkpoint::{Checkpoint, Stored, StoredNetwork};
use hwgym_agents::neural::transfer::design::{DesignPolicy, History, Rollout, View, excess};
use hwgym_agents::{Evaluated, Problem};
use hwgym_envs::random::derive_seed;
use hwgym_envs::{Design, Env, Fidelity, Guard, Objective, Options, Random, Score, Scorer, evaluate};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Instances, Say, TrainingError, TrainingStudy, go_on, in_range};
use crate::Registries;

/// How a policy over designs is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DesignTraining {
    /// Named objectives of one goal each.
    pub objectives: Vec<String>,
    /// What it is trained on.
    pub instances: Vec<Instances>,
    /// Evaluations of the genetic search for elites, per instance and objective.
    pub elite_evaluations: usize,
    /// Units of the hidden layer of each head's network.
    pub hidden: usize,
    /// Levels of a decision.
    pub most_levels: usize,
    /// Steps of cloning, of 32 samples each.
    pub cloning_steps: usize,
    /// Iterations of the policy gradient; 0 to leave the policy as it is cloned.
    pub iterations: usize,
    /// Pairs of instance and objective in an iteration.
    pub pairs: usize,
    /// Episodes per pair.
    pub episodes: usize,
    /// Designs per episode, the default one not counted.
    pub designs: usize,
    /// Designs of the ordered list that is stored beside the policy.
    pub list: usize,
}

impl Default for DesignTraining {
    fn default() -> Self {
        Self {
            objectives: Vec::new(),
            instances: Vec::new(),
            elite_evaluations: 250,
            hidden: 64,
            most_levels: 32,
            cloning_steps: 2500,
            iterations: 300,
            pairs: 6,
            episodes: 8,
            designs: 11,
            list: 20,
        }
    }
}

/// Scale of the regret in `L`.
const SCALE: f64 = 0.005;
/// Samples in a step of cloning.
const CLONED: usize = 32;
/// Step sizes of cloning, from first to last.
const CLONING_RATE: (f32, f32) = (0.003, 0.0003);
/// Deviation of the noise on features while cloning.
const NOISE: f64 = 0.1;
/// Step sizes of the policy gradient, from first to last.
const RATE: (f32, f32) = (0.0005, 0.0001);
/// How far a probability ratio may move.
const CLIP: f32 = 0.2;
/// Weight of the entropy.
const ENTROPY: f32 = 0.003;
/// Discount from one design of an episode to the next.
const GAMMA: f64 = 0.9;
/// Passes over an iteration's episodes, and parts of each.
const EPOCHS: usize = 3;
const PARTS: usize = 2;

/// What counts of a regret.
fn loss(regret: f64) -> f64 {
    (1.0 + regret.max(0.0) / SCALE).ln()
}

/// An instance with an objective, and what is known of it.
struct Pair {
    env: Arc<dyn Env>,
    scorer: Scorer,
    objective: usize,
    features: Vec<f32>,
    start: (Row, Score),
    /// The best reward known.
    best: f64,
    /// Designs within 2 % of the best, with their regrets; at most 64, best first.
    elites: Vec<(Row, f64)>,
    /// Everything evaluated, for made-up histories.
    memory: Vec<(Row, Score)>,
}

impl Pair {
    fn regret(&self, reward: f64) -> f64 {
        excess(reward, self.best).exp() - 1.0
    }

    fn evaluate(&self, design: &Design) -> Score {
        self.scorer.score(&evaluate(&self.env, design, Fidelity::FULL, &Guard::UNLIMITED))
    }
}

pub(super) fn train(
    study: &TrainingStudy,
    training: &DesignTraining,
    registries: &Registries,
    text: &str,
    folder: &Path,
    say: Say,
) -> Result<Checkpoint, TrainingError> {
    check(training)?;
    let instances = study.instances(registries, &training.instances, folder)?;
    let Some(first) = instances.first() else {
        return Err(TrainingError::Invalid(
            "`instances` is empty; name what the policy is to be trained on".into(),
        ));
    };
    let space = first.env.space().clone();
    let features: Vec<String> = first.env.features().iter().map(|feature| feature.name.clone()).collect();
    if let Some(other) = instances.iter().find(|instance| instance.env.space() != &space) {
        return Err(TrainingError::Invalid(format!(
            "{} has another design space than {}",
            other.options, first.options
        )));
    }
    go_on(
        say,
        &format!("{} instances, {} objectives: searching elites", instances.len(), training.objectives.len()),
    )?;

    // Elites.
    let jobs: Vec<(usize, usize)> = (0..instances.len())
        .flat_map(|instance| (0..training.objectives.len()).map(move |objective| (instance, objective)))
        .collect();
    let policy_heads = DesignPolicy::new(
        &space,
        training.most_levels,
        features.len(),
        training.objectives.len(),
        1,
        &mut Random::new(0),
    );
    let heads = policy_heads.heads().clone();
    let pairs: Vec<Option<Pair>> = jobs
        .par_iter()
        .with_max_len(1)
        .map(|(instance, objective)| {
            let env = &instances[*instance].env;
            let seed = derive_seed(study.seed, &format!("elites-{instance}-{objective}"));
            let row = |design: &Design| Row::of(&space, &heads, design);
            elites(registries, env, &training.objectives[*objective], *objective, training, seed, &row)
        })
        .collect::<Result<_, TrainingError>>()?;
    let pairs: Vec<Pair> = pairs.into_iter().flatten().collect();
    if pairs.is_empty() {
        return Err(TrainingError::Invalid(
            "no instance has a default design within the bounds of the objectives".into(),
        ));
    }
    let objectives = objectives(first.env.as_ref(), training)?;
    let mut simulations: u64 = pairs.iter().map(|pair| pair.memory.len() as u64 + 1).sum();

    // Cloning.
    go_on(say, &format!("{} pairs: cloning {} steps", pairs.len(), training.cloning_steps))?;
    let mut random = Random::derived(study.seed, "networks");
    let mut policy = DesignPolicy::new(
        &space,
        training.most_levels,
        features.len(),
        training.objectives.len(),
        training.hidden,
        &mut random,
    );
    clone(&mut policy, &pairs, training, study.seed, say)?;

    // Policy gradient.
    let mut trained: Vec<Trained> = policy.networks.iter().cloned().map(Trained::new).collect();
    for iteration in 0..training.iterations {
        let progress = iteration as f32 / training.iterations as f32;
        let rate = RATE.0 + (RATE.1 - RATE.0) * progress;
        let mean = improve(&mut policy, &mut trained, &pairs, training, study.seed, iteration, rate);
        simulations += (training.pairs * training.episodes * training.designs) as u64;
        if iteration % 10 == 9 || iteration + 1 == training.iterations {
            go_on(
                say,
                &format!(
                    "iteration {}: mean ln(1 + regret / 0.5 %) at the end of an episode {mean:.3}",
                    iteration + 1
                ),
            )?;
        }
    }

    let list = ordered_list(&pairs, training.list, &heads, &space);
    let stored = Stored::Design {
        features,
        objectives,
        most_levels: training.most_levels,
        networks: policy.networks.iter().map(StoredNetwork::of).collect(),
        list,
    };
    Ok(Checkpoint::new(
        &study.name,
        first.env.as_ref(),
        study.training(&instances, text, simulations),
        stored,
    ))
}

fn check(training: &DesignTraining) -> Result<(), TrainingError> {
    in_range("objectives", !training.objectives.is_empty(), "empty", "names of objectives with one goal")?;
    in_range(
        "elite_evaluations",
        training.elite_evaluations >= 20,
        training.elite_evaluations,
        "20 or more",
    )?;
    in_range("hidden", (1..=4096).contains(&training.hidden), training.hidden, "1 to 4096")?;
    in_range("most_levels", (2..=4096).contains(&training.most_levels), training.most_levels, "2 to 4096")?;
    in_range("pairs", training.pairs >= 1, training.pairs, "1 or more")?;
    in_range(
        "episodes",
        training.episodes >= 2,
        training.episodes,
        "2 or more: they are compared with each other",
    )?;
    in_range("designs", (1..=1000).contains(&training.designs), training.designs, "1 to 1000")
}

fn named(env: &dyn Env, name: &str) -> Result<Objective, TrainingError> {
    let objectives = env.objectives();
    let known: Vec<&str> = objectives.iter().map(|objective| objective.name.as_str()).collect();
    let found = objectives.iter().find(|objective| objective.name == name);
    let objective = found.ok_or_else(|| {
        TrainingError::Invalid(format!(
            "`{}` has no objective `{name}`; expected one of {}",
            env.id(),
            known.join(", ")
        ))
    })?;
    if objective.goals.len() != 1 {
        return Err(TrainingError::Invalid(format!(
            "objective `{name}` has several goals; a policy serves one at a time"
        )));
    }
    Ok(objective.clone())
}

fn objectives(env: &dyn Env, training: &DesignTraining) -> Result<Vec<Objective>, TrainingError> {
    training.objectives.iter().map(|name| named(env, name)).collect()
}

/// Searches an instance for one objective; nothing if its default design is no solution.
fn elites(
    registries: &Registries,
    env: &Arc<dyn Env>,
    name: &str,
    objective: usize,
    training: &DesignTraining,
    seed: u64,
    row: &dyn Fn(&Design) -> Row,
) -> Result<Option<Pair>, TrainingError> {
    let goal = named(env.as_ref(), name)?;
    let scorer = goal.scorer(env.metrics())?;
    let Some(default) = env.default_design() else {
        return Err(TrainingError::Invalid(format!("`{}` has no default design to begin with", env.id())));
    };
    let budget = training.elite_evaluations;
    let problem = Problem::of(env.as_ref(), &goal, Some(budget))?;
    let made = registries.agents().make("genetic", &Options::none(), &problem, seed);
    let mut agent = made.map_err(|error| TrainingError::Invalid(error.to_string()))?;
    let mut memory: Vec<(Design, Score)> = Vec::new();
    let score = |design: &Design| scorer.score(&evaluate(env, design, Fidelity::FULL, &Guard::UNLIMITED));
    let start = score(&default);
    memory.push((default.clone(), start.clone()));
    while memory.len() < budget {
        let designs = agent.ask(1);
        if designs.is_empty() {
            break;
        }
        for design in designs {
            let outcome = evaluate(env, &design, Fidelity::FULL, &Guard::UNLIMITED);
            let score = scorer.score(&outcome);
            memory.push((design.clone(), score.clone()));
            agent.tell(&[Evaluated { design, outcome, score }]);
        }
    }
    let reward = |score: &Score| score.reward().filter(|_| score.is_feasible());
    if reward(&start).is_none() {
        return Ok(None);
    }
    let best = memory.iter().filter_map(|(_, s)| reward(s)).fold(f64::NEG_INFINITY, f64::max);
    // Equivalent designs count once, as their representative.
    let mut elites: Vec<(Design, f64)> = Vec::new();
    for (design, score) in &memory {
        let Some(reward) = reward(score) else { continue };
        let regret = excess(reward, best).exp() - 1.0;
        let design = env.canonical(design);
        if regret <= 0.02 && !elites.iter().any(|(known, _)| *known == design) {
            elites.push((design, regret));
        }
    }
    elites.sort_by(|a, b| a.1.total_cmp(&b.1));
    elites.truncate(64);
    Ok(Some(Pair {
        features: env.features().iter().map(|feature| feature.value as f32).collect(),
        start: (row(&default), start),
        elites: elites.iter().map(|(design, regret)| (row(design), *regret)).collect(),
        memory: memory.iter().map(|(design, score)| (row(design), score.clone())).collect(),
        env: env.clone(),
        objective,
        scorer,
        best,
    }))
}

/// One thing to imitate: at this view, decide so.
struct Lesson {
    view: View,
    row: Row,
}

/// Trains the policy to decide as elites were decided, after made-up histories.
fn clone(
    policy: &mut DesignPolicy,
    pairs: &[Pair],
    training: &DesignTraining,
    seed: u64,
    say: Say,
) -> Result<(), TrainingError> {
    let mut trained: Vec<Trained> = policy.networks.iter().cloned().map(Trained::new).collect();
    const BLOCK: usize = 50;
    for block in 0..training.cloning_steps.div_ceil(BLOCK) {
        let steps = BLOCK.min(training.cloning_steps - block * BLOCK);
        let mut random = Random::derived(seed, &format!("cloning-{block}"));
        let lessons: Vec<Lesson> = (0..steps * CLONED).map(|_| lesson(policy, pairs, &mut random)).collect();
        let rate = |step: usize| {
            let progress = (block * BLOCK + step) as f32 / training.cloning_steps as f32;
            CLONING_RATE.0 * (CLONING_RATE.1 / CLONING_RATE.0).powf(progress)
        };
        // Heads have networks of their own, and learn beside each other.
        trained.par_iter_mut().enumerate().for_each(|(head, network)| {
            let (mut scratch, mut ones) = (Scratch::default(), Vec::new());
            for (step, batch) in lessons.chunks(CLONED).enumerate() {
                for lesson in batch.iter().filter(|lesson| lesson.row.active[head]) {
                    let choice = usize::from(lesson.row.choices[head]);
                    climb(policy, network, head, lesson, &mut scratch, &mut ones, |p, slope| {
                        categorical::add_slope(p, choice, -1.0 / CLONED as f32, 0.0, slope);
                    });
                }
                network.step(rate(step), 1.0);
            }
        });
        if block % 10 == 9 {
            go_on(say, &format!("cloning: {} of {} steps", block * BLOCK + steps, training.cloning_steps))?;
        }
    }
    policy.networks = trained.into_iter().map(|trained| trained.network).collect();
    Ok(())
}

/// One pass of a head's network: forward to probabilities, and back with the slope that `slope` writes.
fn climb(
    policy: &DesignPolicy,
    network: &mut Trained,
    head: usize,
    lesson: &Lesson,
    scratch: &mut Scratch,
    ones: &mut Vec<u32>,
    slope: impl FnOnce(&[f32], &mut [f32]),
) {
    policy.ones(&lesson.view, &lesson.row, head, ones);
    let input = Input { dense: &lesson.view.dense, ones };
    let outputs = 0..policy.heads().range(head).len();
    network.network.forward(input, outputs.clone(), scratch);
    categorical::softmax(&mut scratch.output);
    let mut slopes = vec![0.0; outputs.len()];
    slope(&scratch.output, &mut slopes);
    network.backward(input, outputs, &slopes, scratch);
}

/// A pair drawn at random, an elite of it drawn by its regret, and a history: the default alone, or with some designs of the search.
fn lesson(policy: &DesignPolicy, pairs: &[Pair], random: &mut Random) -> Lesson {
    loop {
        let pair = &pairs[random.below(pairs.len())];
        let Some(mut history) = History::begin(pair.start.0.clone(), &pair.start.1) else { continue };
        let weights: Vec<f64> = pair.elites.iter().map(|(_, regret)| (-regret / SCALE).exp()).collect();
        if weights.is_empty() {
            continue;
        }
        let row = pair.elites[random.weighted(&weights)].0.clone();
        if !random.chance(0.4) {
            for _ in 0..1 + random.below(15) {
                let (row, score) = &pair.memory[random.below(pair.memory.len())];
                history.note(row, score);
            }
        }
        let noisy: Vec<f32> =
            pair.features.iter().map(|value| value + (NOISE * random.normal()) as f32).collect();
        return Lesson { view: policy.view(&noisy, pair.objective, &history), row };
    }
}

/// A decision of an episode, with what came of it.
struct Decision {
    lesson: Lesson,
    log_probabilities: Box<[f32]>,
    advantage: f32,
}

/// One iteration of the policy gradient. Returns the mean loss at the end of the episodes.
fn improve(
    policy: &mut DesignPolicy,
    trained: &mut [Trained],
    pairs: &[Pair],
    training: &DesignTraining,
    seed: u64,
    iteration: usize,
    rate: f32,
) -> f64 {
    let mut random = Random::derived(seed, &format!("iteration-{iteration}"));
    let chosen: Vec<usize> = (0..training.pairs).map(|_| random.below(pairs.len())).collect();
    let jobs: Vec<(usize, u64)> = chosen
        .iter()
        .flat_map(|pair| std::iter::repeat_n(*pair, training.episodes))
        .map(|pair| (pair, random.seed()))
        .collect();
    let episodes: Vec<Episode> = jobs
        .par_iter()
        .with_max_len(1)
        .map(|(pair, seed)| play(policy, &pairs[*pair], training.designs, *seed))
        .collect();
    let last = episodes.iter().map(|episode| episode.last).sum::<f64>() / episodes.len() as f64;

    // Returns, less the mean of the group at the same step, all divided by their root mean square.
    let mut decisions: Vec<Decision> = Vec::new();
    let mut groups: Vec<Vec<Episode>> = Vec::new();
    for (index, episode) in episodes.into_iter().enumerate() {
        if index % training.episodes == 0 {
            groups.push(Vec::new());
        }
        if let Some(group) = groups.last_mut() {
            group.push(episode);
        }
    }
    for group in groups {
        let returns: Vec<Vec<f64>> = group.iter().map(|episode| discounted(&episode.rewards)).collect();
        let steps = returns.iter().map(Vec::len).min().unwrap_or(0);
        for (index, episode) in group.into_iter().enumerate() {
            for (step, (lesson, logs)) in episode.decisions.into_iter().take(steps).enumerate() {
                let mean = returns.iter().map(|r| r[step]).sum::<f64>() / returns.len() as f64;
                let advantage = (returns[index][step] - mean) as f32;
                decisions.push(Decision { lesson, log_probabilities: logs, advantage });
            }
        }
    }
    let square =
        decisions.iter().map(|d| f64::from(d.advantage).powi(2)).sum::<f64>() / decisions.len().max(1) as f64;
    if square <= 0.0 {
        return last;
    }
    decisions.iter_mut().for_each(|decision| decision.advantage /= square.sqrt() as f32);

    for _ in 0..EPOCHS {
        random.shuffle(&mut decisions);
        for part in decisions.chunks(decisions.len().div_ceil(PARTS)) {
            trained.par_iter_mut().enumerate().for_each(|(head, network)| {
                let (mut scratch, mut ones) = (Scratch::default(), Vec::new());
                let share = 1.0 / part.len() as f32;
                for decision in part.iter().filter(|decision| decision.lesson.row.active[head]) {
                    let choice = usize::from(decision.lesson.row.choices[head]);
                    let before = decision.log_probabilities[head];
                    climb(policy, network, head, &decision.lesson, &mut scratch, &mut ones, |p, slope| {
                        let moved = categorical::log(p[choice]) - before;
                        let weight =
                            hwgym_agents::neural::advantage::clipped_weight(decision.advantage, moved, CLIP);
                        categorical::add_slope(p, choice, -weight * share, -ENTROPY * share, slope);
                    });
                }
                network.step(rate, 1.0);
            });
        }
    }
    policy.networks = trained.iter().map(|trained| trained.network.clone()).collect::<Vec<Network>>();
    last
}

/// What an episode left.
struct Episode {
    decisions: Vec<(Lesson, Box<[f32]>)>,
    rewards: Vec<f64>,
    /// The loss at its end.
    last: f64,
}

/// Plays an episode: the default design, then so many of the policy's.
fn play(policy: &DesignPolicy, pair: &Pair, designs: usize, seed: u64) -> Episode {
    let mut random = Random::new(seed);
    let space = pair.env.space();
    let mut rollout = Rollout::new(pair.features.clone(), pair.objective);
    rollout.note(&pair.start.0, &pair.start.1);
    let canonical = |design: &Design| pair.env.canonical(design);
    if let Some(default) = pair.env.default_design() {
        rollout.note_tried(canonical(&default));
    }
    let of = |rollout: &Rollout| rollout.history().map_or(0.0, |history| loss(pair.regret(history.best())));
    let mut episode = Episode { decisions: Vec::new(), rewards: Vec::new(), last: of(&rollout) };
    for _ in 0..designs {
        let Some((drawn, view)) = rollout.propose(policy, space, &canonical, false, &mut random) else {
            break;
        };
        let score = pair.evaluate(&drawn.design);
        rollout.note(&drawn.row, &score);
        let now = of(&rollout);
        episode.rewards.push((episode.last - now).max(0.0));
        episode.last = now;
        // Probabilities at the temperature at which it was drawn differ a little; those of the policy itself are what is learned from.
        let logs = log_probabilities(policy, &view, &drawn.row);
        episode.decisions.push((Lesson { view, row: drawn.row }, logs));
    }
    episode
}

fn log_probabilities(policy: &DesignPolicy, view: &View, row: &Row) -> Box<[f32]> {
    let (mut scratch, mut ones) = (Scratch::default(), Vec::new());
    (0..row.choices.len())
        .map(|head| {
            if !row.active[head] {
                return 0.0;
            }
            policy.ones(view, row, head, &mut ones);
            let input = Input { dense: &view.dense, ones: &ones };
            policy.networks[head].forward(input, 0..policy.heads().range(head).len(), &mut scratch);
            categorical::softmax(&mut scratch.output);
            categorical::log(scratch.output[usize::from(row.choices[head])])
        })
        .collect()
}

fn discounted(rewards: &[f64]) -> Vec<f64> {
    let mut returns = rewards.to_vec();
    for step in (0..returns.len().saturating_sub(1)).rev() {
        returns[step] += GAMMA * returns[step + 1];
    }
    returns
}

/// The training pairs' best designs, ordered greedily: each next one lowers the mean loss of the list so far the most. The honest rival of a
/// policy: a list needs no features.
fn ordered_list(
    pairs: &[Pair],
    count: usize,
    heads: &hwgym_agents::neural::heads::Heads,
    space: &hwgym_envs::DesignSpace,
) -> Vec<Vec<f64>> {
    let mut candidates: Vec<Design> = Vec::new();
    for pair in pairs {
        for (row, _) in pair.elites.iter().take(2) {
            let mut design =
                Design::new(space.parameters().iter().map(|p| p.domain.first()).collect::<Vec<_>>());
            row.heads().for_each(|head| heads.apply(head, &row.choices, &mut design));
            space.canonicalise(&mut design);
            if !candidates.contains(&design) {
                candidates.push(design);
            }
        }
    }
    if count == 0 {
        return Vec::new();
    }
    let losses: Vec<Vec<f64>> = candidates
        .par_iter()
        .with_max_len(1)
        .map(|design| {
            let of = |pair: &Pair| {
                let score = pair.evaluate(design);
                score.reward().filter(|_| score.is_feasible()).map_or(f64::INFINITY, |r| loss(pair.regret(r)))
            };
            pairs.iter().map(of).collect()
        })
        .collect();
    let mut reached: Vec<f64> = pairs
        .iter()
        .map(|pair| pair.start.1.reward().map_or(f64::INFINITY, |reward| loss(pair.regret(reward))))
        .collect();
    let mut list = Vec::new();
    let mut left: Vec<usize> = (0..candidates.len()).collect();
    while list.len() < count && !left.is_empty() {
        let total = |candidate: usize| -> f64 {
            reached.iter().zip(&losses[candidate]).map(|(now, new)| now.min(*new)).sum()
        };
        let place = (0..left.len()).min_by(|a, b| total(left[*a]).total_cmp(&total(left[*b]))).unwrap_or(0);
        let candidate = left.remove(place);
        reached.iter_mut().zip(&losses[candidate]).for_each(|(now, new)| *now = now.min(*new));
        list.push(candidates[candidate].coordinates().to_vec());
    }
    list
}
