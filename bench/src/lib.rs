//! Measures the chatbot, and plays the providers that it talks to.

pub mod floor;
pub mod functions;
pub mod load;
pub mod measure;
pub mod report;
pub mod scenario;
pub mod stub;
