//! Another principal's session, by every route that names one.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::stub_provider::Behaviour;

use crate::support::{Answer, Chatter, Http, Setup, in_time, provider};

/// Calls everything that names a session.
async fn everything(http: &Http, session: &str) -> Vec<Answer> {
    let stop = json!({ "message_id": "m1" }).to_string();
    let verdict = json!({ "rating": "up", "comment": "x" }).to_string();
    let mut answers = Vec::new();
    for (method, rest, body) in [
        (Method::GET, "/turns", None),
        (Method::GET, "/turns?after=0&limit=1&wait=1", None),
        (Method::GET, "/turns?before=2", None),
        (Method::POST, "/tickets", None),
        (Method::POST, "/stop", Some(stop)),
        (Method::POST, "/turns/1/feedback", Some(verdict)),
        (Method::DELETE, "", None),
    ] {
        answers.push(http.call(method, &format!("/sessions/{session}{rest}"), body).await);
    }
    answers
}

/// Returns all of an answer but the time of day.
fn whole(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let kept = answer.headers.iter().filter(|(name, _)| *name != "date");
    let header = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        (name.to_string(), value.to_str().unwrap().to_owned())
    };
    (answer.status, kept.map(header).collect(), answer.text.clone())
}

#[tokio::test]
async fn a_foreign_session_an_absent_one_and_a_deleted_one_differ_in_no_byte() {
    let stub = provider(Behaviour::Echo).await;
    let server = Setup::claude(&stub).start().await;
    let mut ann = Chatter::join(&server).await;
    let bob = Chatter::join(&server).await;
    ann.ask("The canary is mine").await;
    let gone = Chatter::join(&server).await;
    assert_eq!(gone.http.delete(&format!("/sessions/{}", gone.session)).await.status, 204);
    let answers = async |session: &str| {
        let answers = everything(&bob.http, session).await;
        for answer in &answers {
            answer.problem(404);
        }
        answers.iter().map(whole).collect::<Vec<_>>()
    };
    let absent = answers("never-was").await;
    for session in [ann.session.as_str(), gone.session.as_str(), "x", "%20", "a%00b"] {
        assert_eq!(answers(session).await, absent, "{session}");
    }
}

#[tokio::test]
async fn without_good_credentials_no_session_is_told_from_another() {
    let stub = provider(Behaviour::Echo).await;
    let server = Setup::claude(&stub).start().await;
    let mut ann = Chatter::join(&server).await;
    ann.ask("The canary is mine").await;
    let mut nobody = Http::new(server.base());
    for token in [None, Some("yogi1.e30.AAAA"), Some("")] {
        nobody.token = token.map(str::to_owned);
        let answers = async |session: &str| {
            everything(&nobody, session).await.iter().map(whole).collect::<Vec<_>>()
        };
        let foreign = answers(&ann.session).await;
        assert!(foreign.iter().all(|(status, ..)| *status == 401), "{foreign:?}");
        assert_eq!(foreign, answers("never-was").await);
    }
    assert_eq!(ann.turns().await.len(), 1);
}

#[tokio::test]
async fn whoever_uses_the_id_of_anothers_session_has_one_of_their_own() {
    let stub = provider(Behaviour::HangMidStream { after: 3 }).await;
    let server = Setup::claude(&stub).start().await;
    let mut ann = Chatter::join(&server).await;
    let id = ann.say("The canary is mine").await;
    let shown = ann.text_of(&id, 5).await;

    let mut http = Http::new(server.base());
    let named = json!({ "session_id": ann.session });
    http.token = http.post("/sessions", &named).await.expect(201)["session_token"]
        .as_str()
        .map(str::to_owned);
    let path = |rest: &str| format!("/sessions/{}{rest}", ann.session);
    // The same session id, the same message id, another person.
    let asked = json!({ "message": "Mine", "session_id": ann.session, "message_id": id });
    http.post("/chat", &asked).await.expect(202);
    in_time(stub.until(|seen| seen.calls == 2)).await;
    assert_eq!(stub.calls()[1].messages.len(), 1, "nothing of the other session is told");
    let stopped = json!({ "message_id": id });
    http.post(&path("/stop"), &stopped).await.expect(202);
    let ended = http.get(&path("/turns?after=0&wait=20")).await.expect(200);
    assert_eq!(
        (&ended["turns"][0]["message"], &ended["turns"][0]["kind"]),
        (&json!("Mine"), &json!("cancelled"))
    );
    let verdict = json!({ "rating": "down" });
    assert_eq!(http.post(&path("/turns/1/feedback"), &verdict).await.status, 204);
    assert_eq!(http.delete(&path("")).await.status, 204);

    let turns: Vec<Value> = ann.turns().await;
    assert_eq!(
        (turns.len(), &turns[0]["state"]),
        (1, &json!("running")),
        "it runs on, and is still there"
    );
    ann.stop(&id).await.expect(202);
    let ended = ann.final_of(&id).await;
    assert!(ended.kind == "cancelled" && ended.text.starts_with(&shown), "{ended:?}");
}
