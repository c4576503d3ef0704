//! What is wrong with a circuit's structure: loops of voltage sources, nodes without a path to ground.

use super::system::{System, location_of};
use crate::error::CircuitError;
use crate::netlist::Kind;
use crate::netlist::formula::Input;

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
        let voltage = matches!(
            e.kind,
            Kind::Voltage(_)
                | Kind::Vcvs
                | Kind::Ccvs(_)
                | Kind::Inductor
                | Kind::Formula { voltage: true, .. }
        );
        if voltage && !loops.join(e.nodes[0], e.nodes[1]) {
            let reason = format!(
                "{}: `{}` closes a loop of voltage sources and inductors between `{}` and `{}`; put a small resistor in the loop",
                e.location, e.name, netlist.nodes[e.nodes[0] as usize], netlist.nodes[e.nodes[1] as usize]
            );
            return Some(CircuitError::Singular { reason });
        }
    }
    None
}

/// Sets of nodes without a path to ground.
pub fn floating(system: &System) -> Vec<Vec<usize>> {
    let netlist = &system.netlist;
    let mut paths = Groups((0..netlist.nodes.len()).collect());
    for e in &netlist.elements {
        match &e.kind {
            Kind::Capacitor | Kind::Current(_) | Kind::Cccs(_) | Kind::Mutual(..) => {}
            Kind::Formula { voltage: false, .. } | Kind::Vccs => {}
            // A gate is insulated; drain, source and bulk conduct.
            Kind::Device if e.name.starts_with('m') => {
                for n in &e.nodes[2..] {
                    paths.join(e.nodes[0], *n);
                }
            }
            Kind::Vcvs | Kind::Switch { .. } => {
                paths.join(e.nodes[0], e.nodes[1]);
            }
            // The substrate of a bipolar device hangs on its junction too.
            _ => {
                for n in &e.nodes[1..] {
                    paths.join(e.nodes[0], *n);
                }
            }
        }
    }
    let ground = paths.find(0);
    let mut groups: Vec<(usize, Vec<usize>)> = Vec::new();
    for n in 1..netlist.nodes.len() {
        let root = paths.find(n);
        if root == ground {
            continue;
        }
        match groups.iter_mut().find(|g| g.0 == root) {
            Some(group) => group.1.push(n),
            None => groups.push((root, vec![n])),
        }
    }
    // A node that a controlled current source drives, and that controls it, is held by it.
    groups.retain(|(_, nodes)| {
        !netlist.elements.iter().any(|e| {
            let held = |n: &u32| nodes.contains(&(*n as usize));
            let control = match &e.kind {
                Kind::Vccs => e.nodes[2..].to_vec(),
                Kind::Formula { voltage: false, formula } => formula
                    .inputs
                    .iter()
                    .flat_map(|i| match i {
                        Input::Voltage(p, m) => vec![*p, *m],
                        Input::Current(_) => Vec::new(),
                    })
                    .collect(),
                _ => return false,
            };
            e.nodes[..2].iter().any(held) && control.iter().any(held)
        })
    });
    groups.into_iter().map(|g| g.1).collect()
}

/// What is said of nodes that get a conductance to ground.
pub fn tied(system: &System, nodes: &[usize]) -> String {
    let netlist = &system.netlist;
    let list: Vec<String> = nodes
        .iter()
        .take(5)
        .map(|n| match location_of(system, *n) {
            Some(l) => format!("`{}` ({l})", netlist.nodes[*n]),
            None => format!("`{}`", netlist.nodes[*n]),
        })
        .collect();
    format!(
        "no DC path to ground from node{} {}; only capacitors, current sources or gates connect there: joined to ground by {:e} S",
        if nodes.len() > 1 { "s" } else { "" },
        list.join(", "),
        system.surroundings.gmin
    )
}
