//! The real program as a process of its own, with every word that it says kept.

use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::watch;

use crate::support::in_time;

const PROGRAM: &str = env!("CARGO_BIN_EXE_learning-yogi-chatbot");
const SAYS_WHERE: &str = "chat at ";

/// A running program. Dropped without [`Program::stop`], it is killed.
pub(super) struct Program {
    child: Child,
    data_dir: PathBuf,
    said: watch::Receiver<String>,
    readers: Vec<JoinHandle<()>>,
}

impl Program {
    /// Starts it with no variables but these, and waits until it listens.
    pub(super) async fn start(data_dir: &Path, variables: &[(&str, String)]) -> Self {
        let mut command = Command::new(PROGRAM);
        command
            .args(["--port", "0", "--data-dir"])
            .arg(data_dir)
            .current_dir(data_dir.parent().unwrap());
        command.env_clear().envs(variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (log, said) = watch::channel(String::new());
        let log = Arc::new(log);
        let pipes: [Box<dyn Read + Send>; 2] =
            [Box::new(child.stdout.take().unwrap()), Box::new(child.stderr.take().unwrap())];
        let readers = pipes.map(|pipe| {
            let log = log.clone();
            std::thread::spawn(move || keep(pipe, &log))
        });
        let program = Self { child, data_dir: data_dir.to_owned(), said, readers: readers.into() };
        program.until_it_says(SAYS_WHERE).await;
        program
    }

    pub(super) fn base(&self) -> String {
        let said = self.said.borrow();
        let (_, place) = said.split_once(SAYS_WHERE).unwrap();
        place.split(|c: char| c == '"' || c.is_whitespace()).next().unwrap().to_owned()
    }

    pub(super) async fn until_it_says(&self, words: &str) {
        let mut said = self.said.clone();
        in_time(said.wait_for(|said| said.contains(words))).await.unwrap();
    }

    /// What every user of the machine can see of the process; `None` where the system does not show
    /// it so.
    pub(super) fn arguments(&self) -> Option<String> {
        let seen = std::fs::read(format!("/proc/{}/cmdline", self.child.id())).ok()?;
        Some(String::from_utf8_lossy(&seen).into_owned())
    }

    pub(super) fn database(&self) -> Connection {
        Connection::open(self.data_dir.join("chatbot.db")).unwrap()
    }

    /// Ends it as an operator does, and returns all that it said.
    pub(super) async fn stop(mut self) -> String {
        let sent =
            Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        // The pipes end with the process.
        let readers = std::mem::take(&mut self.readers);
        in_time(tokio::task::spawn_blocking(move || {
            for reader in readers {
                reader.join().unwrap();
            }
        }))
        .await
        .unwrap();
        assert!(self.child.wait().unwrap().success(), "{}", *self.said.borrow());
        self.said.borrow().clone()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn keep(pipe: impl Read, log: &watch::Sender<String>) {
    for line in BufReader::new(pipe).lines() {
        let line = line.unwrap();
        log.send_modify(|said| {
            said.push_str(&line);
            said.push('\n');
        });
    }
}
