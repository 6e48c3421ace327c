//! Measures in memory.

use std::sync::Mutex;

use super::lock;
use crate::ports::{Metrics, TurnMeasure};

/// Keeps what was measured, in order.
#[derive(Debug, Default)]
pub struct MemoryMetrics(Mutex<Vec<TurnMeasure>>);

impl MemoryMetrics {
    /// Makes one that has measured nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns what was measured.
    pub fn turns(&self) -> Vec<TurnMeasure> {
        lock(&self.0).clone()
    }
}

impl Metrics for MemoryMetrics {
    fn turn(&self, measure: &TurnMeasure) {
        lock(&self.0).push(measure.clone());
    }
}
