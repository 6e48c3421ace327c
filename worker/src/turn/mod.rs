//! Claiming a turn and making it final: the only code that moves a turn from state to state.

mod claim;
pub(crate) mod finish;

pub(crate) use claim::{Claimed, claim, take_generation};
