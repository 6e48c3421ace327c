//! The words of the design as types.

mod amounts;
mod citation;
mod codes;
mod digest;
mod ids;
mod principal;
mod replay;
mod session_key;
mod text;
mod timestamp;
mod timings;
mod turn;

pub use amounts::{MicroUsd, Usage};
pub use citation::{
    Citation, Grounding, MAX_CITATIONS, MAX_QUOTE_CHARS, NumberedPassage, citations_sha256,
    without_marks,
};
pub use codes::{ContextUse, ErrorCode, FinishReason, ProviderName, Rating, TurnKind};
pub use digest::sha256_hex;
pub use ids::{ConnectionId, DocumentId, IdError, MessageId, SessionId};
pub use principal::{Principal, PrincipalError, PrincipalHash};
pub use replay::{Exchange, MAX_REPLAY_BYTES, Replay, ReplayError};
pub use session_key::{SessionKey, SessionKeyError};
pub use text::{MAX_MESSAGE_CODE_POINTS, MessageText, TextError, is_legal, utf16_len};
pub use timestamp::{ExpiresAt, Timestamp};
pub use timings::Timings;
pub use turn::{Epoch, TurnNumber, TurnNumberError};
