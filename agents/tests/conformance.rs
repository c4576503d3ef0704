//! Every registered agent keeps the contract.

use hwgym_agents::{Registry, conformance};

#[test]
fn every_registered_agent_keeps_the_contract() {
    let registry = Registry::builtin();
    // An external agent is a program of the user's, a policy a file: `tests/external.rs` and `tests/transfer.rs` have some.
    for entry in registry.entries().filter(|entry| !["external", "policy"].contains(&entry.id.as_str())) {
        let report = conformance::check_agent(&registry, &entry.id, 1);
        assert!(report.passed(), "{}\n{report}", entry.id);
    }
}
