//! The same clients and checks against the real server, which is killed again and again.
//!
//! Users chat over the server's HTTP and WebSocket while its process is killed. They send messages
//! twice, cut connections, stop, delete, and try to reach sessions that are not theirs; the
//! providers fail in many ways. In the end, what is stored must match what was accepted and what
//! any client was shown.
//!
//! | module | what it does |
//! |---|---|
//! | `server` | the process: started, killed, stopped |
//! | `life` | when it is killed |
//! | `edge` | the clients' way to it |
//! | `user`, `conversation`, `message`, `intruder` | what users do |
//! | `provider` | what models say, and how they fail |
//! | `watch` | what a tab is sent and shows |
//! | `ledger` | all that is known outside the server |
//! | `verdict`, `records` | what is stored, held against that: through HTTP, and on disk |
//! | `summary` | what was exercised |

mod conversation;
mod edge;
mod intruder;
mod ledger;
mod lifecycle;
mod message;
mod provider;
mod records;
mod server;
mod summary;
#[cfg(test)]
mod tests;
mod user;
mod verdict;
mod watch;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use fastrand::Rng;
use futures::future::try_join_all;
use testkit::stub_provider::{Behaviour, Options, Reply, StubProvider};
use tokio::sync::watch as channel;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use self::ledger::{Ledger, ObservedFinal};
use self::lifecycle::ServerLifecycle;
use self::provider::ProviderFaults;
use self::records::Records;
use self::server::ServerLaunch;
pub use self::summary::Summary;
use self::user::{RunContext, UsedSession, User, short_pause};
use client::account::{CallError, Message};

/// The settings of a run.
#[derive(Debug, Clone)]
pub struct SoakPlan {
    /// The server's program.
    pub program: PathBuf,
    /// A folder of its own for the server's data.
    pub data_dir: PathBuf,
    /// Number of times the server is killed under load.
    pub kills: u32,
    /// Number of users who chat all the while.
    pub people: u32,
    /// Decides what users, providers and the killer do. When they do it depends on the machine, so
    /// a run cannot be repeated exactly.
    pub seed: u64,
}

/// Runs the soak; `progress` is called after each kill with its number.
///
/// Fails with all that is wrong: a message that is lost, doubled or out of order, a final that
/// changed, a text that no model said, a session that came back, a server that does not start, does
/// not stop or panics.
pub async fn run(plan: SoakPlan, progress: impl FnMut(u32)) -> anyhow::Result<Summary> {
    let mut rng = Rng::with_seed(plan.seed);
    let ledger = Arc::new(Ledger::new());
    let stub =
        StubProvider::start_with(Behaviour::Reply(Reply::default()), Options::test()).await?;
    let mut provider_faults = ProviderFaults::new(Arc::clone(&ledger), rng.fork());
    stub.choose_by(move |call| provider_faults.choose(call));
    let launch = ServerLaunch {
        program: plan.program.clone(),
        data_dir: plan.data_dir.clone(),
        providers: [stub.url(), stub.openai_url()],
    };
    let (announce, address) = channel::channel(None);
    let (finish, finished) = channel::channel(false);
    let run_context = RunContext { ledger: Arc::clone(&ledger), address, finish: finished };
    let people = gather(&run_context, plan.people, &mut rng)?;
    let mut server =
        ServerLifecycle::begin(launch, announce, Arc::clone(&ledger), rng.fork()).await?;
    server.kill_often(plan.kills, progress).await?;
    finish.send_replace(true);
    let used: Vec<UsedSession> = try_join_all(people).await?.into_iter().flatten().collect();
    ledger.stop_faults();
    let finals = read_all(&ledger, &used).await?;
    for (used, finals) in used.iter().zip(&finals) {
        if let Some(finals) = finals {
            verdict::tabs_follow(&ledger, used, finals).await;
        }
        used.tabs.iter().for_each(client::tab::TabHandle::close);
    }
    server.restart().await?;
    look_again(&ledger, &used, &finals, &mut rng).await?;
    server.end().await?;
    on_disk(&plan, &ledger, &used, &finals)?;
    match ledger.violations() {
        violations if violations.is_empty() => Ok(Summary::new(ledger.tally.counts().events)),
        violations => bail!("{}", violations.join("\n")),
    }
}

fn gather(
    run_context: &RunContext,
    many: u32,
    rng: &mut Rng,
) -> anyhow::Result<Vec<JoinHandle<Vec<UsedSession>>>> {
    let born = (1..=many).map(|owner| User::new(run_context.clone(), owner, rng.fork()));
    born.map(|user| Ok(tokio::spawn(user?.live()))).collect()
}

/// Waits until everything is answered, and judges it; deleted sessions have no finals.
async fn read_all(
    ledger: &Ledger,
    used: &[UsedSession],
) -> anyhow::Result<Vec<Option<Vec<ObservedFinal>>>> {
    let deadline = Instant::now() + verdict::DRAIN_PATIENCE;
    let mut all = Vec::new();
    for used in used {
        let finals = verdict::drained(used, deadline).await?;
        let deleted = ledger.with(&used.session_ref, |session| session.deleted);
        match &finals {
            Some(finals) if !deleted => verdict::judge(ledger, &used.session_ref, finals),
            Some(_) => {
                ledger.violation("7", format!("{} was deleted, and is there", used.session_ref));
            }
            None if deleted => verdict::judge_deleted(ledger, &used.session_ref),
            None => ledger
                .violation("1", format!("{} is gone, and nobody deleted it", used.session_ref)),
        }
        all.push(finals);
    }
    Ok(all)
}

/// After one more start: what is stored stays as it is, and what was deleted stays away.
async fn look_again(
    ledger: &Ledger,
    used: &[UsedSession],
    finals: &[Option<Vec<ObservedFinal>>],
    rng: &mut Rng,
) -> anyhow::Result<()> {
    let deadline = Instant::now() + verdict::DRAIN_PATIENCE;
    for (used, before) in used.iter().zip(finals) {
        if verdict::drained(used, deadline).await? != *before {
            ledger.violation("2", format!("{} is another one after a restart", used.session_ref));
        }
        if before.is_none() {
            refuses(ledger, used, rng).await;
        }
    }
    Ok(())
}

/// Checks that a deleted session takes no message.
async fn refuses(ledger: &Ledger, used: &UsedSession, rng: &mut Rng) {
    let message = Message::new(used.session_ref.session.clone(), "late", "Hello again");
    loop {
        match used.account.post(&message).await {
            Ok(_) => {
                return ledger.violation(
                    "1",
                    format!("{} was deleted, and took a message", used.session_ref),
                );
            }
            Err(CallError::NoResponse) => sleep(short_pause(rng)).await,
            Err(_) => return,
        }
    }
}

fn on_disk(
    plan: &SoakPlan,
    ledger: &Ledger,
    used: &[UsedSession],
    finals: &[Option<Vec<ObservedFinal>>],
) -> anyhow::Result<()> {
    let records = Records::read(&plan.data_dir).context("the database cannot be read")?;
    records.check_queues(ledger)?;
    for (used, finals) in used.iter().zip(finals) {
        let token = used.account.token();
        match finals {
            Some(finals) => {
                records.check_kept(ledger, &used.session_ref, token.as_deref(), finals)?;
            }
            None => records.check_deleted(ledger, &used.session_ref, token.as_deref())?,
        }
    }
    Ok(())
}
