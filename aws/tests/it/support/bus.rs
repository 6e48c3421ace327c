//! An event bus whose events come out of a queue.

use std::sync::Mutex;

use aws::sdk::Service;
use aws_sdk_eventbridge::types::Target;
use serde_json::Value;
use testkit::conformance::Published;

use super::aws_environment::AwsEnvironment;

/// The bus, the queue behind its rule, and what came out so far.
pub(crate) struct TestBus {
    pub(crate) name: String,
    queue: String,
    client: aws_sdk_sqs::Client,
    published: Mutex<Vec<Published>>,
}

impl TestBus {
    /// Makes a bus with one rule, which sends everything of ours to a queue.
    pub(crate) async fn new(aws: &AwsEnvironment) -> Self {
        let client = aws_sdk_sqs::Client::new(&aws.sdk.config(Service::Sqs));
        let name = aws.name();
        let queue =
            client.create_queue().queue_name(&name).send().await.unwrap().queue_url.unwrap();
        let events = aws_sdk_eventbridge::Client::new(&aws.sdk.config(Service::EventBridge));
        events.create_event_bus().name(&name).send().await.unwrap();
        let pattern = r#"{"source":["learning-yogi.chatbot"]}"#;
        events
            .put_rule()
            .event_bus_name(&name)
            .name("all")
            .event_pattern(pattern)
            .send()
            .await
            .unwrap();
        let arn = format!("arn:aws:sqs:eu-central-1:123456789012:{name}");
        let target = Target::builder().id("queue").arn(arn).build().unwrap();
        events
            .put_targets()
            .event_bus_name(&name)
            .rule("all")
            .targets(target)
            .send()
            .await
            .unwrap();
        Self { name, queue, client, published: Mutex::default() }
    }

    /// Returns all that came out of it.
    pub(crate) async fn published(&self) -> Vec<Published> {
        loop {
            let receive =
                self.client.receive_message().queue_url(&self.queue).max_number_of_messages(10);
            let messages = receive.send().await.unwrap().messages.unwrap_or_default();
            if messages.is_empty() {
                return self.published.lock().unwrap().clone();
            }
            for message in messages {
                self.published.lock().unwrap().push(published(&message.body.unwrap()));
                let delete = self.client.delete_message().queue_url(&self.queue);
                delete.receipt_handle(message.receipt_handle.unwrap()).send().await.unwrap();
            }
        }
    }
}

fn published(body: &str) -> Published {
    let event: Value = serde_json::from_str(body).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let detail = event["detail"].clone();
    Published {
        id: text(&detail["metadata"]["id"]),
        detail_type: text(&event["detail-type"]),
        detail,
    }
}
