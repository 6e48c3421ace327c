//! `kill -9` of the real program under load: scenario 55 of docs/FAULTS.md.

use bench::soak::{Plan, run};
use tempfile::TempDir;

const SEED: u64 = 20_261_123;

#[tokio::test]
async fn s55_a_server_that_is_killed_under_load_loses_and_doubles_nothing_that_was_answered_202() {
    let directory = TempDir::new().unwrap();
    let plan = Plan {
        program: env!("CARGO_BIN_EXE_learning-yogi-chatbot").into(),
        data_dir: directory.path().join("data"),
        kills: 10,
        sessions: 6,
        seed: SEED,
    };
    let found = run(plan, drop).await.unwrap();
    assert!(found.messages >= 60, "too little happened to prove anything: {found:?}");
    assert!(found.pushed > 0, "{found:?}");
}
