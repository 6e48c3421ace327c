//! The system that a story takes place in: the one-machine server, started as `main` starts it, or
//! the deployed one.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use local::config::Config;
use local::server::Server;
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use shared::environment::Environment;
use tempfile::TempDir;
use testkit::stub_provider::StubProvider;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, yield_now};

use super::deployed::Deployed;
use super::{config, in_time};

/// What the server is started with.
#[derive(Default)]
pub(crate) struct Setup(BTreeMap<String, String>);

/// A running server. Dropped without [`TestServer::stop`], it is gone with the test's runtime.
pub(crate) struct TestServer {
    base: String,
    place: Place,
}

/// Where it runs.
enum Place {
    Here(Here),
    /// Held, because the system is gone with it.
    Deployed {
        _system: Deployed,
    },
}

/// The server in this process, and its data.
struct Here {
    directory: TempDir,
    setup: Setup,
    stop: oneshot::Sender<()>,
    running: JoinHandle<anyhow::Result<()>>,
}

/// What a server leaves behind.
pub(crate) struct Stopped {
    directory: TempDir,
    setup: Setup,
}

impl Setup {
    /// Without any key: answers are quotes.
    pub(crate) fn offline() -> Self {
        Self::default()
    }

    pub(crate) fn claude(stub: &StubProvider) -> Self {
        Self::offline()
            .with("ANTHROPIC_API_KEY", "test-key")
            .with("ANTHROPIC_BASE_URL", &stub.url())
    }

    pub(crate) fn openai(stub: &StubProvider) -> Self {
        Self::offline().and_openai(stub)
    }

    pub(crate) fn and_openai(self, stub: &StubProvider) -> Self {
        self.with("OPENAI_API_KEY", "test-key").with("OPENAI_BASE_URL", &stub.openai_url())
    }

    pub(crate) fn with(mut self, variable: &str, value: &str) -> Self {
        self.0.insert(variable.to_owned(), value.to_owned());
        self
    }

    /// Starts the server on documents of the test's own.
    pub(crate) async fn start_with_documents(self, documents: &Value) -> TestServer {
        if let Some(home) = config::home() {
            return TestServer::deployed(Deployed::at(&home, &self.0, Some(documents)).await);
        }
        let directory = TempDir::new().unwrap();
        let file = directory.path().join("documents.json");
        fs::write(&file, documents.to_string()).unwrap();
        let setup = self.with("CHATBOT_DOCUMENTS", file.to_str().unwrap());
        Stopped { directory, setup }.start().await
    }

    pub(crate) async fn start(self) -> TestServer {
        match config::home() {
            Some(home) => TestServer::deployed(Deployed::at(&home, &self.0, None).await),
            None => Stopped { directory: TempDir::new().unwrap(), setup: self }.start().await,
        }
    }

    /// Starts the server on a copy of a data directory.
    pub(crate) async fn start_on_copy_of(self, data: &Path) -> TestServer {
        let directory = TempDir::new().unwrap();
        let copy = data_dir(&directory);
        fs::create_dir(&copy).unwrap();
        for file in fs::read_dir(data).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), copy.join(file.file_name())).unwrap();
        }
        Stopped { directory, setup: self }.start().await
    }

    fn environment(&self) -> Environment {
        Environment::new(self.0.clone())
    }
}

impl TestServer {
    fn deployed(system: Deployed) -> Self {
        Self { base: system.base().to_owned(), place: Place::Deployed { _system: system } }
    }

    pub(crate) fn base(&self) -> String {
        self.base.clone()
    }

    /// Returns host and port, and the path below which the API is: a stage, where there is one.
    pub(crate) fn place(&self) -> (&str, &str) {
        let place = self.base.strip_prefix("http://").unwrap();
        place.split_at(place.find('/').unwrap_or(place.len()))
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        let Place::Here(here) = &self.place else { panic!("{ONE_MACHINE}") };
        data_dir(&here.directory)
    }

    /// Opens the database beside the server, to look at what is stored.
    pub(crate) fn database(&self) -> Connection {
        database(&self.data_dir())
    }

    /// Stops the server as a signal does.
    pub(crate) async fn stop(self) -> Stopped {
        let Place::Here(here) = self.place else { panic!("{ONE_MACHINE}") };
        let _ = here.stop.send(());
        in_time(here.running).await.unwrap().unwrap();
        Stopped { directory: here.directory, setup: here.setup }
    }
}

/// Why a story cannot go on where the system is deployed; `infra/e2e` leaves those out by name.
const ONE_MACHINE: &str = "this story is about the data of one machine";

impl Stopped {
    /// Starts a server on what was left.
    pub(crate) async fn start(self) -> TestServer {
        let Self { directory, setup } = self;
        let data = data_dir(&directory);
        let setup =
            setup.with("CHATBOT_PORT", "0").with("CHATBOT_DATA_DIR", data.to_str().unwrap());
        let app = in_time(start(&setup.environment())).await;
        let base = format!("http://{}", app.address());
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(app.run_until(async move { drop(stopped.await) }));
        TestServer { base, place: Place::Here(Here { directory, setup, stop, running }) }
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        data_dir(&self.directory)
    }

    /// Opens the database, to look at what is stored.
    pub(crate) fn database(&self) -> Connection {
        database(&self.data_dir())
    }
}

/// Tries until the last server's sockets have let go of the data: a process would have taken them
/// along.
async fn start(environment: &Environment) -> Server {
    loop {
        match Server::start(Config::from_env(environment).unwrap()).await {
            Ok(server) => return server,
            Err(error) if format!("{error:#}").contains("another process uses") => {
                yield_now().await;
            }
            Err(error) => panic!("{error:#}"),
        }
    }
}

fn data_dir(directory: &TempDir) -> PathBuf {
    directory.path().join("data")
}

fn database(data_dir: &Path) -> Connection {
    Connection::open_with_flags(data_dir.join("chatbot.db"), OpenFlags::SQLITE_OPEN_READ_ONLY)
        .unwrap()
}
