//! Kills the server under load, again and again, and counts the answers.
//!
//! Users post messages until each is answered 202, whatever happens to the server meanwhile; watchers hold a
//! WebSocket to each session. At the end each message must have exactly one final, in the order of acceptance, and
//! no final may differ from one that was pushed before.

mod random;
mod server;
mod user;
mod verdict;
mod watcher;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use futures::future::try_join_all;
use tokio::sync::watch;
use tokio::time::sleep;

use self::random::Random;
use self::server::{Launch, Server};
use self::user::User;
use crate::stub::{Behaviour, Options, Reply, Stub};

/// The longest time from one start to the kill that follows it.
const LONGEST_LIFE_MS: u64 = 600;
/// One start of so many is killed before it can have finished.
const STILLBORN: u64 = 5;
const STILLBORN_MS: u64 = 40;

/// What is to be done.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The server's program.
    pub program: PathBuf,
    /// A folder of its own for the server's data.
    pub data_dir: PathBuf,
    /// How often it is killed.
    pub kills: u32,
    /// How many sessions post all the while.
    pub sessions: usize,
    /// Decides the moments of the kills.
    pub seed: u64,
}

/// What was found, when nothing is wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Messages that were answered 202, each with exactly one final.
    pub messages: usize,
    /// Finals that are errors, by their code: turns that were interrupted too often.
    pub errors: BTreeMap<String, usize>,
    /// Posts that had to be repeated: the server went away under them, or had enough to do.
    pub repeated_posts: usize,
    /// Finals that were pushed to watchers, repeats included.
    pub pushed: usize,
}

/// Where the server is; nowhere while it is down.
type Address = watch::Receiver<Option<String>>;

/// Runs the plan; `progress` is called after each kill with its number.
///
/// Fails with the first thing that is wrong: a message that is lost, doubled or out of order, a final that changed,
/// a server that does not start or that panics.
pub async fn run(plan: Plan, mut progress: impl FnMut(u32)) -> anyhow::Result<Summary> {
    let reply = Reply::words(8).paced(Duration::from_millis(3));
    let expected: Arc<str> = reply.whole().into();
    let stub = Stub::start_with(Behaviour::Reply(reply), Options::bench()).await?;
    let launch = Launch { program: plan.program.clone(), data_dir: plan.data_dir.clone(), provider: stub.url() };
    let (announce, address) = watch::channel(None);
    let (finish, finished) = watch::channel(false);
    let mut server = Server::start(&launch)?;
    announce.send_replace(Some(server.ready().await?));

    let users = try_join_all((0..plan.sessions).map(|n| User::join(n, address.clone()))).await?;
    let watchers: Vec<_> =
        users.iter().map(|user| tokio::spawn(watcher::watch(user.seat(), address.clone()))).collect();
    let users: Vec<_> = users.into_iter().map(|user| tokio::spawn(user.post_until(finished.clone()))).collect();

    let mut random = Random(plan.seed);
    for kill in 1..=plan.kills {
        sleep(Duration::from_millis(random.below(LONGEST_LIFE_MS))).await;
        announce.send_replace(None);
        server.kill().await?;
        if random.below(STILLBORN) == 0 {
            server = Server::start(&launch)?;
            sleep(Duration::from_millis(random.below(STILLBORN_MS))).await;
            server.kill().await?;
        }
        server = Server::start(&launch)?;
        announce.send_replace(Some(server.ready().await.with_context(|| format!("after kill {kill}"))?));
        progress(kill);
    }
    finish.send_replace(true);

    let mut summary = Summary::default();
    for (user, watcher) in users.into_iter().zip(watchers) {
        let user = user.await??;
        let stored = verdict::stored(&user, &expected).await?;
        watcher.abort();
        let seen = match watcher.await {
            Ok(found) => found?,
            Err(_) => user.seen(),
        };
        verdict::compare(&stored, &seen)?;
        summary.messages += user.accepted.len();
        summary.repeated_posts += user.repeated;
        for code in stored.into_iter().filter_map(|turn| turn.error) {
            *summary.errors.entry(code).or_default() += 1;
        }
        summary.pushed += seen.pushed;
    }
    server.kill().await?;
    Ok(summary)
}
