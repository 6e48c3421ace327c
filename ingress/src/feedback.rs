//! `POST /sessions/{id}/turns/{n}/feedback`: what the user thinks of a reply.

use std::time::Duration;

use http::StatusCode;
use shared::domain::{Principal, Rating, SessionKey, TurnNumber, is_legal};
use shared::ports::store::Item;
use shared::protocol::{Turn, keys};
use shared::queue_messages::{Feedback, ReplyMessage};

use crate::body::JsonBody;
use crate::error::ApiError;
use crate::handler::{Call, Ingress};
use crate::response::{self, HttpResult};

const MAX_COMMENT_CODE_POINTS: usize = 2_000;
/// How often a turn can be rated within [`RATING_WINDOW`]. People change their mind and add a
/// comment; each rating is an event that is stored.
const RATINGS_PER_TURN: u32 = 10;
const RATING_WINDOW: Duration = Duration::from_hours(1);

impl Ingress {
    /// Passes a verdict on; only a final can have one.
    pub(crate) async fn feedback(
        &self,
        call: &Call<'_>,
        principal: &Principal,
        id: &str,
        turn: TurnNumber,
    ) -> HttpResult {
        let (session_key, _) = self.own_session(principal, id).await?;
        let row = self.turn(&session_key, turn).await?.ok_or(ApiError::NotFound)?;
        let fields = JsonBody::read(call.request)?;
        let rating = Rating::parse(fields.required("rating")?);
        let rating = rating.ok_or_else(|| ApiError::field("rating", "must be up or down"))?;
        let comment = comment(&fields)?;
        if !row.is_final() {
            return Err(ApiError::Conflict {
                field: None,
                detail: "The turn is still being answered.",
            });
        }
        let who = format!("f#{}#{turn}", session_key.as_str());
        self.count(&who, RATINGS_PER_TURN, RATING_WINDOW, call.now).await?;
        let feedback = Feedback { session_key, turn, rating, comment, given_at: call.now };
        self.ports.replies.send(ReplyMessage::Feedback(feedback).outgoing()).await?;
        Ok(response::empty(StatusCode::NO_CONTENT))
    }

    /// Reads one turn.
    pub(crate) async fn turn(
        &self,
        key: &SessionKey,
        turn: TurnNumber,
    ) -> Result<Option<Turn>, ApiError> {
        let item = self.ports.store.get(&[keys::turn(key, turn)]).await?.pop().flatten();
        Ok(item.map(Item::into_row).transpose()?)
    }
}

fn comment(fields: &JsonBody) -> Result<Option<String>, ApiError> {
    let Some(comment) = fields.text("comment")?.filter(|comment| !comment.is_empty()) else {
        return Ok(None);
    };
    if comment.chars().count() > MAX_COMMENT_CODE_POINTS {
        return Err(ApiError::field(
            "comment",
            format!("must have at most {MAX_COMMENT_CODE_POINTS} characters"),
        ));
    }
    if !comment.chars().all(is_legal) {
        return Err(ApiError::field("comment", "holds a character that is not allowed"));
    }
    Ok(Some(comment.to_owned()))
}
