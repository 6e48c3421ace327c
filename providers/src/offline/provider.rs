//! The `offline` provider: answers without a model.

use async_trait::async_trait;
use futures::StreamExt as _;
use futures::stream;
use shared::domain::{FinishReason, ProviderName};
use shared::ports::{Finish, Model, ModelError, ModelEvent, ModelStream, Prompt, Role};
use shared::visible::without_invisible;

use super::answer::{Source, answer, answer_from};

const MODEL: &str = "offline";

/// Quotes the lines of the document, or of what was found, that match best, and says that no model was asked. For the
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

    fn cites_by_itself(&self) -> bool {
        true
    }

    async fn stream(&self, prompt: &Prompt) -> Result<ModelStream, ModelError> {
        let question = prompt.messages.iter().rfind(|message| message.role == Role::User);
        let question = question.map_or("", |message| message.text.as_str());
        let source =
            prompt.document.as_ref().map(|it| Source { title: &it.title, content: &it.content });
        let events = match (source, &prompt.found) {
            (None, Some(found)) => answer_from(&found.passages, question),
            (source, _) => {
                let text = without_invisible(&answer(source, question)).into_owned();
                let lines = text.split_inclusive('\n');
                lines.map(|line| ModelEvent::Delta(line.to_owned())).collect()
            }
        };
        let end = ModelEvent::Finished(Finish {
            reason: FinishReason::Stop,
            model: Some(MODEL.to_owned()),
        });
        Ok(stream::iter(events.into_iter().chain([end]).map(Ok)).boxed())
    }
}
