//! How the model is told: one template, the document as a labelled block of data, nothing
//! invisible.

mod first;
mod parts;
mod template;

pub use parts::Parts;
pub use providers::without_invisible;
pub use template::{Template, Told};
