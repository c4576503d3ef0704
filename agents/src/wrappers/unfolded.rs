//! Orders and assignments for agents that know neither.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use hwgym_envs::{Design, DesignSpace, Domain, Fidelity, Group, Parameter};

use crate::{Agent, AgentError, Evaluated, Problem};

/// Shows an agent one parameter per item instead of each arrangement.
///
/// An assignment becomes a category per item: its place. An order becomes a whole number per item, from 0 to the number of items less one:
/// the items are sorted by it, equal ones in their own sequence (random keys, Bean 1994). The agent learns the result under the numbers it
/// proposed; a foreign design under the positions of its items.
pub struct Unfolded {
    agent: Box<dyn Agent>,
    folds: Folds,
    /// What the agent proposed for designs that it has not been told of, in the order of proposal.
    pending: HashMap<Design, Vec<Design>>,
}

/// The way between a space and its unfolded one.
#[derive(Clone, Debug)]
struct Folds {
    outer: Arc<DesignSpace>,
    inner: Arc<DesignSpace>,
    /// Per outer parameter: its first place in an inner design.
    starts: Vec<usize>,
}

impl Unfolded {
    /// The problem as an agent inside sees it; `None` where no parameter is an arrangement. Errors: names that collide.
    pub fn problem(problem: &Problem) -> Result<Option<Problem>, AgentError> {
        let folds = Folds::of(&problem.space)?;
        Ok(folds.map(|folds| Problem { space: folds.inner, guide: None, ..problem.clone() }))
    }

    /// An agent, made for [`problem`](Self::problem), in the problem's own space.
    pub fn new(agent: Box<dyn Agent>, problem: &Problem) -> Result<Self, AgentError> {
        let folds = Folds::of(&problem.space)?.ok_or_else(|| {
            AgentError::unsupported("unfolded", "no parameter is an order or an assignment")
        })?;
        Ok(Self { agent, folds, pending: HashMap::new() })
    }
}

impl Folds {
    fn of(outer: &Arc<DesignSpace>) -> Result<Option<Self>, AgentError> {
        if !outer.parameters().iter().any(|p| p.domain.is_arrangement()) {
            return Ok(None);
        }
        let (mut parameters, mut starts) = (Vec::new(), Vec::new());
        let mut names: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for parameter in outer.parameters() {
            starts.push(parameters.len());
            let items: &[String] = match &parameter.domain {
                Domain::Permutation(items) | Domain::Assignment { items, .. } => items,
                _ => &[],
            };
            let condition = parameter.condition.clone().filter(|condition| {
                // An arrangement that decides over others is folded: they are then always there, and set to their start afterwards.
                outer
                    .position(&condition.parameter)
                    .is_ok_and(|p| !outer.parameters()[p].domain.is_arrangement())
            });
            let unfolded: Vec<Parameter> = match &parameter.domain {
                Domain::Permutation(_) => {
                    let last = items.len() as i64 - 1;
                    items
                        .iter()
                        .map(|i| Parameter::integer(&format!("{}.{i}", parameter.name), 0, last))
                        .collect()
                }
                Domain::Assignment { places, .. } => items
                    .iter()
                    .map(|i| Parameter::categorical(&format!("{}.{i}", parameter.name), places.clone()))
                    .collect(),
                _ => vec![parameter.clone()],
            };
            names.insert(&parameter.name, unfolded.iter().map(|p| p.name.clone()).collect());
            parameters.extend(unfolded.into_iter().map(|p| Parameter { condition: condition.clone(), ..p }));
        }
        let groups = outer.groups().into_iter().map(|group| {
            let members = group
                .parameters
                .iter()
                .flat_map(|name| names.get(name.as_str()).cloned().unwrap_or_default());
            Group::new(&group.name, members)
        });
        let inner = DesignSpace::new(parameters)
            .and_then(|space| space.with_constraints(outer.constraints().to_vec()))
            .and_then(|space| space.with_groups(groups.collect()));
        let mut folds = Self {
            outer: outer.clone(),
            inner: Arc::new(inner.map_err(hwgym_envs::EnvError::from)?),
            starts,
        };
        if let Some(listing) = outer.listing() {
            let listed = listing.designs().iter().map(|design| folds.unfold(design)).collect();
            let inner = (*folds.inner).clone().with_listed(listed);
            folds.inner = Arc::new(inner.map_err(hwgym_envs::EnvError::from)?);
        }
        Ok(Some(folds))
    }

    fn fold(&self, inner: &Design) -> Design {
        let coordinates = self.outer.parameters().iter().zip(&self.starts).map(|(parameter, start)| {
            match &parameter.domain {
                Domain::Permutation(items) => {
                    let mut order: Vec<usize> = (0..items.len()).collect();
                    order.sort_by_key(|item| inner.level(start + item));
                    parameter.domain.arranged(&order)
                }
                Domain::Assignment { items, .. } => {
                    let places: Vec<usize> = (0..items.len()).map(|item| inner.level(start + item)).collect();
                    parameter.domain.arranged(&places)
                }
                _ => inner.coordinate(*start),
            }
        });
        let mut design = Design::new(coordinates.collect::<Vec<_>>());
        self.outer.canonicalise(&mut design);
        design
    }

    fn unfold(&self, outer: &Design) -> Design {
        let mut coordinates = Vec::with_capacity(self.inner.len());
        for (index, parameter) in self.outer.parameters().iter().enumerate() {
            let arrangement = self.outer.arrangement(outer, index);
            match &parameter.domain {
                Domain::Permutation(items) => {
                    let position = |item| arrangement.iter().position(|i| *i == item).unwrap_or(0) as f64;
                    coordinates.extend((0..items.len()).map(position));
                }
                Domain::Assignment { .. } => {
                    coordinates.extend(arrangement.iter().map(|place| *place as f64))
                }
                _ => coordinates.push(outer.coordinate(index)),
            }
        }
        let mut design = Design::new(coordinates);
        self.inner.canonicalise(&mut design);
        design
    }
}

impl Agent for Unfolded {
    fn ask(&mut self, count: usize) -> Vec<Design> {
        let proposed = self.agent.ask(count);
        let fold = |inner: Design| {
            let outer = self.folds.fold(&inner);
            self.pending.entry(outer.clone()).or_default().push(inner);
            outer
        };
        proposed.into_iter().map(fold).collect()
    }

    fn tell(&mut self, results: &[Evaluated]) {
        let told: Vec<Evaluated> = results
            .iter()
            .map(|result| {
                let design = match self.pending.entry(result.design.clone()) {
                    Entry::Occupied(own) if own.get().len() == 1 => own.remove().remove(0),
                    Entry::Occupied(mut own) => own.get_mut().remove(0),
                    Entry::Vacant(_) => self.folds.unfold(&result.design),
                };
                Evaluated { design, ..result.clone() }
            })
            .collect();
        self.agent.tell(&told);
    }

    fn fidelity(&self) -> Fidelity {
        self.agent.fidelity()
    }

    fn ended(&self) -> Option<&str> {
        self.agent.ended()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hwgym_envs::Random;

    #[test]
    fn unfolding_and_folding_again_gives_the_same_design() {
        let space = DesignSpace::new(vec![
            Parameter::boolean("accelerated"),
            Parameter::permutation("order", ["C", "M", "R", "S"]),
            Parameter::assignment("map", ["f", "g"], ["cpu", "dsp", "npu"]).when("accelerated", [true]),
            Parameter::real("x", 0.0, 1.0),
        ])
        .unwrap()
        .with_groups(vec![Group::new("a", ["accelerated", "order"]), Group::new("b", ["map", "x"])])
        .unwrap();
        let folds = Folds::of(&Arc::new(space.clone())).unwrap().unwrap();
        let names: Vec<&str> = folds.inner.parameters().iter().map(|p| p.name.as_str()).collect();
        assert_eq!(names, ["accelerated", "order.C", "order.M", "order.R", "order.S", "map.f", "map.g", "x"]);
        assert_eq!(folds.inner.groups()[1].parameters, ["map.f", "map.g", "x"]);
        let mut random = Random::new(2);
        for _ in 0..300 {
            let design = space.sample(&mut random);
            let inner = folds.unfold(&design);
            folds.inner.validate(&inner).unwrap();
            assert_eq!(folds.fold(&inner), design);
            space.validate(&folds.fold(&folds.inner.sample(&mut random))).unwrap();
        }
    }

    #[test]
    fn a_space_without_arrangements_stays_as_it_is() {
        let space = Arc::new(DesignSpace::new(vec![Parameter::boolean("b")]).unwrap());
        assert!(Folds::of(&space).unwrap().is_none());
    }
}
