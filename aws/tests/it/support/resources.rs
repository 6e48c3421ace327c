//! Tables, queues and buses, made for one test and removed after it.

use std::sync::Mutex;

use aws::sdk::Service;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType, TableStatus,
};
use aws_sdk_sqs::types::QueueAttributeName;
use shared::fifo::QueueSettings;

use super::aws_environment::AwsEnvironment;

/// What was made, so that it can be removed.
#[derive(Default)]
pub(crate) struct TestResources {
    tables: Mutex<Vec<String>>,
    queues: Mutex<Vec<String>>,
}

impl TestResources {
    /// Makes the table as the deployments describe it, and returns its name.
    pub(crate) async fn table(&self, aws: &AwsEnvironment) -> String {
        let client = aws_sdk_dynamodb::Client::new(&aws.sdk.config(Service::DynamoDb));
        let name = aws.name();
        let index = GlobalSecondaryIndex::builder()
            .index_name("due")
            .key_schema(key("due_shard", KeyType::Hash))
            .key_schema(key("due", KeyType::Range))
            .projection(Projection::builder().projection_type(ProjectionType::KeysOnly).build());
        let create = client
            .create_table()
            .table_name(&name)
            .billing_mode(BillingMode::PayPerRequest)
            .attribute_definitions(attribute("session_id", ScalarAttributeType::S))
            .attribute_definitions(attribute("item", ScalarAttributeType::S))
            .attribute_definitions(attribute("due_shard", ScalarAttributeType::S))
            .attribute_definitions(attribute("due", ScalarAttributeType::N))
            .key_schema(key("session_id", KeyType::Hash))
            .key_schema(key("item", KeyType::Range))
            .global_secondary_indexes(index.build().unwrap());
        create.send().await.unwrap();
        self.tables.lock().unwrap().push(name.clone());
        loop {
            let table =
                client.describe_table().table_name(&name).send().await.unwrap().table.unwrap();
            if table.table_status == Some(TableStatus::Active) {
                return name;
            }
        }
    }

    /// Makes a FIFO queue with its dead-letter queue, and returns their URLs.
    pub(crate) async fn queues(
        &self,
        aws: &AwsEnvironment,
        settings: &QueueSettings,
    ) -> (String, String) {
        let dead = self.queue(aws, Vec::new()).await;
        let client = aws_sdk_sqs::Client::new(&aws.sdk.config(Service::Sqs));
        let attributes = client
            .get_queue_attributes()
            .queue_url(&dead)
            .attribute_names(QueueAttributeName::QueueArn);
        let attributes = attributes.send().await.unwrap().attributes.unwrap();
        let arn = &attributes[&QueueAttributeName::QueueArn];
        let most = settings.max_receive_count;
        let policy = format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":"{most}"}}"#);
        let queue = vec![
            (QueueAttributeName::VisibilityTimeout, settings.visibility.as_secs().to_string()),
            (QueueAttributeName::RedrivePolicy, policy),
            (QueueAttributeName::DeduplicationScope, "messageGroup".to_owned()),
            (QueueAttributeName::FifoThroughputLimit, "perMessageGroupId".to_owned()),
        ];
        (self.queue(aws, queue).await, dead)
    }

    async fn queue(
        &self,
        aws: &AwsEnvironment,
        attributes: Vec<(QueueAttributeName, String)>,
    ) -> String {
        let client = aws_sdk_sqs::Client::new(&aws.sdk.config(Service::Sqs));
        let mut create = client.create_queue().queue_name(format!("{}.fifo", aws.name()));
        create = create.attributes(QueueAttributeName::FifoQueue, "true");
        for (name, value) in attributes {
            create = create.attributes(name, value);
        }
        let url = create.send().await.unwrap().queue_url.unwrap();
        self.queues.lock().unwrap().push(url.clone());
        url
    }

    /// Removes everything; `moto` forgets by itself, an account would cost.
    pub(crate) async fn remove(self, aws: &AwsEnvironment) {
        let tables = aws_sdk_dynamodb::Client::new(&aws.sdk.config(Service::DynamoDb));
        for name in self.tables.into_inner().unwrap() {
            tables.delete_table().table_name(name).send().await.unwrap();
        }
        let queues = aws_sdk_sqs::Client::new(&aws.sdk.config(Service::Sqs));
        for url in self.queues.into_inner().unwrap() {
            queues.delete_queue().queue_url(url).send().await.unwrap();
        }
    }
}

fn key(name: &str, kind: KeyType) -> KeySchemaElement {
    KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap()
}

fn attribute(name: &str, kind: ScalarAttributeType) -> AttributeDefinition {
    AttributeDefinition::builder().attribute_name(name).attribute_type(kind).build().unwrap()
}
