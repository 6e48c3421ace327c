//! The one-machine server, started as `main` starts it.

use std::path::{Path, PathBuf};

use bench::stub::Stub;
use local::app::App;
use local::config::Config;
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use shared::environment::Environment;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, yield_now};

use super::in_time;

/// What the server is started with.
pub(crate) struct Setup(Environment);

/// A running server. Dropped without [`TestServer::stop`], it is gone with the test's runtime.
pub(crate) struct TestServer {
    directory: TempDir,
    environment: Environment,
    base: String,
    stop: oneshot::Sender<()>,
    running: JoinHandle<anyhow::Result<()>>,
}

/// What a server leaves behind.
pub(crate) struct Stopped {
    directory: TempDir,
    environment: Environment,
}

impl Setup {
    /// Without any key: answers are quotes.
    pub(crate) fn offline() -> Self {
        Self(Environment::default())
    }

    pub(crate) fn claude(stub: &Stub) -> Self {
        Self::offline().with("ANTHROPIC_API_KEY", "test-key").with("ANTHROPIC_BASE_URL", &stub.url())
    }

    pub(crate) fn openai(stub: &Stub) -> Self {
        Self::offline().and_openai(stub)
    }

    pub(crate) fn and_openai(self, stub: &Stub) -> Self {
        self.with("OPENAI_API_KEY", "test-key").with("OPENAI_BASE_URL", &stub.openai_url())
    }

    pub(crate) fn with(self, variable: &str, value: &str) -> Self {
        Self(self.0.with(variable, value))
    }

    /// Starts the server on documents of the test's own.
    pub(crate) async fn start_with_documents(self, documents: &Value) -> TestServer {
        let directory = TempDir::new().unwrap();
        let file = directory.path().join("documents.json");
        std::fs::write(&file, documents.to_string()).unwrap();
        let environment = self.with("CHATBOT_DOCUMENTS", file.to_str().unwrap()).0;
        Stopped { directory, environment }.start().await
    }

    pub(crate) async fn start(self) -> TestServer {
        Stopped { directory: TempDir::new().unwrap(), environment: self.0 }.start().await
    }
}

impl TestServer {
    pub(crate) fn base(&self) -> String {
        self.base.clone()
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        data_dir(&self.directory)
    }

    /// Opens the database beside the server, to look at what is stored.
    pub(crate) fn database(&self) -> Connection {
        database(&self.data_dir())
    }

    /// Stops the server as a signal does.
    pub(crate) async fn stop(self) -> Stopped {
        let _ = self.stop.send(());
        in_time(self.running).await.unwrap().unwrap();
        Stopped { directory: self.directory, environment: self.environment }
    }
}

impl Stopped {
    /// Starts a server on what was left.
    pub(crate) async fn start(self) -> TestServer {
        let Self { directory, environment } = self;
        let environment =
            environment.with("CHATBOT_PORT", "0").with("CHATBOT_DATA_DIR", data_dir(&directory).to_str().unwrap());
        let app = in_time(start(&environment)).await;
        let base = format!("http://{}", app.address());
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(app.run_until(async move { drop(stopped.await) }));
        TestServer { directory, environment, base, stop, running }
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        data_dir(&self.directory)
    }

    /// Opens the database, to look at what is stored.
    pub(crate) fn database(&self) -> Connection {
        database(&self.data_dir())
    }
}

/// Tries until the last server's sockets have let go of the data: a process would have taken them along.
async fn start(environment: &Environment) -> App {
    loop {
        match App::start(Config::from(environment).unwrap()).await {
            Ok(app) => return app,
            Err(error) if format!("{error:#}").contains("another process uses") => yield_now().await,
            Err(error) => panic!("{error:#}"),
        }
    }
}

fn data_dir(directory: &TempDir) -> PathBuf {
    directory.path().join("data")
}

fn database(data_dir: &Path) -> Connection {
    Connection::open_with_flags(data_dir.join("chatbot.db"), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap()
}
