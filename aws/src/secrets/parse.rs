//! What the secrets look like. No error quotes them.

use std::collections::BTreeMap;
use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretSlice, SecretString};
use serde::Deserialize;
use shared::domain::ProviderName;
use shared::ports::{SigningKey, SigningKeys};

/// The shortest signing key, in bytes.
const SHORTEST_KEY: usize = 32;
/// The most signing keys that are live at once: the new one and the old one.
const MOST_KEYS: usize = 2;

/// The reason why a secret is not usable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unusable {
    #[error("the secret with the providers' keys is no JSON object of texts")]
    ProviderKeys,
    #[error("the secret with the signing keys is no JSON of the documented forms")]
    SigningKeys,
    #[error("the secret holds {0} signing keys in the place of one or two")]
    HowMany(usize),
    #[error("a signing key has no id, or one that another has")]
    Id,
    #[error("a signing key is shorter than 32 bytes")]
    Short,
}

/// What a key of the secret with the providers' keys opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Opens {
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

/// Reads the providers' keys and what is beside them; one that is blank is not set.
pub(super) fn provider_keys(
    secret: &SecretString,
) -> Result<BTreeMap<Opens, SecretString>, Unusable> {
    let texts: BTreeMap<String, String> =
        serde_json::from_str(secret.expose_secret()).map_err(|_| Unusable::ProviderKeys)?;
    let key = |(name, key): (String, String)| {
        let key = key.trim();
        (!key.is_empty()).then_some((opens(&name)?, SecretString::from(key)))
    };
    Ok(texts.into_iter().filter_map(key).collect())
}

/// Reads the signing keys, the one that signs first; the bytes of a key are its text's.
pub(super) fn signing_keys(secret: &SecretString) -> Result<SigningKeys, Unusable> {
    let signing =
        serde_json::from_str(secret.expose_secret()).map_err(|_| Unusable::SigningKeys)?;
    let keys = match signing {
        Signing::Several { keys } => keys,
        Signing::One(key) => vec![key],
    };
    if !(1..=MOST_KEYS).contains(&keys.len()) {
        return Err(Unusable::HowMany(keys.len()));
    }
    let twice = keys.first().map(|key| &key.id) == keys.get(1).map(|key| &key.id);
    if twice || keys.iter().any(|key| key.id.is_empty()) {
        return Err(Unusable::Id);
    }
    if keys.iter().any(|key| key.key.len() < SHORTEST_KEY) {
        return Err(Unusable::Short);
    }
    Ok(SigningKeys(keys.into_iter().map(signing_key).collect()))
}

fn signing_key(Key { id, key }: Key) -> SigningKey {
    SigningKey { id, key: Arc::new(SecretSlice::from(key.into_bytes())) }
}

fn opens(name: &str) -> Option<Opens> {
    match name {
        "ANTHROPIC_API_KEY" => Some(Opens::Provider(ProviderName::Claude)),
        "OPENAI_API_KEY" => Some(Opens::Provider(ProviderName::OpenAi)),
        "AWS_BEARER_TOKEN_BEDROCK" => Some(Opens::Provider(ProviderName::Bedrock)),
        "REPLY_CACHE_PASSWORD" => Some(Opens::ReplyCache),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "0123456789abcdef0123456789abcdef";

    #[track_caller]
    fn check_signing(secret: &str, expected: Result<&[&str], Unusable>) {
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
        check_signing("KEY", Err(Unusable::SigningKeys));
        check_signing(r#"{"keys":{}}"#, Err(Unusable::SigningKeys));
        check_signing(r#"{"keys":[]}"#, Err(Unusable::HowMany(0)));
        check_signing(r#"{"id":"k1","key":"short"}"#, Err(Unusable::Short));
        check_signing(r#"{"id":"","key":"KEY"}"#, Err(Unusable::Id));
        check_signing(
            r#"{"keys":[{"id":"k1","key":"KEY"},{"id":"k1","key":"KEY"}]}"#,
            Err(Unusable::Id),
        );
    }

    #[test]
    fn a_providers_blank_key_is_not_set() {
        let secret = r#"{"ANTHROPIC_API_KEY":" sk-1 ","OPENAI_API_KEY":"","OTHER":"x"}"#;
        let keys = provider_keys(&secret.into()).unwrap();
        assert_eq!(keys.len(), 1);
        assert_eq!(keys[&Opens::Provider(ProviderName::Claude)].expose_secret(), "sk-1");
    }

    #[test]
    fn the_reply_caches_password_is_beside_the_providers_keys() {
        let keys =
            provider_keys(&r#"{"REPLY_CACHE_PASSWORD":"open","OPENAI_API_KEY":"sk-1"}"#.into())
                .unwrap();
        assert_eq!(keys.len(), 2);
        assert_eq!(keys[&Opens::ReplyCache].expose_secret(), "open");
    }

    #[test]
    fn no_error_quotes_a_secret() {
        for secret in ["canary", r#"{"ANTHROPIC_API_KEY":12345}"#, r#"["canary"]"#] {
            let error = provider_keys(&secret.into()).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
            assert_eq!(error, Unusable::ProviderKeys);
        }
    }
}
