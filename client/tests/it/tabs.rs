//! A tab: its socket, its fetches and what it tells.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use client::account::{Account, SocketTicket};
use client::rule::{FinalTurn, Resumed};
use client::tab::{Ended, Observer, TabHandle, TabId, TabSettings, open};
use client::transport::ConnectError;
use fastrand::Rng;
use http::StatusCode;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::recordings::{delta, history, reply, resumed, started, stored, withheld};
use super::service::{Peer, Reaction, Service, answer, answer_later};

/// What a tab told, one line each.
#[derive(Default)]
struct Diary(Mutex<Vec<String>>);

impl Diary {
    fn note(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Observer for Diary {
    fn connected(&self, tab: TabId, times: u32) {
        self.note(format!("{tab} connected {times}"));
    }
    fn disconnected(&self, _: TabId) {
        self.note("disconnected".into());
    }
    fn resume_requested(&self, _: TabId, after: u64) {
        self.note(format!("asked {after}"));
    }
    fn resumed(&self, _: TabId, resumed: Resumed) {
        self.note(format!("resumed {}..{}", resumed.first, resumed.next));
    }
    fn text_shown(&self, _: TabId, turn: u64, generation: u64, text: &str) {
        self.note(format!("text {turn}.{generation} {text}"));
    }
    fn final_shown(&self, _: TabId, turn: &FinalTurn) {
        self.note(format!("final {} {}", turn.number, turn.text));
    }
    fn turns_skipped(&self, _: TabId, cursor: u64) {
        self.note(format!("moved {cursor}"));
    }
    fn reset(&self, _: TabId) {
        self.note("forgot".into());
    }
    fn fetch_started(&self, _: TabId, after: u64) {
        self.note(format!("fetching {after}"));
    }
    fn checksum_mismatch(&self, _: TabId, turn: u64) {
        self.note(format!("damaged {turn}"));
    }
}

/// A tab that runs, and the service that it talks to.
struct Stage {
    service: Arc<Service>,
    peers: UnboundedReceiver<Peer>,
    diary: Arc<Diary>,
    handle: TabHandle,
    life: JoinHandle<Ended>,
}

impl Stage {
    fn open(websocket: Option<SocketTicket>) -> Self {
        let (service, peers) = Service::new([]);
        Self::at(service, peers, websocket)
    }

    fn at(
        service: Arc<Service>,
        peers: UnboundedReceiver<Peer>,
        websocket: Option<SocketTicket>,
    ) -> Self {
        let account = Arc::new(Account::with_token(Arc::<Service>::clone(&service), "token"));
        let settings =
            TabSettings { websocket, ..TabSettings::new(TabId(1), "s", Rng::with_seed(7)) };
        let diary = Arc::new(Diary::default());
        let (tab, handle) = open(account, settings, Arc::<Diary>::clone(&diary));
        Self { service, peers, diary, handle, life: tokio::spawn(tab.run()) }
    }

    /// Waits for the tab's next socket, and answers its resume after `cursor`.
    async fn accept(&mut self, cursor: u64, next: u64) -> Peer {
        let mut peer = self.peer().await;
        peer.expect_resume(cursor).await;
        peer.push(resumed(1, next, 7));
        peer
    }

    async fn peer(&mut self) -> Peer {
        timeout(Duration::from_mins(1), self.peers.recv()).await.unwrap().unwrap()
    }

    /// Lets everything happen that is due; on paused time a millisecond passes when nobody has
    /// anything to do.
    async fn settle(&self) -> Vec<String> {
        sleep(Duration::from_millis(1)).await;
        self.diary.take()
    }

    async fn end(self) -> Ended {
        timeout(Duration::from_mins(1), self.life).await.unwrap().unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn a_tab_connects_resumes_and_shows_what_comes() {
    let offered = SocketTicket { url: "ws://service/socket".into(), ticket: "offered".into() };
    let mut stage = Stage::open(Some(offered));
    let peer = stage.accept(0, 1).await;
    peer.push(started(1, 1));
    peer.push(delta(1, 1, 0, "on"));
    peer.push(reply(1, 1, "one"));
    let told = stage.settle().await;
    assert_eq!(told, ["tab1 connected 1", "asked 0", "resumed 1..1", "text 1.1 on", "final 1 one"]);
    assert_eq!(stage.service.tickets(), ["ws://service/socket?ticket=offered"]);
    let view = stage.handle.view();
    assert_eq!((view.cursor, view.shown.len(), view.connected, view.ended), (1, 1, true, None));
}

#[tokio::test(start_paused = true)]
async fn a_tab_whose_connection_is_cut_comes_back_with_a_new_ticket_and_its_cursor() {
    let mut stage = Stage::open(None);
    let peer = stage.accept(0, 1).await;
    peer.push(reply(1, 1, "one"));
    stage.settle().await;
    stage.handle.cut();
    assert_eq!(stage.settle().await, ["disconnected"]);
    assert!(peer.frames.is_closed() && !stage.handle.view().connected);
    stage.accept(1, 2).await;
    assert_eq!(stage.settle().await[..2], ["tab1 connected 2", "asked 1"]);
    assert_eq!(stage.service.asked(), ["POST /sessions/s/tickets"; 2]);
}

#[tokio::test(start_paused = true)]
async fn pauses_double_up_to_twenty_seconds_and_begin_anew_after_an_answer() {
    let mut stage = Stage::open(None);
    let mut pauses = Vec::new();
    for round in 0..10 {
        let begun = Instant::now();
        drop(stage.peer().await);
        pauses.push(begun.elapsed().as_millis());
        let longest = if round == 0 { 0 } else { 20_000.min(400 << (round - 1)) };
        assert!((longest / 2..=longest + 2).contains(&pauses[round]), "{pauses:?}");
    }
    drop(stage.accept(0, 1).await);
    let begun = Instant::now();
    stage.peer().await;
    assert!(begun.elapsed() < Duration::from_millis(410));
}

#[tokio::test(start_paused = true)]
async fn a_refused_ticket_is_not_tried_again_and_a_refused_origin_ends_the_tab() {
    let (service, peers) = Service::new([]);
    service.refusals.lock().unwrap().extend([
        ConnectError::Refused(StatusCode::UNAUTHORIZED),
        ConnectError::NoResponse,
        ConnectError::Refused(StatusCode::SERVICE_UNAVAILABLE),
        ConnectError::Refused(StatusCode::FORBIDDEN),
    ]);
    let offered = SocketTicket { url: "ws://service/socket".into(), ticket: "offered".into() };
    let stage = Stage::at(service, peers, Some(offered));
    let service = Arc::clone(&stage.service);
    assert_eq!(stage.end().await, Ended::Refused(StatusCode::FORBIDDEN));
    let mut expected = ["ws://service/socket?ticket=new"; 4];
    expected[0] = "ws://service/socket?ticket=offered";
    assert_eq!(service.tickets(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_gone_is_forgotten_and_ends_the_tab() {
    let mut stage = Stage::open(None);
    let peer = stage.accept(0, 1).await;
    peer.push(reply(1, 1, "one"));
    stage.settle().await;
    stage.service.react(answer(404, ""));
    drop(peer);
    let handle = stage.handle.clone();
    let diary = Arc::clone(&stage.diary);
    assert_eq!(stage.end().await, Ended::Gone);
    assert_eq!(diary.take(), ["disconnected", "forgot"]);
    let view = handle.view();
    assert_eq!((view.cursor, view.shown.len(), view.ended), (0, 0, Some(Ended::Gone)));
}

#[tokio::test(start_paused = true)]
async fn an_expired_token_ends_the_tab_and_a_busy_service_does_not() {
    let (service, peers) =
        Service::new([answer(503, ""), Reaction::NoResponse, answer(500, ""), answer(401, "")]);
    let stage = Stage::at(Arc::clone(&service), peers, None);
    assert_eq!(stage.end().await, Ended::Refused(StatusCode::UNAUTHORIZED));
    assert_eq!(service.asked().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_names_a_pause_is_given_it() {
    let (service, peers) = Service::new([answer_later(503, 7)]);
    let mut stage = Stage::at(service, peers, None);
    let begun = Instant::now();
    stage.peer().await;
    assert!((7_000..7_010).contains(&begun.elapsed().as_millis()), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_closed_tab_ends_and_drops_its_socket() {
    let mut stage = Stage::open(None);
    let peer = stage.accept(0, 1).await;
    stage.settle().await;
    stage.handle.close();
    let handle = stage.handle.clone();
    assert_eq!(stage.end().await, Ended::Closed);
    assert!(peer.frames.is_closed());
    assert_eq!(handle.view().ended, Some(Ended::Closed));
}

/// Lets turns 1 and 2 be too large for their frames, and the first fetch be lost after half a
/// minute; returns what is told of the rest, to which the history answers this.
async fn fetched(answers: &[&[String]]) -> Vec<String> {
    let mut stage = Stage::open(None);
    let mut peer = stage.accept(0, 1).await;
    stage.settle().await;
    stage.service.react(Reaction::Silent);
    for turns in answers {
        stage.service.react(answer(200, &history(turns)));
    }
    peer.push(withheld(1, 1, "one"));
    peer.push(withheld(2, 1, "two"));
    assert_eq!(stage.settle().await, ["fetching 0"]);
    // Meanwhile the service answers what the tab asks.
    tokio::spawn(async move {
        while peer.received.recv().await.is_some() {
            peer.push(resumed(1, 3, 7));
        }
    });
    sleep(Duration::from_secs(31)).await;
    stage.diary.take().into_iter().filter(|line| line.starts_with('f')).collect()
}

#[tokio::test(start_paused = true)]
async fn finals_that_were_too_large_are_fetched_one_at_a_time() {
    let told = fetched(&[&[stored(1, Some("one"))], &[stored(2, Some("two"))]]).await;
    assert_eq!(told, ["fetching 0", "final 1 one", "fetching 1", "final 2 two"]);
}

#[tokio::test(start_paused = true)]
async fn a_final_that_an_earlier_fetch_brought_is_not_fetched() {
    let told = fetched(&[&[stored(1, Some("one")), stored(2, Some("two"))]]).await;
    assert_eq!(told, ["fetching 0", "final 1 one", "final 2 two"]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_the_history_for_a_forgotten_session_is_dropped() {
    let mut stage = Stage::open(None);
    let peer = stage.accept(0, 1).await;
    stage.settle().await;
    stage.service.react(Reaction::Silent);
    peer.push(withheld(1, 1, "old"));
    peer.push(resumed(1, 2, 8));
    assert_eq!(stage.settle().await, ["fetching 0", "resumed 1..2", "forgot", "asked 0"]);
    stage.service.react(answer(200, &history(&[stored(1, Some("new"))])));
    peer.push(withheld(1, 1, "new"));
    assert_eq!(stage.settle().await, ["fetching 0", "final 1 new"]);
}

#[tokio::test(start_paused = true)]
async fn a_history_that_does_not_know_the_session_forgets_it() {
    let mut stage = Stage::open(None);
    let peer = stage.accept(0, 1).await;
    peer.push(reply(1, 1, "one"));
    stage.settle().await;
    stage.service.react(answer(404, ""));
    peer.push(withheld(2, 1, "two"));
    assert_eq!(stage.settle().await, ["fetching 1", "forgot"]);
}

#[tokio::test(start_paused = true)]
async fn a_socket_on_which_nobody_answers_is_given_up() {
    let mut stage = Stage::open(None);
    let mut silent = stage.peer().await;
    silent.expect_resume(0).await;
    let begun = Instant::now();
    stage.accept(0, 1).await;
    assert!(silent.frames.is_closed());
    assert!((12_000..12_500).contains(&begun.elapsed().as_millis()), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_suspended_tab_reads_nothing_until_it_is_woken() {
    let mut stage = Stage::open(None);
    let peer = stage.accept(0, 1).await;
    stage.settle().await;
    stage.handle.suspend();
    stage.settle().await;
    peer.push(reply(1, 1, "one"));
    sleep(Duration::from_hours(1)).await;
    assert_eq!(stage.diary.take(), Vec::<String>::new());
    stage.handle.wake();
    assert!(stage.settle().await.contains(&"final 1 one".into()));
}

#[tokio::test(start_paused = true)]
async fn a_tab_asks_for_a_message_that_the_user_sent_unless_it_is_shown() {
    let mut stage = Stage::open(None);
    let mut peer = stage.accept(0, 1).await;
    stage.settle().await;
    stage.handle.sending("m1");
    let begun = Instant::now();
    peer.expect_resume(0).await;
    assert!((9_900..10_100).contains(&begun.elapsed().as_millis()), "{:?}", begun.elapsed());
    peer.push(resumed(1, 2, 7));
    peer.push(reply(1, 1, "one"));
    stage.settle().await;
    stage.handle.sending("m1");
    peer.expect_resume(1).await;
    assert!(begun.elapsed() > Duration::from_mins(5));
}

#[tokio::test(start_paused = true)]
async fn a_tab_that_waits_for_nothing_does_not_wake() {
    let mut stage = Stage::open(None);
    let mut peer = stage.accept(0, 1).await;
    stage.settle().await;
    for _ in 0..3 {
        let begun = Instant::now();
        peer.expect_resume(0).await;
        peer.push(resumed(1, 1, 7));
        assert!(
            (299_000..=300_001).contains(&begun.elapsed().as_millis()),
            "{:?}",
            begun.elapsed()
        );
        assert_eq!(stage.settle().await, ["asked 0", "resumed 1..1"]);
    }
}
