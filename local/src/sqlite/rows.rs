//! Items as rows.

use super::engine::rows_at_most;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde_json::Value;
use shared::domain::Timestamp;
use shared::limits::check_item;
use shared::ports::store::{Attributes, Item, Key, MAX_PAGE_BYTES, Page, Query, StoreError};

/// The length of JSON below which an item cannot exceed its size limit.
const SMALL_JSON_BYTES: usize = 64 * 1024;

/// An item together with its JSON.
pub(super) struct Encoded {
    pub(super) item: Item,
    json: String,
}

impl Encoded {
    /// Encodes the item's attributes as JSON. An item that is too large is rejected.
    pub(super) fn new(item: Item) -> Result<Self, StoreError> {
        let json = serde_json::to_string(&item.attributes)
            .map_err(|error| StoreError::Corrupt(error.into()))?;
        if json.len() > SMALL_JSON_BYTES {
            check_item(&item.key, &item.attributes)?;
        }
        Ok(Self { item, json })
    }

    /// Returns the length of the JSON.
    pub(super) fn bytes(&self) -> usize {
        self.json.len()
    }
}

/// Reads an item and the length of its JSON. One that has expired is absent.
pub(super) fn read(
    connection: &Connection,
    key: Key,
    now: Timestamp,
) -> rusqlite::Result<Option<(Item, usize)>> {
    let mut statement = connection.prepare_cached(
        "SELECT attributes FROM items
         WHERE partition = ?1 AND sort = ?2 AND (expires_at IS NULL OR expires_at > ?3)",
    )?;
    let found = statement.query_row(params![key.partition, key.sort, seconds(now)], |row| {
        Ok((attributes(row, 0)?, text(row, 0)?.len()))
    });
    Ok(found.optional()?.map(|(attributes, bytes)| (Item { key, attributes }, bytes)))
}

/// Stores an item, replacing any with the same key.
pub(super) fn store(connection: &Connection, encoded: &Encoded) -> rusqlite::Result<()> {
    execute(
        connection,
        "INSERT INTO items (partition, sort, attributes, expires_at, due) VALUES (?1, ?2, ?3, ?4, \
        ?5)
         ON CONFLICT (partition, sort) DO UPDATE
         SET attributes = excluded.attributes, expires_at = excluded.expires_at, due = \
         excluded.due",
        encoded,
    )
}

/// Replaces an item that is known to exist. Cheaper than [`store`], which must keep a copy of the
/// page in case of a conflict.
pub(super) fn replace(connection: &Connection, encoded: &Encoded) -> rusqlite::Result<()> {
    execute(
        connection,
        "UPDATE items SET attributes = ?3, expires_at = ?4, due = ?5 WHERE partition = ?1 AND \
        sort = ?2",
        encoded,
    )
}

fn execute(
    connection: &Connection,
    sql: &str,
    Encoded { item, json }: &Encoded,
) -> rusqlite::Result<()> {
    let expires_at = item.number("expires_at");
    let due = item.number("due");
    let mut statement = connection.prepare_cached(sql)?;
    statement.execute(params![item.key.partition, item.key.sort, json, expires_at, due]).map(drop)
}

/// Removes an item, which may have expired or be absent.
pub(super) fn remove(connection: &Connection, key: &Key) -> rusqlite::Result<()> {
    let mut statement =
        connection.prepare_cached("DELETE FROM items WHERE partition = ?1 AND sort = ?2")?;
    statement.execute(params![key.partition, key.sort]).map(drop)
}

/// Lists partitions. Each costs one search of the index, however many rows it has.
pub(super) fn partitions(
    connection: &Connection,
    after: String,
    limit: usize,
) -> rusqlite::Result<Vec<String>> {
    let mut next = connection.prepare_cached(
        "SELECT partition FROM items WHERE partition > ?1 ORDER BY partition LIMIT 1",
    )?;
    let mut found = Vec::new();
    let mut last = after;
    while found.len() < limit {
        let Some(partition) = next.query_row([&last], |row| row.get::<_, String>(0)).optional()?
        else {
            break;
        };
        last.clone_from(&partition);
        found.push(partition);
    }
    Ok(found)
}

/// Reads one page.
pub(super) fn query(
    connection: &Connection,
    query: &Query,
    now: Timestamp,
) -> rusqlite::Result<Page> {
    let sql = if query.descending {
        "SELECT sort, attributes FROM items WHERE partition = ?1 AND sort BETWEEN ?2 AND ?3
         AND (expires_at IS NULL OR expires_at > ?4) ORDER BY sort DESC"
    } else {
        "SELECT sort, attributes FROM items WHERE partition = ?1 AND sort BETWEEN ?2 AND ?3
         AND (expires_at IS NULL OR expires_at > ?4) ORDER BY sort"
    };
    let after = if query.expired { i64::MIN } else { seconds(now) };
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![query.partition, query.from, query.to, after])?;
    let mut page = Page { items: Vec::new(), more: false };
    let mut bytes = 0;
    while let Some(row) = rows.next()? {
        bytes += query.partition.len() + text(row, 0)?.len() + text(row, 1)?.len();
        if page.items.len() == query.limit.max(1)
            || (bytes > MAX_PAGE_BYTES && !page.items.is_empty())
        {
            page.more = true;
            break;
        }
        let key = Key { partition: query.partition.clone(), sort: row.get(0)? };
        page.items.push(Item { key, attributes: attributes(row, 1)? });
    }
    Ok(page)
}

/// Lists the items that are due, earliest first, including expired ones.
pub(super) fn due(
    connection: &Connection,
    until: Timestamp,
    limit: usize,
) -> rusqlite::Result<Vec<Item>> {
    let mut statement = connection.prepare_cached(
        "SELECT partition, sort, attributes FROM items WHERE due IS NOT NULL AND due <= ?1
         ORDER BY due, partition, sort LIMIT ?2",
    )?;
    let item = |row: &Row<'_>| {
        Ok(Item {
            key: Key { partition: row.get(0)?, sort: row.get(1)? },
            attributes: attributes(row, 2)?,
        })
    };
    statement.query_map(params![until.0, rows_at_most(limit)], item)?.collect()
}

/// Returns the last second that is over: an item expires at the end of its second.
fn seconds(now: Timestamp) -> i64 {
    now.0.div_euclid(1000)
}

fn attributes(row: &Row<'_>, column: usize) -> rusqlite::Result<Attributes> {
    match serde_json::from_slice(text(row, column)?) {
        Ok(Value::Object(attributes)) => Ok(attributes),
        Ok(_) => Err(corrupt(column, "the attributes are not an object")),
        Err(error) => Err(corrupt(column, error)),
    }
}

fn text<'row>(row: &'row Row<'_>, column: usize) -> rusqlite::Result<&'row [u8]> {
    row.get_ref(column)?.as_bytes().map_err(|error| corrupt(column, error))
}

fn corrupt(
    column: usize,
    error: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error.into())
}
