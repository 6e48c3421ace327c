//! Every wire message and stored row, byte for byte: a change here is a change of the contract.

use insta::{assert_json_snapshot, assert_snapshot};
use serde_json::json;
use shared::domain::Principal;
use shared::ports::store::{Effect, Item};
use shared::protocol::accept::Submission;
use shared::protocol::{MessageRow, delete, keys};
use shared::queue_messages::RequestMessage;

use crate::samples;

#[test]
fn requests_are_written_so() {
    for (name, request) in samples::requests() {
        assert_snapshot!(name, request.to_body());
    }
}

#[test]
fn replies_are_written_so() {
    for (name, reply) in samples::replies() {
        assert_snapshot!(name, reply.to_body());
    }
}

#[test]
fn frames_are_written_so() {
    for (name, _, frame) in samples::frames() {
        assert_snapshot!(name, frame);
    }
}

#[test]
fn events_are_written_so() {
    for (name, _, event) in samples::events() {
        assert_json_snapshot!(
            name,
            json!({ "detail-type": event.detail_type, "detail": event.detail })
        );
        assert_eq!(event.detail["metadata"]["id"], event.id);
    }
}

#[test]
fn the_session_key_of_fixed_inputs_never_changes() {
    let inputs =
        [("anon:AAAAAAAAAAAAAAAAAAAAAA", "test-123"), ("op:nightly", "batch.7"), ("op:é", "s")];
    let key = |(who, id): (&str, &str)| {
        let submission = Submission {
            principal: Principal::parse(who).unwrap(),
            session_id: shared::domain::SessionId::parse(id).unwrap(),
            ..samples::submission()
        };
        format!("{who} {id} {}", submission.session_key())
    };
    assert_snapshot!("session_keys", inputs.map(key).join("\n"));
}

#[test]
fn groups_and_deduplication_ids_of_fixed_inputs_never_change() {
    let mut sent = vec![("request_message", RequestMessage::pointer(&samples::submission(), None))];
    sent.extend(samples::replies().iter().map(|(name, reply)| (*name, reply.outgoing())));
    let lines =
        sent.iter().map(|(name, sent)| format!("{name} {} {}", sent.group, sent.deduplication_id));
    assert_snapshot!("deduplication", lines.collect::<Vec<_>>().join("\n"));
}

#[test]
fn the_body_hash_of_fixed_inputs_never_changes() {
    let whole = samples::submission();
    let bare = Submission { document_id: None, provider: None, ..whole.clone() };
    assert_snapshot!("body_hashes", format!("{}\n{}", whole.body_hash(), bare.body_hash()));
    let replayed = Submission { replay: Some(Box::new(samples::replay())), ..whole };
    assert_snapshot!("body_hash_of_a_replay", replayed.body_hash());
}

#[test]
fn rows_are_stored_so() {
    let key = samples::key();
    let message = samples::message_row();
    let connection = samples::connection_row();
    let turn = samples::running();
    let at = keys::turn(&key, turn.turn);
    let reply = samples::replied(shared::domain::FinishReason::Stop, "Maths 🎈");
    pin("row_session", &Item::from_row(keys::session(&key), &samples::session_row()).unwrap());
    pin(
        "row_message",
        &Item::from_row(keys::message(&key, &samples::message()), &message).unwrap(),
    );
    let replayed = MessageRow { replay: Some(Box::new(samples::replay())), ..message };
    pin(
        "row_message_replay",
        &Item::from_row(keys::message(&key, &samples::message()), &replayed).unwrap(),
    );
    pin("row_turn_running", &Item::from_row(at.clone(), &turn).unwrap());
    pin("row_turn_replied", &Item::from_row(at.clone(), &reply).unwrap());
    pin("row_turn_failed", &Item::from_row(at, &samples::failed()).unwrap());
    let at = keys::connection(&key, &connection.connection_id);
    pin("row_connection", &Item::from_row(at, &connection).unwrap());
    let tombstone = delete::tombstone(&key, samples::NOW);
    let Effect::Put(attributes) = tombstone.effect else { panic!("a tombstone is put") };
    pin("row_tombstone", &Item { key: tombstone.key, attributes });
}

#[track_caller]
fn pin(name: &str, item: &Item) {
    let partition = &item.key.partition;
    let sort = &item.key.sort;
    assert_json_snapshot!(
        name,
        json!({ "session_id": partition, "item": sort, "attributes": item.attributes })
    );
}

#[test]
fn rows_are_read_as_they_were_stored() {
    let turn = samples::replied(shared::domain::FinishReason::Stop, "Maths 🎈");
    let at = keys::turn(&samples::key(), turn.turn);
    for row in [turn, samples::running(), samples::failed(), samples::cancelled()] {
        assert_eq!(
            Item::from_row(at.clone(), &row)
                .unwrap()
                .into_row::<shared::protocol::TurnRow>()
                .unwrap(),
            row
        );
    }
    let message = samples::message_row();
    let replayed = MessageRow { replay: Some(Box::new(samples::replay())), ..message.clone() };
    for message in [message, replayed] {
        let item = Item::from_row(at.clone(), &message).unwrap();
        assert_eq!(item.into_row::<MessageRow>().unwrap(), message);
    }
    let session = samples::session_row();
    let item = Item::from_row(at, &session).unwrap();
    assert_eq!(item.into_row::<shared::protocol::SessionRow>().unwrap(), session);
}
