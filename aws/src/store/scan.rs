//! The list of all sessions, for operators. The functions have no permission to scan.

use shared::domain::SessionKey;
use shared::ports::store::StoreError;
use shared::protocol::{SessionRow, keys};

use super::DynamoStore;
use super::error::store_error;
use super::expression::Placeholders;
use super::item::{SORT, decode, encode_key, text};
use crate::call_error::CallError;

/// Sessions in the table's order, and the key after which the next page starts.
pub type Sessions = (Vec<(SessionKey, SessionRow)>, Option<SessionKey>);

/// The largest number of DynamoDB's pages that are read for one page: most of them may contain no
/// session.
const MAX_SERVICE_PAGES: usize = 10;

impl DynamoStore {
    /// Reads up to `limit` sessions that have not expired, in the table's order, which is
    /// arbitrary.
    ///
    /// It reads, and pays for, every item on the way, and is meant for people rather than programs.
    pub async fn sessions(
        &self,
        after: Option<&SessionKey>,
        limit: usize,
    ) -> Result<Sessions, StoreError> {
        let now = self.clock.now();
        let mut from = after.map(|key| encode_key(&keys::session(key)));
        let mut found = Vec::new();
        for _ in 0..MAX_SERVICE_PAGES {
            let mut placeholders = Placeholders::default();
            let sort = placeholders.name(SORT);
            let meta = placeholders.value(text(keys::META));
            let filter = format!("{sort} = {meta} AND {}", placeholders.unexpired(now));
            let scan =
                self.client.scan().table_name(&self.table).set_exclusive_start_key(from.take());
            let scan = scan
                .filter_expression(filter)
                .set_expression_attribute_names(placeholders.names())
                .set_expression_attribute_values(placeholders.into_values());
            let answer = scan
                .send()
                .await
                .map_err(|error| store_error(CallError::from_sdk("dynamodb Scan", &error)))?;
            for stored in answer.items.unwrap_or_default() {
                let item = decode(stored)?;
                let Ok(key) = SessionKey::parse(item.key.partition.clone()) else { continue };
                found.push((key, item.into_row()?));
                if found.len() == limit {
                    let last = found.last().map(|(key, _)| key.clone());
                    return Ok((found, last));
                }
            }
            from = answer.last_evaluated_key;
            if from.is_none() {
                return Ok((found, None));
            }
        }
        let next = from
            .map(decode)
            .transpose()?
            .and_then(|item| SessionKey::parse(item.key.partition).ok());
        Ok((found, next))
    }
}
