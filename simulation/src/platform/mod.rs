//! What runs the functions: pools of processes, event source mappings, schedules, the gateway.

mod functions;
mod gateway;
mod mapping;
mod pool;
mod schedule;

use std::sync::Arc;
use std::time::Duration;

use ingress::{Ingress, IngressConfig};
use notifier::Notifier;
use providers::Prices;
use shared::environment::Environment;
use worker::config::BreakerSettings;
use worker::config::Pace;
use worker::{Worker, WorkerConfig};

pub use functions::Ended;
pub use gateway::AccountEdge;

use crate::cloud::Cloud;
use crate::mutants::Mutant;
use pool::Pool;

/// How the functions are set up.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The variables of all functions.
    pub environment: Environment,
    /// How often provisional text is pushed.
    pub pace: Pace,
    /// How many requests are answered at once.
    pub workers: usize,
    /// How many batches of replies are delivered at once.
    pub notifiers: usize,
    /// How many replies make a batch.
    pub batch: usize,
    /// How long the queue hides a request, as the worker knows it.
    pub requests_visibility: Duration,
    /// The largest error of a worker's or notifier's clock, in milliseconds.
    pub skew: i64,
    /// Which part of the protocol is broken on purpose.
    pub mutant: Option<Mutant>,
}

impl Default for Setup {
    /// The deployment's settings, without errors of clocks.
    fn default() -> Self {
        Self {
            environment: Environment::default(),
            pace: Pace::AWS,
            workers: 4,
            notifiers: 4,
            batch: 10,
            requests_visibility: Duration::from_mins(15),
            skew: 0,
            mutant: None,
        }
    }
}

/// The functions and what drives them.
pub struct Platform {
    /// The services.
    pub cloud: Arc<Cloud>,
    setup: Setup,
    ingress_config: IngressConfig,
    worker_config: WorkerConfig,
    breaker: BreakerSettings,
    prices: Prices,
    ingress: Pool<Ingress>,
    workers: Pool<Worker>,
    notifiers: Pool<Notifier>,
}

impl Platform {
    /// Puts the functions on the services; nothing runs until it is driven.
    pub fn new(cloud: Arc<Cloud>, setup: Setup) -> anyhow::Result<Arc<Self>> {
        let mut ingress_config =
            IngressConfig::from_env(&setup.environment, ingress::Platform::OneMachine)?;
        ingress_config.max_wait = Duration::ZERO;
        ingress_config.websocket_url = Some("wss://simulated.example".to_owned());
        let mut worker_config = WorkerConfig::from_env(&setup.environment, setup.pace)?;
        worker_config.queue_visibility = setup.requests_visibility;
        let breaker = BreakerSettings::from_env(&setup.environment)?;
        let prices = Prices::built_in()?;
        let ingress = Pool::default();
        let workers = Pool::default();
        let notifiers = Pool::default();
        Ok(Arc::new(Self {
            cloud,
            setup,
            ingress_config,
            worker_config,
            breaker,
            prices,
            ingress,
            workers,
            notifiers,
        }))
    }
}
