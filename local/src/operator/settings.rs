//! The effective settings that are no secret.

use serde_json::{Value, json};

use crate::config::Config;

/// Returns them by the names of their variables, and which keys are set.
pub fn settings(config: &Config) -> Value {
    let claude = config.claude.as_ref().map(|(settings, _)| settings);
    let openai = config.openai.as_ref().map(|(settings, _)| settings);
    let key = |set: bool| Value::Bool(set);
    json!({
        "CHATBOT_HOST": config.host.to_string(),
        "CHATBOT_PORT": config.port,
        "CHATBOT_DATA_DIR": config.data_dir.display().to_string(),
        "CHATBOT_DOCUMENTS": config.documents.as_ref().map(|path| path.display().to_string()),
        "CHATBOT_WORKER_CONCURRENCY": config.worker_concurrency,
        "CHATBOT_SHUTDOWN_SECONDS": config.shutdown.as_secs(),
        "CHATBOT_LOG": config.log_filter,
        "CHATBOT_ANALYTICS_TEXT": config.texts == shared::analytics::Texts::Included,
        "CHATBOT_CLAUDE_MODEL": claude.map(|settings| &settings.model),
        "CHATBOT_OPENAI_MODEL": openai.map(|settings| &settings.model),
        "keys": {
            "ANTHROPIC_API_KEY": key(claude.is_some()),
            "OPENAI_API_KEY": key(config.openai.as_ref().is_some_and(|(_, key)| key.is_some())),
        },
    })
}
