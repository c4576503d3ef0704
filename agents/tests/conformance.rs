//! Every registered agent keeps the contract.

use hwgym_agents::{Registry, conformance};

#[test]
fn every_registered_agent_keeps_the_contract() {
    let registry = Registry::builtin();
    // An external agent is a program of the user's: `tests/external.rs` runs one.
    for entry in registry.entries().filter(|entry| entry.id != "external") {
        let report = conformance::check_agent(&registry, &entry.id, 1);
        assert!(report.passed(), "{}\n{report}", entry.id);
    }
}
