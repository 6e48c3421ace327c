//! A real `redis-server`, as a process of its own.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use super::config::environment;

const SERVER: &str = "redis-server";
/// How often another port is tried, where somebody was faster.
const TRIES: usize = 10;

/// A running server that keeps nothing on disk; it ends with this.
pub(crate) struct RedisServer {
    child: Child,
    pub(crate) port: u16,
    settings: Vec<String>,
}

impl RedisServer {
    /// Starts one on a free port of the loopback interface, with settings as on its command line.
    ///
    /// Where it is not installed the test is skipped, but not in CI.
    pub(crate) fn start(settings: &[&str]) -> Option<Self> {
        if !installed(SERVER) {
            return None;
        }
        let settings: Vec<_> = settings.iter().map(|setting| (*setting).to_owned()).collect();
        let running = (0..TRIES).find_map(|_| {
            let port = free_port();
            Some(Self { child: run(port, &settings)?, port, settings: settings.clone() })
        });
        Some(running.expect("redis-server starts"))
    }

    /// Starts one on this port, which was free a moment ago.
    pub(crate) fn start_on(port: u16) -> Self {
        Self { child: run(port, &[]).expect("redis-server starts"), port, settings: Vec::new() }
    }

    /// Returns its address without TLS.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(crate) fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Stalls it (`STOP`), or lets it go on (`CONT`).
    pub(crate) fn signal(&self, name: &str) {
        let mut kill = Command::new("kill");
        assert!(
            kill.args([format!("-{name}"), self.child.id().to_string()])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Starts it again where it was, without what it held.
    pub(crate) fn restart(&mut self) {
        self.stop();
        self.child = run(self.port, &self.settings).expect("redis-server starts again");
    }

    /// Does a command, beside the cache.
    pub(crate) fn does<T: redis::FromRedisValue>(&self, words: &[&str]) -> T {
        let mut connection = redis::Client::open(self.url()).unwrap().get_connection().unwrap();
        redis::cmd(words[0]).arg(&words[1..]).query(&mut connection).unwrap()
    }

    /// Returns a figure of `INFO`.
    pub(crate) fn figure(&self, name: &str) -> u64 {
        let info: String = self.does(&["INFO"]);
        let line = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.unwrap().trim().parse().unwrap()
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Tells whether a program is on the path; where it is not the test is skipped, but not in CI.
pub(crate) fn installed(program: &str) -> bool {
    let mut asked = Command::new(program);
    let found = asked.arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    let ci = environment().text("CI") == Some("true");
    assert!(found || !ci, "{program} is not installed; it is in a package of that name");
    if !found {
        println!("skipped: {program} is not installed");
    }
    found
}

/// Returns a port that nobody listens on.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Runs the program until it accepts connections; `None` if it ends before that.
fn run(port: u16, settings: &[String]) -> Option<Child> {
    let mut command = Command::new(SERVER);
    command.args([
        "--port",
        &port.to_string(),
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--appendonly",
        "no",
    ]);
    command.args(["--dir", env!("CARGO_TARGET_TMPDIR")]).args(settings);
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    if lines.any(|line| line.contains("Ready to accept connections")) {
        // Its log goes on and must be read, or it would stop at a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        return Some(child);
    }
    child.wait().unwrap();
    None
}
