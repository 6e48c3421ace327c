//! What a browser shows of the operator page.

use std::process::Stdio;

use anyhow::{Context as _, bail};
use serde::Deserialize;
use tokio::process::Command;

use crate::report::say;

/// The widget's package has the browser's driver.
const SCRIPT: &str = "widget/e2e/bench/paint.js";
const DRIVER: &str = "widget/node_modules/playwright-core";

/// Milliseconds, of a page that was never visited before.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Paint {
    /// From the navigation to the first paint.
    pub first: f64,
    /// From the navigation to the paint of the first figures.
    pub figures: f64,
    /// From the click on the longest span to the paint of its figures.
    pub month: f64,
}

impl Paint {
    /// Visits the page, the median of several visits; none where there is no driver or no browser.
    pub async fn of(url: &str) -> anyhow::Result<Option<Self>> {
        if !std::path::Path::new(DRIVER).exists() {
            say("  no paint is measured: run `npm ci` in widget/");
            return Ok(None);
        }
        let output =
            Command::new("node").args([SCRIPT, url]).stderr(Stdio::inherit()).output().await;
        let output = output.context("node is needed where widget/ is installed")?;
        match output.status.code() {
            Some(0) => {
                Ok(Some(serde_json::from_slice(&output.stdout).context("the paint is no JSON")?))
            }
            Some(3) => Ok(None),
            _ => bail!("the page was not measured: {}", output.status),
        }
    }
}
