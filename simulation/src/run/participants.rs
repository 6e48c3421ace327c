//! The users of a run, and the documents that they ask for.

use std::sync::Arc;

use fastrand::Rng;
use shared::domain::{DocumentId, Principal};
use shared::memory::OwnedDocument;
use shared::ports::Document;
use tokio::task::JoinHandle;

use super::Settings;
use crate::mutants::Mutant;
use crate::platform::Platform;
use crate::users::{Conversation, User, UserBehaviour};
use client::rule::Variant;

/// The owner of a private document; no user of the run has this account.
const ABSENT_OWNER: u32 = 4_242;

/// Returns the documents: public ones, and a private one of somebody who is not there.
pub(super) fn documents() -> Vec<OwnedDocument> {
    let document = |id: &str, content: String, owner: Option<&str>| {
        let owner = owner.and_then(|owner| Principal::parse(owner).ok());
        let id = DocumentId::parse(id).ok()?;
        Some(OwnedDocument {
            document: Document {
                id,
                title: "A document".to_owned(),
                content: content.into(),
                public: false,
            },
            owner,
        })
    };
    let secret = crate::checks::mark(ABSENT_OWNER, "private", 1);
    let all = [
        document("doc-0", "Period 3 is maths in room 12.".to_owned(), None),
        document("doc-1", "The swimming hall opens at eight.".to_owned(), None),
        document("doc-2", format!("{secret} the marks of class 5b"), Some("anon:somebody-else")),
    ];
    all.into_iter().flatten().collect()
}

/// Starts the users of a run.
pub(super) fn users(
    platform: &Arc<Platform>,
    settings: &Settings,
    mutant: Option<Mutant>,
    rng: &mut Rng,
) -> Vec<JoinHandle<Vec<Conversation>>> {
    let variant = match mutant {
        Some(Mutant::ClientIgnoresGeneration) => Variant::IgnoresGeneration,
        Some(Mutant::ClientCursorIsLastSeen) => Variant::CursorIsLastSeen,
        _ => Variant::Faithful,
    };
    let temper = UserBehaviour {
        messages: settings.messages,
        pause: settings.pause,
        variant,
        falls_silent: settings.short_lived,
    };
    let user = |owner| {
        let user = User::new(Arc::clone(platform), owner, temper, rng.fork());
        tokio::spawn(user.live())
    };
    (1..=settings.users).map(user).collect()
}
