//! Hashes as text.

use sha2::{Digest as _, Sha256};

/// Returns the SHA-256 of a text's UTF-8, in lower-case hexadecimal.
pub fn sha256_hex(text: &str) -> String {
    use std::fmt::Write as _;
    Sha256::digest(text.as_bytes()).iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
