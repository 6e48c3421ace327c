//! Figures of every minute, hour and quarter of a day, folded from the events.
//!
//! Folding runs behind the publishing, in batches: a thousand events cost a few rows. The place up
//! to which events are folded is written with the figures, so that a crash counts nothing twice,
//! and the events that were there before there were figures are folded at the first start.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{OptionalExtension as _, params};
use shared::analytics::AnalyticsEvent;
use shared::domain::Timestamp;
use shared::operator::{DocumentFigures, Figures, Series, Stats, Tally, cost_of, series_of};
use shared::ports::Durability;

use super::engine::{Engine, rows_at_most};
use super::error::DatabaseError;
use super::{Database, StoredEvent};

/// How long the figures of minutes are kept; all others are kept as long as events.
const MINUTES_KEPT: Duration = Duration::from_hours(72);
/// A longer span is read from the figures of hours: its ends are then whole hours.
const MINUTES_READ: Duration = Duration::from_hours(24);
/// A span longer than this, in steps of quarters of a day, is read from their figures: a month from
/// those of hours would keep the thread, and every chat, for a tenth of a second.
const HOURS_READ: Duration = Duration::from_hours(7 * 24);
const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const QUARTER: i64 = 6 * HOUR;
/// How many events are folded in one write.
const BATCH: usize = 1_000;
/// How many ids are remembered: a repeated event comes minutes after the first at the latest.
const REMEMBERED: usize = 65_536;
const DOCUMENTS: i64 = 20;

/// Which figures are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Where it begins.
    pub from: Timestamp,
    /// Where it ends.
    pub to: Timestamp,
    /// The width of a bucket in milliseconds, whole minutes.
    pub step: u64,
}

/// The figures on `SQLite`.
#[derive(Debug, Clone)]
pub struct SqliteStatistics {
    database: Database,
    /// Held while events are folded: two at once would count from the same place. None: to be read
    /// from the events.
    recent: Arc<tokio::sync::Mutex<Option<Recent>>>,
    /// What this process has folded.
    since_start: Arc<Mutex<BTreeMap<Series, Figures>>>,
}

/// The hashes of the ids that were folded last.
#[derive(Debug, Default)]
struct Recent {
    ids: HashSet<u64>,
    order: VecDeque<u64>,
}

/// What a batch of events comes to.
struct Folded {
    /// Minutes before this would be purged at once: of a long past a million rows in one write.
    minutes_from: i64,
    /// By the width of the bucket and its beginning.
    rows: BTreeMap<(i64, i64, Series), Figures>,
    series: BTreeMap<Series, Figures>,
    documents: BTreeMap<(i64, i64, String), (u64, u64)>,
    refolding: Refolding,
}

/// What was folded by a version that recorded latencies in coarse steps, and is folded again.
///
/// Figures whose events are all there were deleted by the migration, and are made again from the
/// events. The others are kept, and marked as approximate: the events in their span must not be
/// added to them a second time. Counts of documents hold no latencies and are kept too.
#[derive(Debug, Clone, Copy)]
struct Refolding {
    /// The last event that was folded before.
    until: i64,
    /// The latest beginning of figures that are kept.
    kept: i64,
}

impl SqliteStatistics {
    pub(super) fn new(database: Database) -> Self {
        Self { database, recent: Arc::default(), since_start: Arc::default() }
    }

    /// Folds the events that were published since the last time. Returns how many.
    pub async fn fold(&self) -> Result<usize, DatabaseError> {
        let mut kept = self.recent.lock().await;
        let state =
            |engine: &mut Engine| Ok((folded_place(engine)?, refolding(engine)?, engine.now()));
        let (mut after, refolding, now) = self.database.read(state).await?;
        // Taken, and put back at the end: after a failure it is read again, so that what was not
        // stored counts.
        let mut recent = match kept.take() {
            Some(recent) => recent,
            None => self.read_recent(after).await?,
        };
        let mut folded = 0;
        loop {
            let events = self.database.events().list(after, BATCH).await?;
            let mut sum = Folded::new(now, refolding);
            events
                .iter()
                .filter(|event| recent.is_new(&event.id))
                .for_each(|event| sum.count(event));
            if let Some(last) = events.last().map(|event| event.seq) {
                let series = mem::take(&mut sum.series);
                self.database
                    .write(Durability::Ordered, move |engine| store(engine, &sum, last))
                    .await?;
                self.stored(series);
                after = last;
            }
            folded += events.len();
            if events.len() < BATCH {
                *kept = Some(recent);
                return Ok(folded);
            }
        }
    }

    /// Returns what this process has folded.
    pub fn since_start(&self) -> BTreeMap<Series, Figures> {
        self.since_start.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the figures of a span.
    pub async fn query(&self, span: Span) -> Result<Stats, DatabaseError> {
        self.database.read(move |engine| query(engine, span)).await
    }

    /// Removes what was kept long enough.
    pub async fn purge(&self) -> Result<(), DatabaseError> {
        self.database.write(Durability::Ordered, purge).await
    }

    /// Reads the ids of the events up to a place, as many as are remembered, in pieces: others get
    /// their turn between.
    async fn read_recent(&self, place: i64) -> Result<Recent, DatabaseError> {
        let mut after = place.saturating_sub(i64::try_from(REMEMBERED).unwrap_or(i64::MAX));
        let mut recent = Recent::default();
        loop {
            let ids = self.database.read(move |engine| ids(engine, after, place)).await?;
            let Some((last, _)) = ids.last() else { return Ok(recent) };
            after = *last;
            for (_, id) in &ids {
                recent.is_new(id);
            }
        }
    }

    fn stored(&self, series: BTreeMap<Series, Figures>) {
        let mut since_start = self.since_start.lock().unwrap_or_else(PoisonError::into_inner);
        for (series, more) in series {
            since_start.entry(series).or_default().add(&more);
        }
    }
}

impl Recent {
    fn is_new(&mut self, id: &str) -> bool {
        let mut hasher = DefaultHasher::new();
        id.hash(&mut hasher);
        let hash = hasher.finish();
        if !self.ids.insert(hash) {
            return false;
        }
        self.order.push_back(hash);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
        true
    }
}

impl Folded {
    fn new(now: Timestamp, refolding: Refolding) -> Self {
        Self {
            minutes_from: now.minus(MINUTES_KEPT).0,
            rows: BTreeMap::new(),
            series: BTreeMap::new(),
            documents: BTreeMap::new(),
            refolding,
        }
    }

    /// Counts an event; one that cannot be read, or is not known here, counts nothing.
    fn count(&mut self, stored: &StoredEvent) {
        let event = AnalyticsEvent::parse(&stored.detail_type, &stored.detail);
        let Ok(Some(event)) = event else { return };
        let at = stored.published_at.0;
        let series = series_of(&event);
        let is_again = self.refolding.is_again(stored.seq);
        for width in [MINUTE, HOUR, QUARTER] {
            let start = at - at.rem_euclid(width);
            let is_purged = width == MINUTE && at < self.minutes_from;
            if is_purged || is_again && self.refolding.keeps(start) {
                continue;
            }
            self.rows.entry((width, start, series.clone())).or_default().count(&event);
        }
        if is_again {
            return;
        }
        self.series.entry(series).or_default().count(&event);
        let turn = event.turn().and_then(|turn| Some((turn, turn.document_id.as_ref()?)));
        if let Some((turn, document)) = turn {
            for width in [HOUR, QUARTER] {
                let row = (width, at - at.rem_euclid(width), document.clone());
                let (turns, cost) = self.documents.entry(row).or_default();
                *turns += 1;
                *cost += cost_of(turn);
            }
        }
    }
}

impl Refolding {
    /// Tells whether an event is folded for the second time.
    fn is_again(self, seq: i64) -> bool {
        seq <= self.until
    }

    /// Tells whether the figures from that time on are kept as they were.
    fn keeps(self, start: i64) -> bool {
        start <= self.kept
    }
}

/// Lists the ids of events behind one place and up to another, in order, a batch at most.
fn ids(engine: &mut Engine, after: i64, place: i64) -> rusqlite::Result<Vec<(i64, String)>> {
    let ids = "SELECT seq, id FROM events WHERE seq > ?1 AND seq <= ?2 ORDER BY seq LIMIT ?3";
    let mut ids = engine.connection.prepare_cached(ids)?;
    ids.query_map(params![after, place, rows_at_most(BATCH)], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

fn folded_place(engine: &mut Engine) -> rusqlite::Result<i64> {
    engine.connection.prepare_cached("SELECT seq FROM folded")?.query_row((), |row| row.get(0))
}

fn refolding(engine: &mut Engine) -> rusqlite::Result<Refolding> {
    let mut statement = engine.connection.prepare_cached("SELECT until, kept FROM refolding")?;
    statement.query_row((), |row| Ok(Refolding { until: row.get(0)?, kept: row.get(1)? }))
}

fn store(engine: &mut Engine, folded: &Folded, last: i64) -> rusqlite::Result<()> {
    let connection = &engine.connection;
    let mut find = connection.prepare_cached(
        "SELECT figures FROM figures WHERE width = ?1 AND at = ?2 AND provider = ?3 AND model = \
        ?4 AND synthetic = ?5",
    )?;
    let mut put = connection.prepare_cached(
        "INSERT OR REPLACE INTO figures (width, at, provider, model, synthetic, figures) VALUES \
        (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for ((width, at, (provider, model, synthetic)), more) in &folded.rows {
        let known: Option<String> = find
            .query_row(params![width, at, provider, model, synthetic], |row| row.get(0))
            .optional()?;
        let mut figures = known.map(|text| read(&text)).unwrap_or_default();
        figures.add(more);
        let text = serde_json::to_string(&figures).unwrap_or_default();
        put.execute(params![width, at, provider, model, synthetic, text])?;
    }
    let mut document = connection.prepare_cached(
        "INSERT INTO document_figures (width, at, document_id, turns, cost_micro_usd) VALUES (?1, \
        ?2, ?3, ?4, ?5)
         ON CONFLICT (width, at, document_id) DO UPDATE
         SET turns = turns + excluded.turns, cost_micro_usd = cost_micro_usd + \
         excluded.cost_micro_usd",
    )?;
    for ((width, at, id), (turns, cost)) in &folded.documents {
        document.execute(params![width, at, id, turns.cast_signed(), cost.cast_signed()])?;
    }
    connection.prepare_cached("UPDATE folded SET seq = ?1")?.execute([last]).map(drop)
}

fn query(engine: &mut Engine, Span { from, to, step }: Span) -> rusqlite::Result<Stats> {
    let step_ms = step.max(MINUTE.cast_unsigned());
    let width = width(engine.now(), Span { from, to, step });
    let mut rows = engine.connection.prepare_cached(
        "SELECT at, provider, model, synthetic, figures FROM figures WHERE width = ?1 AND at >= \
        ?2 AND at < ?3",
    )?;
    let mut rows = rows.query(params![width, from.0 - from.0.rem_euclid(width), to.0])?;
    let mut tally = Tally::default();
    while let Some(row) = rows.next()? {
        let series = (row.get(1)?, row.get(2)?, row.get(3)?);
        tally.add(Timestamp(row.get(0)?), step_ms, series, &read(row.get_ref(4)?.as_str()?));
    }
    let documents = documents(engine, width.max(HOUR), from, to)?;
    Ok(tally.stats(from, to, step_ms, documents))
}

/// Chooses the coarsest figures that tell the span's buckets apart.
fn width(now: Timestamp, Span { from, to, step }: Span) -> i64 {
    let is_old = now.minus(MINUTES_KEPT).0 > from.0;
    match to.since(from) {
        length if length > HOURS_READ && step.cast_signed() % QUARTER == 0 => QUARTER,
        length if length > MINUTES_READ || is_old => HOUR,
        _ => MINUTE,
    }
}

fn documents(
    engine: &Engine,
    width: i64,
    from: Timestamp,
    to: Timestamp,
) -> rusqlite::Result<Vec<DocumentFigures>> {
    let mut rows = engine.connection.prepare_cached(
        "SELECT document_id, sum(turns), sum(cost_micro_usd) FROM document_figures
         WHERE width = ?1 AND at >= ?2 AND at < ?3
         GROUP BY document_id ORDER BY sum(turns) DESC, document_id LIMIT ?4",
    )?;
    let rows = rows.query_map(
        params![width, from.0 - from.0.rem_euclid(width), to.0, DOCUMENTS],
        |row| {
            let [turns, cost_micro_usd] =
                [row.get::<_, i64>(1)?.cast_unsigned(), row.get::<_, i64>(2)?.cast_unsigned()];
            Ok(DocumentFigures { document_id: row.get(0)?, turns, cost_micro_usd })
        },
    )?;
    rows.collect()
}

fn purge(engine: &mut Engine) -> rusqlite::Result<()> {
    let minutes = engine.now().minus(MINUTES_KEPT).0;
    let hours = engine.now().minus(super::events::RETENTION).0;
    let connection = &engine.connection;
    let mut rows = connection.prepare_cached("DELETE FROM figures WHERE width = ?1 AND at < ?2")?;
    let mut documents =
        connection.prepare_cached("DELETE FROM document_figures WHERE width = ?1 AND at < ?2")?;
    for (width, before) in [(MINUTE, minutes), (HOUR, hours), (QUARTER, hours)] {
        rows.execute([width, before])?;
        documents.execute([width, before])?;
    }
    Ok(())
}

/// A row that cannot be read counts nothing: figures are not worth a failure.
fn read(text: &str) -> Figures {
    serde_json::from_str(text).unwrap_or_default()
}
