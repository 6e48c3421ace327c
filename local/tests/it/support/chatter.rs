//! A user with a chat window.

use std::time::Duration;

use client::account::StoredTurn;
use client::rule::Action;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use super::view::View;
use super::{Answer, Final, Http, Socket, TIMEOUT, TestServer, next_frame, open, send};

/// How often a window looks at what is due while no frame comes.
const TICK: Duration = Duration::from_millis(50);

/// One chat window: a session, its socket, and what the user sees.
pub(crate) struct Chatter {
    pub(crate) http: Http,
    pub(crate) session: String,
    pub(crate) view: View,
    name: String,
    sent: usize,
    socket: Option<Socket>,
}

impl Chatter {
    /// Opens a window on a new session of a new user.
    pub(crate) async fn join(server: &TestServer) -> Self {
        Self::join_as(Http::new(server.base())).await
    }

    /// Opens a window on a new session of whoever the client is.
    pub(crate) async fn join_as(mut http: Http) -> Self {
        let made = http.post("/sessions", &json!({})).await.expect(201);
        if let Some(token) = made["session_token"].as_str() {
            http.token = Some(token.to_owned());
        }
        let session = made["session_id"].as_str().unwrap().to_owned();
        let mut chatter = Self::closed(http, session, "m");
        chatter.connect_with(&made["websocket"]).await;
        chatter
    }

    /// Opens another window on the same session, which has seen nothing yet.
    pub(crate) async fn another_tab(&self) -> Self {
        let mut tab = Self::closed(self.http.clone(), self.session.clone(), "other-");
        tab.connect().await;
        tab
    }

    fn closed(http: Http, session: String, name: &str) -> Self {
        Self { http, session, view: View::default(), name: name.to_owned(), sent: 0, socket: None }
    }

    /// Sends a message and returns its id once the server has accepted it.
    pub(crate) async fn say(&mut self, message: &str) -> String {
        self.say_with(message, json!({})).await
    }

    /// Sends a message with further fields.
    pub(crate) async fn say_with(&mut self, message: &str, mut fields: Value) -> String {
        self.sent += 1;
        let id = format!("{}{}", self.name, self.sent);
        fields["message"] = json!(message);
        fields["message_id"] = json!(id);
        self.view.awaits(&id);
        self.chat(fields).await.expect(202);
        id
    }

    /// Posts to `/chat` in this session.
    pub(crate) async fn chat(&self, mut fields: Value) -> Answer {
        fields["session_id"] = json!(self.session);
        self.http.post("/chat", &fields).await
    }

    /// Sends a message and waits for its final.
    pub(crate) async fn ask(&mut self, message: &str) -> Final {
        let id = self.say(message).await;
        self.final_of(&id).await
    }

    /// Waits until the final of a message is shown.
    pub(crate) async fn final_of(&mut self, id: &str) -> Final {
        self.until(|view| view.final_of(id).is_some()).await;
        self.view.final_of(id).unwrap().clone()
    }

    /// Waits until so much text of a running turn is shown, in UTF-8 bytes, and returns it.
    pub(crate) async fn text_of(&mut self, id: &str, least: usize) -> String {
        self.until(|view| view.text_of(id).is_some_and(|text| text.len() >= least)).await;
        self.view.text_of(id).unwrap()
    }

    /// Waits until the user sees what is expected.
    pub(crate) async fn until(&mut self, expected: impl Fn(&View) -> bool) {
        let deadline = Instant::now() + TIMEOUT;
        while !expected(&self.view) {
            assert!(Instant::now() < deadline, "not in time; the user sees {:#?}", self.view);
            self.step().await;
        }
    }

    /// Asks for the answer to a message to end.
    pub(crate) async fn stop(&self, message_id: &str) -> Answer {
        self.http.post(&self.path("stop"), &json!({ "message_id": message_id })).await
    }

    /// Returns a path below the session.
    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/sessions/{}/{rest}", self.session)
    }

    /// Returns the turns that the server has.
    pub(crate) async fn turns(&self) -> Vec<Value> {
        let history = self.http.get(&self.path("turns")).await.expect(200);
        history["turns"].as_array().unwrap().clone()
    }

    /// Loses the connection without a word, as a network does.
    pub(crate) fn lose_connection(&mut self) {
        self.socket = None;
        self.view.closed();
    }

    /// Goes on at another address, with a new connection.
    pub(crate) async fn moves_to(&mut self, server: &TestServer) {
        self.lose_connection();
        self.http.moved_to(server.base());
        self.connect().await;
    }

    /// Connects with a new ticket, and waits for the answer to the first `resume`.
    pub(crate) async fn connect(&mut self) {
        let answer = self.http.post(&self.path("tickets"), &Value::Null).await;
        if answer.status == 404 {
            self.view.gone = true;
            return;
        }
        self.connect_with(&answer.expect(201)["websocket"]).await;
    }

    async fn connect_with(&mut self, offered: &Value) {
        self.socket = Some(open(offered).await);
        let actions = self.view.opened();
        self.perform(actions).await;
        self.until(|view| view.has_resumed() || view.gone).await;
    }

    async fn step(&mut self) {
        let Some(socket) = &mut self.socket else { return Box::pin(self.connect()).await };
        let actions = match timeout(TICK, next_frame(socket)).await {
            Ok(Some(frame)) => self.view.frame(&frame),
            Ok(None) => return self.lose_connection(),
            Err(_) => self.view.due(),
        };
        self.perform(actions).await;
    }

    async fn perform(&mut self, mut actions: Vec<Action>) {
        while !actions.is_empty() {
            let mut further = Vec::new();
            for action in actions {
                match action {
                    Action::Resume { after } => {
                        if let Some(socket) = &mut self.socket {
                            send(socket, json!({ "type": "resume", "after": after })).await;
                        }
                    }
                    Action::Fetch { after } => further.extend(self.fetch(after).await),
                    shown => panic!("the view shows it itself: {shown:?}"),
                }
            }
            actions = further;
        }
    }

    async fn fetch(&mut self, after: u64) -> Vec<Action> {
        let path = self.path(&format!("turns?after={after}"));
        let page = self.http.get(&path).await.expect(200);
        let turns: Vec<StoredTurn> = serde_json::from_value(page["turns"].clone()).unwrap();
        self.view.history(turns)
    }
}
