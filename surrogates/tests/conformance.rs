//! Every registered surrogate keeps the contract.

use hwgym_surrogates::{Registry, conformance};

#[test]
fn every_registered_surrogate_keeps_the_contract() {
    let registry = Registry::builtin();
    for entry in registry.entries() {
        let report = conformance::check_surrogate(&registry, &entry.id, 1);
        assert!(report.passed(), "{}\n{report}", entry.id);
    }
}
