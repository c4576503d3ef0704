//! Why a circuit has no unique solution: nodes without a path to ground, loops of voltage sources.

use super::system::{System, location_of};
use crate::error::CircuitError;
use crate::netlist::Kind;

/// Sets of connected nodes.
struct Groups(Vec<usize>);

impl Groups {
    fn find(&mut self, mut a: usize) -> usize {
        while self.0[a] != a {
            self.0[a] = self.0[self.0[a]];
            a = self.0[a];
        }
        a
    }

    /// Joins two sets; false if they were one already.
    fn join(&mut self, a: u32, b: u32) -> bool {
        let (a, b) = (self.find(a as usize), self.find(b as usize));
        self.0[a] = b;
        a != b
    }
}

/// The error for a singular matrix whose elimination got stuck at `columns`.
pub fn singular(system: &System, columns: &[u32]) -> CircuitError {
    structure(system).unwrap_or_else(|| {
        let names: Vec<&str> = columns.iter().take(4).map(|c| system.names[*c as usize].as_str()).collect();
        CircuitError::Singular { reason: format!("the matrix is singular at {}", names.join(", ")) }
    })
}

/// A structural reason, if there is one.
pub fn structure(system: &System) -> Option<CircuitError> {
    let netlist = &system.netlist;
    let mut loops = Groups((0..netlist.nodes.len()).collect());
    for e in &netlist.elements {
        let voltage = matches!(e.kind, Kind::Voltage(_) | Kind::Vcvs | Kind::Ccvs(_) | Kind::Inductor);
        if voltage && !loops.join(e.nodes[0], e.nodes[1]) {
            let reason = format!(
                "{}: `{}` closes a loop of voltage sources and inductors between `{}` and `{}`; put a small resistor in the loop",
                e.location, e.name, netlist.nodes[e.nodes[0] as usize], netlist.nodes[e.nodes[1] as usize]
            );
            return Some(CircuitError::Singular { reason });
        }
    }
    let mut paths = Groups((0..netlist.nodes.len()).collect());
    for e in &netlist.elements {
        match &e.kind {
            Kind::Capacitor | Kind::Current(_) | Kind::Cccs(_) | Kind::Mutual(..) => {}
            // A gate is insulated; drain, source and bulk conduct.
            Kind::Device if e.name.starts_with('m') => {
                paths.join(e.nodes[0], e.nodes[2]);
                paths.join(e.nodes[0], e.nodes[3]);
            }
            // The substrate of a bipolar device hangs on its junction too.
            Kind::Vcvs => {
                paths.join(e.nodes[0], e.nodes[1]);
            }
            _ => {
                for n in &e.nodes[1..] {
                    paths.join(e.nodes[0], *n);
                }
            }
        }
    }
    let ground = paths.find(0);
    let floating: Vec<usize> = (1..netlist.nodes.len()).filter(|n| paths.find(*n) != ground).collect();
    if floating.is_empty() {
        return None;
    }
    let list: Vec<String> = floating
        .iter()
        .take(5)
        .map(|n| match location_of(system, *n) {
            Some(l) => format!("`{}` ({l})", netlist.nodes[*n]),
            None => format!("`{}`", netlist.nodes[*n]),
        })
        .collect();
    let reason = format!(
        "no DC path to ground from node{} {}; only capacitors, current sources or gates connect there: add a large resistor",
        if floating.len() > 1 { "s" } else { "" },
        list.join(", ")
    );
    Some(CircuitError::Singular { reason })
}
