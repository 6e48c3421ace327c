//! Measures the chatbot: benchmarks, and the load that they put on a server.

pub mod floor;
pub mod functions;
pub mod load;
pub mod measure;
pub mod report;
pub mod scenario;
