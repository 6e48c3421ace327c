//! One sequence of operations, done to a queue and to the model at once.

use std::time::Duration;

use proptest::prop_assert_eq;
use proptest::test_runner::{TestCaseError, TestCaseResult};
use shared::ports::{DeadLetter, Delivery, OutgoingMessage, QueueError, Receipt};
use tokio::time::{Instant, advance, timeout};

use super::super::numbering::Numbering;
use super::SETTINGS;
use super::model::{Model, Seen, Shown};
use super::operation::{Handle, Operation};
use super::rig::Rig;

/// How much later than at the end of a visibility timeout a queue may say that it has something.
const LATE: Duration = Duration::from_millis(3);

/// A queue, the model, and what both were told.
pub(super) struct Course<R> {
    rig: R,
    model: Model,
    began: Instant,
    /// In the order in which the present process was given them.
    receipts: Vec<Receipt>,
    /// How each side names the messages.
    names: Numbering,
    model_names: Numbering,
    steps: usize,
}

impl<R: Rig> Course<R> {
    pub(super) fn new(rig: R) -> Self {
        let names = Numbering::default();
        let model_names = Numbering::default();
        let model = Model::new(SETTINGS);
        let began = Instant::now();
        let receipts = Vec::new();
        Self { rig, model, began, receipts, names, model_names, steps: 0 }
    }

    /// Does the operations, and then empties the queue, so that whatever it holds is seen.
    pub(super) async fn run(mut self, operations: &[Operation]) -> TestCaseResult {
        for operation in operations {
            self.step(operation).await?;
        }
        self.drain().await
    }

    async fn drain(&mut self) -> TestCaseResult {
        self.step(&Operation::Pass(Duration::from_hours(12))).await?;
        while self.model.len() > 0 {
            let before = self.receipts.len();
            self.step(&Operation::Receive(10)).await?;
            for back in 0..self.receipts.len() - before {
                self.step(&Operation::Delete(Handle::Given(back))).await?;
            }
        }
        self.step(&Operation::Receive(1)).await
    }

    async fn step(&mut self, operation: &Operation) -> TestCaseResult {
        self.steps += 1;
        if matches!(operation, Operation::Restart) && !self.rig.restart() {
            return Ok(());
        }
        let body = format!("body {}", self.steps);
        let seen = self.act(operation, &body).await?;
        let expected = self.model.act(operation, &body);
        prop_assert_eq!(seen, self.named(expected), "{:?}, step {}", operation, self.steps);
        self.keep_time(operation)?;
        let dead = self.dead_letters(usize::MAX).await?;
        let expected = Seen::Messages(self.model.dead_letters(usize::MAX));
        prop_assert_eq!(
            dead,
            self.named(expected),
            "dead letters after {:?}, step {}",
            operation,
            self.steps
        );
        Ok(())
    }

    async fn act(&mut self, operation: &Operation, body: &str) -> Result<Seen, TestCaseError> {
        match *operation {
            Operation::Send { group, id, durability } => {
                let [group, deduplication_id] = [format!("group-{group}"), format!("id-{id}")];
                let message =
                    OutgoingMessage { group, deduplication_id, body: body.to_owned(), durability };
                done(self.rig.queue().send(message).await)
            }
            Operation::Receive(max) => self.receive(max).await,
            Operation::Delete(handle) => done(self.rig.queue().delete(&self.receipt(handle)).await),
            Operation::Hide(handle, visibility) => {
                done(self.rig.queue().change_visibility(&self.receipt(handle), visibility).await)
            }
            Operation::Pass(span) => {
                advance(span).await;
                Ok(Seen::Done)
            }
            Operation::Wait => self.wait().await,
            Operation::Redrive => {
                Ok(Seen::Redriven(self.rig.queue().redrive().await.map_err(failed)?))
            }
            Operation::DeadLetters(limit) => self.dead_letters(limit).await,
            Operation::Purge => {
                self.rig.purge().await;
                Ok(Seen::Done)
            }
            Operation::Restart => {
                self.receipts.clear();
                Ok(Seen::Done)
            }
        }
    }

    async fn receive(&mut self, max: usize) -> Result<Seen, TestCaseError> {
        let deliveries = self.rig.queue().receive(max).await.map_err(failed)?;
        let names = &mut self.names;
        let shown = deliveries.iter().map(|delivery| show_delivery(names, delivery)).collect();
        for Delivery { receipt, .. } in deliveries {
            prop_assert_eq!(
                self.receipts.contains(&receipt),
                false,
                "{:?} was given out before",
                receipt
            );
            self.receipts.push(receipt);
        }
        Ok(Seen::Messages(shown))
    }

    async fn wait(&mut self) -> Result<Seen, TestCaseError> {
        let Some(span) = self.model.wait() else { return Ok(Seen::Done) };
        let end = Instant::now() + span;
        if timeout(span + LATE, self.rig.queue().ready()).await.is_err() {
            return Err(TestCaseError::fail("the queue does not say that it has something"));
        }
        // It may say so early.
        advance(end.saturating_duration_since(Instant::now())).await;
        Ok(Seen::Done)
    }

    async fn dead_letters(&mut self, limit: usize) -> Result<Seen, TestCaseError> {
        let dead = self.rig.queue().dead_letters(limit).await.map_err(failed)?;
        let names = &mut self.names;
        Ok(Seen::Messages(dead.iter().map(|letter| show_dead_letter(names, letter)).collect()))
    }

    /// Sets all clocks to one time, which goes on only where an operation lets it.
    fn keep_time(&mut self, operation: &Operation) -> TestCaseResult {
        let now = self.began.elapsed();
        if matches!(operation, Operation::Wait) {
            // A timer ends up to some milliseconds late.
            self.model.now = self.model.now.max(now);
        }
        self.rig.set_time(now);
        prop_assert_eq!(now, self.model.now, "paused time ran ahead");
        Ok(())
    }

    fn receipt(&self, handle: Handle) -> Receipt {
        let given = self.model.place(handle).map(|place| self.receipts[place].clone());
        given.unwrap_or_else(|| Receipt("no handle".to_owned()))
    }

    fn named(&mut self, seen: Seen) -> Seen {
        let Seen::Messages(shown) = seen else { return seen };
        let names = &mut self.model_names;
        let name =
            |shown: Shown| Shown { message: names.number(&shown.message.to_string()), ..shown };
        Seen::Messages(shown.into_iter().map(name).collect())
    }
}

fn done(outcome: Result<(), QueueError>) -> Result<Seen, TestCaseError> {
    match outcome {
        Ok(()) => Ok(Seen::Done),
        Err(QueueError::StaleReceipt) => Ok(Seen::Stale),
        Err(error) => Err(failed(error)),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "`map_err` hands over the error")]
fn failed(error: QueueError) -> TestCaseError {
    TestCaseError::fail(format!("{error:?}"))
}

fn show_delivery(names: &mut Numbering, delivery: &Delivery) -> Shown {
    let Delivery { message_id, group, body, receive_count, .. } = delivery;
    show(names, message_id, group, body, *receive_count)
}

fn show_dead_letter(names: &mut Numbering, letter: &DeadLetter) -> Shown {
    let DeadLetter { message_id, group, body, receive_count } = letter;
    show(names, message_id, group, body, *receive_count)
}

fn show(
    names: &mut Numbering,
    message_id: &str,
    group: &str,
    body: &str,
    receive_count: u32,
) -> Shown {
    Shown {
        message: names.number(message_id),
        group: group.to_owned(),
        body: body.to_owned(),
        receive_count,
    }
}
