//! The real server with a stub provider, for tests that use it from outside.

use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::process::{self, cargo, command};

/// The text before the server's address in its log.
const ADDRESS_PREFIX: &str = "chat at ";

/// A server and its provider. Dropping it stops both and removes the data.
pub(super) struct LiveServer {
    pub(super) url: String,
    /// The directory of the built programs, for tests that start their own.
    pub(super) folder: PathBuf,
    programs: Vec<Child>,
    data: PathBuf,
}

impl LiveServer {
    /// Builds the programs and starts both on free ports.
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
        let provider = first(output.stdout, "").context("the stub provider printed no address")?;

        let mut server = command(root, debug.join("learning-yogi-chatbot"));
        server.args(["--port", "0", "--data-dir"]).arg(&live.data).stderr(Stdio::piped());
        server.env("CHATBOT_LOG", "info").env("CHATBOT_LOG_FORMAT", "text");
        server.env("ANTHROPIC_API_KEY", "stub").env("ANTHROPIC_BASE_URL", &provider);
        server.env("OPENAI_API_KEY", "stub").env("OPENAI_BASE_URL", format!("{provider}/v1"));
        let output = live.spawn(&mut server)?;
        live.url = first(output.stderr, ADDRESS_PREFIX).context("the server did not start")?;
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

impl Drop for LiveServer {
    fn drop(&mut self) {
        for program in &mut self.programs {
            // Fails for a program that has already ended.
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

/// Returns the rest of the first line after `mark`. Later output is read and dropped, so that the
/// program never blocks on a full pipe.
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
