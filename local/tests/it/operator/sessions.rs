//! Sessions of everybody, as operators see and delete them.

use serde_json::json;

use super::operator;
use crate::support::{Chatter, Setup};

#[tokio::test]
async fn every_session_is_listed_once_in_pages() {
    let server = Setup::offline().start().await;
    let mut everybody = Vec::new();
    for _ in 0..5 {
        everybody.push(Chatter::join(&server).await.session);
    }
    let http = operator(&server);
    let mut found = Vec::new();
    let mut path = "/admin/api/sessions?limit=2".to_owned();
    loop {
        let page = http.get(&path).await.expect(200);
        let sessions = page["sessions"].as_array().unwrap();
        assert!(sessions.len() <= 2);
        found.extend(
            sessions.iter().map(|session| session["session_id"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/admin/api/sessions?limit=2&after={next}");
    }
    found.sort();
    everybody.sort();
    assert_eq!(found, everybody);
}

#[tokio::test]
async fn a_session_is_shown_with_its_turns_and_deleted_as_its_owner_can() {
    let server = Setup::offline().start().await;
    let mut ann = Chatter::join(&server).await;
    ann.ask("Hello").await;
    let http = operator(&server);
    let listed = http.get("/admin/api/sessions").await.expect(200);
    let path =
        format!("/admin/api/sessions/{}", listed["sessions"][0]["session_key"].as_str().unwrap());
    let turns = http.get(&format!("{path}/turns")).await.expect(200);
    assert_eq!(
        (&turns["turns"][0]["message"], &turns["turns"][0]["done"]),
        (&json!("Hello"), &json!(true))
    );
    assert_eq!(http.delete(&path).await.status, 204);
    ann.until(|view| view.gone).await;
    ann.http.get(&ann.path("/turns")).await.problem(404);
    assert_eq!(http.get("/admin/api/sessions").await.expect(200)["sessions"], json!([]));
    http.get("/admin/api/sessions/none").await.problem(404);
    assert_eq!(http.get("/admin/api/sessions?limit=0").await.problem(400)["field"], "limit");
    http.get("/admin/api/sessions?after=%20").await.problem(400);
}
