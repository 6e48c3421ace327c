//! Stores the passages of a document, and removes them.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::prepare::{Prepared, PreparedPassage};
use super::{BLOCK, PUBLIC};
use crate::sqlite::engine::rows_at_most;

/// Where the passages of a document are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sqlite) struct Place {
    /// The scope.
    pub(in crate::sqlite) scope: i64,
    /// The number of the first passage; the others follow it.
    pub(in crate::sqlite) first: i64,
    /// How many there are.
    pub(in crate::sqlite) count: i64,
}

/// Stores passages at the end of their owner's scope.
pub(in crate::sqlite) fn insert(
    connection: &Connection,
    document: i64,
    owner: Option<&str>,
    prepared: &Prepared,
) -> rusqlite::Result<Place> {
    let (scope, first) = scope(connection, owner.unwrap_or(PUBLIC))?;
    let count = rows_at_most(prepared.passages.len());
    let place = Place { scope, first, count };
    for (passage, ordinal) in prepared.passages.iter().zip(0..) {
        insert_passage(connection, place, document, ordinal, passage)?;
    }
    let mut append = connection.prepare_cached(
        "INSERT INTO postings (scope, term, block, entries) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT DO UPDATE SET entries = CAST(entries || excluded.entries AS BLOB)",
    )?;
    for (term, postings) in &prepared.postings {
        for (block, entries) in blocks(first, postings) {
            append.execute(params![scope, term, block, entries])?;
        }
    }
    count_in_scope(connection, scope, count, prepared.terms(), count)?;
    Ok(place)
}

/// Removes passages; `prepared` is what was stored.
pub(in crate::sqlite) fn remove(
    connection: &Connection,
    place: Place,
    prepared: &Prepared,
) -> rusqlite::Result<()> {
    let Place { scope, first, count } = place;
    if count == 0 {
        return Ok(());
    }
    let past = first + count;
    let mut read = connection.prepare_cached(
        "SELECT entries FROM postings WHERE scope = ?1 AND term = ?2 AND block = ?3",
    )?;
    let mut update = connection.prepare_cached(
        "UPDATE postings SET entries = ?4 WHERE scope = ?1 AND term = ?2 AND block = ?3",
    )?;
    let mut delete = connection
        .prepare_cached("DELETE FROM postings WHERE scope = ?1 AND term = ?2 AND block = ?3")?;
    for term in prepared.postings.keys() {
        for block in first / BLOCK..=(past - 1) / BLOCK {
            let key = params![scope, term, block];
            let Some(entries) = read.query_row(key, |row| row.get::<_, Vec<u8>>(0)).optional()?
            else {
                continue;
            };
            let begin = block * BLOCK;
            let is_kept = |entry: &&[u8]| !(first..past).contains(&(begin + i64::from(entry[0])));
            let kept = entries.chunks_exact(2).filter(is_kept).flatten().copied();
            let kept: Vec<u8> = kept.collect();
            if kept.is_empty() {
                delete.execute(key)?;
            } else if kept.len() < entries.len() {
                update.execute(params![scope, term, block, kept])?;
            }
        }
    }
    connection
        .prepare_cached("DELETE FROM passages WHERE scope = ?1 AND number >= ?2 AND number < ?3")?
        .execute(params![scope, first, past])?;
    count_in_scope(connection, scope, -count, -prepared.terms(), 0)
}

/// Returns the scope of an owner, and the number that its next passage gets.
fn scope(connection: &Connection, owner: &str) -> rusqlite::Result<(i64, i64)> {
    connection
        .prepare_cached("INSERT INTO scopes (owner) VALUES (?1) ON CONFLICT DO NOTHING")?
        .execute([owner])?;
    connection
        .prepare_cached("SELECT id, next FROM scopes WHERE owner = ?1")?
        .query_row([owner], |row| Ok((row.get(0)?, row.get(1)?)))
}

fn count_in_scope(
    connection: &Connection,
    scope: i64,
    passages: i64,
    terms: i64,
    numbers: i64,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE scopes SET passages = passages + ?2, terms = terms + ?3, next = next + ?4
            WHERE id = ?1",
        )?
        .execute(params![scope, passages, terms, numbers])
        .map(drop)
}

fn insert_passage(
    connection: &Connection,
    place: Place,
    document: i64,
    ordinal: u32,
    passage: &PreparedPassage,
) -> rusqlite::Result<()> {
    let PreparedPassage { start, end, headings, text, length } = passage;
    let number = place.first + i64::from(ordinal);
    connection
        .prepare_cached(
            "INSERT INTO passages (scope, number, document, ordinal, start, end, headings, text)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![place.scope, number, document, ordinal, start, end, headings, text])?;
    // Lengths of removed passages stay: no number is used again.
    connection
        .prepare_cached(
            "INSERT INTO passage_lengths (scope, block, lengths) VALUES (?1, ?2, ?3)
            ON CONFLICT DO UPDATE SET lengths = CAST(lengths || excluded.lengths AS BLOB)",
        )?
        .execute(params![place.scope, number / BLOCK, length.to_le_bytes()])
        .map(drop)
}

/// Divides the postings of a term by blocks, as they are stored.
fn blocks(first: i64, postings: &[(u32, u8)]) -> Vec<(i64, Vec<u8>)> {
    let mut blocks: Vec<(i64, Vec<u8>)> = Vec::new();
    for &(ordinal, count) in postings {
        let number = first + i64::from(ordinal);
        let entry = [u8::try_from(number % BLOCK).unwrap_or(u8::MAX), count];
        match blocks.last_mut() {
            Some((block, entries)) if *block == number / BLOCK => entries.extend(entry),
            _ => blocks.push((number / BLOCK, entry.to_vec())),
        }
    }
    blocks
}
