//! How the model is told: one template, the document as a labelled block of data, nothing
//! invisible.

mod first;
mod parts;
mod sanitize;
mod template;

pub use parts::Parts;
pub use sanitize::without_invisible;
pub use template::{Template, Told};
