//! From the start of the process to its first question for work.

use std::time::Duration;

use anyhow::bail;
use tokio::time::timeout;

use super::program::Program;
use super::runtime_api::Said;
use crate::measure::{Process, Spread};

/// How long a start may take at the most.
const PATIENCE: Duration = Duration::from_mins(1);

/// What one program's starts came to.
#[derive(Debug, Clone)]
pub struct Starts {
    /// Which program.
    pub name: &'static str,
    /// Milliseconds to the first question, start by start.
    pub millis: Vec<f64>,
    /// The resident memory at that time, in megabytes.
    pub megabytes: Vec<f64>,
}

impl Starts {
    /// Returns the middle and the ends of the times.
    pub fn time(&self) -> Spread {
        Spread::of(self.millis.iter().copied())
    }

    /// Returns the middle and the ends of the memory.
    pub fn memory(&self) -> Spread {
        Spread::of(self.megabytes.iter().copied())
    }
}

/// Starts each program so often, one after the other in turns.
pub async fn measure(programs: &[Program], repetitions: usize) -> anyhow::Result<Vec<Starts>> {
    let none = |program: &Program| Starts {
        name: program.name,
        millis: Vec::new(),
        megabytes: Vec::new(),
    };
    let mut found: Vec<Starts> = programs.iter().map(none).collect();
    for program in programs {
        // The first start reads the file from the disk, which is the disk's time.
        once(program).await?;
    }
    for _ in 0..repetitions {
        for (program, starts) in programs.iter().zip(&mut found) {
            let (time, bytes) = once(program).await?;
            starts.millis.push(time.as_secs_f64() * 1e3);
            starts.megabytes.push(bytes / 1e6);
        }
    }
    Ok(found)
}

#[expect(clippy::cast_precision_loss, reason = "memory is far below what a float counts exactly")]
async fn once(program: &Program) -> anyhow::Result<(Duration, f64)> {
    let mut running = program.start().await?;
    let Ok(said) = timeout(PATIENCE, running.api.heard()).await else {
        bail!("{} asks for no work", program.name)
    };
    match said? {
        Said::Next(question) => {
            let resident = Process(running.id()?).resident()? as f64;
            Ok((question.at.duration_since(running.at), resident))
        }
        other => bail!("{} did not start: {other:?}", program.name),
    }
}
