//! The real server before the stub provider, for tests that talk to it from outside.

use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::process::{self, cargo, command};

/// What the server says before its address.
const SAYS: &str = "chat at ";

/// A server and its provider. Dropping it stops both and removes the data.
pub(super) struct Live {
    pub(super) url: String,
    /// Where the built programs lie, for tests that start their own.
    pub(super) folder: PathBuf,
    programs: Vec<Child>,
    data: PathBuf,
}

impl Live {
    /// Builds what is not built yet, and starts both on free ports.
    pub(super) fn start(root: &Path) -> Result<Self> {
        process::run(&mut cargo(root, ["build", "--quiet", "--workspace", "--bins"]))?;
        let target = target_folder(root)?;
        let data = target.join(format!("live-{}", std::process::id()));
        let debug = target.join("debug");
        let mut live =
            Self { url: String::new(), folder: debug.clone(), programs: Vec::new(), data };

        let mut stub = command(root, debug.join("stub-provider"));
        let output =
            live.spawn(stub.args(["--tokens", "20", "--delay-ms", "20"]).stdout(Stdio::piped()))?;
        let provider = first(output.stdout, "").context("the stub provider said no address")?;

        let mut server = command(root, debug.join("learning-yogi-chatbot"));
        server.args(["--port", "0", "--data-dir"]).arg(&live.data).stderr(Stdio::piped());
        server.env("CHATBOT_LOG", "info").env("CHATBOT_LOG_FORMAT", "text");
        server.env("ANTHROPIC_API_KEY", "stub").env("ANTHROPIC_BASE_URL", &provider);
        server.env("OPENAI_API_KEY", "stub").env("OPENAI_BASE_URL", format!("{provider}/v1"));
        let output = live.spawn(&mut server)?;
        live.url = first(output.stderr, SAYS).context("the server did not start")?;
        Ok(live)
    }

    fn spawn(&mut self, command: &mut std::process::Command) -> Result<Output> {
        let mut child = command
            .stdin(Stdio::null())
            .spawn()
            .context("a program that was just built did not start")?;
        let output = Output {
            stdout: child.stdout.take().map(boxed),
            stderr: child.stderr.take().map(boxed),
        };
        self.programs.push(child);
        Ok(output)
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        for program in &mut self.programs {
            // One that has ended by itself is stopped as well.
            let _ = program.kill();
            let _ = program.wait();
        }
        let _ = std::fs::remove_dir_all(&self.data);
    }
}

type Stream = Box<dyn Read + Send>;

struct Output {
    stdout: Option<Stream>,
    stderr: Option<Stream>,
}

fn boxed(stream: impl Read + Send + 'static) -> Stream {
    Box::new(stream)
}

/// Returns what follows `mark` in the first line that has it; the rest is read and dropped.
fn first(stream: Option<Stream>, mark: &str) -> Option<String> {
    let mut lines = BufReader::new(stream?).lines().map_while(Result::ok);
    let found =
        lines.find_map(|line| line.split_once(mark).map(|(_, rest)| rest.trim().to_owned()));
    std::thread::spawn(move || lines.for_each(drop));
    found
}

fn target_folder(root: &Path) -> Result<PathBuf> {
    let text =
        process::output(&mut cargo(root, ["metadata", "--no-deps", "--format-version", "1"]))?;
    let metadata: Value = serde_json::from_str(&text).context("cargo's metadata is not JSON")?;
    Ok(metadata["target_directory"].as_str().context("cargo names no target folder")?.into())
}
