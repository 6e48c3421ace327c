//! The prompt of a question that stands alone, for whoever asks a provider without the queue.

use shared::domain::{ContextUse, DocumentId, MessageText, Principal};
use shared::ports::Prompt;

use super::Parts;
use crate::context::{Looked, look_up};
use crate::error::WorkerError;
use crate::handler::Worker;

impl Worker {
    /// Writes the prompt that a session's first message is answered with, and says what became of
    /// its document.
    ///
    /// The document is read on behalf of the principal, as for a turn. The session never goes on,
    /// so the provider is not asked to keep the conversation.
    pub async fn first_prompt(
        &self,
        reader: &Principal,
        message: &MessageText,
        document: Option<&DocumentId>,
    ) -> Result<(Prompt, ContextUse), WorkerError> {
        let Looked { document, context } = look_up(self, document, reader).await;
        let parts = Parts { document, context, ..Parts::first(reader, message.as_str()) };
        Ok((parts.prompt(&self.template, &self.config)?, context))
    }
}
