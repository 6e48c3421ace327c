//! The X-Ray trace header that queue messages and events carry.

tokio::task_local! {
    static HEADER: String;
}

/// Runs a future whose messages and events carry this trace header, in the form of
/// `X-Amzn-Trace-Id`.
///
/// Tasks that the future spawns do not inherit it.
pub async fn scope<F: Future>(header: Option<String>, future: F) -> F::Output {
    match header {
        Some(header) => HEADER.scope(header, future).await,
        None => future.await,
    }
}

/// Returns the trace header of the enclosing [`scope`].
pub fn current() -> Option<String> {
    HEADER.try_with(Clone::clone).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_header_applies_inside_its_scope_only() {
        assert_eq!(current(), None);
        let inside = scope(Some("Root=1-2-3".to_owned()), async { current() }).await;
        assert_eq!(inside.as_deref(), Some("Root=1-2-3"));
        assert_eq!(scope(None, async { current() }).await, None);
        assert_eq!(current(), None);
    }
}
