//! Random faults, from one seed.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fastrand::Rng;
use tokio::time::Instant;

use super::{ExternalFault, Fault, Function, PortCall, lock};

/// How often faults occur. Rates are in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FaultRates {
    /// Of all port calls, how many fail in some way.
    pub calls: u32,
    /// Of those that go wrong, how many take their process with them.
    pub crashes: u32,
    /// Of all occasions for an external fault, on how many it occurs.
    pub mishaps: u32,
    /// Of a provider's calls, how many fail in one way or another.
    pub models: u32,
    /// The longest time that a call takes when nothing is wrong.
    pub latency: Duration,
}

impl FaultRates {
    /// Draws the rates: from nearly no faults to very many.
    pub fn draw(rng: &mut Rng) -> Self {
        Self {
            calls: *choose(rng, &[8, 20, 35, 60]),
            crashes: *choose(rng, &[100, 250, 500]),
            mishaps: *choose(rng, &[10, 30, 80]),
            models: *choose(rng, &[100, 250, 500]),
            latency: Duration::from_millis(*choose(rng, &[2, 8, 40])),
        }
    }
}

/// A time in which one kind of call nearly always fails.
#[derive(Debug, Clone, Copy)]
struct Outage {
    of: Service,
    from: Instant,
    to: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Service {
    Store,
    Queues,
    Push,
    Events,
    Documents,
    Models,
}

/// Random faults until it is healed.
#[derive(Debug)]
pub struct RandomFaults {
    rng: Mutex<Rng>,
    rates: FaultRates,
    outages: Vec<Outage>,
    chaos: AtomicBool,
}

impl RandomFaults {
    /// Makes the faults of a seed, with up to two outages within `span` from now on.
    pub fn new(seed: u64, rates: FaultRates, span: Duration) -> Self {
        let mut rng = Rng::with_seed(seed);
        let outages = (0..rng.u32(0..3)).map(|_| Outage::draw(&mut rng, span)).collect();
        Self { rng: Mutex::new(rng), rates, outages, chaos: AtomicBool::new(true) }
    }

    pub(super) fn heal(&self) {
        self.chaos.store(false, Ordering::Relaxed);
    }

    pub(super) fn is_active(&self) -> bool {
        self.chaos.load(Ordering::Relaxed)
    }

    pub(super) fn latency(&self) -> Duration {
        // Most calls are quick; whole milliseconds, as the timer counts.
        let most = u64::try_from(self.rates.latency.as_millis()).unwrap_or(1);
        let mut rng = lock(&self.rng);
        if rng.u8(0..4) > 0 { Duration::ZERO } else { Duration::from_millis(rng.u64(0..=most)) }
    }

    pub(super) fn fault(&self, function: Function, op: PortCall) -> Option<Fault> {
        if !self.is_active() {
            return None;
        }
        let mut rng = lock(&self.rng);
        if self.is_out(op) && rng.u32(0..10) > 0 {
            return Some(Fault::Fail);
        }
        let rate = if op == PortCall::Next { self.rates.calls / 4 } else { self.rates.calls };
        (rng.u32(0..1000) < rate).then(|| draw_fault(&mut rng, self.rates, function))
    }

    pub(super) fn occurs(&self, mishap: ExternalFault) -> bool {
        self.is_active() && lock(&self.rng).u32(0..1000) < self.rate(mishap)
    }

    pub(super) fn span(&self, least: Duration, most: Duration) -> Duration {
        let millis = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(lock(&self.rng).u64(millis(least)..=millis(most)))
    }

    pub(super) fn draw(&self, bound: usize) -> usize {
        lock(&self.rng).usize(0..bound.max(1))
    }

    pub(super) fn fork(&self) -> u64 {
        lock(&self.rng).u64(..)
    }

    fn rate(&self, mishap: ExternalFault) -> u32 {
        let FaultRates { mishaps, models, .. } = self.rates;
        match mishap {
            ExternalFault::ModelBusy | ExternalFault::ModelBreaksOff => models / 3,
            ExternalFault::ModelRefuses | ExternalFault::ModelAway | ExternalFault::ModelSilent => {
                models / 8
            }
            ExternalFault::ModelEndsEarly | ExternalFault::ModelEmpty => models / 12,
            ExternalFault::ConnectionCut | ExternalFault::ClientSlow => mishaps / 8,
            ExternalFault::Killed => mishaps / 2,
            ExternalFault::Redriven | ExternalFault::Purged | ExternalFault::CleanedUp => 300,
            _ => mishaps,
        }
    }

    fn is_out(&self, op: PortCall) -> bool {
        if self.outages.is_empty() {
            return false;
        }
        let service = service(op);
        let now = Instant::now();
        self.outages
            .iter()
            .any(|outage| outage.of == service && (outage.from..outage.to).contains(&now))
    }
}

impl Outage {
    fn draw(rng: &mut Rng, span: Duration) -> Self {
        let services = [
            Service::Store,
            Service::Queues,
            Service::Push,
            Service::Events,
            Service::Documents,
            Service::Models,
        ];
        let from = Instant::now() + span.mul_f64(rng.f64());
        Self { of: *choose(rng, &services), from, to: from + Duration::from_secs(rng.u64(1..60)) }
    }
}

fn draw_fault(rng: &mut Rng, rates: FaultRates, function: Function) -> Fault {
    // An event source mapping is a service: its calls fail, it does not.
    if function != Function::Mapping && rng.u32(0..1000) < rates.crashes {
        let frozen = Duration::from_secs(*choose(rng, &[1, 5, 40, 200]));
        return match rng.u8(0..10) {
            0..4 => Fault::CrashBefore,
            4..8 => Fault::CrashAfter,
            8 => Fault::FreezeBefore(frozen),
            _ => Fault::FreezeAfter(frozen),
        };
    }
    match rng.u8(0..20) {
        0..8 => Fault::Fail,
        8..14 => Fault::LoseAck,
        // A call without end is ended by the function's timeout, which costs a process.
        14 if function != Function::Mapping => Fault::Hang,
        _ => {
            let most = *choose(rng, &[200, 3_000, 30_000]);
            Fault::Stall(Duration::from_millis(rng.u64(20..most)))
        }
    }
}

fn service(op: PortCall) -> Service {
    match op {
        PortCall::Send | PortCall::Hide | PortCall::Receive | PortCall::Delete => Service::Queues,
        PortCall::Push | PortCall::Close => Service::Push,
        PortCall::PutEvents => Service::Events,
        PortCall::Document | PortCall::Search => Service::Documents,
        PortCall::Open | PortCall::Next => Service::Models,
        _ => Service::Store,
    }
}

fn choose<'c, T>(rng: &mut Rng, choices: &'c [T]) -> &'c T {
    &choices[rng.usize(0..choices.len())]
}
