//! Session tokens, in the header that brings them.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use ingress::Ingress;
use proptest::prelude::*;
use serde_json::Value;
use shared::memory::MemorySecrets;
use shared::ports::{SigningKey, SigningKeys};

use super::corpus::{corpus, table};
use super::door::{Door, headers, is_welcome, refusal};
use super::forgery::{rearranged, respelled, slips};
use super::mutations::mutants;
use super::run;
use crate::world::{World, config, signing_key};

const CORPUS: &str = "tests/corpus/authorization";

/// Tells whether a header lets its bearer in; `None` if no HTTP server would let it through.
async fn opens(door: &Door, authorization: &[u8]) -> Option<bool> {
    let value = HeaderValue::from_bytes(authorization).ok()?;
    let headers = HeaderMap::from_iter([(AUTHORIZATION, value)]);
    let answer = door.send(Method::GET, "/sessions/s/turns", headers, b"").await?;
    assert!(matches!(answer.status.as_u16(), 200 | 401), "{}", answer.json);
    Some(is_welcome(&answer))
}

async fn check_all_refused(door: &Door, tokens: impl IntoIterator<Item = String>) {
    let mut tried = 0;
    for token in tokens {
        let opened = opens(door, format!("Bearer {token}").as_bytes()).await;
        assert_ne!(opened, Some(true), "{token}");
        tried += u32::from(opened.is_some());
    }
    assert!(tried > 0, "none of them is a header");
}

/// The token of somebody else's session, made in the same world.
async fn another(world: &World) -> String {
    let answer = world.post("/sessions", &serde_json::json!({})).send().await.ok(201);
    answer.json["session_token"].as_str().unwrap().to_owned()
}

#[test]
fn headers_of_the_corpus_come_to_this() {
    let outcome = async |bytes: &[u8]| {
        let door = Door::open().await;
        let Some(mut headers) = headers(bytes) else { return "no header".to_owned() };
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let answer = door.send(Method::GET, "/documents", headers.clone(), b"").await.unwrap();
        if !is_welcome(&answer) && headers.contains_key(AUTHORIZATION) {
            let chat = door
                .send(Method::POST, "/chat", headers.clone(), br#"{"message":"x"}"#)
                .await
                .unwrap();
            assert!(!is_welcome(&chat), "bad credentials never make a newcomer");
        }
        if !is_welcome(&answer) {
            return refusal(&answer);
        }
        let id = br#"{"session_id":"new"}"#;
        door.send(Method::POST, "/sessions", headers, id).await.unwrap().ok(201);
        let row = door.stored().into_iter().find(|item| item.key.sort == "META").unwrap();
        format!("{}", row.attributes["principal"])
    };
    let seeds = corpus(CORPUS);
    insta::assert_snapshot!(table(
        seeds.into_iter().map(|seed| (seed.name, run(outcome(&seed.bytes))))
    ));
}

#[test]
fn a_token_with_one_slip_is_refused() {
    run(async {
        let door = Door::open().await;
        check_all_refused(&door, slips(&door.token)).await;
        for at in 0..door.token.len() {
            let mut bytes = format!("Bearer {}", door.token).into_bytes();
            bytes[7 + at] ^= 0x80;
            assert_eq!(opens(&door, &bytes).await, Some(false));
        }
        assert_eq!(opens(&door, format!("Bearer {}", door.token).as_bytes()).await, Some(true));
    });
}

#[test]
fn no_parts_of_tokens_make_another_token() {
    run(async {
        let world = World::new();
        let other = another(&world).await;
        let door = Door::of(world).await;
        let ticket =
            door.post("/sessions/s/tickets", b"").await.json["websocket"]["ticket"].clone();
        let token = door.token.clone();
        let ticket = ticket.as_str().unwrap();
        check_all_refused(&door, rearranged(&token, &other)).await;
        check_all_refused(&door, rearranged(&token, ticket)).await;
        check_all_refused(&door, [ticket.to_owned()]).await;
        for prefix in
            ["", "yogi", "yogi2", "yogi01", "YOGI1", "yogi1.yogi1", "ticket1", "yogi1\u{9}"]
        {
            check_all_refused(&door, [token.replacen("yogi1", prefix, 1)]).await;
        }
    });
}

#[test]
fn a_token_has_one_spelling() {
    run(async {
        let door = Door::open().await;
        check_all_refused(&door, respelled(&door.token)).await;
    });
}

#[test]
fn a_key_of_the_same_name_is_another_key() {
    run(async {
        let mut door = Door::open().await;
        let key = SigningKey { id: "a".to_owned(), ..signing_key("b") };
        door.world.ports.secrets = Arc::new(MemorySecrets::new(SigningKeys(vec![key])));
        door.world.ingress = Ingress::new(door.world.ports.clone(), config());
        check_all_refused(&door, [door.token.clone()]).await;
    });
}

#[test]
fn no_claim_can_be_changed() {
    run(async {
        let door = Door::open().await;
        let parts: Vec<&str> = door.token.split('.').collect();
        let claims: Value =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
        let changed = [
            ("p", "anon:other".into()),
            ("e", Value::from(i64::MAX)),
            ("f", 0.into()),
            ("x", 1.into()),
        ];
        let forged = changed.map(|(name, value)| {
            let mut claims = claims.clone();
            claims["c"][name] = value;
            format!("yogi1.{}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()), parts[2])
        });
        check_all_refused(&door, forged).await;
        let spaced = format!("yogi1.{}.{}", URL_SAFE_NO_PAD.encode(format!("{claims} ")), parts[2]);
        check_all_refused(&door, [spaced]).await;
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_header_lets_nobody_in_as_somebody_else(header in mutants(&corpus(CORPUS))) {
        run(async {
            let door = Door::open().await;
            let Some(headers) = headers(&header) else { return };
            let Some(answer) = door.send(Method::GET, "/documents", headers.clone(), b"").await else { return };
            let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
            let genuine: Vec<String> = corpus(CORPUS).iter().map(|seed| last_word(seed.text())).collect();
            assert!(!is_welcome(&answer) || genuine.contains(&last_word(given)), "{given}");
        });
    }
}

fn last_word(text: &str) -> String {
    text.split_ascii_whitespace().next_back().unwrap_or_default().to_owned()
}
