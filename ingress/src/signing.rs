//! Tokens that ingress signs for itself: `<prefix>.<payload>.<mac>`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::ExposeSecret as _;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use shared::ports::{SigningKey, SigningKeys};

/// Longer texts are not tokens of ours.
const MAX_TOKEN_BYTES: usize = 4096;

#[derive(Serialize, Deserialize)]
struct Payload<Claims> {
    /// The key's id.
    k: String,
    /// What is claimed.
    c: Claims,
}

#[derive(Deserialize)]
struct KeyId {
    k: String,
}

/// Signs claims with the first key; the MAC covers the prefix, the key's id and the claims.
pub(crate) fn seal(prefix: &str, keys: &SigningKeys, claims: &impl Serialize) -> Option<String> {
    let key = keys.0.first()?;
    let payload = serde_json::to_vec(&Payload { k: key.id.clone(), c: claims }).ok()?;
    let signed = format!("{prefix}.{}", URL_SAFE_NO_PAD.encode(payload));
    let mac = URL_SAFE_NO_PAD.encode(mac(key, &signed)?.finalize().into_bytes());
    Some(format!("{signed}.{mac}"))
}

/// Returns the claims of a token that one of the live keys signed, and whether it was the first.
///
/// Nothing of a token is believed before its MAC is verified, in constant time; only the key's id
/// is read.
pub(crate) fn open<Claims: DeserializeOwned>(
    prefix: &str,
    keys: &SigningKeys,
    token: &str,
) -> Option<(Claims, bool)> {
    if token.len() > MAX_TOKEN_BYTES {
        return None;
    }
    let (signed, given) = token.rsplit_once('.')?;
    let payload = signed.strip_prefix(prefix)?.strip_prefix('.')?;
    let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
    let KeyId { k } = serde_json::from_slice(&payload).ok()?;
    let place = keys.0.iter().position(|key| key.id == k)?;
    let given = URL_SAFE_NO_PAD.decode(given).ok()?;
    mac(&keys.0[place], signed)?.verify_slice(&given).ok()?;
    let Payload { c, .. } = serde_json::from_slice(&payload).ok()?;
    Some((c, place == 0))
}

fn mac(key: &SigningKey, signed: &str) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.key.expose_secret()).ok()?;
    mac.update(signed.as_bytes());
    Some(mac)
}
