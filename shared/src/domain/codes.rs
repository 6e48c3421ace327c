//! The closed sets of the contract.

use serde::{Deserialize, Serialize};

macro_rules! closed_set {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $text)] $variant,)+
        }

        impl $name {
            /// Every value, in the order of the contract.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// Returns the value as the contract writes it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// Finds the value that the contract writes so.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == text)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

closed_set! {
    /// Why a turn failed, or a frame or a request was refused.
    ErrorCode {
        /// No provider could answer, after all retries and fallbacks.
        ProvidersUnavailable = "providers_unavailable",
        /// Every provider refused the request or its credentials.
        ProvidersRejected = "providers_rejected",
        /// No provider is configured that may answer.
        NoProvider = "no_provider",
        /// The day's budget of the stack or of the principal is spent.
        BudgetExhausted = "budget_exhausted",
        /// The turn was begun too often without reaching its end.
        AttemptsExhausted = "attempts_exhausted",
        /// The worker that answered the turn disappeared.
        Abandoned = "abandoned",
        /// Something that the caller must change.
        InvalidRequest = "invalid_request",
        /// A WebSocket frame that is not a `resume`.
        MalformedFrame = "malformed_frame",
        /// No valid credentials.
        Unauthorized = "unauthorized",
        /// The session is absent, or somebody else's.
        NotFound = "not_found",
        /// The message id was used with another body.
        Conflict = "conflict",
        /// Too many requests; `Retry-After` says when to come back.
        RateLimited = "rate_limited",
        /// A part of the system is away; `Retry-After` says when to come back.
        Unavailable = "unavailable",
    }
}

closed_set! {
    /// Why a reply ended.
    FinishReason {
        /// The model said all that it had to say.
        Stop = "stop",
        /// The reply reached its largest length.
        Length = "length",
        /// The model declined to answer.
        Refusal = "refusal",
        /// The provider's filter withheld the answer.
        ContentFilter = "content_filter",
        /// The user stopped it.
        Cancelled = "cancelled",
        /// It failed; the error says why.
        Error = "error",
    }
}

closed_set! {
    /// What a final is.
    TurnKind {
        /// The model's answer.
        Reply = "reply",
        /// The turn failed.
        Error = "error",
        /// The user stopped it.
        Cancelled = "cancelled",
    }
}

closed_set! {
    /// What became of the document that was asked for.
    ContextUse {
        /// The document was part of what the model read.
        Used = "used",
        /// No document was asked for.
        None = "none",
        /// A document was asked for and could not be had.
        Unavailable = "unavailable",
    }
}

closed_set! {
    /// Who answers.
    ProviderName {
        /// Anthropic's Messages API.
        Claude = "claude",
        /// `OpenAI`'s Chat Completions API, or a server that speaks it.
        OpenAi = "openai",
        /// Claude on Amazon Bedrock.
        Bedrock = "bedrock",
        /// Lines of the document, without a model.
        Offline = "offline",
    }
}

closed_set! {
    /// The user's verdict on a reply.
    Rating {
        /// Good.
        Up = "up",
        /// Not good.
        Down = "down",
    }
}
