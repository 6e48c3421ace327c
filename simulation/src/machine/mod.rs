//! The same clients and the same promises on the real server, which is killed again and again.
//!
//! People talk through the server's HTTP and WebSocket while its process is killed, and while they
//! lose patience, cut connections, stop, delete, and try what is not theirs; the providers behind
//! it have bad weather. In the end what is stored must be what was promised and what anybody was
//! shown.
//!
//! | module | what it does |
//! |---|---|
//! | `server` | the process: started, killed, stopped |
//! | `life` | when it is killed |
//! | `edge` | the clients' way to it |
//! | `person`, `talk`, `message`, `stranger` | what people do |
//! | `provider` | what models say, and how they fail |
//! | `watch` | what a tab is sent and shows |
//! | `ledger` | all that is known outside the server |
//! | `verdict`, `records` | what is stored, held against that: through HTTP, and on disk |
//! | `summary` | what was exercised |

mod edge;
mod ledger;
mod life;
mod message;
mod person;
mod provider;
mod records;
mod server;
mod stranger;
mod summary;
mod talk;
#[cfg(test)]
mod tests;
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

use self::ledger::{Final, Ledger};
use self::life::Lives;
use self::person::{Person, Used, World, short_pause};
use self::provider::Weather;
use self::records::Records;
use self::server::Launch;
pub use self::summary::Summary;
use client::account::{CallError, Message};

/// What is to be done.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The server's program.
    pub program: PathBuf,
    /// A folder of its own for the server's data.
    pub data_dir: PathBuf,
    /// How often the server is killed while it works.
    pub kills: u32,
    /// How many people talk all the while.
    pub people: u32,
    /// Decides what people, providers and the killer do; the moments are those of this machine.
    pub seed: u64,
}

/// Runs the plan; `progress` is called after each kill with its number.
///
/// Fails with all that is wrong: a message that is lost, doubled or out of order, a final that
/// changed, a text that no model said, a session that came back, a server that does not start, does
/// not stop or panics.
pub async fn run(plan: Plan, progress: impl FnMut(u32)) -> anyhow::Result<Summary> {
    let mut rng = Rng::with_seed(plan.seed);
    let ledger = Arc::new(Ledger::new());
    let stub =
        StubProvider::start_with(Behaviour::Reply(Reply::default()), Options::test()).await?;
    let mut weather = Weather::new(Arc::clone(&ledger), rng.fork());
    stub.choose_by(move |call| weather.choose(call));
    let launch = Launch {
        program: plan.program.clone(),
        data_dir: plan.data_dir.clone(),
        providers: [stub.url(), stub.openai_url()],
    };
    let (announce, address) = channel::channel(None);
    let (finish, finished) = channel::channel(false);
    let world = World { ledger: Arc::clone(&ledger), address, finish: finished };
    let people = gather(&world, plan.people, &mut rng)?;
    let mut lives = Lives::begin(launch, announce, Arc::clone(&ledger), rng.fork()).await?;
    lives.kill_often(plan.kills, progress).await?;
    finish.send_replace(true);
    let used: Vec<Used> = try_join_all(people).await?.into_iter().flatten().collect();
    ledger.calm_down();
    let finals = read_all(&ledger, &used).await?;
    for (used, finals) in used.iter().zip(&finals) {
        if let Some(finals) = finals {
            verdict::tabs_follow(&ledger, used, finals).await;
        }
        used.tabs.iter().for_each(client::tab::TabHandle::close);
    }
    lives.restart().await?;
    look_again(&ledger, &used, &finals, &mut rng).await?;
    lives.end().await?;
    on_disk(&plan, &ledger, &used, &finals)?;
    match ledger.violations() {
        violations if violations.is_empty() => Ok(Summary::new(ledger.tally.counts().events)),
        violations => bail!("{}", violations.join("\n")),
    }
}

fn gather(world: &World, many: u32, rng: &mut Rng) -> anyhow::Result<Vec<JoinHandle<Vec<Used>>>> {
    let born = (1..=many).map(|owner| Person::new(world.clone(), owner, rng.fork()));
    born.map(|person| Ok(tokio::spawn(person?.live()))).collect()
}

/// Waits until everything is answered, and judges it; deleted sessions have no finals.
async fn read_all(ledger: &Ledger, used: &[Used]) -> anyhow::Result<Vec<Option<Vec<Final>>>> {
    let deadline = Instant::now() + verdict::DRAIN_PATIENCE;
    let mut all = Vec::new();
    for used in used {
        let finals = verdict::drained(used, deadline).await?;
        let deleted = ledger.with(&used.seat, |session| session.deleted);
        match &finals {
            Some(finals) if !deleted => verdict::judge(ledger, &used.seat, finals),
            Some(_) => ledger.violation("7", format!("{} was deleted, and is there", used.seat)),
            None if deleted => verdict::judge_deleted(ledger, &used.seat),
            None => ledger.violation("1", format!("{} is gone, and nobody deleted it", used.seat)),
        }
        all.push(finals);
    }
    Ok(all)
}

/// After one more start: what is stored stays as it is, and what was deleted stays away.
async fn look_again(
    ledger: &Ledger,
    used: &[Used],
    finals: &[Option<Vec<Final>>],
    rng: &mut Rng,
) -> anyhow::Result<()> {
    let deadline = Instant::now() + verdict::DRAIN_PATIENCE;
    for (used, before) in used.iter().zip(finals) {
        if verdict::drained(used, deadline).await? != *before {
            ledger.violation("2", format!("{} is another one after a restart", used.seat));
        }
        if before.is_none() {
            refuses(ledger, used, rng).await;
        }
    }
    Ok(())
}

/// Checks that a deleted session takes no message.
async fn refuses(ledger: &Ledger, used: &Used, rng: &mut Rng) {
    let message = Message::new(used.seat.session.clone(), "late", "Hello again");
    loop {
        match used.account.post(&message).await {
            Ok(_) => {
                return ledger
                    .violation("1", format!("{} was deleted, and took a message", used.seat));
            }
            Err(CallError::NoResponse) => sleep(short_pause(rng)).await,
            Err(_) => return,
        }
    }
}

fn on_disk(
    plan: &Plan,
    ledger: &Ledger,
    used: &[Used],
    finals: &[Option<Vec<Final>>],
) -> anyhow::Result<()> {
    let records = Records::read(&plan.data_dir).context("the database cannot be read")?;
    records.check_queues(ledger)?;
    for (used, finals) in used.iter().zip(finals) {
        let token = used.account.token();
        match finals {
            Some(finals) => records.check_kept(ledger, &used.seat, token.as_deref(), finals)?,
            None => records.check_deleted(ledger, &used.seat, token.as_deref())?,
        }
    }
    Ok(())
}
