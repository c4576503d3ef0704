//! A problem on an architecture, compiled into flat tables so that mappings are evaluated without allocation.
use super::architecture::{Architecture, MAX_LEVELS};
use super::counting::Counting;
use super::mapping::{Nest, check};
use super::report::Report;
use super::space::Space;
use crate::error::{Error, Result};
use crate::workload::{MAX_DIMS, Problem};

/// The compiled loop-nest model: one problem on one architecture.
///
/// ```
/// use hwgym_accelerator::timeloop::{Architecture, Arithmetic, Level, Model, Nest};
/// use hwgym_accelerator::workload::Convolution;
///
/// let buffer = Level { name: "buffer".into(), size_words: Some(64), ..Level::default() };
/// let dram = Level { name: "DRAM".into(), ..Level::default() };
/// let mac = Arithmetic {
///     name: "mac".into(), word_bits: 16, instances: 1, mesh_x: 1, compute_pj: 1.0, leak_pj: 0.0, area_um2: 0.0,
/// };
/// let architecture =
///     Architecture { name: "tiny".into(), levels: vec![buffer, dram], arithmetic: mac }.checked()?;
/// let model = Model::new(architecture, Convolution::gemm("product", 4, 4, 4).problem()?)?;
/// let mut nest = Nest::unit();
/// for dim in [0, 1, 5] {
///     nest.temporal[0][dim] = 4; // C, M and P, all in the buffer
/// }
/// assert_eq!(model.report(&nest)?.cycles, 64);
/// # Ok::<(), hwgym_accelerator::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Model {
    pub(crate) architecture: Architecture,
    pub(crate) problem: Problem,
    pub(crate) spaces: Vec<Space>,
    pub(crate) dims: usize,
    pub(crate) levels: usize,
    pub(crate) macs: u64,
    pub(crate) words: Vec<u64>,
    pub(crate) capacity: [u64; MAX_LEVELS],
    pub(crate) least: [u64; MAX_LEVELS],
    pub(crate) fanout: [(u64, u64); MAX_LEVELS],
    pub(crate) bandwidth: [[f64; 3]; MAX_LEVELS],
    pub(crate) block: [u64; MAX_LEVELS],
    pub(crate) clusters: [u64; MAX_LEVELS],
    /// Cycles of all networks to fill and to drain.
    pub(crate) network_latency: u64,
    pub(crate) counting: Counting,
    pub(crate) link_transfers: bool,
    pub(crate) exact_rounding: bool,
}

impl Model {
    /// Compiles `problem` onto `architecture`, with exact counts.
    ///
    /// # Errors
    /// What [`Architecture::checked`] and [`Problem::checked`] find, and a data space in which a dimension appears in a sliding
    /// window and elsewhere.
    pub fn new(architecture: Architecture, problem: Problem) -> Result<Self> {
        Self::with_counting(architecture, problem, Counting::Exact)
    }

    /// Compiles `problem` onto `architecture`.
    ///
    /// # Errors
    /// As [`Model::new`].
    pub fn with_counting(architecture: Architecture, problem: Problem, counting: Counting) -> Result<Self> {
        let architecture = architecture.checked()?;
        let problem = problem.checked()?;
        let (dims, levels) = (problem.dims.len(), architecture.levels.len());
        let mut capacity = [u64::MAX; MAX_LEVELS];
        let mut least = [0; MAX_LEVELS];
        let mut fanout = [(1, 1); MAX_LEVELS];
        let mut bandwidth = [[f64::INFINITY; 3]; MAX_LEVELS];
        let mut block = [1; MAX_LEVELS];
        let mut clusters = [1; MAX_LEVELS];
        for (index, level) in architecture.levels.iter().enumerate() {
            capacity[index] = level.effective_size().unwrap_or(u64::MAX);
            least[index] =
                level.effective_size().map_or(0, |size| (level.min_utilization * size as f64).ceil() as u64);
            fanout[index] = architecture.fanout(index);
            bandwidth[index] = [level.read_bandwidth, level.write_bandwidth, level.shared_bandwidth]
                .map(|limit| limit.unwrap_or(f64::INFINITY));
            block[index] = level.block_size;
            clusters[index] = level.instances / level.cluster_size;
        }
        let network_latency = architecture.levels.iter().map(|level| level.network_latency).sum();
        let spaces = problem.spaces.iter().map(|s| Space::new(s, &problem, counting));
        let spaces: Vec<Space> = spaces.collect::<Result<_>>()?;
        let mut bounds = [1; MAX_DIMS];
        bounds[..dims].copy_from_slice(&problem.bounds);
        Ok(Self {
            words: spaces.iter().map(|space| space.tile(&bounds)).collect(),
            spaces,
            macs: problem.macs(),
            architecture,
            problem,
            dims,
            levels,
            capacity,
            least,
            fanout,
            bandwidth,
            block,
            clusters,
            network_latency,
            counting,
            link_transfers: false,
            exact_rounding: counting == Counting::Exact,
        })
    }

    /// Counts transfers between neighbours of a mesh where they lower the reads of the level above (off by default).
    ///
    /// # Errors
    /// Exact counts, which have no rule for them.
    pub fn with_link_transfers(mut self, on: bool) -> Result<Self> {
        if on && self.counting != Counting::Timeloop {
            return Err(Error::invalid(
                "link transfers are defined by Timeloop's counting alone",
                "count as Timeloop does (`counting: timeloop`), or leave them out",
            ));
        }
        self.link_transfers = on;
        Ok(self)
    }

    /// Rounds the cycles of limited bandwidths up exactly (the default of exact counting). Timeloop does it in floating point, by
    /// which an exact quotient of words and bandwidth often comes out one cycle higher.
    pub fn with_exact_rounding(mut self, on: bool) -> Self {
        self.exact_rounding = on;
        self
    }

    /// Whose counts it gives.
    pub fn counting(&self) -> Counting {
        self.counting
    }

    /// The same problem on the same architecture, counted otherwise; link transfers are off.
    ///
    /// # Errors
    /// As [`Model::new`].
    pub fn counted(&self, counting: Counting) -> Result<Self> {
        Self::with_counting(self.architecture.clone(), self.problem.clone(), counting)
    }

    /// The architecture.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// The problem.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// Everything the model says about one mapping, with the violations where it does not fit.
    ///
    /// # Errors
    /// A mapping that is not one of this problem: factors that do not multiply to the bounds, incomplete permutations, an outermost level
    /// that does not keep everything.
    pub fn report(&self, nest: &Nest) -> Result<Report> {
        check(nest, &self.architecture, &self.problem)?;
        Ok(Report::new(self, nest))
    }
}
