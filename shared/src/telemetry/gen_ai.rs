//! The names of OpenTelemetry's `GenAI` attributes, in one file because the conventions still move.
//!
//! Source: OpenTelemetry semantic conventions for generative AI.

use crate::domain::ProviderName;

/// What was done: always `chat`.
pub const OPERATION_NAME: &str = "gen_ai.operation.name";
/// Who answered.
pub const PROVIDER_NAME: &str = "gen_ai.provider.name";
/// The model asked for.
pub const REQUEST_MODEL: &str = "gen_ai.request.model";
/// The model that answered.
pub const RESPONSE_MODEL: &str = "gen_ai.response.model";
/// Why it ended.
pub const FINISH_REASONS: &str = "gen_ai.response.finish_reasons";
/// Input tokens, cached ones included.
pub const INPUT_TOKENS: &str = "gen_ai.usage.input_tokens";
/// Output tokens.
pub const OUTPUT_TOKENS: &str = "gen_ai.usage.output_tokens";
/// The session.
pub const CONVERSATION_ID: &str = "gen_ai.conversation.id";

/// Returns the convention's name of a provider.
pub const fn provider_name(provider: ProviderName) -> &'static str {
    match provider {
        ProviderName::Claude => "anthropic",
        ProviderName::OpenAi => "openai",
        ProviderName::Bedrock => "aws.bedrock",
        ProviderName::Offline => "offline",
    }
}
