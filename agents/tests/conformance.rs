//! Every registered agent keeps the contract.

use hwgym_agents::{Registry, conformance};

#[test]
fn every_registered_agent_keeps_the_contract() {
    let registry = Registry::builtin();
    for entry in registry.entries() {
        let report = conformance::check_agent(&registry, &entry.id, 1);
        assert!(report.passed(), "{}\n{report}", entry.id);
    }
}
