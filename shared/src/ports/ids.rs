//! Randomness.

/// Draws randomness: ids, nonces, stamps, jitter.
pub trait Ids: Send + Sync {
    /// Returns 128 random bits; in production they are unpredictable.
    fn random(&self) -> [u8; 16];

    /// Returns a fraction from 0 up to, not including, 1.
    fn fraction(&self) -> f64 {
        let [a, b, c, d, ..] = self.random();
        f64::from(u32::from_be_bytes([a, b, c, d])) / (f64::from(u32::MAX) + 1.0)
    }

    /// Returns a random id of 22 base64url characters.
    fn id(&self) -> String {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(self.random())
    }
}
