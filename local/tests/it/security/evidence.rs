//! What was left behind, and what must not be in it.

use std::path::Path;

use rusqlite::Connection;
use serde_json::Value;

/// Everything that a story left behind.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    pub(super) logs: String,
    pub(super) errors: Vec<String>,
    pub(super) events: Vec<String>,
    /// The bodies on the queues, dead letters included, but not what the test itself made
    /// unreadable.
    pub(super) bodies: Vec<String>,
    pub(super) arguments: Option<String>,
    /// The files of the data directory but the one with the signing keys, as text.
    pub(super) files: Vec<String>,
}

/// What must not be found.
pub(super) struct Secrets {
    /// The providers' keys.
    keys: Vec<String>,
    /// Texts of users and documents; they may be in files only.
    texts: Vec<String>,
    /// Session tokens and tickets.
    pub(super) passes: Vec<String>,
    signing_keys: Vec<String>,
}

impl Evidence {
    /// Reads events, queues and files once the program has ended.
    pub(super) fn read(&mut self, data_dir: &Path) {
        let database = Connection::open(data_dir.join("chatbot.db")).unwrap();
        self.events = column(&database, "SELECT detail FROM events");
        let bodies =
            "SELECT body FROM messages WHERE body <> '' AND message_group NOT LIKE 'poison-_'";
        self.bodies = column(&database, bodies);
        let files = std::fs::read_dir(data_dir).unwrap().map(|entry| entry.unwrap().path());
        let others = files.filter(|path| path.file_name().unwrap() != "signing-keys.json");
        self.files = others
            .map(|path| String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned())
            .collect();
    }
}

impl Secrets {
    pub(super) fn new<const K: usize, const T: usize>(keys: [&str; K], texts: [&str; T]) -> Self {
        let owned = |all: &[&str]| all.iter().map(|&one| one.to_owned()).collect();
        Self {
            keys: owned(&keys),
            texts: owned(&texts),
            passes: Vec::new(),
            signing_keys: Vec::new(),
        }
    }

    pub(super) fn read_signing_keys(&mut self, data_dir: &Path) {
        let stored = std::fs::read_to_string(data_dir.join("signing-keys.json")).unwrap();
        let stored: Vec<Value> = serde_json::from_str(&stored).unwrap();
        self.signing_keys =
            stored.iter().map(|key| key["key"].as_str().unwrap().to_owned()).collect();
        assert!(!self.signing_keys.is_empty());
    }

    /// Searches everything for everything that must not be there.
    pub(super) fn check_absent_from(&self, found: &Evidence) {
        let told = [&found.logs]
            .into_iter()
            .chain(&found.errors)
            .chain(&found.events)
            .chain(&found.bodies);
        let told: Vec<&String> = told.chain(&found.arguments).collect();
        let everywhere: Vec<&String> = told.iter().copied().chain(&found.files).collect();
        for secret in self.keys.iter().chain(&self.passes).chain(&self.signing_keys) {
            check(secret, &everywhere);
            // A pass without its last part, or that part alone, is no text for a log either.
            check(secret.rsplit('.').next().unwrap(), &told);
        }
        self.texts.iter().for_each(|text| check(text, &told));
    }
}

#[track_caller]
fn check(secret: &str, places: &[&String]) {
    for place in places {
        if let Some(at) = place.find(secret) {
            let around = place[..at].rfind('\n').map_or(0, |line| line + 1);
            let line = place[around..].lines().next().unwrap_or_default();
            panic!("{secret} was found: {}", line.chars().take(600).collect::<String>());
        }
    }
}

fn column(database: &Connection, query: &str) -> Vec<String> {
    let mut statement = database.prepare(query).unwrap();
    statement.query_map((), |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}
