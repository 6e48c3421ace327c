//! A user's verdict, as an event.

use shared::analytics::{FeedbackFacts, feedback_event};
use shared::ports::store::Item;
use shared::protocol::{SessionRow, TurnRow, keys};
use shared::queue_messages::Feedback;

use crate::error::NotifierError;
use crate::handler::Notifier;

impl Notifier {
    /// Emits the event of a verdict; one on a session that is gone has nothing to say.
    pub(crate) async fn report_feedback(&self, feedback: &Feedback) -> Result<(), NotifierError> {
        let key = &feedback.session_key;
        let mut items =
            self.ports.store.get(&[keys::session(key), keys::turn(key, feedback.turn)]).await?;
        let turn = items.pop().flatten().map(Item::into_row::<TurnRow>).transpose()?;
        let session = items.pop().flatten().map(Item::into_row::<SessionRow>).transpose()?;
        let Some((owner, turn)) = session.and_then(|session| session.owner()).zip(turn) else {
            return Ok(());
        };
        let rating = feedback.rating;
        let comment = feedback.comment.as_deref();
        let given_at = feedback.given_at;
        let facts = FeedbackFacts { turn: &turn, rating, comment, given_at };
        self.emit_or_fail(feedback_event(key, &owner.session_id, facts, self.texts)).await
    }
}
