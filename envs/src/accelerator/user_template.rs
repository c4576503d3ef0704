//! `accelerator-template-v1`: a user's architecture in Timeloop's YAML with named free parameters, for a whole network.
//!
//! `${name}` in the YAML is a place of a free parameter, `${name*other*2}` one of a product; the options list the values of
//! each parameter. Where the YAML has no energy
//! tables, energies and areas are estimated: a memory of at most 64 words as registers, a larger one as SRAM, one without a
//! size as LPDDR4.
use hwgym_simulators::accelerator::{
    Result as ModelResult,
    energy::{Component, DramKind},
    mapper,
    timeloop::{AccessEnergy, Architecture, Constraints, Specification},
};
use serde::Deserialize;

use super::{
    Version, network,
    network_mapper::{self, Mapper, NetworkMapper},
    template::reason,
};
use crate::prelude::*;

/// Options of the environment.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    architecture: String,
    parameters: Vec<Free>,
    network: String,
    mapper: Mapper,
    metric: mapper::Goal,
    technology_nm: f64,
}

/// A free parameter with its values.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Free {
    name: String,
    values: Vec<f64>,
    #[serde(default)]
    group: String,
}

/// The architecture without options: an array with one buffer.
const EXAMPLE: &str = include_str!("example.yaml");

impl Default for Settings {
    fn default() -> Self {
        let free = |name: &str, values: &[f64], group: &str| Free {
            name: name.into(),
            values: values.to_vec(),
            group: group.into(),
        };
        Self {
            architecture: String::new(),
            parameters: vec![
                free("buffer_depth", &[1024.0, 4096.0, 16384.0, 65536.0], "buffer"),
                free("buffer_bandwidth", &[8.0, 16.0, 32.0, 64.0], "buffer"),
                free("register_depth", &[8.0, 16.0, 32.0, 64.0], "array"),
                free("columns", &[4.0, 8.0, 16.0], "array"),
                free("rows", &[4.0, 8.0, 16.0], "array"),
            ],
            network: "alexnet-conv".into(),
            mapper: Mapper::Exact,
            metric: mapper::Goal::Edp,
            technology_nm: 45.0,
        }
    }
}

/// The environment.
struct TemplateEnv {
    version: Version,
    id: String,
    space: DesignSpace,
    metrics: Vec<Metric>,
    settings: Settings,
    mapper: NetworkMapper,
    file: String,
    yaml: String,
}

/// Id without its version.
const NAME: &str = "accelerator-template";

/// The registry entry.
pub fn entry(version: Version) -> EnvEntry {
    let summary = "your own architecture in Timeloop's YAML with named free parameters, for a whole network";
    EnvEntry::new(&version.id(NAME), &version.summary(NAME, summary), move |options| {
        Ok(Box::new(TemplateEnv::new(options, version)?))
    })
    .option(
        "architecture",
        "\"\"",
        "path of the YAML, with ${name} where a parameter goes; empty: a small example",
    )
    .option(
        "parameters",
        "[(name: \"buffer_depth\", values: [1024, 4096, 16384, 65536], group: \"buffer\"), ..]",
        "the free parameters with their values and, for multi-agent search, a group",
    )
    .option("network", "\"alexnet-conv\"", "a built-in network, or the path of a layer table (.ron)")
    .option(
        "mapper",
        "Exact",
        "`Exact`, `Random(evaluations: 2000, seed: 1)` or `Evolutionary(evaluations: 2000, seed: 1)`",
    )
    .option("metric", "Edp", "what the mapper minimises: Delay (then energy), Energy or Edp")
    .option(
        "technology_nm",
        "45.0",
        "technology of the estimates where the YAML has no tables, 5 to 180 nm",
    )
}

impl TemplateEnv {
    fn new(options: &Options, version: Version) -> Result<Self, EnvError> {
        let settings: Settings = options.parse()?;
        let network = network(&settings.network, options)?;
        let mapper = NetworkMapper::new(&network, settings.metric, settings.mapper, version.counting())?;
        let (file, yaml) = if settings.architecture.is_empty() {
            ("example.yaml".to_owned(), EXAMPLE.to_owned())
        } else {
            let path = options.path(&settings.architecture);
            let text = std::fs::read_to_string(&path)
                .map_err(|source| EnvError::File { path: path.clone(), source })?;
            (path.display().to_string(), text)
        };
        check_places(&yaml, &file, &settings.parameters)?;
        let mut parameters = Vec::new();
        let mut groups: Vec<Group> = Vec::new();
        for free in &settings.parameters {
            let mut values = free.values.clone();
            values.sort_by(f64::total_cmp);
            parameters.push(Parameter::ordinal(&free.name, values));
            match groups.iter_mut().find(|group| group.name == free.group) {
                Some(group) => group.parameters.push(free.name.clone()),
                None => groups.push(Group::new(&free.group, [free.name.clone()])),
            }
        }
        if groups.iter().any(|group| group.name.is_empty()) {
            if groups.len() > 1 {
                return Err(EnvError::invalid(
                    "parameters",
                    "some parameters have a group and some have none; give all of them one",
                ));
            }
            groups.clear();
        }
        let space = DesignSpace::new(parameters)?.with_groups(groups)?;
        let (id, metrics) = (version.id(NAME), network_mapper::metrics());
        let env = Self { version, id, space, metrics, settings, mapper, file, yaml };
        // What is wrong for the first values of all parameters is wrong with the file.
        let first = Design::new(vec![0.0; env.space.len()]);
        env.architecture(&first).map_err(|error| EnvError::Simulator(error.to_string()))?;
        Ok(env)
    }

    /// The YAML with the values of a design in its places.
    fn text(&self, design: &Design) -> String {
        let mut text = String::with_capacity(self.yaml.len());
        for piece in places(&self.yaml) {
            match piece {
                Piece::Text(part) => text.push_str(part),
                Piece::Place(expression) => {
                    let product = expression.split('*').fold(1.0, |product, factor| {
                        let factor = factor.trim();
                        let value = match self.space.position(factor) {
                            Ok(index) => self.space.number(design, index),
                            // `check_places` has seen that it is a number.
                            Err(_) => factor.parse().unwrap_or(1.0),
                        };
                        product * value
                    });
                    text.push_str(&crate::Value::number(product).to_string());
                }
            }
        }
        text
    }

    fn architecture(&self, design: &Design) -> ModelResult<(Architecture, Constraints)> {
        let text = self.text(design);
        let specification =
            Specification::from_texts(&[(&self.file, &text), ("a problem", super::mapping::ANY_PROBLEM)])?;
        let mut architecture = specification.architecture;
        if !text.lines().any(|line| line.starts_with("ERT")) {
            estimate(&mut architecture, self.settings.technology_nm)?;
        }
        Ok((architecture, specification.constraints))
    }
}

/// A part of a template.
enum Piece<'a> {
    Text(&'a str),
    /// What stands between `${` and `}`.
    Place(&'a str),
}

/// A template in parts; a place that does not end reaches to the end of the text.
fn places(yaml: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = yaml;
    while let Some(start) = rest.find("${") {
        let after = &rest[start + 2..];
        let end = after.find('}').unwrap_or(after.len());
        pieces.push(Piece::Text(&rest[..start]));
        pieces.push(Piece::Place(&after[..end]));
        rest = after.get(end + 1..).unwrap_or("");
    }
    pieces.push(Piece::Text(rest));
    pieces
}

/// Every parameter has a place in the file and every place a parameter.
fn check_places(yaml: &str, file: &str, parameters: &[Free]) -> Result<(), EnvError> {
    let names: Vec<&str> = parameters.iter().map(|free| free.name.as_str()).collect();
    let mut used = vec![false; names.len()];
    let mut line = 1;
    for piece in places(yaml) {
        match piece {
            Piece::Text(text) => line += text.matches('\n').count(),
            Piece::Place(expression) => {
                for factor in expression.split('*').map(str::trim) {
                    if let Some(index) = names.iter().position(|name| *name == factor) {
                        used[index] = true;
                    } else if factor.parse::<f64>().is_err() {
                        let hint = crate::suggest::suggestion(factor, &names);
                        let message = format!("{file}:{line}: no parameter is called `{factor}`{hint}");
                        return Err(EnvError::invalid("parameters", message));
                    }
                }
            }
        }
    }
    for (free, used) in parameters.iter().zip(used) {
        if !used {
            let message = format!("{file} has no place ${{{}}} for this parameter", free.name);
            return Err(EnvError::invalid("parameters", message));
        }
        if free.values.is_empty() {
            let message = format!("`{}` has no values; give at least one", free.name);
            return Err(EnvError::invalid("parameters", message));
        }
    }
    Ok(())
}

/// Largest memory in words that is estimated as registers.
const MOST_REGISTERS: u64 = 64;

/// Fills in energies and areas.
fn estimate(architecture: &mut Architecture, technology_nm: f64) -> ModelResult<()> {
    for level in &mut architecture.levels {
        let width_bits = (level.block_size * level.word_bits) as u32;
        let component = match level.size_words {
            None => Component::Dram { width_bits, kind: DramKind::Lpddr4 },
            Some(words) => {
                let depth = words.div_ceil(level.block_size);
                if words <= MOST_REGISTERS {
                    Component::RegisterFile { width_bits, depth }
                } else {
                    Component::Sram { width_bits, depth, banks: 1 }
                }
            }
        };
        let estimate = component.estimate(technology_nm)?;
        level.energy = AccessEnergy {
            read_pj: estimate.read_pj,
            fill_pj: estimate.write_pj,
            update_pj: estimate.write_pj,
            leak_pj: 0.0,
        };
        level.area_um2 = estimate.area_um2;
    }
    let mac = Component::IntMac { width_bits: architecture.arithmetic.word_bits as u32 };
    let mac = mac.estimate(technology_nm)?;
    architecture.arithmetic.compute_pj = mac.read_pj;
    architecture.arithmetic.area_um2 = mac.area_um2;
    Ok(())
}

impl Env for TemplateEnv {
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
        match self.architecture(design) {
            Ok((architecture, constraints)) => {
                network_mapper::outcome(&self.mapper, &architecture, &constraints)
            }
            // Values that do not go together, such as instances that do not divide.
            Err(error) => Outcome::infeasible(reason(error), 1.0),
        }
    }

    fn objectives(&self) -> Vec<Objective> {
        network_mapper::objectives()
    }

    fn provenance(&self) -> Vec<(String, String)> {
        vec![
            self.version.provenance(),
            ("architecture".into(), blake3::hash(self.yaml.as_bytes()).to_hex().to_string()),
            ("network".into(), self.settings.network.clone()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(options: &str) -> Result<TemplateEnv, EnvError> {
        TemplateEnv::new(&Options::ron(options), Version::V1)
    }

    #[test]
    fn values_reach_the_architecture() {
        let env = env("()").unwrap();
        let design = env
            .space()
            .design([
                ("buffer_depth", 4096.into()),
                ("buffer_bandwidth", 16.into()),
                ("register_depth", 32.into()),
                ("columns", 8.into()),
                ("rows", 4.into()),
            ])
            .unwrap();
        let (architecture, _) = env.architecture(&design).unwrap();
        assert_eq!(architecture.arithmetic.instances, 32);
        assert_eq!(architecture.levels[0].size_words, Some(32));
        assert!(architecture.levels.iter().all(|level| level.energy.read_pj > 0.0));
        assert!(env.evaluate(&design, Fidelity::FULL).metrics().is_some());
    }

    #[test]
    fn wrong_templates_name_the_place_and_the_remedy() {
        let text = |options: &str| env(options).err().map(|error| error.to_string()).unwrap_or_default();
        let names = ["buffer_depth", "buffer_bandwidth", "register_depth", "columns", "rows", "extra"];
        let all: Vec<String> = names.iter().map(|name| format!("(name: \"{name}\", values: [4])")).collect();
        let missing = format!("(parameters: [{}])", all.join(", "));
        assert!(text(&missing).contains("no place ${extra}"), "{}", text(&missing));
        let unknown = "(parameters: [(name: \"buffer_depth\", values: [1024])])";
        assert!(text(unknown).contains("example.yaml:") && text(unknown).contains("no parameter is called"));
        assert!(text("(architecture: \"nothere.yaml\")").contains("nothere.yaml"));
    }
}
