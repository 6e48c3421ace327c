//! Faults that are not faults of a port call.

/// A fault outside the port calls: of the network, a client, a provider, or a process between
/// calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ExternalFault {
    /// A frame that was taken never arrives.
    FrameLost,
    /// A frame arrives twice.
    FrameRepeated,
    /// A frame arrives after later ones.
    FrameLate,
    /// A connection is cut.
    ConnectionCut,
    /// A client stops reading for a while.
    ClientSlow,
    /// `$disconnect` never arrives.
    DisconnectLost,
    /// An HTTP request is lost on its way.
    RequestLost,
    /// An HTTP answer is lost on its way.
    AnswerLost,
    /// One delivery is handed to two processes.
    DeliveredTwice,
    /// The provider is busy.
    ModelBusy,
    /// The provider refuses the request or the key.
    ModelRefuses,
    /// The provider cannot be reached.
    ModelAway,
    /// The provider's stream breaks off.
    ModelBreaksOff,
    /// The provider's stream falls silent.
    ModelSilent,
    /// The provider's stream ends without its end mark.
    ModelEndsEarly,
    /// The provider says nothing.
    ModelEmpty,
    /// The bus takes only some entries.
    EventsPartial,
    /// The documents are away.
    DocumentsAway,
    /// A process is killed between two calls.
    Killed,
    /// The dead letters are moved back in the middle of everything.
    Redriven,
    /// Expired rows are removed at an odd moment.
    Purged,
    /// The cleanup runs at an odd moment.
    CleanedUp,
}

impl ExternalFault {
    /// Every kind, for summaries.
    pub const ALL: [Self; 22] = [
        Self::FrameLost,
        Self::FrameRepeated,
        Self::FrameLate,
        Self::ConnectionCut,
        Self::ClientSlow,
        Self::DisconnectLost,
        Self::RequestLost,
        Self::AnswerLost,
        Self::DeliveredTwice,
        Self::ModelBusy,
        Self::ModelRefuses,
        Self::ModelAway,
        Self::ModelBreaksOff,
        Self::ModelSilent,
        Self::ModelEndsEarly,
        Self::ModelEmpty,
        Self::EventsPartial,
        Self::DocumentsAway,
        Self::Killed,
        Self::Redriven,
        Self::Purged,
        Self::CleanedUp,
    ];

    /// Returns the kind's name, for summaries.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FrameLost => "frame lost",
            Self::FrameRepeated => "frame repeated",
            Self::FrameLate => "frame late",
            Self::ConnectionCut => "connection cut",
            Self::ClientSlow => "client slow",
            Self::DisconnectLost => "$disconnect lost",
            Self::RequestLost => "HTTP request lost",
            Self::AnswerLost => "HTTP answer lost",
            Self::DeliveredTwice => "delivered twice at once",
            Self::ModelBusy => "provider busy",
            Self::ModelRefuses => "provider refused",
            Self::ModelAway => "provider away",
            Self::ModelBreaksOff => "stream broken off",
            Self::ModelSilent => "stream silent",
            Self::ModelEndsEarly => "stream without end mark",
            Self::ModelEmpty => "reply empty",
            Self::EventsPartial => "events taken in part",
            Self::DocumentsAway => "documents away",
            Self::Killed => "process killed between calls",
            Self::Redriven => "dead letters redriven",
            Self::Purged => "expired rows removed",
            Self::CleanedUp => "cleanup at an odd moment",
        }
    }
}
