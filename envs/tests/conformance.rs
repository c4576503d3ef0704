//! Every registered environment keeps the contract.

use hwgym_envs::{Options, Registry, conformance};

#[test]
fn every_registered_environment_keeps_the_contract() {
    for entry in Registry::builtin().entries() {
        let env = match entry.make(&Options::none()) {
            Ok(env) => env,
            Err(error) => panic!("{} does not build with default options: {error}", entry.id),
        };
        let report = conformance::check_env(&*env, 1);
        assert!(report.passed(), "{}\n{report}", entry.id);
        let report = conformance::check_formulations(&env, 1);
        assert!(report.passed(), "{}\n{report}", entry.id);
    }
}
