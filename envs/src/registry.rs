//! Environments by id.

use std::ops::{Deref, DerefMut};
use std::path::PathBuf;
use std::sync::Arc;

use crate::accelerator::Version;
use crate::catalogue::{Catalogue, CatalogueError, Entry, Field};
use crate::wrappers::Layer;
use crate::{Design, Env, EnvError, Fidelity, Options, Outcome, Random};

type Build = dyn Fn(&Options) -> Result<Box<dyn Env>, EnvError> + Send + Sync;

/// One registered environment.
#[derive(Clone)]
pub struct EnvEntry {
    /// The versioned id.
    pub id: String,
    /// What it is, in a line.
    pub summary: String,
    /// The options it takes.
    pub options: Vec<Field>,
    build: Arc<Build>,
    draw: Option<DrawInstance>,
}

/// Draws the options of an instance, as RON; the text holds further options that all of them have.
type DrawInstance = fn(&mut Random, &str) -> String;

impl EnvEntry {
    /// An entry that builds its environment with this function.
    pub fn new(
        id: &str,
        summary: &str,
        build: impl Fn(&Options) -> Result<Box<dyn Env>, EnvError> + Send + Sync + 'static,
    ) -> Self {
        Self {
            id: id.into(),
            summary: summary.into(),
            options: Vec::new(),
            build: Arc::new(build),
            draw: None,
        }
    }

    /// The same with one more option documented.
    pub fn option(mut self, name: &'static str, default: &'static str, description: &'static str) -> Self {
        self.options.push(Field { name, default, range: "", description });
        self
    }

    /// The same with a way to draw instances at random, such as workloads: what a policy for any of them is trained on.
    pub fn with_instances(self, draw: DrawInstance) -> Self {
        Self { draw: Some(draw), ..self }
    }

    /// The options of an instance drawn at random, together with these further ones (`requests: 1500`), as RON; `None` if there is no way
    /// to draw any.
    pub fn draw_instance(&self, random: &mut Random, further: &str) -> Option<String> {
        self.draw.map(|draw| draw(random, further))
    }

    /// Builds the environment. Errors: options that do not read, or that it cannot use.
    pub fn make(&self, options: &Options) -> Result<Arc<dyn Env>, EnvError> {
        let (env, files) = options.noting(|options| (self.build)(options))?;
        Ok(if files.is_empty() { Arc::from(env) } else { Arc::new(Sourced { env, files }) })
    }
}

/// An environment with the files that its options named while it was built.
struct Sourced {
    env: Box<dyn Env>,
    files: Vec<PathBuf>,
}

impl Layer for Sourced {
    fn inner(&self) -> &dyn Env {
        self.env.as_ref()
    }
    fn evaluate_batch(&self, designs: &[Design], fidelity: Fidelity) -> Vec<Outcome> {
        self.env.evaluate_batch(designs, fidelity)
    }
    fn prefers_batches(&self) -> bool {
        self.env.prefers_batches()
    }
    fn inputs(&self) -> Vec<PathBuf> {
        let mut files = self.env.inputs();
        files.extend(self.files.iter().cloned());
        files
    }
}

impl Entry for EnvEntry {
    const KIND: &'static str = "environment";
    const LISTED_BY: &'static str = "hwgym env list";

    fn id(&self) -> &str {
        &self.id
    }
}

/// Environments by id. A value, not a global: a program may add its own to [`Registry::builtin`].
#[derive(Clone, Default)]
pub struct Registry(Catalogue<EnvEntry>);

impl Registry {
    /// Every environment of this crate.
    pub fn builtin() -> Self {
        let mut entries: Vec<EnvEntry> = vec![
            crate::dram_controller::entry(),
            crate::accelerator::eyeriss::entry(Version::V0),
            crate::accelerator::eyeriss::entry(Version::V1),
            crate::accelerator::maestro_mapping::entry(),
            crate::accelerator::mapping::entry(Version::V0),
            crate::accelerator::mapping::entry(Version::V1),
            crate::accelerator::simba::entry(Version::V0),
            crate::accelerator::simba::entry(Version::V1),
            crate::accelerator::systolic_array::entry(),
            crate::accelerator::systolic_array::entry_v1(),
            crate::accelerator::user_template::entry(Version::V0),
            crate::accelerator::user_template::entry(Version::V1),
        ];
        entries.extend(crate::circuit::entries());
        entries.extend(crate::soc::entries());
        entries.extend(crate::synthetic::entries());
        entries.push(crate::command::entry());
        entries.push(crate::table::entry());
        Self(entries.into_iter().collect())
    }

    /// The entry of this id, or of the definition of a [program](crate::command) in the file of this name. Errors: an unknown id.
    pub fn find(&self, id: &str) -> Result<EnvEntry, CatalogueError> {
        if crate::command::is_path(id) { Ok(crate::command::entry_of(id)) } else { self.get(id).cloned() }
    }

    /// Builds an environment; the id may also be the path of a [definition](crate::command). Errors: an unknown id; see also
    /// [`EnvEntry::make`].
    pub fn make(&self, id: &str, options: &Options) -> Result<Arc<dyn Env>, EnvError> {
        self.find(id)?.make(options)
    }
}

impl Deref for Registry {
    type Target = Catalogue<EnvEntry>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Registry {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}
