//! Step 3 of the protocol: what the model may know.

use std::time::Duration;

use serde_json::json;
use shared::domain::{ContextUse, DocumentId, Principal, SessionId, TurnKind, TurnNumber};
use shared::memory::OwnedDocument;
use shared::ports::store::{Change, Condition, Item, Write};
use shared::ports::{ChatMessage, Document, Durability, Role, Store as _};
use shared::protocol::{TurnRow, keys};

use crate::support::model::Failure;
use crate::support::world::{pass, principal};
use crate::support::{FakeModel, Fault, PortCall, Setup, World, fail, finish, says};

const TEXT: &str = "Period 3 is maths.";

fn document(id: &str, content: &str, owner: Option<Principal>) -> OwnedDocument {
    let document = Document {
        id: DocumentId::parse(id).unwrap(),
        title: format!("Title of {id}"),
        content: content.into(),
        public: owner.is_none(),
    };
    OwnedDocument { document, owner }
}

fn library(model: &std::sync::Arc<FakeModel>) -> Setup {
    let foreign = Principal::parse("anon:other").unwrap();
    let documents = vec![
        document("public", "Monday: maths", None),
        document("mine", "Tuesday: art", Some(principal())),
        document("foreign", "canary-4711", Some(foreign)),
        document("odd", "Wed\u{200B}nesday:\u{202E} music\u{E0041}", None),
    ];
    Setup { documents, ..Setup::new(vec![model.clone()]) }
}

async fn ask(world: &World, id: &str, document: &str) {
    let mut submission = world.submission(id, &format!("question {id}"));
    submission.document_id = Some(DocumentId::parse(document).unwrap());
    world.accept(&submission).await;
    world.drain().await;
}

fn texts(messages: &[ChatMessage]) -> Vec<&str> {
    messages.iter().map(|message| message.text.as_str()).collect()
}

/// Checks what becomes of a document, and whether the model reads a part of it.
async fn check(asked: &str, part: &str, expected: ContextUse) {
    let model = FakeModel::saying(TEXT);
    let world = World::of(library(&model));
    ask(&world, "m1", asked).await;
    let turn = world.final_of(1).await;
    assert_eq!((turn.context, turn.text.as_deref()), (Some(expected), Some(TEXT)));
    let prompt = &model.prompts()[0];
    assert_eq!(prompt.system.contains(part), expected == ContextUse::Used, "{}", prompt.system);
    assert_eq!(prompt.document.is_some(), expected == ContextUse::Used);
}

#[tokio::test(start_paused = true)]
async fn a_document_is_read_by_who_may_read_it() {
    check("public", "Monday: maths", ContextUse::Used).await;
    check("mine", "Tuesday: art", ContextUse::Used).await;
    check("foreign", "canary-4711", ContextUse::Unavailable).await;
    check("absent", "absent", ContextUse::Unavailable).await;
}

#[tokio::test(start_paused = true)]
async fn without_context_no_document_is_read() {
    let model = FakeModel::saying(TEXT);
    let world = World::of(library(&model).with("CHATBOT_ENABLE_CONTEXT", "false"));
    ask(&world, "m1", "public").await;
    assert_eq!(
        (world.final_of(1).await.context, world.faults.count(PortCall::Document)),
        (Some(ContextUse::None), 0)
    );
}

#[tokio::test(start_paused = true)]
async fn a_document_is_kept_for_five_minutes() {
    let model = FakeModel::saying(TEXT);
    let world = World::of(library(&model));
    for (id, reads, minutes) in [("m1", 1, 2), ("m2", 1, 2), ("m3", 1, 2), ("m4", 2, 0)] {
        ask(&world, id, "public").await;
        assert_eq!(world.faults.count(PortCall::Document), reads, "{id}");
        pass(minutes * 60_000).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_kept_document_is_shown_to_nobody_else() {
    let model = FakeModel::saying(TEXT);
    let world = World::of(library(&model));
    ask(&world, "m1", "mine").await;
    let mut submission = world.submission("m2", "question");
    submission.principal = Principal::parse("anon:other").unwrap();
    submission.session_id = SessionId::parse("theirs").unwrap();
    submission.document_id = Some(DocumentId::parse("mine").unwrap());
    world.accept(&submission).await;
    world.drain().await;
    assert_eq!(world.faults.count(PortCall::Document), 2);
    assert!(!model.prompts()[1].system.contains("Tuesday: art"));
}

#[tokio::test(start_paused = true)]
async fn a_database_that_wakes_up_is_waited_for() {
    let model = FakeModel::saying(TEXT);
    let world = World::of(library(&model));
    world.faults.during(PortCall::Document, 1..=5, Fault::Fail);
    ask(&world, "m1", "public").await;
    let turn = world.final_of(1).await;
    assert_eq!((turn.context, world.faults.count(PortCall::Document)), (Some(ContextUse::Used), 6));
    assert_eq!(turn.timings.context_ms, 1_500);
}

#[tokio::test(start_paused = true)]
async fn a_database_that_does_not_wake_up_is_answered_without() {
    for fault in [Fault::Fail, Fault::Hang, Fault::Stall(Duration::from_secs(30))] {
        let model = FakeModel::saying(TEXT);
        let world = World::of(library(&model));
        world.faults.during(PortCall::Document, 1..=1_000, fault);
        ask(&world, "m1", "public").await;
        let turn = world.final_of(1).await;
        assert_eq!(
            (turn.context, turn.text.as_deref()),
            (Some(ContextUse::Unavailable), Some(TEXT))
        );
        assert_eq!(world.elapsed().as_secs(), 5);
        assert!(model.prompts()[0].system.contains("cannot be read at the moment"));
        world.faults.heal();
        ask(&world, "m2", "public").await;
        assert_eq!(
            world.final_of(2).await.context,
            Some(ContextUse::Used),
            "a failure is not kept"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn history_is_told_in_order_and_ends_with_the_question() {
    let model = FakeModel::saying(TEXT);
    let world = World::new(&model);
    for id in ["m1", "m2", "m3"] {
        world.say(id).await;
    }
    world.drain().await;
    let prompt = &model.prompts()[2];
    assert_eq!(texts(&prompt.messages), ["question m1", TEXT, "question m2", TEXT, "question m3"]);
    let roles: Vec<Role> = prompt.messages.iter().map(|message| message.role).collect();
    assert_eq!(roles, [Role::User, Role::Assistant, Role::User, Role::Assistant, Role::User]);
}

#[tokio::test(start_paused = true)]
async fn errors_are_left_out_and_cancelled_turns_kept_if_they_have_text() {
    let scripts = vec![
        fail(Failure::Permanent),
        says("Half an answer that ", Duration::from_millis(700)),
        [says(TEXT, Duration::ZERO), finish()].concat(),
    ];
    let model = FakeModel::claude(scripts);
    let world = std::sync::Arc::new(World::new(&model));
    world.say("failed").await;
    world.drain().await;
    let stopped = world.say("stopped").await;
    let delivery = world.begin().await;
    pass(1_500).await;
    world.stop(&stopped).await;
    delivery.await.unwrap();
    let unheard = world.say("unheard").await;
    world.stop(&unheard).await;
    world.drain().await;
    world.say("last").await;
    world.drain().await;
    let prompts = model.prompts();
    let told = texts(&prompts.last().unwrap().messages).join(" | ");
    assert_eq!(told, "question stopped | Half an  | question last");
}

#[tokio::test(start_paused = true)]
async fn history_is_the_longest_run_that_fits() {
    // A turn is 3 + 5 tokens of text and 8 of overhead.
    for (tokens, turns) in [("0", 0), ("15", 0), ("16", 1), ("31", 1), ("32", 2), ("160", 9)] {
        let model = FakeModel::saying(TEXT);
        let world =
            World::of(Setup::new(vec![model.clone()]).with("CHATBOT_HISTORY_TOKENS", tokens));
        for number in 0..10 {
            world.say(&format!("m{number}")).await;
        }
        world.drain().await;
        let prompt = &model.prompts()[9];
        assert_eq!(prompt.messages.len(), 2 * turns + 1, "{tokens} tokens");
        assert_eq!(prompt.messages[0].text, format!("question m{}", 9 - turns), "{tokens} tokens");
    }
}

#[tokio::test(start_paused = true)]
async fn reading_the_history_costs_no_more_in_a_long_session() {
    let model = FakeModel::claude(vec![[says(TEXT, Duration::ZERO), finish()].concat()]);
    let world = World::of(Setup::new(vec![model.clone()]).with("CHATBOT_HISTORY_TOKENS", "320"));
    let mut queries = Vec::new();
    for number in 0..200 {
        let before = world.faults.count(PortCall::Turns);
        world.say(&format!("m{number:03}")).await;
        world.drain().await;
        queries.push(world.faults.count(PortCall::Turns) - before);
    }
    assert_eq!(model.prompts()[199].messages.len(), model.prompts()[50].messages.len());
    assert_eq!((queries[50], queries[199]), (2, 2), "{queries:?}");
}

/// Answers the first message of a session, and puts so many failed turns behind it.
async fn failed_turns(world: &World, number: u64) {
    world.say("remembered").await;
    world.drain().await;
    let first = world.final_of(1).await;
    for turn in 2..=number + 1 {
        let turn = TurnNumber::parse(turn).unwrap();
        let row = TurnRow {
            turn,
            kind: Some(TurnKind::Error),
            text: Some(String::new()),
            ..first.clone()
        };
        let put =
            Write::put(Item::from_row(keys::turn(&world.key, turn), &row).unwrap(), Vec::new());
        world.table.write(put, Durability::Ordered).await.unwrap();
    }
    let next = vec![
        Change::Set("next_turn", json!(number + 2)),
        Change::Set("accepted", json!(number + 1)),
    ];
    let session = Write::update(keys::session(&world.key), vec![Condition::Present], next);
    world.table.write(session, Durability::Ordered).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_session_of_nearly_only_errors_is_read_back_for_four_hundred_turns_and_no_further() {
    for (failed, remembered) in [(399, true), (400, false), (2_000, false)] {
        let model = FakeModel::saying(TEXT);
        let world = World::new(&model);
        failed_turns(&world, failed).await;
        let before = world.faults.count(PortCall::Turns);
        world.say("last").await;
        world.drain().await;
        let queries = world.faults.count(PortCall::Turns) - before;
        assert!(queries <= 14, "{failed} failed turns cost {queries} queries");
        let prompts = model.prompts();
        let expected: &[&str] = if remembered { &["question remembered", TEXT] } else { &[] };
        assert_eq!(
            texts(&prompts[1].messages),
            [expected, &["question last"]].concat(),
            "after {failed} failed turns"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_seen_is_not_told() {
    let model = FakeModel::saying("Tag\u{E0041}ged.");
    let world = World::of(library(&model));
    let mut submission = world.submission("m1", "visible\u{200B}\u{E0049} question");
    submission.document_id = Some(DocumentId::parse("odd").unwrap());
    world.accept(&submission).await;
    world.accept(&world.submission("m2", "\u{200B}\u{2060}")).await;
    world.drain().await;
    let prompts = model.prompts();
    assert_eq!(prompts[0].messages[0].text, "visible question");
    assert!(prompts[0].system.contains("Wednesday: music\n"), "{}", prompts[0].system);
    assert_eq!(texts(&prompts[1].messages), ["visible question", "Tagged.", "(nothing visible)"]);
    assert_eq!(
        world.final_of(1).await.message.as_str(),
        "visible\u{200B}\u{E0049} question",
        "stored as it was sent"
    );
}

#[tokio::test(start_paused = true)]
async fn a_conversation_is_kept_by_the_provider_until_its_history_is_cut() {
    let model = FakeModel::saying("Period 3 is maths.");
    let world = World::of(Setup::new(vec![model.clone()]).with("CHATBOT_HISTORY_TOKENS", "40"));
    for id in ["m1", "m2", "m3", "m4"] {
        world.say(id).await;
    }
    world.drain().await;
    let kept: Vec<_> =
        model.prompts().iter().map(|prompt| prompt.caching.unwrap().conversation).collect();
    assert_eq!(kept, [true, true, true, false]);
    let groups: Vec<_> =
        model.prompts().iter().map(|prompt| prompt.caching.unwrap().group).collect();
    assert!(groups.iter().all(|group| *group == groups[0] && *group < 16), "{groups:?}");
}

#[tokio::test(start_paused = true)]
async fn providers_keep_nothing_where_that_is_switched_off() {
    let model = FakeModel::saying("Period 3 is maths.");
    let world = World::of(Setup::new(vec![model.clone()]).with("CHATBOT_PROMPT_CACHING", "false"));
    world.say("m1").await;
    world.drain().await;
    assert_eq!(model.prompts()[0].caching, None);
}
