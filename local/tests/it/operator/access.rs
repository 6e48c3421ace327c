//! Who may make an operator call.

use reqwest::Method;
use serde_json::json;

use super::operator;
use crate::support::{Chatter, Http, Setup};

const TOKEN: &str = "a-token-of-the-operators-own";

/// Every call, and whether it shows nothing but figures.
const CALLS: [(&str, &str, bool); 17] = [
    ("GET", "/metrics", true),
    ("GET", "/admin/api/status", true),
    ("GET", "/admin/api/events?after=0", true),
    ("GET", "/admin/api/stats", true),
    ("GET", "/admin/api/settings", false),
    ("POST", "/admin/api/cleanup", false),
    ("POST", "/admin/api/messages", false),
    ("POST", "/admin/api/messages/lookup", false),
    ("POST", "/admin/api/prompts", false),
    ("POST", "/admin/api/chat-sessions", false),
    ("GET", "/admin/api/sessions", false),
    ("GET", "/admin/api/sessions/AVQC1QrKF9bUxN9hP2UZ42h1XKC2J3zRWaU4w5qFnuI", false),
    ("GET", "/admin/api/sessions/AVQC1QrKF9bUxN9hP2UZ42h1XKC2J3zRWaU4w5qFnuI/turns", false),
    ("DELETE", "/admin/api/sessions/AVQC1QrKF9bUxN9hP2UZ42h1XKC2J3zRWaU4w5qFnuI", false),
    ("GET", "/admin/api/dead-letters", false),
    ("POST", "/admin/api/dead-letters/redrive", false),
    ("POST", "/admin/api/dead-letters/drop", false),
];

async fn call(http: &Http, (method, path, _): (&str, &str, bool), headers: &[(&str, &str)]) -> u16 {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let body = (method == Method::POST).then(|| ("{}".to_owned(), "application/json"));
    http.send(method, path, body, headers).await.status
}

#[tokio::test]
async fn without_the_token_only_figures_are_shown_and_only_on_this_machine() {
    let server = Setup::offline().start().await;
    let mut stranger = Http::new(server.base());
    for token in [None, Some("wrong"), Some("")] {
        stranger.token = token.map(str::to_owned);
        for asked in CALLS {
            let expected = if asked.2 { 200 } else { 401 };
            assert_eq!(call(&stranger, asked, &[]).await, expected, "{asked:?} with {token:?}");
        }
    }
    let open =
        Setup::offline().with("CHATBOT_ALLOWED_ORIGINS", "https://school.example").start().await;
    for asked in CALLS {
        assert_eq!(
            call(&Http::new(open.base()), asked, &[]).await,
            401,
            "{asked:?} where others can call"
        );
        assert_ne!(call(&operator(&open), asked, &[]).await, 401, "{asked:?}");
    }
}

#[tokio::test]
async fn a_users_token_is_not_an_operators() {
    let server = Setup::offline().start().await;
    let ann = Chatter::join(&server).await;
    ann.http.get("/admin/api/sessions").await.problem(401);
    operator(&server).get(&format!("/sessions/{}/turns", ann.session)).await.problem(401);
}

#[tokio::test]
async fn events_with_texts_are_not_shown_without_the_token() {
    let server = Setup::offline().with("CHATBOT_ANALYTICS_TEXT", "true").start().await;
    Http::new(server.base()).get("/admin/api/events?after=0").await.problem(401);
    operator(&server).get("/admin/api/events?after=0").await.expect(200);
}

#[tokio::test]
async fn a_page_of_another_site_gets_nothing() {
    let server = Setup::offline().start().await;
    for http in [Http::new(server.base()), operator(&server)] {
        for site in ["cross-site", "same-site"] {
            for asked in CALLS {
                assert_eq!(
                    call(&http, asked, &[("sec-fetch-site", site)]).await,
                    403,
                    "{asked:?} from {site}"
                );
            }
        }
        assert_eq!(call(&http, CALLS[1], &[("sec-fetch-site", "same-origin")]).await, 200);
    }
}

#[tokio::test]
async fn the_operator_may_choose_the_token_and_nobody_else_can_read_it() {
    let server = Setup::offline().with("CHATBOT_OPERATOR_TOKEN", TOKEN).start().await;
    let mut http = Http::new(server.base());
    http.token = Some(TOKEN.to_owned());
    let settings = http.get("/admin/api/settings").await.expect(200);
    assert!(!settings.to_string().contains(TOKEN), "{settings}");
    assert_eq!(
        settings["keys"],
        json!({
            "ANTHROPIC_API_KEY": false, "AWS_BEARER_TOKEN_BEDROCK": false, "OPENAI_API_KEY": false
        })
    );
    assert!(!server.data_dir().join("operator.token").exists(), "the variable stands for the file");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(server.data_dir().join("operator.json"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let stopped = server.stop().await;
    assert!(!stopped.data_dir().join("operator.json").exists(), "a server that is gone is nowhere");
}

#[tokio::test]
async fn a_token_of_the_data_directory_outlives_a_restart() {
    let server = Setup::offline().start().await;
    let before = operator(&server);
    let server = server.stop().await.start().await;
    let mut after = Http::new(server.base());
    after.token = before.token;
    after.get("/admin/api/sessions").await.expect(200);
}

#[test]
fn every_call_is_documented_and_every_documented_call_is_tried_here() {
    let contract = concat!(env!("CARGO_MANIFEST_DIR"), "/../contracts/operator.yaml");
    let mut documented = Vec::new();
    let mut path = String::new();
    for line in std::fs::read_to_string(contract).unwrap().lines() {
        if let Some(found) = line.strip_prefix("  /").and_then(|rest| rest.strip_suffix(':')) {
            path = format!("/{found}");
        } else if let Some(method) =
            ["get", "post", "delete"].iter().find(|m| line == format!("    {m}:"))
        {
            documented.push(format!("{} {path}", method.to_uppercase()));
        }
    }
    let plain = |path: &str| {
        let path = path.split('?').next().unwrap_or_default();
        path.replace("AVQC1QrKF9bUxN9hP2UZ42h1XKC2J3zRWaU4w5qFnuI", "{session_key}")
    };
    let mut tried: Vec<_> =
        CALLS.iter().map(|(method, path, _)| format!("{method} {}", plain(path))).collect();
    documented.sort();
    tried.sort();
    assert_eq!(tried, documented);
}

#[tokio::test]
async fn what_cannot_be_read_is_a_problem_that_says_where() {
    let server = Setup::offline().start().await;
    let http = operator(&server);
    http.get("/admin/api/sessions/%FF").await.problem(404);
    http.get("/admin/api/nothing").await.problem(404);
    http.get("/admin/api/messages").await.problem(405);
    assert_eq!(http.get("/admin/api/events?limit=many").await.problem(400)["field"], "limit");
    for body in ["", "[]", "{\"principal\":\"op:a\",\"messages\":7}"] {
        http.call(Method::POST, "/admin/api/messages", Some(body.to_owned())).await.problem(400);
    }
    let huge = "x".repeat(33 * 1024 * 1024);
    http.call(Method::POST, "/admin/api/messages/lookup", Some(huge)).await.problem(413);
    assert_eq!(Http::new(server.base()).call(Method::HEAD, "/metrics", None).await.status, 200);
    assert_eq!(http.post("/admin/api/cleanup", &json!({})).await.expect(200)["ended_turns"], 0);
}
