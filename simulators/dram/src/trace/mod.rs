//! Traces: reading, writing, generating, measuring and recording lists of memory requests.
//!
//! The text format is DRAMSys' `.stl`, plain or gzip-compressed (told apart by content, not by name):
//!
//! ```text
//! # comment
//! 0:   read       0x400140
//! 4:   write      0x400180
//! 9:   (32) read  0x4001c0          <- optional length in bytes
//! 12:  write      0x400200 0x00ff   <- optional data, checked and dropped
//! ```
//!
//! | file | what |
//! |---|---|
//! | `line` | one line to one [`Request`](crate::Request): a fast path and one that explains errors |
//! | `reader`, `input` | streaming [`StlReader`], gzip detection |
//! | `writer` | [`StlWriter`] |
//! | `generate` | synthetic traces from a typed, seeded [`GeneratorSpec`] |
//! | `programs` | [`ProgramMix`]: recorded programs that contend for one memory |
//! | `info` | [`TraceInfo`]: what a trace looks like |
//! | `cache`, `paging`, `lackey`, `record` | traces of real programs through valgrind and a cache hierarchy |
//! | `shipped`, `workload` | the recorded traces of this repository, and workloads by name |
pub mod cache;
pub mod generate;
pub mod info;
mod input;
pub mod lackey;
mod line;
pub mod paging;
pub mod programs;
pub mod reader;
pub mod record;
pub mod shipped;
pub mod workload;
pub mod writer;

pub use cache::{CacheConfig, CacheLevel};
pub use generate::{Arrival, GeneratorSpec, Pattern};
pub use info::TraceInfo;
pub use line::MAX_CYCLE;
pub use programs::ProgramMix;
pub use reader::{StlReader, load};
pub use record::{RecordConfig, RecordSummary};
pub use shipped::ShippedTrace;
pub use workload::Workload;
pub use writer::StlWriter;
