//! `moto`, a stand-in for the services, as a process of its own.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::config::environment;

/// Where `cargo xtask test` installs it.
const SERVER: &str = "../target/tools/venv/bin/moto_server";

/// A running `moto`; it ends with this.
pub(crate) struct Moto {
    child: Child,
    pub(crate) url: String,
}

impl Moto {
    /// Starts it on a free port of the loopback interface.
    ///
    /// Where it is not installed the test is skipped, but not in CI.
    pub(crate) fn start() -> Option<Self> {
        let server = Path::new(env!("CARGO_MANIFEST_DIR")).join(SERVER);
        if !server.exists() {
            let ci = environment().text("CI") == Some("true");
            assert!(!ci, "moto is not installed; `cargo xtask test` installs it");
            println!("skipped: moto is not installed; `cargo xtask test` installs it");
            return None;
        }
        let mut command = Command::new(server);
        command
            .args(["--host", "127.0.0.1", "--port", "0"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let url = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| address(&line))
            .expect("moto says where it listens");
        // Its log goes on and must be read, or it would stop at a full pipe.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Some(Self { child, url })
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads the address in a line such as ` * Running on http://127.0.0.1:40000`.
fn address(line: &str) -> Option<String> {
    let (_, address) = line.split_once("Running on ")?;
    address.split_whitespace().next().map(|address| address.trim_end_matches('/').to_owned())
}
