//! The programs that are compared, and what each is started with.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use flate2::Compression;
use flate2::write::DeflateEncoder;

use super::program::Program;

/// The bare function.
pub(super) const FLOOR: &str = "bare function";
/// The Python function.
pub(super) const PEER: &str = "Python function";
const FUNCTIONS: [&str; 3] = ["ingress", "worker", "notifier"];

/// What the functions read; every address leads nowhere, since a start calls nobody.
const VARIABLES: [(&str, &str); 16] = [
    ("CHATBOT_STAGE", "bench"),
    ("CHATBOT_TABLE", "chatbot-sessions"),
    ("CHATBOT_LOG", "info"),
    ("CHATBOT_LOG_FORMAT", "json"),
    ("CHATBOT_REQUESTS_QUEUE_URL", "http://127.0.0.1:9/123456789012/requests.fifo"),
    ("CHATBOT_REPLIES_QUEUE_URL", "http://127.0.0.1:9/123456789012/replies.fifo"),
    ("CHATBOT_SIGNING_SECRET", "arn:aws:secretsmanager:us-east-1:123456789012:secret:signing"),
    ("CHATBOT_API_KEYS_SECRET", "arn:aws:secretsmanager:us-east-1:123456789012:secret:keys"),
    ("CHATBOT_PROVIDER_PREFERENCE_PARAMETER", "/learning-yogi/chatbot/provider-preference"),
    ("CHATBOT_CONNECTIONS_URL", "http://127.0.0.1:9/bench"),
    ("CHATBOT_WEBSOCKET_URL", "ws://127.0.0.1:9/bench"),
    ("CHATBOT_EVENT_BUS", "learning-yogi-chatbot"),
    ("CHATBOT_AUTH_MODE", "NONE"),
    ("CHATBOT_ALLOW_ANONYMOUS", "true"),
    ("CHATBOT_DAILY_BUDGET_USD", "5"),
    ("CHATBOT_ALLOWED_ORIGINS", "https://app.example.com"),
];
const PEER_VARIABLES: [(&str, &str); 4] = [
    ("ANTHROPIC_API_KEY", "bench"),
    ("OPENAI_API_KEY", "bench"),
    ("CHATBOT_CLAUDE_MODEL", "claude-haiku-5-5"),
    ("CHATBOT_OPENAI_MODEL", "gpt-6-luna"),
];

/// Returns one of our functions, with every variable that it reads; its services are where nobody
/// listens.
pub fn function(name: &'static str, path: impl Into<PathBuf>) -> Program {
    let variables = VARIABLES.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    Program { name, path: path.into(), arguments: Vec::new(), variables }
}

/// Tells whether a program is one of ours.
pub(super) fn is_function(name: &str) -> bool {
    FUNCTIONS.contains(&name)
}

/// Returns the programs: ours, the floor, and the peer where there is a Python for it.
pub(super) fn programs(folder: &Path, python: Option<&Path>) -> Vec<Program> {
    let own = |variables: &[(&'static str, &str)]| {
        variables.iter().map(|(n, v)| (*n, (*v).to_owned())).collect()
    };
    let mut programs: Vec<Program> = FUNCTIONS.map(|name| function(name, folder.join(name))).into();
    let path = folder.join("examples/bare");
    programs.push(Program { name: FLOOR, path, arguments: Vec::new(), variables: Vec::new() });
    if let Some(python) = python {
        let arguments = vec![concat!(env!("CARGO_MANIFEST_DIR"), "/peer/run.py").to_owned()];
        let variables = own(&PEER_VARIABLES);
        programs.push(Program { name: PEER, path: python.to_owned(), arguments, variables });
    }
    programs
}

/// Returns the bytes of a program in a zip file, its few headers apart.
pub(super) fn zipped(path: &Path) -> anyhow::Result<f64> {
    let program =
        std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&program)?;
    let bytes = u32::try_from(encoder.finish()?.len())?;
    Ok(f64::from(bytes))
}
