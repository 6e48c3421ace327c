//! Messages as rows.
//!
//! The row of a deleted message is kept for a while, without its body, because of its deduplication
//! id. A separate table of ids would be written in random order, which costs more.

use rusqlite::{Connection, Row, params};
use shared::domain::Timestamp;
use shared::fifo::{Fifo, Seq};
use shared::ports::{DeadLetter, OutgoingMessage};

use super::engine::seq_at;

/// The state of a message that is waiting or in flight.
const WAITING: i64 = 0;
/// The state of a dead letter.
const DEAD: i64 = 1;
/// The state of a deleted message.
pub(super) const DELETED: i64 = 2;

pub(super) fn insert(
    connection: &Connection,
    queue: &str,
    seq: Seq,
    message: &OutgoingMessage,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO messages (seq, queue, message_group, deduplication_id, body, sent_at, \
        receive_count, state)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, 0)",
    )?;
    let OutgoingMessage { group, deduplication_id, body, .. } = message;
    statement
        .execute(params![seq.cast_signed(), queue, group, deduplication_id, body, now.0])
        .map(drop)
}

/// Stores the receive count and returns the body.
pub(super) fn receive(
    connection: &Connection,
    seq: Seq,
    receive_count: u32,
) -> rusqlite::Result<String> {
    // Two statements, because UPDATE … RETURNING creates a temporary table at every call.
    let mut count =
        connection.prepare_cached("UPDATE messages SET receive_count = ?2 WHERE seq = ?1")?;
    count.execute(params![seq.cast_signed(), receive_count])?;
    let mut body = connection.prepare_cached("SELECT body FROM messages WHERE seq = ?1")?;
    body.query_row([seq.cast_signed()], |row| row.get(0))
}

pub(super) fn mark_dead(connection: &Connection, seq: Seq) -> rusqlite::Result<()> {
    let mut statement =
        connection.prepare_cached("UPDATE messages SET state = ?2 WHERE seq = ?1")?;
    statement.execute(params![seq.cast_signed(), DEAD]).map(drop)
}

pub(super) fn delete(connection: &Connection, seq: Seq) -> rusqlite::Result<()> {
    let mut statement =
        connection.prepare_cached("UPDATE messages SET state = ?2, body = '' WHERE seq = ?1")?;
    statement.execute(params![seq.cast_signed(), DELETED]).map(drop)
}

/// Gives a dead letter a new sequence number and makes it available again. Its deduplication id
/// still counts from when the message was first sent.
pub(super) fn redrive(connection: &Connection, seq: Seq, new: Seq) -> rusqlite::Result<String> {
    connection
        .prepare_cached(
            "UPDATE messages SET seq = ?2, state = ?3, receive_count = 0 WHERE seq = ?1 RETURNING \
            message_group",
        )?
        .query_row(params![seq.cast_signed(), new.cast_signed(), WAITING], |row| row.get(0))
}

pub(super) fn dead_letter(connection: &Connection, seq: Seq) -> rusqlite::Result<DeadLetter> {
    let mut statement = connection
        .prepare_cached("SELECT message_group, body, receive_count FROM messages WHERE seq = ?1")?;
    statement.query_row([seq.cast_signed()], |row| {
        let [group, body] = [row.get(0)?, row.get(1)?];
        Ok(DeadLetter { message_id: seq.to_string(), group, body, receive_count: row.get(2)? })
    })
}

/// Loads the messages of a queue in order.
pub(super) fn load(connection: &Connection, queue: &str, fifo: &mut Fifo) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "SELECT seq, state, message_group, receive_count FROM messages WHERE queue = ?1 AND state \
        <> ?2 ORDER BY seq",
    )?;
    let mut rows = statement.query(params![queue, DELETED])?;
    while let Some(row) = rows.next()? {
        match row.get(1)? {
            DEAD => fifo.append_dead(seq(row)?),
            _ => fifo.append(seq(row)?, row.get_ref(2)?.as_str()?, row.get(3)?),
        }
    }
    Ok(())
}

/// Loads the deduplication ids of the messages sent since then, in order.
pub(super) fn load_deduplication(
    connection: &Connection,
    queue: &str,
    since: Timestamp,
    mut each: impl FnMut(&str, Timestamp),
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "SELECT deduplication_id, sent_at FROM messages WHERE seq >= ?1 AND queue = ?2 ORDER BY \
        sent_at, seq",
    )?;
    let mut rows = statement.query(params![seq_at(since).cast_signed(), queue])?;
    while let Some(row) = rows.next()? {
        each(row.get_ref(0)?.as_str()?, Timestamp(row.get(1)?));
    }
    Ok(())
}

fn seq(row: &Row<'_>) -> rusqlite::Result<Seq> {
    row.get(0).map(i64::cast_unsigned)
}
