//! The suite of [`Secrets`].

use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};

use shared::domain::ProviderName;
use shared::ports::Secrets;

/// The shortest signing key, in bytes.
const SHORTEST_KEY: usize = 32;

/// Checks secrets that hold no provider's key yet; `set` sets a key at the source.
pub async fn secrets(secrets: &dyn Secrets, set: impl AsyncFn(ProviderName, SecretString)) {
    let signing = secrets.signing_keys().await.unwrap().0;
    assert!((1..=2).contains(&signing.len()));
    assert!(
        signing
            .iter()
            .all(|key| key.key.expose_secret().len() >= SHORTEST_KEY && !key.id.is_empty())
    );

    set(ProviderName::Claude, "first".into()).await;
    assert_eq!(key(secrets, ProviderName::OpenAi).await, None, "a key that is not set is none");
    assert_eq!(key(secrets, ProviderName::Claude).await.as_deref(), Some("first"));

    set(ProviderName::Claude, "second".into()).await;
    assert_eq!(
        key(secrets, ProviderName::Claude).await.as_deref(),
        Some("first"),
        "a key is cached"
    );
    assert!(secrets.refresh(ProviderName::Claude).await);
    assert_eq!(
        key(secrets, ProviderName::Claude).await.as_deref(),
        Some("second"),
        "a refresh fetches it again"
    );

    set(ProviderName::Claude, "third".into()).await;
    assert!(
        !secrets.refresh(ProviderName::Claude).await,
        "a key is fetched again at most once a minute"
    );
    assert_eq!(key(secrets, ProviderName::Claude).await.as_deref(), Some("second"));
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert!(secrets.refresh(ProviderName::Claude).await);
    assert_eq!(key(secrets, ProviderName::Claude).await.as_deref(), Some("third"));
}

async fn key(secrets: &dyn Secrets, provider: ProviderName) -> Option<String> {
    secrets.provider_key(provider).await.unwrap().map(|key| key.expose_secret().to_owned())
}
