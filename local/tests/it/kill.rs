//! `kill -9` of the real program under load: scenario 55 of docs/FAULTS.md.

use simulation::soak::{SoakPlan, run};
use tempfile::TempDir;

const SEED: u64 = 20_261_123;
const KILLS: u32 = 10;

#[tokio::test]
async fn s55_a_server_that_is_killed_under_load_loses_and_doubles_nothing_that_was_answered_202() {
    let directory = TempDir::new().unwrap();
    let plan = SoakPlan {
        program: env!("CARGO_BIN_EXE_learning-yogi-chatbot").into(),
        data_dir: directory.path().join("data"),
        kills: KILLS,
        people: 8,
        seed: SEED,
    };
    let found = run(plan, drop).await.unwrap();
    assert_eq!(found.count("kills"), u64::from(KILLS));
    assert!(found.finals() >= 40, "too little happened to prove anything:\n{}", found.table());
    for needed in [
        "answers lost",
        "calls given up",
        "fallbacks",
        "finals pushed",
        "posts repeated",
        "reconnections",
    ] {
        assert!(found.count(needed) > 0, "{needed} never happened:\n{}", found.table());
    }
}
