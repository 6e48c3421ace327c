//! The queues.

use std::time::Duration;

use aws::queue::SqsQueue;
use aws::trace;
use serde_json::json;
use shared::ports::{
    Durability, EventSource as _, OutgoingMessage, Queue as _, QueueError, Receipt,
};

use crate::support::service::{Answer, CANARY, Service, check_clean};

fn queue(service: &Service) -> SqsQueue {
    SqsQueue::new(&service.sdk(), "https://sqs.test/1/requests.fifo")
}

fn message() -> OutgoingMessage {
    let [group, deduplication_id, body] = ["group", "id", CANARY].map(str::to_owned);
    OutgoingMessage { group, deduplication_id, body, durability: Durability::Synced }
}

fn sent() -> Answer {
    Answer::ok(json!({"MessageId": "1"}))
}

#[tokio::test]
async fn a_send_has_its_group_its_id_and_its_trace() {
    let service = Service::new(|_, _| sent());
    let header = "Root=1-67891233-abcdef012345678912345678;Parent=463ac35c9f6413ad;Sampled=1";
    trace::scope(Some(header.to_owned()), queue(&service).send(message())).await.unwrap();
    queue(&service).send(message()).await.unwrap();
    let calls = service.calls();
    let trace = json!({"AWSTraceHeader": {"DataType": "String", "StringValue": header}});
    assert_eq!(
        calls[0].body,
        json!({
            "QueueUrl": "https://sqs.test/1/requests.fifo", "MessageGroupId": "group",
            "MessageDeduplicationId": "id", "MessageBody": CANARY, "MessageSystemAttributes": trace,
        })
    );
    assert_eq!(
        calls[1].body["MessageSystemAttributes"],
        json!(null),
        "outside a scope there is no trace"
    );
}

#[tokio::test(start_paused = true)]
async fn a_send_is_repeated_once_under_its_id() {
    let service = Service::new(|_, n| if n == 0 { Answer::Breaks } else { sent() });
    queue(&service).send(message()).await.unwrap();
    let calls = service.calls();
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[0].body, calls[1].body);
    let away = Service::new(|_, _| Answer::error(400, "ThrottlingException"));
    let error = queue(&away).send(message()).await.unwrap_err();
    assert!(matches!(error, QueueError::Unavailable(_)));
    check_clean(&error);
    assert_eq!(away.calls().len(), 2);
}

#[tokio::test]
async fn what_sqs_never_carries_is_refused() {
    let service =
        Service::new(|_, _| Answer::error(400, "com.amazonaws.sqs#InvalidMessageContents"));
    let error = queue(&service).send(message()).await.unwrap_err();
    assert!(matches!(error, QueueError::Refused(_)));
    check_clean(&error);
    let illegal = OutgoingMessage { body: "\u{1B}".to_owned(), ..message() };
    assert!(matches!(queue(&service).send(illegal).await, Err(QueueError::Refused(_))));
    assert_eq!(service.calls().len(), 1, "what is known to be illegal does not travel");
}

#[tokio::test(start_paused = true)]
async fn a_handle_that_sqs_does_not_take_is_stale() {
    let receipt = Receipt("handle".to_owned());
    for (code, stale) in [
        ("com.amazonaws.sqs#ReceiptHandleIsInvalid", true),
        ("com.amazonaws.sqs#MessageNotInflight", true),
        ("InvalidParameterValue", true),
        ("com.amazonaws.sqs#QueueDoesNotExist", false),
        ("AccessDenied", false),
        ("InternalFailure", false),
    ] {
        let service = Service::new(move |_, _| Answer::error(400, code));
        let changed =
            queue(&service).change_visibility(&receipt, Duration::from_secs(1)).await.unwrap_err();
        let deleted = queue(&service).delete(&receipt).await.unwrap_err();
        for error in [changed, deleted] {
            assert_eq!(matches!(error, QueueError::StaleReceipt), stale, "{code}");
            check_clean(&error);
        }
    }
}

#[tokio::test]
async fn a_visibility_is_in_whole_seconds() {
    let service = Service::new(|_, _| Answer::ok(json!({})));
    let receipt = Receipt("handle".to_owned());
    queue(&service).change_visibility(&receipt, Duration::from_millis(1_500)).await.unwrap();
    assert_eq!(service.calls()[0].body["VisibilityTimeout"], 2);
}

#[tokio::test]
async fn a_redrive_that_died_in_between_repeats_nothing() {
    let letter = json!({
        "MessageId": "m1", "ReceiptHandle": "h1", "Body": "{}",
        "Attributes": {
                "MessageGroupId": "group",
                "ApproximateReceiveCount": "11",
                "AWSTraceHeader": "Root=1-2-3",
            },
    });
    let receives = std::sync::atomic::AtomicUsize::new(0);
    let service = Service::new(move |call, _| match call.operation.as_str() {
        // The same letter comes twice: its deletion was lost the first time.
        "ReceiveMessage" if receives.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < 2 => {
            Answer::ok(json!({"Messages": [letter]}))
        }
        "SendMessage" => sent(),
        _ => Answer::ok(json!({})),
    });
    let queue = queue(&service).with_dead_letters("https://sqs.test/1/dead.fifo");
    queue.redrive().await.unwrap();
    let sends: Vec<_> =
        service.calls().into_iter().filter(|call| call.operation == "SendMessage").collect();
    assert!(sends.len() >= 2);
    assert_eq!(sends[0].body, sends[1].body);
    assert_eq!(
        sends[0].body["MessageSystemAttributes"]["AWSTraceHeader"]["StringValue"],
        "Root=1-2-3"
    );
    let order = service.operations();
    assert_eq!(
        order
            .iter()
            .find(|name| ["SendMessage", "DeleteMessage"].contains(&name.as_str()))
            .unwrap(),
        "SendMessage"
    );
}

#[tokio::test]
async fn dead_letters_need_the_name_of_their_queue() {
    let service = Service::new(|_, _| Answer::Breaks);
    assert!(matches!(queue(&service).redrive().await, Err(QueueError::Refused(_))));
    assert!(matches!(queue(&service).dead_letters(1).await, Err(QueueError::Refused(_))));
}
