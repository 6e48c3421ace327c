//! Figures: status, and the page for Prometheus.

use bench::stub::{Behaviour, Reply};
use serde_json::json;

use super::operator;
use crate::support::{Chatter, Http, Setup, provider};

#[tokio::test]
async fn the_status_tells_of_providers_queues_and_connections() {
    let stub = provider(Behaviour::Reply(Reply::words(5))).await;
    let server = Setup::claude(&stub).and_openai(&stub).start().await;
    let ann = Chatter::join(&server).await;
    let status = Http::new(server.base()).get("/admin/api/status").await.expect(200);
    let providers = status["providers"].as_array().unwrap();
    let names: Vec<_> = providers.iter().map(|provider| (&provider["provider"], &provider["breaker"])).collect();
    assert_eq!(names, [(&json!("claude"), &json!("closed")), (&json!("openai"), &json!("closed"))]);
    assert_eq!((&status["connections"], &status["queues"][0]["dead"]), (&json!(1), &json!(0)));
    drop(ann);
}

#[tokio::test]
async fn a_provider_that_fails_again_and_again_is_seen_to_be_left_alone() {
    let stub = provider(Behaviour::Status(bench::stub::Failure::new(500))).await;
    let server = Setup::claude(&stub).with("CHATBOT_BREAKER_FAILURES", "1").start().await;
    let mut ann = Chatter::join(&server).await;
    let id = ann.say("Hello").await;
    let http = operator(&server);
    let mut breaker = json!("closed");
    while breaker == "closed" {
        breaker = http.get("/admin/api/status").await.expect(200)["providers"][0]["breaker"].clone();
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
    let turns = r#"chatbot_turns_total{error_code="",finish_reason="stop",provider="claude",source="live"} 3"#;
    let page = loop {
        let page = http.get("/metrics").await;
        if page.text.contains(turns) {
            break page;
        }
    };
    assert_eq!(page.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    for line in ["chatbot_turn_seconds_count 3", "chatbot_connections 1", r#"chatbot_provider_up{provider="claude"} 1"#]
    {
        assert!(page.text.lines().any(|found| found == line), "{line} is not in {}", page.text);
    }
    check_format(&page.text);
}

/// Holds a page to the text format: every sample follows the head of its family, and buckets only grow.
#[track_caller]
fn check_format(page: &str) {
    let (mut family, mut kind) = ("", "");
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
