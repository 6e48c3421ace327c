//! The adapters that name an AWS SDK; nothing else does.
//!
//! | module | what it holds |
//! |---|---|
//! | [`sdk`] | region, credentials, endpoints, timeouts and retries of every client |
//! | [`store`] | the table, on DynamoDB |
//! | [`queue`] | the FIFO queues, on SQS |
//! | [`events`] | the event bus, on EventBridge |
//! | `event_log` | the events that were logged, for operators (feature `operator`) |
//! | [`push`] | WebSocket connections, through API Gateway |
//! | [`documents`] | documents in Aurora, through the RDS Data API |
//! | [`replies`] | the reply cache, on Redis or Valkey |
//! | [`secrets`] | keys, from Secrets Manager |
//! | [`sign`] | signatures of calls that no client of the SDK makes |
//! | [`parameters`] | settings that change without a deployment, from Parameter Store |
//! | [`trace`] | the trace that calls to queues and buses carry on |
//! | [`metrics`] | one line per turn, which CloudWatch reads metrics from |
//! | [`config`] | the variables: where things are, and how to log |
//! | [`lambda`] | the Lambda runtime: events in, answers out |
//! | [`fault`] | what went wrong in a call, without a word of what it carried |

pub mod config;
pub mod documents;
#[cfg(feature = "operator")]
pub mod event_log;
pub mod events;
pub mod fault;
pub mod lambda;
pub mod metrics;
pub mod parameters;
pub mod push;
pub mod queue;
pub mod replies;
pub mod sdk;
pub mod secrets;
pub mod sign;
pub mod store;
pub mod trace;
