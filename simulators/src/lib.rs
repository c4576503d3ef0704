//! The simulators of hwgym: pure models without any notion of gyms, agents or studies.
//!
//! Each lives in a crate of its own, so that it builds and tests alone. A simulator may also be another program: [`process`] runs those.
pub use hwgym_accelerator as accelerator;
pub use hwgym_circuit as circuit;
pub use hwgym_dram as dram;
pub use hwgym_process as process;
pub use hwgym_soc as soc;
