//! A build without the feature `neural` has all other agents, and says what it lacks. Run by
//! `cargo test -p hwgym-agents --no-default-features --test without_neural`.
#![cfg(not(feature = "neural"))]

use hwgym_agents::Registry;

#[test]
fn neural_agents_are_refused_with_the_remedy_and_the_others_are_there() {
    let registry = Registry::builtin();
    for id in ["ppo", "ippo", "mappo", "sac", "dqn", "coma", "reinforce", "policy"] {
        let message = registry.get(id).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(message.contains(&format!("agent `{id}` is not in this program")), "{message}");
        assert!(message.contains("build it with the default feature `neural`"), "{message}");
    }
    assert!(registry.get("bayesian").is_ok());
    let message = registry.get("pppo").err().map(|error| error.to_string()).unwrap_or_default();
    assert!(message.contains("no agent is called `pppo`"), "{message}");
}
