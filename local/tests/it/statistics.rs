//! Figures of a long past, as they are asked for.

use std::sync::Arc;
use std::time::Duration;

use local::sqlite::{Database, Span};
use serde_json::json;
use shared::domain::Timestamp;
use shared::memory::ManualClock;
use shared::operator::Stats;
use shared::ports::{Clock as _, EventEntry, Events as _};

const HOUR: i64 = 3_600_000;
const START: i64 = 1_800_000_000_000;

fn turn(number: i64) -> EventEntry {
    let id = format!("event-{number}");
    let detail = json!({
        "session_id": "s", "session_key": "k", "timestamp": "2027-01-15T08:00:00Z",
        "metadata": { "id": id, "specversion": "1.0", "schema_version": "1" },
        "message_id": "m", "turn": 1, "message_length": 1, "response_length": 1,
        "document_id": format!("d{}", number % 3), "provider": "claude", "model": "m",
        "input_tokens": 0, "output_tokens": 0, "cost_micro_usd": number,
        "queue_ms": 0, "context_ms": 0, "first_token_ms": null,
        "total_ms": 100 * (1 + number % 7), "finish_reason": "stop", "error_code": null,
        "generations": 1, "context": "used", "synthetic": number % 5 == 0,
    });
    EventEntry { id, detail_type: "Chat Message", detail }
}

#[tokio::test]
async fn a_month_comes_to_the_same_in_steps_of_any_width() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::new(Timestamp(START)));
    let database =
        Database::open(&folder.path().join("chatbot.db"), Arc::<ManualClock>::clone(&clock))
            .unwrap();
    for number in 0..720 {
        database.events().put(&[turn(number)]).await.unwrap();
        clock.advance(Duration::from_hours(1));
    }
    let statistics = database.statistics();
    assert_eq!(statistics.fold().await.unwrap(), 720);
    let span =
        |step: i64| Span { from: Timestamp(START), to: clock.now(), step: step.cast_unsigned() };
    let quarters = statistics.query(span(6 * HOUR)).await.unwrap();
    let hours = statistics.query(span(HOUR)).await.unwrap();
    assert_eq!((hours.series.len(), hours.totals.turns), (720, 720));
    assert!(quarters.series.len() <= 121, "{}", quarters.series.len());
    let minutes = "SELECT count(*) FROM figures WHERE width = 60000";
    let beside = rusqlite::Connection::open(folder.path().join("chatbot.db")).unwrap();
    database.sync().await.unwrap();
    let minutes: i64 = beside.query_row(minutes, (), |row| row.get(0)).unwrap();
    assert_eq!(minutes, 72, "older ones would only be purged");
    drop(beside);
    let rest = |Stats { totals, groups, documents, .. }: Stats| (totals, groups, documents);
    assert_eq!(rest(quarters), rest(hours));
    clock.advance(Duration::from_hours(24 * 91));
    statistics.purge().await.unwrap();
    let gone = statistics.query(span(6 * HOUR)).await.unwrap();
    assert_eq!((gone.totals.turns, gone.documents.len()), (0, 0));
}

#[tokio::test]
async fn a_restart_remembers_the_last_events_of_a_long_past() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::new(Timestamp(START)));
    let database =
        Database::open(&folder.path().join("chatbot.db"), Arc::<ManualClock>::clone(&clock))
            .unwrap();
    for number in 0..2_500 {
        database.events().put(&[turn(number)]).await.unwrap();
    }
    assert_eq!(database.statistics().fold().await.unwrap(), 2_500);
    for number in [0, 999, 1_000, 2_499] {
        database.events().put(&[turn(number)]).await.unwrap();
    }
    // Statistics that are made anew have to read what came before.
    let statistics = database.statistics();
    assert_eq!(statistics.fold().await.unwrap(), 4);
    let from = Timestamp(START);
    let to = Timestamp(START + HOUR);
    assert_eq!(
        statistics.query(Span { from, to, step: 60_000 }).await.unwrap().totals.turns,
        2_500
    );
}

#[tokio::test]
async fn figures_of_an_older_version_are_made_anew_of_the_events() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("chatbot.db");
    let clock = Arc::new(ManualClock::new(Timestamp(START)));
    let open = || Database::open(&file, Arc::<ManualClock>::clone(&clock)).unwrap();
    let database = open();
    database.events().put(&[turn(1), turn(2)]).await.unwrap();
    database.statistics().fold().await.unwrap();
    drop(database);
    rusqlite::Connection::open(&file).unwrap().pragma_update(None, "user_version", 2).unwrap();
    let statistics = open().statistics();
    assert_eq!(statistics.fold().await.unwrap(), 2);
    let from = Timestamp(START);
    let to = Timestamp(START + 30 * 24 * HOUR);
    for step in [HOUR, 6 * HOUR] {
        let stats = statistics.query(Span { from, to, step: step.cast_unsigned() }).await.unwrap();
        assert_eq!((stats.totals.turns, stats.documents.len()), (2, 2));
    }
}
