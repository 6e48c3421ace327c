//! What is read from the machine: times of processes, memory, the disk, and the statistics of them.

mod browser;
mod disk;
mod machine;
mod process;
mod statistics;

pub use browser::Paint;
pub use disk::Disk;
pub use machine::Machine;
pub use process::Process;
pub use statistics::{Spread, percentile};
