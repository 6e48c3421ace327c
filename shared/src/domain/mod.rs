//! The words of the design as types.

mod amounts;
mod codes;
mod ids;
mod principal;
mod session_key;
mod text;
mod timestamp;
mod turn;

pub use amounts::{MicroUsd, Usage};
pub use codes::{ContextUse, ErrorCode, FinishReason, ProviderName, Rating, TurnKind};
pub use ids::{ConnectionId, DocumentId, IdError, MessageId, SessionId};
pub use principal::{Principal, PrincipalError, PrincipalHash};
pub use session_key::{SessionKey, SessionKeyError};
pub use text::{MAX_MESSAGE_CODE_POINTS, MessageText, TextError, is_legal, utf16_len};
pub use timestamp::{ExpiresAt, Timestamp};
pub use turn::{Epoch, TurnNumber, TurnNumberError};
