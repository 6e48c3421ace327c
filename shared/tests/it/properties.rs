//! What holds for every input.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::Value;
use shared::ag_ui::{final_frame, opening_frames, text_frames};
use shared::domain::{
    DocumentId, Epoch, ErrorCode, FinishReason, MessageId, MessageText, MicroUsd, Principal,
    ProviderName, Rating, SessionId, SessionKey, Timestamp, TurnKind, TurnNumber, Usage, is_legal,
    utf16_len,
};
use shared::ports::push::MAX_FRAME_BYTES;
use shared::protocol::{Turn, TurnError, TurnRow};
use shared::queue_messages::{
    DeletedNotice, Exchange, Feedback, FinalPointer, MessagePointer, Replay, ReplyMessage,
    RequestMessage, Submit,
};

use crate::samples;

/// Characters of every length, and many that JSON escapes: one of them can become six bytes.
fn character() -> impl Strategy<Value = char> {
    let awkward = vec!['"', '\\', '/', '\n', '\u{7f}', 'é', '界', '🎈', '\u{2028}', '\u{fffe}'];
    prop_oneof![any::<char>(), (0_u8..32).prop_map(char::from), proptest::sample::select(awkward)]
}

/// Texts of runs, so that long ones are cheap: up to about 200 KB.
fn text() -> impl Strategy<Value = String> {
    let run = (character(), prop_oneof![1_usize..4, 1_usize..9_000]);
    vec(run, 0..6)
        .prop_map(|runs| runs.iter().map(|(one, times)| one.to_string().repeat(*times)).collect())
}

fn id(longest: usize) -> impl Strategy<Value = String> {
    let letters: Vec<char> = ('a'..='z').chain('0'..='9').chain("._:-AZ".chars()).collect();
    prop_oneof![1..8_usize, 1..=longest]
        .prop_flat_map(move |length| vec(proptest::sample::select(letters.clone()), length))
        .prop_map(|letters| letters.into_iter().collect())
}

fn session_id() -> impl Strategy<Value = SessionId> {
    id(128).prop_map(|id| SessionId::parse(id).unwrap())
}

fn message_id() -> impl Strategy<Value = MessageId> {
    id(128).prop_map(|id| MessageId::parse(id).unwrap())
}

fn principal() -> impl Strategy<Value = Principal> {
    let name = vec(character(), 1..50).prop_map(|name| name.into_iter().collect::<String>());
    name.prop_map(|name| Principal::parse(format!("iam:{name}")).unwrap())
}

fn session_key() -> impl Strategy<Value = SessionKey> {
    (principal(), session_id()).prop_map(|(principal, id)| SessionKey::derive(&principal, &id))
}

fn turn() -> impl Strategy<Value = TurnNumber> {
    (1..=9_999_999_999_u64).prop_map(|number| TurnNumber::parse(number).unwrap())
}

fn timestamp() -> impl Strategy<Value = Timestamp> {
    any::<i64>().prop_map(Timestamp)
}

fn provider() -> impl Strategy<Value = ProviderName> {
    proptest::sample::select(ProviderName::ALL)
}

fn message() -> impl Strategy<Value = MessageText> {
    text().prop_map(|text| {
        let legal: String = text.chars().filter(|one| is_legal(*one)).take(16_000).collect();
        MessageText::parse(if legal.is_empty() { "x".to_owned() } else { legal }).unwrap()
    })
}

fn request() -> impl Strategy<Value = RequestMessage> {
    let pointer = (session_key(), message_id(), timestamp(), option::of(text())).prop_map(
        |(session_key, message_id, accepted_at, trace)| {
            RequestMessage::Message(MessagePointer { session_key, message_id, accepted_at, trace })
        },
    );
    let document = option::of(id(256).prop_map(|id| DocumentId::parse(id).unwrap()));
    let ids = (principal(), session_id(), message_id(), timestamp());
    let exchange = (message(), text()).prop_map(|(message, reply)| Exchange { message, reply });
    let replay = (vec(exchange, 0..3), option::of(text()), option::of(text())).prop_map(
        |(history, model, instructions)| Box::new(Replay { history, model, instructions }),
    );
    let extras = (option::of(text()), option::of(replay));
    let submit = (ids, message(), document, option::of(provider()), extras).prop_map(
        |(
            (principal, session_id, message_id, accepted_at),
            message,
            document_id,
            provider,
            (trace, replay),
        )| {
            let submit = Submit {
                principal,
                session_id,
                message_id,
                accepted_at,
                message,
                document_id,
                provider,
                trace,
                replay,
            };
            RequestMessage::Submit(submit)
        },
    );
    prop_oneof![pointer, submit]
}

fn reply() -> impl Strategy<Value = ReplyMessage> {
    let pointer = (session_key(), turn())
        .prop_map(|(session_key, turn)| ReplyMessage::Final(FinalPointer { session_key, turn }));
    let rating = proptest::sample::select(Rating::ALL);
    let feedback = (session_key(), turn(), rating, option::of(text()), timestamp()).prop_map(
        |(session_key, turn, rating, comment, given_at)| {
            ReplyMessage::Feedback(Feedback { session_key, turn, rating, comment, given_at })
        },
    );
    let deleted = (session_key(), session_id(), timestamp()).prop_map(
        |(session_key, session_id, deleted_at)| {
            ReplyMessage::Deleted(DeletedNotice { session_key, session_id, deleted_at })
        },
    );
    prop_oneof![pointer, feedback, deleted]
}

/// Final turns of every kind, with values that no worker of ours would write.
fn final_row() -> impl Strategy<Value = TurnRow> {
    let outcome =
        (proptest::sample::select(TurnKind::ALL), proptest::sample::select(FinishReason::ALL));
    let told = (option::of(text()), option::of(text()), option::of(text()));
    let error = option::of((proptest::sample::select(ErrorCode::ALL), text()));
    let numbers = (turn(), any::<u64>(), any::<u64>(), option::of(any::<i64>()));
    (message_id(), outcome, told, error, numbers, option::of(provider())).prop_map(
        |(
            message_id,
            (kind, reason),
            (text, model, trace),
            error,
            (turn, epoch, tokens, cost),
            provider,
        )| TurnRow {
            turn,
            message_id,
            epoch: Epoch(epoch),
            kind: Some(kind),
            text,
            model,
            trace,
            provider,
            error: error.map(|(code, message)| TurnError { code, message }),
            usage: Some(Usage { input_tokens: tokens, output_tokens: tokens, ..Usage::default() }),
            cost_micro_usd: cost.map(MicroUsd),
            ..samples::replied(reason, "")
        },
    )
}

fn read(frame: &str) -> Value {
    serde_json::from_str(frame).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_request_is_read_as_it_was_written(request in request()) {
        prop_assert_eq!(RequestMessage::parse(&request.to_body()).unwrap(), request);
    }

    #[test]
    fn a_reply_is_read_as_it_was_written(reply in reply()) {
        prop_assert_eq!(ReplyMessage::parse(&reply.to_body()).unwrap(), reply);
    }

    #[test]
    fn reading_a_body_never_panics(body in text()) {
        let _ = RequestMessage::parse(&body);
        let _ = ReplyMessage::parse(&body);
    }

    #[test]
    fn pieces_fit_their_frames_and_join_to_the_text(message_id in message_id(), turn in turn(), text in text()) {
        let row = TurnRow { message_id, turn, epoch: Epoch(u64::MAX), ..samples::running() };
        let row = Turn::from(row);
        let mut joined = String::new();
        for frame in text_frames(&row, &text) {
            prop_assert!(frame.len() <= MAX_FRAME_BYTES, "a frame has {} bytes", frame.len());
            let event = read(&frame);
            prop_assert_eq!(event["metadata"]["offset"].as_u64(), Some(utf16_len(&joined)));
            let delta = event["delta"].as_str().unwrap();
            prop_assert!(!delta.is_empty());
            joined.push_str(delta);
        }
        prop_assert_eq!(joined, text);
    }

    #[test]
    fn a_final_fits_its_frame_and_carries_the_whole_text_or_none(session in session_id(), row in final_row()) {
        let turn = Turn::from(row.clone());
        let frame = final_frame(&session, &turn, turn.as_final().unwrap());
        prop_assert!(frame.len() <= MAX_FRAME_BYTES, "the frame has {} bytes", frame.len());
        let event = read(&frame);
        let failed = row.kind == Some(TurnKind::Error);
        prop_assert_eq!(&event["type"], if failed { "RUN_ERROR" } else { "RUN_FINISHED" });
        match event.get("result") {
            Some(result) => prop_assert_eq!(result["text"].as_str(), Some(row.text.as_deref().unwrap_or_default())),
            None => prop_assert!(failed || row.text.is_some_and(|text| text.len() > 4_000)),
        }
    }

    #[test]
    fn opening_frames_fit(session in session_id(), row in final_row()) {
        for frame in opening_frames(&session, &Turn::from(row.clone())) {
            prop_assert!(frame.len() <= MAX_FRAME_BYTES, "a frame has {} bytes", frame.len());
        }
    }
}
