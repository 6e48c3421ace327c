//! One session, as its owner uses it.

use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use shared::domain::{MessageId, Rating, SessionKey};
use tokio::time::{Instant, sleep};

use super::user::{User, UserBehaviour, session_key};
use crate::checks::mark;
use crate::platform::Platform;
use client::account::{Account, CallError, Message};
use client::tab::{self, TabHandle, TabId, TabSettings};

/// How long a user waits for an answer before the next message.
const TIMEOUT: Duration = Duration::from_secs(90);
/// A pause in which the session ends; sessions live an hour in such runs.
const LONG_SILENCE: Duration = Duration::from_mins(75);
/// What counts the questions that are asked when nothing goes wrong any longer.
pub const IN_CALM: &str = "questions in calm";
/// How long a tab takes to open, and a final to be delivered, at most.
const SETTLED: Duration = Duration::from_secs(6);
/// How long a post is retried at most: faults end long before.
const AT_LAST: Duration = Duration::from_hours(6);

/// One session under way.
pub struct Conversation {
    pub(super) platform: Arc<Platform>,
    pub(super) account: Arc<Account>,
    pub(super) owner: u32,
    pub(super) session: String,
    /// The session.
    pub key: SessionKey,
    pub(super) rng: Rng,
    temper: UserBehaviour,
    /// The tabs that are open.
    pub tabs: Vec<TabHandle>,
    sent: u32,
    over: bool,
}

impl Conversation {
    /// Prepares a session of a person who has a token.
    pub fn new(user: &User, session: String, rng: Rng) -> Self {
        let User { platform, owner, account, temper, .. } = user;
        #[expect(clippy::expect_used, reason = "a person introduces itself first")]
        let key = session_key(account.token().as_deref(), &session).expect("a token");
        platform.cloud.checker.owned(&key, *owner);
        Self {
            platform: Arc::clone(platform),
            account: Arc::clone(account),
            owner: *owner,
            session,
            key,
            rng,
            temper: *temper,
            tabs: Vec::new(),
            sent: 0,
            over: false,
        }
    }

    /// Sends all messages. Some tabs stay open.
    pub async fn hold(&mut self) {
        self.begin().await;
        for _ in 0..self.rng.u32(1..=self.temper.messages) {
            self.pause().await;
            self.do_something_else().await;
            if self.over {
                break;
            }
            self.say().await;
        }
        if self.rng.u8(0..25) == 0 {
            self.delete().await;
        }
    }

    /// Asks once more when nothing goes wrong any longer, while another tab opens at any moment:
    /// now everything has to be prompt.
    pub async fn ask_in_calm(&mut self) {
        if self.over {
            return;
        }
        self.open_tab();
        sleep(SETTLED).await;
        let message = self.message();
        let Ok(id) = MessageId::parse(message.message_id.as_str()) else { return };
        self.platform.cloud.checker.sending(&self.key, &id, &message.text, false);
        self.tabs.iter().for_each(|tab| tab.sending(message.message_id.clone()));
        let stop = if self.rng.u8(0..4) == 0 { self.stop(&message) } else { async {}.boxed() };
        let post = self.post(&message, &id);
        let opens_at = Duration::from_millis(self.rng.u64(0..4_000));
        let (accepted, (), ()) = futures::join!(post, stop, async {
            sleep(opens_at).await;
            self.open_tab();
        });
        if accepted {
            self.platform.cloud.faults.tally().event(IN_CALM);
            self.wait_for(&id).await;
            sleep(SETTLED).await;
        } else {
            self.over = true;
        }
    }

    async fn begin(&mut self) {
        let created = loop {
            match self.account.create_session(Some(&self.session)).await {
                Ok(created) => break created,
                Err(_) => sleep(Duration::from_millis(self.rng.u64(200..1_500))).await,
            }
        };
        let tabs = self.rng.u8(0..3);
        for _ in 0..tabs {
            self.open_tab();
        }
        drop(created);
    }

    async fn pause(&mut self) {
        let most = u64::try_from(self.temper.pause.as_millis()).unwrap_or(1);
        let silent = self.temper.falls_silent && self.rng.u8(0..8) == 0;
        sleep(if silent { LONG_SILENCE } else { Duration::from_millis(self.rng.u64(0..=most)) })
            .await;
    }

    /// Does something other than sending a message.
    async fn do_something_else(&mut self) {
        match self.rng.u8(0..24) {
            0 | 1 => self.open_tab(),
            2 => self.tabs.iter().for_each(TabHandle::cut),
            3 => {
                if let Some(tab) = self.tabs.pop() {
                    tab.close();
                }
            }
            4 => self.look_back().await,
            5 => self.rate().await,
            6 => self.meet_an_intruder().await,
            7 => self.submit().await,
            8 => self.suspend_a_tab(),
            9 if self.rng.u8(0..3) == 0 => self.delete().await,
            _ => (),
        }
    }

    async fn say(&mut self) {
        let message = self.message();
        let Ok(id) = MessageId::parse(message.message_id.as_str()) else { return };
        self.platform.cloud.checker.sending(&self.key, &id, &message.text, false);
        self.tabs.iter().for_each(|tab| tab.sending(message.message_id.clone()));
        let post = self.post(&message, &id);
        // Two tabs, or an impatient user, send the same message at the same time.
        let twin =
            if self.rng.u8(0..8) == 0 { self.post(&message, &id) } else { async { true }.boxed() };
        let stop = if self.rng.u8(0..6) == 0 { self.stop(&message) } else { async {}.boxed() };
        let (accepted, _, ()) = futures::join!(post, twin, stop);
        if !accepted {
            self.tabs.iter().for_each(|tab| tab.unsent(message.message_id.clone()));
            self.over = true;
            return;
        }
        if self.rng.u8(0..3) > 0 {
            self.wait_for(&id).await;
        }
    }

    pub(super) fn message(&mut self) -> Message {
        self.sent += 1;
        let text = format!(
            "{} What is in period {}?",
            mark(self.owner, &self.session, self.sent),
            self.sent
        );
        let mut message = Message::new(self.session.clone(), format!("m{}", self.sent), text);
        if self.rng.u8(0..3) == 0 {
            message.document_id = Some(format!("doc-{}", self.rng.u8(0..4)));
        }
        if self.rng.u8(0..6) == 0 {
            message.provider = Some("openai".to_owned());
        }
        message
    }

    /// Posts until it is clear what became of the message; `false` if the session is over.
    fn post(&self, message: &Message, id: &MessageId) -> BoxFuture<'static, bool> {
        let platform = Arc::clone(&self.platform);
        let account = Arc::clone(&self.account);
        let key = self.key.clone();
        let message = message.clone();
        let id = id.clone();
        let mut rng = Rng::with_seed(platform.cloud.faults.fork());
        async move {
            match account.post_with_retries(&message, &mut rng, Instant::now() + AT_LAST).await {
                Ok(_) => {
                    platform.cloud.checker.accepted(&key, &id);
                    true
                }
                Err(CallError::NotFound) => false,
                Err(error) => {
                    platform.cloud.checker.refused(&key, &id, &error.to_string());
                    false
                }
            }
        }
        .boxed()
    }

    fn stop(&mut self, message: &Message) -> BoxFuture<'static, ()> {
        let platform = Arc::clone(&self.platform);
        let account = Arc::clone(&self.account);
        let key = self.key.clone();
        let session = self.session.clone();
        let id = message.message_id.clone();
        let after = Duration::from_millis(self.rng.u64(0..4_000));
        async move {
            sleep(after).await;
            let Ok(message) = MessageId::parse(id.as_str()) else { return };
            let counts = platform.cloud.checker.is_stoppable(&key, &message);
            if account.stop(&session, &id).await.is_ok() {
                platform.cloud.faults.tally().event("stops");
                if counts {
                    platform.cloud.checker.stopped(&key, &message);
                }
            }
        }
        .boxed()
    }

    async fn wait_for(&self, id: &MessageId) {
        let patience = Instant::now() + TIMEOUT;
        while Instant::now() < patience && !self.platform.cloud.checker.is_settled(&self.key, id) {
            sleep(Duration::from_millis(800)).await;
        }
    }

    fn open_tab(&mut self) {
        let faults = &self.platform.cloud.faults;
        let number = u32::try_from(faults.tally().event("tabs opened")).unwrap_or(u32::MAX);
        let settings = TabSettings {
            variant: self.temper.variant,
            ..TabSettings::new(TabId(number), self.session.clone(), self.rng.fork())
        };
        let watch = self.platform.cloud.checker.watch(self.key.clone(), self.owner);
        let (tab, handle) = tab::open(Arc::clone(&self.account), settings, watch);
        tokio::spawn(tab.run());
        self.tabs.push(handle);
    }

    fn suspend_a_tab(&mut self) {
        let Some(tab) = self.tabs.last().cloned() else { return };
        let time = Duration::from_secs(self.rng.u64(1..120));
        let cloud = Arc::clone(&self.platform.cloud);
        tab.suspend();
        tokio::spawn(async move {
            sleep(time).await;
            tab.wake();
            cloud.faults.tally().disturb();
        });
    }

    async fn look_back(&mut self) {
        if let Ok(history) = self.account.history(&self.session, 0, 100).await {
            self.platform.cloud.faults.tally().event("histories read");
            self.platform.cloud.checker.read_back(&self.key, &history);
        }
    }

    async fn rate(&mut self) {
        let finals = self.platform.cloud.checker.finals(&self.key);
        if finals > 0 && self.account.rate(&self.session, finals, Rating::Up, None).await.is_ok() {
            self.platform.cloud.faults.tally().event("ratings");
        }
    }

    async fn delete(&mut self) {
        for _ in 0..200 {
            match self.account.delete(&self.session).await {
                Ok(()) => {
                    self.platform.cloud.faults.tally().event("deletions");
                    break;
                }
                Err(CallError::NotFound) => break,
                Err(_) => sleep(Duration::from_millis(self.rng.u64(300..3_000))).await,
            }
        }
        self.over = true;
    }
}
