//! From a design to its figures.

use crate::account::{Account, Summary};
use crate::design::Design;
use crate::graph::Graph;
use crate::infeasible::Infeasible;
use crate::library::Library;
use crate::loads::Loads;
use crate::rules::Rules;
use crate::schedule::{Schedule, Setting};
use crate::traffic::Traffic;
use crate::workload::Workload;

/// A workload, the blocks for it, and whose rules hold.
#[derive(Clone, Debug)]
pub struct Model {
    /// What is to be done.
    pub workload: Workload,
    /// The blocks.
    pub library: Library,
    /// Whose rules.
    pub rules: Rules,
}

impl Model {
    /// A model of a workload with FARSI's library.
    pub fn new(workload: Workload, rules: Rules) -> Self {
        Self { library: Library::farsi(&workload), workload, rules }
    }
}

/// Evaluates designs; its memory is reused, so that after the first few nothing is allocated.
///
/// ```
/// use hwgym_soc::{Design, Evaluator, Model, Rules, Workload};
///
/// let model = Model::new(Workload::builtin("edge_detection")?, Rules::CORRECTED);
/// let design = Design::least(&model.workload, &model.library);
/// let summary = Evaluator::default().evaluate(&model, &design).map_err(|reason| reason.to_string())?;
/// assert!(summary.latency_s > 1.0 && !summary.fits(&model.workload.budget));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Evaluator {
    pub(crate) graph: Graph,
    pub(crate) loads: Loads,
    pub(crate) traffic: Traffic,
    pub(crate) schedule: Schedule,
    pub(crate) account: Account,
}

impl Evaluator {
    /// Latency, power, energy and area of a design whose indices are in range.
    ///
    /// # Errors
    /// Why the design has none.
    pub fn evaluate(&mut self, model: &Model, design: &Design) -> Result<Summary, Infeasible> {
        let Model { workload, library, rules } = model;
        design.check(library)?;
        self.graph.build(design);
        if !rules.loose_memories {
            self.check_reach(workload, design)?;
        }
        self.loads.trace(workload, design, &self.graph)?;
        self.graph.part_strangers(&self.loads.tasks);
        self.graph.prune();
        if !self.graph.order.iter().any(|block| self.graph.is_memory(*block)) {
            return Err(Infeasible::NoReachableMemory);
        }
        self.check_paths(workload, design, true)?;
        if !rules.stale_loads {
            self.loads.trace(workload, design, &self.graph)?;
        }
        self.traffic.build(workload, library, rules, design, &self.graph, &self.loads);
        if rules.loose_memories {
            self.check_silence(workload, design)?;
        }
        self.check_paths(workload, design, false)?;
        self.schedule.arrange(workload, design, &self.graph, &self.loads);
        self.play(model, design)
    }

    /// Runs and settles what is built.
    fn play(&mut self, model: &Model, design: &Design) -> Result<Summary, Infeasible> {
        let setting = Setting {
            workload: &model.workload,
            library: &model.library,
            rules: &model.rules,
            design,
            graph: &self.graph,
            traffic: &self.traffic,
        };
        self.schedule.run(&setting)?;
        let loads = &self.loads;
        self.account.settle(&setting, &self.schedule, |block| loads.is_loaded(block))
    }

    /// Every task's processor and memory can be reached.
    fn check_reach(&self, workload: &Workload, design: &Design) -> Result<(), Infeasible> {
        let exists = |block: usize| self.graph.exists[block];
        let mut cut_off = (0..workload.len()).filter(|task| !exists(design.task_processor[*task]));
        if let Some(task) = cut_off.next() {
            return Err(Infeasible::ProcessorUnreachable { task, count: 1 + cut_off.count() });
        }
        let loose = |task: &usize| {
            !workload.edges_out(*task).is_empty() && !exists(self.graph.memory(design.task_memory[*task]))
        };
        let mut loose = (0..workload.len()).filter(loose);
        match loose.next() {
            None => Ok(()),
            Some(task) => Err(Infeasible::LooseMemory {
                task,
                memory: design.task_memory[task],
                count: 1 + loose.count(),
            }),
        }
    }

    /// No task's processor is cut off; where `moving`, only tasks count that move data through a memory that is not.
    fn check_paths(&self, workload: &Workload, design: &Design, moving: bool) -> Result<(), Infeasible> {
        let graph = &self.graph;
        let moves = |task: usize| {
            let memories = graph.order.iter().filter(|block| graph.is_memory(**block));
            memories.copied().any(|memory| self.loads.tasks.contains(memory, task))
        };
        let mut cut_off = (0..workload.len())
            .filter(|task| !graph.exists[design.task_processor[*task]] && (!moving || moves(*task)));
        match cut_off.next() {
            None => Ok(()),
            Some(task) => Err(Infeasible::ProcessorUnreachable { task, count: 1 + cut_off.count() }),
        }
    }

    /// FARSI cannot evaluate a processor whose tasks, not all of them dummies, move nothing.
    fn check_silence(&self, workload: &Workload, design: &Design) -> Result<(), Infeasible> {
        for processor in 0..design.processors.len() {
            let hosted = || (0..workload.len()).filter(|task| design.task_processor[*task] == processor);
            let works = hosted().any(|task| workload.work[task] > 0.0);
            if works && !hosted().any(|task| self.traffic.leaves(processor, task)) {
                return Err(Infeasible::SilentProcessor { processor });
            }
        }
        Ok(())
    }
}
