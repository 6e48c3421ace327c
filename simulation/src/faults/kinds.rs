//! What can be called, and what can go wrong with a call.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

/// Whose process makes a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Function {
    /// The front door.
    Ingress,
    /// The one that answers.
    Worker,
    /// The one that delivers, the cleanup included.
    Notifier,
    /// What drives the functions: the event source mappings.
    Mapping,
}

/// What a port call is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Op {
    /// Reads rows by key.
    Get,
    /// Reads turns.
    Turns,
    /// Reads connections.
    Connections,
    /// Reads what is due.
    Due,
    /// Records a message.
    Record,
    /// Creates a session without a message.
    CreateSession,
    /// Takes a turn.
    Claim,
    /// Ends the turn before the one to be taken.
    EndPredecessor,
    /// Takes the next generation.
    Generation,
    /// Saves provisional text.
    Checkpoint,
    /// Makes a reply final.
    Commit,
    /// Marks a final as delivered.
    Deliver,
    /// Sets a cancel flag.
    Stop,
    /// Writes a connection's row.
    Register,
    /// Removes a row.
    Remove,
    /// Turns a session into a tombstone.
    Tombstone,
    /// Counts, reserves, uses up a nonce.
    Count,
    /// Any other write.
    Write,
    /// Waits for the disk.
    Synced,
    /// Sends to a queue.
    Send,
    /// Changes a message's visibility.
    Hide,
    /// Receives from a queue.
    Receive,
    /// Acknowledges a message.
    Delete,
    /// Pushes a frame.
    Push,
    /// Closes a connection.
    Close,
    /// Publishes events.
    PutEvents,
    /// Reads a document.
    Document,
    /// Reads the keys.
    Keys,
    /// Sends a request to a model.
    Open,
    /// Reads the next event of a model's stream.
    Next,
}

/// What happens to a call.
#[derive(Debug, Clone)]
pub enum Fault {
    /// The process dies before the call had any effect.
    CrashBefore,
    /// The process dies after the call had its effect.
    CrashAfter,
    /// The call fails without effect.
    Fail,
    /// The call has its effect, and fails.
    LoseAck,
    /// The call takes this much longer.
    Stall(Duration),
    /// The call never returns, and has no effect.
    Hang,
    /// The whole process stands still for so long before the call, and then goes on: a zombie.
    FreezeBefore(Duration),
    /// The whole process stands still for so long after the call's effect.
    FreezeAfter(Duration),
    /// The call waits until somebody opens the gate.
    Hold(Arc<Gate>),
}

impl Fault {
    /// The name of every kind that the weather brings.
    pub const NAMES: [&str; 8] = [
        Self::CrashBefore.name(),
        Self::CrashAfter.name(),
        Self::Fail.name(),
        Self::LoseAck.name(),
        Self::Stall(Duration::ZERO).name(),
        Self::Hang.name(),
        Self::FreezeBefore(Duration::ZERO).name(),
        Self::FreezeAfter(Duration::ZERO).name(),
    ];

    /// Returns the kind's name, for summaries and traces.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::CrashBefore => "crash before the call",
            Self::CrashAfter => "crash after the call",
            Self::Fail => "call failed",
            Self::LoseAck => "acknowledgement lost",
            Self::Stall(_) => "call stalled",
            Self::Hang => "call never returned",
            Self::FreezeBefore(_) => "process frozen before the call",
            Self::FreezeAfter(_) => "process frozen after the call",
            Self::Hold(_) => "call held",
        }
    }
}

/// Stops a call until a test lets it go.
#[derive(Debug, Default)]
pub struct Gate {
    reached: Notify,
    open: Notify,
}

impl Gate {
    /// Makes a closed gate.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Returns once a call stands before the gate.
    pub async fn reached(&self) {
        self.reached.notified().await;
    }

    /// Lets the call go.
    pub fn open(&self) {
        self.open.notify_one();
    }

    pub(super) async fn pass(&self) {
        self.reached.notify_one();
        self.open.notified().await;
    }
}

/// What goes wrong outside any port call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mishap {
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

impl Mishap {
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
