//! Random faults, from one seed.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fastrand::Rng;
use tokio::time::Instant;

use super::{Fault, Function, Mishap, Op, lock};

/// How bad the weather is. Rates are in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Climate {
    /// Of all port calls, how many go wrong.
    pub calls: u32,
    /// Of those that go wrong, how many take their process with them.
    pub crashes: u32,
    /// Of all chances for a mishap, how many happen.
    pub mishaps: u32,
    /// Of a provider's calls, how many fail in one way or another.
    pub models: u32,
    /// The longest time that a call takes when nothing is wrong.
    pub latency: Duration,
}

impl Climate {
    /// Draws a climate: from nearly fair to very rough.
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
pub struct Weather {
    rng: Mutex<Rng>,
    climate: Climate,
    outages: Vec<Outage>,
    chaos: AtomicBool,
}

impl Weather {
    /// Makes the weather of a seed, with up to two outages within `span` from now on.
    pub fn new(seed: u64, climate: Climate, span: Duration) -> Self {
        let mut rng = Rng::with_seed(seed);
        let outages = (0..rng.u32(0..3)).map(|_| Outage::draw(&mut rng, span)).collect();
        Self { rng: Mutex::new(rng), climate, outages, chaos: AtomicBool::new(true) }
    }

    pub(super) fn heal(&self) {
        self.chaos.store(false, Ordering::Relaxed);
    }

    pub(super) fn is_chaos(&self) -> bool {
        self.chaos.load(Ordering::Relaxed)
    }

    pub(super) fn latency(&self) -> Duration {
        // Most calls are quick; whole milliseconds, as the timer counts.
        let most = u64::try_from(self.climate.latency.as_millis()).unwrap_or(1);
        let mut rng = lock(&self.rng);
        if rng.u8(0..4) > 0 { Duration::ZERO } else { Duration::from_millis(rng.u64(0..=most)) }
    }

    pub(super) fn fault(&self, function: Function, op: Op) -> Option<Fault> {
        if !self.is_chaos() {
            return None;
        }
        let mut rng = lock(&self.rng);
        if self.is_out(op) && rng.u32(0..10) > 0 {
            return Some(Fault::Fail);
        }
        let rate = if op == Op::Next { self.climate.calls / 4 } else { self.climate.calls };
        (rng.u32(0..1000) < rate).then(|| draw_fault(&mut rng, self.climate, function))
    }

    pub(super) fn toss(&self, mishap: Mishap) -> bool {
        self.is_chaos() && lock(&self.rng).u32(0..1000) < self.rate(mishap)
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

    fn rate(&self, mishap: Mishap) -> u32 {
        let Climate { mishaps, models, .. } = self.climate;
        match mishap {
            Mishap::ModelBusy | Mishap::ModelBreaksOff => models / 3,
            Mishap::ModelRefuses | Mishap::ModelAway | Mishap::ModelSilent => models / 8,
            Mishap::ModelEndsEarly | Mishap::ModelEmpty => models / 12,
            Mishap::ConnectionCut | Mishap::ClientSlow => mishaps / 8,
            Mishap::Killed => mishaps / 2,
            Mishap::Redriven | Mishap::Purged | Mishap::CleanedUp => 300,
            _ => mishaps,
        }
    }

    fn is_out(&self, op: Op) -> bool {
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

fn draw_fault(rng: &mut Rng, climate: Climate, function: Function) -> Fault {
    // An event source mapping is a service: its calls fail, it does not.
    if function != Function::Mapping && rng.u32(0..1000) < climate.crashes {
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

fn service(op: Op) -> Service {
    match op {
        Op::Send | Op::Hide | Op::Receive | Op::Delete => Service::Queues,
        Op::Push | Op::Close => Service::Push,
        Op::PutEvents => Service::Events,
        Op::Document => Service::Documents,
        Op::Open | Op::Next => Service::Models,
        _ => Service::Store,
    }
}

fn choose<'c, T>(rng: &mut Rng, choices: &'c [T]) -> &'c T {
    &choices[rng.usize(0..choices.len())]
}
