//! One run: from a seed to a report.

mod participants;
mod report;
mod settings;

use std::sync::Arc;
use std::time::Duration;

use client::tab::TabHandle;
use fastrand::Rng;
use shared::domain::SessionKey;
use tokio::time::{Instant, sleep, timeout};

pub use report::Report;
pub use settings::Settings;

use crate::checks::CALM;
use crate::cloud::Cloud;
use crate::faults::{Faults, Subject};
use crate::mutants::Mutant;
use crate::platform::Platform;
use crate::trace::Trace;
use crate::users::Conversation;

/// Options of a run besides its seed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// Which part of the protocol is broken on purpose.
    pub mutant: Option<Mutant>,
    /// Whether the trace is kept as lines.
    pub record: bool,
}

/// The longest virtual time in which everything drains once faults have stopped: an abandoned turn
/// is ended after 15 minutes by a cleanup that runs every 5, and an event that was not taken waits
/// for it too.
const DRAIN: Duration = Duration::from_mins(45);
const LOOK: Duration = Duration::from_secs(5);
/// How long users may take once faults have ended.
const FINISH: Duration = Duration::from_hours(8);

/// Runs a seed on paused time.
pub fn seed(seed: u64, options: Options) -> Report {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    match runtime {
        Ok(runtime) => runtime.block_on(play(seed, options)),
        Err(error) => Report::not_run(seed, &error.to_string()),
    }
}

async fn play(seed: u64, options: Options) -> Report {
    let mut rng = Rng::with_seed(seed);
    let settings = Settings::draw(&mut rng);
    let faults = Faults::random(settings.random(rng.u64(..)));
    let trace = Arc::new(Trace::begin(options.record));
    let cloud = Cloud::new(
        Arc::clone(&faults),
        Arc::clone(&trace),
        settings.limits(),
        participants::documents(),
    );
    let cloud = Arc::new(cloud);
    let platform = match Platform::new(Arc::clone(&cloud), settings.platform(options.mutant)) {
        Ok(platform) => platform,
        Err(error) => return Report::not_run(seed, &error.to_string()),
    };
    cloud.checker.require_promptness(settings.pace());
    drive(&platform);
    let calm = tokio::spawn(calm_down(Arc::clone(&cloud), settings.chaos));
    let users = participants::users(&platform, &settings, options.mutant, &mut rng);
    let mut talks: Vec<Conversation> =
        if let Ok(talks) = timeout(FINISH, futures::future::join_all(users)).await {
            talks.into_iter().flatten().flatten().collect()
        } else {
            cloud.checker.violation("10", &Subject::Nobody, || {
                "users could not finish their conversations".to_owned()
            });
            Vec::new()
        };
    calm.abort();
    heal(&cloud);
    settle(&platform, &talks).await;
    sleep(CALM).await;
    futures::future::join_all(talks.iter_mut().map(Conversation::ask_in_calm)).await;
    settle(&platform, &talks).await;
    Report::of(seed, &cloud, talks.iter().map(|talk| talk.tabs.len()).sum())
}

/// Starts everything that runs by itself.
fn drive(platform: &Arc<Platform>) {
    tokio::spawn(Arc::clone(platform).drive_requests());
    tokio::spawn(Arc::clone(platform).drive_replies());
    tokio::spawn(Arc::clone(platform).drive_cleanup());
    tokio::spawn(Arc::clone(platform).drive_irregular_events());
}

async fn calm_down(cloud: Arc<Cloud>, after: Duration) {
    sleep(after).await;
    heal(&cloud);
}

fn heal(cloud: &Cloud) {
    cloud.faults.heal();
    cloud.trace.note(&Subject::Nobody, "healed", || "all faults end".to_owned());
}

/// Waits until everything has drained, brings back what is among the dead letters, and waits again;
/// then judges.
async fn settle(platform: &Arc<Platform>, talks: &[Conversation]) {
    let cloud = &platform.cloud;
    for _ in 0..3 {
        let drained = drain(cloud, talks).await;
        if drained.is_err() {
            cloud.checker.violation("10", &Subject::Nobody, || unfinished(cloud));
            break;
        }
        if platform.redrive().await == 0 {
            break;
        }
    }
    cloud.checker.audit();
    for (key, tab) in open_tabs(talks) {
        cloud.checker.audit_tab(key, tab.id().0, &tab.view());
    }
}

fn open_tabs(talks: &[Conversation]) -> impl Iterator<Item = (&SessionKey, &TabHandle)> {
    talks.iter().flat_map(|talk| talk.tabs.iter().map(|tab| (&talk.key, tab)))
}

async fn drain(cloud: &Cloud, talks: &[Conversation]) -> Result<(), ()> {
    let end = Instant::now() + DRAIN;
    while Instant::now() < end {
        let shown = open_tabs(talks).all(|(key, tab)| cloud.checker.is_current(key, &tab.view()));
        if shown
            && cloud.requests.is_empty()
            && cloud.replies.is_empty()
            && cloud.checker.is_at_rest()
        {
            return Ok(());
        }
        sleep(LOOK).await;
    }
    Err(())
}

fn unfinished(cloud: &Cloud) -> String {
    let requests = cloud.requests.len();
    let replies = cloud.replies.len();
    let rest = if cloud.checker.is_at_rest() {
        "every turn is delivered"
    } else {
        "some turn is not delivered"
    };
    format!(
        "{DRAIN:?} after the last fault {requests} requests and {replies} replies are queued, and \
        {rest}"
    )
}
