//! Exhaustive enumeration with the plain evaluator, where the space is small.
use super::factors::divisors_of;
use super::mapspace::Mapspace;
use super::{Goal, Sampled, Solution};
use crate::error::{Error, Result};
use crate::timeloop::evaluate::Detail;
use crate::timeloop::mapping::Nest;

/// Evaluates every mapping: all factorisations, mesh axes, bypass choices and orders of the loops that are there.
///
/// # Errors
/// [`Error::Invalid`] as soon as more than `at_most` mappings have been met.
pub fn exhaustive(space: &Mapspace, goal: Goal, at_most: u64) -> Result<Sampled> {
    let mut walk = Walk { space, goal, at_most, result: Sampled::default(), detail: Detail::default() };
    let mut nest = space.start();
    walk.bypass(0, &mut nest)?;
    Ok(walk.result)
}

struct Walk<'a> {
    space: &'a Mapspace<'a>,
    goal: Goal,
    at_most: u64,
    result: Sampled,
    detail: Detail,
}

impl Walk<'_> {
    fn bypass(&mut self, level: usize, nest: &mut Nest) -> Result<()> {
        let model = self.space.model;
        if level == model.levels {
            return self.factors(0, 0, model.problem.bounds[0], nest);
        }
        let all = ((1u16 << model.spaces.len()) - 1) as u8;
        let limits = self.space.limits;
        let must = limits.keep[level] & all;
        let free =
            if level + 1 == model.levels { 0 } else { all & !limits.keep[level] & !limits.bypass[level] };
        let mut subset = free;
        loop {
            nest.keep[level] = must | subset;
            self.bypass(level + 1, nest)?;
            if subset == 0 {
                return Ok(());
            }
            subset = (subset - 1) & free;
        }
    }

    /// Slots of a dimension are its temporal and spatial blocks, innermost first.
    fn factors(&mut self, dim: usize, slot: usize, left: u64, nest: &mut Nest) -> Result<()> {
        let model = self.space.model;
        if dim == model.dims {
            return self.axes(0, nest);
        }
        if slot == 2 * model.levels {
            if left > 1 {
                return Ok(());
            }
            let bound = model.problem.bounds.get(dim + 1).copied().unwrap_or(1);
            return self.factors(dim + 1, 0, bound, nest);
        }
        let (level, spatial) = (slot / 2, slot % 2 == 1);
        let limits = self.space.limits;
        let block = if spatial { limits.spatial[level] } else { limits.temporal[level] };
        for factor in divisors_of(left as u32) {
            if factor < block.least[dim] || factor > block.most[dim] {
                continue;
            }
            if spatial {
                nest.spatial[level][dim] = factor;
            } else {
                nest.temporal[level][dim] = factor;
            }
            self.factors(dim, slot + 1, left / u64::from(factor), nest)?;
        }
        if spatial {
            nest.spatial[level][dim] = 1;
        } else {
            nest.temporal[level][dim] = 1;
        }
        Ok(())
    }

    /// All axes of the spatial factors. The cost depends on none, so the first that fits is enough.
    fn axes(&mut self, level: usize, nest: &mut Nest) -> Result<()> {
        let model = self.space.model;
        if level == model.levels {
            if model.fits(nest).is_err() || !self.space.busy_enough(nest) {
                self.result.rejected += 1;
                return Ok(());
            }
            return self.orders(0, nest);
        }
        for along_y in 0..1u16 << model.dims {
            let spread = (0..model.dims).all(|d| along_y >> d & 1 == 0 || nest.spatial[level][d] > 1);
            nest.along_y[level] = along_y;
            if spread && model.mesh_fits(nest, level).is_ok() && self.space.axes_allowed_below(nest, level) {
                return self.axes(level + 1, nest);
            }
            nest.along_y[level] = 0;
        }
        self.result.rejected += 1;
        Ok(())
    }

    fn orders(&mut self, level: usize, nest: &mut Nest) -> Result<()> {
        let model = self.space.model;
        if level == model.levels {
            let cost = model.cost(nest, &mut self.detail);
            self.result.evaluations += 1;
            if self.result.evaluations > self.at_most {
                return Err(Error::invalid(
                    format!("more than {} mappings", self.at_most),
                    "use the exact mapper, or constrain the space",
                ));
            }
            if self.result.best.is_none_or(|b| self.goal.better(&cost, &b.cost)) {
                self.result.best = Some(Solution { nest: *nest, cost });
            }
            return Ok(());
        }
        let active: Vec<u8> =
            (0..model.dims as u8).filter(|&d| nest.temporal[level][d as usize] > 1).collect();
        let idle: Vec<u8> =
            (0..model.dims as u8).filter(|&d| nest.temporal[level][d as usize] == 1).collect();
        let mut prefix = Vec::new();
        self.permute(level, &active, &idle, &mut prefix, nest)
    }

    fn permute(
        &mut self,
        level: usize,
        active: &[u8],
        idle: &[u8],
        prefix: &mut Vec<u8>,
        nest: &mut Nest,
    ) -> Result<()> {
        if prefix.len() == active.len() {
            if !self.order_allowed(level, prefix) {
                return Ok(());
            }
            nest.order[level][..prefix.len()].copy_from_slice(prefix);
            nest.order[level][prefix.len()..prefix.len() + idle.len()].copy_from_slice(idle);
            return self.orders(level + 1, nest);
        }
        for &d in active {
            if !prefix.contains(&d) {
                prefix.push(d);
                self.permute(level, active, idle, prefix, nest)?;
                prefix.pop();
            }
        }
        Ok(())
    }

    fn order_allowed(&self, level: usize, order: &[u8]) -> bool {
        let limits = self.space.limits;
        let wanted: Vec<u8> = limits.innermost[level].iter().copied().filter(|d| order.contains(d)).collect();
        let last: Vec<u8> = limits.outermost[level].iter().copied().filter(|d| order.contains(d)).collect();
        order.starts_with(&wanted) && order.ends_with(&last)
    }
}
