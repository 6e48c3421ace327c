//! Every handler, with every kind of fault at every one of its port calls; and two crashes at all
//! pairs of the worker's calls.
//!
//! | module | what it tells again and again |
//! |---|---|
//! | `every` | how: a scenario runs once per call, with a fault at that call |
//! | `worker` | two messages are answered, with a document, in front of a tab |
//! | `pairs` | a message whose worker dies twice |
//! | `notifier` | a batch of finals, a rating and a deletion is delivered |
//! | `ingress` | every call that a user makes |
//! | `cleanup` | all that nobody else finishes, in one run |

mod cleanup;
mod every;
mod ingress;
mod notifier;
mod pairs;
mod worker;
