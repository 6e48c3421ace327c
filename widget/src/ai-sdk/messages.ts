/** Messages in the form of the AI SDK. */
import type { SourceDocumentUIPart, SourceUrlUIPart, UIMessage } from 'ai';
import { webAddress } from '../core/web-address.js';
import type { TokenUsage, TurnStatus, TurnView } from '../core/types.js';

/** What is known about a reply besides its text. */
export interface ChatbotMetadata {
  readonly turn?: number;
  readonly finishReason?: string;
  readonly provider?: string;
  readonly model?: string;
  readonly usage?: TokenUsage;
  readonly costMicroUsd?: number;
}

/** A message of the chatbot. */
export type ChatbotUIMessage = UIMessage<ChatbotMetadata, { status: TurnStatus }>;

/** Returns the metadata of a final reply. */
export function metadataOf({
  turn,
  finishReason,
  provider,
  model,
  usage,
  costMicroUsd,
}: TurnView): ChatbotMetadata {
  const known = Object.entries({ turn, finishReason, provider, model, usage, costMicroUsd });
  return Object.fromEntries(known.filter(([, value]) => value !== null));
}

/**
 * Returns the sources that the marks of a final reply refer to; `sourceId` is the number in them.
 *
 * A document that is published somewhere is a `source-url`, any other a `source-document`. The
 * citations are in `providerMetadata.chatbot.citations`.
 */
export function sourcesOf({
  citations,
}: TurnView): readonly (SourceUrlUIPart | SourceDocumentUIPart)[] {
  const numbers = [...new Set(citations.map(({ number }) => number))];
  return numbers.map((number) => {
    const own = citations.filter((citation) => citation.number === number);
    const { documentId, title, sourceUrl } = own[0]!;
    const url = webAddress(sourceUrl);
    const about = {
      sourceId: String(number),
      title: title || documentId,
      providerMetadata: { chatbot: { citations: own.map((citation) => ({ ...citation })) } },
    };
    return url === null
      ? { type: 'source-document', mediaType: 'text/plain', ...about }
      : { type: 'source-url', url, ...about };
  });
}

/** Returns the id of the reply to a turn, which does not change with a restart. */
export function uiReplyId({ messageId }: TurnView): string {
  return `${messageId}.reply`;
}

/** Returns the text of a message. The server accepts text only; other parts are left out. */
export function textOf({ parts }: Pick<ChatbotUIMessage, 'parts'>): string {
  return parts.map((part) => (part.type === 'text' ? part.text : '')).join('');
}

/** Converts turns to messages, leaving out replies that are not final. */
export function toUIMessages(turns: readonly TurnView[]): ChatbotUIMessage[] {
  return turns.flatMap((turn): ChatbotUIMessage[] => {
    const { messageId, message } = turn;
    const asked: ChatbotUIMessage[] =
      message === null
        ? []
        : [{ id: messageId, role: 'user', parts: [{ type: 'text', text: message }] }];
    return turn.state === 'done' && turn.text !== '' ? [...asked, reply(turn)] : asked;
  });
}

function reply(turn: TurnView): ChatbotUIMessage {
  const id = uiReplyId(turn);
  const text = { type: 'text', text: turn.text, state: 'done' } as const;
  return {
    id,
    role: 'assistant',
    metadata: metadataOf(turn),
    parts: [{ type: 'step-start' }, text, ...sourcesOf(turn)],
  };
}
