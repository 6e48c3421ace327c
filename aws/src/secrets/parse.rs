//! Parses the secrets. No error quotes their content.

use std::collections::BTreeMap;
use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretSlice, SecretString};
use serde::Deserialize;
use shared::domain::ProviderName;
use shared::ports::{SigningKey, SigningKeys};

/// The shortest signing key, in bytes.
const MIN_KEY_BYTES: usize = 32;
/// The largest number of signing keys: the new one and the old one.
const MAX_KEYS: usize = 2;

/// The reason why a secret cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum InvalidSecret {
    #[error("the secret with the providers' keys is not a JSON object of strings")]
    ProviderKeys,
    #[error("the secret with the signing keys is not JSON of a documented form")]
    SigningKeys,
    #[error("the secret must contain one or two signing keys, but contains {0}")]
    KeyCount(usize),
    #[error("a signing key has no id, or the id of another key")]
    Id,
    #[error("a signing key is shorter than 32 bytes")]
    Short,
}

/// The purpose of an entry in the secret with the providers' keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum SecretEntry {
    Provider(ProviderName),
    ReplyCache,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Signing {
    Several { keys: Vec<Key> },
    One(Key),
}

#[derive(Deserialize)]
struct Key {
    id: String,
    key: String,
}

/// Reads the providers' keys and the reply cache's password. A blank entry counts as not set.
pub(super) fn provider_keys(
    secret: &SecretString,
) -> Result<BTreeMap<SecretEntry, SecretString>, InvalidSecret> {
    let texts: BTreeMap<String, String> =
        serde_json::from_str(secret.expose_secret()).map_err(|_| InvalidSecret::ProviderKeys)?;
    let key = |(name, key): (String, String)| {
        let key = key.trim();
        (!key.is_empty()).then_some((parse_name(&name)?, SecretString::from(key)))
    };
    Ok(texts.into_iter().filter_map(key).collect())
}

/// Reads the signing keys; the first one signs. A key's bytes are those of its text.
pub(super) fn signing_keys(secret: &SecretString) -> Result<SigningKeys, InvalidSecret> {
    let signing =
        serde_json::from_str(secret.expose_secret()).map_err(|_| InvalidSecret::SigningKeys)?;
    let keys = match signing {
        Signing::Several { keys } => keys,
        Signing::One(key) => vec![key],
    };
    if !(1..=MAX_KEYS).contains(&keys.len()) {
        return Err(InvalidSecret::KeyCount(keys.len()));
    }
    let twice = keys.first().map(|key| &key.id) == keys.get(1).map(|key| &key.id);
    if twice || keys.iter().any(|key| key.id.is_empty()) {
        return Err(InvalidSecret::Id);
    }
    if keys.iter().any(|key| key.key.len() < MIN_KEY_BYTES) {
        return Err(InvalidSecret::Short);
    }
    Ok(SigningKeys(keys.into_iter().map(signing_key).collect()))
}

fn signing_key(Key { id, key }: Key) -> SigningKey {
    SigningKey { id, key: Arc::new(SecretSlice::from(key.into_bytes())) }
}

fn parse_name(name: &str) -> Option<SecretEntry> {
    match name {
        "ANTHROPIC_API_KEY" => Some(SecretEntry::Provider(ProviderName::Claude)),
        "OPENAI_API_KEY" => Some(SecretEntry::Provider(ProviderName::OpenAi)),
        "AWS_BEARER_TOKEN_BEDROCK" => Some(SecretEntry::Provider(ProviderName::Bedrock)),
        "REPLY_CACHE_PASSWORD" => Some(SecretEntry::ReplyCache),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "0123456789abcdef0123456789abcdef";

    #[track_caller]
    fn check_signing(secret: &str, expected: Result<&[&str], InvalidSecret>) {
        let keys = signing_keys(&secret.replace("KEY", KEY).into());
        let ids = keys.map(|keys| keys.0.into_iter().map(|key| key.id).collect::<Vec<_>>());
        assert_eq!(ids, expected.map(|ids| ids.iter().map(|id| (*id).to_owned()).collect()));
    }

    #[test]
    fn signing_keys_come_in_both_forms() {
        check_signing(r#"{"id":"k1","key":"KEY"}"#, Ok(&["k1"]));
        check_signing(r#"{"keys":[{"id":"k1","key":"KEY"}]}"#, Ok(&["k1"]));
        check_signing(
            r#"{"keys":[{"id":"k2","key":"KEY"},{"id":"k1","key":"KEY"}]}"#,
            Ok(&["k2", "k1"]),
        );
    }

    #[test]
    fn unusable_signing_keys_are_refused() {
        check_signing("KEY", Err(InvalidSecret::SigningKeys));
        check_signing(r#"{"keys":{}}"#, Err(InvalidSecret::SigningKeys));
        check_signing(r#"{"keys":[]}"#, Err(InvalidSecret::KeyCount(0)));
        check_signing(r#"{"id":"k1","key":"short"}"#, Err(InvalidSecret::Short));
        check_signing(r#"{"id":"","key":"KEY"}"#, Err(InvalidSecret::Id));
        check_signing(
            r#"{"keys":[{"id":"k1","key":"KEY"},{"id":"k1","key":"KEY"}]}"#,
            Err(InvalidSecret::Id),
        );
    }

    #[test]
    fn a_providers_blank_key_is_not_set() {
        let secret = r#"{"ANTHROPIC_API_KEY":" sk-1 ","OPENAI_API_KEY":"","OTHER":"x"}"#;
        let keys = provider_keys(&secret.into()).unwrap();
        assert_eq!(keys.len(), 1);
        assert_eq!(keys[&SecretEntry::Provider(ProviderName::Claude)].expose_secret(), "sk-1");
    }

    #[test]
    fn the_reply_caches_password_is_beside_the_providers_keys() {
        let keys =
            provider_keys(&r#"{"REPLY_CACHE_PASSWORD":"open","OPENAI_API_KEY":"sk-1"}"#.into())
                .unwrap();
        assert_eq!(keys.len(), 2);
        assert_eq!(keys[&SecretEntry::ReplyCache].expose_secret(), "open");
    }

    #[test]
    fn no_error_quotes_a_secret() {
        for secret in ["canary", r#"{"ANTHROPIC_API_KEY":12345}"#, r#"["canary"]"#] {
            let error = provider_keys(&secret.into()).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
            assert_eq!(error, InvalidSecret::ProviderKeys);
        }
    }
}
