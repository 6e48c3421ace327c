//! JWTs, and the key sets that they are held against.

use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use ingress::{AuthMode, JwtConfig, KeySource, KeySourceError};
use proptest::collection::vec;
use proptest::prelude::*;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};

use super::corpus::{Seed, corpus, table};
use super::forgery::{rearranged, respelled, slips};
use super::mutations::{json, mutants, reshaped};
use super::run;
use crate::world::{START, World, config};

const CORPUS: &str = "tests/corpus/jwts";
const KEY_SETS: &str = "tests/corpus/key-sets";

/// An issuer that answers with one document.
struct Issuer(Vec<u8>);

#[async_trait]
impl KeySource for Issuer {
    async fn fetch(&self) -> Result<Bytes, KeySourceError> {
        Ok(Bytes::from(self.0.clone()))
    }
}

fn world(key_set: &[u8]) -> World {
    let mut config = config();
    config.auth = AuthMode::Jwt(JwtConfig {
        issuer: "https://issuer.example".to_owned(),
        audience: vec!["chatbot".to_owned()],
        jwks_url: "https://issuer.example/jwks".to_owned(),
    });
    World::with(config, &["a"], Some(Arc::new(Issuer(key_set.to_owned()))))
}

/// Makes tokens that are good now, with a key of its own.
struct Signer(EcdsaKeyPair);

impl Signer {
    fn new() -> Self {
        let random = SystemRandom::new();
        let document =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        Self(
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random)
                .unwrap(),
        )
    }

    fn key_set(&self) -> Value {
        let point = self.0.public_key().as_ref();
        let part = |range: std::ops::Range<usize>| URL_SAFE_NO_PAD.encode(&point[range]);
        let key = json!({
            "kty": "EC", "crv": "P-256", "kid": "k1", "alg": "ES256", "x": part(1..33),
            "y": part(33..65)
        });
        json!({ "keys": [key] })
    }

    fn world(&self) -> World {
        world(self.key_set().to_string().as_bytes())
    }

    fn sign(&self, header: &[u8], claims: &[u8]) -> String {
        let signed =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = self.0.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn good(&self, subject: &str) -> String {
        self.sign(header().to_string().as_bytes(), claims(subject).to_string().as_bytes())
    }
}

fn header() -> Value {
    json!({ "alg": "ES256", "typ": "JWT", "kid": "k1" })
}

fn claims(subject: &str) -> Value {
    json!({
        "iss": "https://issuer.example", "sub": subject, "aud": "chatbot",
        "exp": START.0 / 1000 + 3600
    })
}

/// The recorded keys' owner signed the recorded tokens, and then threw its private half away.
fn recorded() -> Seed {
    corpus(KEY_SETS).into_iter().find(|seed| seed.name == "recorded.json").unwrap()
}

/// Returns the principal that a token stands for, or the status of its refusal; `None` if it is no
/// header.
async fn principal(world: &World, token: &str) -> Option<Result<String, u16>> {
    http::HeaderValue::from_str(token).ok()?;
    let answer = world.post("/sessions", &json!({})).token(token).send().await;
    if answer.status.as_u16() != 201 {
        let status = answer.status.as_u16();
        answer.refused(status, None);
        assert_eq!(world.store.inner.dump(), vec![]);
        return Some(Err(status));
    }
    let rows = world.store.inner.dump();
    let row = rows.iter().find(|row| row.key.sort == "META").unwrap();
    Some(Ok(row.attributes["principal"].as_str().unwrap().to_owned()))
}

async fn check_all_refused(world: &World, tokens: impl IntoIterator<Item = String>) {
    for token in tokens {
        let refused = principal(world, &token).await;
        assert!(matches!(refused, None | Some(Err(401))), "{refused:?}: {token}");
    }
}

#[test]
fn tokens_of_the_corpus_stand_for_these() {
    let keys = recorded();
    let outcome = |seed: &Seed| match run(principal(&world(&keys.bytes), seed.text())) {
        None => "no header".to_owned(),
        Some(Ok(principal)) => format!("{principal:?}"),
        Some(Err(status)) => status.to_string(),
    };
    insta::assert_snapshot!(table(
        corpus(CORPUS).iter().map(|seed| (seed.name.clone(), outcome(seed)))
    ));
}

#[test]
fn key_sets_of_the_corpus_verify_this() {
    let tokens = corpus(CORPUS);
    let genuine = tokens.iter().find(|seed| seed.name == "genuine.txt").unwrap();
    let outcome = |seed: &Seed| match run(principal(&world(&seed.bytes), genuine.text())).unwrap() {
        Ok(principal) => principal,
        Err(status) => status.to_string(),
    };
    insta::assert_snapshot!(table(
        corpus(KEY_SETS).iter().map(|seed| (seed.name.clone(), outcome(seed)))
    ));
}

#[test]
fn a_jwt_with_one_slip_is_refused() {
    run(async {
        let signer = Signer::new();
        let world = signer.world();
        let token = signer.good("alice");
        check_all_refused(&world, slips(&token)).await;
        assert_eq!(
            principal(&world, &token).await,
            Some(Ok("jwt:https://issuer.example#alice".to_owned()))
        );
    });
}

#[test]
fn no_parts_of_jwts_make_another_and_each_has_one_spelling() {
    run(async {
        let signer = Signer::new();
        let stranger = Signer::new();
        let world = signer.world();
        let token = signer.good("alice");
        check_all_refused(&world, rearranged(&token, &signer.good("bob"))).await;
        check_all_refused(&world, rearranged(&token, &stranger.good("alice"))).await;
        check_all_refused(&world, respelled(&token)).await;
        check_all_refused(&world, [stranger.good("alice")]).await;
    });
}

/// Whether a token is good must follow from what it says, and its principal from its subject alone.
fn check_claims(signer: &Signer, header: &[u8], said: &[u8]) {
    let Some(answer) = run(principal(&signer.world(), &signer.sign(header, said))) else { return };
    let Ok(principal) = answer else { return assert_eq!(answer, Err(401)) };
    let said: Value = serde_json::from_slice(said).unwrap();
    assert_eq!(principal, format!("jwt:https://issuer.example#{}", said["sub"].as_str().unwrap()));
    assert_eq!(said["iss"], "https://issuer.example");
    assert!(
        said["aud"] == "chatbot"
            || said["aud"].as_array().is_some_and(|all| all.contains(&"chatbot".into()))
    );
    assert!(said["exp"].as_f64().unwrap() > START.as_seconds() - 60.0);
    let header: Value = serde_json::from_slice(header).unwrap();
    assert_eq!((&header["alg"], &header["crit"]), (&"ES256".into(), &Value::Null));
}

trait Seconds {
    fn as_seconds(&self) -> f64;
}

impl Seconds for shared::domain::Timestamp {
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are exact in an f64")]
    fn as_seconds(&self) -> f64 {
        (self.0 / 1000) as f64
    }
}

fn seed(value: &Value) -> Vec<Seed> {
    vec![Seed { name: String::new(), bytes: value.to_string().into_bytes() }]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_signed_token_means_what_it_says_whatever_it_says(
        damaged in mutants(&seed(&claims("alice"))),
        reshaped in reshaped(&seed(&claims("alice"))),
        heads in mutants(&seed(&header())),
        value in json(),
    ) {
        let signer = Signer::new();
        let good = claims("alice").to_string();
        let header = header().to_string();
        for claims in [&damaged[..], reshaped.as_bytes(), value.to_string().as_bytes()] {
            check_claims(&signer, header.as_bytes(), claims);
        }
        check_claims(&signer, &heads, good.as_bytes());
        check_claims(&signer, value.to_string().as_bytes(), good.as_bytes());
    }

    #[test]
    fn a_damaged_key_set_lets_nobody_in(
        damaged in mutants(&[recorded()]),
        reshaped in reshaped(&[recorded()]),
        bytes in vec(any::<u8>(), 0..100),
    ) {
        let tokens = corpus(CORPUS);
        let genuine = tokens.iter().find(|seed| seed.name == "genuine.txt").unwrap();
        let recorded: Value = serde_json::from_slice(&recorded().bytes).unwrap();
        for key_set in [&damaged[..], reshaped.as_bytes(), &bytes] {
            if let Err(status) = run(principal(&world(key_set), genuine.text())).unwrap() {
                // An issuer whose keys cannot be read is an issuer that is away.
                prop_assert!(matches!(status, 401 | 503));
                continue;
            }
            let set: Value = serde_json::from_slice(key_set).unwrap();
            let keys = set["keys"].as_array().unwrap();
            let kept = |name: &str| keys.iter().any(|key| key[name] == recorded["keys"][0][name]);
            prop_assert!(kept("x") && kept("y"));
        }
    }
}
