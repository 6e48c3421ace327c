//! The `offline` provider: answers without a model.

use async_trait::async_trait;
use futures::StreamExt as _;
use futures::stream;
use shared::domain::{FinishReason, ProviderName};
use shared::ports::{Finish, Model, ModelError, ModelEvent, ModelStream, Prompt, Role};
use shared::visible::without_invisible;

use super::answer::{Source, answer};

const MODEL: &str = "offline";

/// Quotes the lines of the document that match best, and says that no model was asked. For the
/// one-machine server when no key is configured.
#[derive(Debug, Clone, Copy, Default)]
pub struct OfflineModel;

#[async_trait]
impl Model for OfflineModel {
    fn provider(&self) -> ProviderName {
        ProviderName::Offline
    }

    fn model(&self) -> &'static str {
        MODEL
    }

    async fn stream(&self, prompt: &Prompt) -> Result<ModelStream, ModelError> {
        let question = prompt.messages.iter().rfind(|message| message.role == Role::User);
        let question = question.map_or("", |message| message.text.as_str());
        let source =
            prompt.document.as_ref().map(|it| Source { title: &it.title, content: &it.content });
        let text = without_invisible(&answer(source, question)).into_owned();
        let pieces: Vec<_> =
            text.split_inclusive('\n').map(|line| Ok(ModelEvent::Delta(line.to_owned()))).collect();
        let end = ModelEvent::Finished(Finish {
            reason: FinishReason::Stop,
            model: Some(MODEL.to_owned()),
        });
        Ok(stream::iter(pieces).chain(stream::iter([Ok(end)])).boxed())
    }
}
