//! The notifier as a Lambda function, on the queue of replies and on a schedule.

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use aws::config::{CommonResources, NotifierResources};
use aws::lambda::runtime::{Invocation, InvocationError};
use aws::lambda::schedule::ScheduledTask;
use aws::lambda::sqs::{self, SqsBatch};
use notifier::{Notifier, NotifierConfig, Ports};
use serde_json::Value;
use shared::environment::Environment;
use shared::system::SystemClock;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let wire = |environment: &Environment| {
        let notifier = Arc::new(wire(environment)?);
        Ok(move |invocation: Invocation| answer(notifier.clone(), invocation))
    };
    aws::lambda::start::run_function(wire).await
}

fn wire(environment: &Environment) -> Result<Notifier, Box<dyn Error>> {
    let config = NotifierConfig::from_env(environment)?;
    let NotifierResources { common, event_bus } = NotifierResources::from_env(environment)?;
    let CommonResources { table, replies_queue, connections_url, sdk, .. } = common;
    let sdk = aws::sdk::Sdk::new(sdk);
    let clock = Arc::new(SystemClock);
    let ports = Ports {
        store: Arc::new(aws::store::DynamoStore::new(&sdk, table, clock.clone())),
        replies: Arc::new(aws::queue::SqsQueue::new(&sdk, replies_queue)),
        push: Arc::new(aws::push::ApiGatewayPush::new(&sdk, &connections_url)),
        events: Arc::new(aws::events::EventBridgeEvents::new(&sdk, event_bus)),
        clock,
    };
    Ok(Notifier::new(ports, config.texts))
}

/// How long before its deadline the cleanup begins nothing more: a session with many rows takes a
/// while, and a run that Lambda ends counts as an error and is repeated.
const CLEANUP_RESERVE: Duration = Duration::from_secs(15);

async fn answer(notifier: Arc<Notifier>, invocation: Invocation) -> Result<Value, InvocationError> {
    match ScheduledTask::of(&invocation.event) {
        Some(ScheduledTask::Warm) => return Ok(Value::Null),
        Some(ScheduledTask::CleanUp) => {
            return clean_up(&notifier, invocation.remaining.saturating_sub(CLEANUP_RESERVE)).await;
        }
        None => (),
    }
    let batch = SqsBatch::from_event(invocation.event)?;
    let failed = aws::trace::scope(batch.trace, notifier.handle_batch(&batch.deliveries)).await;
    Ok(sqs::batch_item_failures(batch.unreadable.into_iter().chain(failed)))
}

async fn clean_up(notifier: &Notifier, limit: Duration) -> Result<Value, InvocationError> {
    match notifier.clean_up_within(limit).await {
        Ok(report) => {
            tracing::info!(?report, "cleaned up");
            Ok(Value::Null)
        }
        Err(error) => {
            tracing::warn!(error = &error as &dyn Error, "the cleanup will try again");
            Err(InvocationError::failed(error))
        }
    }
}
