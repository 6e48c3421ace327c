//! Claiming a turn and making it final: the only code that moves a turn from state to state.

mod claim;
pub(crate) mod finish;
mod measure;

pub(crate) use claim::{Claim, Claimed, claim, take_generation};
pub(crate) use measure::Ending;
