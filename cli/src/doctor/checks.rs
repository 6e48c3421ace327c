//! The checks that need no message.

use std::path::Path;
use std::time::Duration;

use providers::Prices;
use shared::domain::{ProviderName, Timestamp, Usage};
use shared::operator::{BreakerState, ServerStatus};

use super::Findings;
use crate::backend::{Backend, BackendError};
use crate::output::{bytes, count, millis};

const CLOCKS_AGREE: Duration = Duration::from_secs(5);
/// Requests that wait longer are a sign of too few workers, or of a provider that is slow.
const LONG_WAIT_MS: u64 = 1_000;
const LITTLE_DISK: u64 = 1_000_000_000;
const NO_DISK: u64 = 100_000_000;

/// Looks whether the token lets us in, and which keys are set.
pub(super) async fn access(findings: &mut Findings, backend: &dyn Backend) {
    match backend.settings().await {
        Ok(settings) => {
            findings.ok("token", "accepted by the server");
            let Some(keys) = settings["keys"].as_object().cloned() else { return };
            let named = |wanted: bool| -> Vec<String> {
                keys.iter()
                    .filter(|(_, set)| set.as_bool() == Some(wanted))
                    .map(|(name, _)| name.clone())
                    .collect()
            };
            match named(true).as_slice() {
                [] => findings.careful(
                    "keys",
                    "no provider key is set, so answers are quotes from the documents; set \
                    ANTHROPIC_API_KEY or OPENAI_API_KEY, and restart the server",
                ),
                set => findings.ok("keys", format!("set: {}", set.join(", "))),
            }
        }
        Err(BackendError::NotAllowed(why)) => findings.bad("token", why),
        Err(error) => findings.bad("settings", error.to_string()),
    }
}

/// Looks whether others on this machine can read the data.
pub(super) fn permissions(findings: &mut Findings, directory: &Path) {
    let place = directory.display();
    #[cfg(unix)]
    for name in ["chatbot.db", "operator.token", "operator.json", "signing-keys.json"] {
        use std::os::unix::fs::PermissionsExt as _;
        let file = directory.join(name);
        let Ok(metadata) = std::fs::metadata(&file) else { continue };
        // The database is as open as its directory; keys and tokens are nobody else's.
        let open = metadata.permissions().mode() & 0o077 != 0;
        if open && name != "chatbot.db" {
            findings.bad(
                "permissions",
                format!("{} is readable by other users; run chmod 600 on it", file.display()),
            );
            return;
        }
    }
    let written = std::fs::metadata(directory).map(|metadata| !metadata.permissions().readonly());
    match written {
        Ok(true) => {
            findings.ok("permissions", format!("{place} is writable; its keys are private"));
        }
        Ok(false) => findings.bad("permissions", format!("{place} is not writable")),
        Err(error) => findings.bad("permissions", format!("{place}: {error}")),
    }
}

/// Looks whether the server's clock is ours.
pub(super) fn clock(findings: &mut Findings, theirs: Timestamp, ours: Timestamp) {
    let apart = theirs.since(ours).max(ours.since(theirs));
    let text = millis(u64::try_from(apart.as_millis()).unwrap_or(u64::MAX));
    if apart <= CLOCKS_AGREE {
        findings.ok("clock", format!("the server and this machine are {text} apart"));
    } else {
        findings.careful(
            "clock",
            format!(
                "the server and this machine are {text} apart; tickets expire after 30 s, so \
                synchronise the clocks"
            ),
        );
    }
}

/// Looks at who can answer.
pub(super) fn providers(findings: &mut Findings, status: &ServerStatus) {
    let Some(providers) = &status.providers else { return };
    if providers.is_empty() {
        findings.bad("providers", "no provider is configured; set a provider's key");
    }
    let prices = Prices::built_in().ok();
    for provider in providers {
        let name = format!("provider {}", provider.provider);
        let model = provider.model.as_deref().unwrap_or("no model");
        match provider.breaker {
            BreakerState::Closed => findings.ok(&name, model.to_owned()),
            BreakerState::HalfOpen => findings.careful(
                &name,
                format!(
                    "{model}: it failed, and is \
                being tried again"
                ),
            ),
            BreakerState::Open => findings.bad(
                &name,
                format!(
                    "{model}: it failed too often and is not being called; see `yogi tail --failed`"
                ),
            ),
        }
        let is_listed =
            |prices: &Prices| prices.cost(provider.provider, model, Usage::default()).is_some();
        if provider.provider != ProviderName::Offline && !prices.as_ref().is_some_and(is_listed) {
            findings.careful(
                &name,
                format!(
                    "{model} is in no price list: its cost is unknown, and budgets assume the \
                    highest listed price"
                ),
            );
        }
    }
}

/// Looks at queues and dead letters.
pub(super) fn queues(findings: &mut Findings, status: &ServerStatus) {
    for queue in &status.queues {
        let name = format!("queue {}", queue.queue.as_str());
        let load =
            format!("{} waiting, {} in flight", count(queue.waiting), count(queue.in_flight));
        match queue.oldest_ms.filter(|oldest| queue.waiting > 0 && *oldest > LONG_WAIT_MS) {
            Some(oldest) => {
                findings.careful(&name, format!("{load}, the oldest for {}", millis(oldest)));
            }
            None => findings.ok(&name, load),
        }
        if queue.dead > 0 {
            findings.bad(&name, format!("{} dead letters; see `yogi dlq list`", count(queue.dead)));
        }
    }
}

/// Looks at what is left of the disk.
pub(super) fn disk(findings: &mut Findings, status: &ServerStatus) {
    let Some(database) = status.database_bytes else { return };
    let database = format!("the database uses {}", bytes(database));
    match status.free_bytes {
        None => findings.ok("disk", database),
        Some(free) if free < NO_DISK => {
            findings.bad("disk", format!("{database}, only {} free", bytes(free)));
        }
        Some(free) if free < LITTLE_DISK => {
            findings.careful("disk", format!("{database}, {} free", bytes(free)));
        }
        Some(free) => findings.ok("disk", format!("{database}, {} free", bytes(free))),
    }
}
