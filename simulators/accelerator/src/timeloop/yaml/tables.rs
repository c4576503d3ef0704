//! Energy and area reference tables (ERT, ART).
use super::document::Node;
use crate::error::Result;

/// Energies (pJ) and areas (um2) by component.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    energies: Vec<(String, Vec<(String, f64)>)>,
    areas: Vec<(String, f64)>,
    pub any_energy: bool,
    pub any_area: bool,
}

/// Last part of a component path without its index range: `system.PE[0..3].mac[0..7]` gives `mac`.
pub(crate) fn base_name(path: &str) -> &str {
    let mut depth = 0;
    let mut start = 0;
    for (at, c) in path.char_indices() {
        match c {
            '[' => depth += 1,
            ']' => depth -= 1,
            '.' if depth == 0 => start = at + 1,
            _ => {}
        }
    }
    let last = &path[start..];
    last.split('[').next().unwrap_or(last)
}

impl Tables {
    /// Adds the `ERT` or `ART` of one file.
    pub fn read(&mut self, root: &Node) -> Result<()> {
        if let Some(table) = root.get("ERT") {
            self.any_energy = true;
            for component in table.need("tables")?.items()? {
                let name = base_name(component.need("name")?.text()?).to_string();
                let mut energies: Vec<(String, f64)> = Vec::new();
                for action in component.need("actions")?.items()? {
                    let what = action.need("name")?.text()?.to_string();
                    let energy = action.need("energy")?.number()?;
                    // Several rows of one action differ in their arguments: the dearest is the random access.
                    match energies.iter_mut().find(|(n, _)| *n == what) {
                        Some(row) => row.1 = row.1.max(energy),
                        None => energies.push((what, energy)),
                    }
                }
                self.energies.push((name, energies));
            }
        }
        if let Some(table) = root.get("ART") {
            self.any_area = true;
            for component in table.need("tables")?.items()? {
                let name = base_name(component.need("name")?.text()?).to_string();
                self.areas.push((name, component.need("area")?.number()?));
            }
        }
        Ok(())
    }

    /// Energy of the first of `actions` that component `name` has.
    pub fn energy(&self, name: &str, actions: &[&str]) -> Option<f64> {
        let (_, rows) = self.energies.iter().find(|(n, _)| n == name)?;
        actions.iter().find_map(|action| rows.iter().find(|(n, _)| n == action).map(|(_, e)| *e))
    }

    /// Area of component `name`.
    pub fn area(&self, name: &str) -> Option<f64> {
        self.areas.iter().find(|(n, _)| n == name).map(|(_, area)| *area)
    }
}
