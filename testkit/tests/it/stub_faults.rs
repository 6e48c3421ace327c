//! What the stub does when it is told to misbehave, or is asked wrongly.

use serde_json::{Value, json};
use testkit::stub_provider::{Behaviour, Failure, Protocol, Reply, StubProvider};

use crate::client::{ask, hear, listen, post, request, with_body};

const BOTH: [Protocol; 2] = [Protocol::Claude, Protocol::OpenAi];

async fn stub() -> StubProvider {
    StubProvider::start(Behaviour::Reply(Reply::default())).await.unwrap()
}

fn beginning(pieces: usize) -> String {
    Reply::default().pieces[..pieces].concat()
}

#[tokio::test]
async fn a_death_mid_stream_sends_its_pieces_and_breaks_off() {
    let stub = StubProvider::start(Behaviour::DieMidStream { after: 3 }).await.unwrap();
    for protocol in BOTH {
        let heard = hear(&stub, protocol, "Hello").await;
        assert_eq!((heard.text, heard.broken, heard.marked), (beginning(3), true, false));
    }
}

#[tokio::test]
async fn an_error_mid_stream_is_an_event_after_the_pieces() {
    let stub = StubProvider::start(Behaviour::ErrorMidStream { after: 2 }).await.unwrap();
    for (protocol, kind) in
        [(Protocol::Claude, "overloaded_error"), (Protocol::OpenAi, "server_error")]
    {
        let heard = hear(&stub, protocol, "Hello").await;
        assert_eq!((heard.text, heard.error.as_deref()), (beginning(2), Some(kind)));
        assert!(!heard.broken && !heard.marked);
    }
}

#[tokio::test]
async fn an_end_without_mark_is_a_clean_end_of_the_body() {
    let stub = StubProvider::start(Behaviour::EndWithoutMark { after: 2 }).await.unwrap();
    for protocol in BOTH {
        let heard = hear(&stub, protocol, "Hello").await;
        assert_eq!((heard.text, heard.finish), (beginning(2), None));
        assert!(!heard.broken && !heard.marked);
    }
}

#[tokio::test]
async fn garbage_is_neither_json_nor_ended() {
    let stub = StubProvider::start(Behaviour::Garbage).await.unwrap();
    for protocol in BOTH {
        let heard = hear(&stub, protocol, "Hello").await;
        assert_eq!(heard.error.as_deref(), Some("not JSON"));
        assert!(!heard.marked);
    }
}

#[tokio::test]
async fn a_client_that_hangs_up_is_noticed() {
    let stub = stub().await;
    stub.script([Behaviour::HangMidStream { after: 1 }, Behaviour::Endless]);
    drop(ask(&stub, Protocol::Claude, "Hello").await);
    drop(ask(&stub, Protocol::OpenAi, "Hello").await);
    assert_eq!(stub.until(|seen| seen.abandoned == 2).await.calls, 2);
}

#[tokio::test]
async fn a_request_without_answer_can_be_hung_up_too() {
    let stub = StubProvider::start(Behaviour::HangBeforeHeaders).await.unwrap();
    let messages = json!([{"role": "user", "content": "Hello"}]);
    let silent = request(&stub, Protocol::Claude, &messages).send();
    tokio::select! {
        answer = silent => panic!("{answer:?}"),
        seen = stub.until(|seen| seen.calls == 1) => assert_eq!(seen.abandoned, 0),
    }
    assert_eq!(stub.until(|seen| seen.abandoned == 1).await.calls, 1);
}

#[tokio::test]
async fn a_death_before_the_headers_is_a_connection_error() {
    let stub = StubProvider::start(Behaviour::DieBeforeHeaders).await.unwrap();
    let messages = json!([{"role": "user", "content": "Hello"}]);
    assert!(request(&stub, Protocol::OpenAi, &messages).send().await.is_err());
}

#[tokio::test]
async fn a_429_carries_its_headers_and_each_protocols_body() {
    let failure = Failure::new(429).retry_after_ms(50).retry_after(1).should_retry(true);
    let stub = StubProvider::start(Behaviour::Status(failure)).await.unwrap();
    for (protocol, kind) in [(Protocol::Claude, "rate_limit_error"), (Protocol::OpenAi, "requests")]
    {
        let response = ask(&stub, protocol, "Hello").await;
        assert_eq!(response.status(), 429);
        assert_eq!(response.headers()["retry-after-ms"], "50");
        assert_eq!(response.headers()["retry-after"], "1");
        assert_eq!(response.headers()["x-should-retry"], "true");
        assert_eq!(error(response).await["type"], kind);
    }
}

#[tokio::test]
async fn money_and_retired_models_have_their_own_codes() {
    let stub = stub().await;
    let money = || Behaviour::Status(Failure::insufficient_quota());
    stub.script([money(), money(), Behaviour::Status(Failure::retired_model())]);
    let claude = error(ask(&stub, Protocol::Claude, "Hello").await).await;
    assert_eq!(claude["details"]["error_code"], "enforced_spend_limit_reached");
    let openai = error(ask(&stub, Protocol::OpenAi, "Hello").await).await;
    assert_eq!(openai["code"], "insufficient_quota");
    let retired = ask(&stub, Protocol::Claude, "Hello").await;
    assert_eq!(retired.status(), 404);
    assert_eq!(error(retired).await["type"], "not_found_error");
}

#[tokio::test]
async fn a_script_is_used_in_order_and_then_the_default_again() {
    let stub = stub().await;
    stub.script([Behaviour::Status(Failure::new(529)), Behaviour::Empty]);
    assert_eq!(ask(&stub, Protocol::Claude, "Hello").await.status(), 529);
    assert_eq!(hear(&stub, Protocol::Claude, "Hello").await.text, "");
    assert_eq!(hear(&stub, Protocol::Claude, "Hello").await.text, Reply::default().whole());
}

#[tokio::test]
async fn a_once_marker_misbehaves_once_for_each_message() {
    let stub = stub().await;
    for message in ["one [[stub:die-once]]", "two [[stub:die-once]]"] {
        assert!(hear(&stub, Protocol::Claude, message).await.broken);
        assert!(hear(&stub, Protocol::OpenAi, message).await.marked);
    }
    let message = "three [[stub:429]]";
    let first = ask(&stub, Protocol::Claude, message).await;
    assert_eq!(
        (first.status().as_u16(), &first.headers()["retry-after-ms"]),
        (429, &"50".parse().unwrap())
    );
    assert!(hear(&stub, Protocol::Claude, message).await.marked);
}

#[tokio::test]
async fn every_marker_does_what_it_says() {
    let stub = stub().await;
    let heard = async |message: &str| hear(&stub, Protocol::Claude, message).await;
    assert!(heard("[[stub:die]]").await.broken);
    assert_eq!(heard("[[stub:refusal]]").await.finish.as_deref(), Some("refusal"));
    assert_eq!(heard("[[stub:length]]").await.finish.as_deref(), Some("max_tokens"));
    assert_eq!(heard("[[stub:empty]]").await.deltas, 0);
    assert_eq!(heard("[[stub:byte]]").await.text, Reply::default().whole());
    assert_eq!(heard("[[stub:long:1234]]").await.text.chars().count(), 1234);
    assert_eq!(heard("hé [[stub:echo]] lo").await.text, "hé [[stub:echo]] lo");
    assert_eq!(heard("[[stub:garbage]]").await.error.as_deref(), Some("not JSON"));
    for (marker, status) in
        [("fatal", 401), ("529", 529), ("no-such-thing", 400), ("long:1000001", 400)]
    {
        let response = ask(&stub, Protocol::OpenAi, &format!("[[stub:{marker}]]")).await;
        assert_eq!(response.status(), status, "{marker}");
    }
}

#[tokio::test(start_paused = true)]
async fn slow_takes_four_seconds_and_hang_for_ever() {
    let stub = stub().await;
    let start = tokio::time::Instant::now();
    assert_eq!(hear(&stub, Protocol::Claude, "[[stub:slow]]").await.deltas, 20);
    assert_eq!(start.elapsed().as_secs(), 4);
    let hanging = listen(ask(&stub, Protocol::Claude, "[[stub:hang]]").await, Protocol::Claude);
    let hour = std::time::Duration::from_hours(1);
    assert!(tokio::time::timeout(hour, hanging).await.is_err());
}

#[tokio::test]
async fn a_request_without_key_is_a_401() {
    let stub = stub().await;
    for path in ["/v1/messages", "/v1/chat/completions", "/chat/completions"] {
        let request = with_body(post(stub.url() + path), &json!({}));
        assert_eq!(request.send().await.unwrap().status(), 401, "{path}");
    }
}

#[tokio::test]
async fn a_request_that_claude_would_refuse_is_a_400() {
    let user = json!({"role": "user", "content": "Hello"});
    let assistant = json!({"role": "assistant", "content": "Aha"});
    let good = json!({"model": "m", "max_tokens": 1, "stream": true, "messages": [user]});
    let with = |field: &str, value: Value| {
        let mut body = good.clone();
        body[field] = value;
        body
    };
    refuses(Protocol::Claude, &good, None).await;
    refuses(Protocol::Claude, &with("max_tokens", Value::Null), Some("max_tokens")).await;
    refuses(Protocol::Claude, &with("model", Value::Null), Some("model")).await;
    refuses(Protocol::Claude, &with("temperature", json!(0.5)), Some("temperature")).await;
    refuses(Protocol::Claude, &with("messages", json!([user, assistant])), Some("end with a user"))
        .await;
    refuses(Protocol::Claude, &with("messages", json!([assistant, user])), Some("first message"))
        .await;
    refuses(
        Protocol::Claude,
        &with("messages", json!([{"role": "user", "content": ""}])),
        Some("non-empty"),
    )
    .await;
}

#[tokio::test]
async fn a_request_that_openai_would_refuse_is_a_400() {
    let good =
        json!({"model": "m", "stream": true, "messages": [{"role": "user", "content": "Hello"}]});
    let mut both_limits = good.clone();
    both_limits["max_tokens"] = json!(1);
    both_limits["max_completion_tokens"] = json!(1);
    let mut stranger = good.clone();
    stranger["messages"][0]["role"] = json!("stranger");
    refuses(Protocol::OpenAi, &good, None).await;
    refuses(Protocol::OpenAi, &both_limits, Some("both")).await;
    refuses(Protocol::OpenAi, &stranger, Some("stranger")).await;
}

/// Checks that a body is refused with a message that has `fault` in it, or accepted.
async fn refuses(protocol: Protocol, body: &Value, fault: Option<&str>) {
    let stub = stub().await;
    let response = with_body(request(&stub, protocol, &Value::Null), body).send().await.unwrap();
    assert_eq!(response.status() == 400, fault.is_some(), "{body}");
    if let Some(fault) = fault {
        let error = error(response).await;
        assert!(error["message"].as_str().unwrap().contains(fault), "{error}");
        assert!(stub.calls()[0].refused.is_some());
    }
}

async fn error(response: reqwest::Response) -> Value {
    let body: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
    body["error"].clone()
}
