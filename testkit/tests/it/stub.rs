//! What the stub does when nothing goes wrong.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::stub_provider::{
    Behaviour, Finish, Message, Options, Protocol, Reply, StubProvider, Usage,
};
use tokio::time::Instant;

use crate::client::{ask, hear, request, with_body};

const BOTH: [Protocol; 2] = [Protocol::Claude, Protocol::OpenAi];

#[tokio::test]
async fn a_good_reply_arrives_whole_with_usage_and_end_mark() {
    let reply =
        Reply { usage: Usage { input: 7, output: 9, ..Usage::default() }, ..Reply::default() };
    let stub = StubProvider::start(Behaviour::Reply(reply.clone())).await.unwrap();
    for (protocol, finish) in [(Protocol::Claude, "end_turn"), (Protocol::OpenAi, "stop")] {
        let heard = hear(&stub, protocol, "Hello").await;
        assert_eq!(heard.text, reply.whole());
        assert_eq!(heard.deltas, reply.pieces.len());
        assert_eq!(heard.finish.as_deref(), Some(finish));
        assert_eq!(heard.usage, Some((7, 9)));
        assert!(heard.marked && !heard.broken);
    }
}

#[tokio::test]
async fn one_byte_at_a_time_reads_as_the_good_reply_does() {
    let reply = Reply { thinking: true, ..Reply::default() };
    let stub = StubProvider::start(Behaviour::Reply(reply.clone())).await.unwrap();
    for protocol in BOTH {
        let whole = hear(&stub, protocol, "Hello").await;
        stub.script([Behaviour::OneByteAtATime(reply.clone())]);
        assert_eq!(hear(&stub, protocol, "Hello").await, whole);
    }
    assert_eq!(stub.until(|seen| seen.calls == 4).await.abandoned, 0);
}

#[tokio::test]
async fn cached_tokens_are_counted_as_each_protocol_counts_them() {
    let usage = Usage { input: 5, output: 3, cache_read: 20, cache_write: 100 };
    let stub =
        StubProvider::start(Behaviour::Reply(Reply { usage, ..Reply::default() })).await.unwrap();
    assert_eq!(hear(&stub, Protocol::Claude, "Hello").await.usage, Some((5, 3)));
    assert_eq!(hear(&stub, Protocol::OpenAi, "Hello").await.usage, Some((125, 3)));
}

#[tokio::test]
async fn every_finish_has_its_name_in_both_protocols() {
    let stub = StubProvider::start(Behaviour::Empty).await.unwrap();
    for (finish, claude, openai) in [
        (Finish::Stop, "end_turn", "stop"),
        (Finish::Length, "max_tokens", "length"),
        (Finish::Refusal, "refusal", "stop"),
        (Finish::ContentFilter, "refusal", "content_filter"),
    ] {
        let behaviour = Behaviour::Reply(Reply::default().finishing(finish));
        stub.script([behaviour.clone(), behaviour]);
        assert_eq!(hear(&stub, Protocol::Claude, "Hello").await.finish.as_deref(), Some(claude));
        assert_eq!(hear(&stub, Protocol::OpenAi, "Hello").await.finish.as_deref(), Some(openai));
    }
}

#[tokio::test]
async fn usage_comes_only_to_the_client_that_asks_for_it() {
    let stub = StubProvider::start(Behaviour::Reply(Reply::default())).await.unwrap();
    let messages = json!([{"role": "user", "content": "Hello"}]);
    let body = json!({"model": "m", "stream": true, "messages": messages});
    let request = with_body(request(&stub, Protocol::OpenAi, &Value::Null), &body);
    let text = request.send().await.unwrap().text().await.unwrap();
    assert!(!text.contains("usage") && text.ends_with("data: [DONE]\n\n"), "{text}");
}

#[tokio::test]
async fn calls_are_recorded_with_system_messages_and_headers() {
    let stub = StubProvider::start(Behaviour::Echo).await.unwrap();
    let earlier = json!({"role": "user", "content": "First"});
    let reply = json!({"role": "assistant", "content": "Aha"});
    let last = json!({"role": "user", "content": [{"type": "text", "text": "Second"}]});
    let messages = json!([earlier, reply, last]);
    let sent = request(&stub, Protocol::Claude, &messages).send().await.unwrap();
    assert!(sent.text().await.unwrap().contains("Second"));
    let [call] = stub.calls().try_into().unwrap();
    assert_eq!((call.protocol, call.model.as_str()), (Protocol::Claude, "asked-for"));
    assert_eq!(call.system, "Be kind.");
    let message = |role: &str, text: &str| Message { role: role.to_owned(), text: text.to_owned() };
    assert_eq!(
        call.messages,
        [message("user", "First"), message("assistant", "Aha"), message("user", "Second")]
    );
    assert_eq!(call.headers["x-api-key"], "test");
    assert_eq!(call.refused, None);
}

#[tokio::test(start_paused = true)]
async fn a_paced_reply_takes_its_time() {
    let reply = Reply {
        first_delay: Duration::from_secs(2),
        ..Reply::words(11).paced(Duration::from_secs(1))
    };
    let stub = StubProvider::start_with(Behaviour::Reply(reply), Options::bench()).await.unwrap();
    let start = Instant::now();
    assert_eq!(hear(&stub, Protocol::Claude, "Hello").await.deltas, 11);
    assert_eq!(start.elapsed().as_secs(), 12);
}

#[tokio::test]
async fn a_bench_stub_looks_at_nothing_and_says_its_words() {
    let stub = StubProvider::start_with(Behaviour::Reply(Reply::words(3)), Options::bench())
        .await
        .unwrap();
    for protocol in BOTH {
        let heard = hear(&stub, protocol, "[[stub:die]]").await;
        assert_eq!((heard.text.as_str(), heard.marked), ("word0 word1 word2 ", true));
    }
    assert_eq!(stub.until(|seen| seen.calls == 2).await.calls, 2);
    assert!(stub.calls().is_empty());
}

#[tokio::test]
async fn a_dropped_stub_closes_its_port_and_its_connections() {
    let stub = StubProvider::start(Behaviour::HangMidStream { after: 1 }).await.unwrap();
    let open = ask(&stub, Protocol::Claude, "Hello").await;
    let url = stub.url();
    drop(stub);
    assert!(crate::client::listen(open, Protocol::Claude).await.broken);
    let address = url.strip_prefix("http://").unwrap();
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn who_chooses_sees_every_call_and_decides_about_it() {
    let stub = StubProvider::start(Behaviour::Echo).await.unwrap();
    stub.choose_by(|call| Behaviour::Reply(Reply::text(&format!("You said {}", call.last_user()))));
    for protocol in BOTH {
        assert_eq!(hear(&stub, protocol, "[[stub:429]]").await.text, "You said [[stub:429]]");
    }
    assert!(stub.calls().is_empty(), "a stub that somebody watches keeps no list");
}
