//! The table, on DynamoDB.

use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use shared::ports::Clock;

use crate::sdk::{Sdk, Service};

/// One table: partition key `session_id`, sort key `item`, and the index `due`.
#[derive(Clone)]
#[expect(dead_code, reason = "the port follows")]
pub struct DynamoStore {
    client: Client,
    table: String,
    clock: Arc<dyn Clock>,
}

impl DynamoStore {
    /// Takes the table's name, and the clock by which items expire.
    pub fn new(sdk: &Sdk, table: impl Into<String>, clock: Arc<dyn Clock>) -> Self {
        Self { client: Client::new(&sdk.config(Service::DynamoDb)), table: table.into(), clock }
    }
}
