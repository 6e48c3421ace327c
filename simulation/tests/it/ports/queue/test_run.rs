//! One sequence of operations, done to a queue and to the model at once.

use std::time::Duration;

use proptest::prop_assert_eq;
use proptest::test_runner::{TestCaseError, TestCaseResult};
use shared::ports::{DeadLetter, Delivery, OutgoingMessage, QueueError, Receipt};
use tokio::time::{Instant, advance, timeout};

use super::super::numbering::Numbering;
use super::SETTINGS;
use super::model::{Model, Observation, ShownMessage};
use super::operation::{Handle, Operation};
use super::test_bed::TestBed;

/// How much later than at the end of a visibility timeout a queue may say that it has something.
const LATE: Duration = Duration::from_millis(3);

/// A queue, the model, and what both were told.
pub(super) struct TestRun<R> {
    test_bed: R,
    model: Model,
    began: Instant,
    /// In the order in which the present process was given them.
    receipts: Vec<Receipt>,
    /// How each side names the messages.
    names: Numbering,
    model_names: Numbering,
    steps: usize,
}

impl<R: TestBed> TestRun<R> {
    pub(super) fn new(test_bed: R) -> Self {
        let names = Numbering::default();
        let model_names = Numbering::default();
        let model = Model::new(SETTINGS);
        let began = Instant::now();
        let receipts = Vec::new();
        Self { test_bed, model, began, receipts, names, model_names, steps: 0 }
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
        if matches!(operation, Operation::Restart) && !self.test_bed.restart() {
            return Ok(());
        }
        let body = format!("body {}", self.steps);
        let seen = self.act(operation, &body).await?;
        let expected = self.model.act(operation, &body);
        prop_assert_eq!(seen, self.named(expected), "{:?}, step {}", operation, self.steps);
        self.keep_time(operation)?;
        let dead = self.dead_letters(usize::MAX).await?;
        let expected = Observation::Messages(self.model.dead_letters(usize::MAX));
        prop_assert_eq!(
            dead,
            self.named(expected),
            "dead letters after {:?}, step {}",
            operation,
            self.steps
        );
        Ok(())
    }

    async fn act(
        &mut self,
        operation: &Operation,
        body: &str,
    ) -> Result<Observation, TestCaseError> {
        match *operation {
            Operation::Send { group, id, durability } => {
                let [group, deduplication_id] = [format!("group-{group}"), format!("id-{id}")];
                let message =
                    OutgoingMessage { group, deduplication_id, body: body.to_owned(), durability };
                done(self.test_bed.queue().send(message).await)
            }
            Operation::Receive(max) => self.receive(max).await,
            Operation::Delete(handle) => {
                done(self.test_bed.queue().delete(&self.receipt(handle)).await)
            }
            Operation::Hide(handle, visibility) => done(
                self.test_bed.queue().change_visibility(&self.receipt(handle), visibility).await,
            ),
            Operation::Pass(span) => {
                advance(span).await;
                Ok(Observation::Done)
            }
            Operation::Wait => self.wait().await,
            Operation::Redrive => {
                Ok(Observation::Redriven(self.test_bed.queue().redrive().await.map_err(failed)?))
            }
            Operation::DeadLetters(limit) => self.dead_letters(limit).await,
            Operation::Purge => {
                self.test_bed.purge().await;
                Ok(Observation::Done)
            }
            Operation::Restart => {
                self.receipts.clear();
                Ok(Observation::Done)
            }
        }
    }

    async fn receive(&mut self, max: usize) -> Result<Observation, TestCaseError> {
        let deliveries = self.test_bed.queue().receive(max).await.map_err(failed)?;
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
        Ok(Observation::Messages(shown))
    }

    async fn wait(&mut self) -> Result<Observation, TestCaseError> {
        let Some(span) = self.model.wait() else { return Ok(Observation::Done) };
        let end = Instant::now() + span;
        if timeout(span + LATE, self.test_bed.queue().ready()).await.is_err() {
            return Err(TestCaseError::fail("the queue does not say that it has something"));
        }
        // It may say so early.
        advance(end.saturating_duration_since(Instant::now())).await;
        Ok(Observation::Done)
    }

    async fn dead_letters(&mut self, limit: usize) -> Result<Observation, TestCaseError> {
        let dead = self.test_bed.queue().dead_letters(limit).await.map_err(failed)?;
        let names = &mut self.names;
        Ok(Observation::Messages(
            dead.iter().map(|letter| show_dead_letter(names, letter)).collect(),
        ))
    }

    /// Sets all clocks to one time, which goes on only where an operation lets it.
    fn keep_time(&mut self, operation: &Operation) -> TestCaseResult {
        let now = self.began.elapsed();
        if matches!(operation, Operation::Wait) {
            // A timer ends up to some milliseconds late.
            self.model.now = self.model.now.max(now);
        }
        self.test_bed.set_time(now);
        prop_assert_eq!(now, self.model.now, "paused time ran ahead");
        Ok(())
    }

    fn receipt(&self, handle: Handle) -> Receipt {
        let given = self.model.place(handle).map(|place| self.receipts[place].clone());
        given.unwrap_or_else(|| Receipt("no handle".to_owned()))
    }

    fn named(&mut self, seen: Observation) -> Observation {
        let Observation::Messages(shown) = seen else { return seen };
        let names = &mut self.model_names;
        let name = |shown: ShownMessage| ShownMessage {
            message: names.number(&shown.message.to_string()),
            ..shown
        };
        Observation::Messages(shown.into_iter().map(name).collect())
    }
}

fn done(outcome: Result<(), QueueError>) -> Result<Observation, TestCaseError> {
    match outcome {
        Ok(()) => Ok(Observation::Done),
        Err(QueueError::StaleReceipt) => Ok(Observation::Stale),
        Err(error) => Err(failed(error)),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "`map_err` hands over the error")]
fn failed(error: QueueError) -> TestCaseError {
    TestCaseError::fail(format!("{error:?}"))
}

fn show_delivery(names: &mut Numbering, delivery: &Delivery) -> ShownMessage {
    let Delivery { message_id, group, body, receive_count, .. } = delivery;
    show(names, message_id, group, body, *receive_count)
}

fn show_dead_letter(names: &mut Numbering, letter: &DeadLetter) -> ShownMessage {
    let DeadLetter { message_id, group, body, receive_count } = letter;
    show(names, message_id, group, body, *receive_count)
}

fn show(
    names: &mut Numbering,
    message_id: &str,
    group: &str,
    body: &str,
    receive_count: u32,
) -> ShownMessage {
    ShownMessage {
        message: names.number(message_id),
        group: group.to_owned(),
        body: body.to_owned(),
        receive_count,
    }
}
