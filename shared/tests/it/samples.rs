//! One of everything that goes over a wire or into a row, from fixed inputs.

use shared::ag_ui::{
    ChatError, ChatResumed, ChatStatus, Event, Metadata, StatusPhase, custom_citations,
    custom_error, custom_resumed, custom_status, final_frame, message_id, opening_frames,
    text_frames,
};
use shared::analytics::{
    FeedbackFacts, Texts, feedback_event, session_deleted, session_expired, turn_event,
};
use shared::domain::sha256_hex;
use shared::domain::{
    Citation, ConnectionId, ContextUse, DocumentId, Epoch, ErrorCode, ExpiresAt, FinishReason,
    Grounding, MessageId, MessageText, MicroUsd, NumberedPassage, Principal, ProviderName, Rating,
    SessionId, SessionKey, Timestamp, TurnKind, TurnNumber, Usage,
};
use shared::ports::EventEntry;
use shared::protocol::accept::Submission;
use shared::protocol::{
    ConnectionRow, MessageRow, SessionRow, Timings, Turn, TurnError, TurnRow, TurnState,
};
use shared::queue_messages::{
    DeletedNotice, Exchange, Feedback, FinalPointer, MessagePointer, Replay, ReplyMessage,
    RequestMessage, Submit,
};

pub(crate) const NOW: Timestamp = Timestamp(1_800_000_000_000);
pub(crate) const END: ExpiresAt = ExpiresAt(1_800_086_400);
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

pub(crate) fn principal() -> Principal {
    Principal::parse("jwt:https://issuer.example#alice").unwrap()
}

pub(crate) fn session() -> SessionId {
    SessionId::parse("test-123").unwrap()
}

pub(crate) fn message() -> MessageId {
    MessageId::parse("m4").unwrap()
}

pub(crate) fn key() -> SessionKey {
    SessionKey::derive(&principal(), &session())
}

fn question() -> MessageText {
    MessageText::parse("What is “period 3”? 🎈").unwrap()
}

fn document() -> DocumentId {
    DocumentId::parse("timetable-7b").unwrap()
}

pub(crate) fn submission() -> Submission {
    Submission {
        principal: principal(),
        session_id: session(),
        message_id: message(),
        message: question(),
        document_id: Some(document()),
        provider: Some(ProviderName::Claude),
        accepted_at: NOW,
        replay: None,
    }
}

pub(crate) fn replay() -> Replay {
    let message = MessageText::parse("Which class am I in?").unwrap();
    let history = vec![Exchange { message, reply: "7B “of course”.".to_owned() }];
    let model = Some("claude-haiku-6".to_owned());
    let instructions = Some("Answer in one word.".to_owned());
    Replay { history, model, instructions }
}

/// Every kind of request, with and without what may be left out.
pub(crate) fn requests() -> Vec<(&'static str, RequestMessage)> {
    let pointer = |trace| MessagePointer {
        session_key: key(),
        message_id: message(),
        accepted_at: NOW,
        trace,
    };
    let Submission {
        principal,
        session_id,
        message_id,
        message,
        document_id,
        provider,
        accepted_at,
        ..
    } = submission();
    let trace = Some(TRACE.to_owned());
    let whole = Submit {
        principal,
        session_id,
        message_id,
        accepted_at,
        message,
        document_id,
        provider,
        trace,
        replay: None,
    };
    let bare = Submit { document_id: None, provider: None, trace: None, ..whole.clone() };
    let replayed = Submit { replay: Some(Box::new(replay())), ..whole.clone() };
    vec![
        ("request_message", RequestMessage::Message(pointer(Some(TRACE.to_owned())))),
        ("request_message_bare", RequestMessage::Message(pointer(None))),
        ("request_submit", RequestMessage::Submit(whole)),
        ("request_submit_bare", RequestMessage::Submit(bare)),
        ("request_submit_replay", RequestMessage::Submit(replayed)),
    ]
}

/// Every kind of reply, with and without what may be left out.
pub(crate) fn replies() -> Vec<(&'static str, ReplyMessage)> {
    let feedback = |rating, comment| {
        ReplyMessage::Feedback(Feedback {
            session_key: key(),
            turn: turn(4),
            rating,
            comment,
            given_at: NOW,
        })
    };
    let deleted = DeletedNotice { session_key: key(), session_id: session(), deleted_at: NOW };
    vec![
        ("reply_final", ReplyMessage::Final(FinalPointer { session_key: key(), turn: turn(4) })),
        ("reply_feedback", feedback(Rating::Down, Some("Last year's.".to_owned()))),
        ("reply_feedback_bare", feedback(Rating::Up, None)),
        ("reply_deleted", ReplyMessage::Deleted(deleted)),
    ]
}

fn turn(number: u64) -> TurnNumber {
    TurnNumber::parse(number).unwrap()
}

pub(crate) fn running() -> TurnRow {
    TurnRow {
        turn: turn(4),
        message_id: message(),
        message: question(),
        document_id: Some(document()),
        requested_provider: Some(ProviderName::Claude),
        state: TurnState::Running,
        epoch: Epoch(2),
        cancel: false,
        partial: Some("Period 3 is “".to_owned()),
        kind: None,
        text: None,
        sha256: None,
        error: None,
        finish_reason: None,
        provider: None,
        model: None,
        usage: None,
        cost_micro_usd: None,
        cached: false,
        context: None,
        citations: Vec::new(),
        grounding: None,
        passages: Vec::new(),
        timings: Timings { queue_ms: 12, ..Timings::default() },
        accepted_at: NOW,
        created_at: Timestamp(NOW.0 + 12),
        finished_at: None,
        expires_at: END,
        due: Some(Timestamp(NOW.0 + 900_012)),
        trace: Some(TRACE.to_owned()),
        synthetic: false,
    }
}

pub(crate) fn replied(finish_reason: FinishReason, text: &str) -> TurnRow {
    let usage = Usage {
        input_tokens: 1_200,
        cached_input_tokens: 1_000,
        cache_write_tokens: 100,
        output_tokens: 20,
    };
    TurnRow {
        state: TurnState::Committed,
        partial: None,
        kind: Some(TurnKind::Reply),
        text: Some(text.to_owned()),
        sha256: Some(sha256_hex(text)),
        finish_reason: Some(finish_reason),
        provider: Some(ProviderName::Claude),
        model: Some("example-model".to_owned()),
        usage: Some(usage),
        cost_micro_usd: Some(MicroUsd(1_275)),
        context: Some(ContextUse::Used),
        timings: Timings {
            queue_ms: 12,
            context_ms: 34,
            first_token_ms: Some(560),
            total_ms: 1_250,
        },
        finished_at: Some(Timestamp(NOW.0 + 1_250)),
        due: Some(Timestamp(NOW.0 + 301_250)),
        ..running()
    }
}

/// A passage with everything that may be left out.
fn passage() -> NumberedPassage {
    NumberedPassage {
        number: 1,
        document_id: DocumentId::parse("handbook").unwrap(),
        title: "Student handbook".to_owned(),
        source_url: Some("https://school.example/handbook".to_owned()),
        version: sha256_hex("the handbook"),
        ordinal: 3,
        headings: vec!["Rules".to_owned(), "Phones".to_owned()],
    }
}

/// A reply that cites that passage.
pub(crate) fn cited() -> TurnRow {
    let text = "Phones stay at home [1].";
    let NumberedPassage { number, document_id, title, source_url, version, ordinal, .. } =
        passage();
    let citation = Citation {
        number,
        offset: 20,
        document_id,
        title,
        source_url,
        version,
        ordinal,
        start: 120,
        end: 139,
        quote: "Phones stay at home".to_owned(),
    };
    TurnRow {
        citations: vec![citation],
        grounding: Some(Grounding::Cited),
        ..replied(FinishReason::Stop, text)
    }
}

pub(crate) fn cancelled() -> TurnRow {
    let row = replied(FinishReason::Cancelled, "Period 3");
    TurnRow {
        kind: Some(TurnKind::Cancelled),
        cancel: true,
        usage: None,
        provider: None,
        model: None,
        ..row
    }
}

pub(crate) fn failed() -> TurnRow {
    let message = "No provider could answer. Please try again.".to_owned();
    TurnRow {
        kind: Some(TurnKind::Error),
        error: Some(TurnError { code: ErrorCode::ProvidersUnavailable, message }),
        provider: None,
        model: None,
        usage: None,
        cost_micro_usd: None,
        ..replied(FinishReason::Error, "")
    }
}

/// Every kind of frame, each with the name of its message in the contract.
pub(crate) fn frames() -> Vec<(&'static str, &'static str, String)> {
    let running = Turn::from(running());
    let [started, opened] = opening_frames(&session(), &running);
    let content = text_frames(&running, "“🎈” is\n\"period 3\"").remove(0);
    let metadata = Metadata::of(running.turn, running.epoch);
    let end = Event::TextMessageEnd {
        message_id: message_id(&running.message_id, running.epoch),
        metadata,
    };
    let of = |row: &TurnRow| {
        let turn = Turn::from(row.clone());
        final_frame(&session(), &turn, turn.as_final().unwrap())
    };
    let status = |phase, provider| custom_status(&running, &ChatStatus { phase, provider });
    let resumed = ChatResumed { first: turn(1), next: turn(5), born: NOW };
    let error = |field| ChatError {
        code: ErrorCode::MalformedFrame,
        message: "after is missing.".to_owned(),
        field,
    };
    vec![
        ("run_started", "runStarted", started),
        ("text_message_start", "textMessageStart", opened),
        ("text_message_content", "textMessageContent", content),
        ("text_message_end", "textMessageEnd", end.to_frame()),
        (
            "run_finished",
            "runFinished",
            of(&replied(FinishReason::Stop, "Period 3 is “maths”. 🎈")),
        ),
        (
            "run_finished_cached",
            "runFinished",
            of(&TurnRow { cached: true, ..replied(FinishReason::Stop, "Maths") }),
        ),
        ("run_finished_cited", "runFinished", of(&cited())),
        ("run_finished_cancelled", "runFinished", of(&cancelled())),
        (
            "run_finished_too_large",
            "runFinished",
            of(&replied(FinishReason::Length, &"界".repeat(9_600))),
        ),
        (
            "run_finished_refusal",
            "runFinished",
            of(&replied(FinishReason::Refusal, "I cannot help with that.")),
        ),
        ("run_error", "runError", of(&failed())),
        ("chat_status", "chatStatus", status(StatusPhase::Retrying, Some(ProviderName::OpenAi))),
        ("chat_status_bare", "chatStatus", status(StatusPhase::Context, None)),
        ("chat_citations", "chatCitations", custom_citations(&running, &[passage()])),
        ("chat_resumed", "chatResumed", custom_resumed(&resumed)),
        ("chat_error", "chatError", custom_error(&error(Some("after")))),
        ("chat_error_bare", "chatError", custom_error(&error(None))),
    ]
}

/// Every kind of analytics event, each with the name of its schema.
pub(crate) fn events() -> Vec<(String, &'static str, EventEntry)> {
    let key = key();
    let session = session();
    let born = Timestamp(NOW.0 - 86_400_000);
    let reply = replied(FinishReason::Stop, "Maths 🎈");
    let mut all = Vec::new();
    for (suffix, texts) in [("", Texts::Omitted), ("_with_texts", Texts::Included)] {
        let facts =
            |comment| FeedbackFacts { turn: &reply, rating: Rating::Down, comment, given_at: NOW };
        let of = |row: &TurnRow| turn_event(&key, &session, row, texts);
        let feedback = |comment| feedback_event(&key, &session, facts(comment), texts);
        all.extend([
            (format!("chat_message{suffix}"), "chat-message", of(&reply)),
            (format!("chat_message_cited{suffix}"), "chat-message", of(&cited())),
            (format!("chat_message_cancelled{suffix}"), "chat-message", of(&cancelled())),
            (format!("chat_failed{suffix}"), "chat-failed", of(&failed())),
            (format!("chat_feedback{suffix}"), "chat-feedback", feedback(Some("Last year's."))),
            (format!("chat_feedback_bare{suffix}"), "chat-feedback", feedback(None)),
        ]);
    }
    all.push((
        "session_expired".to_owned(),
        "session-expired",
        session_expired(&key, &session, born, NOW),
    ));
    all.push((
        "session_deleted".to_owned(),
        "session-deleted",
        session_deleted(&key, &session, NOW),
    ));
    all
}

pub(crate) fn session_row() -> SessionRow {
    SessionRow::new(principal(), session(), NOW, END)
}

pub(crate) fn message_row() -> MessageRow {
    let Submission { message, document_id, provider, accepted_at, .. } = submission();
    let body_hash = submission().body_hash();
    let turn = Some(turn(4));
    MessageRow {
        message,
        document_id,
        provider,
        body_hash,
        accepted_at,
        expires_at: END,
        turn,
        cancel: true,
        replay: None,
    }
}

pub(crate) fn connection_row() -> ConnectionRow {
    ConnectionRow {
        connection_id: ConnectionId::new("JKJaXmPLvHcESHA="),
        principal_hash: principal().hash(),
        stamp: "AAECAwQFBgcICQoLDA0ODw".to_owned(),
        expires_at: END,
    }
}
