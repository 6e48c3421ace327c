//! One account, and how its user behaves.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fastrand::Rng;
use shared::domain::{Principal, SessionId, SessionKey};
use tokio::time::sleep;

use super::Conversation;
use crate::platform::{AccountEdge, Platform};
use client::account::Account;
use client::rule::Variant;
use client::transport::Transport;

/// How the users of a run behave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserBehaviour {
    /// How many messages a conversation has at most.
    pub messages: u32,
    /// The longest pause between two messages.
    pub pause: Duration,
    /// How well tabs follow the client rule.
    pub variant: Variant,
    /// Whether users sometimes pause for longer than a session lives.
    pub falls_silent: bool,
}

/// A user with an account.
pub struct User {
    pub(super) platform: Arc<Platform>,
    pub(super) owner: u32,
    pub(super) account: Arc<Account>,
    pub(super) rng: Rng,
    pub(super) temper: UserBehaviour,
}

impl User {
    /// Makes a user whom the service does not know yet.
    pub fn new(platform: Arc<Platform>, owner: u32, temper: UserBehaviour, mut rng: Rng) -> Self {
        let edge: Arc<dyn Transport> = AccountEdge::new(Arc::clone(&platform), owner, "192.0.2.1");
        let account = Arc::new(Account::anonymous(edge));
        Self { platform, owner, account, rng: rng.fork(), temper }
    }

    /// Chats in one or two sessions at once; returns them when everything is said.
    pub async fn live(mut self) -> Vec<Conversation> {
        self.introduce().await;
        let many = if self.rng.u8(0..3) == 0 { 2 } else { 1 };
        let talks = (1..=many).map(|number| {
            let rng = self.rng.fork();
            // All users choose the same session IDs: they must never reach each other's sessions.
            Conversation::new(&self, format!("lesson-{number}"), rng)
        });
        let mut talks: Vec<_> = talks.collect();
        futures::future::join_all(talks.iter_mut().map(Conversation::hold)).await;
        talks
    }

    /// Gets a token; without one every call would be a new principal's.
    async fn introduce(&mut self) {
        while self.account.create_session(Some("hello")).await.is_err()
            || self.account.token().is_none()
        {
            sleep(Duration::from_millis(self.rng.u64(300..2_000))).await;
        }
    }
}

/// Returns the key of a session of the principal that a token proves.
pub fn session_key(token: Option<&str>, session: &str) -> Option<SessionKey> {
    let payload = URL_SAFE_NO_PAD.decode(token?.split('.').nth(1)?).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&payload).ok()?;
    let principal = Principal::parse(claims["c"]["p"].as_str()?).ok()?;
    Some(SessionKey::derive(&principal, &SessionId::parse(session).ok()?))
}

/// Returns the principal that a token proves.
pub(super) fn principal(token: Option<&str>) -> Option<Principal> {
    let payload = URL_SAFE_NO_PAD.decode(token?.split('.').nth(1)?).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&payload).ok()?;
    Principal::parse(claims["c"]["p"].as_str()?).ok()
}
