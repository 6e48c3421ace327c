//! Measures the chatbot, and plays the providers that it talks to.

pub mod stub;
