//! How a design comes to be: head by head, in the order of the space.

use hwgym_envs::{Design, DesignSpace, Random};

use super::archive::Row;
use super::heads::Heads;

/// Whoever decides a head. `ones` is what there is to see: the position of the head, then the one-hots of the decisions before it.
pub trait Chooser {
    /// Draws a choice; with its log-probability.
    fn choose(&mut self, head: usize, ones: &[u32], random: &mut Random) -> (usize, f32);

    /// The log-probability with which it would have made this choice.
    fn log_probability(&mut self, head: usize, ones: &[u32], choice: usize) -> f32;
}

/// A design with the decisions that made it.
#[derive(Clone, Debug)]
pub struct Drawn {
    /// The design, inactive parameters at their start.
    pub design: Design,
    /// The decisions.
    pub row: Row,
}

/// Draws a design, or with `given` follows these choices. Heads that the conditions of the space switch off are not asked.
pub fn draw(
    space: &DesignSpace,
    heads: &Heads,
    chooser: &mut dyn Chooser,
    given: Option<&[u16]>,
    random: &mut Random,
) -> Drawn {
    let count = heads.len();
    let mut design = Design::new(space.parameters().iter().map(|p| p.domain.first()).collect::<Vec<_>>());
    let (mut choices, mut active) = (vec![0u16; count], vec![false; count]);
    let mut log_probabilities = vec![0.0; count];
    let mut ones = Vec::with_capacity(count + 1);
    ones.push(0);
    for head in 0..count {
        if !space.is_active(&design, heads.parameter(head)) {
            continue;
        }
        ones[0] = head as u32;
        let (choice, log_probability) = match given {
            None => chooser.choose(head, &ones, random),
            Some(given) => {
                let choice = usize::from(given[head]);
                (choice, chooser.log_probability(head, &ones, choice))
            }
        };
        (choices[head], active[head], log_probabilities[head]) = (choice as u16, true, log_probability);
        heads.apply(head, &choices, &mut design);
        ones.push((count + heads.one_hot(head, choice)) as u32);
    }
    space.canonicalise(&mut design);
    let row =
        Row { choices: choices.into(), active: active.into(), log_probabilities: log_probabilities.into() };
    Drawn { design, row }
}
