//! Figures: status, and the page for Prometheus.

use serde_json::json;
use testkit::stub_provider::{Behaviour, Reply};

use super::operator;
use crate::support::{Chatter, Http, Setup, provider};

#[tokio::test]
async fn the_status_tells_of_providers_queues_and_connections() {
    let stub = provider(Behaviour::Reply(Reply::words(5))).await;
    let server = Setup::claude(&stub).and_openai(&stub).start().await;
    let ann = Chatter::join(&server).await;
    let status = Http::new(server.base()).get("/admin/api/status").await.expect(200);
    let providers = status["providers"].as_array().unwrap();
    let names: Vec<_> =
        providers.iter().map(|provider| (&provider["provider"], &provider["breaker"])).collect();
    assert_eq!(names, [(&json!("claude"), &json!("closed")), (&json!("openai"), &json!("closed"))]);
    assert_eq!((&status["connections"], &status["queues"][0]["dead"]), (&json!(1), &json!(0)));
    drop(ann);
}

/// What `df` says of the same disk, on which others write meanwhile.
#[cfg(unix)]
#[tokio::test]
async fn the_status_tells_what_is_left_of_the_disk() {
    let server = Setup::offline().start().await;
    let http = Http::new(server.base());
    let free = http.get("/admin/api/status").await.expect(200)["free_bytes"].as_u64().unwrap();
    let df = std::process::Command::new("df").arg("-Pk").arg(server.data_dir()).output().unwrap();
    let text = String::from_utf8(df.stdout).unwrap();
    let kilobytes: u64 =
        text.lines().nth(1).unwrap().split_whitespace().nth(3).unwrap().parse().unwrap();
    assert!(free.abs_diff(kilobytes * 1024) < 4 << 30, "{free} bytes, {text}");
    let page = http.get("/metrics").await.text;
    assert!(
        page.contains("# TYPE chatbot_disk_free_bytes gauge\nchatbot_disk_free_bytes "),
        "{page}"
    );
}

#[tokio::test]
async fn a_provider_that_fails_again_and_again_is_seen_to_be_left_alone() {
    let stub = provider(Behaviour::Status(testkit::stub_provider::Failure::new(500))).await;
    let server = Setup::claude(&stub).with("CHATBOT_BREAKER_FAILURES", "1").start().await;
    let mut ann = Chatter::join(&server).await;
    let id = ann.say("Hello").await;
    let http = operator(&server);
    let mut breaker = json!("closed");
    while breaker == "closed" {
        breaker =
            http.get("/admin/api/status").await.expect(200)["providers"][0]["breaker"].clone();
    }
    assert!(breaker == "open" || breaker == "half_open", "{breaker}");
    ann.stop(&id).await.expect(202);
}

#[tokio::test]
async fn prometheus_reads_what_happened() {
    let stub = provider(Behaviour::Reply(Reply::words(5))).await;
    let server = Setup::claude(&stub).start().await;
    let mut ann = Chatter::join(&server).await;
    for message in ["One", "Two", "Three"] {
        ann.ask(message).await;
    }
    let http = Http::new(server.base());
    let turns = concat!(
        r#"chatbot_turns_total{error="",model="claude-haiku-5-5",outcome="reply","#,
        r#"provider="claude",source="live"} 3"#,
    );
    let page = loop {
        let page = http.get("/metrics").await;
        if page.text.contains(turns) {
            break page;
        }
    };
    assert_eq!(page.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    for line in [
        "chatbot_turn_seconds_count 3",
        "chatbot_connections 1",
        r#"chatbot_provider_up{provider="claude"} 1"#,
    ] {
        assert!(page.text.lines().any(|found| found == line), "{line} is not in {}", page.text);
    }
    check_format(&page.text);
}

/// Holds a page to the text format: every sample follows the head of its family, and buckets only
/// grow.
#[track_caller]
fn check_format(page: &str) {
    let mut family = "";
    let mut kind = "";
    let mut last_bucket = 0;
    for line in page.lines() {
        if let Some(head) = line.strip_prefix("# TYPE ") {
            (family, kind) = head.split_once(' ').unwrap();
            last_bucket = 0;
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
        } else if !line.starts_with("# HELP ") {
            let (series, value) = line.rsplit_once(' ').unwrap();
            assert!(series.starts_with(family), "{line} stands under {family}");
            assert!(value.parse::<f64>().is_ok(), "{line}");
            assert_eq!(series.contains('{'), series.ends_with('}'), "{line}");
            if kind == "histogram" && series.contains("_bucket{") {
                let count: u64 = value.parse().unwrap();
                assert!(count >= last_bucket, "{line}");
                last_bucket = count;
            }
        }
    }
}

#[tokio::test]
async fn the_figures_of_an_hour_are_what_happened_in_it() {
    let stub = provider(Behaviour::Reply(Reply::words(5))).await;
    let server = Setup::claude(&stub).start().await;
    let mut ann = Chatter::join(&server).await;
    ann.ask("One").await;
    ann.ask("Two").await;
    let http = operator(&server);
    super::answered(
        &http,
        &super::submit(&http, json!({ "message_id": "m1", "message": "Three" })).await,
    )
    .await;
    let stats = figures(&http, 3).await;
    let totals = &stats["totals"];
    assert_eq!(
        (&totals["turns"], &totals["synthetic"], &totals["total"]["count"]),
        (&json!(3), &json!(1), &json!(3))
    );
    let groups: Vec<_> = stats["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|g| (&g["synthetic"], &g["figures"]["turns"]))
        .collect();
    assert_eq!(groups, [(&json!(false), &json!(2)), (&json!(true), &json!(1))]);
    let server = server.stop().await.start().await;
    assert_eq!(figures(&operator(&server), 3).await["totals"], *totals, "a restart keeps them");
    for (query, field) in [
        ("from=5&to=4", "from"),
        ("step=1", "step"),
        ("from=0&step=60000", "step"),
        ("from=x", "from"),
    ] {
        let problem = http_problem(&server, query).await;
        assert_eq!(problem["field"], field, "{query}");
    }
}

#[tokio::test]
async fn an_event_that_was_published_twice_counts_once_also_after_a_restart() {
    let stub = provider(Behaviour::Reply(Reply::words(5))).await;
    let server = Setup::claude(&stub).start().await;
    let mut ann = Chatter::join(&server).await;
    ann.ask("One").await;
    figures(&operator(&server), 1).await;
    let mut server = server;
    for _ in 0..2 {
        let stopped = server.stop().await;
        let database = rusqlite::Connection::open(stopped.data_dir().join("chatbot.db")).unwrap();
        let again = "INSERT INTO events (id, detail_type, detail, published_at) SELECT id, \
            detail_type, detail, published_at FROM events";
        database.execute(again, ()).unwrap();
        drop(database);
        server = stopped.start().await;
        assert_eq!(figures(&operator(&server), 1).await["totals"]["turns"], 1);
    }
}

/// Waits until so many turns are counted.
async fn figures(http: &Http, turns: u64) -> serde_json::Value {
    crate::support::in_time(async {
        loop {
            let stats = http.get("/admin/api/stats").await.expect(200);
            if stats["totals"]["turns"].as_u64() >= Some(turns) {
                return stats;
            }
        }
    })
    .await
}

async fn http_problem(server: &crate::support::TestServer, query: &str) -> serde_json::Value {
    operator(server).get(&format!("/admin/api/stats?{query}")).await.problem(400)
}

#[tokio::test]
async fn the_admin_page_is_served_and_loads_nothing_from_elsewhere() {
    let server = Setup::offline().start().await;
    let http = Http::new(server.base());
    let page = http.get("/admin").await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(page.header("content-security-policy").contains("default-src 'self'"));
    for file in ["admin.css", "admin.js", "plot.js"] {
        assert_eq!(http.get(&format!("/admin/page/{file}")).await.status, 200, "{file}");
        assert!(file == "plot.js" || page.text.contains(&format!("/admin/page/{file}")), "{file}");
    }
    assert_eq!(http.get("/admin/page/other.js").await.status, 404);
}
