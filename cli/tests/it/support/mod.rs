//! A folder of its own, a stub provider, a server, and the program.

pub(crate) mod batches;

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use local::config::Config;
use serde_json::Value;
use shared::environment::Environment;
use tempfile::TempDir;
use testkit::stub_provider::{Behaviour, StubProvider};
use tokio::process::{Child, Command};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub(crate) const YOGI: &str = env!("CARGO_BIN_EXE_yogi");

/// How long anything that must happen may take.
pub(crate) const TIMEOUT: Duration = Duration::from_mins(1);

/// A folder with data, and a provider.
pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) stub: StubProvider,
    variables: Vec<(String, String)>,
}

/// What the program said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// A server in this process.
pub(crate) struct Server {
    stop: oneshot::Sender<()>,
    running: JoinHandle<anyhow::Result<()>>,
}

impl World {
    /// A provider that behaves so.
    pub(crate) async fn new(behaviour: Behaviour) -> Self {
        let stub = StubProvider::start(behaviour).await.unwrap();
        let variables = [
            ("ANTHROPIC_API_KEY", "test-key".to_owned()),
            ("ANTHROPIC_BASE_URL", stub.url()),
            ("CHATBOT_SHUTDOWN_SECONDS", "1".to_owned()),
            ("USER", "anna".to_owned()),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value)).to_vec();
        Self { folder: TempDir::new().unwrap(), stub, variables }
    }

    /// Without any provider: answers are quotes.
    pub(crate) async fn offline() -> Self {
        let mut world = Self::new(Behaviour::Echo).await;
        world.variables.retain(|(name, _)| !name.starts_with("ANTHROPIC"));
        world
    }

    pub(crate) fn with(mut self, variable: &str, value: &str) -> Self {
        self.variables.push((variable.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// Reads a file of JSON lines.
    pub(crate) fn lines(&self, name: &str) -> Vec<Value> {
        objects(&self.read(name))
    }

    /// Makes the command, to be run in the folder with nothing of this machine in its environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(YOGI);
        command.current_dir(self.folder.path()).env_clear().envs(self.variables.iter().cloned());
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.kill_on_drop(true);
        command
    }

    /// Runs the program to its end.
    #[track_caller]
    pub(crate) fn yogi(&self, arguments: &[&str]) -> impl Future<Output = Said> + use<> {
        let output = self.command(arguments).output();
        let what = arguments.join(" ");
        async move {
            let output = tokio::time::timeout(TIMEOUT, output).await;
            let output = output.unwrap_or_else(|_| panic!("yogi {what} does not end")).unwrap();
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            Said {
                code: output.status.code(),
                out: text(&output.stdout),
                err: text(&output.stderr),
            }
        }
    }

    /// Starts the server in this process.
    pub(crate) async fn serve(&self) -> Server {
        let data = self.path(".chatbot");
        let environment = Environment::new(self.variables.iter().cloned())
            .with("CHATBOT_DATA_DIR", data.to_str().unwrap())
            .with("CHATBOT_PORT", "0");
        let server =
            local::server::Server::start(Config::from_env(&environment).unwrap()).await.unwrap();
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(server.run_until(async move { drop(stopped.await) }));
        Server { stop, running }
    }

    /// Starts the server in a process of its own, which can be killed: in a chat in which nobody
    /// types, until its standard input is closed.
    pub(crate) async fn serve_apart(&self) -> Child {
        std::fs::create_dir_all(self.path(".chatbot")).unwrap();
        drop(std::fs::remove_file(self.path(".chatbot/operator.json")));
        std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.path(".chatbot/chatbot.db"))
            .unwrap();
        let mut chat = self.command(&["chat"]);
        let child = chat.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let child = child.unwrap();
        until(|| self.path(".chatbot/operator.json").exists()).await;
        child
    }
}

impl Server {
    pub(crate) async fn stop(self) {
        let _ = self.stop.send(());
        self.running.await.unwrap().unwrap();
    }
}

impl Said {
    /// Expects an exit code.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}\n{}", self.out, self.err);
        assert!(!self.err.contains("panicked"), "{}", self.err);
        self
    }

    /// Expects words on either stream.
    #[track_caller]
    pub(crate) fn saying(self, words: &[&str]) -> Self {
        let all = format!("{}{}", self.out, self.err);
        for word in words {
            assert!(all.contains(word), "{word:?} in {all}");
        }
        self
    }

    /// Returns the JSON lines of standard output.
    pub(crate) fn objects(&self) -> Vec<Value> {
        objects(&self.out)
    }
}

fn objects(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}")))
        .collect()
}

/// Waits until something is so.
#[track_caller]
pub(crate) fn until(mut so: impl FnMut() -> bool) -> impl Future<Output = ()> {
    let place = std::panic::Location::caller();
    async move {
        let began = tokio::time::Instant::now();
        while !so() {
            assert!(began.elapsed() < TIMEOUT, "what {place} waits for did not happen");
            tokio::task::yield_now().await;
        }
    }
}
