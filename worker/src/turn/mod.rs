//! Claiming a turn and making it final: the only code that moves a turn from state to state.

mod claim;
mod finish;
mod measure;
mod protocol;

pub(crate) use claim::{Claim, ClaimOutcome};
pub(crate) use measure::MeasuredOutcome;
pub(crate) use protocol::TurnProtocol;
