//! JWTs and IAM.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use ingress::{AuthMode, ClientInfo, IamIdentity, JwtConfig, KeySource, KeySourceError};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};

use crate::world::{START, World, config};

/// An issuer whose keys are made for the story.
struct Issuer {
    keys: Mutex<Vec<Value>>,
    fetches: AtomicUsize,
    down: AtomicBool,
}

#[async_trait]
impl KeySource for Issuer {
    async fn fetch(&self) -> Result<Bytes, KeySourceError> {
        self.fetches.fetch_add(1, Ordering::SeqCst);
        if self.down.load(Ordering::SeqCst) {
            return Err(KeySourceError("away".into()));
        }
        Ok(json!({ "keys": *self.keys.lock().unwrap() }).to_string().into())
    }
}

impl Issuer {
    fn new() -> Arc<Self> {
        let unknown = json!({ "kty": "future", "kid": "x" });
        let keys = Mutex::new(vec![unknown, rsa_key()]);
        Arc::new(Self { keys, fetches: AtomicUsize::new(0), down: AtomicBool::new(false) })
    }

    fn add(&self, key: Value) {
        self.keys.lock().unwrap().push(key);
    }
}

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

    fn jwk(&self, kid: &str) -> Value {
        let point = self.0.public_key().as_ref();
        let part = |range: std::ops::Range<usize>| URL_SAFE_NO_PAD.encode(&point[range]);
        json!({
            "kty": "EC", "crv": "P-256", "kid": kid, "use": "sig", "alg": "ES256", "x": part(1..33),
            "y": part(33..65)
        })
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let signed = format!("{}.{}", encode(header), encode(claims));
        let signature = self.0.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

fn encode(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn seconds() -> i64 {
    START.0 / 1000
}

fn claims() -> Value {
    json!({
        "iss": "https://issuer.example", "sub": "alice", "aud": ["other", "chatbot"],
        "exp": seconds() + 3600
    })
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

fn header(kid: &str) -> Value {
    json!({ "alg": "ES256", "typ": "JWT", "kid": kid })
}

fn world(issuer: &Arc<Issuer>) -> World {
    let mut config = config();
    config.auth = AuthMode::Jwt(JwtConfig {
        issuer: "https://issuer.example".to_owned(),
        audience: vec!["chatbot".to_owned()],
        jwks_url: "https://issuer.example/jwks".to_owned(),
    });
    World::with(config, &["a"], Some(issuer.clone()))
}

/// A world whose issuer has signed nothing that a test knows.
pub(crate) fn stranger_world() -> World {
    world(&Issuer::new())
}

async fn check(world: &World, token: &str, status: u16) {
    let answer = world.get("/documents").token(token).send().await;
    assert_eq!(answer.status.as_u16(), status, "{}", answer.json);
}

#[tokio::test(start_paused = true)]
async fn a_jwt_of_the_issuer_is_its_subject() {
    let issuer = Issuer::new();
    let signer = Signer::new();
    issuer.add(signer.jwk("k1"));
    let world = world(&issuer);
    let token = signer.sign(&header("k1"), &claims());
    let answer = world.get("/documents").token(&token).send().await.ok(200);
    assert_eq!(answer.json["documents"][1]["id"], "alices");
    let body = json!({ "message": "x", "session_id": "s" });
    let answer = world.post("/chat", &body).token(&token).send().await.ok(202);
    assert_eq!(answer.json.get("session_token"), None);
    world.get("/sessions/s/turns").token(&token).send().await.ok(200);
    assert_eq!(issuer.fetches.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn claims_must_be_ours_and_current() {
    let issuer = Issuer::new();
    let signer = Signer::new();
    issuer.add(signer.jwk("k1"));
    let world = world(&issuer);
    for (claims, status) in [
        (with("exp", json!(seconds() - 59)), 200),
        (with("exp", json!(seconds() - 60)), 401),
        (with("exp", json!("soon")), 401),
        (without("exp"), 401),
        (with("nbf", json!(seconds() + 60)), 200),
        (with("nbf", json!(seconds() + 61)), 401),
        (with("nbf", json!("soon")), 401),
        (with("iss", json!("https://evil.example")), 401),
        (with("iss", json!(["https://issuer.example"])), 401),
        (without("iss"), 401),
        (with("aud", json!("chatbot")), 200),
        (with("aud", json!("other")), 401),
        (with("aud", json!([])), 401),
        (without("aud"), 401),
        (with("sub", json!("")), 401),
        (with("sub", json!(7)), 401),
        (without("sub"), 401),
        (with("sub", json!("x".repeat(2000))), 401),
        (with("exp", json!(1.8e9 + 0.5)), 200),
    ] {
        check(&world, &signer.sign(&header("k1"), &claims), status).await;
    }
}

#[tokio::test(start_paused = true)]
async fn no_header_talks_a_key_into_another_algorithm() {
    let issuer = Issuer::new();
    let signer = Signer::new();
    let stranger = Signer::new();
    issuer.add(signer.jwk("k1"));
    let world = world(&issuer);
    let good = signer.sign(&header("k1"), &claims());
    let (text, _) = good.rsplit_once('.').unwrap();
    let none = json!({ "alg": "none", "kid": "k1" });
    let hmac = |alg: &str| {
        use hmac::{Hmac, KeyInit as _, Mac as _};
        let text = format!("{}.{}", encode(&json!({ "alg": alg, "kid": "k1" })), encode(&claims()));
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(signer.0.public_key().as_ref()).unwrap();
        mac.update(text.as_bytes());
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
    };
    for bad in [
        format!("{}.{}.", encode(&none), encode(&claims())),
        hmac("HS256"),
        hmac("ES256"),
        signer.sign(&json!({ "alg": "RS256", "kid": "k1" }), &claims()),
        signer.sign(&json!({ "alg": "ES256", "kid": "rsa-1" }), &claims()),
        signer.sign(&json!({ "alg": "ES384", "kid": "k1" }), &claims()),
        signer.sign(&json!({ "alg": "ES256", "kid": "k1", "crit": ["b64"] }), &claims()),
        stranger.sign(&json!({ "alg": "ES256" }), &claims()),
        stranger.sign(&header("k1"), &claims()),
        stranger.sign(&json!({ "alg": "ES256", "jwk": stranger.jwk("k1") }), &claims()),
        format!("{text}."),
        text.to_owned(),
        "yogi1.a.b".to_owned(),
    ] {
        check(&world, &bad, 401).await;
    }
    check(&world, &good, 200).await;
    world.post("/chat", &json!({ "message": "x" })).send().await.refused(401, None);
}

#[tokio::test(start_paused = true)]
async fn a_session_token_is_worth_nothing_here() {
    let token = World::new().session().await;
    check(&world(&Issuer::new()), &token, 401).await;
}

/// The public half of a key whose private half signed the one text below and was then thrown away.
fn rsa_key() -> Value {
    let n = concat!(
        "xpDMflSpdAdtH09h-K3J4kxNOfnxnrscaw0g7xIWgDHIqsLX6n1VYe0IiexOxkWjOi3e0UWcaVN8QrO1bNoI4sZc79MjPDhGkSETzbDcRf28",
        "2i4lCUT47MtKeXt9Pd6-1J1glgmDyRSUPxMBDMTCipLcX3ETBg8YyqszaWvtzMs9oCNh9hY2PqQRThuQlZWOPAODp-PKOurCK6ni-7YJ76G_",
        "YMo1CUxM1iDrXkl8Dv2bvQuAHFzoANP_vXQGNspvVfk-9AlEe9yj7g6LlbuGOQMKVXFfH5mdFuN63SjVhfVN74Bf7RvkWASfxpQ1gvWJsVC_",
        "kqP-qUTHRgCgjCT0lw",
    );
    json!({ "kty": "RSA", "kid": "rsa-1", "n": n, "e": "AQAB" })
}

fn rsa_token(subject: &str) -> String {
    let signature = concat!(
        "bcpK2aTNOgEIW_UFymvIFGvZ_BIJWZcWaBG_76n7Gjpp_i8OTUKPYlLsamnfyl4B_mDmY3qwN7WnxBekx-EOAVjkpmOzvm4S_ppIEs2I9T_f",
        "jKZwhqzZv1Yolj_kcUBLF50cJbrwl8YaUWGgabAisgsLZZIP2HtsriDzNjKj_56RPGZpiTsnu3iqJG1tDTtSTcG96b9CjEeOhgTLkXLGJRkj",
        "Gsbcd39KiSOYDrq_Zu03objyQ7StnYc17Rtxmp5k09Mmo0mrnI6LafbmDk5-eQS5mREkdlI9a05lEVnbRe7jo5l6ktTppf09qR9VKriKJaDh",
        "_9J9mlF0l4WeTXPu3g",
    );
    let header = r#"{"alg":"RS256","kid":"rsa-1","typ":"JWT"}"#;
    let claims = format!(
        r#"{{"iss":"https://issuer.example","sub":"{subject}","aud":"chatbot","exp":1800003600}}"#
    );
    format!("{}.{}.{signature}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
}

#[tokio::test(start_paused = true)]
async fn rsa_signatures_are_verified_too() {
    let world = world(&Issuer::new());
    check(&world, &rsa_token("bob"), 200).await;
    check(&world, &rsa_token("eve"), 401).await;
}

#[tokio::test(start_paused = true)]
async fn an_unknown_key_is_asked_for_at_most_once_a_minute() {
    let issuer = Issuer::new();
    let old = Signer::new();
    let new = Signer::new();
    issuer.add(old.jwk("k1"));
    let world = world(&issuer);
    check(&world, &old.sign(&header("k1"), &claims()), 200).await;
    issuer.add(new.jwk("k2"));
    let token = new.sign(&header("k2"), &claims());
    for _ in 0..5 {
        check(&world, &token, 401).await;
    }
    assert_eq!(issuer.fetches.load(Ordering::SeqCst), 1);
    tokio::time::advance(Duration::from_mins(1)).await;
    check(&world, &token, 200).await;
    check(&world, &old.sign(&header("k1"), &claims()), 200).await;
    assert_eq!(issuer.fetches.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn a_withdrawn_key_is_forgotten_within_the_hour() {
    let issuer = Issuer::new();
    let signer = Signer::new();
    issuer.add(signer.jwk("k1"));
    let world = world(&issuer);
    let token = signer.sign(&header("k1"), &claims());
    check(&world, &token, 200).await;
    issuer.keys.lock().unwrap().pop();
    check(&world, &token, 200).await;
    tokio::time::advance(Duration::from_hours(1)).await;
    check(&world, &token, 401).await;
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_is_away_is_a_503_and_known_keys_stay_good() {
    let issuer = Issuer::new();
    let signer = Signer::new();
    issuer.add(signer.jwk("k1"));
    let world = world(&issuer);
    let token = signer.sign(&header("k1"), &claims());
    issuer.down.store(true, Ordering::SeqCst);
    check(&world, &token, 503).await;
    check(&world, &token, 503).await;
    assert_eq!(issuer.fetches.load(Ordering::SeqCst), 1);
    issuer.down.store(false, Ordering::SeqCst);
    tokio::time::advance(Duration::from_secs(5)).await;
    check(&world, &token, 200).await;
    issuer.down.store(true, Ordering::SeqCst);
    tokio::time::advance(Duration::from_mins(59)).await;
    check(&world, &token, 200).await;
    tokio::time::advance(Duration::from_mins(1)).await;
    check(&world, &token, 503).await;
    issuer.down.store(false, Ordering::SeqCst);
    tokio::time::advance(Duration::from_secs(5)).await;
    check(&world, &token, 200).await;
}

/// Puts keys first in the set, where a search finds them before the right one.
fn publish_first(issuer: &Issuer, keys: impl IntoIterator<Item = Value>) {
    issuer.keys.lock().unwrap().splice(0..0, keys);
}

#[tokio::test(start_paused = true)]
async fn keys_for_other_purposes_hide_no_signing_key() {
    let signer = Signer::new();
    let other = |field: &str, value: &str| {
        let mut key = Signer::new().jwk("k1");
        key[field] = json!(value);
        key
    };
    let encryption = || other("use", "enc");
    let another_algorithm = || other("alg", "ES384");
    let rsa = || {
        let mut key = rsa_key();
        key["kid"] = json!("k1");
        key
    };
    for keys in [vec![encryption()], vec![another_algorithm()], vec![rsa()]] {
        let issuer = Issuer::new();
        issuer.add(signer.jwk("k1"));
        publish_first(&issuer, keys);
        let world = world(&issuer);
        check(&world, &signer.sign(&header("k1"), &claims()), 200).await;
        check(&world, &signer.sign(&json!({ "alg": "ES256" }), &claims()), 200).await;
    }
    // Without an id, two keys that would do are no answer.
    let issuer = Issuer::new();
    issuer.add(signer.jwk("k1"));
    issuer.add(Signer::new().jwk("k2"));
    check(&world(&issuer), &signer.sign(&json!({ "alg": "ES256" }), &claims()), 401).await;
}

/// Access and ID tokens as identity providers write them, without what does not matter here.
#[tokio::test(start_paused = true)]
async fn tokens_in_the_shapes_of_known_identity_providers_are_accepted() {
    let issuer = Issuer::new();
    let signer = Signer::new();
    issuer.add(signer.jwk("k1"));
    let world = world(&issuer);
    let cognito = |client: &str, usage: &str| {
        json!({
            "sub": "aaaaaaaa-bbbb", "iss": "https://issuer.example", "client_id": client,
            "token_use": usage, "scope": "openid", "auth_time": seconds(), "exp": seconds() + 3600,
            "cognito:groups": ["pupils"], "username": "ann"
        })
    };
    let auth0 = json!({
        "iss": "https://issuer.example", "sub": "auth0|6a", "aud": ["chatbot", "https://x/userinfo"],
        "azp": "c1", "scope": "openid profile", "exp": seconds() + 3600, "iat": seconds()
    });
    let entra = json!({
        "iss": "https://issuer.example", "sub": "AAAA-bbb_c", "aud": "chatbot", "ver": "2.0",
        "oid": "0000-1", "tid": "0000-2", "nbf": seconds(), "exp": seconds() + 3600, "roles": ["A"]
    });
    let keycloak = json!({
        "iss": "https://issuer.example", "sub": "f:1:ann", "aud": ["chatbot", "account"],
        "typ": "Bearer", "azp": "web", "realm_access": { "roles": ["x"] }, "exp": seconds() + 300
    });
    let firebase = json!({
        "iss": "https://issuer.example", "aud": "chatbot", "sub": "uid1", "user_id": "uid1",
        "firebase": { "identities": {}, "sign_in_provider": "custom" }, "exp": seconds() + 3600
    });
    let clerk = json!({
        "iss": "https://issuer.example", "sub": "user_2a", "aud": "chatbot", "sid": "sess_1",
        "azp": "https://app.example", "nbf": seconds() - 10, "exp": seconds() + 60
    });
    let mut both = cognito("chatbot", "access");
    both["aud"] = json!("other");
    for (name, claims, status) in [
        ("Cognito access", cognito("chatbot", "access"), 200),
        ("Cognito access for another app", cognito("other", "access"), 401),
        ("Cognito refresh", cognito("chatbot", "refresh"), 401),
        ("aud decides where there is one", both, 401),
        ("Auth0", auth0, 200),
        ("Entra", entra, 200),
        ("Keycloak", keycloak, 200),
        ("Firebase", firebase, 200),
        ("Clerk", clerk, 200),
    ] {
        let token = signer.sign(&header("k1"), &claims);
        let answer = world.get("/documents").token(&token).send().await;
        assert_eq!(answer.status.as_u16(), status, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn iam_names_the_person_and_not_the_role() {
    let mut config = config();
    config.auth = AuthMode::Iam;
    let world = World::with(config, &["a"], None);
    let caller = |cognito: Option<&str>, unique: Option<&str>| ClientInfo {
        address: None,
        iam: Some(IamIdentity {
            cognito_identity_id: cognito.map(str::to_owned),
            unique_id: unique.map(str::to_owned),
        }),
    };
    let create = |caller: ClientInfo| {
        world.post("/sessions", &json!({ "session_id": "s" })).caller(caller).send()
    };
    create(ClientInfo::default()).await.refused(401, None);
    create(caller(None, None)).await.refused(401, None);
    let answer = create(caller(Some("eu-west-1:1"), Some("AROAEXAMPLE:pool"))).await.ok(201);
    assert_eq!(answer.json.get("session_token"), None);
    create(caller(Some("eu-west-1:2"), Some("AROAEXAMPLE:pool"))).await.ok(201);
    create(caller(None, Some("AROAEXAMPLE:alice"))).await.ok(201);
    let mut owners: Vec<Value> = world
        .store
        .inner
        .dump()
        .iter()
        .filter_map(|item| item.attributes.get("principal").cloned())
        .collect();
    owners.sort_by_key(ToString::to_string);
    assert_eq!(
        owners,
        ["iam:AROAEXAMPLE:alice", "iam:cognito:eu-west-1:1", "iam:cognito:eu-west-1:2"]
    );
}
