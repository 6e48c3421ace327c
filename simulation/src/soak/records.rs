//! What the stopped server leaves on disk.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

use super::ledger::{Ledger, ObservedFinal, SessionRef};
use crate::users::session_key;

/// The state of a queue's message that is gone, and of a dead letter.
const GONE: i64 = 2;
const DEAD: i64 = 1;

/// The rows of a server that does not run.
pub(super) struct Records {
    connection: Connection,
    /// The ids of the events of each turn.
    events: BTreeMap<(String, u64), Vec<String>>,
}

impl Records {
    pub(super) fn read(data_dir: &Path) -> anyhow::Result<Self> {
        let connection = Connection::open_with_flags(
            data_dir.join("chatbot.db"),
            OpenFlags::SQLITE_OPEN_READ_WRITE,
        )?;
        let mut events: BTreeMap<_, Vec<String>> = BTreeMap::new();
        for (id, detail) in pairs(
            &connection,
            "SELECT id, detail FROM events WHERE detail_type IN ('Chat Message', 'Chat Failed')",
            [],
        )? {
            let detail: Value = serde_json::from_str(&detail)?;
            if let (Some(key), Some(turn)) =
                (detail["session_key"].as_str(), detail["turn"].as_u64())
            {
                events.entry((key.to_owned(), turn)).or_default().push(id);
            }
        }
        Ok(Self { connection, events })
    }

    /// Checks that nothing waits in the queues, and counts the dead letters.
    pub(super) fn check_queues(&self, ledger: &Ledger) -> anyhow::Result<()> {
        let count = |state: i64| {
            let sql = "SELECT count(*) FROM messages WHERE state = ?1";
            self.connection.query_row(sql, [state], |row| row.get::<_, u32>(0))
        };
        let all = self
            .connection
            .query_row("SELECT count(*) FROM messages", [], |row| row.get::<_, u32>(0))?;
        let gone = count(GONE)?;
        let dead = count(DEAD)?;
        if gone + dead < all {
            ledger.violation(
                "10",
                format!("{} messages still wait in the queues", all - gone - dead),
            );
        }
        for _ in 0..dead {
            ledger.tally.event("dead letters");
        }
        Ok(())
    }

    /// Checks that a deleted session left nothing but its marker.
    pub(super) fn check_deleted(
        &self,
        ledger: &Ledger,
        session_ref: &SessionRef,
        token: Option<&str>,
    ) -> anyhow::Result<()> {
        let key = session_key(token, &session_ref.session).context("no session key")?;
        let sql = "SELECT sort, attributes FROM items WHERE partition = ?1";
        let rows = pairs(&self.connection, sql, [key.as_str()])?;
        let marker = |attributes: &str| attributes.contains("\"deleted\":true");
        if !matches!(rows.as_slice(), [(sort, attributes)] if sort == "META" && marker(attributes))
        {
            ledger.violation("7", format!("{session_ref} was deleted, and has left {rows:?}"));
        }
        Ok(())
    }

    /// Checks that every final was counted once, and has events under one id.
    pub(super) fn check_kept(
        &self,
        ledger: &Ledger,
        session_ref: &SessionRef,
        token: Option<&str>,
        finals: &[ObservedFinal],
    ) -> anyhow::Result<()> {
        let key = session_key(token, &session_ref.session).context("no session key")?;
        let sql = "SELECT sort, attributes FROM items WHERE partition = ?1 AND sort = 'META'";
        let (_, row) = pairs(&self.connection, sql, [key.as_str()])?
            .pop()
            .context("a session without a row")?;
        let total = serde_json::from_str::<Value>(&row)?["total_turns"].as_u64();
        if total != Some(finals.len() as u64) {
            ledger.violation(
                "9",
                format!("{session_ref} has {} finals, and counted {total:?}", finals.len()),
            );
        }
        for turn in 1..=finals.len() as u64 {
            let ids =
                self.events.get(&(key.to_string(), turn)).map(Vec::as_slice).unwrap_or_default();
            if ids.len() > 1 {
                ledger.tally.event("events emitted again");
            }
            if ids.is_empty() || ids.iter().any(|id| *id != ids[0]) {
                ledger.violation(
                    "9",
                    format!("turn {turn} of {session_ref} has events under the ids {ids:?}"),
                );
            }
        }
        Ok(())
    }
}

fn pairs(
    connection: &Connection,
    sql: &str,
    parameters: impl rusqlite::Params,
) -> rusqlite::Result<Vec<(String, String)>> {
    let mut statement = connection.prepare(sql)?;
    statement.query_map(parameters, |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}
