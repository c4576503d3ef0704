//! `accelerator-mapping-v1`: the mapping of one layer onto one architecture in the loop-nest model.
//!
//! Every prime factor of every dimension is one parameter that says in which loop block it goes, so that every design is a
//! complete mapping; the order of the loops is one parameter a level. What does not fit is infeasible by an amount.

use hwgym_simulators::accelerator::timeloop::{
    Architecture, Constraints, Detail, MAX_LEVELS, Model, Nest, Specification,
};
use serde::Deserialize;

use super::{Version, invalid, layer, network, template::Eyeriss};
use crate::prelude::*;

/// Options of the environment.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    architecture: String,
    network: String,
    layer: String,
    bypass: Bypass,
    technology_nm: f64,
}

/// Where the bypass comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum Bypass {
    /// The architecture's own; every level of a user's architecture keeps everything.
    Fixed,
    /// One more parameter for every level and tensor.
    Search,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            architecture: "eyeriss".into(),
            network: "alexnet-conv".into(),
            layer: "conv3".into(),
            bypass: Bypass::Fixed,
            technology_nm: 45.0,
        }
    }
}

/// A loop block: the temporal loops of a level, or the spatial loops below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Block {
    level: usize,
    spatial: bool,
}

/// The environment.
struct MappingEnv {
    version: Version,
    id: String,
    space: DesignSpace,
    metrics: Vec<Metric>,
    settings: Settings,
    model: Model,
    /// Outermost first; the choices of the factor parameters.
    blocks: Vec<Block>,
    /// Per factor parameter: dimension and prime.
    factors: Vec<(usize, u32)>,
    /// Dimensions of more than one index, whose order counts.
    active: Vec<u8>,
    /// Per level, which tensors it keeps if that is fixed.
    keep: [u8; MAX_LEVELS],
    /// Per axis parameter: level and dimension.
    axes: Vec<(usize, usize)>,
    first_order: usize,
    first_axis: usize,
    first_keep: usize,
}

/// Id without its version.
const NAME: &str = "accelerator-mapping";

/// The registry entry.
pub fn entry(version: Version) -> EnvEntry {
    let summary = "the mapping of one layer onto one architecture in the loop-nest model";
    EnvEntry::new(&version.id(NAME), &version.summary(NAME, summary), move |options| {
        Ok(Box::new(MappingEnv::new(options, version)?))
    })
    .option("architecture", "\"eyeriss\"", "`eyeriss` (168 elements), or the path of a Timeloop YAML file")
    .option("network", "\"alexnet-conv\"", "a built-in network, or the path of a layer table (.ron)")
    .option("layer", "\"conv3\"", "name of the layer in the network")
    .option(
        "bypass",
        "Fixed",
        "`Fixed`: the architecture's own; `Search`: which level keeps what is searched too",
    )
    .option("technology_nm", "45.0", "technology of the template's energy estimates, 5 to 180 nm")
}

/// The architecture and what its levels keep.
fn architecture(settings: &Settings, options: &Options) -> Result<(Architecture, Constraints), EnvError> {
    if settings.architecture == "eyeriss" {
        let built =
            Eyeriss::default().architecture(settings.technology_nm).map_err(invalid("technology_nm"))?;
        return Ok((built, Eyeriss::keeping()));
    }
    let named = |error| invalid("architecture")(error);
    if !settings.architecture.ends_with(".yaml") && !settings.architecture.ends_with(".yml") {
        let known = crate::suggest::suggestion(&settings.architecture, &["eyeriss"]);
        return Err(EnvError::invalid(
            "architecture",
            format!("`{}` is neither a template nor a YAML file{known}", settings.architecture),
        ));
    }
    let path = options.path(&settings.architecture);
    let text =
        std::fs::read_to_string(&path).map_err(|source| EnvError::File { path: path.clone(), source })?;
    let name = path.display().to_string();
    // The reader wants a problem; the layer replaces it.
    let specification =
        Specification::from_texts(&[(&name, &text), ("a problem", ANY_PROBLEM)]).map_err(named)?;
    Ok((specification.architecture, specification.constraints))
}

/// A convolution in Timeloop's own form.
pub(super) const ANY_PROBLEM: &str = "
problem:
  instance: {C: 1, M: 1, R: 1, S: 1, N: 1, P: 1, Q: 1, Wstride: 1, Hstride: 1, Wdilation: 1, Hdilation: 1}
  shape:
    name: conv
    dimensions: [C, M, R, S, N, P, Q]
    coefficients:
    - {name: Wstride, default: 1}
    - {name: Hstride, default: 1}
    - {name: Wdilation, default: 1}
    - {name: Hdilation, default: 1}
    data_spaces:
    - {name: Weights, projection: [[[C]],[[M]],[[R]],[[S]]]}
    - {name: Inputs, projection: [[[N]],[[C]],[[R,Wdilation],[P,Wstride]],[[S,Hdilation],[Q,Hstride]]]}
    - {name: Outputs, projection: [[[N]],[[M]],[[Q]],[[P]]], read_write: True}
";

fn prime_factors(mut number: u64) -> Vec<u32> {
    let mut primes = Vec::new();
    let mut divisor = 2;
    while divisor * divisor <= number {
        while number.is_multiple_of(divisor) {
            primes.push(divisor as u32);
            number /= divisor;
        }
        divisor += 1;
    }
    if number > 1 {
        primes.push(number as u32);
    }
    primes
}

fn factorial(number: usize) -> i64 {
    (1..=number as i64).product()
}

impl MappingEnv {
    fn new(options: &Options, version: Version) -> Result<Self, EnvError> {
        let settings: Settings = options.parse()?;
        let network = network(&settings.network, options)?;
        let found = layer(&network, &settings.layer)?;
        let (problem, _) = found.problem().map_err(invalid("layer"))?;
        let (architecture, constraints) = architecture(&settings, options)?;
        let limits = constraints.compile(&architecture, &problem).map_err(invalid("architecture"))?;
        let levels = architecture.levels.len();
        let spaces = problem.spaces.len();
        let all = (1u8 << spaces) - 1;
        let keep = std::array::from_fn(|level| all & !limits.bypass[level]);
        let mut blocks = Vec::new();
        let mut both_axes = Vec::new();
        for level in (0..levels).rev() {
            blocks.push(Block { level, spatial: false });
            let (x, y) = architecture.fanout(level);
            if x * y > 1 {
                blocks.push(Block { level, spatial: true });
            }
            if x > 1 && y > 1 {
                both_axes.push(level);
            }
        }
        let names: Vec<String> = blocks
            .iter()
            .map(|block| {
                let level = &architecture.levels[block.level].name;
                if block.spatial { format!("{level} spatial") } else { level.clone() }
            })
            .collect();
        let mut parameters = Vec::new();
        let mut factors = Vec::new();
        for (dim, &bound) in problem.bounds.iter().enumerate() {
            for (index, prime) in prime_factors(bound).into_iter().enumerate() {
                let name = format!("{}_{}_{prime}", problem.dims[dim], index + 1);
                parameters.push(
                    Parameter::categorical(&name, names.clone()).describe("loop block of this prime factor"),
                );
                factors.push((dim, prime));
            }
        }
        let active: Vec<u8> =
            (0..problem.dims.len()).filter(|&dim| problem.bounds[dim] > 1).map(|dim| dim as u8).collect();
        let (first_order, orders) = (parameters.len(), factorial(active.len()));
        for level in architecture.levels.iter().rev() {
            let name = format!("Order_{}", level.name);
            // The number of version 0 is the rank of version 1's order; only what is a neighbour differs.
            parameters.push(if version == Version::V0 || active.is_empty() {
                Parameter::integer(&name, 0, orders - 1)
                    .describe("number of the order of the level's temporal loops")
            } else {
                Parameter::permutation(
                    &name,
                    active.iter().map(|dim| problem.dims[usize::from(*dim)].clone()),
                )
                .describe("order of the level's temporal loops, innermost first")
            });
        }
        let first_axis = parameters.len();
        let mut axes = Vec::new();
        for &level in &both_axes {
            for &dim in &active {
                let name = format!("Axis_{}_{}", architecture.levels[level].name, problem.dims[dim as usize]);
                parameters
                    .push(Parameter::categorical(&name, ["X", "Y"]).describe("axis of the spatial loop"));
                axes.push((level, dim as usize));
            }
        }
        let first_keep = parameters.len();
        if settings.bypass == Bypass::Search {
            for level in architecture.levels[..levels - 1].iter().rev() {
                for space in &problem.spaces {
                    let name = format!("Keep_{}_{}", level.name, space.name);
                    parameters.push(Parameter::boolean(&name).describe("whether the level keeps the tensor"));
                }
            }
        }
        let group = |name: &str, range: std::ops::Range<usize>| {
            Group::new(name, parameters[range].iter().map(|parameter| parameter.name.clone()))
        };
        let groups: Vec<Group> = [
            group("factors", 0..first_order),
            group("orders", first_order..first_axis),
            group("axes", first_axis..first_keep),
            group("bypass", first_keep..parameters.len()),
        ]
        .into_iter()
        .filter(|group| !group.parameters.is_empty())
        .collect();
        let space = DesignSpace::new(parameters)?.with_groups(groups)?;
        let metrics = vec![
            Metric::minimise("edp_uj_cycle", "uJ cycle", "energy times cycles of the layer"),
            Metric::minimise("energy_uj", "uJ", "energy of the layer"),
            Metric::minimise("cycles", "cycle", "cycles of the layer"),
            Metric::maximise("utilization", "1", "multiply-accumulates done of those possible"),
        ];
        let model = Model::with_counting(architecture, problem, version.counting())
            .map_err(invalid("architecture"))?;
        Ok(Self {
            version,
            id: version.id(NAME),
            space,
            metrics,
            settings,
            model,
            blocks,
            factors,
            active,
            keep,
            axes,
            first_order,
            first_axis,
            first_keep,
        })
    }

    /// The loops of a design.
    fn nest(&self, design: &Design) -> Nest {
        let mut nest = Nest::unit();
        for (index, &(dim, prime)) in self.factors.iter().enumerate() {
            let block = self.blocks[design.level(index).min(self.blocks.len() - 1)];
            let loops = if block.spatial { &mut nest.spatial } else { &mut nest.temporal };
            loops[block.level][dim] *= prime;
        }
        let levels = self.model.architecture().levels.len();
        let problem = self.model.problem();
        for level in 0..levels {
            let number = design.level(self.first_order + levels - 1 - level);
            let order = self.order(number);
            let (x, _) = self.model.architecture().fanout(level);
            nest.along_y[level] = if x > 1 { 0 } else { u16::MAX };
            // The searched dimensions first, then those of one index, in their own order.
            let rest = (0..problem.dims.len() as u8).filter(|dim| !self.active.contains(dim));
            for (slot, dim) in order.into_iter().chain(rest).enumerate() {
                nest.order[level][slot] = dim;
            }
            nest.keep[level] = self.keep[level];
        }
        for (index, &(level, dim)) in self.axes.iter().enumerate() {
            if design.level(self.first_axis + index) == 1 {
                nest.along_y[level] |= 1 << dim;
            }
        }
        if self.settings.bypass == Bypass::Search {
            let spaces = problem.spaces.len();
            for (row, level) in (0..levels - 1).rev().enumerate() {
                nest.keep[level] = 0;
                for space in 0..spaces {
                    if self.space.flag(design, self.first_keep + row * spaces + space) {
                        nest.keep[level] |= 1 << space;
                    }
                }
            }
        }
        nest
    }

    /// The order of the active dimensions with this number, innermost first.
    fn order(&self, number: usize) -> Vec<u8> {
        let mut left = self.active.clone();
        let mut radix = factorial(left.len()) as usize;
        let mut rest = number;
        let mut order = Vec::with_capacity(left.len());
        while !left.is_empty() {
            radix /= left.len();
            order.push(left.remove((rest / radix).min(left.len() - 1)));
            rest %= radix;
        }
        order
    }

    /// The number of an order: the inverse of [`MappingEnv::order`].
    fn number(&self, order: &[u8]) -> usize {
        let mut left = self.active.clone();
        let mut radix = factorial(left.len()) as usize;
        let mut number = 0;
        for dim in order {
            radix /= left.len();
            let place = left.iter().position(|other| other == dim).unwrap_or(0);
            number += place * radix;
            left.remove(place);
        }
        number
    }
}

impl Env for MappingEnv {
    fn id(&self) -> &str {
        &self.id
    }

    fn space(&self) -> &DesignSpace {
        &self.space
    }

    fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    fn evaluate(&self, design: &Design, _: Fidelity) -> Outcome {
        let nest = self.nest(design);
        let mut detail = Detail::default();
        match self.model.evaluate(&nest, &mut detail) {
            Ok(cost) => {
                let units = self.model.architecture().arithmetic.instances as f64;
                let macs = self.model.problem().macs() as f64;
                let energy_uj = cost.energy_pj / 1e6;
                let cycles = cost.cycles as f64;
                Outcome::feasible([energy_uj * cycles, energy_uj, cycles, macs / units / cycles])
            }
            Err(_) => match self.model.report(&nest) {
                Ok(report) => {
                    let amount =
                        report.violations.iter().map(|v| v.amount as f64 / v.limit.max(1) as f64).sum();
                    let first = report.violations.first().map(ToString::to_string).unwrap_or_default();
                    Outcome::infeasible(first, amount)
                }
                Err(error) => Outcome::failed(error.to_string()),
            },
        }
    }

    /// Equal primes of a dimension change places freely, and a loop of one iteration has no place in an order.
    fn canonical(&self, design: &Design) -> Design {
        let mut design = design.clone();
        let mut start = 0;
        while start < self.factors.len() {
            let mut end = start + 1;
            while end < self.factors.len() && self.factors[end] == self.factors[start] {
                end += 1;
            }
            let mut places: Vec<f64> = design.coordinates()[start..end].to_vec();
            places.sort_by(f64::total_cmp);
            for (offset, place) in places.into_iter().enumerate() {
                design.set(start + offset, place);
            }
            start = end;
        }
        let nest = self.nest(&design);
        let levels = self.model.architecture().levels.len();
        for level in 0..levels {
            let at = self.first_order + levels - 1 - level;
            let loops = |dim: &u8| nest.temporal[level][usize::from(*dim)] > 1;
            let (mut order, idle): (Vec<u8>, Vec<u8>) =
                self.order(design.level(at)).into_iter().partition(loops);
            let mut idle = idle;
            idle.sort_unstable();
            order.extend(idle);
            design.set(at, self.number(&order) as f64);
        }
        for (index, &(level, dim)) in self.axes.iter().enumerate() {
            if nest.spatial[level][dim] == 1 {
                design.set(self.first_axis + index, 0.0);
            }
        }
        design
    }

    fn provenance(&self) -> Vec<(String, String)> {
        vec![
            self.version.provenance(),
            ("architecture".into(), self.settings.architecture.clone()),
            ("network".into(), self.settings.network.clone()),
            ("layer".into(), self.settings.layer.clone()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Random;

    fn env(options: &str) -> Result<MappingEnv, EnvError> {
        MappingEnv::new(&Options::ron(options), Version::V1)
    }

    #[test]
    fn an_order_is_written_as_one_and_ranked_as_before() {
        let now = env("()").unwrap();
        let before = MappingEnv::new(&Options::none(), Version::V0).unwrap();
        assert_eq!(now.space().size(), before.space().size());
        let at = now.first_order;
        for rank in [0, 1, 17, 700] {
            let mut design =
                now.space().design_at(0).unwrap_or_else(|| Design::new(vec![0.0; now.space().len()]));
            design.set(at, f64::from(rank));
            let order = now.order(rank as usize);
            let words: Vec<&str> =
                order.iter().map(|dim| now.model.problem().dims[usize::from(*dim)].as_str()).collect();
            assert_eq!(now.space().value(&design, at).to_string(), words.join(","));
            assert_eq!(now.nest(&design).order, before.nest(&design).order);
        }
    }

    #[test]
    fn orders_and_numbers_are_inverse() {
        let env = env("()").unwrap();
        for number in (0..720).step_by(7) {
            assert_eq!(env.number(&env.order(number)), number);
        }
    }

    #[test]
    fn every_design_is_a_complete_mapping_or_infeasible_by_an_amount() {
        for options in ["()", "(bypass: Search)", "(network: \"mobilenet-v2\", layer: \"block2_depthwise\")"]
        {
            let env = env(options).unwrap();
            let mut random = Random::derived(5, "mapping");
            let mut infeasible = 0;
            for _ in 0..200 {
                let design = env.space().sample(&mut random);
                match env.evaluate(&design, Fidelity::FULL) {
                    Outcome::Feasible { .. } => {}
                    Outcome::Infeasible { amount, constraint, .. } => {
                        assert!(amount > 0.0 && !constraint.is_empty());
                        infeasible += 1;
                    }
                    other => panic!("{other:?}"),
                }
            }
            assert!(infeasible > 0);
        }
    }

    /// With everything in DRAM a mapping always fits; moving loops inwards makes it better until it does not.
    #[test]
    fn all_loops_in_dram_fit() {
        let env = env("()").unwrap();
        let all = env.space().design_at(0).unwrap_or_else(|| Design::new(vec![0.0; env.space().len()]));
        let outcome = env.evaluate(&all, Fidelity::FULL);
        let metrics = outcome.metrics().unwrap();
        assert_eq!(metrics[2], env.model.problem().macs() as f64);
    }

    #[test]
    fn wrong_options_name_the_remedy() {
        let text = |options: &str| env(options).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(text("(architecture: \"eyeris\")").contains("eyeriss"));
        assert!(text("(architecture: \"nothere.yaml\")").contains("nothere.yaml"));
        assert!(text("(layer: \"conv33\")").contains("conv3"));
        assert!(text("(bypass: Serch)").contains("Search"));
    }
}
