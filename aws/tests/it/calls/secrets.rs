//! Keys.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws::secrets::{SecretNames, SecretsManagerSecrets};
use secrecy::ExposeSecret as _;
use serde_json::json;
use shared::domain::ProviderName;
use shared::ports::Secrets as _;
use testkit::conformance;

use crate::support::service::{Answer, CANARY, Service, check_clean};

const KEY: &str = "0123456789abcdef0123456789abcdef";

/// The texts of both secrets, which a test changes; `None` is a service that is away.
#[derive(Clone)]
struct Vault {
    api_keys: Arc<Mutex<Option<String>>>,
    signing: Arc<Mutex<Option<String>>>,
    service: Service,
}

impl Vault {
    fn new(api_keys: &str, signing: &str) -> Self {
        let [api_keys, signing] =
            [api_keys, signing].map(|text| Arc::new(Mutex::new(Some(text.to_owned()))));
        let keys = Arc::clone(&api_keys);
        let signer = Arc::clone(&signing);
        let service = Service::new(move |call, _| {
            let secret = if call.body["SecretId"] == "arn:api-keys" { &keys } else { &signer };
            match &*secret.lock().unwrap() {
                Some(text) => Answer::ok(json!({"SecretString": text})),
                None => Answer::error(500, "InternalServiceError"),
            }
        });
        Self { api_keys, signing, service }
    }

    fn secrets(&self) -> SecretsManagerSecrets {
        let [api_keys, signing_keys] =
            ["arn:api-keys", "arn:signing"].map(|name| Some(name.to_owned()));
        SecretsManagerSecrets::new(&self.service.sdk(), SecretNames { api_keys, signing_keys })
    }

    fn set_signing(&self, text: Option<String>) {
        *self.signing.lock().unwrap() = text;
    }
}

fn signing(ids: &[&str]) -> String {
    let keys: Vec<_> = ids.iter().map(|id| json!({"id": id, "key": KEY})).collect();
    json!({ "keys": keys }).to_string()
}

async fn ids(secrets: &SecretsManagerSecrets) -> Vec<String> {
    secrets.signing_keys().await.unwrap().0.into_iter().map(|key| key.id).collect()
}

#[tokio::test(start_paused = true)]
async fn secrets_keep_their_promises() {
    let vault = Vault::new("{}", &json!({"id": "k1", "key": KEY}).to_string());
    let set = async |provider, key: secrecy::SecretString| {
        assert_eq!(provider, ProviderName::Claude);
        let text = json!({"ANTHROPIC_API_KEY": key.expose_secret()}).to_string();
        *vault.api_keys.lock().unwrap() = Some(text);
    };
    conformance::secrets(&vault.secrets(), set).await;
}

#[tokio::test(start_paused = true)]
async fn a_rotated_signing_key_reaches_every_process_in_five_minutes() {
    let vault = Vault::new("{}", &signing(&["k1"]));
    let secrets = vault.secrets();
    assert_eq!(ids(&secrets).await, ["k1"]);
    vault.set_signing(Some(signing(&["k2", "k1"])));
    tokio::time::advance(Duration::from_secs(299)).await;
    assert_eq!(ids(&secrets).await, ["k1"], "keys are cached");
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(ids(&secrets).await, ["k2", "k1"]);
    assert_eq!(vault.service.calls().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn known_signing_keys_go_on_while_the_service_is_away() {
    let vault = Vault::new("{}", &signing(&["k1"]));
    let secrets = vault.secrets();
    ids(&secrets).await;
    vault.set_signing(None);
    tokio::time::advance(Duration::from_secs(301)).await;
    assert_eq!(ids(&secrets).await, ["k1"]);
    vault.set_signing(Some(CANARY.to_owned()));
    tokio::time::advance(Duration::from_secs(301)).await;
    assert_eq!(ids(&secrets).await, ["k1"]);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_was_not_set_is_looked_for_again_after_a_minute() {
    let vault = Vault::new(r#"{"OPENAI_API_KEY":""}"#, "");
    let secrets = vault.secrets();
    let has_key = async || secrets.provider_key(ProviderName::OpenAi).await.unwrap().is_some();
    assert!(!has_key().await);
    *vault.api_keys.lock().unwrap() = Some(r#"{"OPENAI_API_KEY":"k"}"#.to_owned());
    assert!(!has_key().await);
    tokio::time::advance(Duration::from_mins(1)).await;
    assert!(has_key().await);
    assert_eq!(vault.service.calls().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn many_who_need_keys_at_once_fetch_them_once() {
    let vault = Vault::new(r#"{"OPENAI_API_KEY":"k"}"#, "");
    let secrets = vault.secrets();
    futures::future::join_all((0..20).map(|_| secrets.provider_key(ProviderName::OpenAi))).await;
    assert_eq!(vault.service.calls().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn no_error_tells_a_secret() {
    let vault = Vault::new(CANARY, &format!(r#"{{"id":"{CANARY}","key":"{CANARY}"}}"#));
    check_clean(&vault.secrets().provider_key(ProviderName::Claude).await.unwrap_err());
    check_clean(&vault.secrets().signing_keys().await.unwrap_err());
    vault.set_signing(None);
    check_clean(&vault.secrets().signing_keys().await.unwrap_err());
    let printed = format!("{:?}", Vault::new("{}", &signing(&["k1"])).secrets());
    assert!(!printed.contains(KEY));
}

#[tokio::test]
async fn keys_that_nobody_named_are_an_error() {
    let vault = Vault::new("{}", "{}");
    let secrets = SecretsManagerSecrets::new(&vault.service.sdk(), SecretNames::default());
    assert!(secrets.signing_keys().await.is_err());
    assert!(secrets.provider_key(ProviderName::Claude).await.is_err());
    assert_eq!(vault.service.calls().len(), 0);
}
