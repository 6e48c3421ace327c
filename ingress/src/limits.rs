//! How many new messages and sessions are let in.

use std::net::IpAddr;
use std::time::Duration;

use shared::domain::Timestamp;
use shared::protocol::counters;

use crate::error::ApiError;
use crate::handler::{ClientInfo, Ingress};
use crate::identity::Caller;

const MINUTE: Duration = Duration::from_mins(1);

impl Ingress {
    /// Counts one new message or session of a principal and, if it is anonymous, of its address.
    ///
    /// A known principal comes first, so that one who is refused does not use up what its address
    /// shares. A new one is not counted at all: every refused call would otherwise leave a counter
    /// of its own, and a flood without credentials would fill the memory. Its address bounds it.
    ///
    /// Who signs in is not counted by address: a whole school may share one.
    pub(crate) async fn admit(
        &self,
        caller: &Caller,
        client: &ClientInfo,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        let rates = self.config.rates;
        let address = client.address.as_deref().filter(|_| caller.principal.is_anonymous());
        if !caller.is_new || address.is_none() {
            let who = format!("p#{}", caller.principal.hash().as_str());
            self.count(&who, rates.principal_per_minute, MINUTE, now).await?;
        }
        let Some(address) = address else { return Ok(()) };
        let who = format!("a#{}", network(address));
        self.count(&who, rates.address_per_5_minutes, MINUTE * 5, now).await
    }

    /// Counts one call of `who` in the present window; an error if the limit is reached.
    pub(crate) async fn count(
        &self,
        who: &str,
        limit: u32,
        window: Duration,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        if limit == 0 {
            return Ok(());
        }
        match counters::count(&*self.ports.store, who, limit, window, now).await? {
            None => Ok(()),
            Some(after) => Err(ApiError::RateLimited {
                after,
                detail: "Too many messages. Please wait a moment.",
            }),
        }
    }
}

/// Returns what counts as one address: for IPv6 the /64, which one customer has whole.
pub fn network(address: &str) -> String {
    match address.parse() {
        Ok(IpAddr::V6(ip)) if ip.to_ipv4_mapped().is_none() => {
            let [a, b, c, d, ..] = ip.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::")
        }
        Ok(ip) => ip.to_canonical().to_string(),
        Err(_) => address.chars().take(64).collect(),
    }
}
