//! How many new messages and sessions are let in.

use std::net::IpAddr;
use std::time::Duration;

use shared::domain::{Principal, Timestamp};
use shared::protocol::counters;

use crate::error::ApiError;
use crate::handler::{ClientInfo, Ingress};

const MINUTE: Duration = Duration::from_mins(1);

impl Ingress {
    /// Counts one new message or session of a principal and of an address.
    ///
    /// The principal comes first, so that one who is refused does not use up what its address
    /// shares.
    pub(crate) async fn admit(
        &self,
        principal: &Principal,
        client: &ClientInfo,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        let rates = self.config.rates;
        let who = format!("p#{}", principal.hash().as_str());
        self.count(&who, rates.principal_per_minute, MINUTE, now).await?;
        let Some(address) = &client.address else { return Ok(()) };
        let who = format!("a#{}", network(address));
        self.count(&who, rates.address_per_5_minutes, MINUTE * 5, now).await
    }

    async fn count(
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
fn network(address: &str) -> String {
    match address.parse() {
        Ok(IpAddr::V6(ip)) if ip.to_ipv4_mapped().is_none() => {
            let [a, b, c, d, ..] = ip.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::")
        }
        Ok(ip) => ip.to_canonical().to_string(),
        Err(_) => address.chars().take(64).collect(),
    }
}
