//! Finds passages and ranks them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use knowledge::{Bm25, Query, Statistics};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use shared::domain::DocumentId;
use shared::ports::Passage;

use super::{BLOCK, PUBLIC};

/// The size of a block, as an index.
const SLOTS: usize = 256;

/// What is searched for. It owns its texts, since a search runs on a thread of its own.
#[derive(Debug)]
pub(in crate::sqlite) struct SearchRequest {
    pub(in crate::sqlite) query: Query,
    pub(in crate::sqlite) reader: String,
    pub(in crate::sqlite) within: Option<DocumentId>,
    pub(in crate::sqlite) limit: usize,
}

/// The passages of a block that have terms of the query.
struct Block {
    sums: [f64; SLOTS],
    held: [f64; SLOTS],
    lengths: Vec<u8>,
}

/// A row of postings of one term.
struct Postings {
    scope: i64,
    block: i64,
    entries: Vec<u8>,
}

/// A passage that matches.
#[derive(Clone, Copy)]
struct Hit {
    scope: i64,
    number: i64,
    score: f64,
    coverage: f64,
}

/// Returns the best passages that the reader may read.
///
/// Scores them as an index over all that the reader may read would. Call it in a transaction.
pub(in crate::sqlite) fn search(
    connection: &Connection,
    request: &SearchRequest,
) -> rusqlite::Result<Vec<Passage>> {
    let (scopes, statistics) = scopes(connection, &request.reader)?;
    let within = match &request.within {
        Some(id) => {
            let Some(place) = numbers_of(connection, id, &request.reader)? else {
                return Ok(Vec::new());
            };
            Some(place)
        }
        None => None,
    };
    let mut hits = hits(connection, &request.query, &scopes, statistics)?;
    if let Some((scope, first, past)) = within {
        hits.retain(|hit| hit.scope == scope && (first..past).contains(&hit.number));
    }
    let best_first = |a: &Hit, b: &Hit| {
        let by_score = b.score.total_cmp(&a.score);
        by_score.then(a.scope.cmp(&b.scope)).then(a.number.cmp(&b.number))
    };
    if hits.len() > request.limit {
        hits.select_nth_unstable_by(request.limit, best_first);
        hits.truncate(request.limit);
    }
    hits.sort_unstable_by(best_first);
    let passages = hits.iter().map(|hit| read(connection, hit, &request.reader).transpose());
    passages.flatten().collect()
}

/// Returns the scopes that the reader may read, and the statistics of what is in them.
fn scopes(connection: &Connection, reader: &str) -> rusqlite::Result<(Vec<i64>, Statistics)> {
    let mut select = connection
        .prepare_cached("SELECT id, passages, terms FROM scopes WHERE owner IN (?1, ?2)")?;
    let mut rows = select.query([PUBLIC, reader])?;
    let mut scopes = Vec::new();
    let mut all = Statistics::default();
    while let Some(row) = rows.next()? {
        scopes.push(row.get(0)?);
        all.passages += row.get::<_, i64>(1)?.cast_unsigned();
        all.terms += row.get::<_, i64>(2)?.cast_unsigned();
    }
    Ok((scopes, all))
}

/// Returns the scope of a document, its first passage and the one behind its last; `None` if the
/// reader may not read it.
fn numbers_of(
    connection: &Connection,
    id: &DocumentId,
    reader: &str,
) -> rusqlite::Result<Option<(i64, i64, i64)>> {
    let mut select = connection.prepare_cached(
        "SELECT scope, first, first + passages FROM documents
        WHERE id = ?1 AND (owner IS NULL OR owner = ?2)",
    )?;
    let place = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    select.query_row([id.as_str(), reader], place).optional()
}

fn hits(
    connection: &Connection,
    query: &Query,
    scopes: &[i64],
    statistics: Statistics,
) -> rusqlite::Result<Vec<Hit>> {
    let bm25 = Bm25::new(statistics);
    let mut blocks: BTreeMap<(i64, i64), Box<Block>> = BTreeMap::new();
    let mut asked = 0.0;
    for term in &query.terms {
        let postings = postings(connection, scopes, &term.term)?;
        let frequency: usize = postings.iter().map(|row| row.entries.len() / 2).sum();
        let idf = bm25.idf(frequency as u64);
        asked += term.asked * idf;
        for row in postings {
            let key = (row.scope, row.block);
            let block = match blocks.entry(key) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => new.insert(Box::new(Block::read(connection, key)?)),
            };
            for entry in row.entries.chunks_exact(2) {
                let (slot, count) = (usize::from(entry[0]), u32::from(entry[1]));
                let saturation = bm25.saturation(count, block.length(slot));
                block.sums[slot] += term.weight * idf * saturation;
                block.held[slot] += term.asked * idf;
            }
        }
    }
    let mut hits = Vec::new();
    for ((scope, block), found) in blocks {
        for (slot, number) in (0..SLOTS).zip(block * BLOCK..) {
            let score = found.sums[slot];
            if score > 0.0 {
                let coverage = if asked > 0.0 { found.held[slot] / asked } else { 0.0 };
                hits.push(Hit { scope, number, score, coverage });
            }
        }
    }
    Ok(hits)
}

fn postings(
    connection: &Connection,
    scopes: &[i64],
    term: &str,
) -> rusqlite::Result<Vec<Postings>> {
    let mut select = connection
        .prepare_cached("SELECT block, entries FROM postings WHERE scope = ?1 AND term = ?2")?;
    let mut postings = Vec::new();
    for &scope in scopes {
        let row = |row: &Row<'_>| Ok(Postings { scope, block: row.get(0)?, entries: row.get(1)? });
        for row in select.query_map(params![scope, term], row)? {
            postings.push(row?);
        }
    }
    Ok(postings)
}

impl Block {
    fn read(connection: &Connection, (scope, block): (i64, i64)) -> rusqlite::Result<Self> {
        let lengths = connection
            .prepare_cached("SELECT lengths FROM passage_lengths WHERE scope = ?1 AND block = ?2")?
            .query_row(params![scope, block], |row| row.get(0))
            .optional()?;
        let lengths = lengths.unwrap_or_default();
        Ok(Self { sums: [0.0; SLOTS], held: [0.0; SLOTS], lengths })
    }

    fn length(&self, slot: usize) -> u32 {
        let bytes = self.lengths.get(4 * slot..4 * slot + 4);
        bytes.and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_le_bytes)
    }
}

/// Reads a passage, if the reader may read its document: the scope says so too.
fn read(connection: &Connection, hit: &Hit, reader: &str) -> rusqlite::Result<Option<Passage>> {
    let mut select = connection.prepare_cached(
        "SELECT d.id, d.title, d.source_url, d.version, d.owner IS NULL,
            p.ordinal, p.headings, p.start, p.end, p.text
        FROM passages p JOIN documents d ON d.position = p.document
        WHERE p.scope = ?1 AND p.number = ?2 AND (d.owner IS NULL OR d.owner = ?3)",
    )?;
    let passage = |row: &Row<'_>| {
        let id: String = row.get(0)?;
        let headings: String = row.get(6)?;
        let text: String = row.get(9)?;
        Ok(DocumentId::parse(id).ok().map(|document_id| Passage {
            document_id,
            title: row.get(1).unwrap_or_default(),
            source_url: row.get(2).unwrap_or_default(),
            version: row.get(3).unwrap_or_default(),
            ordinal: row.get(5).unwrap_or_default(),
            headings: serde_json::from_str(&headings).unwrap_or_default(),
            start: row.get(7).unwrap_or_default(),
            end: row.get(8).unwrap_or_default(),
            text: Arc::from(text),
            public: row.get(4).unwrap_or_default(),
            coverage: hit.coverage,
        }))
    };
    let found = select.query_row(params![hit.scope, hit.number, reader], passage).optional()?;
    Ok(found.flatten())
}
