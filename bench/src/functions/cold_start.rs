//! Cold starts: from the start of the process to its first request for work.

use std::time::Duration;

use anyhow::{Context as _, bail};

use crate::measure::{Process, Spread};
use testkit::lambda::{FunctionProgram, RuntimeCall};

/// The figures of one program's cold starts.
#[derive(Debug, Clone)]
pub struct Starts {
    /// Which program.
    pub name: &'static str,
    /// Milliseconds to the first request for work, for each start.
    pub millis: Vec<f64>,
    /// The resident memory at that time, in megabytes.
    pub megabytes: Vec<f64>,
}

impl Starts {
    /// Returns median and range of the times.
    pub fn time(&self) -> Spread {
        Spread::of(self.millis.iter().copied())
    }

    /// Returns median and range of the memory.
    pub fn memory(&self) -> Spread {
        Spread::of(self.megabytes.iter().copied())
    }
}

/// Starts each program so often, in turns.
pub async fn measure(
    programs: &[FunctionProgram],
    repetitions: usize,
) -> anyhow::Result<Vec<Starts>> {
    let none = |program: &FunctionProgram| Starts {
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
async fn once(program: &FunctionProgram) -> anyhow::Result<(Duration, f64)> {
    let mut running = program.start().await?;
    let call = running.next_call().await.with_context(|| program.name)?;
    match call {
        RuntimeCall::Next(pending) => {
            let resident = Process(running.id()?).resident()? as f64;
            Ok((pending.asked_at.duration_since(running.started_at), resident))
        }
        other => bail!("{} did not start: {other:?}", program.name),
    }
}
