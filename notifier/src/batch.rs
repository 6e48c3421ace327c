//! Ten deliveries at once: groups in parallel, one group in order.

use std::collections::BTreeMap;

use futures::future::join_all;
use shared::ports::Delivery;

use crate::handler::Notifier;

impl Notifier {
    /// Delivers a batch and returns the messages to be reported as failed.
    ///
    /// A failed record fails only the rest of its own group, which then keeps its order.
    pub async fn handle_batch(&self, deliveries: &[Delivery]) -> Vec<String> {
        let mut groups: BTreeMap<&str, Vec<&Delivery>> = BTreeMap::new();
        for delivery in deliveries {
            groups.entry(&delivery.group).or_default().push(delivery);
        }
        let failures = join_all(groups.into_values().map(|group| self.handle_group(group))).await;
        failures.into_iter().flatten().collect()
    }

    async fn handle_group(&self, group: Vec<&Delivery>) -> Vec<String> {
        for (done, delivery) in group.iter().enumerate() {
            if self.handle(delivery).await.is_err() {
                return group[done..].iter().map(|delivery| delivery.message_id.clone()).collect();
            }
        }
        Vec::new()
    }
}
