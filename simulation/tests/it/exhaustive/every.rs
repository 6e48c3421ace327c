//! A fault at every call.

use std::time::Duration;

use client::account::CallError;
use client::tab::TabHandle;
use simulation::faults::{Fault, FaultRule, Function};
use simulation::scenario::{Scenario, ScenarioUser};
use tokio::runtime;
use tokio::time::sleep;

/// No story makes so many calls: one that does never ends.
pub(super) const MANY: usize = 1_000;
/// How long a story goes on after its fault, so that everything comes back that was given up.
pub(super) const AFTERMATH: Duration = Duration::from_secs(500);

/// How a telling ended: whether the fault's call came; or what was violated.
pub(super) type Told = Result<bool, String>;

/// Tells a story with each kind of fault at each call of a function, until the call never comes.
///
/// Calls stall, and processes stand still, for `beyond`: longer than anybody waits for them. A
/// story that makes fewer calls than `floor` has lost what it was about.
#[track_caller]
pub(super) fn fault_at_every_call(
    story: &str,
    function: Function,
    beyond: Duration,
    floor: usize,
    tell: impl AsyncFn(FaultRule) -> Told,
) {
    for fault in faults(beyond) {
        let calls = (1..MANY).take_while(|nth| {
            let told = run(tell(FaultRule::anywhere(function, *nth, fault.clone())));
            told.unwrap_or_else(|why| {
                panic!("{story}, {} {nth} of {function:?}: {why}", fault.name())
            })
        });
        let calls = calls.count();
        assert!((floor..MANY - 1).contains(&calls), "{story}, {}: {calls} calls", fault.name());
    }
}

/// Runs one telling on its own paused time.
pub(super) fn run<T>(telling: impl Future<Output = T>) -> T {
    runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(telling)
}

/// Waits for the aftermath, ends the story, and says whether the fault's call came.
pub(super) async fn finish(scenario: &Scenario, tabs: &[(&ScenarioUser, &TabHandle)]) -> Told {
    sleep(AFTERMATH).await;
    let came = !scenario.faults.heal();
    scenario.end(tabs).await?;
    Ok(came)
}

/// Repeats a call until it is answered for good, as a client does.
pub(super) async fn send_until_settled<T>(
    call: impl AsyncFn() -> Result<T, CallError>,
) -> Result<T, String> {
    loop {
        match call().await {
            Err(error) if error.retry_after().is_some() => sleep(Duration::from_secs(1)).await,
            settled => return settled.map_err(|error| format!("refused: {error}")),
        }
    }
}

/// Requires what this story is to end with, beyond the invariants.
pub(super) fn ensure<T: PartialEq + std::fmt::Debug>(
    what: &str,
    found: T,
    expected: T,
) -> Result<(), String> {
    let same = (found == expected).then_some(());
    same.ok_or_else(move || format!("{what}: {found:?} instead of {expected:?}"))
}

fn faults(beyond: Duration) -> [Fault; 7] {
    [
        Fault::CrashBefore,
        Fault::CrashAfter,
        Fault::Fail,
        Fault::LoseAck,
        Fault::Stall(beyond),
        Fault::FreezeBefore(beyond),
        Fault::FreezeAfter(beyond),
    ]
}
