//! Reads analytics events, drops repeats, and folds them into figures by day, provider and
//! document.
//!
//! `examples/analytics/README.md` defines the input and the output; [`event`] has the types.

pub mod event;
pub mod figures;
pub mod fold;
pub mod line;
pub mod moment;
