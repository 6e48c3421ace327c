//! The adapters on SQLite.
