//! Stories of the whole pipeline, through real HTTP and real WebSockets.

mod analytics;
mod answers;
mod connections;
mod context;
mod fallback;
mod history;
mod kept;
mod messages;
mod misuse;
mod restarts;
mod retries;
mod sockets;
mod stopping;
