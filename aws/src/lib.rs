//! The adapters for AWS. No other crate uses an AWS SDK.
//!
//! | module | contents |
//! |---|---|
//! | [`sdk`] | region, credentials, endpoints, timeouts and retries of every client |
//! | [`store`] | the store on DynamoDB |
//! | [`queue`] | FIFO queues on SQS |
//! | [`events`] | the event bus on EventBridge |
//! | `event_log` | logged events, read by operators (feature `operator`) |
//! | [`push`] | frames to WebSocket connections, through API Gateway |
//! | [`documents`] | documents in Aurora, through the RDS Data API |
//! | [`redis`] | the reply cache on Redis or Valkey |
//! | [`secrets`] | API keys and signing keys in Secrets Manager |
//! | [`sign`] | Signature Version 4 for calls that are made without an SDK |
//! | [`parameters`] | settings that change without a deployment, from Parameter Store |
//! | [`trace`] | the X-Ray trace header that queue messages and events carry |
//! | [`metrics`] | metrics of each turn in CloudWatch's Embedded Metric Format |
//! | [`config`] | environment variables: AWS resources and logging |
//! | [`lambda`] | the Lambda runtime: events in, responses out |
//! | [`call_error`] | errors of calls that are safe to log |

pub mod call_error;
pub mod config;
pub mod documents;
#[cfg(feature = "operator")]
pub mod event_log;
pub mod events;
pub mod lambda;
pub mod metrics;
pub mod parameters;
pub mod push;
pub mod queue;
pub mod redis;
pub mod sdk;
pub mod secrets;
pub mod sign;
pub mod store;
pub mod trace;
