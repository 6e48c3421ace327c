//! Parses the names of sessions and providers.

use shared::domain::{Principal, ProviderName, SessionId, SessionKey};

use crate::exit::usage;

/// Parses a session's key, or `PRINCIPAL/SESSION-ID`.
pub(crate) fn session(text: &str) -> anyhow::Result<SessionKey> {
    if let Ok(key) = SessionKey::parse(text) {
        return Ok(key);
    }
    // An issuer's address holds slashes, a session's id does not.
    let Some((principal, id)) = text.rsplit_once('/') else {
        return Err(usage(format!(
            "{text:?} is not a session: use its key (43 characters, see `yogi session list`) or \
            PRINCIPAL/SESSION-ID"
        )));
    };
    let principal = Principal::parse(principal)
        .map_err(|error| usage(format!("{text:?}: the principal {principal:?} {error}")))?;
    let id = SessionId::parse(id)
        .map_err(|error| usage(format!("{text:?}: the session ID {id:?} {error}")))?;
    Ok(SessionKey::derive(&principal, &id))
}

/// Parses a provider's name.
pub(crate) fn provider(text: &str) -> anyhow::Result<ProviderName> {
    ProviderName::parse(text).ok_or_else(|| {
        let known: Vec<_> = ProviderName::ALL.iter().map(|name| name.as_str()).collect();
        usage(format!("{text:?} is an unknown provider; expected one of {}", known.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_named_by_its_key_or_by_whose_it_is() {
        let key = SessionKey::derive(
            &Principal::parse("jwt:https://a.example/x#1").unwrap(),
            &SessionId::parse("s").unwrap(),
        );
        assert_eq!(session(key.as_str()).unwrap(), key);
        assert_eq!(session("jwt:https://a.example/x#1/s").unwrap(), key);
        for wrong in ["", "abc", "nobody/s", "op:a/b c", "op:/s"] {
            assert!(session(wrong).is_err(), "{wrong}");
        }
    }
}
