//! What a port call is for.

use serde_json::Value;
use shared::ports::store::{Change, Effect, Query, Write};

/// Whose process makes a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Function {
    /// The HTTP and WebSocket API.
    Ingress,
    /// The function that answers.
    Worker,
    /// The function that delivers, the cleanup included.
    Notifier,
    /// The event source mappings, which drive the functions.
    Mapping,
}

/// What a port call is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PortCall {
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
    /// Claims a turn.
    Claim,
    /// Ends the turn before the one that is claimed.
    EndPredecessor,
    /// Begins the next generation.
    Generation,
    /// Saves provisional text.
    Checkpoint,
    /// Commits a final.
    Commit,
    /// Marks a final as delivered.
    Deliver,
    /// Sets a stop flag.
    Stop,
    /// Writes a connection's row.
    Register,
    /// Removes a row.
    Remove,
    /// Turns a session into a tombstone.
    Tombstone,
    /// Counts, reserves a budget, uses up a nonce.
    Count,
    /// Any other write.
    Write,
    /// Waits until earlier writes are on disk.
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
    /// Searches documents, or lists them.
    Search,
    /// Reads keys from the secret store.
    Keys,
    /// Sends a request to a model.
    Open,
    /// Reads the next event of a model's stream.
    Next,
}

/// Which calls a rule counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallFilter {
    /// All of them.
    Any,
    /// Those of one kind.
    Only(PortCall),
    /// All reads of the table.
    Reads,
    /// All writes to the table.
    Writes,
}

impl From<PortCall> for CallFilter {
    fn from(call: PortCall) -> Self {
        Self::Only(call)
    }
}

impl CallFilter {
    /// Tells whether a call is one of these.
    pub fn includes(self, call: PortCall) -> bool {
        match self {
            Self::Any => true,
            Self::Only(only) => only == call,
            Self::Reads => call.is_read(),
            Self::Writes => call.is_write(),
        }
    }
}

impl PortCall {
    /// Returns what a query is for.
    pub fn of_query(query: &Query) -> Self {
        if query.from.starts_with("C#") { Self::Connections } else { Self::Turns }
    }

    /// Returns what a single write is for, read from its shape.
    pub fn of_write(write: &Write) -> Self {
        let sort = write.key.sort.as_str();
        match &write.effect {
            Effect::Delete => Self::Remove,
            Effect::Check => Self::Write,
            Effect::Put(row) if sort == "META" && row.get("deleted").is_some() => Self::Tombstone,
            Effect::Put(_) if sort == "META" => Self::CreateSession,
            Effect::Update(changes) if sort.starts_with("T#") => Self::of_turn_update(changes),
            Effect::Update(changes) if update_of(changes, "cancel").is_some() => Self::Stop,
            Effect::Update(_) if sort == "META" => Self::Write,
            Effect::Put(_) | Effect::Update(_) => Self::Count,
        }
    }

    /// Returns what a transaction is for, read from its writes.
    pub fn of_transaction(writes: &[Write]) -> Self {
        let puts = |prefix: &str| {
            writes.iter().any(|write| {
                write.key.sort.starts_with(prefix) && matches!(write.effect, Effect::Put(_))
            })
        };
        let is = |call: Self| writes.iter().any(|write| Self::of_write(write) == call);
        if puts("T#") {
            Self::Claim
        } else if puts("M#") {
            Self::Record
        } else if puts("C#") {
            Self::Register
        } else if is(Self::Commit) {
            Self::EndPredecessor
        } else if is(Self::Deliver) {
            Self::Deliver
        } else {
            Self::Write
        }
    }

    fn of_turn_update(changes: &[Change]) -> Self {
        match update_of(changes, "state").and_then(Value::as_str) {
            Some("COM") => Self::Commit,
            Some("DEL") => Self::Deliver,
            _ if update_of(changes, "epoch").is_some() => Self::Generation,
            _ if update_of(changes, "cancel").is_some() => Self::Stop,
            _ => Self::Checkpoint,
        }
    }

    fn is_read(self) -> bool {
        matches!(self, Self::Get | Self::Turns | Self::Connections | Self::Due)
    }

    fn is_write(self) -> bool {
        matches!(
            self,
            Self::Record
                | Self::CreateSession
                | Self::Claim
                | Self::EndPredecessor
                | Self::Generation
                | Self::Checkpoint
                | Self::Commit
                | Self::Deliver
                | Self::Stop
                | Self::Register
                | Self::Remove
                | Self::Tombstone
                | Self::Count
                | Self::Write
        )
    }
}

/// Returns the value that an update gives to an attribute.
pub fn update_of<'w>(changes: &'w [Change], attribute: &str) -> Option<&'w Value> {
    changes.iter().find_map(|change| match change {
        Change::Set(name, value) if *name == attribute => Some(value),
        _ => None,
    })
}
