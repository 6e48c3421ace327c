//! The two calls and the socket's upgrade.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::turn::{self, Turn};
use super::writer::Row;
use super::{Floor, Session, socket};

#[derive(Deserialize)]
struct Chat {
    session_id: String,
    message_id: String,
    message: String,
}

#[derive(Serialize)]
struct Opened<'a> {
    session_id: &'a str,
    websocket: Way<'a>,
}

#[derive(Serialize)]
struct Way<'a> {
    url: String,
    ticket: &'a str,
    expires_in: u32,
}

#[derive(Serialize)]
struct Accepted<'a> {
    session_id: &'a str,
    message_id: &'a str,
}

pub(super) fn router(floor: Arc<Floor>) -> Router {
    Router::new()
        .route("/sessions", post(open))
        .route("/chat", post(chat))
        .route("/ws", get(socket::connect))
        .with_state(floor)
}

async fn open(State(floor): State<Arc<Floor>>) -> Response {
    let id = format!("s{}", floor.last_session.fetch_add(1, Ordering::Relaxed));
    let url = format!("ws://{}/ws", floor.address);
    let body = Opened { session_id: &id, websocket: Way { url, ticket: &id, expires_in: 30 } };
    let answer = json(StatusCode::CREATED, &body);
    floor.sessions().insert(id, Session::default());
    answer
}

async fn chat(State(floor): State<Arc<Floor>>, body: Bytes) -> Response {
    let Ok(chat) = serde_json::from_slice::<Chat>(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let Chat { session_id, message_id, message } = chat;
    let row = Row::Message {
        session: session_id.clone(),
        message_id: message_id.clone(),
        message: message.clone(),
    };
    let answer =
        json(StatusCode::ACCEPTED, &Accepted { session_id: &session_id, message_id: &message_id });
    let (stored, row_stored) = oneshot::channel();
    let (number, frames) = {
        let mut sessions = floor.sessions();
        let session = sessions.entry(session_id.clone()).or_default();
        session.turns += 1;
        (session.turns, session.frames.clone())
    };
    let turn = Turn { session: session_id, message_id, message, row: row_stored, number, frames };
    tokio::spawn(turn::answer(Arc::clone(&floor), turn));
    let Ok(id) = floor.writer.store(row).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let _ = stored.send(id);
    answer
}

fn json(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(body) => (status, [(CONTENT_TYPE, "application/json")], body).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
